package iam

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/sync/singleflight"
)

// The bounds of a key set.
const (
	refetchInterval = 10 * time.Second // at most one fetch per interval on account of an unknown key
	maxKeySet       = 512 << 10        // bytes
	maxKeys         = 100
	minRSABits      = 2048 // RFC 7518 section 3.3
	maxRSABits      = 4096 // a verification's cost grows with the square; the library reads none larger either
)

var errUnknownKey = errors.New("no key of that id")

// KeySet is the published keys of one issuer.
type KeySet struct {
	URL          func(context.Context) (string, error) // where they are published
	HTTP         *http.Client
	RefreshAfter time.Duration
	ExpireAfter  time.Duration
	Now          func() time.Time
	Logger       *slog.Logger

	mu         sync.Mutex
	keys       map[string]*jose.JSONWebKey // a key that stays as it is stays the same pointer
	fetchedAt  time.Time                   // of the keys
	triedAt    time.Time
	lastErr    error // of the last try
	flight     singleflight.Group
	refreshing atomic.Bool // in the background
	work       sync.WaitGroup
}

// Key returns the key of that id. It fetches when there are no keys yet, when they are too old to be trusted, or, once
// per interval, when the id is unknown. Keys that are only due for a refresh are used meanwhile.
func (k *KeySet) Key(ctx context.Context, kid string) (*jose.JSONWebKey, error) {
	k.mu.Lock()
	key, known := k.keys[kid]
	now := k.Now()
	usable := k.usableAt(now)
	due := now.Sub(k.fetchedAt) >= k.RefreshAfter
	tooSoon := k.tooSoon(now)
	k.mu.Unlock()

	switch {
	case !usable:
		// Too soon may also mean that another caller fetched them since we looked.
		if err := k.refetch(ctx); err != nil && (!errors.Is(err, errTooSoon) || !k.usable()) {
			return nil, err
		}
		return k.cached(kid)
	case known && due:
		if !tooSoon && k.refreshing.CompareAndSwap(false, true) {
			k.refreshInBackground()
		}
		return key, nil
	case known:
		return key, nil
	}
	if err := k.refetch(ctx); err != nil && !errors.Is(err, errTooSoon) {
		k.Logger.WarnContext(ctx, "keys could not be fetched for an unknown key id", "error", err)
	}
	return k.cached(kid)
}

// Replaced fetches again, once per interval, and returns the key if other material now stands under its id: some
// servers change a key without changing its id.
func (k *KeySet) Replaced(ctx context.Context, old *jose.JSONWebKey) (*jose.JSONWebKey, bool) {
	// Too soon may also mean that another caller found the new one since we looked.
	if err := k.refetch(ctx); err != nil && !errors.Is(err, errTooSoon) {
		return nil, false
	}
	now, err := k.cached(old.KeyID)
	if err != nil {
		return nil, false
	}
	return now, !sameMaterial(old, now)
}

func sameMaterial(a, b *jose.JSONWebKey) bool {
	public, ok := a.Key.(interface{ Equal(x crypto.PublicKey) bool })
	return ok && public.Equal(b.Key)
}

// keepSame puts those of the keys in use in the place of their equals, so that whoever remembers a key by its pointer
// learns of its end, and of nothing else.
func keepSame(keys, inUse map[string]*jose.JSONWebKey) {
	for id, key := range keys {
		if old := inUse[id]; old != nil && old.Algorithm == key.Algorithm && sameMaterial(old, key) {
			keys[id] = old
		}
	}
}

// Fetched tells when something was last fetched, and why the last try failed, if it did.
type Fetched struct {
	At  time.Time // zero: never
	Err error
}

// Last tells of the last fetch.
func (k *KeySet) Last() Fetched {
	k.mu.Lock()
	defer k.mu.Unlock()
	return Fetched{k.fetchedAt, k.lastErr}
}

// IDs lists the ids of the keys, sorted.
func (k *KeySet) IDs() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Sorted(maps.Keys(k.keys))
}

// Close waits for a refresh that is under way.
func (k *KeySet) Close() { k.work.Wait() }

func (k *KeySet) usable() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.usableAt(k.Now())
}

func (k *KeySet) usableAt(now time.Time) bool {
	return k.keys != nil && now.Sub(k.fetchedAt) < k.ExpireAfter
}

func (k *KeySet) tooSoon(now time.Time) bool {
	return !k.triedAt.IsZero() && now.Sub(k.triedAt) < refetchInterval
}

// holds tells whether this very key stands in the set.
func (k *KeySet) holds(key *jose.JSONWebKey) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.keys[key.KeyID] == key
}

func (k *KeySet) cached(kid string) (*jose.JSONWebKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	key, ok := k.keys[kid]
	if !ok {
		return nil, errUnknownKey
	}
	return key, nil
}

func (k *KeySet) refreshInBackground() {
	k.work.Go(func() {
		defer k.refreshing.Store(false)
		ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
		defer cancel()
		if err := k.refetch(ctx); err != nil && !errors.Is(err, errTooSoon) {
			k.Logger.Warn("keys could not be refreshed; the last good ones stay in use", "error", err)
		}
	})
}

var errTooSoon = errors.New("fetching the keys was tried a moment ago")

// refetch gets the keys anew, one caller for all, unless that was tried within the interval.
func (k *KeySet) refetch(ctx context.Context) error {
	_, err, _ := k.flight.Do("", func() (any, error) {
		k.mu.Lock()
		now := k.Now()
		if k.tooSoon(now) {
			k.mu.Unlock()
			return nil, errTooSoon
		}
		k.triedAt = now
		k.mu.Unlock()

		// Those who wait share the outcome: it must not hang on the first caller's patience.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
		defer cancel()
		keys, err := k.fetch(ctx)
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.lastErr = err; err == nil {
			keepSame(keys, k.keys)
			k.keys, k.fetchedAt = keys, now
		}
		return nil, err
	})
	return err
}

func (k *KeySet) fetch(ctx context.Context) (map[string]*jose.JSONWebKey, error) {
	url, err := k.URL(ctx)
	if err != nil {
		return nil, err
	}
	body, err := getJSON(ctx, k.HTTP, url, maxKeySet)
	if err != nil {
		return nil, err
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, fmt.Errorf("%s: expected a JWK set: %w", url, err)
	}
	if len(set.Keys) > maxKeys {
		return nil, fmt.Errorf("%s: expected at most %d keys, got %d", url, maxKeys, len(set.Keys))
	}
	keys := make(map[string]*jose.JSONWebKey, len(set.Keys))
	for _, raw := range set.Keys {
		key := &jose.JSONWebKey{}
		if err := key.UnmarshalJSON(raw); err != nil || !usableKey(key) {
			continue // a kind that we don't know must not cost us those that we do
		}
		if _, twice := keys[key.KeyID]; twice {
			return nil, fmt.Errorf("%s: two keys have the id %q", url, key.KeyID)
		}
		keys[key.KeyID] = key
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s: none of the %d keys is an asymmetric signing key with an id", url, len(set.Keys))
	}
	return keys, nil
}

// usableKey tells whether a key may verify signatures: public, asymmetric, strong, with an id.
func usableKey(key *jose.JSONWebKey) bool {
	if key.KeyID == "" || key.Use == "enc" {
		return false
	}
	switch pub := key.Key.(type) {
	case *rsa.PublicKey:
		return pub.N.BitLen() >= minRSABits && pub.N.BitLen() <= maxRSABits
	case *ecdsa.PublicKey, ed25519.PublicKey:
		return true
	}
	return false
}

// fitsKey binds an algorithm to the type of the key, and to the one that the key itself names (RFC 8725 section 3.1).
func fitsKey(alg jose.SignatureAlgorithm, key *jose.JSONWebKey) bool {
	if key.Algorithm != "" && key.Algorithm != string(alg) {
		return false
	}
	switch pub := key.Key.(type) {
	case *rsa.PublicKey:
		return alg[:2] == "RS" || alg[:2] == "PS"
	case *ecdsa.PublicKey:
		return map[jose.SignatureAlgorithm]int{jose.ES256: 256, jose.ES384: 384, jose.ES512: 521}[alg] == pub.Curve.Params().BitSize
	case ed25519.PublicKey:
		return alg == jose.EdDSA
	}
	return false
}

// FixedURL is the URL of a key set whose place is configured rather than discovered.
func FixedURL(url string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return url, nil }
}
