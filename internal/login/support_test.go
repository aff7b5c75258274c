package login_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/httpx"
	"github.com/portico-iam/portico/internal/iam"
	"github.com/portico-iam/portico/internal/login"
	"github.com/portico-iam/portico/internal/seal"
	"github.com/portico-iam/portico/internal/session"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

const (
	issuer   = "https://acme.okta.test/oauth2/default"
	callback = "/.apisix/redirect"
)

var begin = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// okta redeems a code only with the verifier and the nonce of the flow that it was given for, and only once.
type okta struct {
	mu        sync.Mutex
	n         int
	codes     map[string][2]string // verifier, nonce
	verifiers map[string]bool
	states    map[string]bool
	away      error // of everything
	exchange  error // instead of a grant
	names     bool  // RFC 9207
}

func (o *okta) AuthorizationURL(_ context.Context, state, nonce, verifier string, _ iam.Ask) (string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.away != nil {
		return "", o.away
	}
	if len(verifier) != 43 || len(nonce) != 43 || verifier == nonce || o.verifiers[verifier] || o.states[state] {
		return "", fmt.Errorf("not fresh: verifier %q, nonce %q", verifier, nonce)
	}
	o.n++
	code := fmt.Sprintf("code-%d", o.n)
	o.codes[code], o.verifiers[verifier], o.states[state] = [2]string{verifier, nonce}, true, true
	return "https://acme.okta.test/authorize?" + url.Values{"state": {state}, "code": {code}}.Encode(), nil
}

func (o *okta) Exchange(_ context.Context, code, verifier, nonce string) (*iam.Grant, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.exchange != nil {
		return nil, o.exchange
	}
	if want, ok := o.codes[code]; !ok || want != [2]string{verifier, nonce} {
		return nil, &iam.RefusedError{Code: "invalid_grant", Description: "PKCE verification failed."}
	}
	delete(o.codes, code)
	return &iam.Grant{
		Principal: &access.Principal{Issuer: issuer, Subject: "ivan", IAMRoles: []string{"Acme Issuance"}, NotAfter: begin.Add(24 * time.Hour)},
		IDToken:   "the-id-token",
	}, nil
}

func (o *okta) EndSessionURL(_ context.Context, idToken string) (string, error) {
	if o.away != nil || idToken == "" {
		return "", o.away
	}
	return "https://acme.okta.test/logout?id_token_hint=" + idToken, nil
}

func (o *okta) NamesItself(context.Context) (bool, error) { return o.names, o.away }

// pages shows messages as text.
type pages struct{}

func (pages) RenderMessage(w http.ResponseWriter, _ *http.Request, m httpx.Message) {
	w.WriteHeader(m.Status)
	fmt.Fprintf(w, "%s|%s|%s|%s", m.Title, m.Text, m.Reference, m.ActionURL)
}

type bench struct {
	t        testing.TB
	okta     *okta
	now      time.Time
	db       *store.DB
	key      seal.Key
	handler  http.Handler
	public   string
	counting sync.Mutex
	ended    map[string]int // sign-ins, by how they ended
}

func newBench(t testing.TB) *bench { return newBenchAt(t, "https://portico.acme.test") }

func newBenchAt(t testing.TB, public string) *bench {
	b := &bench{
		t: t, now: begin, public: public, ended: map[string]int{}, db: testdb.Open(t, store.SQLite), key: seal.RandomKey(),
		okta: &okta{codes: map[string][2]string{}, verifiers: map[string]bool{}, states: map[string]bool{}},
	}
	b.handler = b.replica(seal.NewKeys(b.key))
	return b
}

// replica is another process on the same store, with those keys at hand.
func (b *bench) replica(keys *seal.Keys) http.Handler {
	logger := slog.New(slog.NewTextHandler(io.Discard, nil))
	now := func() time.Time { return b.now }
	record := &history.Recorder{Store: b.db, Now: now, Logger: logger}
	secure := strings.HasPrefix(b.public, "https")
	sessions := session.New(session.Config{
		Store: b.db, Box: keys.Box("session"), History: record, Idle: 8 * time.Hour, Absolute: 8 * time.Hour, Recheck: time.Minute,
		Secure: secure, Now: now, Logger: logger,
	})
	h := login.New(login.Config{
		Client: b.okta, Issuer: issuer, PublicURL: b.public, Sessions: sessions, History: record, Pages: pages{}, Keys: keys,
		CallbackPath: callback, PostLogoutPath: "/", Secure: secure, Now: now, Logger: logger,
		SignedIn: func(result string) { b.counting.Lock(); defer b.counting.Unlock(); b.ended[result]++ },
	})
	mux := http.NewServeMux()
	h.Mount(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { // as the Desk does
		s, err := sessions.Find(w, r)
		if fault.Unauthenticated.Is(err) {
			h.SignIn(w, r)
			return
		}
		if err != nil {
			httpx.WriteError(w, r, err)
			return
		}
		fmt.Fprintf(w, "page of %s", s.Principal.Subject)
	})
	return httpx.WithRequestID(logger, httpx.GuardPath(mux))
}

// browser keeps cookies.
type browser struct {
	*bench
	mu  sync.Mutex
	jar map[string]string
}

func (b *bench) browser() *browser { return &browser{bench: b, jar: map[string]string{}} }

func (c *browser) do(method, target string, headers ...string) *httptest.ResponseRecorder {
	c.t.Helper()
	r := httptest.NewRequest(method, target, nil)
	u, _ := url.Parse(c.public)
	r.Host = u.Host
	r.Header.Set("Accept", "text/html")
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	c.mu.Lock()
	for name, value := range c.jar {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	c.mu.Unlock()
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, cookie := range w.Result().Cookies() {
		if !cookie.HttpOnly || cookie.Path != "/" || cookie.Domain != "" || cookie.SameSite != http.SameSiteLaxMode || cookie.Secure != (u.Scheme == "https") {
			c.t.Errorf("cookie %v", cookie)
		}
		if cookie.MaxAge < 0 {
			delete(c.jar, cookie.Name)
		} else {
			c.jar[cookie.Name] = cookie.Value
		}
	}
	return w
}

func (c *browser) get(target string, headers ...string) *httptest.ResponseRecorder {
	c.t.Helper()
	return c.do("GET", target, headers...)
}

// toOkta begins a sign-in and returns the address by which Okta will answer.
func (c *browser) toOkta(page string) string {
	c.t.Helper()
	w := c.get(page)
	location, err := url.Parse(w.Header().Get("Location"))
	if w.Code != http.StatusSeeOther || err != nil || location.Host != "acme.okta.test" {
		c.t.Fatalf("%s: got %d %s", page, w.Code, w.Body)
	}
	return callback + "?" + location.RawQuery
}

func signedIn(w *httptest.ResponseRecorder) bool {
	for _, c := range w.Result().Cookies() {
		if c.Name == "__Host-portico" && c.MaxAge >= 0 {
			return true
		}
	}
	return false
}

func (b *bench) stateOf() string {
	query, _ := url.ParseQuery(strings.TrimPrefix(b.browser().toOkta("/"), callback+"?"))
	return query.Get("state")
}

func mustQuery(address string) url.Values {
	u, err := url.Parse(address)
	if err != nil {
		panic(err)
	}
	return u.Query()
}
