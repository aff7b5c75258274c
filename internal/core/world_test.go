package core

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/httpx"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	acme  = "11111111-2222-4333-8444-555555555555"
	beta  = "99999999-2222-4333-8444-555555555555"
	other = "77777777-2222-4333-8444-555555555555"

	jwksURI = "https://sts.test/jwks.json"
)

var began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// world is an embedded Core with an STS beside it, all in the test's memory.
type world struct {
	t     *testing.T
	core  *Core
	store *memory
	clock *clock
	jwks  *keyServer
	log   *lockedBuffer
	key   ed25519.PrivateKey // signs as kid "k1"
	waits []time.Duration
}

// clock stands still until it is moved.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.at }

func (c *clock) advance(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.at = c.at.Add(d) }

type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string { l.mu.Lock(); defer l.mu.Unlock(); return l.b.String() }

// keyServer answers for the JWKS URI: first what is scripted, then the keys.
type keyServer struct {
	mu     sync.Mutex
	script []reply
	keys   string
	calls  int
}

type reply struct {
	status int
	body   string
	header http.Header
	err    error
}

func (k *keyServer) RoundTrip(r *http.Request) (*http.Response, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.calls++
	a := reply{status: 200, body: k.keys}
	if len(k.script) > 0 {
		a, k.script = k.script[0], k.script[1:]
	}
	if a.err != nil {
		return nil, a.err
	}
	return &http.Response{StatusCode: a.status, Header: a.header, Body: io.NopCloser(strings.NewReader(a.body)), Request: r}, nil
}

func (k *keyServer) fetched() int { k.mu.Lock(); defer k.mu.Unlock(); return k.calls }

func (k *keyServer) next(keys string, script ...reply) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys, k.script = keys, script
}

// seeded makes the same key for the same byte.
func seeded(b byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune('a'+b%26)), ed25519.SeedSize)))
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func jwk(kid string, key ed25519.PrivateKey) string {
	return fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","kid":%q,"use":"sig","alg":"EdDSA","x":%q}`, kid, b64(key.Public().(ed25519.PublicKey)))
}

func jwks(keys ...string) string { return `{"keys":[` + strings.Join(keys, ",") + `]}` }

// newWorld makes a world that has not started; start does.
func newWorld(t *testing.T, change ...func(*Config)) *world {
	t.Helper()
	w := &world{t: t, store: newMemory(), clock: &clock{at: began}, key: seeded(0), log: &lockedBuffer{}}
	w.jwks = &keyServer{keys: jwks(jwk("k1", w.key))}
	config := Config{
		Auth: Auth{Mode: ModeSTS, STS: TokenValidation{
			Issuer: "bff", Audience: "core", JWKSURI: jwksURI, JWKSRefreshAfter: 600 * time.Second, JWKSExpireAfter: 24 * time.Hour,
		}},
		Organisations: w.store, History: w.store, HTTP: &http.Client{Transport: w.jwks}, EnableHistoryCreateEndpoint: true,
		WalletProviders: []string{"EUDI", "OTHER"},
		Logger:          slog.New(slog.NewTextHandler(w.log, nil)), Now: w.clock.now,
		Wait: func(ctx context.Context, d time.Duration) error { w.waits = append(w.waits, d); return ctx.Err() },
	}
	for _, f := range change {
		f(&config)
	}
	var err error
	if w.core, err = New(config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.core.Close() })
	return w
}

func start(t *testing.T, change ...func(*Config)) *world {
	t.Helper()
	w := newWorld(t, change...)
	if err := w.core.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

// parts is a token before it is signed.
type parts struct {
	header, claims map[string]any
	sign           func(signed []byte) []byte
}

func (w *world) parts() *parts {
	return &parts{
		header: map[string]any{"alg": "EdDSA", "kid": "k1", "typ": "STS"},
		claims: map[string]any{
			"iss": "bff", "aud": []string{"core"}, "sub": "user-1", "iat": w.clock.now().Unix(), "exp": w.clock.now().Unix() + 3600,
			"organisationId": acme, "permissions": []string{},
		},
		sign: func(b []byte) []byte { return ed25519.Sign(w.key, b) },
	}
}

func encode(header, claims any, sign func([]byte) []byte) string {
	h, _ := json.Marshal(header)
	c, _ := json.Marshal(claims)
	signed := b64(h) + "." + b64(c)
	return signed + "." + b64(sign([]byte(signed)))
}

// token mints a token that is right, but for what the changes make of it.
func (w *world) token(changes ...func(*parts)) string {
	p := w.parts()
	for _, f := range changes {
		f(p)
	}
	return encode(p.header, p.claims, p.sign)
}

func claim(name string, value any) func(*parts) { return func(p *parts) { p.claims[name] = value } }

func without(name string) func(*parts) { return func(p *parts) { delete(p.claims, name) } }

func header(name string, value any) func(*parts) { return func(p *parts) { p.header[name] = value } }

func signedBy(key ed25519.PrivateKey) func(*parts) {
	return func(p *parts) { p.sign = func(b []byte) []byte { return ed25519.Sign(key, b) } }
}

// in makes the token one for an organisation, or for none, with permissions.
func in(organisation string, permissions ...string) func(*parts) {
	return func(p *parts) {
		p.claims["permissions"] = append([]string{}, permissions...)
		if p.claims["organisationId"] = organisation; organisation == "" {
			delete(p.claims, "organisationId")
		}
	}
}

func everyPermission() (names []string) {
	for _, info := range access.Permissions() {
		names = append(names, info.Name)
	}
	return names
}

// call sends a request with a bearer; an empty one sends none. A body makes it JSON.
func (w *world) call(token, method, target, body string) *httptest.ResponseRecorder {
	w.t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return w.send(r)
}

func (w *world) send(r *http.Request) *httptest.ResponseRecorder {
	w.t.Helper()
	rec := httptest.NewRecorder()
	w.core.Handler().ServeHTTP(rec, r)
	for name, want := range map[string]string{"Cache-Control": "no-store", "Pragma": "no-cache", "X-Content-Type-Options": "nosniff"} {
		if got := rec.Header().Get(name); got != want {
			w.t.Errorf("%s %s: %s is %q", r.Method, r.URL, name, got)
		}
	}
	if rec.Header().Get("X-Request-Id") == "" {
		w.t.Errorf("%s %s: no request id", r.Method, r.URL)
	}
	switch {
	case rec.Code == 401 || rec.Code == 403 || rec.Code == 204:
		if rec.Body.Len() != 0 {
			w.t.Errorf("%s %s: %d has a body: %s", r.Method, r.URL, rec.Code, rec.Body)
		}
	case rec.Code >= 400:
		var e httpx.ErrorBody
		if json.Unmarshal(rec.Body.Bytes(), &e) != nil || e.Code == "" || e.Message == "" {
			w.t.Errorf("%s %s: %d is not in Core's shape: %s", r.Method, r.URL, rec.Code, rec.Body)
		}
	}
	return rec
}

// expect sends, and checks the status and, where it is given, a part of the body.
func (w *world) expect(token, method, target, body string, status int, part string) *httptest.ResponseRecorder {
	w.t.Helper()
	rec := w.call(token, method, target, body)
	if rec.Code != status || !strings.Contains(rec.Body.String(), part) {
		w.t.Errorf("%s %s %s: expected %d %s, got %d %s", method, target, body, status, part, rec.Code, rec.Body)
	}
	return rec
}

func read[T any](t *testing.T, rec *httptest.ResponseRecorder) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(rec.Body.Bytes(), &v); err != nil {
		t.Fatalf("%d %s: %v", rec.Code, rec.Body, err)
	}
	return v
}
