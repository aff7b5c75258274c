package history

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/portico-iam/portico/internal/seal"
)

// Verification is how Verify is to look.
type Verification struct {
	Store    ChainStore
	Box      *seal.Box            // of the keys that sign checkpoints
	External []Checkpoint         // from elsewhere, such as the log
	Progress func(done, of int64) // now and then; nil: nobody wants to know. An entry counts twice: as sealed, and as stored.
}

// Kind is what is wrong with a record.
type Kind string

// The kinds.
const (
	Changed    Kind = "changed"    // the entry is not the one that was sealed
	Missing    Kind = "missing"    // the entry is gone
	Gap        Kind = "gap"        // a sequence number is gone
	Previous   Kind = "previous"   // it is not sealed upon the one before
	Backdated  Kind = "backdated"  // it was sealed long after entries that are newer
	Unplaced   Kind = "unplaced"   // it was never sealed, though newer ones were
	Refuted    Kind = "checkpoint" // a checkpoint does not hold, or the chain is not the one that it tells of
	Cut        Kind = "cut"        // the end is gone
	EndChanged Kind = "head"       // what the store notes of the chain's end is not so
)

// Finding is the first broken record.
type Finding struct {
	Kind      Kind      `json:"kind"`
	Sequence  int64     `json:"sequence,omitempty"` // 0: it has none
	ID        string    `json:"id,omitempty"`
	CreatedAt time.Time `json:"createdDate,omitzero"` // of the entry; zero where it is gone
	Detail    string    `json:"detail"`               // what was expected, what came
}

// Report is what Verify found.
type Report struct {
	Sealed      int64       `json:"sealed"` // entries that are as they were sealed
	NewestAt    time.Time   `json:"newestDate,omitzero"`
	Checkpoints int         `json:"checkpoints"`          // that hold
	Checkpoint  *Checkpoint `json:"checkpoint,omitempty"` // the last of them
	External    int         `json:"external"`             // of those from elsewhere
	Unsealed    int64       `json:"unsealed"`             // entries that wait for their place
	OldestAt    time.Time   `json:"oldestUnsealedDate,omitzero"`
	Broken      *Finding    `json:"broken,omitempty"` // nil: nothing
}

const verifyPage = 1000

// verifier is a Verify under way.
type verifier struct {
	Verification
	report      Report
	state       State // when it began
	public      map[string]ed25519.PublicKey
	refused     map[string]error
	last        Sealed // the last one that is fine
	checkpoints []Checkpoint
	read        int64 // sequence of the last checkpoint that was read
	external    []Checkpoint
	done        int64
	newest      time.Time // when the newest entry was made, since a clock was set back last
}

// Verify computes the chain anew and compares it with the store's and with every checkpoint. It stops at the first broken
// record. Entries that are stored and sealed meanwhile are left for the next time. Memory is bounded, whatever the size.
func Verify(ctx context.Context, how Verification) (Report, error) {
	v := &verifier{Verification: how, read: math.MinInt64}
	// First, since what is sealed after it goes on from there.
	var err error
	if v.state, err = v.Store.ChainState(ctx); err != nil {
		return Report{}, err
	}
	keys, err := v.Store.HistoryKeys(ctx)
	if err != nil {
		return Report{}, err
	}
	v.public, v.refused = publicKeys(keys, v.Box)
	v.external = slices.Clone(v.External)
	slices.SortStableFunc(v.external, func(a, b Checkpoint) int { return cmp.Compare(a.Sequence, b.Sequence) })
	for _, step := range []func(context.Context) (*Finding, error){v.chain, v.end, v.places} {
		if v.report.Broken, err = step(ctx); err != nil || v.report.Broken != nil {
			break
		}
	}
	return v.report, err
}

// chain goes through the links, and the checkpoints on the way.
func (v *verifier) chain(ctx context.Context) (*Finding, error) {
	after := int64(math.MinInt64) // what stands before the first one would have a place, and no hash
	for v.last.Sequence < v.state.Last {
		page, err := v.Store.ReadChain(ctx, after, verifyPage)
		if err != nil {
			return nil, err
		}
		if len(page) == 0 {
			return nil, fmt.Errorf("the history was cut while it was read, at entry %d of %d", v.last.Sequence, v.state.Last)
		}
		for _, s := range page {
			if s.Sequence > v.state.Last {
				break
			}
			if f := v.link(s); f != nil {
				return f, nil
			}
			v.newest = latest(v.newest, s.Record.CreatedAt)
			v.report.NewestAt = latest(v.report.NewestAt, s.Record.CreatedAt)
			if f, err := v.passed(ctx, s.Link); f != nil || err != nil {
				return f, err
			}
			v.last, after = s, s.Sequence
			v.done++
			v.report.Sealed = s.Sequence
		}
		v.progress()
	}
	return nil, nil
}

func (v *verifier) progress() {
	if v.Progress != nil {
		v.Progress(v.done, 2*v.state.Last)
	}
}

// link judges one link and its entry.
func (v *verifier) link(s Sealed) *Finding {
	previous := Head{Sequence: v.last.Sequence, Hash: v.last.Hash}.previous()
	switch finding := (&Finding{Sequence: s.Sequence, ID: s.EntryID, CreatedAt: s.Record.CreatedAt}); {
	case s.Sequence != v.last.Sequence+1:
		return &Finding{
			Kind: Gap, Sequence: v.last.Sequence + 1,
			Detail: fmt.Sprintf("expected the entry of sequence %d after that of %s, found %d: what was there is gone from the chain", v.last.Sequence+1, made(v.last.Record), s.Sequence),
		}
	case !s.Found:
		return finding.of(Missing, "expected the entry that was sealed after that of %s, found none: it was deleted", made(v.last.Record))
	case s.Record.Unreadable != "":
		return finding.of(Changed, "%s", s.Record.Unreadable)
	case s.Previous != previous && s.Previous.next(s.Sequence, s.Record) == s.Hash && v.last.Sequence > 0:
		// This one is as it was sealed, so the one before was changed together with its hash.
		v.report.Sealed = v.since() - 1
		return &Finding{
			Kind: Changed, Sequence: v.last.Sequence, ID: v.last.EntryID, CreatedAt: v.last.Record.CreatedAt,
			Detail: fmt.Sprintf("entry %d was sealed upon the hash %s, and this one has %s: it was changed, and its hash with it; those before it since entry %d may have been, too", s.Sequence, s.Previous, previous, v.since()),
		}
	case s.Previous != previous:
		return finding.of(Previous, "expected it to be sealed upon the hash %s, found %s: its link was changed", previous, s.Previous)
	case previous.next(s.Sequence, s.Record) != s.Hash:
		return finding.of(Changed, "expected the hash %s of what it says now, found %s: it was changed after it was sealed, or its hash was", previous.next(s.Sequence, s.Record), s.Hash)
	case s.Record.CreatedAt.Before(v.newest.Add(-Grace)) && v.last.Sequence > 0:
		return finding.of(Backdated, "expected it to be made at %s or later, as those sealed before it were: it was put in later", stamp(v.newest.Add(-Grace)))
	}
	return nil
}

func (f *Finding) of(kind Kind, detail string, args ...any) *Finding {
	f.Kind, f.Detail = kind, fmt.Sprintf(detail, args...)
	return f
}

// passed judges the checkpoints up to a link that is fine.
func (v *verifier) passed(ctx context.Context, l Link) (*Finding, error) {
	for {
		c, found, err := v.nextCheckpoint(ctx)
		if err != nil || !found || c.Sequence > l.Sequence {
			return v.passedExternal(l), err
		}
		v.checkpoints = v.checkpoints[1:]
		if f := v.holds(c, l, "a checkpoint in the store"); f != nil {
			return f, nil
		}
		v.report.Checkpoints++
		v.report.Checkpoint = &c
		if c.At.Before(v.newest.Add(-Grace)) { // Sealer.setBack
			v.newest = c.At
		}
	}
}

func (v *verifier) passedExternal(l Link) *Finding {
	for len(v.external) > 0 && v.external[0].Sequence <= l.Sequence {
		c := v.external[0]
		v.external = v.external[1:]
		if f := v.holds(c, l, "the checkpoint given"); f != nil {
			return f
		}
		v.report.External++
	}
	return nil
}

// nextCheckpoint looks at the next one of the store.
func (v *verifier) nextCheckpoint(ctx context.Context) (c Checkpoint, found bool, err error) {
	if len(v.checkpoints) == 0 && v.read < math.MaxInt64 {
		if v.checkpoints, err = v.Store.ReadCheckpoints(ctx, v.read, verifyPage); err != nil {
			return c, false, err
		}
		v.read = math.MaxInt64
		if n := len(v.checkpoints); n == verifyPage {
			v.read = v.checkpoints[n-1].Sequence
		}
	}
	if len(v.checkpoints) == 0 {
		return c, false, nil
	}
	return v.checkpoints[0], true, nil
}

// holds judges a checkpoint by the link that it tells of.
func (v *verifier) holds(c Checkpoint, l Link, what string) *Finding {
	if f := v.signed(c, what); f != nil {
		return f
	}
	if c.Sequence == l.Sequence && c.Hash == l.Hash {
		return nil
	}
	since := min(v.since(), c.Sequence)
	v.report.Sealed = since - 1
	return &Finding{
		Kind: Refuted, Sequence: since,
		Detail: fmt.Sprintf("%s, signed at %s, says that entry %d has the hash %s, and it has %s: entries from %d to %d were changed, and all their hashes with them", what, stamp(c.At), c.Sequence, c.Hash, l.Hash, since, c.Sequence),
	}
}

// since is the first entry that no checkpoint vouches for yet.
func (v *verifier) since() int64 {
	if v.report.Checkpoint == nil {
		return 1
	}
	return v.report.Checkpoint.Sequence + 1
}

// signed judges a checkpoint by itself.
func (v *verifier) signed(c Checkpoint, what string) *Finding {
	f := &Finding{Kind: Refuted, Sequence: c.Sequence}
	public, known := v.public[c.KID]
	switch {
	case !known && v.refused[c.KID] != nil:
		return f.of(Refuted, "%s, for entry %d, is signed by key %.50q, which can't be opened: %v", what, c.Sequence, c.KID, v.refused[c.KID])
	case !known:
		return f.of(Refuted, "%s, for entry %d, is signed by key %.50q, which is not in the store: the checkpoint was changed, or the key is gone", what, c.Sequence, c.KID)
	case !c.by(public):
		return f.of(Refuted, "%s, for entry %d, has a signature that is not of this checkpoint: it was changed", what, c.Sequence)
	}
	return nil
}

// end sees that nothing was cut off.
func (v *verifier) end(ctx context.Context) (*Finding, error) {
	for {
		c, found, err := v.nextCheckpoint(ctx)
		if err != nil {
			return nil, err
		}
		if !found || c.Sequence > v.state.Checkpointed { // signed since we began
			break
		}
		v.checkpoints = v.checkpoints[1:]
		if f := v.beyond(c, "a checkpoint in the store"); f != nil {
			return f, nil
		}
	}
	for _, c := range v.external {
		if f := v.beyond(c, "the checkpoint given"); f != nil {
			return f, nil
		}
	}
	head := v.state.Head
	switch f := (&Finding{Sequence: v.last.Sequence, ID: v.last.EntryID, CreatedAt: v.last.Record.CreatedAt}); {
	case head.Sequence > v.state.Last:
		return &Finding{
			Kind: Cut, Sequence: v.state.Last + 1,
			Detail: fmt.Sprintf("expected %d entries, as the store notes, found %d: the end was cut off", head.Sequence, v.state.Last),
		}, nil
	case head.Sequence != v.state.Last, head.Sequence > 0 && head.Hash != v.last.Hash, !head.NewestAt.Equal(v.newest):
		return f.of(EndChanged, "expected the store to note entry %d with the hash %s and the newest time %s as the end, found %d, %s and %s: the note was changed",
			v.last.Sequence, v.last.Hash, stamp(v.newest), head.Sequence, head.Hash, stamp(head.NewestAt)), nil
	}
	return nil, nil
}

// beyond judges a checkpoint for an entry after the last.
func (v *verifier) beyond(c Checkpoint, what string) *Finding {
	if f := v.signed(c, what); f != nil {
		return f
	}
	return &Finding{
		Kind: Cut, Sequence: v.state.Last + 1,
		Detail: fmt.Sprintf("%s, signed at %s, says that there are %d entries, found %d: the end was cut off, or this is an older copy", what, stamp(c.At), c.Sequence, v.state.Last),
	}
}

// places looks for entries without a place.
func (v *verifier) places(ctx context.Context) (*Finding, error) {
	from := v.state.SealableFrom()
	for after := (Position{}); ; {
		page, err := v.Store.ReadPlaces(ctx, after, verifyPage)
		if err != nil {
			return nil, err
		}
		for _, p := range page {
			switch {
			case p.Sealed:
			case p.CreatedAt.Before(from):
				return &Finding{
					Kind: Unplaced, ID: p.ID, CreatedAt: p.CreatedAt,
					Detail: fmt.Sprintf("expected an entry made before %s to be sealed: it was put in later", stamp(from)),
				}, nil
			default:
				if v.report.Unsealed++; v.report.Unsealed == 1 {
					v.report.OldestAt = p.CreatedAt
				}
			}
		}
		v.done += int64(len(page))
		v.progress()
		if len(page) < verifyPage {
			return nil, nil
		}
		after = page[len(page)-1].Position
	}
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func made(r Record) string {
	if r.ID == "" {
		return "the beginning"
	}
	return stamp(r.CreatedAt)
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "none"
	}
	return t.UTC().Format(wholeMillis)
}
