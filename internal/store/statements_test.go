package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

// oneConnection is a connection that keeps its statements, with a table of three rows.
func oneConnection(t *testing.T) *sql.Conn {
	writing, _ := store.Pools(testdb.OpenConfig(t, sqliteAt(filepath.Join(t.TempDir(), "portico.db"))))
	conn, err := writing.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	for _, text := range []string{`CREATE TABLE t (a INTEGER PRIMARY KEY)`, `INSERT INTO t VALUES (1), (2), (3)`} {
		if _, err := conn.ExecContext(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	return conn
}

func kept(t *testing.T, conn *sql.Conn) (texts []string) {
	t.Helper()
	if err := conn.Raw(func(driverConn any) error { texts = store.KeptStatements(driverConn); return nil }); err != nil {
		t.Fatal(err)
	}
	return texts
}

// Rows of one statement are read while the same text runs again, and again inside that.
func TestAKeptStatementIsUsedOnceAtATime(t *testing.T) {
	conn := oneConnection(t)
	var seen []string
	var read func(depth int, prefix string)
	read = func(depth int, prefix string) {
		rows, err := conn.QueryContext(t.Context(), `SELECT a FROM t WHERE a <= $1 ORDER BY a`, 3-depth)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var a int
			if err := rows.Scan(&a); err != nil {
				t.Fatal(err)
			}
			seen = append(seen, fmt.Sprint(prefix, a))
			if depth < 2 {
				read(depth+1, fmt.Sprint(prefix, a))
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // the second time with what the first one kept
		seen = nil
		read(0, "")
		if got, want := strings.Join(seen, " "), "1 11 111 12 121 2 21 211 22 221 3 31 311 32 321"; got != want {
			t.Errorf("expected %s, got %s", want, got)
		}
	}
}

func TestKeptStatementsAreFewAndShort(t *testing.T) {
	conn := oneConnection(t)
	for i := range 500 {
		for _, text := range []string{fmt.Sprintf(`SELECT a + %d FROM t`, i), fmt.Sprintf(`SELECT a + %d FROM t --%s`, i, strings.Repeat("x", 4096))} {
			if _, err := conn.ExecContext(t.Context(), text); err != nil {
				t.Fatal(err)
			}
		}
	}
	texts := kept(t, conn)
	if len(texts) != 64 {
		t.Errorf("expected 64 statements, got %d", len(texts))
	}
	for _, text := range texts {
		if len(text) > 2048 {
			t.Errorf("kept: %.40s… of %d bytes", text, len(text))
		}
	}
}

// What was prepared for the table as it was is right for the table as it is.
func TestAKeptStatementSeesTheTableOfNow(t *testing.T) {
	conn := oneConnection(t)
	count := func() (columns int) {
		rows, err := conn.QueryContext(t.Context(), `SELECT * FROM t`)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		rows.Next() // compiles anew at the first step
		names, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		return len(names)
	}
	if got := count(); got != 1 {
		t.Fatal(got)
	}
	if _, err := conn.ExecContext(t.Context(), `ALTER TABLE t ADD COLUMN b TEXT`); err != nil {
		t.Fatal(err)
	}
	if got := count(); got != 2 {
		t.Errorf("expected 2 columns, got %d", got)
	}
	if _, err := conn.ExecContext(t.Context(), `DROP TABLE t`); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.QueryContext(t.Context(), `SELECT * FROM t`); err == nil || !strings.Contains(err.Error(), "no such table") {
		t.Errorf("expected an error, got %v", err)
	}
}

// A statement that failed, or was given up, neither holds a lock nor fails the next one.
func TestAKeptStatementOutlivesItsFailure(t *testing.T) {
	conn := oneConnection(t)
	const insert = `INSERT INTO t VALUES ($1)`
	for _, value := range []int{4, 5} {
		if _, err := conn.ExecContext(t.Context(), insert, 1); err == nil {
			t.Fatal("expected the key to be refused")
		}
		if _, err := conn.ExecContext(t.Context(), insert, value); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	rows, err := conn.QueryContext(ctx, `SELECT a FROM t`)
	if err != nil {
		t.Fatal(err)
	}
	rows.Next()
	cancel()
	rows.Close()
	if _, err := conn.ExecContext(t.Context(), `DROP TABLE t`); err != nil { // SQLITE_LOCKED while somebody reads
		t.Error(err)
	}
}
