package e2e

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

type object = map[string]any

// shape is what one product's tokens and metadata look like, where they are not OpenID Connect's plainest form.
type shape struct {
	path     string                                      // of its issuers
	shows    string                                      // Ada's name; empty: Ada Acme
	scopes   []string                                    // that it knows; asked for another it answers invalid_scope
	metadata object                                      // beside the usual; nil removes
	keys     []jose.JSONWebKey                           // published beside the signing key
	plainKey bool                                        // its keys name no algorithm
	id       func(p *fakeProvider, who string) object    // claims of the ID token beside the usual; nil removes
	access   func(p *fakeProvider, who string) string    // the access token
	userinfo func(p *fakeProvider, who string) object    // nil: it refuses the access token
	answer   object                                      // of the token endpoint, beside the usual
	refresh  func(p *fakeProvider, answer object) object // changes what a refresh answers; nil: nothing
}

// fakeProvider is an OpenID provider of some shape. Whoever opens its sign-in page is signed in already.
type fakeProvider struct {
	*httptest.Server
	shape
	issuer, clientID, secret, callback string
	now                                func() time.Time

	mu      sync.Mutex
	who     string              // is signed in
	roles   map[string][]string // by person
	grants  map[string]grantOf  // by code, refresh token and access token
	last    object              // the token endpoint's latest answer
	endings []url.Values        // of sign-ins
	away    bool                // userinfo
}

// grantOf is whom a secret was given for.
type grantOf struct{ who, challenge, nonce string }

// The keys are made once: the second is never published.
var providerKeys = sync.OnceValue(func() (keys [2]*rsa.PrivateKey) {
	for i := range keys {
		keys[i], _ = rsa.GenerateKey(rand.Reader, 2048)
	}
	return keys
})

// newProvider runs one until the test ends.
func newProvider(t *testing.T, s shape) *fakeProvider {
	t.Helper()
	p := &fakeProvider{
		shape: s, now: time.Now, grants: map[string]grantOf{},
		roles: map[string][]string{"ada": {"ONE_STS_ADMIN"}, "ivan": {"Acme Issuance"}},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+strings.TrimSuffix(s.path, "/")+"/.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /p/authorize", p.authorize)
	mux.HandleFunc("POST /p/token", p.token)
	mux.HandleFunc("GET /p/userinfo", p.answerUserinfo)
	mux.HandleFunc("GET /p/keys", p.serveKeys)
	mux.HandleFunc("GET /p/logout", p.logout)
	p.Server = httptest.NewServer(mux)
	p.issuer = p.URL + s.path
	t.Cleanup(p.Close)
	return p
}

// signsIn makes somebody the one who is signed in there.
func (p *fakeProvider) signsIn(who string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.who = who
}

// set changes the provider.
func (p *fakeProvider) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

// issued is a token of the latest answer.
func (p *fakeProvider) issued(name string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	token, _ := p.last[name].(string)
	return token
}

// merged is a with b over it, less what is nil in b.
func merged(a, b object) object {
	all := maps.Clone(a)
	maps.Copy(all, b)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
	return all
}

func (p *fakeProvider) discovery(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, merged(object{
		"issuer": p.issuer, "authorization_endpoint": p.URL + "/p/authorize", "token_endpoint": p.URL + "/p/token",
		"userinfo_endpoint": p.URL + "/p/userinfo", "jwks_uri": p.URL + "/p/keys", "end_session_endpoint": p.URL + "/p/logout",
	}, p.metadata))
}

func (p *fakeProvider) serveKeys(w http.ResponseWriter, _ *http.Request) {
	own := jose.JSONWebKey{Key: providerKeys()[0].Public(), KeyID: "k1", Algorithm: "RS256", Use: "sig"}
	if p.plainKey {
		own.Algorithm = ""
	}
	reply(w, http.StatusOK, jose.JSONWebKeySet{Keys: append([]jose.JSONWebKey{own}, p.shape.keys...)})
}

func (p *fakeProvider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("client_id") != p.clientID || q.Get("redirect_uri") != p.callback || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" {
		http.Error(w, "not what was registered: "+r.URL.RawQuery, http.StatusBadRequest)
		return
	}
	back := url.Values{"state": {q.Get("state")}}
	if p.metadata["authorization_response_iss_parameter_supported"] == true {
		back.Set("iss", p.issuer)
	}
	unknown := slices.ContainsFunc(strings.Fields(q.Get("scope")), func(s string) bool { return !slices.Contains(p.scopes, s) })
	if unknown {
		back.Set("error", "invalid_scope")
	} else {
		p.mu.Lock()
		back.Set("code", p.grant("code", grantOf{p.who, q.Get("code_challenge"), q.Get("nonce")}))
		p.mu.Unlock()
	}
	http.Redirect(w, r, p.callback+"?"+back.Encode(), http.StatusFound)
}

// grant gives out a secret. The lock is held.
func (p *fakeProvider) grant(kind string, of grantOf) string {
	secret := kind + "-" + rand.Text()
	p.grants[secret] = of
	return secret
}

func (p *fakeProvider) token(w http.ResponseWriter, r *http.Request) {
	id, secret, basic := r.BasicAuth()
	if !basic {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	if id != p.clientID || secret != p.secret {
		reply(w, http.StatusUnauthorized, object{"error": "invalid_client"})
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	grantType, sum := r.PostFormValue("grant_type"), sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	spent := r.PostFormValue(map[string]string{"authorization_code": "code", "refresh_token": "refresh_token"}[grantType])
	of, known := p.grants[spent]
	isCode := grantType == "authorization_code"
	if !known || isCode && of.challenge != base64.RawURLEncoding.EncodeToString(sum[:]) {
		reply(w, http.StatusBadRequest, object{"error": "invalid_grant"})
		return
	}
	delete(p.grants, spent) // each counts once
	if !isCode {
		of.nonce = "" // OpenID Connect Core 1.0 section 12.2
	}
	answer := p.tokens(of)
	if !isCode && p.refresh != nil {
		answer = p.refresh(p, answer)
	}
	p.last = answer
	reply(w, http.StatusOK, answer)
}

// tokens answers a grant. The lock is held.
func (p *fakeProvider) tokens(of grantOf) object {
	access := p.access(p, of.who)
	p.grants[access] = of
	sum, now := sha256.Sum256([]byte(access)), p.now().Unix()
	claims := object{
		"iss": p.issuer, "aud": p.clientID, "sub": "id-" + of.who, "iat": now, "exp": now + 3600, "auth_time": 1_700_000_000,
		"nonce": of.nonce, "at_hash": base64.RawURLEncoding.EncodeToString(sum[:16]),
	}
	if of.nonce == "" {
		delete(claims, "nonce")
	}
	return merged(object{
		"access_token": access, "token_type": "Bearer", "expires_in": 3600, "refresh_token": p.grant("refresh", of),
		"id_token": p.sign(merged(claims, p.id(p, of.who)), nil),
	}, p.answer)
}

// sign makes a JWT. Its header is changed by header, whose kid "unpublished" names the key that nobody can know.
func (p *fakeProvider) sign(claims, header object) string {
	key, options := providerKeys()[0], &jose.SignerOptions{}
	for name, value := range header {
		options.WithHeader(jose.HeaderKey(name), value)
	}
	kid := "k1"
	if header["kid"] == "unpublished" {
		key, kid = providerKeys()[1], "unpublished"
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, options)
	if err != nil {
		panic(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		panic(err)
	}
	compact, err := signed.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return compact
}

func (p *fakeProvider) answerUserinfo(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	of, known := p.grants[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	switch {
	case p.away:
		w.WriteHeader(http.StatusServiceUnavailable)
	case !known || p.userinfo == nil:
		w.WriteHeader(http.StatusUnauthorized)
	default:
		reply(w, http.StatusOK, merged(object{"sub": "id-" + of.who}, p.userinfo(p, of.who)))
	}
}

func (p *fakeProvider) logout(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.endings = append(p.endings, r.URL.Query())
	p.mu.Unlock()
	http.Redirect(w, r, r.URL.Query().Get("post_logout_redirect_uri"), http.StatusFound)
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
