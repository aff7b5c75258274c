package testdb

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/session"
	"github.com/portico-iam/portico/internal/store"
)

// Engines are the drivers, in the order in which Each uses them.
var Engines = []string{store.SQLite, store.Postgres}

// shared is the server of this test binary.
var shared struct {
	once   sync.Once
	server *server
	err    error
}

// Main runs a package's tests, looks for goroutines that they left behind, and stops the server. It exits.
func Main(m *testing.M, opts ...goleak.Option) {
	code := m.Run()
	if shared.server != nil {
		if err := shared.server.stop(); err != nil {
			fmt.Fprintln(os.Stderr, "testdb:", err)
			code = max(code, 1)
		}
	}
	if code == 0 {
		if err := goleak.Find(opts...); err != nil {
			fmt.Fprintln(os.Stderr, "testdb:", err)
			code = 1
		}
	}
	os.Exit(code)
}

// Each runs a subtest on a fresh database of each engine.
func Each(t *testing.T, test func(t *testing.T, db *store.DB)) {
	t.Helper()
	for _, engine := range Engines {
		t.Run(engine, func(t *testing.T) { test(t, Open(t, engine)) })
	}
}

// Open opens a fresh database, until the end of the test.
func Open(t testing.TB, engine string) *store.DB {
	t.Helper()
	return OpenConfig(t, Config(t, engine))
}

// OpenConfig opens a database, until the end of the test.
func OpenConfig(t testing.TB, cfg store.Config) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatalf("open a database for the test: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close the test's database: %v", err)
		}
	})
	return db
}

// Config makes a fresh, empty database that the test opens itself. It skips the test when there is no such engine here.
func Config(t testing.TB, engine string) store.Config {
	t.Helper()
	if engine == store.SQLite {
		return store.Config{Driver: store.SQLite, DSN: filepath.Join(t.TempDir(), "portico.db")}
	}
	return store.Config{Driver: store.Postgres, DSN: postgresDatabase(t)}
}

func postgresDatabase(t testing.TB) (dsn string) {
	t.Helper()
	bin := mustFindPostgres(t)
	shared.once.Do(func() { shared.server, shared.err = startServer(bin) })
	if shared.err != nil {
		t.Fatalf("start PostgreSQL: %v", shared.err)
	}
	name, err := shared.server.take(t.Context())
	if err != nil {
		t.Fatalf("make a database: %v", err)
	}
	t.Cleanup(func() {
		if err := shared.server.giveBack(name); err != nil {
			t.Errorf("clear the test's database: %v", err)
		}
	})
	return shared.server.dsn(name)
}

// mustFindPostgres skips the test where PostgreSQL isn't installed.
func mustFindPostgres(t testing.TB) (bin string) {
	t.Helper()
	bin, err := findPostgres()
	if err != nil {
		if os.Getenv("PORTICO_TEST_REQUIRE") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	return bin
}

// InsertSession stores a session as a sign-in does, with whatever is noted beside it.
func InsertSession(ctx context.Context, db *store.DB, r session.Record) error {
	p := session.Person{Issuer: r.Principal.Issuer, Subject: r.Principal.Subject, SeenAt: r.CreatedAt}
	_, err := db.BeginSession(ctx, r, p, history.Entry{ID: uuid.NewString(), CreatedAt: r.CreatedAt}, 0)
	return err
}
