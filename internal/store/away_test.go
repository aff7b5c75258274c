package store_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/core"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/session"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

// changes are one of each way to write; reads, one of each way to read.
func changes(ctx context.Context, db *store.DB) map[string]error {
	_, err := db.DeleteSessionsBefore(ctx, at(0), at(0))
	return map[string]error{
		"a statement":    testdb.InsertSession(ctx, db, session.Record{Ref: uuid.NewString(), Hash: uuid.NewString()}),
		"a transaction":  err,
		"a change":       db.CommitChange(ctx, modelVersion(ctx, db), access.Change{}, nil),
		"Core's":         db.CreateOrganisation(ctx, core.Organisation{ID: access.OrganisationID(uuid.NewString()), Name: uuid.NewString()}, history.Entry{ID: uuid.NewString()}),
		"history, large": db.AppendHistory(ctx, history.Entry{ID: uuid.NewString(), Metadata: []byte(`"` + strings.Repeat("x", 1<<17) + `"`)}),
	}
}

func modelVersion(ctx context.Context, db *store.DB) int64 {
	version, err := db.ModelVersion(ctx)
	if err != nil {
		return 1
	}
	return version
}

func reads(ctx context.Context, db *store.DB) map[string]error {
	_, _, one := db.GetSession(ctx, "hash", at(0))
	_, _, page := db.ListHistory(ctx, history.Filter{Size: 10})
	_, model := db.LoadModel(ctx)
	return map[string]error{"a row": one, "a page": page, "a snapshot": model, "ping": db.Ping(ctx)}
}

func mustBe(t *testing.T, when string, away bool, results map[string]error) {
	t.Helper()
	for what, err := range results {
		if away && !fault.Unavailable.Is(err) || !away && err != nil {
			t.Errorf("%s, %s: unavailable should be %v, got %v", when, what, away, err)
		}
	}
}

func TestSQLiteAway(t *testing.T) {
	set := func(t *testing.T, db *store.DB, pragma string) {
		t.Helper()
		writing, _ := store.Pools(db)
		if _, err := writing.Exec("PRAGMA " + pragma); err != nil {
			t.Fatal(err)
		}
	}
	for what, test := range map[string]func(t *testing.T, cfg store.Config, db *store.DB) (mend func()){
		"read-only": func(t *testing.T, _ store.Config, db *store.DB) func() {
			set(t, db, "query_only = 1")
			return func() { set(t, db, "query_only = 0") }
		},
		"locked by another process": func(t *testing.T, cfg store.Config, db *store.DB) func() {
			set(t, db, "busy_timeout = 0")
			return locked(t, cfg, "BEGIN EXCLUSIVE")
		},
		"locked for longer than anybody waits": func(t *testing.T, cfg store.Config, db *store.DB) func() {
			store.Hurry(t)
			return locked(t, cfg, "BEGIN EXCLUSIVE")
		},
	} {
		t.Run(what, func(t *testing.T) {
			cfg := testdb.Config(t, store.SQLite)
			db := testdb.OpenConfig(t, cfg)
			mustBe(t, "before", false, changes(t.Context(), db))
			mend := test(t, cfg, db)
			mustBe(t, what, true, changes(t.Context(), db))
			mustBe(t, what, false, reads(t.Context(), db))
			mend()
			mustBe(t, "afterwards", false, changes(t.Context(), db))
		})
	}
}

// locked keeps a database locked until unlock is called.
func locked(t *testing.T, cfg store.Config, statements ...string) (unlock func()) {
	t.Helper()
	conn, err := rawDB(t, cfg).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range statements {
		if _, err := conn.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		if _, err := conn.ExecContext(context.Background(), "ROLLBACK"); err != nil {
			t.Error(err)
		}
		if err := conn.Close(); err != nil && !errors.Is(err, sql.ErrConnDone) {
			t.Error(err)
		}
	}
}

func TestSQLiteFull(t *testing.T) {
	db := testdb.Open(t, store.SQLite)
	writing, _ := store.Pools(db)
	limit := func(statement string) {
		t.Helper()
		if _, err := writing.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	large := func() error {
		return db.AppendHistory(t.Context(), history.Entry{ID: uuid.NewString(), Metadata: []byte(strings.Repeat("x", 1<<17))})
	}
	limit("PRAGMA max_page_count = 1") // as many as there are
	if err := large(); !fault.Unavailable.Is(err) {
		t.Errorf("full: got %v", err)
	}
	mustBe(t, "full", false, reads(t.Context(), db))
	limit("PRAGMA max_page_count = 1000000")
	if err := large(); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestPostgresAway(t *testing.T) {
	server := testdb.NewServer(t)
	cfg := server.Config()
	db := testdb.OpenConfig(t, cfg)
	mustBe(t, "before", false, changes(t.Context(), db))
	server.Stop()
	mustBe(t, "stopped", true, changes(t.Context(), db))
	mustBe(t, "stopped", true, reads(t.Context(), db))
	server.Start()
	mustBe(t, "back", false, changes(t.Context(), db))
	mustBe(t, "back", false, reads(t.Context(), db))

	raw := rawDB(t, cfg)
	if _, err := raw.Exec(`ALTER DATABASE ` + databaseOf(t, raw) + ` SET default_transaction_read_only = on`); err != nil {
		t.Fatal(err)
	}
	standby := testdb.OpenConfig(t, cfg)
	mustBe(t, "read-only", true, changes(t.Context(), standby))
	mustBe(t, "read-only", false, reads(t.Context(), standby))
}

func databaseOf(t *testing.T, raw *sql.DB) (name string) {
	t.Helper()
	if err := raw.QueryRow(`SELECT current_database()`).Scan(&name); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestPostgresThatHangs(t *testing.T) {
	cfg := testdb.Config(t, store.Postgres)
	db := testdb.OpenConfig(t, cfg)
	mustBe(t, "before", false, changes(t.Context(), db))
	store.Hurry(t)
	unlock := locked(t, cfg, "BEGIN", "LOCK TABLE session, model, history, core_organisation")
	mustBe(t, "locked", true, changes(t.Context(), db))
	mustBe(t, "locked", true, reads(t.Context(), db))
	unlock()
	mustBe(t, "afterwards", false, changes(t.Context(), db))
}

// What is wrong with the request, or with the caller's patience, is not the database's absence.
func TestNotAway(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		ctx, hangUp := context.WithCancel(t.Context())
		hangUp()
		r := session.Record{Ref: uuid.NewString(), Hash: "one"}
		if err := testdb.InsertSession(t.Context(), db, r); err != nil {
			t.Fatal(err)
		}
		for what, err := range map[string]error{
			"taken":     testdb.InsertSession(t.Context(), db, r),
			"malformed": testdb.InsertSession(t.Context(), db, session.Record{Ref: "\x00"}),
			"hung up":   testdb.InsertSession(ctx, db, session.Record{Ref: "two", Hash: "two"}),
		} {
			if err == nil || fault.Unavailable.Is(err) {
				t.Errorf("%s: got %v", what, err)
			}
		}
	})
}

// TestAHangIsWaitedForOnce: who comes after the first one is not kept waiting as long, and all is as before once it answers.
func TestAHangIsWaitedForOnce(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		store.Hurry(t)
		whole := store.Waits(db)
		release := hang(t, db)
		if err := db.TouchSession(t.Context(), "x", at(1)); !fault.Unavailable.Is(err) {
			t.Errorf("expected it to be away, got %v", err)
		}
		if after := store.Waits(db); after >= whole {
			t.Errorf("waits %s, and %s after it hung", whole, after)
		}
		release()
		if err := db.TouchSession(t.Context(), "x", at(1)); err != nil {
			t.Error(err)
		}
		if again := store.Waits(db); again != whole {
			t.Errorf("waited %s, and %s after it answered", whole, again)
		}
	})
}

// hang takes every connection that writes, until release.
func hang(t *testing.T, db *store.DB) (release func()) {
	t.Helper()
	writing, _ := store.Pools(db)
	var all []*sql.Conn
	for len(all) < writing.Stats().MaxOpenConnections {
		conn, err := writing.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, conn)
	}
	return func() {
		for _, conn := range all {
			_ = conn.Close()
		}
	}
}
