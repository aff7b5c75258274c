package store_test

import (
	"context"
	"database/sql"
	"sync"
	"testing"

	"github.com/portico-iam/portico/internal/store"
)

// seen notes what is observed of statements.
type seen struct {
	mu    sync.Mutex
	names map[string]int
	fails int
}

func (s *seen) observe(ctx context.Context, name string) (context.Context, func(failed, away bool)) {
	return ctx, func(failed, _ bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.names[name]++
		if failed {
			s.fails++
		}
	}
}

func TestStatementsAreObserved(t *testing.T) {
	eachConfig(t, func(t *testing.T, cfg store.Config) {
		s := &seen{names: map[string]int{}}
		cfg.Observe = s.observe
		db, err := store.Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.ModelVersion(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, _, err := db.GetHistory(t.Context(), "00000000-0000-4000-8000-000000000000"); err != nil {
			t.Fatal(err)
		}
		canceled, cancel := context.WithCancel(t.Context())
		cancel()
		_, _ = db.ModelVersion(canceled) // who hung up is no failure
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.names["SELECT model"] == 0 || s.names["SELECT history"] == 0 || s.fails > 0 {
			t.Errorf("%d failures; got %v", s.fails, s.names)
		}
		if len(s.names) > 60 { // each is a label
			t.Errorf("%d names: %v", len(s.names), s.names)
		}
		pools := 0
		db.Pools(func(_ string, stats func() sql.DBStats) {
			pools++
			if stats().OpenConnections < 0 {
				t.Error("a pool has less than no connections")
			}
		})
		if pools == 0 {
			t.Error("there is no pool")
		}
	})
}
