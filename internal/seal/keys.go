package seal

import (
	"encoding/hex"
	"sync/atomic"
)

// Keys are the root keys at hand. One seals and every one opens, so that a root key can be replaced while Portico runs.
type Keys struct {
	all     []Key
	sealing atomic.Int32
}

// NewKeys makes the first key the one that seals.
func NewKeys(first Key, others ...Key) *Keys {
	k := &Keys{}
	for _, key := range append([]Key{first}, others...) {
		if k.index(key.ID()) < 0 {
			k.all = append(k.all, key)
		}
	}
	return k
}

// ID names a root key and tells nothing of it: it comes from HKDF under a purpose of its own (RFC 5869 section 3.2).
func (k Key) ID() string { return hex.EncodeToString(k.Derive("key id")[:6]) }

// Sealing is the key that seals.
func (k *Keys) Sealing() Key { return k.all[k.sealing.Load()] }

// Use makes a key at hand the one that seals, for every box. It returns false for one that is not at hand.
func (k *Keys) Use(id string) bool {
	i := k.index(id)
	if i < 0 {
		return false
	}
	k.sealing.Store(int32(i))
	return true
}

func (k *Keys) index(id string) int {
	for i := range k.all {
		if k.all[i].ID() == id {
			return i
		}
	}
	return -1
}

// Find returns a key at hand.
func (k *Keys) Find(id string) (Key, bool) {
	if i := k.index(id); i >= 0 {
		return k.all[i], true
	}
	return Key{}, false
}

// IDs names the keys at hand.
func (k *Keys) IDs() (ids []string) {
	for _, key := range k.all {
		ids = append(ids, key.ID())
	}
	return ids
}

// Box returns the box of a purpose, e.g. "signing key".
func (k *Keys) Box(purpose string) *Box {
	b := &Box{keys: k}
	for _, key := range k.all {
		b.aeads = append(b.aeads, key.aead(purpose))
	}
	return b
}

// With returns the keys with a newer one, which does not seal yet.
func (k *Keys) With(newest Key) *Keys {
	sealing := k.Sealing().ID()
	with := NewKeys(newest, k.all...)
	with.Use(sealing)
	return with
}

// Newest is the key that is meant to seal: the one that was given first.
func (k *Keys) Newest() Key { return k.all[0] }
