package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// stepUpWorld maps a role that requires a sign-in of that kind to whoever verifies, in the whole system.
func stepUpWorld(t *testing.T, start starter, signIn map[string]any) (p *portico, ada, vera *browser) {
	t.Helper()
	p = start(t, nil)
	ada, vera = p.browser(), p.browser()
	ada.signIn("/", "ada@acme.test")
	role := ada.create("/api/sts/role/v1", map[string]any{
		"name": "Careful administrator", "permissions": []string{"STS_ROLE_LIST", "STS_ROLE_DETAIL", "STS_ROLE_CREATE"}, "signIn": signIn,
	})
	ada.create("/api/sts/iam-role/v1", map[string]any{"name": "Acme Verification", "systemRoles": []string{role}})
	vera.signIn("/", "vera@acme.test")
	return p, ada, vera
}

// TestAPageThatTakesAFresherSignIn: who signed in too long ago goes over Okta, and comes back to the same page with access; the API
// says what it takes (RFC 9470 section 3).
func TestAPageThatTakesAFresherSignIn(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		p, _, vera := stepUpWorld(t, start, map[string]any{"maxAge": 60})
		mustStatus(t, vera.open("/roles"), http.StatusOK)
		p.advance(70 * time.Second)

		refused := vera.call("GET", "/api/sts/role/v1", nil, nil)
		mustStatus(t, refused, http.StatusUnauthorized)
		challenge := refused.header.Get("WWW-Authenticate")
		for _, want := range []string{`Bearer `, `error="insufficient_user_authentication"`, `max_age="60"`} {
			if !strings.Contains(challenge, want) {
				t.Errorf("expected %s in the challenge, got %s", want, challenge)
			}
		}
		if strings.Contains(challenge, "acr_values") || !strings.Contains(refused.body, `"reference"`) || !strings.Contains(refused.body, "not older than 1 min") {
			t.Errorf("got %s with %s", challenge, refused.body)
		}

		page := vera.open("/roles?q=Careful")
		page.mustContain(t, `name="password"`)
		back := vera.submitCredentials(page, "vera@acme.test", "portico-dev")
		mustStatus(t, back, http.StatusOK)
		if back.url.Path != "/roles" || back.url.RawQuery != "q=Careful" {
			t.Errorf("came back to %s", back.url)
		}
		back.mustContain(t, "Careful administrator")
		mustStatus(t, vera.call("GET", "/api/sts/role/v1", nil, nil), http.StatusOK)
	})
}

// TestAFormThatTakesAFresherSignIn: what was filled in is shown again after the sign-in, and nothing of it is saved before.
func TestAFormThatTakesAFresherSignIn(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		p, ada, vera := stepUpWorld(t, start, map[string]any{"maxAge": 60})
		form := vera.open("/roles/new")
		p.advance(70 * time.Second)
		asked := vera.next(form, "save", "name", "Kept by step-up", "permissions", "KEY_LIST", "step", "2")
		mustStatus(t, asked, http.StatusUnauthorized)
		asked.mustContain(t, "nothing is lost")
		_, rest, _ := strings.Cut(asked.body, `<a class="button primary" href="`)
		address, _, _ := strings.Cut(rest, `"`)
		again := vera.submitCredentials(vera.open(unescape(address)), "vera@acme.test", "portico-dev")
		mustStatus(t, again, http.StatusOK)
		again.mustContain(t, "Kept by step-up", "nothing of it is saved yet")
		if strings.Contains(ada.open("/roles").body, "Kept by step-up") {
			t.Error("it was saved before it was sent")
		}
		mustStatus(t, vera.next(again, "save", "step", "2"), http.StatusOK)
		ada.open("/roles").mustContain(t, "Kept by step-up")
	})
}

// TestNT22_SomebodyElseStepsUp: a sign-in for somebody's page becomes nobody else's session.
func TestNT22_SomebodyElseStepsUp(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		p, _, vera := stepUpWorld(t, start, map[string]any{"maxAge": 60})
		p.advance(70 * time.Second)
		refused := vera.submitCredentials(vera.open("/roles"), "otto@acme.test", "portico-dev") // who may list roles too
		mustStatus(t, refused, http.StatusUnauthorized)
		refused.mustContain(t, "Somebody else signed in", "Reference")
		vera.call("GET", "/api/user/v1/me", nil, nil).mustContain(t, "Vera")
	})
}

// TestAPageThatTakesAStrongerSignIn: the class is asked of Okta, and the second factor of the person; one that Okta does not know
// ends on a page that says so, not in a circle.
func TestAPageThatTakesAStrongerSignIn(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		p, ada, vera := stepUpWorld(t, start, map[string]any{"acr": []string{"urn:okta:loa:2fa:any"}})
		refused := vera.call("GET", "/api/sts/role/v1", nil, nil)
		if got := refused.header.Get("WWW-Authenticate"); refused.status != http.StatusUnauthorized || !strings.Contains(got, `acr_values="urn:okta:loa:2fa:any"`) {
			t.Errorf("got %d with %s", refused.status, got)
		}
		page := vera.open("/roles")
		page.mustContain(t, `name="passcode"`)
		back := vera.submitCredentials(page, "vera@acme.test", "portico-dev")
		if back.status != http.StatusOK || back.url.Path != "/roles" {
			t.Fatalf("got %d at %s: %s", back.status, back.url, said(back.body))
		}

		// A refreshed sign-in is the same one: no fresher, and no weaker.
		p.advance(noPause)
		mustStatus(t, vera.open("/roles"), http.StatusOK)

		role := ada.create("/api/sts/role/v1", map[string]any{
			"name": "Nobody's", "permissions": []string{"STS_KEY_LIST"}, "signIn": map[string]any{"acr": []string{"urn:acme:never"}},
		})
		ada.create("/api/sts/iam-role/v1", map[string]any{"name": "Acme Audit", "systemRoles": []string{role}})
		otto := p.browser()
		otto.signIn("/", "otto@acme.test")
		stuck := otto.open("/keys")
		mustStatus(t, stuck, http.StatusUnauthorized)
		stuck.mustContain(t, "urn:acme:never", "still not what this page takes", "Reference")
	})
}
