package e2e

import (
	"encoding/base64"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestGatewayCommand prints for a pipe, or writes a file whole, and tells a fault of the configuration from wrong usage.
func TestGatewayCommand(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write(t, at("key"), "x")
	write(t, at("portico.yaml"), `
server: { publicUrl: "https://desk.acme.test" }
iam: { issuer: "https://dev-12345.okta.com/oauth2/default", clientId: 0oa1, clientSecret: canary-4711 }
sts: { iam: { tokenValidation: { aud: "api://procivis-one" } }, token: { keyEncryptionKeyFile: key } }
`)
	write(t, at("broken.yaml"), "gateway: { mode: magic }")
	write(t, at("old"), "as it was")
	for _, c := range []struct {
		args   string
		status int
		out    string // in what is printed, on either way
	}{
		{"apisix --config portico.yaml", 0, "openid-connect:"},
		{"apisix --config portico.yaml --format adc", 0, "services:"},
		{"apisix --config portico.yaml --upstream portico:9000 --redis redis:7000", 0, `host: "redis"`},
		{"apisix --config portico.yaml --output old", 0, "old: APISIX's configuration, format yaml, from "},
		{"oauth2-proxy --config portico.yaml", 0, "pass_access_token = true"},
		{"oauth2-proxy --config portico.yaml --format alpha", 0, "injectRequestHeaders:"},
		{"oauth2-proxy --config broken.yaml", 1, "gateway.mode: expected one of"},
		{"oauth2-proxy --config nowhere.yaml", 1, "no such file"},
		{"oauth2-proxy --config portico.yaml --output nowhere/x", 1, "nowhere/x can't be written: no such file or directory"},
		{"oauth2-proxy --config portico.yaml --upstream 8080", 1, "expected host:port"},
		{"oauth2-proxy --config portico.yaml --format yaml", 2, "--format must be one of"},
		{"oauth2-proxy", 2, "--config"},
		{"nginx --config portico.yaml", 2, "unexpected argument nginx"},
	} {
		cmd := command(t, append([]string{"gateway"}, strings.Fields(c.args)...)...)
		cmd.Dir = dir
		out, _ := cmd.CombinedOutput()
		if got := cmd.ProcessState.ExitCode(); got != c.status || !strings.Contains(string(out), c.out) {
			t.Errorf("%s: expected status %d and %q, got %d\n%s", c.args, c.status, c.out, got, out)
		}
		if strings.Contains(string(out), "canary") {
			t.Errorf("%s: the client secret is printed", c.args)
		}
	}
	written, err := os.ReadFile(at("old"))
	if err != nil || !strings.HasSuffix(string(written), "#END\n") {
		t.Errorf("the file is not whole: %v\n%s", err, written)
	}
	if left, _ := filepath.Glob(at(".portico-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// codeBlock is a document's only block of that language.
func codeBlock(t *testing.T, document, language string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "docs", document))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(string(text), -1)
	if len(found) != 1 {
		t.Fatalf("%s: expected one block of %s, got %d", document, language, len(found))
	}
	return found[0][1]
}

// replaced puts this run's values into a documented text; each must be in there.
func replaced(t *testing.T, text string, values map[string]string) string {
	t.Helper()
	var pairs []string
	for from, to := range values {
		if !strings.Contains(text, from) {
			t.Fatalf("the document no longer says %s", from)
		}
		pairs = append(pairs, from, to)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// lastAccessToken is the access token that Okta gave out last.
func (o *okta) lastAccessToken(t *testing.T) string {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, token := range slices.Backward(o.issued) {
		parts := strings.Split(token, ".")
		if len(parts) != 3 {
			continue // a refresh token
		}
		if payload, err := base64.RawURLEncoding.DecodeString(parts[1]); err == nil && strings.Contains(string(payload), `"AT.`) {
			return token
		}
	}
	t.Fatal("Okta gave out no access token")
	return ""
}

func mustURL(t *testing.T, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
