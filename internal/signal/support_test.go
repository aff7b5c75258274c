package signal_test

import (
	"context"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/iam"
	"github.com/portico-iam/portico/internal/revocation"
	"github.com/portico-iam/portico/internal/seal"
	"github.com/portico-iam/portico/internal/session"
	"github.com/portico-iam/portico/internal/signal"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

const (
	org      = "https://acme.okta.test"
	signIn   = org + "/oauth2/default"
	foreign  = "https://other.okta.test/oauth2/default"
	self     = "https://desk.acme.test"
	clientID = "0oaclient"
	stream   = self + "/signals"
	secret   = "the-authorization-of-the-event-hook-0123456789"
	leeway   = time.Minute
)

var begin = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

type object = map[string]any

type absent struct{}

// with changes members; one that is absent{} goes.
func with(o object, changes ...object) object {
	o = maps.Clone(o)
	for _, c := range changes {
		for name, value := range c {
			if o[name] = value; value == (absent{}) {
				delete(o, name)
			}
		}
	}
	return o
}

var keys = sync.OnceValue(func() (k struct{ signIn, org, other *rsa.PrivateKey }) {
	k.signIn, _ = rsa.GenerateKey(rand.Reader, 2048)
	k.org, _ = rsa.GenerateKey(rand.Reader, 2048)
	k.other, _ = rsa.GenerateKey(rand.Reader, 2048)
	return k
})

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// sign makes a token by hand, so that it may be wrong in any way: alg decides how.
func sign(header, claims object, key *rsa.PrivateKey) string {
	input := b64(mustJSON(header)) + "." + b64(mustJSON(claims))
	sum := sha256.Sum256([]byte(input))
	switch header["alg"] {
	case "none", "nOnE":
		return input + "."
	case "HS256": // with what everybody can read
		der, _ := x509.MarshalPKIXPublicKey(key.Public())
		mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
		mac.Write([]byte(input))
		return input + "." + b64(mac.Sum(nil))
	}
	signature, _ := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	return input + "." + b64(signature)
}

// bench is a Service with two people at the sign-in's issuer, and one of the same names at another.
type bench struct {
	t   testing.TB
	db  *store.DB
	now time.Time
	*signal.Service
	book    *revocation.Book
	handler http.Handler
	log     strings.Builder
	mu      sync.Mutex
}

func (b *bench) Now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) advance(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

func newBench(t testing.TB, change ...func(*signal.Config)) *bench {
	b := &bench{t: t, db: testdb.Open(t, store.SQLite), now: begin}
	logger := slog.New(slog.NewTextHandler(&b.log, nil))
	record := &history.Recorder{Store: b.db, Now: b.Now, Logger: logger}
	b.book = &revocation.Book{Store: b.db, Idle: time.Hour, Now: b.Now, Logger: logger}
	if err := b.book.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	sessions := session.New(session.Config{
		Store: b.db, Box: seal.RandomKey().Box("session"), Revoked: b.book, History: record, Idle: time.Hour, Absolute: 8 * time.Hour,
		Recheck: time.Minute, Now: b.Now, Logger: logger,
	})
	cfg := signal.Config{
		PublicURL: self, ClientID: clientID, SignIn: b.issuer(signIn, keys().signIn), Global: b.issuer(org, keys().org), Shared: b.issuer(org, keys().org),
		Settings: config.Signals{
			BackchannelLogout: true, FrontchannelLogout: true, EventHook: config.EventHook{Secret: secret},
			SharedSignals: config.SharedSignals{Issuer: org, Audience: stream, Poll: config.SignalPoll{Interval: 30 * time.Second}},
		},
		Store: b.db, Revocations: &revocation.Service{Store: b.db, Book: b.book, History: record, Sessions: sessions}, Sessions: sessions,
		History: record, Now: b.Now, Logger: logger,
	}
	for _, c := range change {
		c(&cfg)
	}
	b.Service = signal.New(cfg)
	mux := http.NewServeMux()
	b.Mount(mux)
	b.handler = mux
	b.begins("i1", session.Person{Issuer: signIn, Subject: "ivan@acme.test", IDSubject: "00u1", Email: "Ivan.Issuer@acme.test"}, "s1")
	b.begins("i2", session.Person{Issuer: signIn, Subject: "ivan@acme.test", IDSubject: "00u1", Email: "Ivan.Issuer@acme.test"}, "s2")
	b.begins("v1", session.Person{Issuer: signIn, Subject: "vera@acme.test", IDSubject: "00u2", Username: "vera@acme.test"}, "s3")
	b.begins("x1", session.Person{Issuer: foreign, Subject: "ivan@acme.test", IDSubject: "00u1", Email: "ivan.issuer@acme.test"}, "s1")
	return b
}

// everybody's sessions.
var everybody = []string{"i1", "i2", "v1", "x1"}

func (b *bench) issuer(name string, key *rsa.PrivateKey) *iam.Issuer {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k", Algorithm: "RS256", Use: "sig"}}})
	}))
	client := iam.HTTPClient()
	set := &iam.KeySet{
		URL: iam.FixedURL(server.URL), HTTP: client, RefreshAfter: time.Hour, ExpireAfter: 24 * time.Hour, Now: b.Now, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	b.t.Cleanup(func() {
		set.Close()
		client.CloseIdleConnections()
		server.Close()
	})
	return &iam.Issuer{Issuer: name, Algorithms: []string{"RS256", "ES256"}, Leeway: leeway, Keys: set}
}

func (b *bench) begins(ref string, p session.Person, sid string) {
	b.t.Helper()
	p.SeenAt = b.Now()
	r := session.Record{
		Ref: ref, Hash: "hash " + ref, Principal: access.Principal{Issuer: p.Issuer, Subject: p.Subject, NotAfter: p.SeenAt.Add(time.Hour)}, IDSubject: p.IDSubject, SID: sid,
		CreatedAt: p.SeenAt, SeenAt: p.SeenAt, EndsAt: p.SeenAt.Add(8 * time.Hour), Version: 1,
	}
	if _, err := b.db.BeginSession(b.t.Context(), r, p, history.Entry{ID: "begun " + ref, CreatedAt: p.SeenAt}, 0); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) live() (refs []string) {
	b.t.Helper()
	found, _, err := b.db.ListSessions(b.t.Context(), revocation.Filter{Now: b.Now()})
	if err != nil {
		b.t.Fatal(err)
	}
	for _, r := range found {
		refs = append(refs, r.Ref)
	}
	slices.Sort(refs)
	return refs
}

// stay checks who is still signed in.
func (b *bench) stay(rule string, want ...string) {
	b.t.Helper()
	if got := b.live(); !slices.Equal(got, want) {
		b.t.Errorf("%s: %v are signed in, expected %v", rule, got, want)
	}
}

// unharmed checks that nobody was signed out, nor cut.
func (b *bench) unharmed(rule string) {
	b.t.Helper()
	b.stay(rule, everybody...)
	if cuts, err := b.db.Cuts(b.t.Context()); err != nil || len(cuts) > 0 {
		b.t.Errorf("%s: cut %v, %v", rule, cuts, err)
	}
}

// entries are the history's of that action, the latest last.
func (b *bench) entries(action history.Action) []history.Entry {
	b.t.Helper()
	found, _, err := b.db.ListHistory(b.t.Context(), history.Filter{Actions: []string{string(action)}, Size: 1000, Sort: "createdDate"})
	if err != nil {
		b.t.Fatal(err)
	}
	return found
}

// sent is a request as it is to be sent.
type sent struct {
	method, path string
	header       http.Header
	body         string
}

func (b *bench) send(s sent) *httptest.ResponseRecorder {
	r := httptest.NewRequest(s.method, s.path, strings.NewReader(s.body))
	maps.Copy(r.Header, s.header)
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	return w
}

// signed is what a token is made of.
type signed struct {
	header, claims object
	key            *rsa.PrivateKey
}

func (s signed) String() string { return sign(s.header, s.claims, s.key) }

// forgeries are wrong with any kind of token: how its signature is made.
func forgeries(good signed) map[string]signed {
	header := func(changes object) signed { return signed{with(good.header, changes), good.claims, good.key} }
	return map[string]signed{
		"NT02: alg none":                  header(object{"alg": "none"}),
		"NT02: alg nOnE":                  header(object{"alg": "nOnE"}),
		"NT01: HS256 with the public key": header(object{"alg": "HS256"}),
		"NT03: an unknown algorithm":      header(object{"alg": "XS256"}),
		"another key":                     {good.header, good.claims, keys().other},
		"an unknown key id":               header(object{"kid": "x"}),
		"no key id":                       header(object{"kid": absent{}}),
		"extensions that are not known":   header(object{"crit": []string{"b64"}, "b64": true}),
		"its key comes with it":           {with(good.header, object{"jwk": object{"kty": "RSA"}, "kid": absent{}}), good.claims, keys().other},
	}
}

// malformedTokens are no tokens at all.
func malformedTokens(good string) map[string]string {
	first, rest, _ := strings.Cut(good, ".")
	return map[string]string{
		"nothing":             "",
		"a word":              "token",
		"NT04: five parts":    "a.b.c.d.e",
		"a line end within":   first + ".\n" + rest,
		"a byte less":         good[:len(good)-2],
		"claims that are not": first + "." + b64([]byte("[]")) + ".AAAA",
		"too long":            strings.Repeat("a", iam.MaxToken+1),
	}
}

// replica is another process on the same store.
func (b *bench) replica(change ...func(*signal.Config)) *bench {
	cfg := b.Service.Config
	for _, c := range change {
		c(&cfg)
	}
	other := &bench{t: b.t, db: b.db, now: b.now, book: b.book, Service: signal.New(cfg)}
	mux := http.NewServeMux()
	other.Mount(mux)
	other.handler = mux
	return other
}

// away is a store that does not answer.
type away struct{}

func (away) PeopleNamed(context.Context, string, string) ([]session.Person, error) {
	return nil, errAway
}

func (away) PeopleByMail(context.Context, string, string, time.Time) ([]session.Person, error) {
	return nil, errAway
}
func (away) SignalSeen(context.Context, string, time.Time) (bool, error)    { return false, nil }
func (away) NoteSignal(context.Context, string, time.Time, time.Time) error { return errAway }

func (away) EndSessions(context.Context, revocation.Filter, func(*session.Record) bool) ([]session.Record, error) {
	return nil, errAway
}

func (away) EndPerson(context.Context, revocation.Person, time.Time) ([]session.Record, error) {
	return nil, errAway
}

func (away) SessionsOf(context.Context, revocation.Person) ([]session.Record, error) {
	return nil, errAway
}

var errAway = fault.Unavailable.New("the store is away")

// withoutStore is a replica that can't reach it.
func (b *bench) withoutStore() *bench {
	return b.replica(func(c *signal.Config) { c.Store, c.Revocations = away{}, away{} })
}
