package e2e

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/config"
)

// calling signs somebody in with a browser that calls itself so.
func (p *portico) calling(agent, login string) {
	b := p.browser()
	b.client.Transport = called(agent)
	b.signIn("/", login)
}

var entryLink = regexp.MustCompile(`href="(/history/[0-9a-f-]{36})"`)

type called string

func (c called) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Header.Set("User-Agent", string(c))
	return http.DefaultTransport.RoundTrip(r)
}

// TestWhereASessionComesFrom: address and browser stand at the session and in the history; the address only if it is to.
func TestWhereASessionComesFrom(t *testing.T) {
	for rule, records := range map[string]bool{"recorded": true, "not recorded": false} {
		t.Run(rule, func(t *testing.T) {
			p := start(t, func(c *config.Config) { c.Gateway.Session.RecordAddress = records })
			p.calling(`Mozilla/5.0 (Windows NT 10.0; rv:141.0) Gecko/20100101 Firefox/141.0 <b>canary`, "ivan@acme.test")
			ada := p.browser()
			ada.signIn("/", "ada@acme.test")
			page := ada.open(personPage(p, "ivan@acme.test"))
			page.mustContain(t, "Firefox on Windows")
			var sessions struct {
				Values []struct {
					ID   string            `json:"id"`
					From map[string]string `json:"from"`
				} `json:"values"`
			}
			decode(t, ada.call("GET", "/api/sts/session/v1?subject=ivan%40acme.test&issuer="+p.Info.Issuer, nil, nil), &sessions)
			if len(sessions.Values) != 1 || sessions.Values[0].From["browser"] != "Firefox" || (sessions.Values[0].From["address"] != "") != records {
				t.Fatalf("got %+v", sessions)
			}
			link := entryLink.FindStringSubmatch(ada.open("/history?entity=" + sessions.Values[0].ID).body)
			if link == nil {
				t.Fatal("the sign-in is not in the history")
			}
			entry := ada.open(link[1])
			entry.mustContain(t, "Firefox", "Windows")
			for what, body := range map[string]string{"page": page.body, "entry": entry.body} {
				if strings.Contains(body, "127.0.0.1</code>") != records && strings.Contains(body, "<bdi>127.0.0.1</bdi>") != records || strings.Contains(body, "canary") {
					t.Errorf("%s: an address is shown that is not to be, or none, or the browser's own words", what)
				}
			}
		})
	}
}
