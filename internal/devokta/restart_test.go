package devokta

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// The whole world is there again after a restart, and what was answered was durable before: the copy of the file is taken
// while the server runs, as a kill would leave it.
func TestTheWorldSurvives(t *testing.T) {
	dir := t.TempDir()
	file, killed := filepath.Join(dir, "okta.json"), filepath.Join(dir, "killed.json")
	w := start(t, func(c *Config) { c.StateFile, c.PublicURL = file, "http://localhost:8081" })
	a := w.api()
	server := a.newServer("api://second")
	app := a.must(200, "POST", "/api/v1/apps", fmt.Sprintf(newWebApp, "Mine"))
	group := a.must(200, "POST", "/api/v1/groups", `{"profile":{"name":"ONE_NEW"}}`)
	a.must(200, "PUT", "/api/v1/apps/"+app.id()+"/groups/"+group.id(), "{}")
	a.must(204, "PUT", "/api/v1/groups/"+group.id()+"/users/"+a.must(200, "GET", "/api/v1/users/nora", "").id(), "")
	paths := []string{
		"/api/v1/apps", "/api/v1/groups", "/api/v1/users", "/api/v1/apps/" + app.id() + "/groups", "/api/v1/apps/" + app.id() + "/credentials/secrets",
		"/api/v1/groups/" + group.id() + "/users", "/api/v1/authorizationServers/" + server + "/policies",
		"/api/v1/authorizationServers/" + server + "/claims", "/api/v1/authorizationServers/default/scopes",
	}
	before := map[string]string{}
	for _, path := range paths {
		before[path] = a.call("GET", path, "").body
	}
	data, err := os.ReadFile(file)
	if err != nil || os.WriteFile(killed, data, 0o600) != nil {
		t.Fatal(err)
	}
	token := w.s.World().APIToken
	again := start(t, func(c *Config) { c.StateFile, c.PublicURL = killed, "http://localhost:8081" })
	b := again.api()
	if again.s.World().APIToken != token || again.s.World().SetupApp != w.s.World().SetupApp {
		t.Error("the credentials of the Management API changed")
	}
	for _, path := range paths {
		if got := b.call("GET", path, "").body; got != before[path] {
			t.Errorf("%s was\n%s\nand is\n%s", path, before[path], got)
		}
	}
	second := again.browser().on(server)
	if got := second.token(second.exchange(second.code(second.request(), "ada@acme.test"))); got.status != 200 {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestStateOfAnotherKind(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "okta.json")
	start(t, func(c *Config) { c.StateFile, c.Profile = file, "fresh-free" }).stop()
	_, err := New(Config{PublicURL: "http://localhost:8081", StateFile: file, Profile: "licensed"})
	if err == nil || !strings.Contains(err.Error(), `profile "fresh-free", not "licensed"`) {
		t.Errorf("%v", err)
	}
	s, err := New(Config{PublicURL: "http://localhost:8081", StateFile: file}) // no wish: the file's
	if err != nil || s.World().Profile != "fresh-free" {
		t.Fatal(err)
	}
	s.Close()
	old := filepath.Join(dir, "old.json")
	if err := os.WriteFile(old, []byte(`{"version":1,"keys":[],"refreshKey":"","secrets":{}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = New(Config{PublicURL: "http://localhost:8081", StateFile: old})
	if err == nil || !strings.Contains(err.Error(), "has version 1, expected 2") || !strings.Contains(err.Error(), "delete it") {
		t.Errorf("%v", err)
	}
}

// A Portico that comes back on another port may still use its application.
func TestRedirectsFollowThePortico(t *testing.T) {
	file := filepath.Join(t.TempDir(), "okta.json")
	start(t, func(c *Config) { c.StateFile = file }).stop()
	const moved = "http://localhost:9090/.apisix/redirect"
	w := start(t, func(c *Config) { c.StateFile, c.WebRedirectURIs = file, []string{moved} })
	if got := w.browser().signIn(with(w.request(), "redirect_uri", moved), "ada@acme.test").location(t); got.Port() != "9090" || got.Query().Get("code") == "" {
		t.Errorf("%s", got)
	}
}

func TestEncryptedAccessTokens(t *testing.T) {
	w := start(t)
	a, b := w.api(), w.browser()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, _ := jose.JSONWebKey{Key: private.Public(), KeyID: "enc-1", Use: "enc"}.MarshalJSON()
	const d = "/api/v1/authorizationServers/default"
	server := a.must(200, "GET", d, "")
	server["accessTokenEncryptedResponseAlgorithm"] = "RSA-OAEP-256"
	a.call("PUT", d, server.encode()).refusedWith(t, 400, "E0000001", "jwks")
	server["jwks"] = object{"keys": []json.RawMessage{public}}
	a.must(200, "PUT", d, server.encode())
	token := b.tokens("ada@acme.test")["access_token"].(string)
	sealed, err := jose.ParseEncryptedCompact(token, []jose.KeyAlgorithm{jose.RSA_OAEP_256}, []jose.ContentEncryption{jose.A256GCM})
	if err != nil || strings.Count(token, ".") != 4 {
		t.Fatalf("%v: %s", err, token)
	}
	inner, err := sealed.Decrypt(private)
	if err != nil {
		t.Fatal(err)
	}
	if _, access := b.verify(string(inner)); fmt.Sprint(access["roles"]) != "[ONE_STS_ADMIN]" {
		t.Errorf("%v", access)
	}
	if info := b.userinfo(token); info.status != 200 {
		t.Errorf("userinfo: %d %s", info.status, info.body)
	}
}
