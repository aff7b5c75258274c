package devokta

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

var ada = url.Values{"username": {"ada@acme.test"}, "password": {Password}}

func TestSignInPage(t *testing.T) {
	w := start(t)
	b := w.browser()
	page := b.get(b.signInURL(with(w.request(), "login_hint", "vera@acme.test")))
	for _, want := range []string{
		`name="username"`, `name="password"`, `value="vera@acme.test"`, "Development Okta", "not Okta", "Uma Unassigned", "not assigned", Password,
	} {
		if !strings.Contains(page.body, want) {
			t.Errorf("page lacks %s", want)
		}
	}
	if n := strings.Count(page.body, "<input"); n != 2 {
		t.Errorf("%d inputs, expected exactly username and password", n)
	}
	for _, bad := range []string{"<script", "style=", "onclick", "http-equiv"} {
		if strings.Contains(page.body, bad) {
			t.Errorf("page has %s", bad)
		}
	}
	csp := page.header.Get("Content-Security-Policy")
	if !strings.Contains(csp, "form-action 'self' http://localhost:8080;") && !strings.HasSuffix(csp, "form-action 'self' http://localhost:8080") {
		t.Errorf("policy %q: the redirect after the form would be blocked", csp)
	}
	if css := b.get(w.s.cfg.PublicURL + "/assets/devokta.css"); css.status != 200 || !strings.HasPrefix(css.header.Get("Content-Type"), "text/css") {
		t.Errorf("style: %d", css.status)
	}
}

func TestSignInFailures(t *testing.T) {
	w := start(t)
	b := w.browser()
	target := b.signInURL(w.request())
	for name, form := range map[string]url.Values{
		"wrong password":   {"username": {"ada@acme.test"}, "password": {"x"}},
		"unknown login":    {"username": {"eve@acme.test"}, "password": {Password}},
		"nothing":          {},
		"login too long":   {"username": {strings.Repeat("a", maxLogin+1)}, "password": {Password}},
		"hostile username": {"username": {`"><script>alert(1)</script>`}, "password": {Password}},
	} {
		t.Run(name, func(t *testing.T) {
			got := b.post(target, form)
			if got.status != http.StatusUnauthorized || !strings.Contains(got.body, "Unable to sign in") || strings.Contains(got.body, "<script") {
				t.Fatalf("%d %s", got.status, got.body)
			}
		})
	}
	if got := b.post(target, ada).location(t); got.Query().Get("code") == "" {
		t.Fatalf("the page no longer works: %s", got)
	}
}

func TestLoginIgnoresCase(t *testing.T) {
	w := start(t)
	if got := w.browser().signIn(w.request(), " ADA@Acme.Test ").location(t); got.Query().Get("code") == "" {
		t.Fatal(got)
	}
}

func TestPasswordRateLimit(t *testing.T) {
	w := start(t)
	b := w.browser()
	target := b.signInURL(w.request())
	for range maxFailures {
		b.post(target, url.Values{"username": {"Ada@acme.test"}, "password": {"x"}})
	}
	if got := b.post(target, ada); got.status != http.StatusTooManyRequests || got.header.Get("X-Rate-Limit-Remaining") != "0" {
		t.Fatalf("the right password passed the limit: %d", got.status)
	}
	if got := b.post(target, url.Values{"username": {"ivan@acme.test"}, "password": {"x"}}); got.status != http.StatusUnauthorized {
		t.Errorf("somebody else is limited: %d", got.status)
	}
	w.clock.advance(failureWindow)
	if got := b.post(target, ada); got.status != http.StatusSeeOther {
		t.Errorf("still limited after the window: %d", got.status)
	}
}

// NT52: the id of a pending sign-in, known to an attacker, is worth nothing in another browser, in either
// direction, and works once.
func TestNT52_ApprovalTheft(t *testing.T) {
	w := start(t)
	victim, attacker := w.browser(), w.browser()
	target := victim.signInURL(w.request())
	refusedPage := func(t *testing.T, got answer, row errorRow) {
		t.Helper()
		if got.status != row.Status || got.header.Get("Location") != "" || !strings.Contains(got.body, row.Text) {
			t.Fatalf("%d %q", got.status, got.header.Get("Location"))
		}
	}
	t.Run("attacker without a cookie", func(t *testing.T) { refusedPage(t, attacker.get(target), errSignInForeign) })
	t.Run("attacker with a cookie of their own", func(t *testing.T) {
		attacker.signInURL(w.request())
		refusedPage(t, attacker.get(target), errSignInForeign)
		refusedPage(t, attacker.post(target, ada), errSignInForeign)
	})
	t.Run("victim made to finish the attacker's request", func(t *testing.T) {
		refusedPage(t, victim.post(attacker.signInURL(w.request()), ada), errSignInForeign)
	})
	t.Run("form from another site", func(t *testing.T) {
		for name, value := range map[string]string{"Origin": "https://evil.test", "Sec-Fetch-Site": "cross-site"} {
			refusedPage(t, victim.post(target, ada, func(r *http.Request) { r.Header.Set(name, value) }), errSignInCrossSite)
		}
		refusedPage(t, victim.post(target, ada, func(r *http.Request) { r.Header.Set("Origin", "null") }), errSignInCrossSite)
	})
	t.Run("text/plain form", func(t *testing.T) {
		refusedPage(t, victim.post(target, ada, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }), errSignInCrossSite)
	})
	t.Run("guessed id", func(t *testing.T) {
		refusedPage(t, victim.get(w.s.cfg.PublicURL+signInPath+"?tx="+strings.Repeat("A", 43)), errSignInGone)
	})
	t.Run("once only", func(t *testing.T) {
		if got := victim.post(target, ada); got.location(t).Query().Get("code") == "" {
			t.Fatal(got.body)
		}
		refusedPage(t, victim.post(target, ada), errSignInGone)
	})
	t.Run("expired", func(t *testing.T) {
		late := victim.signInURL(with(w.request(), "prompt", "login"))
		w.clock.advance(pendingLife)
		refusedPage(t, victim.post(late, ada), errSignInGone)
	})
}

func TestManyTabs(t *testing.T) {
	w := start(t)
	b := w.browser()
	one, two := b.signInURL(with(w.request(), "state", "one")), b.signInURL(with(w.request(), "state", "two"))
	for state, target := range map[string]string{"one": one, "two": two} {
		if got := b.post(target, ada).location(t).Query(); got.Get("state") != state || got.Get("code") == "" {
			t.Errorf("tab %s: %v", state, got)
		}
	}
}

func TestDuplicateCookiesAreNoSession(t *testing.T) {
	w := start(t)
	b := w.browser()
	b.tokens("ada@acme.test")
	id := b.cookie(sessionCookie)
	r, _ := http.NewRequest(http.MethodGet, w.url("/v1/authorize?"+w.request().Encode()), nil)
	r.Header.Set("Cookie", sessionCookie+"="+id+"; "+sessionCookie+"="+strings.Repeat("x", 43))
	if got := w.browser().do(r).location(t); got.Path != signInPath {
		t.Errorf("accepted: %s", got)
	}
}

func TestCookieFlags(t *testing.T) {
	w := start(t)
	b := w.browser()
	got := b.post(b.signInURL(w.request()), ada)
	cookie := got.header.Get("Set-Cookie")
	for _, want := range []string{"HttpOnly", "SameSite=Lax", "Path=/"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("%q lacks %s", cookie, want)
		}
	}
}

func TestPendingRequestsAreBounded(t *testing.T) {
	w := start(t)
	b := w.browser()
	first := b.signInURL(w.request())
	for range maxPending {
		b.authorize(w.request())
	}
	if n := w.s.pending.len(); n != maxPending {
		t.Errorf("%d pending", n)
	}
	if got := b.get(first); got.status != http.StatusBadRequest {
		t.Errorf("the oldest was not evicted: %d", got.status)
	}
}
