package store_test

import (
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

// changed returns a test's configuration with another user, password or database.
func changed(t *testing.T, cfg store.Config, change func(u *url.URL)) store.Config {
	t.Helper()
	u, err := url.Parse(cfg.DSN)
	if err != nil {
		t.Fatal(err)
	}
	change(u)
	cfg.DSN = u.String()
	return cfg
}

func TestPostgresRefusals(t *testing.T) {
	cfg := testdb.Config(t, store.Postgres)
	raw := rawDB(t, cfg)
	// The one user whom the test's server asks for a password.
	for _, statement := range []string{
		`DROP ROLE IF EXISTS secret`, `CREATE ROLE secret LOGIN PASSWORD 'right'`, `REVOKE ALL ON SCHEMA public FROM PUBLIC`, `GRANT USAGE ON SCHEMA public TO secret`,
	} {
		if _, err := raw.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	wrong := changed(t, cfg, func(u *url.URL) { u.User = url.UserPassword("secret", "hunter2") })
	checkRefused(t, wrong, "the server refuses the password of user secret")
	if _, err := store.Open(t.Context(), wrong); strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the password is shown: %v", err)
	}
	checkRefused(t, changed(t, cfg, func(u *url.URL) { u.User = url.UserPassword("secret", "right") }), "lacks the right to make the tables")
	checkRefused(t, changed(t, cfg, func(u *url.URL) { u.Path = "/nowhere" }), "database nowhere at the socket in")
	checkRefused(t, changed(t, cfg, func(u *url.URL) { u.Path = "/nowhere" }), "the server has no such database")
	checkRefused(t, changed(t, cfg, func(u *url.URL) { u.User = url.User("stranger") }), "the server refuses user stranger")
}

func TestPostgresUnreachable(t *testing.T) {
	// A port on which nobody listens: taken, and given back.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	cfg := store.Config{Driver: store.Postgres, DSN: "postgres://portico:hunter2@" + address + "/portico"}
	checkRefused(t, cfg, "database portico at "+address+" can't be reached")
	if _, err := store.Open(t.Context(), cfg); strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the password is shown: %v", err)
	}
	checkRefused(t, store.Config{Driver: store.Postgres, DSN: "postgres://u:hunter2@" + address + "?connect_timeout=1"}, "can't be reached")
}

func TestPostgresEncoding(t *testing.T) {
	cfg := testdb.Config(t, store.Postgres)
	raw := rawDB(t, cfg)
	if _, err := raw.Exec(`CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C' LOCALE_PROVIDER libc`); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if _, err := raw.Exec(`DROP DATABASE latin WITH (FORCE)`); err != nil {
			t.Error(err)
		}
	}()
	checkRefused(t, changed(t, cfg, func(u *url.URL) { u.Path = "/latin" }), "has the encoding LATIN1")
}

// The tables may lie in a schema of their own, in a database that others use too.
func TestPostgresSchema(t *testing.T) {
	cfg := testdb.Config(t, store.Postgres)
	raw := rawDB(t, cfg)
	for _, statement := range []string{`CREATE TABLE role (other INT)`, `CREATE SCHEMA portico`} {
		if _, err := raw.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	checkRefused(t, cfg, `relation "role" already exists`)
	db := testdb.OpenConfig(t, changed(t, cfg, func(u *url.URL) {
		q := u.Query()
		q.Set("search_path", "portico")
		u.RawQuery = q.Encode()
	}))
	if _, err := db.LoadModel(t.Context()); err != nil {
		t.Error(err)
	}
}

// A server that restarts, or a network that drops, costs no more than the statement under way.
func TestPostgresReconnects(t *testing.T) {
	cfg := testdb.Config(t, store.Postgres)
	db := testdb.OpenConfig(t, cfg)
	if err := db.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	const hangUp = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'portico' AND datname = current_database()`
	if _, err := rawDB(t, cfg).Exec(hangUp); err != nil {
		t.Fatal(err)
	}
	var err error
	for range 5 { // as many idle connections as the pool may have, and one
		if err = db.Ping(t.Context()); err == nil {
			return
		}
	}
	t.Errorf("expected a new connection, got %v", err)
}
