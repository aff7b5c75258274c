package history

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
)

type tallyStore struct {
	asked atomic.Int32
	err   error
	wait  chan struct{}
	ctx   context.Context
}

func (s *tallyStore) TallyHistory(ctx context.Context, f Filter) ([]Tally, error) {
	s.asked.Add(1)
	s.ctx = ctx
	if s.wait != nil {
		<-s.wait
	}
	return []Tally{{Action: Created, Count: len(f.OrganisationIDs)}}, s.err
}

func TestTalliesAreCountedOnceAMinute(t *testing.T) {
	now := at
	s := &tallyStore{}
	tallies := &Tallies{Store: s, Now: func() time.Time { return now }}
	of := func(f Filter, asked int32) {
		t.Helper()
		got, err := tallies.Of(t.Context(), f)
		if err != nil || len(got) != 1 || got[0].Count != len(f.OrganisationIDs) || s.asked.Load() != asked {
			t.Errorf("got %v, %v, asked %d times, want %d", got, err, s.asked.Load(), asked)
		}
	}
	acme := Filter{OrganisationIDs: []access.OrganisationID{"acme"}}
	of(Filter{}, 1)
	of(Filter{}, 1)
	of(acme, 2)
	now = now.Add(59 * time.Second)
	of(Filter{}, 2)
	now = now.Add(time.Second)
	of(acme, 3)
	if len(tallies.kept) != 1 {
		t.Errorf("%d answers are kept, want 1: what is over is forgotten", len(tallies.kept))
	}
}

func TestTalliesAreCountedByOne(t *testing.T) {
	s := &tallyStore{wait: make(chan struct{})}
	tallies := &Tallies{Store: s, Now: func() time.Time { return at }}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if got, err := tallies.Of(ctx, Filter{}); err != nil || len(got) != 1 {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
	cancel() // who asked leaves, the others are answered
	close(s.wait)
	wg.Wait()
	if s.asked.Load() != 1 {
		t.Errorf("asked %d times", s.asked.Load())
	}
	if deadline, bounded := s.ctx.Deadline(); !bounded || time.Until(deadline) > tallyPatience {
		t.Error("counting may take for ever")
	}
}

func TestAFailedTallyIsNotTriedByEveryPage(t *testing.T) {
	s := &tallyStore{err: errors.New("too much")}
	tallies := &Tallies{Store: s, Now: func() time.Time { return at }}
	for range 3 {
		if _, err := tallies.Of(t.Context(), Filter{}); !errors.Is(err, s.err) {
			t.Errorf("got %v", err)
		}
	}
	if s.asked.Load() != 1 {
		t.Errorf("asked %d times", s.asked.Load())
	}
}
