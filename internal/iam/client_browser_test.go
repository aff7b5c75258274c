package iam_test

import (
	"crypto/sha256"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/iam"
)

// RFC 6749 section 4.1.1, with S256 and never plain (RFC 7636 section 4.2, NT24): the verifier itself stays here.
func TestNT24_AuthorizationURL(t *testing.T) {
	for rule, endpoint := range map[string]string{"plain": "/authorize", "with a query of its own": "/authorize?tenant=a%26b"} {
		p := newIDP(t)
		p.set(func() { p.changes = object{"authorization_endpoint": p.URL + endpoint} })
		for _, anew := range []bool{false, true} {
			raw, err := p.AuthorizationURL(t.Context(), "state&1", nonce, canaryVerifier, iam.Ask{Anew: anew})
			if err != nil {
				t.Fatal(err)
			}
			u, err := url.Parse(raw)
			if err != nil || !strings.HasPrefix(raw, p.URL+"/authorize?") || strings.Contains(raw, "canary") {
				t.Errorf("%s: got %s, %v", rule, raw, err)
			}
			sum := sha256.Sum256([]byte(canaryVerifier))
			want := url.Values{
				"response_type": {"code"}, "client_id": {clientID}, "redirect_uri": {redirectURI}, "scope": {"openid profile"},
				"state": {"state&1"}, "nonce": {nonce}, "code_challenge": {b64(sum[:])}, "code_challenge_method": {"S256"},
			}
			if anew {
				want.Set("prompt", "login")
			}
			if strings.Contains(endpoint, "?") {
				want.Set("tenant", "a&b")
			}
			if got := u.Query().Encode(); got != want.Encode() {
				t.Errorf("%s:\n got %s\nwant %s", rule, got, want.Encode())
			}
		}
	}
}

// OpenID Connect RP-Initiated Logout 1.0 section 2.
func TestEndSessionURL(t *testing.T) {
	for rule, c := range map[string]struct {
		endpoint any // below the provider's address
		idToken  string
		want     string
	}{
		"as usual":                {"/logout", "a.b.c", "/logout?id_token_hint=a.b.c&post_logout_redirect_uri=https%3A%2F%2Fportico.acme.test%2Fauth%2Fsigned-out"},
		"with a query of its own": {"/logout?x=1", "a.b.c", "/logout?id_token_hint=a.b.c&post_logout_redirect_uri=https%3A%2F%2Fportico.acme.test%2Fauth%2Fsigned-out&x=1"},
		"no endpoint":             {absent{}, "a.b.c", ""},
		"no ID token":             {"/logout", "", ""},
	} {
		p := newIDP(t)
		if below, is := c.endpoint.(string); is {
			c.endpoint = p.URL + below
		}
		p.set(func() { p.changes = object{"end_session_endpoint": c.endpoint} })
		want := c.want
		if want != "" {
			want = p.URL + want
		}
		if got, err := p.EndSessionURL(t.Context(), c.idToken); err != nil || got != want {
			t.Errorf("%s:\n got %s, %v\nwant %s", rule, got, err, want)
		}
	}
}

// RFC 9207 section 2.3: what the metadata says decides whether an answer without iss is the provider's.
func TestNT25_WhetherTheProviderNamesItself(t *testing.T) {
	for rule, c := range map[string]struct {
		says any
		want bool
	}{"it does": {true, true}, "it does not": {false, false}, "it does not say": {absent{}, false}} {
		p := newIDP(t)
		p.set(func() { p.changes = object{"authorization_response_iss_parameter_supported": c.says} })
		if got, err := p.NamesItself(t.Context()); err != nil || got != c.want {
			t.Errorf("%s: got %v, %v", rule, got, err)
		}
	}
}

// Without metadata nothing is sent anywhere, and every call says why.
func TestNothingIsSentWithoutMetadata(t *testing.T) {
	p := newIDP(t)
	p.answer(html(http.StatusServiceUnavailable))
	_, exchanged := p.exchange(t)
	_, refreshed := p.Refresh(t.Context(), canaryRefresh, "")
	_, authorized := p.AuthorizationURL(t.Context(), "s", nonce, canaryVerifier, iam.Ask{})
	_, ended := p.EndSessionURL(t.Context(), "canary.id.token")
	_, named := p.NamesItself(t.Context())
	for rule, err := range map[string]error{
		"exchange": exchanged, "refresh": refreshed, "authorization": authorized, "end of the session": ended, "iss": named,
	} {
		if err == nil || !strings.Contains(err.Error(), "got 503") {
			t.Errorf("%s: got %v", rule, err)
		}
		showsNothing(t, rule, err)
	}
	if n := p.fetches.Load(); n != 1 {
		t.Errorf("expected the one request for the metadata, got %d", n)
	}
}
