package core

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// startWaits are the pauses before each attempt to fetch the key set at the start.
var startWaits = [...]time.Duration{0, time.Second, 2 * time.Second, 5 * time.Second}

// refreshPause is how long a failed refresh keeps the next one away: while the issuer is down, every request would
// otherwise ask it again.
const refreshPause = 10 * time.Second

// keyCache holds the issuer's keys. Only their age makes it ask for them: a kid that it does not know is refused, so
// nobody can make it fetch by sending tokens.
type keyCache struct {
	uri          string
	client       http.Client
	refreshAfter time.Duration
	expireAfter  time.Duration
	now          func() time.Time
	wait         func(context.Context, time.Duration) error
	logger       *slog.Logger

	set atomic.Pointer[keySet] // nil until the first fetch

	ctx    context.Context // of the background fetches; ends with close
	cancel context.CancelFunc
	tasks  sync.WaitGroup

	mu         sync.Mutex
	refreshing bool
	again      bool // what is being fetched may be of before refresh was called
	closed     bool
	notBefore  time.Time // no refresh earlier
}

// keySet is one answer of the issuer's. It does not change.
type keySet struct {
	keys      map[string]ed25519.PublicKey
	refreshAt time.Time
	expireAt  time.Time // zero: never
}

var _ keySource = (*keyCache)(nil)

func newKeyCache(c *Config) *keyCache {
	k := &keyCache{
		uri: c.Auth.STS.JWKSURI, client: *c.HTTP, refreshAfter: c.Auth.STS.JWKSRefreshAfter, expireAfter: c.Auth.STS.JWKSExpireAfter,
		now: c.Now, wait: c.Wait, logger: c.Logger,
	}
	// The keys come from where the configuration says, not from where that place points.
	k.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	k.ctx, k.cancel = context.WithCancel(context.Background())
	return k
}

// start fetches the keys for the first time. A key that can't be used ends it at once: another attempt brings the same.
func (k *keyCache) start(ctx context.Context) error {
	var err error
	for attempt, d := range startWaits {
		if err := k.wait(ctx, d); err != nil {
			return fmt.Errorf("core: fetch the key set: %w", err)
		}
		if err = k.fetchInto(ctx); err == nil {
			return nil
		}
		k.logger.WarnContext(ctx, "key set not fetched", "attempt", attempt+1, "error", err)
		if errors.Is(err, errUnusableKey) {
			break
		}
	}
	return fmt.Errorf("core: fetch the key set: %w", err)
}

// key finds the key of a kid in the set at hand. A set that has aged is still used while a new one is fetched, until
// it expires.
func (k *keyCache) key(kid string) (ed25519.PublicKey, bool) {
	set := k.set.Load()
	if set == nil {
		return nil, false
	}
	now := k.now()
	if !now.Before(set.refreshAt) {
		k.refreshBehind(set, now)
	}
	if !set.expireAt.IsZero() && !now.Before(set.expireAt) {
		return nil, false
	}
	key, ok := set.keys[kid]
	return key, ok
}

// refreshBehind fetches in the background what is to replace old, at most one at a time.
func (k *keyCache) refreshBehind(old *keySet, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed || k.refreshing || now.Before(k.notBefore) || k.set.Load() != old {
		return
	}
	k.refreshing = true
	k.tasks.Go(func() {
		err := k.fetchInto(k.ctx)
		k.mu.Lock()
		defer k.mu.Unlock()
		k.refreshing = false
		if k.again {
			k.again = false
			k.markStale()
		}
		if err != nil {
			k.notBefore = k.now().Add(refreshPause)
			k.logger.Warn("key set not refreshed: the keys at hand stay in use until they expire", "error", err)
		}
	})
}

func (k *keyCache) fetchInto(ctx context.Context) error {
	keys, err := fetchKeys(ctx, &k.client, k.uri)
	if err != nil {
		return err
	}
	now := k.now()
	set := &keySet{keys: keys, refreshAt: now.Add(k.refreshAfter)}
	if k.expireAfter > 0 {
		set.expireAt = now.Add(k.expireAfter)
	}
	k.set.Store(set)
	return nil
}

// markStale has the next request fetch the keys anew. The set at hand stays in use: to drop it would lock everybody out
// until the fetch is through, and for as long as the issuer is down.
func (k *keyCache) markStale() {
	if set := k.set.Load(); set != nil {
		stale := *set
		stale.refreshAt = time.Time{}
		k.set.CompareAndSwap(set, &stale)
	}
}

// refresh fetches the keys anew now, not with the next request.
func (k *keyCache) refresh() {
	k.markStale()
	k.mu.Lock()
	k.again, k.notBefore = k.refreshing, time.Time{}
	k.mu.Unlock()
	k.refreshBehind(k.set.Load(), k.now())
}

func (k *keyCache) close() {
	k.mu.Lock()
	k.closed = true
	k.mu.Unlock()
	k.cancel()
	k.tasks.Wait()
}
