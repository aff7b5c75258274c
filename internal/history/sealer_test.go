package history

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// chained is a store in which so many entries wait for their places.
type chained struct {
	waiting     int
	state       State
	checkpoints []Checkpoint
	until       time.Time
	err         error
}

func (c *chained) SealHistory(_ context.Context, until time.Time, most int) (int, State, error) {
	n := min(c.waiting, most)
	c.waiting, c.until = c.waiting-n, until
	c.state.Sequence, c.state.Hash = c.state.Sequence+int64(n), origin
	return n, c.state, c.err
}

func (c *chained) AddCheckpoint(_ context.Context, added Checkpoint) (bool, error) {
	if c.state.Checkpointed == added.Sequence {
		return false, nil
	}
	c.checkpoints = append(c.checkpoints, added)
	c.state.Checkpointed, c.state.CheckpointAt = added.Sequence, added.At
	return true, nil
}

func (c *chained) SetBack(_ context.Context, added Checkpoint) (bool, error) {
	c.checkpoints = append(c.checkpoints, added)
	c.state.Checkpointed, c.state.CheckpointAt, c.state.NewestAt = added.Sequence, added.At, added.At
	return true, nil
}

func sealer(store SealStore, signs bool) (*Sealer, *bytes.Buffer) {
	log := &bytes.Buffer{}
	s := &Sealer{Store: store, Now: func() time.Time { return at }, Logger: slog.New(slog.NewTextHandler(log, nil))}
	if signs {
		s.Signer = &Signer{kid: strings.Repeat("k", 43), private: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))}
	}
	return s, log
}

func TestCheckpointsAreSignedWhenItIsTime(t *testing.T) {
	store := &chained{}
	s, log := sealer(store, true)
	now := at
	s.Now = func() time.Time { return now }
	run := func(what string, waiting int, want ...int64) {
		t.Helper()
		store.waiting, store.checkpoints = waiting, nil
		if err := s.Seal(t.Context()); err != nil {
			t.Fatal(err)
		}
		var got []int64
		for _, c := range store.checkpoints {
			got = append(got, c.Sequence)
		}
		if len(got) != len(want) || len(got) > 0 && got[0] != want[0] {
			t.Errorf("%s: expected checkpoints at %v, got %v", what, want, got)
		}
	}
	run("nothing", 0)
	run("the first", 1, 1)
	run("a few more", 998)
	run("not yet a thousand", 1)
	if want := at.UTC().Truncate(time.Millisecond).Add(Grace); !store.until.Equal(want) {
		t.Errorf("expected entries until %s, got %s", want, store.until)
	}
	now = at.Add(checkpointEvery)
	run("ten minutes later", 0, 1000)
	run("the same", 0)
	now = now.Add(checkpointEvery)
	run("ten more, and nothing new", 0)
	now = at
	run("a clock that was set back", 1, 1001)
	if n := len(FindCheckpoints(log.Bytes())); n != 3 {
		t.Errorf("expected every checkpoint in the log, got %d: %s", n, log)
	}
}

func TestWithoutAKeyTheHistoryIsSealedAllTheSame(t *testing.T) {
	store := &chained{waiting: 12_345}
	s, _ := sealer(store, false)
	if err := errors.Join(s.Seal(t.Context()), s.Close()); err != nil || store.waiting != 0 || len(store.checkpoints) != 0 {
		t.Errorf("got %v, %+v", err, store)
	}
}

// TestAStoreThatIsAwayAtTheEnd keeps nobody from ending.
func TestAStoreThatIsAwayAtTheEnd(t *testing.T) {
	store := &chained{err: errors.New("the store is away")}
	s, log := sealer(store, true)
	if err := s.Close(); err != nil || !strings.Contains(log.String(), "the store is away") {
		t.Errorf("got %v, %s", err, log)
	}
	if err := s.Seal(t.Context()); err == nil {
		t.Error("while it runs it is said")
	}
}

func TestAChainThatGetsShorterIsSaidOnce(t *testing.T) {
	store := &chained{waiting: 10}
	s, log := sealer(store, true)
	for _, sequence := range []int64{-1, 7, 7, 7} {
		if sequence >= 0 {
			store.state.Sequence = sequence
		}
		if err := s.Seal(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(log.String(), "level=ERROR"); n != 1 {
		t.Errorf("said %d times: %s", n, log)
	}
}

func TestTheLagOfTheSeal(t *testing.T) {
	s, _ := sealer(&chained{}, false)
	if s.Lag() != 0 {
		t.Error("nothing was sealed yet, and nothing waits that is known")
	}
	began := time.Now()
	if err := s.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	if lag := s.Lag(); lag <= 0 || lag > time.Since(began) {
		t.Errorf("got %s", lag)
	}
}
