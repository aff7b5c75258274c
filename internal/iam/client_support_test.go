package iam_test

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/iam"
)

// What must never show: each is sent to the provider, or comes from it.
const (
	canarySecret   = "canary-secret"
	canaryCode     = "canary-code"
	canaryVerifier = "canary-verifier-of-at-least-43-characters-length"
	canaryRefresh  = "canary-refresh"
	nonce          = "n-1"
	redirectURI    = "https://portico.acme.test/auth/callback"
)

// idp is an authorization server whose answers the test chooses.
type idp struct {
	*published
	*iam.Client
	clock    *clock
	mu       sync.Mutex
	token    http.HandlerFunc // the token endpoint
	userinfo http.HandlerFunc
	changes  object // of the metadata
	keysAway bool
	requests []*http.Request
}

func newIDP(t testing.TB) *idp {
	p := &idp{clock: newClock(), published: publish(t, nil)}
	p.answer(p.serveHTTP)
	provider := provider(t, p.published, p.clock, p.URL)
	keys := keySet(t, p.published, p.clock)
	keys.URL = provider.JWKSURI
	p.Client = &iam.Client{
		Provider: provider, HTTP: httpClient(t), ID: clientID, Secret: canarySecret, AuthMethod: config.ClientSecretBasic,
		Scopes: []string{"openid", "profile"}, RedirectURI: redirectURI, PostLogoutTo: "https://portico.acme.test/auth/signed-out",
		Verifier: &iam.Verifier{Now: p.clock.Now, Issuers: []*iam.Issuer{{
			Issuer: p.URL, Audience: audience, Algorithms: algorithms, Leeway: 30 * time.Second,
			Keys: keys, RolePath: path(t, "roles"), SubjectPath: path(t, "sub"),
		}}},
	}
	p.token = writes(p.answers(nil))
	p.userinfo = writes(object{"sub": "00u1", "given_name": "Ada", "family_name": "Lovelace", "preferred_username": "ada"})
	return p
}

func (p *idp) serveHTTP(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	p.mu.Lock()
	p.requests = append(p.requests, r)
	token, userinfo, changes, keysAway := p.token, p.userinfo, p.changes, p.keysAway
	p.mu.Unlock()
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		writes(metadata(p.URL, changes))(w, r)
	case "/keys":
		if keysAway {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		writes(ownKeys())(w, r)
	case "/token":
		token(w, r)
	case "/userinfo":
		userinfo(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (p *idp) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

// asked returns what reached a path since the last time.
func (p *idp) asked(path string) (all []*http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.requests {
		if r.URL.Path == path {
			all = append(all, r)
		}
	}
	p.requests = nil
	return all
}

func (p *idp) accessToken(changes object) string {
	return good(with(object{"iss": p.URL}, changes))
}

func (p *idp) idToken(changes object) string {
	return sign(header(nil), with(object{
		"iss": p.URL, "aud": clientID, "sub": "00u1", "nonce": nonce, "iat": begin.Unix(), "exp": begin.Add(time.Hour).Unix(),
	}, changes), keys().rsa)
}

// answers is a good answer of the token endpoint, with changes.
func (p *idp) answers(changes object) object {
	access := p.accessToken(nil)
	return with(object{
		"access_token": access, "token_type": "Bearer", "expires_in": 3600, "scope": "openid profile",
		"refresh_token": "refresh-2", "id_token": p.idToken(object{"at_hash": atHash(access)}),
	}, changes)
}

func atHash(accessToken string) string {
	sum := sha256.Sum256([]byte(accessToken))
	return b64(sum[:16])
}

func (p *idp) exchange(t testing.TB) (*iam.Grant, error) {
	return p.Exchange(t.Context(), canaryCode, canaryVerifier, nonce)
}

// echo answers with everything that was sent, as some servers' pages for developers do.
func echo(status int, contentType string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		plain, _ := url.QueryUnescape(password)
		says(status, contentType, fmt.Sprintf("<pre>%s %v %s %s %v</pre>", r.URL, r.Header, user, plain, r.Form))(w, r)
	}
}

// showsNothing checks that an error holds none of what must not show, however it is printed.
func showsNothing(t *testing.T, rule string, err error, more ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: expected an error", rule)
	}
	text := fmt.Sprintf("%v %+v %#v", err, err, err)
	for _, secret := range append(more, "canary", "eyJ") { // eyJ: every JWT begins so
		if strings.Contains(text, secret) {
			t.Errorf("%s: the error shows %q: %s", rule, secret, text)
		}
	}
}
