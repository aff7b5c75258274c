package bff_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/bff"
	"github.com/portico-iam/portico/internal/claim"
	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/corecall"
	"github.com/portico-iam/portico/internal/explain"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/httpx"
	"github.com/portico-iam/portico/internal/iam"
	"github.com/portico-iam/portico/internal/policy"
	"github.com/portico-iam/portico/internal/revocation"
	"github.com/portico-iam/portico/internal/seal"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/sts"
	"github.com/portico-iam/portico/internal/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

const (
	issuer = "https://acme.okta.test/oauth2/default"
	public = "https://portico.acme.test"
	acme   = access.OrganisationID("6a3c0000-0000-4000-8000-000000000001")
	zeta   = access.OrganisationID("6a3c0000-0000-4000-8000-000000000002")
)

var silent = slog.New(slog.NewTextHandler(io.Discard, nil))

// tenants are Core's organisations; calls counts how often they were asked for.
type tenants struct {
	mu    sync.Mutex
	calls int
}

func (o *tenants) Organisations(context.Context) ([]*access.Organisation, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.calls++
	return []*access.Organisation{{ID: acme, Name: "Acme"}, {ID: zeta, Name: "Zeta"}}, nil
}

func (o *tenants) asked() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.calls
}

// core is a fake Core that records what reaches it.
type core struct {
	*httptest.Server
	mu     sync.Mutex
	seen   []*http.Request
	answer http.HandlerFunc
}

func (c *core) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.seen = append(c.seen, r)
	answer := c.answer
	c.mu.Unlock()
	if answer != nil {
		answer(w, r)
		return
	}
	w.WriteHeader(http.StatusTeapot)
}

// take returns what reached Core since the last call.
func (c *core) take() []*http.Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := c.seen
	c.seen = nil
	return seen
}

type bench struct {
	t       *testing.T
	core    *core
	db      *store.DB
	front   *httptest.Server
	policy  *policy.Service
	tenants *tenants
	mux     *http.ServeMux
	key     ed25519.PrivateKey
	client  *http.Client
	claims  map[string]any // put into every token of the IAM
}

type options struct {
	mode       string // of Core's authentication
	unmanaged  bool   // no management endpoints
	coreTarget string
	secret     config.Secret // of the client core
}

func newBench(t *testing.T, o options) *bench {
	t.Helper()
	if o.mode == "" {
		o.mode = config.AuthSTS
	}
	b := &bench{t: t, core: &core{}, tenants: &tenants{}, mux: http.NewServeMux()}
	b.core.Server = httptest.NewServer(b.core)
	db := testdb.Open(t, store.SQLite)
	b.db = db
	record := &history.Recorder{Store: db, Now: time.Now, Logger: silent}
	var err error
	if b.policy, err = policy.New(t.Context(), policy.Config{
		Store: db, Organisations: b.tenants, History: record, Bootstrap: access.Bootstrap{Issuer: issuer, Role: "ONE_STS_ADMIN"},
		Usage: db, People: db, Requests: db, Now: time.Now, Logger: silent,
	}); err != nil {
		t.Fatal(err)
	}
	if err := b.policy.SyncOrganisations(t.Context()); err != nil {
		t.Fatal(err)
	}
	ring, err := sts.OpenRing(t.Context(), sts.RingConfig{
		Store: db, Box: seal.RandomKey().Box("signing key"), Rotation: time.Hour, Overlap: time.Hour, Keep: time.Hour, Now: time.Now, Logger: silent,
	})
	if err != nil {
		t.Fatal(err)
	}
	book := &revocation.Book{Store: db, Idle: time.Hour, Now: time.Now, Logger: silent}
	revocations := &revocation.Service{Store: db, Book: book, Policy: b.policy, History: record, TokenTTL: 5 * time.Minute}
	service := sts.New(sts.Config{
		Issuer: public, Audiences: []string{"one-core"}, Clients: []sts.ServiceClient{{Audience: "one-core", Issuer: issuer, ClientID: "core", Subject: "core", Secret: o.secret}},
		TTL: 5 * time.Minute, Ring: ring, Policy: b.policy, Cuts: book, Now: time.Now,
	})
	verifier, idp := b.verifier()
	verifier.Revoked = book
	target, _ := url.Parse(b.core.URL + o.coreTarget)
	self, _ := url.Parse(public)
	transport := &http.Transport{DisableCompression: true}
	(&bff.Handler{
		Authn:  &authn.Authenticator{Mode: config.ModeBearer, Verifier: verifier, PublicOrigin: public, Cuts: book},
		Policy: b.policy, Core: &corecall.Caller{Mode: o.mode, StaticToken: config.Secret("static-token"), STS: service},
		Exchange: &sts.Exchange{Service: service, History: record, IAM: &iam.Connection{Verifier: verifier}},
		Services: service, Revocations: revocations,
		Introspect: service.Introspect, Revoke: (&sts.Revocation{Service: service, History: record}).Revoke,
		Resource: bff.ProtectedResource{Resource: public, AuthorizationServers: []string{issuer}},
		Proxy: bff.NewProxy(bff.ProxyConfig{
			Target: target, Transport: transport, Public: self, OrganisationsChanged: b.policy.SyncOrganisations, Logger: silent,
		}),
		Explainer: &explain.Service{
			Policy: b.policy, People: db, IAM: &iam.Connection{Verifier: verifier}, History: record, RolePath: "roles", Issuer: issuer, Now: time.Now,
		},
		ManagementEndpoints: !o.unmanaged, Keys: &sts.KeyAdministration{Ring: ring, Policy: b.policy},
	}).Mount(b.mux)
	b.front = httptest.NewServer(httpx.WithRequestID(silent, httpx.Recover(httpx.SecurityHeaders(true, httpx.GuardPath(b.mux)))))
	b.client = &http.Client{Transport: &http.Transport{DisableCompression: true}}
	t.Cleanup(func() {
		b.client.CloseIdleConnections()
		b.front.Close()
		transport.CloseIdleConnections()
		b.core.Close()
		idp()
	})
	return b
}

func (b *bench) verifier() (v *iam.Verifier, stop func()) {
	public, private, _ := ed25519.GenerateKey(rand.Reader)
	b.key = private
	keys := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(map[string]any{"keys": []map[string]string{
			{"kty": "OKP", "crv": "Ed25519", "kid": "1", "alg": "EdDSA", "x": base64.RawURLEncoding.EncodeToString(public)},
		}})
	}))
	client := iam.HTTPClient()
	roles, _ := claim.Parse("roles")
	sub, _ := claim.Parse("sub")
	v = &iam.Verifier{Now: time.Now, Issuers: []*iam.Issuer{{
		Issuer: issuer, Audience: "api://one", Algorithms: []string{"EdDSA"}, RolePath: roles, SubjectPath: sub,
		Keys: &iam.KeySet{URL: iam.FixedURL(keys.URL), HTTP: client, RefreshAfter: time.Hour, ExpireAfter: time.Hour, Now: time.Now, Logger: silent},
	}}}
	stop = func() {
		client.CloseIdleConnections()
		keys.Close()
	}
	return v, stop
}

const formType = "application/x-www-form-urlencoded"

// token is the IAM's, for somebody with these IAM roles.
func (b *bench) token(roles ...string) string { return b.signed("", roles) }

// as sends a form as a client of the IAM; none if it is empty.
func (b *bench) as(client, method, target, body string) answer {
	if client == "" {
		return b.call("", method, target, body, "Content-Type", formType)
	}
	return b.call("", method, target, body, "Content-Type", formType, "Authorization", "Bearer "+b.signed(client, []string{"all"}))
}

func (b *bench) signed(client string, roles []string) string {
	encode := func(v any) string { j, _ := json.Marshal(v); return base64.RawURLEncoding.EncodeToString(j) }
	claims := map[string]any{
		"iss": issuer, "aud": "api://one", "sub": "who-" + strings.Join(roles, "-"), "exp": time.Now().Add(time.Hour).Unix(), "roles": roles, "cid": client,
	}
	if client != "" { // of the client itself
		claims["sub"] = client
	}
	maps.Copy(claims, b.claims)
	input := encode(map[string]string{"alg": "EdDSA", "kid": "1"}) + "." + encode(claims)
	return input + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(b.key, []byte(input)))
}

var admin = &access.Principal{Issuer: issuer, Subject: "ada", IAMRoles: []string{"ONE_STS_ADMIN"}}

// maps gives an IAM role these permissions in Acme, and on the system.
func (b *bench) maps(name string, set access.PermissionSet) {
	b.t.Helper()
	role, err := b.policy.CreateRole(b.t.Context(), admin, access.Role{Name: name, Permissions: set}, policy.Seen{})
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.policy.CreateIAMRole(b.t.Context(), admin, access.IAMRole{
		Name: name, SystemRoles: []access.RoleID{role.ID}, OrganisationRoles: map[access.OrganisationID][]access.RoleID{acme: {role.ID}},
	}, policy.Seen{}); err != nil {
		b.t.Fatal(err)
	}
}

type answer struct {
	status int
	header http.Header
	body   string
}

// call sends a request as somebody with that IAM role; none if it is empty.
func (b *bench) call(role, method, target, body string, headers ...string) answer {
	b.t.Helper()
	r, err := http.NewRequest(method, b.front.URL+target, bytes.NewReader([]byte(body)))
	if err != nil {
		b.t.Fatal(err)
	}
	if role != "" {
		r.Header.Set("Authorization", "Bearer "+b.token(role))
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header[headers[i]] = append(slices.Clone(r.Header[headers[i]]), headers[i+1])
		if headers[i] == "Content-Type" {
			r.Header[headers[i]] = []string{headers[i+1]}
		}
	}
	resp, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(text)}
}

func (a answer) object(t *testing.T) map[string]any {
	t.Helper()
	var o map[string]any
	if err := json.Unmarshal([]byte(a.body), &o); err != nil {
		t.Fatalf("%d %q: %v", a.status, a.body, err)
	}
	return o
}

// appToken returns the claims of the one app token that a request bears.
func appToken(t *testing.T, r *http.Request) map[string]any {
	t.Helper()
	values := r.Header.Values("Authorization")
	parts := strings.Split(strings.Join(values, ","), ".")
	if len(values) != 1 || len(parts) != 3 {
		t.Fatalf("Authorization: %d values", len(values))
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil || claims["iss"] != public {
		t.Fatalf("not ours: %s", payload)
	}
	return claims
}
