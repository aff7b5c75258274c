package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/seal"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

// keysTool runs portico keys on the configuration of a Portico.
func (s *served) keysTool(t *testing.T, status int, args ...string) (stdout, stderr string) {
	t.Helper()
	return s.tool(t, status, append([]string{"keys"}, args...)...)
}

// tool runs a command on the configuration of a Portico, and expects its status.
func (s *served) tool(t *testing.T, status int, args ...string) (stdout, stderr string) {
	t.Helper()
	return s.piped(t, "", status, args...)
}

// piped is tool with a standard input.
func (s *served) piped(t *testing.T, stdin string, status int, args ...string) (stdout, stderr string) {
	t.Helper()
	cmd := command(t, append(args, "--config", filepath.Join(s.folder, "portico.yaml"))...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	err := cmd.Run()
	got := 0
	if exit, is := err.(*exec.ExitError); is {
		got = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	if got != status {
		t.Fatalf("%v: expected status %d, got %d\n%s%s", args, status, got, &out, &errs)
	}
	return out.String(), errs.String()
}

// listed is what portico keys list knows.
func (s *served) listed(t *testing.T) map[string]string {
	t.Helper()
	out, _ := s.keysTool(t, 0, "list", "--json")
	var list struct {
		SealedBy string
		Keys     []struct{ KID, State string }
	}
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	by := map[string]string{"sealedBy": list.SealedBy}
	for _, k := range list.Keys {
		by[k.State] = k.KID
	}
	return by
}

// published returns the kids of the JWK set.
func (s *served) published(t *testing.T) string {
	t.Helper()
	resp, err := http.Get(s.publicURL + "/.well-known/jwks.json?verifier=core")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var set struct{ Keys []struct{ Kid string } }
	if err := json.NewDecoder(resp.Body).Decode(&set); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(set.Keys)
}

func TestKeysCommand(t *testing.T) {
	t.Parallel()
	for _, engine := range testdb.Engines {
		t.Run(engine, func(t *testing.T) { keysCommand(t, serve(t, testdb.Config(t, engine), "")) })
	}
}

func keysCommand(t *testing.T, s *served) {
	ada := browserAt(t, s.publicURL)
	ada.signIn("/", "ada@acme.test")
	mustStatus(t, ada.call("GET", "/api/organisation/v1", nil, nil), http.StatusOK)
	first := s.listed(t)
	if _, errs := s.keysTool(t, 1, "rotate"); !strings.Contains(errs, first["next"]) || !strings.Contains(errs, "--force") || strings.Contains(errs, "PT_") {
		t.Errorf("a rotation that is too early: %s", errs)
	}
	if out, errs := s.keysTool(t, 0, "rotate", "--force"); !strings.Contains(errs, "Warning: the next key is published since") || !strings.Contains(out, "retired") {
		t.Errorf("forced: %s%s", out, errs)
	}
	second := s.listed(t)
	if second["active"] != first["next"] || second["retired"] != first["active"] {
		t.Fatalf("before %v, after %v", first, second)
	}
	eventually(t, "the server follows", func() bool {
		return ada.keys().in("active") == second["active"] && strings.Contains(s.published(t), second["next"])
	})
	s.published(t)
	eventually(t, "the fetch is noted", func() bool { out, _ := s.keysTool(t, 0, "list"); return strings.Contains(out, "127.0.0.1") })
	if _, errs := s.keysTool(t, 1, "cut"); !strings.Contains(errs, "--yes") || !strings.Contains(errs, second["active"]) {
		t.Errorf("unasked: %s", errs)
	}
	if _, errs := s.keysTool(t, 0, "cut", "--yes"); !strings.Contains(errs, "as soon as it fetches the keys anew") || !strings.Contains(errs, "It is published no more") {
		t.Errorf("cut: %s", errs)
	}
	if strings.Contains(s.published(t), second["active"]) {
		t.Error("the command is done, and a verifier that is restarted now gets the key")
	}
	if _, errs := s.keysTool(t, 1, "cut", "--yes", "--kid", second["active"]); !strings.Contains(errs, "no such signing key") || strings.Contains(errs, "deletes") {
		t.Errorf("twice: %s", errs)
	}
	ada.open("/history?type=KEY").mustContain(t, "command line: ", "Key revoked", second["active"])

	// The key-encryption key, while the server has the old one alone.
	fresh := filepath.Join(s.folder, "new-key")
	write(t, fresh, seal.RandomKey().Encode())
	if out, _ := s.keysTool(t, 0, "reencrypt", "--new-key-file", fresh); !strings.Contains(out, "3 signing keys, 1 history keys and 1 sessions were under another one") {
		t.Errorf("reencrypt: %s", out)
	}
	eventually(t, "the server says that its key is the old one", func() bool {
		resp, err := http.Get(s.adminURL + "/health/ready")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusServiceUnavailable && strings.Contains(s.errors.String(), "the key-encryption key was replaced")
	})
	if _, body := s.operator(t, "/health/ready", "application/json"); !strings.Contains(body, `{"part":"signing keys","ready":false,"reason":"the signing keys in the store can't be used here"}`) {
		t.Errorf("in JSON it says %s", body)
	}
	mustStatus(t, ada.call("GET", "/api/user/v1/me", nil, nil), http.StatusOK) // a session in memory goes on
	ada.open("/keys").mustContain(t, "does not open")
	s.interrupt(t)
	s.reconfigure(t, `token: {`, fmt.Sprintf(`token: { previousKeyEncryptionKeyFile: %q,`, fresh))
	s.running = s.start(t)
	mustStatus(t, ada.call("GET", "/api/organisation/v1", nil, nil), http.StatusOK)
	s.interrupt(t)

	// With the new key alone everything is there, the session too.
	if out, _ := s.keysTool(t, 0, "reencrypt", "--new-key-file", fresh, "--json"); !strings.Contains(out, `"signingKeys": 0`) || !strings.Contains(out, `"historyKeys": 0`) {
		t.Errorf("a second time: %s", out)
	}
	if err := os.Rename(fresh, filepath.Join(s.folder, "key")); err != nil {
		t.Fatal(err)
	}
	s.reconfigure(t, fmt.Sprintf(`token: { previousKeyEncryptionKeyFile: %q,`, fresh), `token: {`)
	before := s.listed(t)
	s.running = s.start(t)
	mustStatus(t, ada.call("GET", "/api/organisation/v1", nil, nil), http.StatusOK)
	s.tool(t, 0, "history", "verify") // its key was sealed anew too
	if got := ada.keys(); got.in("active") != before["active"] {
		t.Errorf("expected %s to sign, got %+v", before["active"], got)
	}
	s.interrupt(t)
}

// reconfigure changes the text of the configuration.
func (s *served) reconfigure(t *testing.T, from, to string) {
	t.Helper()
	path := filepath.Join(s.folder, "portico.yaml")
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), from) {
		t.Fatalf("%v, or %q is not there", err, from)
	}
	write(t, path, strings.Replace(string(text), from, to, 1))
}

// TestRestoreFromBackup: the database of before a rotation and the key file are enough.
func TestRestoreFromBackup(t *testing.T) {
	t.Parallel()
	database := testdb.Config(t, store.SQLite)
	s := serve(t, database, "")
	ada := browserAt(t, s.publicURL)
	ada.signIn("/", "ada@acme.test")
	organisation := ada.create("/api/organisation/v1", map[string]any{"name": "Acme"})
	s.interrupt(t)
	backup, err := os.ReadFile(database.DSN)
	if err != nil {
		t.Fatal(err)
	}
	then := s.listed(t)
	s.running = s.start(t)
	s.keysTool(t, 0, "rotate", "--force")
	since := s.listed(t)
	s.interrupt(t)

	for _, name := range []string{database.DSN + "-wal", database.DSN + "-shm"} {
		_ = os.Remove(name)
	}
	if err := os.WriteFile(database.DSN, backup, 0o600); err != nil {
		t.Fatal(err)
	}
	s.running = s.start(t)
	if got := s.listed(t); got["active"] != then["active"] || got["next"] != then["next"] {
		t.Errorf("expected %v, got %v", then, got)
	}
	mustStatus(t, ada.call("GET", "/api/organisation/v1/"+organisation, nil, nil), http.StatusOK) // signed, and accepted by Core
	// docs/keys.md: verifiers know the backup's next key whether or not there was a rotation since.
	s.keysTool(t, 0, "rotate", "--force")
	now := s.listed(t)
	if now["active"] != since["active"] || now["next"] == since["next"] {
		t.Errorf("since %v, now %v", since, now)
	}
	eventually(t, "the server follows", func() bool { return ada.keys().in("active") == now["active"] })
	s.interrupt(t)
}
