package e2e

import (
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/seal"
)

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
