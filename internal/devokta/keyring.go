package devokta

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/portico-iam/portico/internal/devokta/management"
	"github.com/portico-iam/portico/internal/devokta/world"
)

// keyrings are the signing keys of every authorization server, made when a server is first heard of. It owns the goroutines
// that generate keys.
type keyrings struct {
	now     func() time.Time
	random  *random
	changed func() // called without the lock after a key was made

	mu    sync.Mutex
	rings map[string]*keyring
	wg    sync.WaitGroup
}

// hiddenRing has the key of the org authorization server's access tokens, which no key set lists.
const hiddenRing = "org access tokens"

func newKeyrings(now func() time.Time, random *random, changed func()) *keyrings {
	return &keyrings{now: now, random: random, changed: changed, rings: map[string]*keyring{}}
}

// of is the key ring of a server.
func (k *keyrings) of(id string) *keyring {
	k.mu.Lock()
	defer k.mu.Unlock()
	ring, ok := k.rings[id]
	if !ok {
		ring = &keyring{owner: k}
		k.rings[id] = ring
	}
	ring.fill()
	return ring
}

func (k *keyrings) forget(id string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.rings, id)
}

func (k *keyrings) close() { k.wg.Wait() }

// all copies the rings for the state file.
func (k *keyrings) all() map[string][]*signingKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	out := map[string][]*signingKey{}
	for id, ring := range k.rings {
		out[id] = ring.published()
	}
	return out
}

func (k *keyrings) restore(saved map[string][]savedKey) error {
	for id, list := range saved {
		keys, err := readKeys(list)
		if err != nil {
			return fmt.Errorf("keys of %s: %w", id, err)
		}
		k.rings[id] = &keyring{owner: k, keys: keys}
	}
	return nil
}

// newKey starts making the RSA key and returns at once.
func (k *keyrings) newKey(status string) *signingKey {
	key := &signingKey{kid: k.random.token(), status: status, created: k.now(), made: &madeKey{}}
	k.wg.Go(func() {
		_, _ = key.key()
		k.changed()
	})
	return key
}

// keyring is one server's keys: ACTIVE, NEXT and perhaps EXPIRED, all published.
type keyring struct {
	owner   *keyrings
	mu      sync.Mutex
	keys    []*signingKey
	useNext bool
}

// fill makes what is missing of ACTIVE and NEXT.
func (k *keyring) fill() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, status := range []string{keyActive, keyNext} {
		if k.find(status) == nil {
			k.keys = append(slices.Clone(k.keys), k.owner.newKey(status))
		}
	}
}

// find needs the lock.
func (k *keyring) find(status string) *signingKey {
	for _, key := range k.keys {
		if key.status == status {
			return key
		}
	}
	return nil
}

// published lists all, in an order that means nothing.
func (k *keyring) published() []*signingKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	keys := slices.Clone(k.keys)
	slices.SortFunc(keys, func(a, b *signingKey) int { return cmp.Compare(a.kid, b.kid) })
	return keys
}

// signing is the key that signs now.
func (k *keyring) signing() *signingKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.useNext {
		return k.find(keyNext)
	}
	return k.find(keyActive)
}

func (k *keyring) byID(kid string) *signingKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, key := range k.keys {
		if key.kid == kid {
			return key
		}
	}
	return nil
}

// rotate: ACTIVE becomes EXPIRED, NEXT becomes ACTIVE and signs at once, a new NEXT is made. One EXPIRED key stays
// published, so that tokens it signed can still be checked.
func (k *keyring) rotate() {
	k.mu.Lock()
	rotated := make([]*signingKey, 0, 3)
	for _, key := range k.keys {
		next := *key // readers may hold the old value
		switch key.status {
		case keyExpired:
			continue
		case keyActive:
			next.status = keyExpired
		case keyNext:
			next.status = keyActive
		}
		rotated = append(rotated, &next)
	}
	k.keys = rotated
	k.mu.Unlock()
	k.fill()
}

func (k *keyring) forgetExpired() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys = slices.DeleteFunc(slices.Clone(k.keys), func(key *signingKey) bool { return key.status == keyExpired })
}

// vanish forgets every key: tokens that are about have a kid that nobody knows.
func (k *keyring) vanish() {
	k.mu.Lock()
	k.keys = nil
	k.mu.Unlock()
	k.fill()
}

// apiKeys shows the key rings to the Management API.
type apiKeys struct{ rings *keyrings }

var _ management.Keys = apiKeys{}

func (a apiKeys) Rotate(id string) error { a.rings.of(id).rotate(); return nil }

// Signing has a kid at once, also while the key itself is being made.
func (a apiKeys) Signing(id string) string { return a.rings.of(id).signing().kid }
func (a apiKeys) Forget(id string)         { a.rings.forget(id) }

// List has the signing key first. A key that is still being made is waited for.
func (a apiKeys) List(id string) []management.Key {
	keys := a.rings.of(id).published()
	order := []string{keyActive, keyNext, keyExpired}
	slices.SortStableFunc(keys, func(x, y *signingKey) int {
		return cmp.Compare(slices.Index(order, x.status), slices.Index(order, y.status))
	})
	out := make([]management.Key, 0, len(keys))
	for _, key := range keys {
		shown := management.Key{
			Alg: "RS256", Kty: "RSA", Use: "sig", Kid: key.kid, Status: key.status, Created: world.At(key.created), LastUpdated: world.At(key.created),
			Expires: world.At(key.created.Add(world.RotationEvery)),
		}
		if public, err := publicOf(key); err == nil {
			shown.E, shown.N = public.E, public.N
		}
		out = append(out, shown)
	}
	return out
}
