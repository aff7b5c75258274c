package iam_test

import (
	"context"
	"crypto"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/iam"
)

// stagedKeys is a key set on a stage.
func stagedKeys(s *stage, c *clock) *iam.KeySet {
	return &iam.KeySet{
		URL: iam.FixedURL(stageURL + "/keys"), HTTP: s.client, RefreshAfter: 5 * time.Minute, ExpireAfter: time.Hour, Now: c.Now, Logger: silent,
	}
}

func TestNT39_SlowKeySetsAreBounded(t *testing.T) {
	set := ownKeys()
	for rule, h := range map[string]http.HandlerFunc{"no answer": silentServer, "half an answer": hangs} {
		synctest.Test(t, func(t *testing.T) {
			c := newClock()
			s := newStage(h)
			defer s.close()
			k := stagedKeys(s, c)
			defer k.Close()
			// Without a bound the bubble would have nobody left to wait for, which fails the test.
			if _, err := k.Key(t.Context(), "rsa"); err == nil {
				t.Errorf("%s: expected an error", rule)
			}
			s.answer(writes(set))
			c.advance(10 * time.Second)
			if _, err := k.Key(t.Context(), "rsa"); err != nil {
				t.Errorf("%s: afterwards: %v", rule, err)
			}
		})
	}
}

// One fetch serves all who wait, and none of them decides for the others how long.
func TestManyWhoNeedKeysCauseOneFetch(t *testing.T) {
	set := ownKeys()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s := newStage(held(release, writes(set)))
		defer s.close()
		k := stagedKeys(s, newClock())
		impatient, giveUp := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { _, _ = k.Key(impatient, "rsa") })
		synctest.Wait()
		for range 50 {
			all.Go(func() {
				if _, err := k.Key(t.Context(), "ec"); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		giveUp()
		synctest.Wait()
		close(release)
		all.Wait()
		if n := s.fetches.Load(); n != 1 {
			t.Errorf("expected one fetch, got %d", n)
		}
	})
}

// Keys that are due are used while the new ones are on their way, however long the server takes.
func TestKeysAreRefreshedInTheBackground(t *testing.T) {
	set, next := ownKeys(), object{"keys": []object{jwk("rsa", "RS256", keys().other.Public()), jwk("new", "EdDSA", keys().ed.Public())}}
	synctest.Test(t, func(t *testing.T) {
		c := newClock()
		s := newStage(writes(set))
		defer s.close()
		k := stagedKeys(s, c)
		old, err := k.Key(t.Context(), "rsa")
		if err != nil {
			t.Fatal(err)
		}
		c.advance(5*time.Minute - 1)
		if _, err := k.Key(t.Context(), "rsa"); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if n := s.fetches.Load(); n != 1 {
			t.Errorf("fresh: %d fetches", n)
		}
		c.advance(1)
		release := make(chan struct{})
		s.answer(held(release, writes(next)))
		for range 20 {
			// Whoever waited for the server would block the bubble for good.
			key, err := k.Key(t.Context(), "rsa")
			if err != nil || !same(key.Key, old.Key) {
				t.Errorf("due: expected the key of before, got %v", err)
			}
		}
		synctest.Wait()
		if n := s.fetches.Load(); n != 2 {
			t.Errorf("expected one refresh, got %d fetches", n)
		}
		close(release)
		k.Close()
		if key, err := k.Key(t.Context(), "rsa"); err != nil || same(key.Key, old.Key) {
			t.Errorf("refreshed: expected the new key, got %v", err)
		}
		if got := known(t, k, "ec", "new"); len(got) != 1 || got[0] != "new" {
			t.Errorf("expected the new set in place of the old one, got %v", got)
		}
	})
}

func same(a, b any) bool { return a.(interface{ Equal(crypto.PublicKey) bool }).Equal(b) }

// A key that the issuer has withdrawn counts no longer once the set was fetched again.
func TestAWithdrawnKeyIsUnknown(t *testing.T) {
	b := newBench(t)
	if _, err := b.Verify(t.Context(), good(nil)); err != nil {
		t.Fatal(err)
	}
	b.keys.serve(object{"keys": []object{jwk("ec", "ES256", keys().p256.Public())}})
	b.advance(5 * time.Minute)
	_, _ = b.Verify(t.Context(), good(nil)) // begins the refresh
	b.Verifier.Close()
	if _, err := b.Verify(t.Context(), good(nil)); !fault.Unauthenticated.Is(err) {
		t.Errorf("expected the token to be refused, got %v", err)
	}
}

// A new key is found at its first token, without waiting for the refresh.
func TestANewKeyIsFoundAtItsFirstToken(t *testing.T) {
	b := newBench(t)
	if _, err := b.Verify(t.Context(), good(nil)); err != nil {
		t.Fatal(err)
	}
	token := sign(header(object{"kid": "next"}), claims(nil), keys().other)
	b.keys.serve(object{"keys": []object{jwk("next", "RS256", keys().other.Public())}})
	b.advance(10*time.Second - 1)
	if _, err := b.Verify(t.Context(), token); !fault.Unauthenticated.Is(err) || b.keys.fetches.Load() != 1 {
		t.Errorf("within the interval: %d fetches, %v", b.keys.fetches.Load(), err)
	}
	b.advance(1)
	if _, err := b.Verify(t.Context(), token); err != nil || b.keys.fetches.Load() != 2 {
		t.Errorf("after it: %d fetches, %v", b.keys.fetches.Load(), err)
	}
	// Also when the set is due: whose key is not in it can't use the old one meanwhile.
	b.keys.serve(ownKeys())
	b.advance(5 * time.Minute)
	if _, err := b.Verify(t.Context(), good(nil)); err != nil || b.keys.fetches.Load() != 3 {
		t.Errorf("due: %d fetches, %v", b.keys.fetches.Load(), err)
	}
}

// TestNT39_BadSignaturesCostOneFetchPerInterval: a key may be replaced under its id, so a signature that fails is looked
// into, but not at every such token.
func TestNT39_BadSignaturesCostOneFetchPerInterval(t *testing.T) {
	b := newBench(t)
	forged := sign(header(nil), claims(nil), keys().other)
	if _, err := b.Verify(t.Context(), good(nil)); err != nil {
		t.Fatal(err)
	}
	for interval := range int64(3) {
		b.advance(10 * time.Second)
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if _, err := b.Verify(t.Context(), forged); !fault.Unauthenticated.Is(err) {
					t.Errorf("expected a refusal, got %v", err)
				}
			})
		}
		all.Wait()
		if n := b.keys.fetches.Load(); n != interval+2 {
			t.Errorf("interval %d: %d fetches", interval, n)
		}
	}
	b.keys.serve(object{"keys": []object{jwk("rsa", "RS256", keys().other.Public())}})
	b.advance(10 * time.Second)
	if _, err := b.Verify(t.Context(), forged); err != nil {
		t.Errorf("replaced under its id: %v", err)
	}
}
