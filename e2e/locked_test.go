package e2e

import (
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

// TestSQLiteIsLocked by another program for longer than anybody waits: reading goes on, changes are refused, and all is
// well once the lock is gone.
func TestSQLiteIsLocked(t *testing.T) {
	t.Parallel()
	database := testdb.Config(t, store.SQLite)
	p := startOn(t, database, nil)
	s := seeded(t, p)
	unlock := lockSQLite(t, database)
	p.advance(2 * time.Minute) // the session is to be read anew, and its use to be noted
	mustStatus(t, s.ada.call("GET", "/api/sts/role/v1", nil, nil), http.StatusOK)
	mustStatus(t, s.ada.open("/roles"), http.StatusOK)
	mustStatus(t, s.ada.call("GET", "/api/history/v1?showSystemHistory=true", nil, nil), http.StatusOK)
	mustStatus(t, s.ada.call("GET", "/api/organisation/v1", nil, nil), http.StatusOK)
	var all sync.WaitGroup
	for n := range 3 {
		all.Go(func() {
			_, err := createRole(s.ada, fmt.Sprintf("Locked %d", n))
			var other *unexpected
			if !errors.As(err, &other) {
				t.Errorf("expected a refusal, got %v", err)
				return
			}
			mustBeAway(t, "a role", other.status, other.body)
		})
	}
	all.Go(func() {
		got := s.ada.call("POST", "/api/organisation/v1", map[string]any{"name": "Locked"}, nil)
		mustBeAway(t, "an organisation", got.status, got.body)
	})
	all.Go(func() {
		mustBeAwayPage(t, "a form", s.ada.submit("/organisations/new", url.Values{"name": {"Locked"}}))
	})
	all.Go(func() { mustBeAwayPage(t, "signing in", p.browser().signIn("/", "ivan@acme.test")) })
	all.Go(func() { mustBeAwayPage(t, "signing out", s.ada.submit("/logout", nil)) })
	all.Wait()
	mustStatus(t, s.ada.call("GET", "/api/sts/role/v1", nil, nil), http.StatusOK)

	unlock()
	role, err := createRole(s.ada, "Locked 0")
	if err != nil {
		t.Fatal(err)
	}
	s.ada.create("/api/organisation/v1", map[string]any{"name": "Locked"})
	id := s.ada.cookie(sessionCookie)
	s.ada.submit("/logout", nil).mustContain(t, "You are signed out")
	mustStatus(t, s.ada.stolen(id).call("GET", "/api/user/v1/me", nil, nil), http.StatusUnauthorized)
	mustBeStored(t, database, []string{s.role.ID, role})
}

// lockSQLite keeps a database locked until unlock is called.
func lockSQLite(t *testing.T, database store.Config) (unlock func()) {
	t.Helper()
	db, err := sql.Open("sqlite", database.DSN)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	run := func(statement string) {
		t.Helper()
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	run("BEGIN EXCLUSIVE")
	return func() { run("ROLLBACK") }
}

// TestDiskIsFull: a file system of a few megabytes, on which somebody else takes what is left.
func TestDiskIsFull(t *testing.T) {
	t.Parallel()
	disk := t.TempDir()
	s := prepared(t, store.Config{Driver: store.SQLite, DSN: filepath.Join(disk, "portico.db")}, "")
	s.within = smallDisk(t, disk)
	s.running = s.start(t)
	seen := filepath.Join("/proc", fmt.Sprint(s.cmd.Process.Pid), "root", disk) // the disk is the process's own
	ada := browserAt(t, s.publicURL)
	ada.signIn("/", "ada@acme.test")
	fillDisk(t, filepath.Join(seen, "filler"))
	var made []string
	var other *unexpected
	for n := 0; other == nil; n++ { // what is left in the files is used up
		id, err := createRole(ada, fmt.Sprintf("Full %d", n))
		if err == nil {
			made = append(made, id)
		} else if !errors.As(err, &other) || n > 10_000 {
			t.Fatal(err)
		}
	}
	t.Logf("%d roles fitted", len(made))
	mustBeAway(t, "a role", other.status, other.body)
	mustStatus(t, ada.call("GET", "/api/sts/role/v1", nil, nil), http.StatusOK)
	mustHaveRoles(t, ada, made)
	mustBeAwayPage(t, "signing in", browserAt(t, s.publicURL).signIn("/", "ivan@acme.test"))
	if err := os.Remove(filepath.Join(seen, "filler")); err != nil {
		t.Fatal(err)
	}
	id, err := createRole(ada, "Afterwards")
	if err != nil {
		t.Fatal(err)
	}
	browserAt(t, s.publicURL).signIn("/", "ivan@acme.test").mustContain(t, "Ivan Issuer")

	saved := store.Config{Driver: store.SQLite, DSN: filepath.Join(t.TempDir(), "copy.db")}
	for _, end := range []string{"", "-wal"} {
		text, err := os.ReadFile(filepath.Join(seen, "portico.db"+end))
		if err != nil {
			t.Fatal(err)
		}
		write(t, saved.DSN+end, string(text))
	}
	mustBeStored(t, saved, append(made, id))
	s.interrupt(t)
}

// smallDisk is a command that runs another one with a small file system mounted at folder, which nobody else sees. It
// skips the test where that is not allowed.
func smallDisk(t *testing.T, folder string) []string {
	t.Helper()
	within := []string{
		"unshare", "--user", "--map-root-user", "--mount", "setpriv", "--pdeathsig", "KILL",
		"sh", "-c", `mount -t tmpfs -o size=8m tmpfs "$0" && exec "$@"`, folder,
	}
	if out, err := exec.Command(within[0], append(within[1:], "true")...).CombinedOutput(); err != nil {
		t.Skipf("no file system can be mounted here: %v %s", err, out)
	}
	return within
}

// fillDisk writes a file until the disk is full.
func fillDisk(t *testing.T, path string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, size := range []int{1 << 16, 1 << 12, 1} {
		for err = nil; err == nil; {
			_, err = file.Write(make([]byte, size))
		}
	}
}
