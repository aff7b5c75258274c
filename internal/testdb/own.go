package testdb

import (
	"path/filepath"
	"testing"

	"github.com/portico-iam/portico/internal/store"
)

// Server is a PostgreSQL server of a test's own, which it may stop. What it has committed outlives that.
type Server struct {
	t testing.TB
	s *server
}

const durable = "synchronous_commit=on"

// NewServer starts a server that runs until the end of the test.
func NewServer(t testing.TB) *Server {
	t.Helper()
	s, err := startServer(mustFindPostgres(t), durable)
	if err != nil {
		t.Fatalf("start PostgreSQL: %v", err)
	}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
	return &Server{t, s}
}

// Config makes a fresh, empty database.
func (s *Server) Config() store.Config {
	s.t.Helper()
	name, err := s.s.take(s.t.Context())
	if err != nil {
		s.t.Fatalf("make a database: %v", err)
	}
	return store.Config{Driver: store.Postgres, DSN: s.s.dsn(name)}
}

// Socket is where it listens.
func (s *Server) Socket() string { return filepath.Join(s.s.folder, ".s.PGSQL.5432") }

// Stop ends it as a crash does: no connection is told.
func (s *Server) Stop() {
	s.t.Helper()
	if err := s.s.crash(); err != nil {
		s.t.Fatal(err)
	}
}

// Start starts it again.
func (s *Server) Start() {
	s.t.Helper()
	if err := s.s.start(durable); err != nil {
		s.t.Fatalf("start PostgreSQL again: %v", err)
	}
}

// Revive starts it again if it has ended by itself.
func (s *Server) Revive() {
	s.t.Helper()
	select {
	case <-s.s.ended:
		s.Start()
	default:
	}
}
