package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

// personPage is the address of somebody's page in the Desk.
func personPage(p *portico, subject string) string {
	return "/people/person?" + url.Values{"issuer": {p.Info.Issuer}, "subject": {subject}}.Encode()
}

// TestNT29_RevocationIsFelt ends what Ivan holds, in each of the ways: his sessions, his access token, and what was made
// of it.
func TestNT29_RevocationIsFelt(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		w := newExchangeWorld(t, start)
		person := map[string]any{"person": map[string]any{"issuer": w.Info.Issuer, "subject": "ivan@acme.test"}}
		for rule, c := range map[string]struct {
			body             map[string]any
			token, elsewhere bool // his access token counts afterwards: at all, in another organisation
			adaStays         bool
		}{
			"a person":        {body: person, adaStays: true},
			"an organisation": {body: map[string]any{"organisationId": w.organisation}, token: true, elsewhere: true, adaStays: true},
			"everything":      {body: map[string]any{"everything": true}},
		} {
			ada, ivan := w.browser(), w.browser()
			ada.signIn("/", "ada@acme.test")
			ivan.signIn("/", "ivan@acme.test")
			token := w.userToken("ivan@acme.test")
			app, err := w.exchanged("acme-cli", token, "organisation_id", w.organisation, "audience", wrprAudience)
			if err != nil {
				t.Fatal(err)
			}
			mustStatus(t, ivan.in(w.organisation, "GET", "/api/history/v1"), http.StatusForbidden) // he is known there
			var ended struct {
				SessionsEnded      int
				AppTokensUntilDate time.Time
			}
			mustStatus(t, ada.call("POST", "/api/sts/revocation/v1", c.body, &ended), http.StatusOK)
			if ended.SessionsEnded < 1 || time.Until(ended.AppTokensUntilDate)-time.Duration(w.late.Load()) > 6*time.Minute {
				t.Errorf("%s: got %+v", rule, ended)
			}
			if got := ivan.call("GET", "/api/user/v1/me", nil, nil); got.status != http.StatusUnauthorized {
				t.Errorf("%s: his session lives: %d", rule, got.status)
			}
			if got := w.bearer("GET", "/api/user/v1/me", token).status; (got == http.StatusOK) != c.token {
				t.Errorf("%s: his access token: %d", rule, got)
			}
			if _, err := w.exchanged("acme-cli", token, "organisation_id", w.organisation); err == nil {
				t.Errorf("%s: his access token is exchanged there", rule)
			}
			if _, err := w.exchanged("acme-cli", token, "organisation_id", w.other); (err == nil) != c.elsewhere {
				t.Errorf("%s: elsewhere: %v", rule, err)
			}
			if _, err := w.exchanged("acme-cli", app.AccessToken); err == nil {
				t.Errorf("%s: an app token of before is exchanged", rule)
			}
			if _, err := w.exchanged("acme-wrpr", app.AccessToken, "actor_token", serviceToken(t, w.portico, 1), "actor_token_type", typeAccess); err == nil {
				t.Errorf("%s: an app token of before is delegated", rule)
			}
			if got := ada.call("GET", "/api/user/v1/me", nil, nil); (got.status == http.StatusOK) != c.adaStays {
				t.Errorf("%s: Ada: %d", rule, got.status)
			}
			w.advance(2 * time.Minute) // past what the provider's clock may be ahead
			again := w.userToken("ivan@acme.test")
			if _, err := w.exchanged("acme-cli", again, "organisation_id", w.organisation); err != nil {
				t.Errorf("%s: signed in anew: %v", rule, err)
			}
			ivan.open("/").mustContain(t, "Ivan Issuer") // Okta knows him still
		}
	})
}

// TestRevocationInTheDesk goes the administrator's way.
func TestRevocationInTheDesk(t *testing.T) {
	p := start(t, nil)
	ada, ivan, phone := p.browser(), p.browser(), p.browser()
	ada.signIn("/", "ada@acme.test")
	ivan.signIn("/", "ivan@acme.test")
	phone.signIn("/", "ivan@acme.test")
	ada.open("/people").mustContain(t, "Ivan Issuer", "2 sessions", "Ada Admin", "Sign everybody out")
	ada.open("/people?q=issuance").mustContain(t, "Ivan Issuer")
	page := personPage(p, "ivan@acme.test")
	detail := ada.open(page)
	detail.mustContain(t, "ivan@acme.test", "Acme Issuance", "not mapped", "Sign out everywhere", "Nothing")

	end := detail.body[strings.Index(detail.body, "/people/session/"):]
	end = end[:strings.IndexByte(end, '"')]
	ada.open(end).mustContain(t, "End session", "expire within 5 minutes", "Other sessions of this person go on")
	mustStatus(t, ada.submit(end, url.Values{"do": {"confirm"}}), http.StatusOK)
	ada.open(page).mustContain(t, ">1</span>")
	mustStatus(t, ada.open(end), http.StatusNotFound)

	revoke := "/people/person/revoke" + page[strings.IndexByte(page, '?'):]
	ada.open(revoke).mustContain(t, "Ends 1 session", "can sign in again at once")
	ada.submit(revoke, url.Values{"do": {"confirm"}}).mustContain(t, "Done. What is already with Core")
	for name, b := range map[string]*browser{"his browser": ivan, "his phone": phone} {
		mustStatus(t, b.call("GET", "/api/user/v1/me", nil, nil), http.StatusUnauthorized)
		_ = name
	}
	ada.open(page).mustContain(t, "Not signed in")
	ada.open("/history?type=STS_SESSION&action=REVOKED").mustContain(t, "Ivan Issuer", "ada@acme.test")

	mustStatus(t, ada.submit("/people/revoke", url.Values{"do": {"confirm"}, "confirm": {"Everybody"}}), http.StatusUnprocessableEntity)
	mustStatus(t, ada.call("GET", "/api/user/v1/me", nil, nil), http.StatusOK)
	ada.submit("/people/revoke", url.Values{"do": {"confirm"}, "confirm": {"everybody"}})
	ada.open("/people").mustContain(t, "Ada Admin", "1 session") // by Okta's session, anew
	for _, path := range []string{"/people", page, revoke, "/people/revoke"} {
		mustStatus(t, ivan.open(path), http.StatusForbidden)
	}
}

// TestNT29_RevocationReachesEveryReplica runs two on one PostgreSQL.
func TestNT29_RevocationReachesEveryReplica(t *testing.T) {
	s := serve(t, testdb.Config(t, store.Postgres), "")
	other, own := s.beside(t)

	ada, ivan := browserAt(t, s.publicURL), browserAt(t, s.publicURL)
	ada.signIn("/", "ada@acme.test")
	ivan.signIn("/", "ivan@acme.test")
	there := func() int { return ivan.call("GET", "http://"+own+"/api/user/v1/me", nil, nil).status }
	if got := there(); got != http.StatusOK {
		t.Fatalf("the other one does not know the session: %d", got)
	}
	mustStatus(t, ada.call("POST", "/api/sts/revocation/v1", map[string]any{"person": map[string]any{"issuer": s.okta.world.Issuer, "subject": "ivan@acme.test"}}, nil), http.StatusOK)
	began := time.Now()
	for there() == http.StatusOK {
		if time.Since(began) > 10*time.Second {
			t.Fatal("the other one lets him in")
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Logf("the other replica knew after %s", time.Since(began).Round(time.Millisecond))
	other.interrupt(t)
	s.interrupt(t)
}
