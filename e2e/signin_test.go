package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/devokta"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

// callbackOf signs somebody in as far as Okta's answer, which it returns and does not follow.
func callbackOf(b *browser, login string) string {
	b.t.Helper()
	callback := ""
	b.client.CheckRedirect = func(req *http.Request, _ []*http.Request) error {
		if req.URL.Path == "/.apisix/redirect" {
			callback = req.URL.String()
			return http.ErrUseLastResponse
		}
		return nil
	}
	b.signIn("/", login)
	b.client.CheckRedirect = nil
	if callback == "" {
		b.t.Fatal("Okta did not answer to the callback")
	}
	return callback
}

// TestNT22_AnotherIDForEverySignIn: what a browser held before it signed in is nobody afterwards.
func TestNT22_AnotherIDForEverySignIn(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		p := start(t, nil)
		planted := p.browser().stolen("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
		planted.signIn("/", "ivan@acme.test")
		first := planted.cookie(sessionCookie)
		if first == "" || strings.HasPrefix(first, "AAAA") {
			t.Fatal("the planted session id was taken over")
		}
		// The same browser signs in once more: the first session is over.
		planted.open("/login")
		second := planted.cookie(sessionCookie)
		if second == first {
			t.Error("a second sign-in kept the session id")
		}
		mustStatus(t, planted.call("GET", "/api/user/v1/me", nil, nil), http.StatusOK)
		mustStatus(t, planted.stolen(first).call("GET", "/api/user/v1/me", nil, nil), http.StatusUnauthorized)
		// Another person on the same browser: nothing of the first one's is left.
		planted.submit("/logout", nil)
		planted.signIn("/", "ada@acme.test").mustContain(t, "Ada Admin")
		mustStatus(t, planted.stolen(second).call("GET", "/api/user/v1/me", nil, nil), http.StatusUnauthorized)

		// Other groups, another id.
		before := planted.cookie(sessionCookie)
		if err := p.Okta.SetUserGroups("ada@acme.test", "ONE_STS_ADMIN", "Acme Audit"); err != nil {
			t.Fatal(err)
		}
		for range 4 {
			p.advance(20 * time.Minute)
			mustStatus(t, planted.call("GET", "/api/user/v1/me", nil, nil), http.StatusOK)
		}
		if planted.cookie(sessionCookie) == before {
			t.Error("the session id stayed although the groups changed")
		}
	})
}

// TestNT23_ASignInCountsOnce: a second use of Okta's answer by another browser that has the first one's cookies ends the
// session that the first use began; the browser itself pressing "back" goes on.
func TestNT23_ASignInCountsOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		p := start(t, nil)
		ivan := p.browser()
		callback := callbackOf(ivan, "ivan@acme.test")
		login := ivan.cookie("portico_login")
		first := ivan.open(callback)
		mustStatus(t, first, http.StatusOK)
		mustStatus(t, ivan.call("GET", "/api/user/v1/me", nil, nil), http.StatusOK)

		// Back: the same address again, with the session that it began.
		if again := ivan.open(callback); again.status != http.StatusOK || again.url.Path != "/" {
			t.Errorf("back to the sign-in: expected to go on, got %d at %s", again.status, again.url)
		}
		mustStatus(t, ivan.call("GET", "/api/user/v1/me", nil, nil), http.StatusOK)

		thief := p.browser()
		base, _ := url.Parse(p.Info.PublicURL)
		thief.client.Jar.SetCookies(base, []*http.Cookie{{Name: "portico_login", Value: login, Path: "/"}})
		got := thief.open(callback)
		if got.status == http.StatusOK {
			t.Errorf("the second use succeeded")
		}
		got.mustContain(t, "used already")
		mustStatus(t, thief.call("GET", "/api/user/v1/me", nil, nil), http.StatusUnauthorized)
		mustStatus(t, ivan.call("GET", "/api/user/v1/me", nil, nil), http.StatusUnauthorized)

		// A code of one sign-in under the state of another: the verifier and the nonce do not fit.
		a, b := p.browser(), p.browser()
		of := func(address string) url.Values {
			u, _ := url.Parse(address)
			return u.Query()
		}
		mine, theirs := of(callbackOf(a, "ivan@acme.test")), of(callbackOf(b, "vera@acme.test"))
		mixed := url.Values{"code": mine["code"], "state": theirs["state"]}
		if iss := theirs.Get("iss"); iss != "" {
			mixed.Set("iss", iss)
		}
		if got := b.open("/.apisix/redirect?" + mixed.Encode()); got.status < 400 {
			t.Errorf("a foreign code was taken: %d at %s", got.status, got.url)
		}
		mustStatus(t, b.call("GET", "/api/user/v1/me", nil, nil), http.StatusUnauthorized)
	})
}

// TestNT24_NT25_HowASignInBegins: always with S256, a state and a nonce of its own; an answer in another provider's name
// is refused.
func TestNT24_NT25_HowASignInBegins(t *testing.T) {
	p := start(t, nil)
	seen := map[string]bool{}
	for range 3 {
		resp := p.browser().steps().open("/")
		to, err := url.Parse(resp.header.Get("Location"))
		if err != nil || resp.status != http.StatusSeeOther {
			t.Fatalf("expected to be sent to Okta, got %d %v", resp.status, err)
		}
		q := to.Query()
		if q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 || q.Get("response_type") != "code" {
			t.Errorf("expected PKCE with S256, got %s", to)
		}
		for _, name := range []string{"state", "nonce", "code_challenge"} {
			if len(q.Get(name)) < 43 || seen[q.Get(name)] {
				t.Errorf("expected a fresh %s of 256 bits, got %q", name, q.Get(name))
			}
			seen[q.Get(name)] = true
		}
		// Without the verifier Okta gives nobody anything.
		q.Del("code_challenge")
		q.Del("code_challenge_method")
		to.RawQuery = q.Encode()
		if got := p.browser().open(to.String()); strings.Contains(got.body, `name="password"`) {
			t.Error("the development Okta signs people in without PKCE")
		}
	}
	b := p.browser()
	callback, _ := url.Parse(callbackOf(b, "ivan@acme.test"))
	q := callback.Query()
	q.Set("iss", "https://evil.test")
	callback.RawQuery = q.Encode()
	got := b.open(callback.String())
	if got.status != http.StatusBadRequest {
		t.Errorf("another provider's answer: expected 400, got %d", got.status)
	}
	got.mustContain(t, "another identity provider")
}

var flags = regexp.MustCompile(`(?i); ?(path=[^;]*|httponly|secure|samesite=\w+|domain=[^;]*)`)

// TestNT30_SignedOut: the cookie is cleared as it was set, the session is gone whoever still has its id, and the page
// before shows nothing.
func TestNT30_SignedOut(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		p := start(t, nil)
		s := seeded(t, p)
		ivan := p.browser()
		callback := callbackOf(ivan, "ivan@acme.test")
		set := cookieLine(t, ivan.steps().open(callback), sessionCookie)
		mustStatus(t, ivan.open("/"), http.StatusOK)
		id := ivan.cookie(sessionCookie)
		ivan.submit("/session/theme", url.Values{"theme": {"dark"}, "return": {"/"}})

		req := ivan.request(http.MethodPost, "/logout", nil)
		req.Header.Set("Sec-Fetch-Site", "same-origin")
		req.Header.Set("Origin", p.Info.PublicURL)
		out := ivan.steps().do(req)
		if out.status != http.StatusSeeOther || !strings.Contains(out.header.Get("Location"), "id_token_hint=") {
			t.Errorf("expected to be sent to Okta's sign-out, got %d", out.status)
		}
		cleared := cookieLine(t, out, sessionCookie)
		if fmt.Sprint(flags.FindAllString(set, -1)) != fmt.Sprint(flags.FindAllString(cleared, -1)) || !strings.Contains(cleared, "Max-Age=0") {
			t.Errorf("set as %q but cleared as %q", flags.FindAllString(set, -1), cleared)
		}
		// Before the browser reached Okta at all.
		mustStatus(t, ivan.stolen(id).call("GET", "/api/user/v1/me", nil, nil), http.StatusUnauthorized)
		ivan.open(out.header.Get("Location")).mustContain(t, "You are signed out")
		// Back, by the address of the page and by that of the sign-in.
		for _, address := range []string{"/history", callback} {
			if got := ivan.open(address); "http://"+got.url.Host == p.Info.PublicURL && strings.Contains(got.body, "Ivan Issuer") {
				t.Errorf("%s still shows who was there", address)
			}
			mustStatus(t, ivan.call("GET", "/api/user/v1/me", nil, nil), http.StatusUnauthorized)
		}
		// Signing out twice, or as nobody, is no mistake.
		for range 2 {
			if got := ivan.submit("/logout", nil); got.status != http.StatusOK {
				t.Errorf("signing out as nobody: expected a page, got %d", got.status)
			}
		}
		// A picture on another site signs nobody out.
		req = s.ada.request(http.MethodGet, "/logout", nil)
		req.Header.Set("Sec-Fetch-Site", "cross-site")
		s.ada.do(req).mustContain(t, "Sign out?")
		mustStatus(t, s.ada.call("GET", "/api/user/v1/me", nil, nil), http.StatusOK)
	})
}

func cookieLine(t *testing.T, a answer, name string) string {
	t.Helper()
	for _, line := range a.header.Values("Set-Cookie") {
		if strings.HasPrefix(line, name+"=") {
			return line
		}
	}
	t.Fatalf("%s set no cookie %s: %v", a.url, name, a.header)
	return ""
}

// TestSignInWhileOktaIsAway: a plain page with a reference, which the log knows, and a way to try again.
func TestSignInWhileOktaIsAway(t *testing.T) {
	for name, fault := range map[string]devokta.Fault{
		"discovery":      {Endpoint: "discovery", Status: http.StatusServiceUnavailable},
		"connection":     {Drop: true},
		"token endpoint": {Endpoint: "token", Status: http.StatusInternalServerError},
		"token, garbage": {Endpoint: "token", Status: http.StatusOK, Body: "<html>maintenance</html>"},
		"keys":           {Endpoint: "keys", Status: http.StatusNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, nil)
			clear := p.Okta.Inject(fault)
			b := p.browser()
			got := b.steps().open("/")
			if got.status == http.StatusSeeOther {
				got = b.signIn("/", "ivan@acme.test")
			}
			if got.status != http.StatusBadGateway && got.status != http.StatusServiceUnavailable {
				t.Errorf("expected 502 or 503, got %d at %s", got.status, got.url)
			}
			got.mustContain(t, "Reference", "/login?return=")
			reference := regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`).FindString(said(got.body))
			if reference == "" {
				t.Errorf("there is no reference in the page: %s", said(got.body))
			}
			clear()
			p.advance(time.Minute)
			again := b.open("/")
			if again.status == http.StatusOK && strings.Contains(again.body, `name="password"`) {
				again = b.submitCredentials(again, "ivan@acme.test", "portico-dev")
			}
			again.mustContain(t, "Ivan Issuer")
		})
	}
}

// TestSignInBeforeOktaWasThere: Portico starts without Okta, says so plainly, and works as soon as it is back.
func TestSignInBeforeOktaWasThere(t *testing.T) {
	t.Parallel()
	s := serve(t, testdb.Config(t, store.SQLite), "")
	s.interrupt(t)
	clear := s.okta.Inject(devokta.Fault{Status: http.StatusServiceUnavailable})
	s.running = s.start(t) // ready: it can answer, and bearer tokens of known keys may come
	b := browserAt(t, s.publicURL)
	got := b.open("/")
	if got.status != http.StatusBadGateway {
		t.Errorf("expected 502, got %d", got.status)
	}
	got.mustContain(t, "The sign-in page can&#39;t be reached", "Reference")
	clear()
	for range 100 { // it waits a little before it asks again
		if got = b.open("/"); got.status == http.StatusOK {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	b.submitCredentials(got, "ada@acme.test", "portico-dev").mustContain(t, "Ada Admin")
}

// TestNT39_LastGoodKeys: Okta's key set fails, and the keys known before go on to count; an unknown key is no reason to
// ask again and again.
func TestNT39_LastGoodKeys(t *testing.T) {
	p := start(t, nil)
	token := serviceToken(t, p, 0)
	me := func(token string) int {
		req, _ := http.NewRequest("GET", p.Info.PublicURL+"/api/user/v1/me", nil)
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if got := me(token); got != http.StatusOK {
		t.Fatalf("expected 200, got %d", got)
	}
	for name, fault := range map[string]devokta.Fault{
		"gone":    {Endpoint: "keys", Status: http.StatusNotFound},
		"cut off": {Endpoint: "keys", Drop: true},
		"garbage": {Endpoint: "keys", Status: http.StatusOK, Body: "no keys"},
		"no keys": {Endpoint: "keys", Status: http.StatusOK, Body: `{"keys":[]}`},
		"huge":    {Endpoint: "keys", Status: http.StatusOK, Body: `{"keys":[` + strings.Repeat(" ", 4<<20) + `]}`},
	} {
		clear := p.Okta.Inject(fault)
		p.advance(11 * time.Minute) // past the refresh
		fresh := serviceToken(t, p, 0)
		if got := me(fresh); got != http.StatusOK {
			t.Errorf("%s: expected the last good keys to count, got %d", name, got)
		}
		clear()
	}
	// A rotation is found by itself, though the new key was never seen before.
	p.advance(11 * time.Minute)
	if err := p.Okta.RotateKeys(); err != nil {
		t.Fatal(err)
	}
	if got := me(serviceToken(t, p, 0)); got != http.StatusOK {
		t.Errorf("after a rotation: expected 200, got %d", got)
	}
}

// TestReferencesOpen: what a person is told at Okta's refusal, the administrator finds under the same reference.
func TestReferencesOpen(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		p := start(t, nil)
		refused := p.browser().signIn("/", "uma@acme.test")
		mustStatus(t, refused, http.StatusForbidden)
		reference := regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`).FindString(said(refused.body))
		if reference == "" {
			t.Fatalf("there is no reference: %s", said(refused.body))
		}
		ada := p.browser()
		ada.signIn("/history/"+reference, "ada@acme.test").mustContain(t, "The sign-in was refused.", "access_denied")
	})
}
