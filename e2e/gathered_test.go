package e2e

import (
	"net/url"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/testdb"
)

// TestTokensAndReadsAreRecorded, at the latest when the process ends: one entry for all of a kind.
func TestTokensAndReadsAreRecorded(t *testing.T) {
	t.Parallel()
	for _, engine := range testdb.Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			s := serve(t, testdb.Config(t, engine), "")
			ada := browserAt(t, s.publicURL)
			ada.signIn("/", "ada@acme.test")
			for range 3 {
				ada.open("/organisations")
				ada.open("/history?user=" + url.QueryEscape("nobody & co"))
				ada.open("/history?page=2&user=" + url.QueryEscape("nobody & co"))
				ada.call("GET", "/api/history/v1?page=0&pageSize=5&showSystemHistory=true", nil, nil)
			}
			if body := ada.open("/history").body; strings.Contains(body, "Tokens issued</a>") || strings.Contains(body, "History read</a>") {
				t.Error("expected them to be gathered first")
			}
			s.interrupt(t)
			s.running = s.start(t)
			ada = browserAt(t, s.publicURL)
			ada.signIn("/", "ada@acme.test")
			page := ada.open("/history?user=" + url.QueryEscape("ada@acme.test"))
			page.mustContain(t, "Tokens issued", "History read")
			var list struct {
				Values []struct{ ID, Action, EntityType, EntityID string }
			}
			ada.call("GET", "/api/history/v1?actions%5B%5D=REQUESTED&actions%5B%5D=ISSUED&showSystemHistory=true", nil, &list)
			counts, sessions := map[string]int{}, 0
			for _, e := range list.Values {
				var entry struct {
					Metadata struct {
						Count        int
						Read, Filter string
					}
				}
				ada.call("GET", "/api/history/v1/"+e.ID, nil, &entry)
				m := entry.Metadata
				counts[e.Action+" "+e.EntityType+" "+m.Read+" "+m.Filter] += m.Count
				if e.Action == "ISSUED" && e.EntityID != "" {
					sessions++
				}
			}
			if sessions != 1 {
				t.Errorf("got tokens of %d sessions in %v", sessions, list.Values)
			}
			for key, want := range map[string]int{
				"REQUESTED USER Desk: history user=nobody+%26+co":           6,
				"REQUESTED USER Desk: history ":                             1,
				"REQUESTED USER GET /api/history/v1 showSystemHistory=true": 3,
				"ISSUED STS_TOKEN  ":                                        2, // of the session, and of the Desk itself
			} {
				if counts[key] != want {
					t.Errorf("%s: got %d, want %d in %v", key, counts[key], want, counts)
				}
			}
		})
	}
}
