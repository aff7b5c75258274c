package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/devokta"
)

// TestOneRefreshForAll: of many requests at the end of an access token one refreshes, and all are answered.
func TestOneRefreshForAll(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		p := start(t, nil)
		ada := p.browser()
		ada.signIn("/", "ada@acme.test")
		for range 5 { // keep the session from idling until shortly before the token's end
			p.advance(11*time.Minute + 40*time.Second)
			mustStatus(t, ada.call("GET", "/api/user/v1/me", nil, nil), http.StatusOK)
		}
		p.advance(time.Minute)
		before := strings.Count(p.logs.String(), "tokens issued")
		var all sync.WaitGroup
		var mu sync.Mutex
		statuses := map[int]int{}
		for range 20 {
			all.Go(func() {
				resp, err := ada.client.Get(p.Info.PublicURL + "/api/user/v1/me")
				if err != nil {
					t.Error(err)
					return
				}
				resp.Body.Close()
				mu.Lock()
				statuses[resp.StatusCode]++
				mu.Unlock()
			})
		}
		all.Wait()
		mustStatus(t, ada.call("GET", "/api/user/v1/me", nil, nil), http.StatusOK)
		if statuses[200] != 20 {
			t.Errorf("expected 20 answers, got %v", statuses)
		}
		if n := strings.Count(p.logs.String(), "tokens issued") - before; n != 1 {
			t.Errorf("expected one refresh at Okta, got %d", n)
		}
	})
}

// TestSessionsEnd by idleness, at their absolute end, by Okta's refusal, and by a group taken away.
func TestSessionsEnd(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		p := start(t, nil)
		ada := p.browser()
		me := func() int { return ada.call("GET", "/api/user/v1/me", nil, nil).status }
		ada.signIn("/", "ada@acme.test")
		p.advance(31 * time.Minute)
		if got := me(); got != http.StatusUnauthorized {
			t.Errorf("idle: expected 401, got %d", got)
		}

		ada = p.browser()
		ada.signIn("/", "ada@acme.test")
		if err := p.Okta.SetUserGroups("ada@acme.test"); err != nil {
			t.Fatal(err)
		}
		mustStatus(t, ada.call("GET", "/api/sts/role/v1", nil, nil), http.StatusOK) // her token still says so
		for range 3 {
			p.advance(20 * time.Minute)
			me()
		}
		mustStatus(t, ada.call("GET", "/api/sts/role/v1", nil, nil), http.StatusForbidden) // the refreshed one does not

		p.Okta.RevokeAll()
		for range 4 {
			p.advance(20 * time.Minute)
			me()
		}
		if got := me(); got != http.StatusUnauthorized {
			t.Errorf("ended by Okta: expected 401, got %d", got)
		}
	})
}

// TestOktaAway: signed-in people work on until their token ends; nobody else gets in, and each is told plainly.
func TestOktaAway(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		p := start(t, nil)
		ada := p.browser()
		ada.signIn("/", "ada@acme.test")
		clear := p.Okta.Inject(devokta.Fault{Status: http.StatusServiceUnavailable})
		mustStatus(t, ada.call("GET", "/api/sts/role/v1", nil, nil), http.StatusOK)
		for range 5 {
			p.advance(11*time.Minute + 50*time.Second)
			mustStatus(t, ada.call("GET", "/api/user/v1/me", nil, nil), http.StatusOK)
		}
		p.advance(90 * time.Second)
		mustStatus(t, ada.call("GET", "/api/user/v1/me", nil, nil), http.StatusServiceUnavailable)
		clear()
		p.advance(6 * time.Second)
		mustStatus(t, ada.call("GET", "/api/user/v1/me", nil, nil), http.StatusOK) // the session was not lost
	})
}

// TestUnassignedIsToldPlainly, with a reference that an administrator can open.
func TestUnassignedIsToldPlainly(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		p := start(t, nil)
		got := p.browser().signIn("/", "uma@acme.test")
		if got.status != http.StatusForbidden {
			t.Errorf("expected 403, got %d", got.status)
		}
		got.mustContain(t, "You may not sign in here", "Reference")
		// Going again would lead round: what is offered asks for somebody else, though Uma is still signed in at Okta.
		uma := p.browser()
		uma.signIn("/roles", "uma@acme.test").mustContain(t, "Sign in as somebody else")
		again := uma.open("/login?return=%2F&as=somebody-else")
		if !strings.Contains(again.body, `name="password"`) {
			t.Fatalf("expected Okta to ask again, got %d at %s", again.status, again.url)
		}
		uma.submitCredentials(again, "ivan@acme.test", "portico-dev").mustContain(t, "Ivan Issuer")

		ada := p.browser()
		ada.signIn("/history?action=REJECTED", "ada@acme.test").mustContain(t, "refused")
		if nora := p.browser().signIn("/", "nora@acme.test"); !strings.Contains(nora.body, "carries no groups") {
			t.Error("expected Nora to be told that her sign-in carries no groups")
		}
	})
}

// TestRefusedSignInsDoNotFillTheHistory: anybody can get a state and come back with an error, again and again.
func TestRefusedSignInsDoNotFillTheHistory(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		p := start(t, nil)
		b := p.browser()
		b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		where, err := url.Parse(b.open("/").header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		for range 200 {
			got := b.open("/.apisix/redirect?error=access_denied&state=" + url.QueryEscape(where.Query().Get("state")))
			if got.status != http.StatusForbidden {
				t.Fatalf("expected 403, got %d", got.status)
			}
		}
		ada := p.browser()
		ada.signIn("/", "ada@acme.test")
		var list struct{ TotalItems int }
		ada.call("GET", "/api/history/v1?showSystemHistory=true&actions[]=REJECTED", nil, &list)
		if list.TotalItems == 0 || list.TotalItems > 100 {
			t.Errorf("expected the first ones and no more, got %d entries", list.TotalItems)
		}
	})
}
