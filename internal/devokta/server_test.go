package devokta

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/devokta/world"
)

func TestNT53_LoopbackOnly(t *testing.T) {
	for _, bad := range []string{
		"http://okta.acme.test", "http://0.0.0.0:8081", "http://192.168.1.2:8081", "http://[::]:8081", "http://localhost.evil.test",
		"http://127.0.0.1.evil.test", "http://localhost@evil.test", "ftp://localhost", "localhost:8081", "", "http://localhost/path", "http://localhost?x=1",
	} {
		if s, err := New(Config{PublicURL: bad}); err == nil {
			s.Close()
			t.Errorf("%q was accepted", bad)
		}
	}
	for _, good := range []string{"http://localhost:8081", "http://127.9.9.9", "http://[::1]:8081/", "https://LOCALHOST"} {
		s, err := New(Config{PublicURL: good})
		if err != nil {
			t.Errorf("%q: %v", good, err)
			continue
		}
		s.Close()
	}
	for _, bad := range []string{":8081", "0.0.0.0:0", "[::]:0", "8081", "example.test:80"} {
		if l, err := Listen(bad); err == nil {
			l.Close()
			t.Errorf("listens on %q", bad)
		}
	}
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}

func TestNT53_ForeignHostIsRefused(t *testing.T) {
	w := start(t)
	for host, status := range map[string]int{"evil.test": 403, "evil.test:8081": 403, "10.0.0.1": 403, "localhost:1": 200, "[::1]:1": 200, "[::1]": 200} {
		r, _ := http.NewRequest(http.MethodGet, w.url("/v1/keys"), nil)
		r.Host = host
		if got := w.browser().do(r); got.status != status {
			t.Errorf("host %s: %d, expected %d", host, got.status, status)
		}
	}
}

func TestDiscovery(t *testing.T) {
	w := start(t)
	b := w.browser()
	openid := b.get(w.s.World().DiscoveryURL).json(t)
	oauth := b.get(w.url("/.well-known/oauth-authorization-server")).json(t)
	path := b.get(w.s.cfg.PublicURL + "/.well-known/oauth-authorization-server/oauth2/default").json(t)
	byID := b.get(w.s.cfg.PublicURL + "/oauth2/" + w.s.world.Servers[0].ID + "/.well-known/openid-configuration").json(t)
	if openid["issuer"] != w.s.Issuer() || byID["issuer"] != w.s.Issuer() || len(path) != len(oauth) {
		t.Errorf("issuer %v", openid["issuer"])
	}
	for name, endpoint := range map[string]string{
		"authorization_endpoint": "/v1/authorize", "token_endpoint": "/v1/token", "jwks_uri": "/v1/keys", "userinfo_endpoint": "/v1/userinfo",
		"introspection_endpoint": "/v1/introspect", "revocation_endpoint": "/v1/revoke", "end_session_endpoint": "/v1/logout",
	} {
		if openid[name] != w.url(endpoint) {
			t.Errorf("%s %v", name, openid[name])
		}
	}
	has := func(doc map[string]any, field, value string) bool {
		return slices.Contains(doc[field].([]any), any(value))
	}
	if has(openid, "grant_types_supported", world.GrantClient) || !has(oauth, "grant_types_supported", world.GrantClient) {
		t.Error("client_credentials belongs in the OAuth document only")
	}
	if has(openid, "scopes_supported", "groups") || !has(openid, "scopes_supported", "one.api") || has(openid, "claims_supported", "roles") {
		t.Error("scopes or claims")
	}
	if oauth["userinfo_endpoint"] != nil || oauth["id_token_signing_alg_values_supported"] != nil || has(openid, "code_challenge_methods_supported", "plain") {
		t.Error("OAuth document has OIDC fields")
	}
	bad := b.get(w.url("/.well-known/openid-configuration?client_id=nobody"))
	if bad.status != 400 || bad.json(t)["errorCode"] != "invalid_client" || bad.json(t)["errorSummary"] != "Invalid value for `client_id` parameter" {
		t.Errorf("bad client: %d %s", bad.status, bad.body)
	}
	if good := b.get(w.url("/.well-known/openid-configuration?client_id=acme-cli")); good.status != 200 {
		t.Errorf("good client: %d", good.status)
	}
	if organisation := b.get(w.s.cfg.PublicURL + "/.well-known/okta-organization").json(t); organisation["pipeline"] != "idx" || !strings.HasPrefix(organisation["id"].(string), "00o") {
		t.Errorf("%v", organisation)
	}
}

func TestManagementShapes(t *testing.T) {
	w := start(t)
	b := w.browser()
	for name, tc := range map[string]struct {
		got    answer
		status int
		code   string
	}{
		"unknown server": {b.get(w.s.cfg.PublicURL + "/oauth2/other/v1/keys"), 404, "E0000007"},
		"unknown path":   {b.get(w.s.cfg.PublicURL + "/nothing"), 404, "E0000007"},
		"method":         {b.get(w.url("/v1/token")), 405, "E0000022"},
	} {
		body := tc.got.json(t)
		if tc.got.status != tc.status || body["errorCode"] != tc.code || body["errorLink"] != tc.code || body["errorCauses"] == nil || body["errorId"] == nil {
			t.Errorf("%s: %d %s", name, tc.got.status, tc.got.body)
		}
	}
	b.post(w.url("/v1/par"), nil).expect(t, errFeatureDisabled)
}

func TestStartIsFast(t *testing.T) {
	if testing.Short() {
		t.Skip("measures time")
	}
	var took, usable []time.Duration
	for range 9 {
		began := time.Now()
		s, err := New(Config{PublicURL: "http://localhost:8081"})
		if err != nil {
			t.Fatal(err)
		}
		took = append(took, time.Since(began))
		if _, err := s.keys.of(s.defaultID()).signing().key(); err != nil {
			t.Fatal(err)
		}
		usable = append(usable, time.Since(began))
		s.Close()
	}
	slices.Sort(took)
	slices.Sort(usable)
	t.Logf("New: median %s, worst %s; both keys ready: median %s, worst %s", took[4], took[8], usable[4], usable[8])
	if took[4] > 100*time.Millisecond {
		t.Errorf("median start %s", took[4])
	}
}

func TestFaults(t *testing.T) {
	w := start(t)
	b := w.browser()
	status := func() int { return b.get(w.url("/v1/keys")).status }
	undo := w.s.Inject(Fault{Endpoint: "keys", Status: 503})
	if status() != 503 || b.get(w.s.World().DiscoveryURL).status != 200 {
		t.Error("503 on keys alone")
	}
	undo()
	undo()
	if status() != 200 {
		t.Error("not cleared")
	}
	w.s.Inject(Fault{Status: 429, Times: 1})
	if got := b.get(w.url("/v1/keys")); got.status != 429 || got.json(t)["errorCode"] != "E0000047" || got.header.Get("X-Rate-Limit-Reset") == "" || status() != 200 {
		t.Errorf("429 once: %d %s", got.status, got.body)
	}
	w.s.Inject(Fault{Endpoint: "keys", Status: 200, Body: "not JSON", Times: 1})
	if got := b.get(w.url("/v1/keys")); got.body != "not JSON" {
		t.Errorf("body %q", got.body)
	}
	w.s.Inject(Fault{Endpoint: "keys", Drop: true, Times: 1})
	r, _ := http.NewRequest(http.MethodPost, w.url("/v1/keys"), nil) // not retried by the client
	r.Method = http.MethodGet
	r.Body = io.NopCloser(strings.NewReader("x"))
	if resp, err := b.client.Do(r); err == nil {
		resp.Body.Close()
		t.Error("the connection was not dropped")
	}
	hold := make(chan struct{})
	w.s.Inject(Fault{Endpoint: "keys", Hold: hold, Times: 1})
	done := make(chan int)
	go func() { done <- status() }()
	select {
	case <-done:
		t.Error("not held")
	default:
	}
	close(hold)
	if <-done != 200 {
		t.Error("held, then failed")
	}
}

// NT51: nothing that is a credential reaches the log, refused or not.
func TestNT51_NoSecretsInTheLog(t *testing.T) {
	var log safeBuffer
	w := start(t, func(c *Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	b := w.browser()
	code := b.code(w.request(), "ada@acme.test")
	got := b.token(w.exchange(code)).json(t)
	b.token(w.exchange(code))
	b.refresh(got["refresh_token"].(string))
	b.post(w.url("/v1/token"), url.Values{"grant_type": {"x"}}, w.basic("acme-batch", "canary-secret"))
	b.post(b.signInURL(with(w.request(), "prompt", "login")), url.Values{"username": {"canary@acme.test"}, "password": {"canary-password"}})
	for name, secret := range map[string]string{
		"code": code, "access token": got["access_token"].(string), "refresh token": got["refresh_token"].(string), "ID token": got["id_token"].(string),
		"session": b.cookie(sessionCookie), "client secret": w.s.World().WebClient.Secret, "canary": "canary", "login": "ada@acme.test", "group": "ONE_STS_ADMIN",
	} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log has the %s", name)
		}
	}
	if !strings.Contains(log.String(), "invalid_authorization_code") {
		t.Error("the log lacks the reason")
	}
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// Everything at once, for the race detector.
func TestConcurrentUse(t *testing.T) {
	w := start(t, func(c *Config) { c.StateFile = filepath.Join(t.TempDir(), "state.json") })
	var wg sync.WaitGroup
	for _, login := range []string{"ada@acme.test", "ivan@acme.test", "vera@acme.test", "otto@acme.test"} {
		b := w.browser()
		wg.Go(func() {
			for range 3 {
				got := b.token(b.exchange(b.code(with(b.request(), "prompt", "login"), login))).json(t)
				b.refresh(got["refresh_token"].(string))
				b.userinfo(got["access_token"])
			}
		})
	}
	wg.Go(func() {
		for range 3 {
			_ = w.s.RotateKeys()
			_ = w.s.SetUserGroups("nora@acme.test", "Acme A", "Acme B")
			w.s.World()
			_ = w.s.save()
		}
	})
	wg.Wait()
}

func TestHandlerWithoutAServer(t *testing.T) {
	w := start(t)
	r := httptest.NewRequest(http.MethodGet, "http://localhost:8081/oauth2/default/v1/keys", nil)
	recorder := httptest.NewRecorder()
	w.s.Handler().ServeHTTP(recorder, r)
	if recorder.Code != 200 {
		t.Errorf("%d", recorder.Code)
	}
}
