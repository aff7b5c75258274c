package iam_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"go.uber.org/goleak"

	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/iam"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	issuer   = "https://acme.okta.com/oauth2/default"
	audience = "api://procivis-one"
)

var (
	rsaKey, _   = rsa.GenerateKey(rand.Reader, 2048)
	otherKey, _ = rsa.GenerateKey(rand.Reader, 2048)
	start       = time.Unix(1_800_000_000, 0)
)

// world is an issuer whose keys, clock and availability a test controls.
type world struct {
	verifier *iam.Verifier
	keys     *iam.KeySet
	now      atomic.Int64
	fetches  atomic.Int32
	mu       sync.Mutex
	answer   http.HandlerFunc
}

func (w *world) advance(d time.Duration) { w.now.Add(int64(d)) }

func (w *world) serve(h http.HandlerFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answer = h
}

func jwks(keys ...jose.JSONWebKey) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: keys})
	}
}

func public(kid string, key crypto.PublicKey) jose.JSONWebKey {
	return jose.JSONWebKey{Key: key, KeyID: kid, Use: "sig"}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{}
	w.now.Store(start.UnixNano())
	w.serve(jwks(public("a", rsaKey.Public())))
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.fetches.Add(1)
		w.mu.Lock()
		answer := w.answer
		w.mu.Unlock()
		answer(rw, r)
	}))
	client := iam.HTTPClient()
	roles, err := iam.ParseRolePath("roles")
	if err != nil {
		t.Fatal(err)
	}
	subject, _ := iam.ParseRolePath("sub")
	now := func() time.Time { return time.Unix(0, w.now.Load()) }
	w.keys = &iam.KeySet{
		URL: iam.FixedURL(server.URL), HTTP: client, RefreshAfter: 10 * time.Minute, ExpireAfter: time.Hour,
		Now: now, Logger: slog.New(slog.DiscardHandler),
	}
	w.verifier = &iam.Verifier{Now: now, Issuers: []*iam.Issuer{{
		Issuer: issuer, Audience: audience, Algorithms: []string{"RS256", "ES256", "EdDSA"}, Leeway: time.Minute,
		Keys: w.keys, RolePath: roles, SubjectPath: subject,
	}}}
	t.Cleanup(func() {
		w.verifier.Close()
		client.CloseIdleConnections()
		server.Close()
	})
	return w
}

func goodClaims() map[string]any {
	return map[string]any{
		"iss": issuer, "aud": audience, "sub": "ivan@acme.test", "cid": "0oa1", "iat": start.Unix(), "exp": start.Add(time.Hour).Unix(),
		"roles": []string{"Acme Issuance"}, "jti": "AT.1",
	}
}

// sign makes a compact token with any header and key.
func sign(t *testing.T, alg jose.SignatureAlgorithm, key any, kid string, claims any, header map[jose.HeaderKey]any) string {
	t.Helper()
	options := &jose.SignerOptions{ExtraHeaders: header}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, options)
	if err != nil {
		t.Fatal(err)
	}
	payload, _ := json.Marshal(claims)
	jws, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	token, _ := jws.CompactSerialize()
	return token
}

func with(name string, value any) map[string]any {
	claims := goodClaims()
	if value == nil {
		delete(claims, name)
	} else {
		claims[name] = value
	}
	return claims
}

func raw(header, payload string) string {
	e := base64.RawURLEncoding.EncodeToString
	return e([]byte(header)) + "." + e([]byte(payload)) + "."
}

func TestGoodTokenIsAPrincipal(t *testing.T) {
	w := newWorld(t)
	for name, header := range map[string]map[jose.HeaderKey]any{"no typ, as Okta": nil, "JWT": {"typ": "JWT"}, "RFC 9068": {"typ": "at+jwt"}} {
		got, err := w.verifier.Verify(t.Context(), sign(t, jose.RS256, rsaKey, "a", goodClaims(), header))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		p := got.Principal
		if p.Subject != "ivan@acme.test" || p.Issuer != issuer || p.ClientID != "0oa1" || len(p.IAMRoles) != 1 || p.IAMRoles[0] != "Acme Issuance" ||
			!p.NotAfter.Equal(start.Add(time.Hour)) || len(p.Odd) != 0 {
			t.Errorf("%s: unexpected principal %+v", name, p)
		}
	}
}

// TestRefusals: each row is one thing wrong. NT01 to NT06 and their cousins.
func TestRefusals(t *testing.T) {
	w := newWorld(t)
	ec, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	der, _ := x509.MarshalPKIXPublicKey(rsaKey.Public())
	pemKey := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	jwkKey, _ := json.Marshal(public("a", rsaKey.Public()))
	good, _ := json.Marshal(goodClaims())
	valid := sign(t, jose.RS256, rsaKey, "a", goodClaims(), nil)
	for name, token := range map[string]string{
		"empty":                           "",
		"not a token":                     "junk",
		"too long":                        strings.Repeat("x", iam.MaxToken+1),
		"NT01 HS256 by PEM":               sign(t, jose.HS256, pemKey, "a", goodClaims(), nil),
		"NT01 HS256 by DER":               sign(t, jose.HS256, der, "a", goodClaims(), nil),
		"NT01 HS256 by JWK":               sign(t, jose.HS256, jwkKey, "a", goodClaims(), nil),
		"NT02 none":                       raw(`{"alg":"none","kid":"a"}`, string(good)),
		"NT02 nOnE":                       raw(`{"alg":"nOnE","kid":"a"}`, string(good)),
		"NT02 RS256 without signature":    raw(`{"alg":"RS256","kid":"a"}`, string(good)),
		"NT03 unknown algorithm":          raw(`{"alg":"XS256","kid":"a"}`, string(good)) + "AAAA",
		"NT03 algorithm not configured":   sign(t, jose.RS512, rsaKey, "a", goodClaims(), nil),
		"NT04 five parts":                 valid + ".AAAA.AAAA",
		"other key, same id":              sign(t, jose.RS256, otherKey, "a", goodClaims(), nil),
		"key of another type, EC":         sign(t, jose.ES256, ec, "a", goodClaims(), nil),
		"key of another type, Ed25519":    sign(t, jose.EdDSA, ed, "a", goodClaims(), nil),
		"unknown key":                     sign(t, jose.RS256, rsaKey, "b", goodClaims(), nil),
		"no kid":                          sign(t, jose.RS256, rsaKey, "", goodClaims(), nil),
		"altered":                         valid[:len(valid)-4] + "AAAA",
		"typ of Okta's own server":        sign(t, jose.RS256, rsaKey, "a", goodClaims(), map[jose.HeaderKey]any{"typ": "application/okta-internal-at+jwt"}),
		"typ of a logout token":           sign(t, jose.RS256, rsaKey, "a", goodClaims(), map[jose.HeaderKey]any{"typ": "logout+jwt"}),
		"typ of a DPoP proof":             sign(t, jose.RS256, rsaKey, "a", goodClaims(), map[jose.HeaderKey]any{"typ": "dpop+jwt"}),
		"NT05 no audience":                sign(t, jose.RS256, rsaKey, "a", with("aud", nil), nil),
		"NT05 other audience":             sign(t, jose.RS256, rsaKey, "a", with("aud", "api://default"), nil),
		"NT05 empty audience":             sign(t, jose.RS256, rsaKey, "a", with("aud", ""), nil),
		"NT05 audiences without ours":     sign(t, jose.RS256, rsaKey, "a", with("aud", []string{"x", "y"}), nil),
		"NT05 audience as an object":      sign(t, jose.RS256, rsaKey, "a", with("aud", map[string]any{audience: true}), nil),
		"NT06 issuer with a slash":        sign(t, jose.RS256, rsaKey, "a", with("iss", issuer+"/"), nil),
		"NT06 issuer as a prefix":         sign(t, jose.RS256, rsaKey, "a", with("iss", issuer+"@evil.test"), nil),
		"NT06 issuer of another host":     sign(t, jose.RS256, rsaKey, "a", with("iss", "https://evil.test/oauth2/default"), nil),
		"NT06 issuer in upper case":       sign(t, jose.RS256, rsaKey, "a", with("iss", strings.ToUpper(issuer)), nil),
		"NT06 no issuer":                  sign(t, jose.RS256, rsaKey, "a", with("iss", nil), nil),
		"no expiry":                       sign(t, jose.RS256, rsaKey, "a", with("exp", nil), nil),
		"expired beyond the leeway":       sign(t, jose.RS256, rsaKey, "a", with("exp", start.Add(-time.Minute).Unix()), nil),
		"expiry as text":                  sign(t, jose.RS256, rsaKey, "a", with("exp", "4102444800"), nil),
		"expiry beyond all time":          sign(t, jose.RS256, rsaKey, "a", with("exp", 1e300), nil),
		"negative expiry":                 sign(t, jose.RS256, rsaKey, "a", with("exp", -1), nil),
		"not yet valid":                   sign(t, jose.RS256, rsaKey, "a", with("nbf", start.Add(2*time.Minute).Unix()), nil),
		"issued in the future":            sign(t, jose.RS256, rsaKey, "a", with("iat", start.Add(2*time.Minute).Unix()), nil),
		"no subject":                      sign(t, jose.RS256, rsaKey, "a", with("sub", nil), nil),
		"subject with a line end":         sign(t, jose.RS256, rsaKey, "a", with("sub", "a\nb"), nil),
		"subject as a number":             sign(t, jose.RS256, rsaKey, "a", with("sub", 7), nil),
		"claims that are an array":        sign(t, jose.RS256, rsaKey, "a", []string{"x"}, nil),
		"NT34 a delegated token":          sign(t, jose.RS256, rsaKey, "a", with("act", map[string]any{"sub": "x"}), nil),
		"NT34 a token that may be":        sign(t, jose.RS256, rsaKey, "a", with("may_act", map[string]any{"sub": "x"}), nil),
		"NT49 a logout token by claims":   sign(t, jose.RS256, rsaKey, "a", with("events", map[string]any{}), nil),
		"an ID token, by its own address": sign(t, jose.RS256, rsaKey, "a", with("aud", "0oa1"), nil),
	} {
		if got, err := w.verifier.Verify(t.Context(), token); !fault.Unauthenticated.Is(err) {
			t.Errorf("%s: expected a refusal, got %+v, %v", name, got, err)
		} else if token != "" && len(token) > 20 && strings.Contains(err.Error(), token) {
			t.Errorf("%s: the refusal quotes the token", name)
		}
	}
}

func TestExpiryHasTheLeeway(t *testing.T) {
	w := newWorld(t)
	token := sign(t, jose.RS256, rsaKey, "a", with("exp", start.Unix()), nil)
	w.advance(59 * time.Second)
	if _, err := w.verifier.Verify(t.Context(), token); err != nil {
		t.Errorf("within the leeway: %v", err)
	}
	w.advance(time.Second)
	if _, err := w.verifier.Verify(t.Context(), token); err == nil {
		t.Error("at its end the leeway is over")
	}
}

// TestNT39_UnknownKeysCostOneFetchPerInterval however many tokens name them.
func TestNT39_UnknownKeysCostOneFetchPerInterval(t *testing.T) {
	w := newWorld(t)
	if _, err := w.verifier.Verify(t.Context(), sign(t, jose.RS256, rsaKey, "a", goodClaims(), nil)); err != nil {
		t.Fatal(err)
	}
	w.advance(11 * time.Second)
	before := w.fetches.Load()
	unknown := sign(t, jose.RS256, rsaKey, "zzz", goodClaims(), nil)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { _, _ = w.verifier.Verify(context.Background(), unknown) })
	}
	all.Wait()
	if n := w.fetches.Load() - before; n != 1 {
		t.Errorf("expected one fetch, got %d", n)
	}
}

// TestNT39_BadKeySets are refused whole, and tokens with them; afterwards a good one counts.
func TestNT39_BadKeySets(t *testing.T) {
	weak, _ := rsa.GenerateKey(rand.Reader, 1024)
	many := make([]jose.JSONWebKey, 101)
	for i := range many {
		many[i] = public(string(rune('A'+i)), rsaKey.Public())
	}
	for name, answer := range map[string]http.HandlerFunc{
		"an error":     func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "", 500) },
		"not JSON":     func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"no keys":      jwks(),
		"too large":    func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 600<<10)) },
		"too many":     jwks(many...),
		"an id twice":  jwks(public("a", rsaKey.Public()), public("a", otherKey.Public())),
		"a weak key":   jwks(public("a", weak.Public())),
		"a secret key": jwks(jose.JSONWebKey{Key: []byte("0123456789abcdef0123456789abcdef"), KeyID: "a"}),
		"a redirect":   func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "https://evil.test/keys", 302) },
	} {
		w := newWorld(t)
		w.serve(answer)
		token := sign(t, jose.RS256, rsaKey, "a", goodClaims(), nil)
		if _, err := w.verifier.Verify(t.Context(), token); err == nil {
			t.Errorf("%s: expected a refusal", name)
		}
		w.serve(jwks(public("a", rsaKey.Public())))
		w.advance(11 * time.Second)
		if _, err := w.verifier.Verify(t.Context(), token); err != nil {
			t.Errorf("%s: afterwards expected the token to count, got %v", name, err)
		}
	}
}

// TestKeysWhileTheIssuerIsAway: the last good ones count until they expire, and then none.
func TestKeysWhileTheIssuerIsAway(t *testing.T) {
	w := newWorld(t)
	token := sign(t, jose.RS256, rsaKey, "a", with("exp", start.Add(3*time.Hour).Unix()), nil)
	if _, err := w.verifier.Verify(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	w.serve(func(rw http.ResponseWriter, _ *http.Request) { http.Error(rw, "", 503) })
	w.advance(30 * time.Minute)
	if _, err := w.verifier.Verify(t.Context(), token); err != nil {
		t.Errorf("due for a refresh, but good: %v", err)
	}
	w.keys.Close() // the refresh in the background has failed by now
	w.advance(31 * time.Minute)
	if _, err := w.verifier.Verify(t.Context(), token); !fault.Unavailable.Is(err) {
		t.Errorf("expired keys: expected Unavailable, got %v", err)
	}
}

// TestReplacedKey: other material under the same id is found by one fetch.
func TestReplacedKey(t *testing.T) {
	w := newWorld(t)
	if _, err := w.verifier.Verify(t.Context(), sign(t, jose.RS256, rsaKey, "a", goodClaims(), nil)); err != nil {
		t.Fatal(err)
	}
	w.serve(jwks(public("a", otherKey.Public())))
	w.advance(11 * time.Second)
	if _, err := w.verifier.Verify(t.Context(), sign(t, jose.RS256, otherKey, "a", goodClaims(), nil)); err != nil {
		t.Errorf("expected the new key to count: %v", err)
	}
}
