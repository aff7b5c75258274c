package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/dev"
)

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
		"okta": 1, "apiToken": 1, "profile": 1, "serviceApp": 1, "keyId": 1, "privateKeyFile": 1,
		"clientId": 5, "clientSecret": 3, "login": 6, "password": 6, "groups": 6,
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
