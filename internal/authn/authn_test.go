package authn_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/claim"
	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/iam"
	"github.com/portico-iam/portico/internal/limit"
	"github.com/portico-iam/portico/internal/seal"
	"github.com/portico-iam/portico/internal/session"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

const (
	issuer = "https://acme.okta.test/oauth2/default"
	origin = "https://portico.acme.test"
	acme   = access.OrganisationID("6a3c0000-0000-4000-8000-000000000001")
	zeta   = access.OrganisationID("6a3c0000-0000-4000-8000-000000000002")
	gone   = access.OrganisationID("6a3c0000-0000-4000-8000-000000000003")
)

var begin = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func now() time.Time { return begin }

// bench has one live session of Ivan's, and signs tokens for anybody.
type bench struct {
	authn.Authenticator
	key    ed25519.PrivateKey
	cookie *http.Cookie
}

func newBench(t *testing.T) *bench {
	public, private, _ := ed25519.GenerateKey(rand.Reader)
	keys := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(map[string]any{"keys": []map[string]string{
			{"kty": "OKP", "crv": "Ed25519", "kid": "1", "alg": "EdDSA", "x": base64.RawURLEncoding.EncodeToString(public)},
		}})
	}))
	client := iam.HTTPClient()
	t.Cleanup(func() { client.CloseIdleConnections(); keys.Close() })
	logger := slog.New(slog.NewTextHandler(io.Discard, nil))
	roles, _ := claim.Parse("roles")
	sub, _ := claim.Parse("sub")
	db := testdb.Open(t, store.SQLite)
	sessions := session.New(session.Config{
		Store: db, Box: seal.RandomKey().Box("session"), History: &history.Recorder{Store: db, Now: now, Logger: logger},
		Idle: time.Hour, Absolute: time.Hour, Recheck: time.Minute, Secure: true, Now: now, Logger: logger,
	})
	w := httptest.NewRecorder()
	_, err := sessions.Begin(w, httptest.NewRequest("GET", "/", nil), session.NewRef(), &iam.Grant{
		Principal: &access.Principal{Issuer: issuer, Subject: "ivan", IAMRoles: []string{"Acme Issuance"}, NotAfter: begin.Add(time.Hour)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return &bench{
		key: private, cookie: w.Result().Cookies()[0],
		Authenticator: authn.Authenticator{
			Mode: config.ModeBuiltin, Sessions: sessions, PublicOrigin: origin,
			Verifier: &iam.Verifier{Now: now, Issuers: []*iam.Issuer{{
				Issuer: issuer, Audience: "api://one", Algorithms: []string{"EdDSA"}, RolePath: roles, SubjectPath: sub,
				Keys: &iam.KeySet{URL: iam.FixedURL(keys.URL), HTTP: client, RefreshAfter: time.Hour, ExpireAfter: time.Hour, Now: now, Logger: logger},
			}}},
		},
	}
}

func (b *bench) token(sub string) string {
	encode := func(v any) string { j, _ := json.Marshal(v); return base64.RawURLEncoding.EncodeToString(j) }
	input := encode(map[string]string{"alg": "EdDSA", "kid": "1"}) + "." + encode(map[string]any{
		"iss": issuer, "aud": "api://one", "sub": sub, "exp": begin.Add(time.Hour).Unix(), "roles": []string{"Acme Issuance"},
	})
	return input + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(b.key, []byte(input)))
}

// in is a request with headers: name, value, name, value, …
func in(method string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, "/api/user/v1/me", nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

// who returns the subject, or the code of the refusal.
func (b *bench) who(r *http.Request) string {
	caller, err := b.Authenticate(httptest.NewRecorder(), r)
	if err != nil {
		return fault.Of(err).Code.ID
	}
	return caller.Principal.Subject
}

func TestNT08_ABearerIsJudgedByItselfAlone(t *testing.T) {
	b := newBench(t)
	for rule, c := range map[string]struct {
		headers []string
		want    string
	}{
		"a good one":               {[]string{"Authorization", "Bearer " + b.token("api")}, "api"},
		"in lower case":            {[]string{"Authorization", "bearer " + b.token("api")}, "api"},
		"junk":                     {[]string{"Authorization", "Bearer junk"}, "PT_0001"},
		"empty":                    {[]string{"Authorization", ""}, "PT_0001"},
		"no token":                 {[]string{"Authorization", "Bearer "}, "PT_0001"},
		"no blank":                 {[]string{"Authorization", "Bearer"}, "PT_0001"},
		"two blanks":               {[]string{"Authorization", "Bearer  " + b.token("api")}, "PT_0001"},
		"Basic":                    {[]string{"Authorization", "Basic aXZhbjppdmFu"}, "PT_0001"},
		"DPoP":                     {[]string{"Authorization", "DPoP " + b.token("api")}, "PT_0001"},
		"the token alone":          {[]string{"Authorization", b.token("api")}, "PT_0001"},
		"twice, both good":         {[]string{"Authorization", "Bearer " + b.token("api"), "Authorization", "Bearer " + b.token("api")}, "PT_0001"},
		"twice, the first good":    {[]string{"Authorization", "Bearer " + b.token("api"), "Authorization", "Bearer junk"}, "PT_0001"},
		"two in one":               {[]string{"Authorization", "Bearer " + b.token("api") + ", Bearer junk"}, "PT_0001"},
		"in a query or other name": {[]string{"X-Authorization", "Bearer " + b.token("api")}, "ivan"},
		"none":                     {nil, "ivan"},
	} {
		r := in("GET", c.headers...)
		r.AddCookie(b.cookie) // a live session, that must not make up for a bad token
		if got := b.who(r); got != c.want {
			t.Errorf("%s: got %s, want %s", rule, got, c.want)
		}
	}
}

func TestNT10_IdentityHeadersClaimNothing(t *testing.T) {
	claims := []string{
		"X-Userinfo", `{"sub":"eve"}`, "X-Id-Token", "junk", "X-Forwarded-User", "eve", "X-Forwarded-Email", "eve@acme.test",
		"X-Forwarded-Groups", "ONE_STS_ADMIN", "X-Auth-Request-User", "eve", "X-Auth-Request-Access-Token", "junk", "Remote-User", "eve",
		"X-Forwarded-Preferred-Username", "eve", "X-Auth-Request-Groups", "ONE_STS_ADMIN", "X-Raw-Id-Token", "junk", "X-Refresh-Token", "junk",
		"OIDC_CLAIM_sub", "eve", "OIDC_access_token", "junk", "Oidc-Claim-Sub", "eve",
		"X-Remote-User", "eve", "X-Consumer-Username", "eve", "X-Client-Cert", "eve", "X-Forwarded-For", "127.0.0.1",
		"User-Agent", "GoogleHC/1.0", "X-Real-Ip", "127.0.0.1", "X-Original-Url", "/health", // NT14, NT12, NT13
	}
	for _, mode := range []string{config.ModeBuiltin, config.ModeAPISIX, config.ModeOAuth2Proxy, config.ModeBearer} {
		b := newBench(t)
		b.Mode = mode
		cookie := b.cookie
		if mode != config.ModeBuiltin {
			b.Sessions = nil
		}
		if got := b.who(in("GET", claims...)); got != "PT_0001" {
			t.Errorf("%s: got %s", mode, got)
		}
		if got := b.who(in("GET", append(claims, "Authorization", "Bearer "+b.token("api"))...)); got != "api" {
			t.Errorf("%s: with a token: got %s", mode, got)
		}
		r := in("GET", claims...)
		r.AddCookie(cookie)
		if got, want := b.who(r), map[bool]string{true: "ivan", false: "PT_0001"}[mode == config.ModeBuiltin]; got != want {
			t.Errorf("%s: with a session's cookie: got %s, want %s", mode, got, want)
		}
		for name, own := range map[string]string{"X-Access-Token": config.ModeAPISIX, "X-Forwarded-Access-Token": config.ModeOAuth2Proxy} {
			want := "PT_0001"
			if own == mode {
				want = "api"
			}
			if got := b.who(in("GET", name, b.token("api"))); got != want {
				t.Errorf("%s: %s: got %s, want %s", mode, name, got, want)
			}
			if got := b.who(in("GET", name, b.token("api"), name, b.token("api"))); got != "PT_0001" {
				t.Errorf("%s: %s twice: got %s", mode, name, got)
			}
			if got := b.who(in("GET", name, "junk")); got != "PT_0001" {
				t.Errorf("%s: %s: junk: got %s", mode, name, got)
			}
			if got := b.who(in("GET", name, b.token("api"), "Authorization", "Bearer junk")); got != "PT_0001" {
				t.Errorf("NT08 %s: %s beside a bad bearer: got %s", mode, name, got)
			}
		}
	}
}

func TestNT47_AChangeComesFromOurOrigin(t *testing.T) {
	const evil, no = "https://evil.test", "PT_0012"
	for rule, c := range map[string]struct {
		method  string
		headers []string
		session string // want, for a session
		gateway string // want, behind another gateway
	}{
		"our page":                            {"POST", []string{"Origin", origin, "Sec-Fetch-Site", "same-origin"}, "ivan", "api"},
		"our page, an older browser":          {"POST", []string{"Origin", origin}, "ivan", "api"},
		"our page, its Origin hidden":         {"POST", []string{"Origin", "null", "Sec-Fetch-Site", "same-origin"}, "ivan", "api"},
		"our page, without Origin":            {"DELETE", []string{"Sec-Fetch-Site", "same-origin"}, "ivan", "api"},
		"another site":                        {"POST", []string{"Origin", evil, "Sec-Fetch-Site", "cross-site"}, no, no},
		"another site, an older browser":      {"PUT", []string{"Origin", evil}, no, no},
		"a sandboxed frame":                   {"POST", []string{"Origin", "null", "Sec-Fetch-Site", "cross-site"}, no, no},
		"a sandboxed frame, an older browser": {"POST", []string{"Origin", "null"}, no, no},
		"a neighbour on our site":             {"POST", []string{"Origin", "https://other.acme.test", "Sec-Fetch-Site", "same-site"}, no, no},
		"typed by hand":                       {"POST", []string{"Sec-Fetch-Site", "none"}, no, no},
		"contradiction, site says ours":       {"POST", []string{"Origin", evil, "Sec-Fetch-Site", "same-origin"}, no, no},
		"contradiction, origin says ours":     {"POST", []string{"Origin", origin, "Sec-Fetch-Site", "cross-site"}, no, no},
		"two origins":                         {"POST", []string{"Origin", origin, "Origin", evil}, no, no},
		"two in one":                          {"POST", []string{"Origin", origin + ", " + evil}, no, no},
		"our origin with another scheme":      {"POST", []string{"Origin", "http://portico.acme.test"}, no, no},
		"our origin with a port":              {"POST", []string{"Origin", origin + ":8443"}, no, no},
		"an origin that begins so":            {"POST", []string{"Origin", origin + ".evil.test"}, no, no},
		"an origin in other case":             {"POST", []string{"Origin", "https://PORTICO.acme.test"}, no, no},
		"only a Referer":                      {"PATCH", []string{"Referer", origin + "/"}, no, "api"},
		"no word of a browser":                {"POST", nil, no, "api"},
		"an unknown method":                   {"FOO", []string{"Origin", evil}, no, no},
		"reading, from another site":          {"GET", []string{"Origin", evil, "Sec-Fetch-Site", "cross-site"}, "ivan", "api"},
		"HEAD, from another site":             {"HEAD", []string{"Origin", evil}, "ivan", "api"},
		"a WebSocket from our page":           {"GET", []string{"Origin", origin, "Upgrade", "websocket", "Connection", "Upgrade"}, "ivan", "api"},
		"a WebSocket from another site":       {"GET", []string{"Origin", evil, "Upgrade", "websocket", "Connection", "Upgrade"}, no, no},
		"a WebSocket without Origin":          {"GET", []string{"Upgrade", "websocket", "Connection", "Upgrade"}, no, "api"},
		"an extended CONNECT":                 {"CONNECT", []string{"Origin", evil}, no, no},
	} {
		b := newBench(t)
		r := in(c.method, c.headers...)
		r.AddCookie(b.cookie)
		if got := b.who(r); got != c.session {
			t.Errorf("%s, by session: got %s, want %s", rule, got, c.session)
		}
		if got := b.who(in(c.method, append(c.headers, "Authorization", "Bearer "+b.token("api"))...)); got != "api" {
			t.Errorf("%s, by bearer, which no page can send unasked: got %s", rule, got)
		}
		for mode, name := range map[string]string{config.ModeAPISIX: "X-Access-Token", config.ModeOAuth2Proxy: "X-Forwarded-Access-Token"} {
			b.Mode, b.Sessions = mode, nil
			if got := b.who(in(c.method, append(c.headers, name, b.token("api"))...)); got != c.gateway {
				t.Errorf("%s, behind %s: got %s, want %s", rule, mode, got, c.gateway)
			}
			if got := b.who(in(c.method, append(c.headers, "Authorization", "Bearer "+b.token("api"))...)); got != c.gateway {
				t.Errorf("%s, behind %s that sends Authorization: got %s, want %s", rule, mode, got, c.gateway)
			}
		}
		b.Mode = config.ModeBearer // Apache, e.g., sends Authorization
		if got := b.who(in(c.method, append(c.headers, "Authorization", "Bearer "+b.token("api"))...)); got != c.gateway {
			t.Errorf("%s, behind another that sends Authorization: got %s, want %s", rule, got, c.gateway)
		}
	}
}

func TestTheOrganisationOfACall(t *testing.T) {
	set := access.SetOf(access.CredentialIssue)
	model := access.Model{
		Organisations: []*access.Organisation{{ID: acme, Name: "Acme"}, {ID: zeta, Name: "Zeta"}, {ID: gone, Name: "Gone", DeactivatedAt: begin}},
		Roles:         []*access.Role{{ID: "r", Name: "R", Permissions: set}},
		IAMRoles: []*access.IAMRole{
			{ID: "1", Name: "one", OrganisationRoles: map[access.OrganisationID][]access.RoleID{acme: {"r"}, gone: {"r"}}},
			{ID: "2", Name: "two", OrganisationRoles: map[access.OrganisationID][]access.RoleID{acme: {"r"}, zeta: {"r"}}},
		},
	}
	snapshot := access.Build(model, access.Bootstrap{}, time.Now())
	for rule, c := range map[string]struct {
		role    string
		active  access.OrganisationID // of the session
		cookie  access.OrganisationID
		headers []string
		want    access.OrganisationID
		code    *fault.Code
	}{
		"the header's":                       {role: "two", active: acme, headers: []string{"X-Organisation-Id", string(zeta)}, want: zeta},
		"the header's, to be refused later":  {role: "one", headers: []string{"X-Organisation-Id", string(zeta)}, want: zeta},
		"a header that is no id":             {role: "one", headers: []string{"X-Organisation-Id", "acme"}, code: fault.InvalidInput},
		"an empty header":                    {role: "one", headers: []string{"X-Organisation-Id", ""}, code: fault.InvalidInput},
		"the header twice":                   {role: "two", headers: []string{"X-Organisation-Id", string(acme), "X-Organisation-Id", string(acme)}, code: fault.InvalidInput},
		"two in one header":                  {role: "two", headers: []string{"X-Organisation-Id", string(acme) + "," + string(zeta)}, code: fault.InvalidInput},
		"the active one":                     {role: "two", active: zeta, want: zeta},
		"an active one without access":       {role: "one", active: zeta, want: acme},
		"an active one that is deactivated":  {role: "one", active: gone, want: acme},
		"the only one":                       {role: "one", want: acme},
		"one of several, not chosen":         {role: "two", code: fault.OrganisationNotChosen},
		"none":                               {role: "none", code: fault.OrganisationNotChosen},
		"the Desk's cookie, without session": {role: "two", cookie: zeta, want: zeta},
		"the Desk's cookie, without access":  {role: "one", cookie: zeta, want: acme},
		"the Desk's cookie, rubbish":         {role: "one", cookie: "'; DROP", want: acme},
		"the session's before the cookie":    {role: "two", active: acme, cookie: zeta, want: acme},
	} {
		caller := &authn.Caller{Principal: &access.Principal{Issuer: issuer, Subject: "x", IAMRoles: []string{c.role}}}
		if c.active != access.System {
			caller.Session = &session.Session{Record: session.Record{ActiveOrganisation: c.active}}
		}
		r := in("GET", c.headers...)
		if c.cookie != "" {
			r.AddCookie(&http.Cookie{Name: authn.OrganisationCookie, Value: string(c.cookie)})
		}
		got, err := caller.Organisation(r, snapshot)
		if c.code != nil && (!c.code.Is(err) || got != access.System) || c.code == nil && (err != nil || got != c.want) {
			t.Errorf("%s: got %q, %v", rule, got, err)
		}
	}
}

// TestNT14_NoUserAgentOpensAnything: health checks get what everybody gets.
func TestNT14_NoUserAgentOpensAnything(t *testing.T) {
	b := newBench(t)
	for _, agent := range []string{"GoogleHC/1.0", "kube-probe/1.31", "ELB-HealthChecker/2.0", "Prometheus/3.0", "curl/8", ""} {
		for _, path := range []string{"/", "/api/user/v1/me", "/health/live", "/ping", "/ready"} {
			r := httptest.NewRequest("GET", path, nil)
			r.Header.Set("User-Agent", agent)
			if c, err := b.Authenticate(httptest.NewRecorder(), r); !fault.Unauthenticated.Is(err) {
				t.Errorf("%s as %q: got %+v, %v", path, agent, c, err)
			}
		}
	}
}

// TestNobodyIsLetInByMemoryAlone: a replica that does not know what others have revoked lets in neither a session nor a token,
// and ends nothing.
func TestNobodyIsLetInByMemoryAlone(t *testing.T) {
	b := newBench(t)
	behind := true
	b.Current = func() error {
		if behind {
			return fault.Unavailable.New("behind")
		}
		return nil
	}
	for what, r := range map[string]*http.Request{
		"a session": in("GET", "Cookie", b.cookie.Name+"="+b.cookie.Value), "a token": in("GET", "Authorization", "Bearer "+b.token("ada")),
	} {
		w := httptest.NewRecorder()
		behind = true
		if c, err := b.Authenticate(w, r); !fault.Unavailable.Is(err) || len(w.Result().Cookies()) > 0 {
			t.Errorf("%s: got %+v, %v, and cookies %v", what, c, err, w.Result().Cookies())
		}
		behind = false
		if _, err := b.Authenticate(httptest.NewRecorder(), r); err != nil {
			t.Errorf("%s, once it knows: %v", what, err)
		}
	}
}

// TestEachPrincipalIsCounted for itself, by issuer and subject, whichever way they come.
func TestEachPrincipalIsCounted(t *testing.T) {
	b := newBench(t)
	b.Requests = limit.New[authn.Who](1, time.Hour, 2, now)
	ivan, token, ada := in("GET", "Cookie", b.cookie.Name+"="+b.cookie.Value), in("GET", "Authorization", "Bearer "+b.token("ivan")), in("GET", "Authorization", "Bearer "+b.token("ada"))
	for i, c := range []struct {
		r  *http.Request
		ok bool
	}{{ivan, true}, {token, true}, {ivan, false}, {token, false}, {ada, true}, {in("GET"), false}} {
		w := httptest.NewRecorder()
		_, err := b.Authenticate(w, c.r)
		if (err == nil) != c.ok || !c.ok && i < 5 && (!fault.TooMany.Is(err) || w.Header().Get("Retry-After") == "") {
			t.Errorf("request %d: got %v, %v", i, err, w.Header())
		}
	}
}
