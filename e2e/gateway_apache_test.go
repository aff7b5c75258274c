package e2e

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/seal"
	"github.com/portico-iam/portico/internal/store"

	"github.com/portico-iam/portico/internal/testbrowser"
)

// behindApache is a portico serve that Apache's mod_auth_openidc stands in front of, as docs/gateways.md says.
type behindApache struct {
	*served
	direct string // Portico's own address, around Apache
	secret string // that the two share
}

const apacheModules = "/usr/lib/apache2/modules" // Debian's

// startBehindApache runs both until the test ends. Without Apache the test is skipped, unless PORTICO_TEST_REQUIRE says
// that everything must run. more is put at the end of Portico's configuration.
func startBehindApache(t *testing.T, more string) *behindApache {
	t.Helper()
	apache, err := exec.LookPath("apache2")
	if _, missing := os.Stat(filepath.Join(apacheModules, "mod_auth_openidc.so")); err != nil || missing != nil {
		if os.Getenv("PORTICO_TEST_REQUIRE") == "1" {
			t.Fatal("Apache is missing: apt-get install apache2 libapache2-mod-auth-openidc")
		}
		t.Skip("Apache is missing: apt-get install apache2 libapache2-mod-auth-openidc")
	}
	own, admin := freePorts(t)
	front, _ := freePorts(t)
	_, port, _ := net.SplitHostPort(front)
	b := &behindApache{
		served: &served{publicURL: "http://localhost:" + port, adminURL: "http://" + admin, folder: t.TempDir()},
		direct: "http://" + own, secret: strings.Repeat("c0ffee", 8),
	}
	b.okta = startOkta(t, b.publicURL)
	write(t, filepath.Join(b.folder, "key"), seal.RandomKey().Encode())
	write(t, filepath.Join(b.folder, "gateway-secret"), b.secret)
	documented := replaced(t, codeBlock(t, "gateways.md", "yaml"), map[string]string{
		"/etc/portico/gateway-secret":      filepath.Join(b.folder, "gateway-secret"),
		"https%3A%2F%2Fyour-domain.com%2F": "http%3A%2F%2Flocalhost%3A" + port + "%2F",
	})
	write(t, filepath.Join(b.folder, "portico.yaml"), fmt.Sprintf(`
server: { listen: %q, publicUrl: %q, adminListen: %q }
sts: { iam: { tokenValidation: { iss: %q, aud: %q } }, token: { keyEncryptionKeyFile: %q } }
store: { driver: %q, dsn: %q }
observability: { logLevel: debug }
%s
%s`, own, b.publicURL, admin, b.okta.world.Issuer, b.okta.world.Audience, filepath.Join(b.folder, "key"),
		store.SQLite, filepath.Join(b.folder, "portico.db"), documented, more))
	b.running = b.start(t)
	b.runApache(t, apache, front, own)
	return b
}

// runApache starts Apache with the documented text.
func (b *behindApache) runApache(t *testing.T, apache, front, own string) {
	t.Helper()
	documented := replaced(t, codeBlock(t, "gateways.md", "apache"), map[string]string{
		"https://dev-12345.okta.com/oauth2/default/.well-known/openid-configuration": b.okta.world.DiscoveryURL,
		"0oa1b2c3d4e5f6g7h8i9":    b.okta.world.WebClient.ID,
		"https://your-domain.com": b.publicURL,
		"http://127.0.0.1:8080/":  "http://" + own + "/",
	})
	dir := t.TempDir()
	logFile := filepath.Join(dir, "error.log")
	var modules strings.Builder
	for _, name := range []string{"mpm_event", "authn_core", "authz_core", "authz_user", "headers", "proxy", "proxy_http", "auth_openidc"} {
		fmt.Fprintf(&modules, "LoadModule %s_module %s/mod_%s.so\n", name, apacheModules, name)
	}
	user := ""
	if os.Getuid() == 0 { // Apache serves nobody as root
		user = "User www-data\nGroup www-data\n"
	}
	write(t, filepath.Join(dir, "httpd.conf"), fmt.Sprintf("%s%sServerName localhost\nListen %s\nPidFile %s/pid\nErrorLog %s\nLogLevel info\nMutex sem\nDocumentRoot %s\n\n%s",
		modules.String(), user, front, dir, logFile, dir, documented))
	cmd := exec.Command(apache, "-D", "FOREGROUND", "-d", dir, "-f", filepath.Join(dir, "httpd.conf"))
	cmd.Env = append(os.Environ(), "OIDC_CLIENT_SECRET="+b.okta.world.WebClient.Secret, "OIDC_SESSION_SECRET="+strings.Repeat("5eed", 16), "GATEWAY_SHARED_SECRET="+b.secret)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	output := &lockedBuffer{}
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	t.Cleanup(func() {
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-exited
		if t.Failed() {
			log, _ := os.ReadFile(logFile)
			t.Logf("Apache:\n%s%.20000s\nPortico:\n%.20000s", output, log, b.errors)
		}
	})
	for range 400 {
		if conn, err := net.DialTimeout("tcp", front, time.Second); err == nil {
			conn.Close()
			return
		}
		select {
		case err := <-exited:
			exited <- err
			t.Fatalf("Apache ended before it was ready: %v\n%s", err, output)
		case <-time.After(25 * time.Millisecond):
		}
	}
	t.Fatal("Apache was not ready in 10 s")
}

var stylesheet = regexp.MustCompile(`/assets/[^"]+\.css`)

// TestGatewayApache is the story behind Apache: signing in, a page, a call, and signing out of both.
func TestGatewayApache(t *testing.T) {
	b := startBehindApache(t, "")
	ada := browserAt(t, b.publicURL)
	roles := ada.signIn("/roles", "ada@acme.test")
	roles.mustContain(t, "New Role", "ada@acme.test")
	for _, c := range ada.client.Jar.Cookies(mustURL(t, b.publicURL)) {
		if len(c.Value) > 256 {
			t.Errorf("the cookie %s holds %d bytes; expected an id", c.Name, len(c.Value))
		}
	}
	role := ada.create("/api/sts/role/v1", map[string]any{"name": "Issuer", "permissions": []string{"CREDENTIAL_ISSUE"}})
	mustStatus(t, ada.call("GET", "/api/sts/role/v1/"+role, nil, nil), http.StatusOK)

	nobody := browserAt(t, b.publicURL)
	for _, accept := range []string{"*/*", "application/json", "text/html"} {
		req := nobody.request(http.MethodGet, "/api/user/v1/me", nil)
		req.Header.Set("Accept", accept)
		if got := nobody.steps().do(req); got.status != http.StatusUnauthorized {
			t.Errorf("a script without a session that accepts %s: expected 401, got %d %s", accept, got.status, got.header.Get("Location"))
		}
	}
	for _, open := range []string{"/.well-known/jwks.json", "/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource", stylesheet.FindString(roles.body)} {
		mustStatus(t, nobody.steps().open(open), http.StatusOK)
	}

	// Both sessions end: Apache's, so that a call is refused, and Okta's, so that the way back asks for the password.
	page := ada.submit("/logout", nil)
	if page.url.Host != mustURL(t, b.okta.world.Issuer).Host || !strings.Contains(page.body, `name="password"`) {
		t.Errorf("expected Okta's sign-in page, got %d at %s: %.300s", page.status, page.url, page.body)
	}
	mustStatus(t, ada.steps().call("GET", "/api/user/v1/me", nil, nil), http.StatusUnauthorized)
	ivan := ada // the same browser
	ivan.signIn("/", "ivan@acme.test").mustContain(t, "ivan@acme.test")
}

// TestGatewayApacheInBrowser: the way out leads by Portico, Apache and Okta, and a page's policy must let a form go it.
func TestGatewayApacheInBrowser(t *testing.T) {
	b := startBehindApache(t, "")
	ctx := testbrowser.Start(t)
	do(t, ctx, "sign in through Apache", wide, visit(b.publicURL+"/roles"), credentials("ada@acme.test"), text("New Role"))
	do(t, ctx, "sign out of both", click("button[popovertarget=person-menu]"), click("#person-menu form[action='/logout'] button"), credentials("ivan@acme.test"), text("ivan@acme.test"))
}

// TestGatewayApacheRefuses what did not come through it, and what another site sends.
func TestGatewayApacheRefuses(t *testing.T) {
	b := startBehindApache(t, "")
	ada := browserAt(t, b.publicURL)
	ada.signIn("/", "ada@acme.test")
	token := b.okta.lastAccessToken(t)

	bearer := func(base, path string, headers ...string) answer {
		b := browserAt(t, base).steps()
		req := b.request(http.MethodGet, path, nil)
		req.Header.Set("Authorization", "Bearer "+token)
		for i := 0; i < len(headers); i += 2 {
			req.Header.Set(headers[i], headers[i+1])
		}
		return b.do(req)
	}
	mustStatus(t, bearer(b.publicURL, "/api/user/v1/me"), http.StatusOK) // an API client, through Apache
	mustStatus(t, bearer(b.publicURL, "/api/user/v1/me", "X-Portico-Gateway", "of the client's own"), http.StatusOK)

	for rule, headers := range map[string][]string{
		"no secret":     nil,
		"a wrong one":   {"X-Portico-Gateway", strings.Repeat("0", len(b.secret))},
		"a part of it":  {"X-Portico-Gateway", b.secret[1:]},
		"it with blank": {"X-Portico-Gateway", "Bearer " + b.secret},
	} {
		if got := bearer(b.direct, "/api/user/v1/me", headers...); got.status != http.StatusForbidden || !strings.Contains(got.body, "PT_0019") {
			t.Errorf("around Apache, %s: expected 403, got %d %s", rule, got.status, got.body)
		}
		page := bearer(b.direct, "/", append([]string{"Accept", "text/html"}, headers...)...)
		if page.status != http.StatusForbidden || !strings.Contains(page.body, "did not come through the gateway") || !strings.Contains(page.body, "<html") {
			t.Errorf("around Apache, %s: expected a page, got %d %.300s", rule, page.status, page.body)
		}
	}
	mustStatus(t, bearer(b.direct, "/api/user/v1/me", "X-Portico-Gateway", b.secret), http.StatusOK)
	exchange := browserAt(t, b.direct).post("/api/sts/token/v1", "application/x-www-form-urlencoded",
		"grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token_type=urn:ietf:params:oauth:token-type:access_token&subject_token="+token)
	mustStatus(t, exchange, http.StatusForbidden)
	mustStatus(t, browserAt(t, b.direct).open("/.well-known/jwks.json"), http.StatusOK)
	mustStatus(t, browserAt(t, b.adminURL).open("/health/ready"), http.StatusNoContent)

	// Apache adds the token to whatever Ada's browser sends, so another site's form has one too.
	req := ada.request(http.MethodPost, "/roles/new", strings.NewReader("name=x"))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", "https://evil.test")
	if got := ada.do(req); got.status != http.StatusForbidden || !strings.Contains(got.body, "PT_0012") {
		t.Errorf("another site's form: expected 403, got %d %.300s", got.status, got.body)
	}
	if logs := b.errors.String(); strings.Contains(logs, b.secret) || strings.Contains(logs, token) {
		t.Error("a secret is in the log")
	}
}

// TestNT10_GatewayApacheForgedHeaders: whatever a browser claims to be, it stays who signed in, and Core hears none of it.
func TestNT10_GatewayApacheForgedHeaders(t *testing.T) {
	core := newFakeCore(t)
	b := startBehindApache(t, fmt.Sprintf("core: { api: { url: %q } }", core.URL))
	ada := browserAt(t, b.publicURL)
	ada.signIn("/", "ada@acme.test")
	role := ada.create("/api/sts/role/v1", map[string]any{"name": "Keys", "permissions": []string{"KEY_LIST"}})
	ada.mayEverywhere("Acme Issuance", role, acmeID)
	ivan := browserAt(t, b.publicURL)
	ivan.signIn("/", "ivan@acme.test")
	core.take()

	forged := map[string]string{
		"Authorization": "Basic YWRhOmFkYQ==", "X-Userinfo": "eyJzdWIiOiJhZGEifQ==", "X-ID-Token": "eyJzdWIiOiJhZGEifQ==", "X-Access-Token": "junk",
		"X-Forwarded-User": "ada", "X-Forwarded-Email": "ada@acme.test", "X-Forwarded-Groups": "ONE_STS_ADMIN", "X-Forwarded-Access-Token": "junk",
		"X-Auth-Request-User": "ada", "X-Auth-Request-Groups": "ONE_STS_ADMIN", "OIDC_CLAIM_sub": "ada", "OIDC-Claim-Sub": "ada", "OIDC_access_token": "junk",
		"Remote-User": "ada", "X-Portico-Gateway": "junk",
	}
	get := func(path string) answer {
		req := ivan.request(http.MethodGet, path, nil)
		for name, value := range forged {
			req.Header[http.CanonicalHeaderKey(name)] = []string{value}
		}
		return ivan.do(req)
	}
	if got := get("/api/user/v1/me"); got.status != http.StatusOK || !strings.Contains(got.body, "ivan") || strings.Contains(got.body, "ada") {
		t.Errorf("expected Ivan, got %d %s", got.status, got.body)
	}
	mustStatus(t, get("/api/sts/role/v1"), http.StatusForbidden)
	mustStatus(t, get("/api/key/v1"), http.StatusTeapot)
	mustStatus(t, get("/ssi/ca/1"), http.StatusTeapot) // open: no session stands in for what was claimed
	seen := core.take()
	if len(seen) != 2 {
		t.Fatalf("expected two requests at Core, got %d", len(seen))
	}
	for _, r := range seen {
		for name := range r.Header {
			for claimed := range forged {
				if strings.EqualFold(strings.ReplaceAll(name, "_", "-"), strings.ReplaceAll(claimed, "_", "-")) && name != "Authorization" {
					t.Errorf("%s: Core was told %s: %s", r.URL, name, r.Header.Get(name))
				}
			}
		}
		if fmt.Sprint(r.Header) != strings.ReplaceAll(fmt.Sprint(r.Header), b.secret, "") {
			t.Errorf("%s: Core was told the shared secret", r.URL)
		}
	}
	if got := seen[0].Header.Get("Authorization"); strings.Count(got, ".") != 2 || !strings.HasPrefix(got, "Bearer ") {
		t.Errorf("expected our own token at Core, got %q", got)
	}
}
