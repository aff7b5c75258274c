package testdb

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/portico-iam/portico/internal/store"
)

func TestMain(m *testing.M) {
	if os.Getenv("PORTICO_TESTDB_CHILD") == "1" {
		orphan()
	}
	Main(m)
}

func TestEachIsFresh(t *testing.T) {
	for range 2 {
		Each(t, func(t *testing.T, db *store.DB) {
			if err := db.Ping(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, revision, err := db.LoadKeys(t.Context()); err != nil || revision != 0 {
				t.Fatalf("expected a fresh database, got revision %d, %v", revision, err)
			}
			if err := db.SaveKeys(t.Context(), 0, nil); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// orphan starts a server, prints its address and waits to be killed.
func orphan() {
	bin, err := findPostgres()
	if err != nil {
		panic(err)
	}
	s, err := startServer(bin)
	if err != nil {
		panic(err)
	}
	os.Stdout.WriteString(s.folder + "\n")
	select {}
}

func TestServerComesBack(t *testing.T) {
	server := NewServer(t)
	db := OpenConfig(t, server.Config())
	if err := db.SaveKeys(t.Context(), 0, nil); err != nil {
		t.Fatal(err)
	}
	server.Stop()
	if err := db.Ping(t.Context()); err == nil {
		t.Error("a stopped server answers")
	}
	server.Start()
	if _, revision, err := db.LoadKeys(t.Context()); err != nil || revision != 1 {
		t.Errorf("expected what was committed, got revision %d, %v", revision, err)
	}
}

func TestServerEndsWithItsBinary(t *testing.T) {
	Config(t, store.Postgres) // skips where there is none
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), "PORTICO_TESTDB_CHILD=1")
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	folder, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	folder = strings.TrimSpace(folder)
	s := &server{folder: folder}
	if err := s.run(t.Context(), "postgres", "SELECT 1"); err != nil {
		t.Fatalf("the child's server does not answer: %v", err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // "signal: killed"
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, s.dsn("postgres"))
		if err != nil {
			break
		}
		conn.Close(ctx)
		if ctx.Err() != nil {
			t.Fatal("the server outlived its binary by 30 seconds")
		}
	}
	for os.RemoveAll(folder) != nil { // its last processes may still be writing
		if ctx.Err() != nil {
			t.Fatalf("%s can't be removed", folder)
		}
	}
}
