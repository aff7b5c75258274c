package iam_test

import (
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/iam"
)

// revokedUntil ends the tokens of the test's subject that were issued until then.
type revokedUntil int64

func (r *revokedUntil) EndedFor(_, _ string, at time.Time) bool { return at.Unix() <= int64(*r) }

func TestNT29_RevocationIsLookedAtWithEveryUse(t *testing.T) {
	b := newBench(t)
	b.Verified = iam.NewVerified()
	revoked := revokedUntil(-1 << 62)
	b.Revoked = &revoked
	const leeway = 30 * time.Second
	iat := begin.Add(-time.Minute)
	issued := iat.Add(-leeway) // the provider's clock may be ahead by so much
	token := good(object{"iat": iat.Unix()})
	if got, err := b.Verify(t.Context(), token); err != nil || !got.Principal.IssuedAt.Equal(issued) {
		t.Fatalf("got %+v, %v", got, err)
	}
	revoked = revokedUntil(issued.Unix())
	refused(t, b, "remembered", token, "before access was revoked")
	if _, _, err := b.Subject(t.Context(), token); err == nil {
		t.Error("as the subject of an exchange it counts")
	}
	b.Verified = nil
	refused(t, b, "verified anew", token, "before access was revoked")
	refused(t, b, "without iat", good(object{"iat": absent{}}), "before access was revoked")
	revoked--
	if _, err := b.Verify(t.Context(), token); err != nil {
		t.Errorf("issued after: %v", err)
	}
}

func TestARefreshTokenIsHandedBack(t *testing.T) {
	for _, method := range []string{config.ClientSecretBasic, config.ClientSecretPost} {
		p := newIDP(t)
		p.AuthMethod = method
		p.set(func() { p.changes = object{"revocation_endpoint": p.URL + "/revoke"} })
		if err := p.Revoke(t.Context(), canaryRefresh); err == nil || strings.Contains(err.Error(), canaryRefresh) {
			t.Errorf("%s: a refusal is none, or tells the token: %v", method, err)
		}
		asked := p.asked("/revoke")
		if len(asked) != 1 {
			t.Fatalf("%s: asked %d times", method, len(asked))
		}
		r := asked[0]
		id, secret, basic := r.BasicAuth()
		if r.PostForm.Get("token") != canaryRefresh || r.PostForm.Get("token_type_hint") != "refresh_token" || r.URL.RawQuery != "" ||
			basic != (method == config.ClientSecretBasic) || basic && (id != clientID || secret != canarySecret) ||
			!basic && r.PostForm.Get("client_secret") != canarySecret {
			t.Errorf("%s: sent %v %v", method, r.Header, r.PostForm)
		}
	}
	p := newIDP(t)
	if err := p.Revoke(t.Context(), canaryRefresh); err != nil || len(p.asked("/revoke")) > 0 {
		t.Errorf("without an endpoint there is nothing to do: %v", err)
	}
}

func TestAnIDTokenThatSomebodyBrings(t *testing.T) {
	p := newIDP(t)
	roles := object{"roles": []any{"Acme Issuance"}}
	got, err := p.Identity(t.Context(), p.idToken(roles))
	if err != nil || got.Subject != "00u1" || got.ClientID != clientID || len(got.IAMRoles) != 1 || !got.NotAfter.Equal(begin.Add(time.Hour)) || !got.IssuedAt.Equal(begin.Add(-30*time.Second)) {
		t.Fatalf("got %+v, %v", got, err)
	}
	for rule, token := range map[string]string{
		"of another client": p.idToken(object{"aud": "another"}), "an access token": p.accessToken(nil), "expired": p.idToken(object{"exp": begin.Add(-time.Hour).Unix()}),
		"NT34 with may_act": p.idToken(object{"may_act": object{"sub": "x"}}), "NT34 with act": p.idToken(object{"act": object{"sub": "x"}}),
		"a logout token": p.idToken(object{"events": object{}}),
	} {
		if got, err := p.Identity(t.Context(), token); err == nil {
			t.Errorf("%s: got %+v", rule, got)
		}
	}
	revoked := revokedUntil(begin.Unix())
	p.Verifier.Revoked = &revoked
	if got, err := p.Identity(t.Context(), p.idToken(roles)); err == nil {
		t.Errorf("NT29 revoked: got %+v", got)
	}
}
