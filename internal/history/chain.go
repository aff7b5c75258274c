package history

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/seal"
)

// Grace is how much older than the newest sealed entry one may be that is sealed after it: clocks of replicas differ, and a
// transaction takes its time. What is older is left without a place, and Verify names it.
const Grace = time.Minute

// Hash is a SHA-256: 32 bytes, not text.
type Hash string

// origin is what the first entry is sealed upon.
var origin = Hash(strings.Repeat("\x00", sha256.Size))

// String is in hexadecimal digits.
func (h Hash) String() string { return hex.EncodeToString([]byte(h)) }

// MarshalText is String.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// Record is an entry with all that is stored of it.
type Record struct {
	Entry
	Place      int64  // orders the entries of one millisecond
	Unreadable string // what the store could not read of it; empty: nothing. Only by somebody else's hand.
}

// Link is an entry's place in the chain.
type Link struct {
	Sequence int64 // 1, 2, 3, …
	EntryID  string
	Previous Hash // of the link before
	Hash     Hash
}

// Head is the chain's end, as the store notes it.
type Head struct {
	Sequence int64     // 0: nothing is sealed yet
	Hash     Hash      // empty then
	NewestAt time.Time // when the newest sealed entry was made, since a clock was set back last; zero then
}

// State is the head, and how far checkpoints go.
type State struct {
	Head
	Last         int64     // the highest sequence in the chain; that of the head, unless somebody else changed one of them
	Checkpointed int64     // sequence of the newest checkpoint; 0: there is none
	CheckpointAt time.Time // zero then
}

// Extend gives records the next places in the chain, in their order, and returns the new head.
func Extend(head Head, records []Record) ([]Link, Head) {
	links := make([]Link, 0, len(records))
	for _, r := range records {
		link := Link{Sequence: head.Sequence + 1, EntryID: r.ID, Previous: head.previous()}
		link.Hash = link.Previous.next(link.Sequence, r)
		links = append(links, link)
		head.Sequence, head.Hash = link.Sequence, link.Hash
		if r.CreatedAt.After(head.NewestAt) {
			head.NewestAt = r.CreatedAt
		}
	}
	return links, head
}

// SealableFrom is the time of the oldest entry that is still sealed; zero: any.
func (h Head) SealableFrom() time.Time {
	if h.Sequence == 0 {
		return time.Time{}
	}
	return h.NewestAt.Add(-Grace)
}

func (h Head) previous() Hash {
	if h.Sequence == 0 {
		return origin
	}
	return h.Hash
}

// entryLabel keeps the hash of an entry from being that of anything else, and tells versions of its encoding apart.
const entryLabel = "portico history entry 1"

// next is the hash of an entry that is sealed upon h. Each field is prefixed by its length, so that none runs into the next.
func (h Hash) next(sequence int64, r Record) Hash {
	b := make([]byte, 0, 512+len(r.Metadata))
	b = append(b, h...)
	for _, field := range [...]string{
		entryLabel, strconv.FormatInt(sequence, 10),
		r.ID, strconv.FormatInt(millis(r.CreatedAt), 10), strconv.FormatInt(r.Place, 10), string(r.Action), string(r.EntityType), r.EntityID,
		r.Name, string(r.OrganisationID), string(r.Source), r.Target, r.User, string(r.Metadata),
	} {
		b = binary.BigEndian.AppendUint64(b, uint64(len(field)))
		b = append(b, field...)
	}
	sum := sha256.Sum256(b)
	return Hash(sum[:])
}

// millis is a time as it is stored: milliseconds since 1970, 0 for none.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// SealStore is what a Sealer needs of the store.
type SealStore interface {
	// SealHistory gives the entries that have no place yet theirs, by Extend: those from the head's SealableFrom to until, the
	// oldest first, most at once. It does so in one transaction, and one process at a time. It returns how many those were
	// and the state afterwards.
	SealHistory(ctx context.Context, until time.Time, most int) (sealed int, state State, err error)
	// AddCheckpoint stores a checkpoint, unless there is one for its sequence.
	AddCheckpoint(ctx context.Context, c Checkpoint) (added bool, err error)
	// SetBack stores a checkpoint of the head, in the place of one for the same entry, and makes its time the head's NewestAt:
	// from there the chain goes on. When the head has moved it does nothing.
	SetBack(ctx context.Context, c Checkpoint) (done bool, err error)
}

// KeyStore keeps the keys that sign checkpoints.
type KeyStore interface {
	// HistoryKeys returns them, the newest first.
	HistoryKeys(ctx context.Context) ([]seal.SigningKey, error)
	// AddHistoryKey stores the first key. When there is one it does nothing.
	AddHistoryKey(ctx context.Context, k seal.SigningKey, at time.Time) error
	// ResealHistoryKey puts sealed and sealedBy in the place of what was there when the key was read.
	ResealHistoryKey(ctx context.Context, was seal.SigningKey, sealed []byte, sealedBy string) error
	// ChainState returns the state of the chain, as of one moment.
	ChainState(ctx context.Context) (State, error)
}

// Sealed is a link with its entry.
type Sealed struct {
	Link
	Found  bool // whether the entry is there
	Record Record
}

// Position is where an entry stands in the order of the history. The zero one is before all.
type Position struct {
	CreatedAt time.Time
	Place     int64
	ID        string
}

// Placed tells of an entry whether it has a place in the chain.
type Placed struct {
	Position
	Sealed bool
}

// ChainStore is what Verify reads, page by page: most bounds one, and an empty page is the end.
type ChainStore interface {
	KeyStore
	ReadChain(ctx context.Context, after int64, most int) ([]Sealed, error)
	ReadCheckpoints(ctx context.Context, after int64, most int) ([]Checkpoint, error)
	ReadPlaces(ctx context.Context, after Position, most int) ([]Placed, error)
}

// Exported is an entry with its place in the chain.
type Exported struct {
	Record
	Sequence int64 // 0: not sealed yet
	Hash     Hash  // empty then
}

// ExportStore is what an export reads: the entries that a filter admits, the oldest first.
type ExportStore interface {
	ReadEntries(ctx context.Context, f Filter, after Position, most int) ([]Exported, error)
}
