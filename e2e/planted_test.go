package e2e

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

// collector takes what is exported to it as it comes.
type collector struct {
	*httptest.Server
	mu     sync.Mutex
	taken  bytes.Buffer
	header http.Header
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, _ = io.Copy(&c.taken, r.Body)
		c.header = r.Header.Clone()
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *collector) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.taken.String()
}

// planter makes secrets that are told apart by where they were planted.
type planter struct{ planted []string }

func (p *planter) canary(where string) string {
	c := fmt.Sprintf("canary-%s-%02d-0123456789abcdef0123", where, len(p.planted))
	p.planted = append(p.planted, c)
	return c
}

// TestNT51_PlantedSecrets plants secrets in every secret of the configuration, in headers and their names, in cookies, tokens, forms and
// queries, and looks for each in the log, the answers, the metrics, the traces, the support bundle and what a crash prints.
func TestNT51_PlantedSecrets(t *testing.T) {
	var p planter
	traces, core := newCollector(t), newFakeCore(t)
	s := prepared(t, testdb.Config(t, store.SQLite), fmt.Sprintf("core: { api: { url: %q } }\nscim: { token: %s, previousToken: %s }\n", core.URL, p.canary("scim"), p.canary("previous")))
	headers := p.canary("collector")
	write(t, filepath.Join(s.folder, "headers"), "X-Api-Key: "+headers+"\n")
	t.Setenv("PORTICO_observability__traces__endpoint", traces.URL+"/v1/traces")
	t.Setenv("PORTICO_observability__traces__headersFile", filepath.Join(s.folder, "headers"))
	t.Setenv("PORTICO_observability__traces__sampleRatio", "1")
	t.Setenv("PORTICO_server__trustedProxies", "127.0.0.0/8")
	s.running = s.start(t)

	ada, ivan := usedBeside(t, s)
	var shown strings.Builder
	note := func(a answer) { fmt.Fprintln(&shown, a.status, a.header, a.body) }
	plantHeaders(ivan, &p, note)
	plantForms(s, ivan, &p, note)
	plantQueries(ivan, &p, note)

	status, metrics := s.operator(t, "/metrics", "")
	_, goroutines := s.operator(t, "/debug/goroutines", "")
	_, ready := s.operator(t, "/health/ready", "application/json")
	files, said := s.bundle(t)
	if status != http.StatusOK || files["metrics.txt"] == "" || files["config.yaml"] == "" || files["doctor.txt"] == "" {
		t.Fatalf("the bundle lacks something:\n%s", said)
	}
	eventually(t, "traces are exported", func() bool { return strings.Contains(traces.text(), "POST /api/sts/token/v1") })
	if traces.header.Get("X-Api-Key") != headers {
		t.Error("the collector did not get its header")
	}
	// A crash: SIGQUIT has every goroutine printed, with the arguments of its functions.
	if err := s.cmd.Process.Signal(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	<-s.exited

	p.planted = append(p.planted, realSecrets(t, s, ada, ivan)...)
	for _, r := range core.take() {
		if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
			p.planted = append(p.planted, bearer)
		}
		if r.Header.Get("Traceparent") == "" || r.Header.Get("Baggage") != "" {
			t.Errorf("Core was sent traceparent %q, baggage %q", r.Header.Get("Traceparent"), r.Header.Get("Baggage"))
		}
	}
	places := map[string]string{
		"the log and the crash": s.errors.String() + s.output.String(), "an answer": shown.String(), "the metrics": metrics, "a trace": traces.text(),
		"the goroutines": goroutines, "the readiness": ready, "what the bundle says": said,
	}
	for name, content := range files {
		places[name+" of the bundle"] = content
	}
	if log := places["the log and the crash"]; !strings.Contains(log, "SIGQUIT") || !strings.Contains(log, "msg=request") || len(p.planted) < 40 {
		t.Errorf("expected a log with requests and a crash, got %d bytes, and %d secrets", len(log), len(p.planted))
	}
	for place, text := range places {
		for _, secret := range p.planted {
			if strings.Contains(text, secret) || strings.Contains(text, url.QueryEscape(secret)) || strings.Contains(text, hex.EncodeToString([]byte(secret))) {
				t.Errorf("%.24s… stands in %s", secret, place)
			}
		}
	}
}

// usedBeside is used for an external Core.
func usedBeside(t *testing.T, s *served) (ada, ivan *browser) {
	t.Helper()
	ada, ivan = browserAt(t, s.publicURL), browserAt(t, s.publicURL)
	ada.signIn("/", "ada@acme.test")
	role := ada.create("/api/sts/role/v1", map[string]any{"name": "Reader", "permissions": []string{"CREDENTIAL_LIST"}})
	ada.mayEverywhere("Acme Issuance", role, acmeID)
	ivan.signIn("/", "ivan@acme.test")
	mustStatus(t, ivan.call("GET", "/api/credential/v1", nil, nil), http.StatusTeapot) // the fake Core's answer
	return ada, ivan
}

// plantHeaders sends secrets in headers, one at a time, with a session and without one.
func plantHeaders(b *browser, p *planter, note func(answer)) {
	names := []string{
		"Proxy-Authorization", "X-Access-Token", "X-Forwarded-Access-Token", "X-Userinfo", "X-Id-Token", "X-Refresh-Token", "X-Portico-Gateway",
		"Cookie", "Referer", "User-Agent", "X-Request-Id", "Traceparent", "Tracestate", "Baggage", "X-Forwarded-For", "If-Match", "X-Api-Key", "Dpop", "Origin",
	}
	for _, name := range names {
		for _, path := range []string{"/api/credential/v1", "/api/key/v1", "/roles"} {
			req := b.request("GET", path, nil)
			value := p.canary(name)
			if name == "Cookie" {
				value = "portico_session=" + value + "; __Host-portico=" + value + "; other=" + value
			}
			if name == "X-Request-Id" {
				value += "!" // which makes it no plausible one; a plausible one is echoed
			}
			req.Header.Set(name, value)
			note(b.do(req))
		}
	}
	for _, scheme := range []string{"Bearer ", "Basic ", "DPoP ", ""} {
		for _, path := range []string{"/api/credential/v1", "/scim/v2/Users", "/", "/api/sts/token/v1/introspect"} {
			req := b.request("GET", path, nil)
			req.Header.Set("Authorization", scheme+p.canary("authorization"))
			note(b.do(req))
		}
	}
	req := b.request("GET", "/api/credential/v1", nil)
	req.Header.Set(http.CanonicalHeaderKey(p.canary("header-name")), "1")
	note(b.do(req))
}

// plantForms sends secrets in the forms by which tokens and codes come.
func plantForms(s *served, b *browser, p *planter, note func(answer)) {
	fields := []string{"subject_token", "actor_token", "client_secret", "client_assertion", "token", "code", "refresh_token", "password", "logout_token", "unknown"}
	for _, path := range []string{"/api/sts/token/v1", "/api/sts/token/v1/introspect", "/api/sts/token/v1/revoke", "/logout/backchannel", "/break-glass"} {
		for _, field := range fields {
			form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token_type": {"urn:ietf:params:oauth:token-type:access_token"}}
			form.Set(field, p.canary(field))
			req := b.request("POST", path, strings.NewReader(form.Encode()))
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			note(b.do(req))
		}
	}
	for _, body := range []string{`{"name":"x","permissions":["KEY_LIST"],"secret":"%s"}`, `{"name":"x","token":{"a":"%s"}`, `"%s"`} {
		req := b.request("POST", "/api/sts/role/v1", strings.NewReader(fmt.Sprintf(body, p.canary("json"))))
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Sec-Fetch-Site", "same-origin")
		note(b.do(req))
	}
}

// plantQueries sends secrets in addresses: the callback's, and where nobody expects one.
func plantQueries(b *browser, p *planter, note func(answer)) {
	for _, path := range []string{
		"/.apisix/redirect?code=%s&state=%s", "/.apisix/redirect?error=access_denied&state=%s&session_state=%s", "/api/credential/v1?access_token=%s&x=%s",
		"/api/key/v1?token=%s&x=%s", "/?token=%s&x=%s", "/roles?access_token=%s&x=%s", "/nowhere?token=%s&x=%s", "/.well-known/jwks.json?token=%s&x=%s",
	} {
		a := b.steps().open(fmt.Sprintf(path, p.canary("query"), p.canary("query")))
		if strings.Contains(a.header.Get("Content-Type"), "text/html") {
			a.body = "" // a page's forms come back to its own address
		}
		a.header.Del("Location") // leads them back to where they wanted
		note(a)
	}
}

// realSecrets are those of the installation, and of the people who used it.
func realSecrets(t *testing.T, s *served, people ...*browser) (all []string) {
	t.Helper()
	key, err := os.ReadFile(filepath.Join(s.folder, "key"))
	if err != nil {
		t.Fatal(err)
	}
	all = append(all, s.okta.world.WebClient.Secret, strings.TrimSpace(string(key)))
	for _, b := range people {
		all = append(all, b.cookie(sessionCookie))
	}
	s.okta.mu.Lock()
	defer s.okta.mu.Unlock()
	return append(all, s.okta.issued...)
}
