package sts

import (
	"context"
	"errors"
	"time"

	"github.com/portico-iam/portico/internal/history"
)

// KeyState is where a signing key is in its life.
type KeyState string

// The states. Next and active keys are published, retired ones until their last token has died.
const (
	KeyNext    KeyState = "next"    // published, not yet signing: verifiers learn it beforehand
	KeyActive  KeyState = "active"  // signs; exactly one
	KeyRetired KeyState = "retired" // no longer signs
)

// KeyRecord is a signing key as it is stored.
type KeyRecord struct {
	KID       string
	State     KeyState
	Sealed    []byte // the private key's seed, encrypted, bound to KID
	SealedBy  string // names the key-encryption key; that of the active key is the one that everything is sealed by
	Public    []byte // Ed25519, 32 bytes
	CreatedAt time.Time
	// PublishedFrom is since when verifiers can learn it without a pause.
	PublishedFrom time.Time
	ActivatesAt   time.Time // when it begins, or began, to sign; zero: not planned yet
	RetiredAt     time.Time // zero: not yet
	UsedAt        time.Time // the last signature, to within a minute; zero: none
}

// Fetch is who fetched the published keys, and which those were.
type Fetch struct {
	Verifier string // the declared name that it gave; empty for others
	Address  string // of the client; empty within this process
	Agent    string // its User-Agent
	At       time.Time
	KIDs     []string
}

// ErrKeysChanged is what SaveKeys answers when another process changed the keys first.
var ErrKeysChanged = errors.New("the signing keys were changed by another process")

// KeyStore keeps the signing keys, and who fetched them.
type KeyStore interface {
	// KeyRevision returns the ring's revision, 0 for a ring never saved, and when NoteAlive was called last.
	KeyRevision(ctx context.Context) (revision int64, aliveAt time.Time, err error)
	// NoteAlive stores until when the keys are published.
	NoteAlive(ctx context.Context, at time.Time) error
	// LoadKeys returns every key and the ring's revision.
	LoadKeys(ctx context.Context) (keys []KeyRecord, revision int64, err error)
	// SaveKeys replaces the ring if its revision is still base, and makes it base+1; else ErrKeysChanged. When a key was
	// used is kept as NoteKeyUse left it.
	SaveKeys(ctx context.Context, base int64, keys []KeyRecord, entries ...history.Entry) error
	// NoteKeyUse stores when a key signed last; of several replicas the latest counts.
	NoteKeyUse(ctx context.Context, kid string, at time.Time) error

	// NoteFetches stores fetches, the latest of each verifier, address and agent. It forgets those before since, and the
	// oldest beyond most, of the named and of the others each.
	NoteFetches(ctx context.Context, fetches []Fetch, since time.Time, most int) error
	// Fetches lists them, latest first.
	Fetches(ctx context.Context) ([]Fetch, error)
}
