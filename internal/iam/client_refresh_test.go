package iam_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/iam"
)

// RFC 6749 section 6: a new refresh token replaces the old one, none leaves it in force.
func TestARefreshedGrant(t *testing.T) {
	for rule, c := range map[string]struct {
		changes object
		refresh string
		idToken bool
	}{
		"rotated":                      {nil, "refresh-2", true},
		"not rotated":                  {object{"refresh_token": absent{}}, canaryRefresh, true},
		"an empty one":                 {object{"refresh_token": ""}, canaryRefresh, true},
		"without an ID token":          {object{"id_token": absent{}}, "refresh-2", false},
		"with an ID token that is nil": {object{"id_token": nil}, "refresh-2", false},
	} {
		p := newIDP(t)
		p.set(func() { p.token = writes(p.answers(c.changes)) })
		g, err := p.Refresh(t.Context(), canaryRefresh, "")
		if err != nil || g.RefreshToken != c.refresh || (g.IDToken != "") != c.idToken || g.Principal.Subject != "ada@acme.test" {
			t.Errorf("%s: got %+v, %v", rule, g, err)
		}
		sent := p.asked("/token")
		if len(sent) != 1 || sent[0].PostForm.Get("grant_type") != "refresh_token" || sent[0].PostForm.Get("refresh_token") != canaryRefresh {
			t.Errorf("%s: sent %v", rule, sent)
		}
	}
}

// The token endpoint answered, and the keys to judge its answer can't be had: the next attempt must be made with the new
// refresh token, and there is no principal before somebody could judge.
func TestARefreshThatCantBeJudgedKeepsItsTokens(t *testing.T) {
	for rule, changes := range map[string]object{"with an ID token": nil, "without one": {"id_token": absent{}}} {
		p := newIDP(t)
		p.set(func() { p.token, p.keysAway = writes(p.answers(changes)), true })
		g, err := p.Refresh(t.Context(), canaryRefresh, "")
		if !fault.Unavailable.Is(err) || g == nil || g.Principal != nil || g.RefreshToken != "refresh-2" || g.IDToken != "" {
			t.Errorf("%s: expected the tokens and no principal, got %+v, %v", rule, g, err)
		}
	}
	p := newIDP(t)
	p.set(func() {
		p.token = writes(p.answers(object{"access_token": p.accessToken(object{"aud": "api://other"}), "id_token": absent{}}))
	})
	if g, err := p.Refresh(t.Context(), canaryRefresh, ""); err == nil || g != nil {
		t.Errorf("a token that was judged and refused: expected nothing to keep, got %+v, %v", g, err)
	}
}

// Only the server's own invalid_grant ends a sign-in: else a provider that is down would sign everybody out.
func TestWhatEndsASignIn(t *testing.T) {
	for rule, c := range map[string]struct {
		answer http.HandlerFunc
		ends   bool
	}{
		"revoked":             {says(400, "application/json", `{"error":"invalid_grant","error_description":"The refresh token is invalid or expired."}`), true},
		"of another client":   {says(401, "application/json", `{"error":"invalid_client"}`), false},
		"not for this client": {says(400, "application/json", `{"error":"unauthorized_client"}`), false},
		"a typing error":      {says(400, "application/json", `{"error":"invalid_request","error_description":"invalid_grant"}`), false},
		"another case":        {says(400, "application/json", `{"error":"INVALID_GRANT"}`), false},
		"overloaded":          {says(503, "application/json", `{"error":"temporarily_unavailable"}`), false},
		"too many":            {says(429, "application/json", `{"errorCode":"E0000047"}`), false},
		"broken":              {says(500, "application/json", `{"error":"server_error"}`), false},
		"a page":              {says(400, "text/html", `<p>invalid_grant</p>`), false},
	} {
		p := newIDP(t)
		p.set(func() { p.token = c.answer })
		g, err := p.Refresh(t.Context(), canaryRefresh, "")
		if g != nil || errors.Is(err, iam.ErrGrantEnded) != c.ends {
			t.Errorf("%s: expected the end %v, got %v", rule, c.ends, err)
		}
		var refused *iam.RefusedError
		if c.ends && (!errors.As(err, &refused) || refused.Code != "invalid_grant") {
			t.Errorf("%s: the server's reason is lost: %v", rule, err)
		}
		showsNothing(t, rule, err)
	}
	p := newIDP(t)
	p.published.Close()
	_, err := p.Refresh(t.Context(), canaryRefresh, "")
	if errors.Is(err, iam.ErrGrantEnded) {
		t.Errorf("away: got %v", err)
	}
	showsNothing(t, "away", err)
}

// What comes back is checked like that of a sign-in, but for the nonce (OpenID Connect Core 1.0 section 12.2).
func TestRefreshedTokensAreChecked(t *testing.T) {
	for rule, c := range map[string]struct {
		changes func(*idp) object
		because string
	}{
		"another client's ID token": {func(p *idp) object { return object{"id_token": p.idToken(object{"aud": "other"})} }, "ID token: "},
		"another issuer's ID token": {func(p *idp) object { return object{"id_token": p.idToken(object{"iss": "https://evil.test"})} }, "ID token: "},
		"an ID token that is none":  {func(*idp) object { return object{"id_token": "canary"} }, "ID token: "},
		"another access token's":    {func(p *idp) object { return object{"id_token": p.idToken(object{"at_hash": atHash("x")})} }, "another access token"},
		"another service's":         {func(p *idp) object { return p.pair(object{"aud": "api://other"}) }, "access token: "},
		"another type":              {func(*idp) object { return object{"token_type": "DPoP"} }, "of the type Bearer"},
	} {
		p := newIDP(t)
		p.set(func() { p.token = writes(p.answers(c.changes(p))) })
		g, err := p.Refresh(t.Context(), canaryRefresh, "")
		if g != nil || err == nil || !strings.Contains(err.Error(), c.because) || errors.Is(err, iam.ErrGrantEnded) {
			t.Errorf("%s: expected an error that says %q, got %v", rule, c.because, err)
		}
		if strings.HasSuffix(c.because, "token: ") && !fault.Unauthenticated.Is(err) {
			t.Errorf("%s: expected Unauthenticated, got %v", rule, err)
		}
		showsNothing(t, rule, err)
	}
	// A token that was issued just now and has expired is for one of the clocks: that ends nobody's session, and the refresh token
	// is kept.
	for rule, changes := range map[string]object{
		"of the past": {"exp": begin.Add(-time.Hour).Unix()}, "of the future": {"iat": begin.Add(time.Hour).Unix(), "exp": begin.Add(2 * time.Hour).Unix()},
	} {
		p := newIDP(t)
		p.set(func() { p.token = writes(p.answers(p.pair(changes))) })
		g, err := p.Refresh(t.Context(), canaryRefresh, "")
		if g == nil || g.RefreshToken == "" || g.Principal != nil || !fault.Unavailable.Is(err) || errors.Is(err, iam.ErrGrantEnded) {
			t.Errorf("an access token %s: got %+v, %v", rule, g, err)
		}
		showsNothing(t, rule, err)
	}
	p := newIDP(t)
	p.set(func() { p.token = writes(p.answers(object{"id_token": p.idToken(object{"nonce": absent{}})})) })
	if _, err := p.Refresh(t.Context(), canaryRefresh, ""); err != nil {
		t.Errorf("without a nonce: %v", err)
	}
}
