package sts

import (
	"context"
	"errors"
	"time"
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
	KID         string
	State       KeyState
	Sealed      []byte // the private key's seed, encrypted, bound to KID
	Public      []byte // Ed25519, 32 bytes
	CreatedAt   time.Time
	ActivatedAt time.Time // zero: not yet
	RetiredAt   time.Time // zero: not yet
}

// ErrKeysChanged is what SaveKeys answers when another process changed the keys first.
var ErrKeysChanged = errors.New("the signing keys were changed by another process")

// KeyStore keeps the signing keys.
type KeyStore interface {
	// LoadKeys returns every key and the ring's revision, 0 for a ring never saved.
	LoadKeys(ctx context.Context) (keys []KeyRecord, revision int64, err error)
	// SaveKeys replaces the ring if its revision is still base, and makes it base+1; else ErrKeysChanged.
	SaveKeys(ctx context.Context, base int64, keys []KeyRecord) error
}
