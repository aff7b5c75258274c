package devokta

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/portico-iam/portico/internal/devokta/world"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	webCallback  = "http://localhost:8080/.apisix/redirect"
	webLoggedOut = "http://localhost:8080/"
	verifier     = "a-verifier-of-sufficient-length-for-rfc-7636-0123"
)

// clock is the injected time.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// testbed is a running development Okta.
type testbed struct {
	*testing.T
	s     *Server
	http  *httptest.Server
	clock *clock
}

func start(t *testing.T, change ...func(*Config)) *testbed {
	t.Helper()
	w := &testbed{T: t, clock: &clock{at: time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)}, http: httptest.NewUnstartedServer(nil)}
	cfg := Config{
		PublicURL:       "http://" + w.http.Listener.Addr().String(),
		WebRedirectURIs: []string{webCallback, "http://localhost:8080/with?query=1"}, WebLogoutURIs: []string{webLoggedOut}, Now: w.clock.now,
	}
	for _, c := range change {
		c(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w.s = s
	w.http.Config.Handler = s.Handler()
	w.http.Start()
	t.Cleanup(w.stop)
	return w
}

func (w *testbed) stop() {
	w.http.Close()
	if err := w.s.Close(); err != nil {
		w.Error(err)
	}
}

func (w *testbed) url(path string) string { return w.s.cfg.PublicURL + "/oauth2/default" + path }

// browser keeps cookies and follows no redirects.
type browser struct {
	*testbed
	client *http.Client
	server string // where the endpoints are, below the public URL
}

// url is an endpoint of the browser's authorization server.
func (b *browser) url(path string) string { return b.s.cfg.PublicURL + b.server + path }

func (w *testbed) browser() *browser {
	jar, _ := cookiejar.New(nil)
	// Whatever the public URL says, the test server is what answers.
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, w.http.Listener.Addr().String())
	}}
	w.Cleanup(transport.CloseIdleConnections)
	return &browser{testbed: w, server: "/oauth2/default", client: &http.Client{Jar: jar, Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (b *browser) do(r *http.Request) answer {
	b.Helper()
	resp, err := b.client.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(body)}
}

func (b *browser) get(target string) answer {
	b.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, target, nil)
	if err != nil {
		b.Fatal(err)
	}
	return b.do(r)
}

func (b *browser) post(target string, form url.Values, change ...func(*http.Request)) answer {
	b.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, target, strings.NewReader(form.Encode()))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, c := range change {
		c(r)
	}
	return b.do(r)
}

func (a answer) location(t *testing.T) *url.URL {
	t.Helper()
	u, err := url.Parse(a.header.Get("Location"))
	if err != nil || a.header.Get("Location") == "" {
		t.Fatalf("no redirect: %d %s", a.status, a.body)
	}
	return u
}

func (a answer) json(t *testing.T) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal([]byte(a.body), &out); err != nil {
		t.Fatalf("not JSON: %d %s", a.status, a.body)
	}
	return out
}

func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// request is a good authorize request of the web application.
func (w *testbed) request() url.Values { return w.requestOf(w.s.World().WebClient.ID) }

func (w *testbed) requestOf(clientID string) url.Values {
	return url.Values{
		"client_id": {clientID}, "redirect_uri": {webCallback}, "response_type": {"code"},
		"scope": {"openid profile email offline_access"}, "state": {"st-1"}, "nonce": {"n-1"},
		"code_challenge": {challengeOf(verifier)}, "code_challenge_method": {"S256"},
	}
}

func with(v url.Values, pairs ...string) url.Values {
	out := url.Values{}
	for name, list := range v {
		out[name] = append([]string(nil), list...)
	}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			out.Del(pairs[i])
		} else {
			out.Set(pairs[i], pairs[i+1])
		}
	}
	return out
}

func (b *browser) authorize(request url.Values) answer {
	b.Helper()
	return b.get(b.url("/v1/authorize?" + request.Encode()))
}

// signInURL starts the request and returns the page it leads to.
func (b *browser) signInURL(request url.Values) string {
	b.Helper()
	target := b.authorize(request).location(b.T)
	if target.Path != signInPath {
		b.Fatalf("expected the sign-in page, got %s", target)
	}
	return b.s.cfg.PublicURL + target.String()
}

func (b *browser) signIn(request url.Values, login string) answer {
	b.Helper()
	return b.post(b.signInURL(request), url.Values{"username": {login}, "password": {Password}})
}

// code signs in and returns the code.
func (b *browser) code(request url.Values, login string) string {
	b.Helper()
	got := b.signIn(request, login).location(b.T).Query()
	if got.Get("code") == "" || got.Get("state") != request.Get("state") {
		b.Fatalf("no code: %v", got)
	}
	return got.Get("code")
}

func (w *testbed) basic(id, secret string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(id, secret) }
}

func (w *testbed) webAuth() func(*http.Request) {
	c := w.s.World().WebClient
	return w.basic(c.ID, c.Secret)
}

func (w *testbed) exchange(code string) url.Values {
	return url.Values{"grant_type": {world.GrantCode}, "code": {code}, "redirect_uri": {webCallback}, "code_verifier": {verifier}}
}

func (b *browser) token(form url.Values) answer {
	b.Helper()
	return b.post(b.url("/v1/token"), form, b.webAuth())
}

// tokens runs the whole flow and returns the token answer.
func (b *browser) tokens(login string) map[string]any {
	b.Helper()
	got := b.token(b.exchange(b.code(b.request(), login)))
	if got.status != http.StatusOK {
		b.Fatalf("token: %d %s", got.status, got.body)
	}
	return got.json(b.T)
}

func (b *browser) refresh(token string) answer {
	b.Helper()
	return b.token(url.Values{"grant_type": {world.GrantRefresh}, "refresh_token": {token}})
}
