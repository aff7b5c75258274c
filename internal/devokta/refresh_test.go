package devokta

import (
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/devokta/world"
)

func TestRefreshRotates(t *testing.T) {
	w := start(t)
	b := w.browser()
	first := b.tokens("ada@acme.test")
	w.clock.advance(10 * time.Minute)
	second := b.refresh(first["refresh_token"].(string)).json(t)
	if second["refresh_token"] == nil || second["refresh_token"] == first["refresh_token"] {
		t.Fatalf("not rotated: %v", second)
	}
	_, before := b.verify(first["id_token"])
	_, id := b.verify(second["id_token"])
	if id["nonce"] != nil || id["auth_time"] != before["auth_time"] || id["sub"] != before["sub"] {
		t.Errorf("ID token of a refresh: %v", id)
	}
	if third := b.refresh(second["refresh_token"].(string)); third.status != 200 {
		t.Errorf("%d %s", third.status, third.body)
	}
}

func TestRefreshWithinLeewayGivesTheCurrentToken(t *testing.T) {
	w := start(t)
	b := w.browser()
	old := b.tokens("ada@acme.test")["refresh_token"].(string)
	current := b.refresh(old).json(t)["refresh_token"]
	w.clock.advance(29 * time.Second)
	again := b.refresh(old)
	if again.status != 200 || again.json(t)["refresh_token"] != current {
		t.Fatalf("%d %s", again.status, again.body)
	}
}

func TestRefreshReuseAfterLeewayRevokesTheSignIn(t *testing.T) {
	w := start(t)
	b := w.browser()
	first := b.tokens("ada@acme.test")
	old := first["refresh_token"].(string)
	second := b.refresh(old).json(t)
	w.clock.advance(30 * time.Second)
	b.refresh(old).expect(t, errRefreshToken)
	b.refresh(second["refresh_token"].(string)).expect(t, errRefreshToken)
	for _, token := range []any{first["access_token"], second["access_token"]} {
		b.userinfoExpect(t, token, errAccessRevoked)
	}
}

func TestParallelRefreshesAllSucceed(t *testing.T) {
	w := start(t)
	b := w.browser()
	old := b.tokens("ada@acme.test")["refresh_token"].(string)
	var wg sync.WaitGroup
	got := make([]answer, 16)
	for i := range got {
		wg.Go(func() { got[i] = b.refresh(old) })
	}
	wg.Wait()
	for _, a := range got {
		if a.status != 200 || a.json(t)["refresh_token"] != got[0].json(t)["refresh_token"] {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
}

func TestRefreshScopes(t *testing.T) {
	w := start(t)
	b := w.browser()
	refresh := b.token(w.exchange(b.code(with(w.request(), "scope", "openid offline_access"), "ada@acme.test"))).json(t)["refresh_token"].(string)
	form := url.Values{"grant_type": {world.GrantRefresh}, "refresh_token": {refresh}}
	b.token(with(form, "scope", "openid profile")).expect(t, errRefreshScopes, "profile")
	b.token(with(form, "scope", "nonsense")).expect(t, world.UnknownScope)
	got := b.token(with(form, "scope", "openid")) // the refusals rotated nothing
	if got.status != 200 || got.json(t)["scope"] != "openid" {
		t.Fatalf("%d %s", got.status, got.body)
	}
}

func TestRefreshOfAnotherClient(t *testing.T) {
	w := start(t)
	b := w.browser()
	refresh := b.tokens("ada@acme.test")["refresh_token"].(string)
	b.post(w.url("/v1/token"), url.Values{"grant_type": {world.GrantRefresh}, "refresh_token": {refresh}, "client_id": {"acme-cli"}}).expect(t, errCodeClient)
	if got := b.refresh(refresh); got.status != 200 {
		t.Errorf("the owner lost it: %d", got.status)
	}
}

func TestRefreshEndsWithItsWindow(t *testing.T) {
	w := start(t)
	b := w.browser()
	refresh := b.tokens("ada@acme.test")["refresh_token"].(string)
	w.clock.advance(7*24*time.Hour - time.Second)
	refresh = b.refresh(refresh).json(t)["refresh_token"].(string)
	w.clock.advance(7 * 24 * time.Hour)
	b.refresh(refresh).expect(t, errRefreshToken)
}

func TestRotatedTokenInheritsExpiry(t *testing.T) {
	w := start(t)
	w.s.mu.Lock()
	w.s.world.Servers[0].Policies[0].Rules[0].Actions.Token.RefreshMinutes = 180
	w.s.mu.Unlock()
	b := w.browser()
	refresh := b.tokens("ada@acme.test")["refresh_token"].(string)
	w.clock.advance(2 * time.Hour)
	refresh = b.refresh(refresh).json(t)["refresh_token"].(string)
	w.clock.advance(time.Hour)
	b.refresh(refresh).expect(t, errRefreshToken)
}

func TestStaticRefreshToken(t *testing.T) {
	w := start(t)
	w.s.mu.Lock()
	w.s.world.Apps[0].OAuth().RefreshToken.RotationType = "STATIC"
	w.s.mu.Unlock()
	b := w.browser()
	refresh := b.tokens("ada@acme.test")["refresh_token"].(string)
	for range 2 {
		w.clock.advance(time.Hour)
		if got := b.refresh(refresh).json(t)["refresh_token"]; got != refresh {
			t.Fatalf("changed to %v", got)
		}
	}
}

func TestDeactivatedUserLosesEverything(t *testing.T) {
	w := start(t)
	b := w.browser()
	got := b.tokens("ivan@acme.test")
	if err := w.s.SetUserActive("ivan@acme.test", false); err != nil {
		t.Fatal(err)
	}
	b.refresh(got["refresh_token"].(string)).expect(t, errRefreshToken)
	b.userinfoExpect(t, got["access_token"], errAccessRevoked)
	if target := b.authorize(w.request()).location(t); target.Path != signInPath {
		t.Errorf("session lives: %s", target)
	}
	if err := w.s.SetUserActive("ivan@acme.test", true); err != nil {
		t.Fatal(err)
	}
	b.refresh(got["refresh_token"].(string)).expect(t, errRefreshToken)
	if b.signIn(w.request(), "ivan@acme.test").location(t).Query().Get("code") == "" {
		t.Error("reactivated, but can't sign in")
	}
}

func TestUnassigningStopsRefresh(t *testing.T) {
	w := start(t)
	b := w.browser()
	refresh := b.tokens("ivan@acme.test")["refresh_token"].(string)
	if err := w.s.SetUserAssigned("ivan@acme.test", false); err != nil {
		t.Fatal(err)
	}
	b.refresh(refresh).expect(t, world.NotAssigned)
	expectRedirectError(t, b.authorize(w.request()), world.NotAssigned)
}

func (b *browser) userinfoExpect(t *testing.T, token any, row errorRow) {
	t.Helper()
	got := b.userinfo(token)
	got.expect(t, row)
	if row.Status == http.StatusUnauthorized && got.header.Get("WWW-Authenticate") == "" {
		t.Error("no WWW-Authenticate")
	}
}
