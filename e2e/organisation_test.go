package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

type refusal struct {
	Code, Reference string
	Cause           struct{ Message string }
}

// TestNT32_ValidElsewhere: Otto may audit in one organisation. In the other he may nothing, and is told under a
// reference that his administrator can open.
func TestNT32_ValidElsewhere(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		p := start(t, nil)
		s := seeded(t, p)
		audit := s.ada.create("/api/sts/role/v1", map[string]any{"name": "Auditor", "permissions": []string{"HISTORY_LIST", "HISTORY_DETAIL"}})
		s.ada.mayEverywhere("Acme Audit", audit, s.acme.ID)
		otto := p.browser()
		otto.signIn("/", "otto@acme.test").mustContain(t, "Otto Auditor", "Acme")

		mustStatus(t, otto.in(s.acme.ID, "GET", "/api/history/v1"), http.StatusOK)
		req := otto.request("GET", "/api/history/v1", nil)
		req.Header.Set("X-Organisation-Id", s.other.ID)
		got := otto.do(req)
		mustStatus(t, got, http.StatusForbidden)
		var why refusal
		decode(t, got, &why)
		if why.Code != "BR_0178" || why.Reference == "" {
			t.Fatalf("expected a refusal with a reference, got %s", got.body)
		}
		entry := s.ada.open("/history/" + why.Reference)
		entry.mustContain(t, "GET /api/history/v1", "HISTORY_LIST", "Other", "Acme Audit")

		for organisation, status := range map[string]int{
			acmeID: 403, "7": 400, strings.ToUpper(s.acme.ID): 200, "{" + s.acme.ID + "}": 400, s.acme.ID + "," + s.other.ID: 400, " ": 400,
		} {
			if got := otto.in(organisation, "GET", "/api/history/v1"); got.status != status {
				t.Errorf("organisation %q: expected %d, got %d %s", organisation, status, got.status, got.body)
			}
		}
		// Nor by a header that comes twice.
		req = otto.request("GET", "/api/history/v1", nil)
		req.Header["X-Organisation-Id"] = []string{s.acme.ID, s.other.ID}
		mustStatus(t, otto.do(req), http.StatusBadRequest)
	})
}

// TestChoosingAnOrganisation by header, by the API and in the Desk. Each choice gives the session another id.
func TestChoosingAnOrganisation(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		p := start(t, nil)
		s := seeded(t, p)
		reader := s.ada.create("/api/sts/role/v1", map[string]any{"name": "Reader", "permissions": []string{"HISTORY_LIST"}})
		s.ada.mayEverywhere("Acme Verification", reader, s.acme.ID, s.other.ID)
		vera := p.browser()
		vera.signIn("/", "vera@acme.test").mustContain(t, "Acme", "Other")

		var why refusal
		got := vera.call("GET", "/api/history/v1", nil, &why)
		if got.status != http.StatusBadRequest || why.Code != "BR_0290" || !strings.Contains(why.Cause.Message, "x-organisation-id") {
			t.Errorf("expected to be asked for an organisation, got %d %s", got.status, got.body)
		}
		mustStatus(t, vera.in(s.other.ID, "GET", "/api/history/v1"), http.StatusOK)

		active := func() string {
			var me struct{ ActiveOrganisationID string }
			vera.call("GET", "/api/user/v1/me", nil, &me)
			return me.ActiveOrganisationID
		}
		before := vera.cookie(sessionCookie)
		mustStatus(t, vera.call("PUT", "/api/user/v1/active-organisation", map[string]any{"organisationId": s.acme.ID}, nil), http.StatusNoContent)
		mustStatus(t, vera.call("GET", "/api/history/v1", nil, nil), http.StatusOK)
		after := vera.cookie(sessionCookie)
		if after == before || active() != s.acme.ID {
			t.Errorf("NT22: expected another session id and Acme, got %q", active())
		}
		// Requests under way with the old id are answered; a moment later it is nothing, and never leads to the new one.
		late := vera.stolen(before)
		mustStatus(t, late.call("GET", "/api/user/v1/me", nil, nil), http.StatusOK)
		if late.cookie(sessionCookie) == after {
			t.Error("NT22: the old session id was exchanged for the new one")
		}
		p.advance(2 * time.Minute)
		mustStatus(t, vera.stolen(before).call("GET", "/api/user/v1/me", nil, nil), http.StatusUnauthorized)
		mustStatus(t, vera.call("GET", "/api/user/v1/me", nil, nil), http.StatusOK)

		// The Desk's switch.
		page := vera.submit("/session/organisation", url.Values{"organisation": {s.other.ID}, "return": {"/history"}})
		if page.status != http.StatusOK || page.url.Path != "/history" || active() != s.other.ID || vera.cookie(sessionCookie) == after {
			t.Errorf("expected to work in Other now, at /history, got %d at %s", page.status, page.url)
		}
		for what, want := range map[string]struct {
			values url.Values
			status int
		}{
			"not an id":                {url.Values{"organisation": {"7"}}, http.StatusBadRequest},
			"nothing":                  {nil, http.StatusBadRequest},
			"an unknown organisation":  {url.Values{"organisation": {acmeID}}, http.StatusBadRequest},
			"NT18 a return to another": {url.Values{"organisation": {s.acme.ID}, "return": {"//evil.test"}}, http.StatusOK},
		} {
			if got := vera.submit("/session/organisation", want.values); got.status != want.status || !strings.HasPrefix(got.url.String(), p.Info.PublicURL) {
				t.Errorf("%s: expected %d, got %d at %s", what, want.status, got.status, got.url)
			}
		}
	})
}

// TestDeactivatedInTheDesk: nobody works there any more; typing the name is asked for; and all is back afterwards.
func TestDeactivatedInTheDesk(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		p := start(t, nil)
		s := seeded(t, p)
		ivan := p.browser()
		ivan.signIn("/", "ivan@acme.test").mustContain(t, "Issue credentials")
		path := "/organisations/" + s.acme.ID
		s.ada.open(path+"/deactivate").mustContain(t, "Deactivate organisation", "1 IAM role")
		if got := s.ada.submit(path+"/deactivate", url.Values{"confirm": {"acme"}}); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, "This is not the name") {
			t.Errorf("expected to be asked again, got %d", got.status)
		}
		mustStatus(t, ivan.call("GET", "/api/history/v1", nil, nil), http.StatusOK)
		s.ada.next(s.ada.open(path+"/deactivate"), "confirm", "confirm", "Acme").mustContain(t, "The organisation is deactivated.")
		mustStatus(t, ivan.in(s.acme.ID, "GET", "/api/history/v1"), http.StatusForbidden)
		ivan.open("/").mustContain(t, "may be deactivated")
		s.ada.next(s.ada.open(path+"/reactivate"), "confirm").mustContain(t, "The organisation is active again.")
		mustStatus(t, ivan.in(s.acme.ID, "GET", "/api/history/v1"), http.StatusOK)
		ivan.open("/").mustContain(t, "Issue credentials")
	})
}
