package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestAccessEnds to the second, is refused with the reason, recorded once, and can be prolonged: in the Desk and by the API.
func TestAccessEnds(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		p := start(t, nil)
		s := seeded(t, p)
		now := time.Now().UTC()
		address := "/api/sts/iam-role/v1/" + s.access.ID
		for name, body := range map[string]map[string]any{
			"the past":               {"ends": map[string]string{s.acme.ID: now.Add(-time.Hour).Format(time.RFC3339)}},
			"too far":                {"ends": map[string]string{s.acme.ID: now.AddDate(11, 0, 0).Format(time.RFC3339)}},
			"no time":                {"ends": map[string]string{s.acme.ID: "tomorrow"}},
			"fractions":              {"ends": map[string]string{s.acme.ID: now.Add(time.Hour).Format("2006-01-02T15:04:05.5Z07:00")}},
			"an end of nothing":      {"ends": map[string]string{s.other.ID: now.Add(time.Hour).Format(time.RFC3339)}},
			"an end of no roles":     {"systemEnd": now.Add(time.Hour).Format(time.RFC3339)},
			"an organisation's name": {"ends": map[string]string{"Acme": now.Add(time.Hour).Format(time.RFC3339)}},
		} {
			if got := s.ada.call("PATCH", address, body, nil); got.status != http.StatusBadRequest {
				t.Errorf("%s: %d %s", name, got.status, got.body)
			}
		}

		// In the Desk: the form keeps what is wrong, and the review says what ends.
		page := s.ada.next(s.ada.open("/access/"+s.access.ID+"/edit"), "next", "endAt", "2001-01-01T00:00")
		mustStatus(t, page, http.StatusUnprocessableEntity)
		page.mustContain(t, "This is in the past.", `value="2001-01-01T00:00"`)
		end := now.Add(20 * time.Minute).Truncate(time.Minute)
		page = s.ada.next(page, "next", "endAt", end.Format("2006-01-02T15:04"))
		page.mustContain(t, "the end in Acme on "+end.Format("2006-01-02 15:04:05 UTC"), "When it ends on", "Loses")
		s.ada.next(page, "save").mustContain(t, "ends in")
		s.ada.open("/access").mustContain(t, "ends in")
		s.ada.open("/").mustContain(t, "Access that ends")
		var row struct{ Ends map[string]time.Time }
		if s.ada.call("GET", address, nil, &row); !row.Ends[s.acme.ID].Equal(end) {
			t.Errorf("the API says %v", row)
		}

		ivan := p.browser()
		ivan.signIn("/", "ivan@acme.test")
		mustStatus(t, ivan.in(s.acme.ID, "GET", "/api/history/v1"), http.StatusOK)
		p.advance(time.Until(end) - time.Second)
		p.advance(2 * time.Second)
		refused := ivan.in(s.acme.ID, "GET", "/api/history/v1")
		mustStatus(t, refused, http.StatusForbidden)
		refused.mustContain(t, "ended on "+end.Format("2006-01-02 15:04 UTC"))
		s.ada.open("/access/"+s.access.ID).mustContain(t, "ended")

		eventually(t, "the end is recorded", func() bool {
			return strings.Contains(s.ada.open("/history?entityId="+s.access.ID+"&action=DEACTIVATED").body, "portico: its end came")
		})

		why := s.ada.call("POST", "/api/sts/explain/v1", map[string]any{"iamRoles": []string{"Acme Issuance"}, "permission": "HISTORY_LIST", "organisationId": s.acme.ID}, nil)
		why.mustContain(t, `"ENDED"`, `"PROLONG"`)
		mustStatus(t, s.ada.call("PATCH", address, map[string]any{"ends": map[string]string{}}, nil), http.StatusNoContent)
		mustStatus(t, ivan.in(s.acme.ID, "GET", "/api/history/v1"), http.StatusOK)
	})
}
