package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/devokta"
	"github.com/portico-iam/portico/internal/seal"
)

// okta is a development Okta by itself, which notes every secret that it hands out.
type okta struct {
	*devokta.Server
	world devokta.World

	mu     sync.Mutex
	issued []string
}

// startOkta runs a development Okta for a Portico at publicURL, in process, until the test ends.
func startOkta(t *testing.T, publicURL string) *okta {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	server, err := devokta.New(devokta.Config{
		PublicURL: "http://localhost:" + port, WebRedirectURIs: []string{publicURL + "/.apisix/redirect"}, WebLogoutURIs: []string{publicURL + "/"},
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	o := &okta{Server: server, world: server.World()}
	s := &http.Server{Handler: http.HandlerFunc(o.note), ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- s.Serve(listener) }()
	t.Cleanup(func() {
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		_ = s.Close()
		<-done
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return o
}

// note passes requests on, and keeps the tokens of the token endpoint's answers.
func (o *okta) note(w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.URL.Path, "/v1/token") {
		o.Handler().ServeHTTP(w, r)
		return
	}
	recorder := httptest.NewRecorder()
	o.Handler().ServeHTTP(recorder, r)
	var tokens map[string]any
	_ = json.Unmarshal(recorder.Body.Bytes(), &tokens)
	o.mu.Lock()
	for _, name := range []string{"access_token", "id_token", "refresh_token"} {
		if token, ok := tokens[name].(string); ok {
			o.issued = append(o.issued, token)
		}
	}
	o.mu.Unlock()
	for name, values := range recorder.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(recorder.Code)
	_, _ = w.Write(recorder.Body.Bytes())
}

// served is a portico serve with its Okta.
type served struct {
	*running
	okta                *okta
	publicURL, adminURL string
	folder              string
}

// serve runs the built binary as in production, but for its Okta. more is put at the end of the configuration.
func serve(t *testing.T, more string) *served {
	t.Helper()
	own, admin := freePorts(t)
	s := &served{publicURL: "http://" + own, adminURL: "http://" + admin, folder: t.TempDir()}
	s.okta = startOkta(t, s.publicURL)
	write(t, filepath.Join(s.folder, "key"), seal.RandomKey().Encode())
	write(t, filepath.Join(s.folder, "secret"), s.okta.world.WebClient.Secret+"\n")
	write(t, filepath.Join(s.folder, "portico.yaml"), fmt.Sprintf(`
server: { listen: %q, publicUrl: %q, adminListen: %q }
iam: { discoveryUrl: %q, clientId: %q, clientSecretFile: %q }
sts: { iam: { tokenValidation: { aud: %q } }, token: { keyEncryptionKeyFile: %q } }
store: { driver: sqlite, dsn: %q }
observability: { logLevel: debug }
%s`, own, s.publicURL, admin, s.okta.world.DiscoveryURL, s.okta.world.WebClient.ID, filepath.Join(s.folder, "secret"),
		s.okta.world.Audience, filepath.Join(s.folder, "key"), filepath.Join(s.folder, "portico.db"), more))
	s.running = s.start(t)
	return s
}

// start waits for /health/ready: portico serve prints nothing.
func (s *served) start(t *testing.T) *running {
	t.Helper()
	r := &running{cmd: command(t, "serve", "--config", filepath.Join(s.folder, "portico.yaml")), output: &lockedBuffer{}, errors: &lockedBuffer{}, exited: make(chan error, 1)}
	r.cmd.Stdout, r.cmd.Stderr = r.output, r.errors
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { r.exited <- r.cmd.Wait() }()
	t.Cleanup(func() {
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		_ = r.cmd.Process.Kill()
	})
	for range 400 {
		select {
		case err := <-r.exited:
			t.Fatalf("it ended before it was ready: %v\n%s", err, r.errors)
		case <-time.After(50 * time.Millisecond):
		}
		if resp, err := http.Get(s.adminURL + "/health/ready"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusNoContent {
				return r
			}
		}
	}
	t.Fatalf("it was not ready in 20 s\n%s", r.errors)
	return nil
}

// TestServe is the story in production's shape: a file, a store that lasts, an operator's address of its own.
func TestServe(t *testing.T) {
	s := serve(t, "")
	for path, status := range map[string]int{"/health/live": 204, "/health/ready": 204, "/": 404, "/api/user/v1/me": 404} {
		resp, err := http.Get(s.adminURL + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != status {
			t.Errorf("the operator's %s: expected %d, got %d", path, status, resp.StatusCode)
		}
	}
	ada := browserAt(t, s.publicURL)
	ada.signIn("/", "ada@acme.test").mustContain(t, "Ada Admin", "ONE_STS_ADMIN")
	if got := ada.call("GET", "/health/ready", nil, nil); got.status != http.StatusNotFound {
		t.Errorf("expected no health on the public address, got %d", got.status)
	}
	organisation := ada.create("/api/organisation/v1", map[string]any{"name": "Acme"})
	role := ada.create("/api/sts/role/v1", map[string]any{"name": "Issuer", "permissions": []string{"CREDENTIAL_ISSUE", "HISTORY_LIST"}})
	ada.mayEverywhere("Acme Issuance", role, organisation)
	s.interrupt(t)
	if _, err := http.Get(s.adminURL + "/health/live"); err == nil {
		t.Error("the operator's address still answers after the end")
	}

	s.running = s.start(t)
	mustStatus(t, ada.call("GET", "/api/sts/role/v1/"+role, nil, nil), http.StatusOK)
	ivan := browserAt(t, s.publicURL)
	ivan.signIn("/", "ivan@acme.test").mustContain(t, "Ivan Issuer", "Issue credentials")
	mustStatus(t, ivan.call("GET", "/api/history/v1", nil, nil), http.StatusOK)
	mustStatus(t, ivan.call("GET", "/api/key/v1", nil, nil), http.StatusForbidden)
	s.interrupt(t)
}

// TestNT51_RealSecrets: of all that Okta handed out, all that Core was sent and all that browsers keep, nothing stands
// in a log at debug level, in a page or in an address.
func TestNT51_RealSecrets(t *testing.T) {
	core := newFakeCore(t)
	s := serve(t, "core: { api: { url: "+core.URL+" } }")
	var shown strings.Builder
	note := func(a answer) answer {
		fmt.Fprintln(&shown, a.url, a.body)
		return a
	}
	ada, ivan := browserAt(t, s.publicURL), browserAt(t, s.publicURL)
	note(ada.signIn("/", "ada@acme.test"))
	role := ada.create("/api/sts/role/v1", map[string]any{"name": "All", "permissions": []string{"CREDENTIAL_LIST", "KEY_LIST"}})
	ada.mayEverywhere("Acme Issuance", role, acmeID)
	note(ivan.signIn("/", "ivan@acme.test"))
	cookies := []string{ada.cookie(sessionCookie), ivan.cookie(sessionCookie)}
	note(ivan.call("GET", "/api/credential/v1", nil, nil))
	note(ivan.call("GET", "/api/task/v1", nil, nil))
	note(ivan.call("GET", "/api/sts/role/v1", nil, nil))
	for _, path := range []string{"/", "/roles", "/access", "/organisations", "/history", "/nowhere", "/.well-known/jwks.json"} {
		note(ada.open(path))
		note(ivan.open(path))
	}
	// A sign-in that fails with a code and a state in its address, and a token where none belongs.
	shown.WriteString(ivan.open("/.apisix/redirect?code=canary-code-0123456789&state=canary-state-0123456789").body)
	s.okta.mu.Lock()
	token := s.okta.issued[0]
	s.okta.mu.Unlock()
	for _, authorization := range []string{"Bearer " + token + "x", "Bearer " + token, "Basic " + token, "Bearer canary-bearer-0123456789"} {
		req := ada.request("GET", "/api/sts/role/v1/7", nil)
		req.Header.Set("Authorization", authorization)
		note(ada.do(req))
	}
	clear := s.okta.Inject(devokta.Fault{Endpoint: "token", Status: http.StatusInternalServerError})
	note(browserAt(t, s.publicURL).signIn("/", "nora@acme.test"))
	clear()
	core.Close()
	note(ivan.call("GET", "/api/credential/v1", nil, nil))
	note(ada.submit("/logout", nil))

	secrets := []string{s.okta.world.WebClient.Secret, "canary-code-0123456789", "canary-state-0123456789", "canary-bearer-0123456789"}
	secrets = append(secrets, cookies...)
	s.okta.mu.Lock()
	secrets = append(secrets, s.okta.issued...)
	s.okta.mu.Unlock()
	for _, r := range core.take() {
		if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
			secrets = append(secrets, bearer)
		}
	}
	if len(secrets) < 14 { // 6 so far, three sign-ins' tokens, two app tokens
		t.Errorf("only %d secrets were seen", len(secrets))
	}
	key, err := os.ReadFile(filepath.Join(s.folder, "key"))
	if err != nil {
		t.Fatal(err)
	}
	secrets = append(secrets, strings.TrimSpace(string(key)))
	database, _ := os.ReadFile(filepath.Join(s.folder, "portico.db"))
	wal, _ := os.ReadFile(filepath.Join(s.folder, "portico.db-wal"))
	places := map[string]string{"the log": s.errors.String() + s.output.String(), "a page": shown.String(), "the database": string(database) + string(wal)}
	if len(places["the log"]) < 500 || len(places["the database"]) < 10_000 {
		t.Errorf("expected more to search: %d and %d bytes", len(places["the log"]), len(places["the database"]))
	}
	for place, text := range places {
		for _, secret := range secrets {
			parts := strings.Split(secret, ".")
			if strings.Contains(text, secret) || len(parts) == 3 && strings.Contains(text, parts[2]) {
				t.Errorf("%.12s… (%d bytes) stands in %s", secret, len(secret), place)
			}
		}
		if found := regexp.MustCompile(`eyJ[\w-]{10,}\.[\w-]+\.[\w-]*`).FindString(text); found != "" {
			t.Errorf("something like a token stands in %s: %.20s…", place, found)
		}
	}
}

// TestServeFaults: everything that is wrong is said at once, in one go, and nothing secret is quoted.
func TestServeFaults(t *testing.T) {
	path := filepath.Join(t.TempDir(), "portico.yaml")
	write(t, path, `
server: { listen: nowhere, publicUrl: "http://desk.example.com" }
iam: { issuer: "https://dev-1-admin.okta.com/oauth2/default", clientSecret: canary }
gateway: { mode: nginx }
store: { driver: oracle }
`)
	for _, args := range [][]string{{"serve", "--config", path}, {"config", "check", "--config", path}, {"config", "print", "--config", path}} {
		out, status := output(t, nil, args...)
		for _, key := range []string{"server.listen", "server.publicUrl", "iam.issuer", "gateway.mode", "sts.iam.tokenValidation.aud", "keyEncryptionKeyFile", "store.driver"} {
			if !strings.Contains(out, key) {
				t.Errorf("%v: expected a word on %s, got:\n%s", args, key, out)
			}
		}
		if status != 1 || strings.Contains(out, "canary") {
			t.Errorf("%v: expected status 1 and no secret, got %d\n%s", args, status, out)
		}
	}
	good := filepath.Join(t.TempDir(), "good.yaml")
	write(t, good, "server: {publicUrl: https://desk.example.com}\niam: {issuer: https://dev-1.okta.com/oauth2/default, clientId: id, clientSecret: s}\n"+
		"sts: {iam: {tokenValidation: {aud: api}}, token: {keyEncryptionKeyFile: k}}\n")
	for name, test := range map[string]struct {
		env    string
		status int
		says   string
	}{
		"fine":                 {"", 0, "The configuration is fine."},
		"a value":              {"PORTICO_sts__token__ttl=10m", 0, "fine"},
		"a bad value":          {"PORTICO_sts__token__ttl=soon", 1, "sts.token.ttl"},
		"an unknown key":       {"PORTICO_sts__iam__rolepath=x", 1, "did you mean sts.iam.rolePath?"},
		"a section":            {"PORTICO_sts__iam=x", 1, "is a section"},
		"an audience too many": {"PORTICO_sts__iam__tokenValidation__aud=", 1, "sts.iam.tokenValidation.aud"},
		"a file not there":     {"PORTICO_iam__clientSecretFile=/nowhere", 1, "iam.clientSecret"},
		"Kubernetes' own":      {"PORTICO_SERVICE_HOST=10.0.0.1", 0, "fine"},
	} {
		if out, status := output(t, []string{test.env}, "config", "check", "--config", good); status != test.status || !strings.Contains(out, test.says) {
			t.Errorf("%s: expected %d and %q, got %d\n%s", name, test.status, test.says, status, out)
		}
	}
}

// output runs the binary to its end.
func output(t *testing.T, env []string, args ...string) (string, int) {
	t.Helper()
	cmd := command(t, args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// TestNT53_DevelopmentOktaIsRefused beside a public address that others reach, however the two are named.
func TestNT53_DevelopmentOktaIsRefused(t *testing.T) {
	key := filepath.Join(t.TempDir(), "key")
	write(t, key, seal.RandomKey().Encode())
	path := filepath.Join(t.TempDir(), "portico.yaml")
	for name, iam := range map[string]string{
		"issuer on localhost":    "issuer: http://localhost:8081/oauth2/default",
		"issuer on 127.0.0.1":    "issuer: http://127.0.0.1:8081/oauth2/default",
		"issuer on 127.9.9.9":    "issuer: http://127.9.9.9:8081/oauth2/default",
		"issuer on ::1":          `issuer: "http://[::1]:8081/oauth2/default"`,
		"issuer on 0.0.0.0":      "issuer: https://0.0.0.0:8081/oauth2/default",
		"issuer by another name": "issuer: https://okta.localhost/oauth2/default",
		"issuer with a dot":      "issuer: https://localhost./oauth2/default",
		"discovery alone":        "discoveryUrl: http://localhost:8081/oauth2/default/.well-known/openid-configuration",
	} {
		write(t, path, "server: {publicUrl: https://desk.example.com, listen: 127.0.0.1:0}\niam: {"+iam+", clientId: a, clientSecret: b}\n"+
			"sts: {iam: {tokenValidation: {aud: api}}, token: {keyEncryptionKeyFile: "+key+"}}\nstore: {dsn: "+filepath.Join(t.TempDir(), "db")+"}\n")
		if out, status := output(t, nil, "serve", "--config", path); status != 1 || !strings.Contains(out, "refused") {
			t.Errorf("%s: expected a refusal, got %d\n%s", name, status, out)
		}
	}
	// And portico dev listens for this machine alone.
	for _, address := range []string{"0.0.0.0:0", "[::]:0", ":0", "example.com:80", "10.0.0.1:0"} {
		for _, flag := range []string{"--listen", "--okta-listen"} {
			args := []string{"dev", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--okta-listen", "127.0.0.1:0", flag, address}
			if out, status := output(t, nil, args...); status != 1 || !strings.Contains(out, "loopback") {
				t.Errorf("%s %s: expected a refusal, got %d\n%s", flag, address, status, out)
			}
		}
	}
}

// TestDevJSON has exactly the contract's shape, and is for its owner alone.
func TestDevJSON(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	began := time.Now()
	r := launch(t, "Stop with", "dev", "--data", dir, "--listen", "127.0.0.1:0", "--okta-listen", "127.0.0.1:0")
	t.Logf("ready after %v", time.Since(began).Round(time.Millisecond))
	info := readInfo(t, dir) // no other key than these
	text, err := os.ReadFile(filepath.Join(dir, "dev.json"))
	if err != nil {
		t.Fatal(err)
	}
	keys := regexp.MustCompile(`"(\w+)":`).FindAllSubmatch(text, -1)
	seen := map[string]int{}
	for _, k := range keys {
		seen[string(k[1])]++
	}
	for key, n := range map[string]int{
		"publicUrl": 1, "oktaUrl": 1, "issuer": 1, "discoveryUrl": 1, "audience": 1, "webClient": 1, "cliClient": 1, "serviceClients": 1, "users": 1,
		"clientId": 4, "clientSecret": 3, "login": 6, "password": 6, "groups": 6,
	} {
		if seen[key] != n {
			t.Errorf("expected %d of %s, got %d", n, key, seen[key])
		}
		delete(seen, key)
	}
	if len(seen) > 0 {
		t.Errorf("unexpected members: %v", seen)
	}
	if info.Audience != "api://procivis-one" || info.Issuer != info.OktaURL+"/oauth2/default" || info.DiscoveryURL != info.Issuer+"/.well-known/openid-configuration" ||
		info.CLIClient.ClientID != "acme-cli" || info.ServiceClients[0].ClientID != "acme-batch" || info.ServiceClients[1].ClientID != "acme-wrpr" {
		t.Errorf("unexpected content: %s", text)
	}
	groups := map[string]string{}
	for _, u := range info.Users {
		groups[u.Login] = strings.Join(u.Groups, ",")
		if u.Password != "portico-dev" {
			t.Errorf("%s has another password", u.Login)
		}
	}
	if fmt.Sprint(groups) != "map[ada@acme.test:ONE_STS_ADMIN ivan@acme.test:Acme Issuance nora@acme.test: otto@acme.test:Acme Audit,Acme Verification uma@acme.test:Acme Audit vera@acme.test:Acme Verification]" {
		t.Errorf("unexpected people: %v", groups)
	}
	for _, name := range []string{"dev.json", "okta.json", "portico.db", "key-encryption-key"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: expected it to be the owner's alone: %v %v", name, info.Mode(), err)
		}
	}

	// Ctrl-C leaves nothing that listens and no process.
	pid := r.cmd.Process.Pid
	if out, err := exec.Command("pgrep", "-P", fmt.Sprint(pid)).Output(); err == nil && len(bytes.TrimSpace(out)) > 0 {
		t.Errorf("it has children: %s", out)
	}
	r.interrupt(t)
	for _, address := range []string{info.PublicURL, info.OktaURL} {
		if conn, err := net.DialTimeout("tcp", strings.TrimPrefix(address, "http://"), time.Second); err == nil {
			conn.Close()
			t.Errorf("%s still listens", address)
		}
	}
	if r.errors.String() != "" {
		t.Errorf("expected silence on standard error, got:\n%s", r.errors)
	}
}

// TestKilledAtAnyMoment: whatever was answered before the kill is there after it.
func TestKilledAtAnyMoment(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	own, okta := freePorts(t)
	args := []string{"dev", "--data", dir, "--listen", own, "--okta-listen", okta}
	ada := browserAt(t, "http://"+own)
	var made []string
	for round := range 4 {
		r := launch(t, "Stop with", args...)
		if round == 0 {
			ada.signIn("/", "ada@acme.test")
		}
		for _, id := range made {
			mustStatus(t, ada.call("GET", "/api/sts/role/v1/"+id, nil, nil), http.StatusOK)
		}
		stop := make(chan struct{})
		go func() {
			time.Sleep(time.Duration(20+round*15) * time.Millisecond)
			_ = r.cmd.Process.Kill()
			close(stop)
		}()
		for i := 0; ; i++ {
			req := ada.request("POST", "/api/sts/role/v1", strings.NewReader(fmt.Sprintf(`{"name":"role %d %d","permissions":["KEY_LIST"]}`, round, i)))
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("Sec-Fetch-Site", "same-origin")
			resp, err := ada.client.Do(req)
			if err != nil {
				break
			}
			var c created
			err = json.NewDecoder(io.LimitReader(resp.Body, 1<<16)).Decode(&c)
			resp.Body.Close()
			if err != nil {
				break
			}
			made = append(made, c.ID)
		}
		<-stop
		<-r.exited
	}
	if len(made) < 4 {
		t.Errorf("only %d roles were made", len(made))
	}
	t.Logf("%d changes survived", len(made))
	r := launch(t, "Stop with", args...)
	for _, id := range made {
		mustStatus(t, ada.call("GET", "/api/sts/role/v1/"+id, nil, nil), http.StatusOK)
	}
	r.interrupt(t)
}
