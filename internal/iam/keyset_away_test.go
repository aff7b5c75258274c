package iam_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/iam"
)

// A server that is away is asked once per interval, also by those who have no keys at all.
func TestNT39_NoKeysCostOneFetchPerInterval(t *testing.T) {
	b := newBench(t)
	b.keys.answer(html(http.StatusServiceUnavailable))
	for interval := range int64(3) {
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if _, err := b.Verify(t.Context(), good(nil)); !fault.Unavailable.Is(err) {
					t.Errorf("expected Unavailable, got %v", err)
				}
			})
		}
		all.Wait()
		if n := b.keys.fetches.Load(); n != interval+1 {
			t.Errorf("interval %d: %d fetches", interval, n)
		}
		b.advance(10 * time.Second)
	}
	if count := len(b.Issuers[0].Keys.IDs()); count != 0 || b.Issuers[0].Keys.Last().Err == nil {
		t.Errorf("%d keys are known", count)
	}
}

// While the server is away the last good keys count to the end of their life, known ids are answered without it, and
// unknown ones are no reason to doubt the rest.
func TestLastGoodKeysWhileTheServerIsAway(t *testing.T) {
	b := newBench(t)
	late := object{"exp": begin.Add(9 * time.Hour).Unix()}
	token, unknown := good(late), sign(header(object{"kid": "zzz"}), claims(late), keys().rsa)
	if _, err := b.Verify(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	fetched, count := b.Issuers[0].Keys.Last().At, len(b.Issuers[0].Keys.IDs())
	b.keys.Close() // not even a connection
	for b.clock.Now().Sub(begin) < time.Hour-time.Minute {
		b.advance(time.Minute)
		if _, err := b.Verify(t.Context(), unknown); !fault.Unauthenticated.Is(err) {
			t.Errorf("after %s, unknown: expected a refusal, got %v", b.clock.Now().Sub(begin), err)
		}
		if _, err := b.Verify(t.Context(), token); err != nil {
			t.Errorf("after %s: %v", b.clock.Now().Sub(begin), err)
		}
		b.Verifier.Close()
	}
	if at, n := b.Issuers[0].Keys.Last().At, len(b.Issuers[0].Keys.IDs()); !at.Equal(fetched) || n != count {
		t.Errorf("failed fetches made the keys younger: %s, %d", at, n)
	}
	b.advance(time.Minute)
	for rule, raw := range map[string]string{"known": token, "unknown": unknown} {
		if _, err := b.Verify(t.Context(), raw); !fault.Unavailable.Is(err) {
			t.Errorf("expired, %s: expected Unavailable, got %v", rule, err)
		}
	}
}

// Where the keys are is not known before discovery: its failure is theirs, and passes as theirs does.
func TestKeysWhosePlaceIsNotKnown(t *testing.T) {
	c, s := newClock(), publish(t, ownKeys())
	k := keySet(t, s, c)
	where := errors.New("discovery failed")
	k.URL = func(context.Context) (string, error) { return "", where }
	if _, err := k.Key(t.Context(), "rsa"); !errors.Is(err, where) || s.fetches.Load() != 0 {
		t.Errorf("got %v after %d fetches", err, s.fetches.Load())
	}
	k.URL = iam.FixedURL(s.URL)
	if _, err := k.Key(t.Context(), "rsa"); err == nil || !strings.Contains(err.Error(), "a moment ago") {
		t.Errorf("within the interval: got %v", err)
	}
	c.advance(10 * time.Second)
	if got := known(t, k, "rsa", "ec"); len(got) != 2 {
		t.Errorf("after it: got %v", got)
	}
}

// Everything at once: rotation, outages, known and unknown ids, while the clock runs. A known key is never lost.
func TestKeySetsUnderConcurrency(t *testing.T) {
	b := newBench(t)
	token := good(object{"exp": begin.Add(9 * time.Hour).Unix()})
	unknown := sign(header(object{"kid": "zzz"}), claims(nil), keys().rsa)
	forged := sign(header(nil), claims(nil), keys().other)
	if _, err := b.Verify(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for worker := range 6 {
		all.Go(func() {
			for i := range 40 {
				switch worker {
				case 0: // at most 40 minutes: less than the keys' life
					b.advance(time.Minute)
				case 1:
					b.keys.answer([]http.HandlerFunc{writes(ownKeys()), html(200), html(503)}[i%3])
				case 2, 3:
					_, unknownErr := b.Verify(t.Context(), unknown)
					_, forgedErr := b.Verify(t.Context(), forged)
					if unknownErr == nil || forgedErr == nil {
						t.Error("a token without a valid signature was accepted")
					}
				default:
					if _, err := b.Verify(t.Context(), token); err != nil {
						t.Error(err)
					}
					b.Issuers[0].Keys.Last()
				}
			}
		})
	}
	all.Wait()
}

// Keys are as old as the question, not as the answer: a server that takes its time must not make withdrawn keys live on.
func TestKeysAreAsOldAsTheQuestion(t *testing.T) {
	b := newBench(t)
	b.keys.answer(func(w http.ResponseWriter, r *http.Request) {
		b.advance(59 * time.Minute)
		writes(ownKeys())(w, r)
	})
	token := good(object{"exp": begin.Add(9 * time.Hour).Unix()})
	if _, err := b.Verify(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	b.keys.answer(html(http.StatusServiceUnavailable))
	b.advance(time.Minute)
	if _, err := b.Verify(t.Context(), token); !fault.Unavailable.Is(err) {
		t.Errorf("an hour after the question: expected Unavailable, got %v", err)
	}
}
