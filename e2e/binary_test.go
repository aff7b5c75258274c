package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/dev"
)

// binary is the built product, built once for all tests.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "portico-binary-")
	if err != nil {
		return "", err
	}
	// It goes when this process does, however that ends: the shell's standard input is closed then.
	sweeper := exec.Command("sh", "-c", `read -r _; rm -rf "$0"`, dir)
	if keepOpen, err = sweeper.StdinPipe(); err != nil {
		return "", err
	}
	if err := sweeper.Start(); err != nil {
		return "", err
	}
	path := filepath.Join(dir, "portico")
	if out, err := exec.Command("go", "build", "-o", path, "../cmd/portico").CombinedOutput(); err != nil {
		return "", errors.New(string(out))
	}
	return path, nil
})

// keepOpen is the sweeper's standard input. Were it forgotten, the garbage collector would close it.
var keepOpen io.Closer

// command prepares the built binary; it does not outlive the test.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// running is a process of the built binary that said it is ready.
type running struct {
	cmd    *exec.Cmd
	output *lockedBuffer
	errors *lockedBuffer
	exited chan error
}

// launch starts the binary and waits for a line that begins with ready.
func launch(t *testing.T, ready string, args ...string) *running {
	t.Helper()
	r := &running{cmd: command(t, args...), output: &lockedBuffer{}, errors: &lockedBuffer{}, exited: make(chan error, 1)}
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	r.cmd.Stderr = r.errors
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	isReady := make(chan bool, 1)
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			_, _ = r.output.Write(append(lines.Bytes(), '\n'))
			if strings.HasPrefix(lines.Text(), ready) {
				isReady <- true
			}
		}
		r.exited <- r.cmd.Wait()
	}()
	t.Cleanup(func() {
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		_ = r.cmd.Process.Kill()
	})
	select {
	case <-isReady:
	case err := <-r.exited:
		t.Fatalf("%v ended before it was ready: %v\n%s%s", args, err, r.output, r.errors)
	case <-time.After(20 * time.Second):
		t.Fatalf("%v was not ready in 20 s", args)
	}
	return r
}

// interrupt is Ctrl-C; the process must end by itself, with status 0.
func (r *running) interrupt(t *testing.T) {
	t.Helper()
	if err := r.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-r.exited:
		if err != nil {
			t.Errorf("expected status 0, got %v\n%s", err, r.errors)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it did not end within 20 s of Ctrl-C")
	}
}

func readInfo(t *testing.T, dir string) dev.Info {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "dev.json"))
	if err != nil {
		t.Fatal(err)
	}
	var info dev.Info
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&info); err != nil {
		t.Fatal(err)
	}
	return info
}

// freePorts returns two loopback addresses that nobody listens on.
func freePorts(t *testing.T) (a, b string) {
	t.Helper()
	var addresses [2]string
	for i := range addresses {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		addresses[i] = l.Addr().String()
	}
	return addresses[0], addresses[1]
}

// TestDevFindsEverythingAgain starts, changes, ends and starts again, once by Ctrl-C and once by SIGKILL.
func TestDevFindsEverythingAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	own, okta := freePorts(t)
	args := []string{"dev", "--data", dir, "--listen", own, "--okta-listen", okta}
	r := launch(t, "Stop with", args...)
	for _, line := range []string{"http://" + own, "ada@acme.test", "ONE_STS_ADMIN", "Issuer URI", "sts.iam.tokenValidation.aud", "/.apisix/redirect"} {
		if !strings.Contains(r.output.String(), line) {
			t.Errorf("expected %q in the output:\n%s", line, r.output)
		}
	}
	info := readInfo(t, dir)
	if strings.Contains(r.output.String(), info.WebClient.ClientSecret) {
		t.Error("the client secret is printed unasked")
	}
	p := &portico{Dev: &dev.Dev{Info: info}, t: t}
	ada := p.browser()
	ada.signIn("/", "ada@acme.test")
	var first, second created
	mustStatus(t, ada.call("POST", "/api/sts/role/v1", map[string]any{"name": "First", "permissions": []string{"KEY_LIST"}}, &first), http.StatusCreated)
	keys := ada.open("/.well-known/jwks.json").body
	r.interrupt(t)

	r = launch(t, "Stop with", args...)
	if again := readInfo(t, dir); again.WebClient != info.WebClient || again.Issuer != info.Issuer {
		t.Errorf("expected the same client and issuer, got %+v", again.WebClient)
	}
	mustStatus(t, ada.call("GET", "/api/sts/role/v1/"+first.ID, nil, nil), http.StatusOK) // the session of before still works
	if again := ada.open("/.well-known/jwks.json").body; again != keys {
		t.Error("expected the same signing keys")
	}
	mustStatus(t, ada.call("POST", "/api/sts/role/v1", map[string]any{"name": "Second", "permissions": []string{"KEY_LIST"}}, &second), http.StatusCreated)
	if err := r.cmd.Process.Kill(); err != nil { // right after the answer
		t.Fatal(err)
	}
	<-r.exited

	r = launch(t, "Stop with", args...)
	mustStatus(t, ada.call("GET", "/api/sts/role/v1/"+second.ID, nil, nil), http.StatusOK)
	r.interrupt(t)
}

// TestOneSentenceForEachMistake runs the binary wrongly: one clear sentence on standard error, and the status.
func TestOneSentenceForEachMistake(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "")
	corruptDB, corruptOkta := t.TempDir(), t.TempDir()
	write(t, filepath.Join(corruptDB, "portico.db"), strings.Repeat("this is no database ", 100))
	write(t, filepath.Join(corruptOkta, "okta.json"), "{")
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	write(t, bad, "server:\n  listen: nowhere\n  colour: blue\n")
	public := filepath.Join(t.TempDir(), "public.yaml")
	write(t, public, "server: {publicUrl: https://desk.example.com}\niam: {issuer: http://localhost:8081/oauth2/default, clientId: a, clientSecret: b}\n"+
		"sts: {iam: {tokenValidation: {aud: api}}, token: {keyEncryptionKeyFile: k}}\n")
	free := []string{"--listen", "127.0.0.1:0", "--okta-listen", "127.0.0.1:0"}
	for name, test := range map[string]struct {
		args   []string
		status int
		says   string
	}{
		"port in use":           {[]string{"dev", "--data", t.TempDir(), "--listen", taken.Addr().String(), "--okta-listen", "127.0.0.1:0"}, 1, "--listen: "},
		"folder is a file":      {append([]string{"dev", "--data", file}, free...), 1, "data folder"},
		"folder below a file":   {append([]string{"dev", "--data", filepath.Join(file, "x")}, free...), 1, "data folder"},
		"corrupt database":      {append([]string{"dev", "--data", corruptDB}, free...), 1, "portico.db"},
		"corrupt okta state":    {append([]string{"dev", "--data", corruptOkta}, free...), 1, "okta.json"},
		"not on loopback":       {[]string{"dev", "--data", t.TempDir(), "--listen", "0.0.0.0:0"}, 1, "not on loopback"},
		"not an address":        {[]string{"dev", "--listen", "9080"}, 2, "--listen: expected host:port"},
		"not a port":            {[]string{"dev", "--okta-listen", "127.0.0.1:web"}, 2, "--okta-listen: expected a port"},
		"unknown flag":          {[]string{"dev", "--colour"}, 2, "unknown flag"},
		"unknown command":       {[]string{"paint"}, 2, "unexpected argument"},
		"no configuration":      {[]string{"serve"}, 2, "--config"},
		"configuration missing": {[]string{"serve", "--config", filepath.Join(file, "none")}, 1, "configuration"},
		"configuration faulty":  {[]string{"config", "check", "--config", bad}, 1, "colour"},
		"NT53 development Okta": {[]string{"serve", "--config", public}, 1, "development Okta"},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := command(t, test.args...)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			err := cmd.Run()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != test.status {
				t.Errorf("expected status %d, got %v", test.status, err)
			}
			if !strings.Contains(stderr.String(), test.says) || strings.Contains(stderr.String(), "goroutine") {
				t.Errorf("expected one sentence with %q, got:\n%s", test.says, &stderr)
			}
		})
	}
}

// TestOneProcessPerDataFolder: a second one is refused, and disturbs nothing of the first.
func TestOneProcessPerDataFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	free := []string{"--data", dir, "--listen", "127.0.0.1:0", "--okta-listen", "127.0.0.1:0"}
	r := launch(t, "Stop with", append([]string{"dev"}, free...)...)
	before := readInfo(t, dir)
	second := command(t, append([]string{"dev"}, free...)...)
	out, err := second.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(string(out), "in use by another portico") {
		t.Errorf("expected a refusal, got %v\n%s", err, out)
	}
	if after := readInfo(t, dir); after.PublicURL != before.PublicURL {
		t.Error("the second one wrote its own dev.json")
	}
	r.interrupt(t)
	launch(t, "Stop with", append([]string{"dev"}, free...)...).interrupt(t)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestExternalCore points core.api.url to a second Portico process that plays Core.
func TestExternalCore(t *testing.T) {
	coreAt, _ := freePorts(t)
	p := start(t, func(c *config.Config) { c.Core.API.URL = "http://" + coreAt })
	// Portico started without its Core, and goes on until that is there.
	ada := p.browser()
	ada.signIn("/", "ada@acme.test")
	mustStatus(t, ada.call("POST", "/api/organisation/v1", map[string]any{"name": "Acme"}, nil), http.StatusBadGateway)

	r := launch(t, "Core is ready", "core", "--listen", coreAt, "--issuer", p.Info.PublicURL, "--data", t.TempDir())
	var organisation, role created
	mustStatus(t, ada.call("POST", "/api/organisation/v1", map[string]any{"name": "Acme"}, &organisation), http.StatusCreated)
	mustStatus(t, ada.call("POST", "/api/sts/role/v1", map[string]any{"name": "Reader", "permissions": []string{"HISTORY_LIST"}}, &role), http.StatusCreated)
	mustStatus(t, ada.call("POST", "/api/sts/iam-role/v1", map[string]any{
		"name": "Acme Issuance", "organisationRoles": map[string]any{organisation.ID: []string{role.ID}},
	}, nil), http.StatusCreated)
	ivan := p.browser()
	ivan.signIn("/", "ivan@acme.test")
	var list struct {
		Values []struct{ Action, EntityType, User string }
	}
	mustStatus(t, ivan.call("GET", "/api/history/v1", nil, &list), http.StatusOK)
	if len(list.Values) != 1 || list.Values[0].EntityType != "ORGANISATION" || list.Values[0].User != "ada@acme.test" {
		t.Errorf("expected Core's own record of the organisation, got %+v", list.Values)
	}
	// A deactivation through us counts at once.
	mustStatus(t, ada.call("PATCH", "/api/organisation/v1/"+organisation.ID, map[string]any{"deactivate": true}, nil), http.StatusNoContent)
	mustStatus(t, ivan.call("GET", "/api/history/v1", nil, nil), http.StatusForbidden) // nothing is left to him
	ada.open("/organisations").mustContain(t, "Acme", "deactivated")
	r.interrupt(t)
	mustStatus(t, ada.call("GET", "/api/organisation/v1", nil, nil), http.StatusBadGateway)
}

// TestConfigPrint shows effective values, and no secret.
func TestConfigPrint(t *testing.T) {
	path := filepath.Join(t.TempDir(), "portico.yaml")
	write(t, path, "server: {publicUrl: https://desk.example.com}\niam: {issuer: https://dev-1.okta.com/oauth2/default, clientId: id, clientSecret: canary}\n"+
		"sts: {iam: {tokenValidation: {aud: api}}, token: {keyEncryptionKeyFile: k}}\n")
	cmd := command(t, "config", "print", "--config", path)
	cmd.Env = append(os.Environ(), "PORTICO_sts__iam__rolePath=groups")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !regexp.MustCompile(`rolePath: groups`).Match(out) || bytes.Contains(out, []byte("canary")) {
		t.Errorf("unexpected output:\n%s", out)
	}
}
