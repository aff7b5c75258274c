package e2e

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

// TestRestore: a copy that was made while Portico was writing becomes a Portico: roles, access, sessions and history are there and
// the history verifies. What was done after the copy is not, so whoever was signed out since is signed in again, until everybody
// is signed out: docs/operations.md says so.
func TestRestore(t *testing.T) {
	t.Parallel()
	for _, engine := range testdb.Engines {
		t.Run(engine, func(t *testing.T) { restored(t, serve(t, testdb.Config(t, engine), ""), testdb.Config(t, engine)) })
	}
}

func restored(t *testing.T, s *served, into store.Config) {
	ada := browserAt(t, s.publicURL)
	ada.signIn("/", "ada@acme.test")
	organisation := ada.create("/api/organisation/v1", map[string]any{"name": "Acme"})
	role := ada.create("/api/sts/role/v1", map[string]any{"name": "Reader", "permissions": []string{"HISTORY_LIST"}})
	ada.mayEverywhere("Acme Issuance", role, organisation)
	ivan := browserAt(t, s.publicURL)
	ivan.signIn("/", "ivan@acme.test")

	eventually(t, "the history is sealed", func() bool { return s.verified(t, 0).Sealed > 0 })
	busy := make(chan struct{})
	var writer sync.WaitGroup
	writer.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-busy:
				return
			default:
				ada.call("PATCH", "/api/sts/role/v1/"+role, map[string]any{"name": "Reader"}, nil)
				ada.call("POST", "/api/sts/role/v1", map[string]any{"name": "Filler " + strings.Repeat("x", i%200+1), "permissions": []string{"KEY_LIST"}}, nil)
			}
		}
	})
	bring := s.backup(t)
	close(busy)
	writer.Wait()
	mustStatus(t, ada.call("POST", "/api/sts/revocation/v1", map[string]any{"everything": true}, nil), http.StatusOK)
	if got := ivan.call("GET", "/api/user/v1/me", nil, nil); got.status == http.StatusOK {
		t.Fatal("he is not signed out")
	}
	s.interrupt(t)

	into.DSN = bring(into)
	text, err := os.ReadFile(filepath.Join(s.folder, "portico.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(s.folder, "portico.yaml"), strings.ReplaceAll(string(text), s.database.DSN, into.DSN))
	s.database = into
	s.running = s.start(t)
	if report := s.verified(t, 0); report.Broken != nil || report.Sealed == 0 {
		t.Errorf("the history: %+v", report)
	}
	mustStatus(t, ivan.call("GET", "/api/user/v1/me", nil, nil), http.StatusOK) // what was revoked since is forgotten
	mustStatus(t, ada.call("GET", "/api/sts/role/v1/"+role, nil, nil), http.StatusOK)
	mustStatus(t, ada.call("POST", "/api/sts/revocation/v1", map[string]any{"everything": true}, nil), http.StatusOK)
	if got := ivan.call("GET", "/api/user/v1/me", nil, nil); got.status == http.StatusOK {
		t.Error("he is not signed out of what was restored")
	}
	again := browserAt(t, s.publicURL)
	again.signIn("/", "ivan@acme.test").mustContain(t, "Ivan Issuer")
	s.interrupt(t)
}

// backup makes a copy, and returns what brings it into another database.
func (s *served) backup(t *testing.T) (bring func(into store.Config) (dsn string)) {
	t.Helper()
	copied := filepath.Join(s.folder, "backup")
	if s.database.Driver == store.SQLite {
		out, _ := s.tool(t, 0, "backup", "--output", copied)
		says(t, out, copied, "checked", "key-encryption key")
		_, errs := s.tool(t, 1, "backup", "--output", copied)
		says(t, errs, "something is there already")
		return func(store.Config) string { return copied }
	}
	_, errs := s.tool(t, 1, "backup", "--output", copied)
	says(t, errs, "pg_dump")
	postgres(t, "pg_dump", "--format=custom", "--file="+copied, "--dbname="+s.database.DSN)
	return func(into store.Config) string {
		postgres(t, "pg_restore", "--exit-on-error", "--no-owner", "--dbname="+into.DSN, copied)
		return into.DSN
	}
}

// postgres runs one of PostgreSQL's own tools.
func postgres(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}
