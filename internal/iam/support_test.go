package iam_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"go.uber.org/goleak"

	"github.com/portico-iam/portico/internal/claim"
	"github.com/portico-iam/portico/internal/iam"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	issuer   = "https://acme.okta.test/oauth2/default"
	audience = "api://procivis-one"
	clientID = "0oaclient"
)

var begin = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// clock is a time that the test moves.
type clock struct{ at atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.at.Store(begin.UnixNano())
	return c
}

func (c *clock) Now() time.Time          { return time.Unix(0, c.at.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.at.Add(int64(d)) }

var silent = slog.New(slog.NewTextHandler(io.Discard, nil))

// keys are made once: RSA keys take a while.
var keys = sync.OnceValue(func() (k struct {
	rsa, other, weak *rsa.PrivateKey
	p256             *ecdsa.PrivateKey
	ed               ed25519.PrivateKey
},
) {
	k.rsa, _ = rsa.GenerateKey(rand.Reader, 2048)
	k.other, _ = rsa.GenerateKey(rand.Reader, 2048)
	k.weak, _ = rsa.GenerateKey(rand.Reader, 1024)
	k.p256, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	_, k.ed, _ = ed25519.GenerateKey(rand.Reader)
	return k
})

type object = map[string]any

// jwk is the public key as a set publishes it.
func jwk(kid, alg string, public any) object {
	b, err := json.Marshal(jose.JSONWebKey{Key: public, KeyID: kid, Algorithm: alg, Use: "sig"})
	if err != nil {
		panic(err)
	}
	var o object
	if err := json.Unmarshal(b, &o); err != nil {
		panic(err)
	}
	return o
}

func ownKeys() object {
	k := keys()
	return object{"keys": []object{
		jwk("rsa", "RS256", k.rsa.Public()), jwk("any-rsa", "", k.other.Public()), jwk("ec", "ES256", k.p256.Public()),
		jwk("ed", "EdDSA", k.ed.Public()), jwk("weak", "RS256", k.weak.Public()),
	}}
}

// published serves a key set whose content the test may change.
type published struct {
	*httptest.Server
	mu      sync.Mutex
	handler http.HandlerFunc
	fetches atomic.Int64
}

func publish(t testing.TB, set any) *published {
	p := &published{}
	p.serve(set)
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.fetches.Add(1)
		p.mu.Lock()
		h := p.handler
		p.mu.Unlock()
		h(w, r)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *published) serve(set any) {
	p.answer(func(w http.ResponseWriter, _ *http.Request) { json.NewEncoder(w).Encode(set) })
}

func (p *published) answer(h http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.handler = h
}

func httpClient(t testing.TB) *http.Client {
	c := iam.HTTPClient()
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func keySet(t testing.TB, p *published, c *clock) *iam.KeySet {
	k := &iam.KeySet{
		URL: iam.FixedURL(p.URL), HTTP: httpClient(t), RefreshAfter: 5 * time.Minute, ExpireAfter: time.Hour,
		Now: c.Now, Logger: silent,
	}
	t.Cleanup(k.Close)
	return k
}

func path(t testing.TB, text string) claim.Path {
	t.Helper()
	p, err := claim.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var algorithms = []string{"RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"}

// bench is a verifier of one issuer with its keys.
type bench struct {
	*clock
	*iam.Verifier
	keys *published
}

func newBench(t testing.TB) *bench {
	b := &bench{clock: newClock()}
	b.keys = publish(t, ownKeys())
	b.Verifier = &iam.Verifier{Now: b.clock.Now, Issuers: []*iam.Issuer{{
		Issuer: issuer, Audience: audience, Algorithms: algorithms, Leeway: 30 * time.Second,
		Keys: keySet(t, b.keys, b.clock), RolePath: path(t, "roles"), SubjectPath: path(t, "sub"),
	}}}
	return b
}

func claims(changes object) object {
	c := object{
		"ver": 1, "jti": "AT.1", "iss": issuer, "aud": audience, "iat": begin.Unix(), "exp": begin.Add(time.Hour).Unix(),
		"cid": clientID, "uid": "00u1", "sub": "ada@acme.test", "roles": []string{"ONE_STS_ADMIN"},
	}
	return with(c, changes)
}

type absent struct{}

func with(o, changes object) object {
	o = maps.Clone(o)
	for name, value := range changes {
		if _, gone := value.(absent); gone {
			delete(o, name)
		} else {
			o[name] = value
		}
	}
	return o
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func encode(v any) string {
	if raw, ok := v.(string); ok {
		return b64([]byte(raw))
	}
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b64(b)
}

// sign makes a token by hand, so that it may be wrong in any way. It is signed by the header's algorithm where that is
// RS256, ES256 or EdDSA.
func sign(header object, payload any, key crypto.Signer) string {
	input := encode(header) + "." + encode(payload)
	sum := sha256.Sum256([]byte(input))
	var signature []byte
	switch k := key.(type) {
	case *rsa.PrivateKey:
		signature, _ = rsa.SignPKCS1v15(rand.Reader, k, crypto.SHA256, sum[:])
	case *ecdsa.PrivateKey:
		r, s, _ := ecdsa.Sign(rand.Reader, k, sum[:])
		signature = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	case ed25519.PrivateKey:
		signature = ed25519.Sign(k, []byte(input))
	}
	return input + "." + b64(signature)
}

func header(changes object) object { return with(object{"alg": "RS256", "kid": "rsa"}, changes) }

// good is what Okta sends, with changes.
func good(changes object) string { return sign(header(nil), claims(changes), keys().rsa) }

func mustJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}
