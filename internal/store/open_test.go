package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/core"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/seal"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/sts"
	"github.com/portico-iam/portico/internal/testdb"
)

// rawDB opens a test's database beside the store, as its administrator would.
func rawDB(t testing.TB, cfg store.Config) *sql.DB {
	t.Helper()
	driver, dsn := "pgx", cfg.DSN
	if cfg.Driver == store.SQLite {
		driver, dsn = "sqlite", "file:"+cfg.DSN+"?_busy_timeout=5000"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func eachConfig(t *testing.T, test func(t *testing.T, cfg store.Config)) {
	for _, engine := range testdb.Engines {
		t.Run(engine, func(t *testing.T) { test(t, testdb.Config(t, engine)) })
	}
}

// checkRefused expects Open to fail in one line that holds want.
func checkRefused(t *testing.T, cfg store.Config, want string) {
	t.Helper()
	db, err := store.Open(t.Context(), cfg)
	if err == nil {
		db.Close()
		t.Errorf("expected an error with %q, got none", want)
		return
	}
	if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("expected one line with %q, got %q", want, err)
	}
}

func TestReopen(t *testing.T) {
	eachConfig(t, func(t *testing.T, cfg store.Config) {
		db, err := store.Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		r := role("A", access.KeyList)
		m := commit(t, db, access.Model{}, access.Change{
			PutRoles: []*access.Role{r}, PutIAMRoles: []*access.IAMRole{iamRole("X", nil, r.ID)},
			Organisations: []*access.Organisation{{ID: "o", Name: "O", CreatedAt: at(1)}}, At: at(1),
		})
		s := newSession("h")
		insert(t, db, s)
		entry := add(t, db, history.Entry{CreatedAt: at(1), Name: "x"})
		if err := db.SaveKeys(t.Context(), 0, []sts.KeyRecord{{KID: "k", State: sts.KeyActive, CreatedAt: at(1)}}); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if err := db.Ping(t.Context()); err == nil {
			t.Error("expected a closed database to answer no ping")
		}

		db = testdb.OpenConfig(t, cfg)
		if err := db.Ping(t.Context()); err != nil {
			t.Error(err)
		}
		checkModel(t, db, m)
		checkSession(t, db, "h", at(1), &s)
		if _, found, err := db.GetHistory(t.Context(), entry.ID); err != nil || !found {
			t.Errorf("expected the entry, got %v, %v", found, err)
		}
		if keys, revision, err := db.LoadKeys(t.Context()); err != nil || revision != 1 || len(keys) != 1 {
			t.Errorf("expected a key, got %+v, %d, %v", keys, revision, err)
		}
	})
}

// Many processes start on one empty database: one migrates, all come up.
func TestOpenRace(t *testing.T) {
	eachConfig(t, func(t *testing.T, cfg store.Config) {
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				db, err := store.Open(t.Context(), cfg)
				if err != nil {
					t.Error(err)
					return
				}
				if err := errors.Join(db.Ping(t.Context()), db.Close()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
}

// TestOpenBesideANewerSchema: while an upgrade goes on, the version of before may be started too, unless the newer one says that
// it must not.
func TestOpenBesideANewerSchema(t *testing.T) {
	eachConfig(t, func(t *testing.T, cfg store.Config) {
		if err := testdb.OpenConfig(t, cfg).Close(); err != nil {
			t.Fatal(err)
		}
		raw := rawDB(t, cfg)
		set := func(statement string) {
			t.Helper()
			if _, err := raw.Exec(statement); err != nil {
				t.Fatal(err)
			}
		}
		set(`INSERT INTO schema_version (version_id, is_applied) VALUES (4711, true)`)
		set(`CREATE TABLE of_a_later_version (id BIGINT PRIMARY KEY)`)
		for _, readOnly := range []bool{false, true} {
			cfg.ReadOnly = readOnly
			db, err := store.Open(t.Context(), cfg)
			if err != nil {
				t.Fatalf("read only %t: %v", readOnly, err)
			}
			if err := errors.Join(db.Ping(t.Context()), db.Close()); err != nil {
				t.Error(err)
			}
		}
		set(`UPDATE schema_since SET oldest = 4711`)
		for _, readOnly := range []bool{false, true} {
			cfg.ReadOnly = readOnly
			checkRefused(t, cfg, "a newer Portico (its tables have version 4711 and need at least 4711")
		}
		set(`DELETE FROM schema_since`)
		checkRefused(t, cfg, "a newer Portico")
	})
}

// TestOpenReadOnly: what is only read is not made, not brought up to date and not written to.
func TestOpenReadOnly(t *testing.T) {
	eachConfig(t, func(t *testing.T, cfg store.Config) {
		cfg.ReadOnly = true
		want := "expected tables of version"
		if cfg.Driver == store.SQLite {
			want = "no such file"
		}
		checkRefused(t, cfg, want)
		if _, err := os.Stat(cfg.DSN); err == nil {
			t.Error("a file was made")
		}
		cfg.ReadOnly = false
		db := testdb.OpenConfig(t, cfg)
		add(t, db, history.Entry{CreatedAt: at(1)})
		cfg.ReadOnly = true
		reader := testdb.OpenConfig(t, cfg)
		if page, err := reader.ReadEntries(t.Context(), history.Filter{}, history.Position{}, 10); err != nil || len(page) != 1 {
			t.Errorf("got %v, %v", page, err)
		}
		if cfg.Driver == store.Postgres {
			mustReadAsOthers(t, cfg)
		} else if err := reader.AppendHistory(t.Context(), history.Entry{ID: "x"}); err == nil {
			t.Error("it can be written to")
		}
	})
}

// mustReadAsOthers: a user who may only SELECT is enough.
func mustReadAsOthers(t *testing.T, cfg store.Config) {
	t.Helper()
	raw, name := rawDB(t, cfg), fmt.Sprint("reader", time.Now().UnixNano())
	if _, err := raw.Exec(`CREATE ROLE ` + name + ` LOGIN; GRANT USAGE ON SCHEMA public TO ` + name + `; GRANT SELECT ON ALL TABLES IN SCHEMA public TO ` + name); err != nil {
		t.Fatal(err)
	}
	cfg.DSN = strings.Replace(cfg.DSN, "//postgres@", "//"+name+"@", 1)
	db, err := store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	report, err := history.Verify(t.Context(), history.Verification{Store: db, Box: seal.RandomKey().Box("history key")})
	if err := errors.Join(err, db.Close()); err != nil || report.Unsealed != 1 {
		t.Errorf("got %+v, %v", report, err)
	}
	if _, err := raw.Exec(`DROP OWNED BY ` + name + `; DROP ROLE ` + name); err != nil {
		t.Fatal(err)
	}
}

func TestOpenRefusesStrangeSettings(t *testing.T) {
	for want, cfg := range map[string]store.Config{
		`expected sqlite or postgres, got "mysql"`:                              {Driver: "mysql", DSN: "x"},
		"expected the path of a file, got nothing":                              {Driver: store.SQLite},
		"expected the plain path of a file":                                     {Driver: store.SQLite, DSN: "file:x.db"},
		"expected the plain path":                                               {Driver: store.SQLite, DSN: ":memory:"},
		"the address of a PostgreSQL server, but store.driver is sqlite":        {Driver: store.SQLite, DSN: "postgres://u:hunter2@h/db"},
		"the address of a PostgreSQL server, but":                               {Driver: store.SQLite, DSN: "host=h password=hunter2"},
		"since store.driver is postgres":                                        {Driver: store.Postgres, DSN: "/var/lib/portico/portico.db"},
		"expected an address of a PostgreSQL server":                            {Driver: store.Postgres},
		"can't be read as an address of a PostgreSQL server":                    {Driver: store.Postgres, DSN: "postgres://u:hunter2%zz@h/db"},
		"can't be read as an address of a PostgreSQL server: expected postgres": {Driver: store.Postgres, DSN: "postgres://u:hunter2@h:x/db"},
	} {
		checkRefused(t, cfg, want)
		if _, err := store.Open(t.Context(), cfg); strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the password is shown: %v", err)
		}
	}
}

// Every method ends with its context, and leaves nothing behind.
func TestCancelled(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for name, call := range map[string]func() error{
			"LoadModel":            func() error { _, err := db.LoadModel(ctx); return err },
			"ModelVersion":         func() error { _, err := db.ModelVersion(ctx); return err },
			"CommitChange":         func() error { return db.CommitChange(ctx, 0, access.Change{}, nil) },
			"LoadKeys":             func() error { _, _, err := db.LoadKeys(ctx); return err },
			"SaveKeys":             func() error { return db.SaveKeys(ctx, 0, nil) },
			"KeyRevision":          func() error { _, _, err := db.KeyRevision(ctx); return err },
			"NoteAlive":            func() error { return db.NoteAlive(ctx, at(0)) },
			"NoteKeyUse":           func() error { return db.NoteKeyUse(ctx, "k", at(0)) },
			"NoteFetches":          func() error { return db.NoteFetches(ctx, nil, at(0), 1) },
			"Fetches":              func() error { _, err := db.Fetches(ctx); return err },
			"ResealSessions":       func() error { _, err := db.ResealSessions(ctx, nil); return err },
			"InsertSession":        func() error { return testdb.InsertSession(ctx, db, newSession("h")) },
			"GetSession":           func() error { _, _, err := db.GetSession(ctx, "h", at(0)); return err },
			"UpdateSession":        func() error { _, err := db.UpdateSession(ctx, newSession("h")); return err },
			"TouchSession":         func() error { return db.TouchSession(ctx, "r", at(0)) },
			"DeleteSession":        func() error { _, err := db.DeleteSession(ctx, "r"); return err },
			"DeleteSessionsBefore": func() error { _, err := db.DeleteSessionsBefore(ctx, at(0), at(0)); return err },
			"UseFlow":              func() error { _, _, err := db.UseFlow(ctx, "f", "r", at(0)); return err },
			"PeopleSeen":           func() error { _, err := db.PeopleSeen(ctx, at(0), 1); return err },
			"AppendHistory":        func() error { return db.AppendHistory(ctx, history.Entry{ID: "x"}) },
			"SealHistory":          func() error { _, _, err := db.SealHistory(ctx, at(0), 1); return err },
			"AddCheckpoint":        func() error { _, err := db.AddCheckpoint(ctx, history.Checkpoint{}); return err },
			"SetBack":              func() error { _, err := db.SetBack(ctx, history.Checkpoint{}); return err },
			"ChainState":           func() error { _, err := db.ChainState(ctx); return err },
			"ReadChain":            func() error { _, err := db.ReadChain(ctx, 0, 1); return err },
			"ReadCheckpoints":      func() error { _, err := db.ReadCheckpoints(ctx, 0, 1); return err },
			"ReadPlaces":           func() error { _, err := db.ReadPlaces(ctx, history.Position{}, 1); return err },
			"ReadEntries": func() error {
				_, err := db.ReadEntries(ctx, history.Filter{After: at(0), Before: at(0)}, history.Position{}, 1)
				return err
			},
			"HistoryKeys":        func() error { _, err := db.HistoryKeys(ctx); return err },
			"AddHistoryKey":      func() error { return db.AddHistoryKey(ctx, seal.SigningKey{}, at(0)) },
			"ResealHistoryKey":   func() error { return db.ResealHistoryKey(ctx, seal.SigningKey{}, nil, "") },
			"ListHistory":        func() error { _, _, err := db.ListHistory(ctx, history.Filter{Size: 1}); return err },
			"GetHistory":         func() error { _, _, err := db.GetHistory(ctx, "x"); return err },
			"CreateOrganisation": func() error { return db.CreateOrganisation(ctx, core.Organisation{ID: "o"}, history.Entry{}) },
			"GetOrganisation":    func() error { _, _, err := db.GetOrganisation(ctx, "o"); return err },
			"ListOrganisations":  func() error { _, _, err := db.ListOrganisations(ctx, core.OrganisationFilter{}); return err },
			"UpsertOrganisation": func() error { return db.UpsertOrganisation(ctx, "o", nil) },
			"Ping":               func() error { return db.Ping(ctx) },
		} {
			if err := call(); !errors.Is(err, context.Canceled) {
				t.Errorf("%s: expected context.Canceled, got %v", name, err)
			}
		}
		checkModel(t, db, access.Model{})
	})
}

// A writer that is kept waiting gives up when its context ends, and the database works on.
func TestCancelledWhileWaiting(t *testing.T) {
	eachConfig(t, func(t *testing.T, cfg store.Config) {
		db := testdb.OpenConfig(t, cfg)
		blocker, err := rawDB(t, cfg).Begin()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := blocker.Exec(`UPDATE model SET version = version`); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		began := time.Now()
		if err := db.CommitChange(ctx, 0, access.Change{}, nil); err == nil {
			t.Error("expected the waiting change to end without success")
		}
		if waited := time.Since(began); waited > 3*time.Second {
			t.Errorf("expected it to end with its context, it took %v", waited)
		}
		if err := blocker.Rollback(); err != nil {
			t.Fatal(err)
		}
		if err := db.CommitChange(t.Context(), 0, access.Change{}, nil); err != nil {
			t.Error(err)
		}
	})
}

// Readers and writers of every kind at once, for the race detector.
func TestEverythingAtOnce(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		var wg sync.WaitGroup
		for w := range 4 {
			wg.Go(func() {
				for i := range 15 {
					s := newSession(fmt.Sprint(w, "-", i))
					_, _, flowErr := db.UseFlow(ctx, s.Hash, s.Ref, at(1))
					insertErr := testdb.InsertSession(ctx, db, s)
					_, found, getErr := db.GetSession(ctx, s.Hash, at(0))
					if !found {
						t.Errorf("session %s was not found right after it was stored", s.Hash)
					}
					_, _, listErr := db.ListHistory(ctx, history.Filter{Size: 10, Descending: true})
					_, loadErr := db.LoadModel(ctx)
					if err := errors.Join(flowErr, insertErr, getErr, listErr, loadErr,
						db.AppendHistory(ctx, history.Entry{ID: uuid.NewString(), CreatedAt: at(int64(i))}),
						db.TouchSession(ctx, s.Ref, at(2)), db.Ping(ctx)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
	})
}
