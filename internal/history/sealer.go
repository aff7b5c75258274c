package history

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// SealEvery is how often every replica is to call Sealer.Seal.
const SealEvery = time.Second

const (
	sealBatch       = 1000 // entries of one transaction: while it runs, nobody else writes to SQLite
	sealBatches     = 10   // of one Seal
	checkpointAfter = 1000 // entries
	checkpointEvery = 10 * time.Minute
	closeWithin     = 5 * time.Second
)

// Sealer gives entries their places in the chain soon after they were stored, and signs checkpoints. Nobody waits for it:
// entries are stored as if it were not there.
type Sealer struct {
	Store  SealStore
	Signer *Signer // nil: no checkpoints
	Now    func() time.Time
	Logger *slog.Logger

	sealing sync.Mutex
	done    atomic.Pointer[time.Time] // when all that was there had its place; nil: not yet
	seen    int64                     // the highest sequence that the chain had
	said    bool                      // that it is shorter than it was
}

// Seal seals what has no place yet, at most 10,000 entries. Where nothing is to be done that costs two small queries.
func (s *Sealer) Seal(ctx context.Context) error {
	s.sealing.Lock()
	defer s.sealing.Unlock()
	for range sealBatches {
		began := time.Now()
		sealed, err := s.batch(ctx, false)
		if err == nil && sealed < sealBatch {
			s.done.Store(&began)
		}
		if err != nil || sealed < sealBatch {
			return err
		}
	}
	return nil
}

// Lag is for how long entries may have waited for their place. Clocks that are set do not change it.
func (s *Sealer) Lag() time.Duration {
	if at := s.done.Load(); at != nil {
		return time.Since(*at)
	}
	return 0
}

// Close seals what is left and signs a checkpoint, within 5 seconds. What it does not get done is done after the next start.
func (s *Sealer) Close() error {
	s.sealing.Lock()
	defer s.sealing.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), closeWithin)
	defer cancel()
	for {
		sealed, err := s.batch(ctx, true)
		if err != nil {
			s.Logger.WarnContext(ctx, "the history is sealed at the next start", "error", err)
		}
		if err != nil || sealed < sealBatch {
			return nil
		}
	}
}

// batch seals some entries, and signs a checkpoint when it is time, or when it is the last.
func (s *Sealer) batch(ctx context.Context, last bool) (sealed int, err error) {
	now := s.Now().UTC().Truncate(time.Millisecond)
	// An entry of a clock that is ahead waits: sealed at once, it would make all others look too old.
	sealed, state, err := s.Store.SealHistory(ctx, now.Add(Grace), sealBatch)
	if err != nil {
		return 0, err
	}
	s.look(ctx, state, state.Sequence-int64(sealed))
	if s.Signer != nil && state.NewestAt.After(now.Add(Grace)) {
		return sealBatch, s.setBack(ctx, state, now) // and go on at once
	}
	if !s.due(state, now, last && sealed < sealBatch) {
		return sealed, nil
	}
	c := s.Signer.checkpoint(state.Head, now)
	added, err := s.Store.AddCheckpoint(ctx, c)
	if err == nil && added {
		s.log(ctx, c)
	}
	return sealed, err
}

// log tells of a checkpoint where who changes the store does not reach.
func (s *Sealer) log(ctx context.Context, c Checkpoint) {
	s.Logger.InfoContext(ctx, "history checkpoint", "sequence", c.Sequence, "checkpoint", c.String())
}

// setBack lets the chain go on from the present when what is sealed is of the future: a clock was set back, or that of another
// replica is ahead. Otherwise entries would get no place until that time has come, and look as if they were put in later. It
// is signed, so that nobody else can do so.
func (s *Sealer) setBack(ctx context.Context, state State, now time.Time) error {
	c := s.Signer.checkpoint(state.Head, now)
	done, err := s.Store.SetBack(ctx, c)
	if err == nil && done {
		s.Logger.WarnContext(ctx, "history entries are of the future: a clock was set back, or that of another replica is ahead", "newest", state.NewestAt, "now", now)
		s.log(ctx, c)
	}
	return err
}

func (s *Sealer) due(state State, now time.Time, last bool) bool {
	fresh := state.Sequence - state.Checkpointed
	if s.Signer == nil || fresh <= 0 {
		return false
	}
	return last || fresh >= checkpointAfter || now.Sub(state.CheckpointAt).Abs() >= checkpointEvery
}

// look says once when the chain was shorter than before. Sealing goes on: what comes now is worth as much.
func (s *Sealer) look(ctx context.Context, state State, before int64) {
	s.seen = max(s.seen, state.Checkpointed)
	short := before < s.seen
	if short && !s.said {
		s.Logger.ErrorContext(ctx, "the history is shorter than it was: run portico history verify", "sequence", before, "was", s.seen)
	}
	s.said, s.seen = short, max(s.seen, state.Sequence)
}
