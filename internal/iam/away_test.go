package iam_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/fault"
)

// TestNT39_UnknownKeysCostOneFetchPerInterval however many tokens name them.
func TestNT39_UnknownKeysCostOneFetchPerInterval(t *testing.T) {
	b := newBench(t)
	if _, err := b.Verify(t.Context(), good(nil)); err != nil {
		t.Fatal(err)
	}
	b.advance(11 * time.Second)
	before := b.keys.fetches.Load()
	unknown := sign(header(object{"kid": "zzz"}), claims(nil), keys().rsa)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { _, _ = b.Verify(t.Context(), unknown) })
	}
	all.Wait()
	if n := b.keys.fetches.Load() - before; n != 1 {
		t.Errorf("expected one fetch, got %d", n)
	}
}

// TestKeysWhileTheIssuerIsAway: the last good ones count until they expire, and then none.
func TestKeysWhileTheIssuerIsAway(t *testing.T) {
	b := newBench(t)
	token := good(object{"exp": begin.Add(3 * time.Hour).Unix()})
	if _, err := b.Verify(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	b.keys.answer(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "", http.StatusServiceUnavailable) })
	b.advance(30 * time.Minute)
	if _, err := b.Verify(t.Context(), token); err != nil {
		t.Errorf("due for a refresh, but good: %v", err)
	}
	b.Verifier.Close() // the refresh in the background has failed by now
	b.advance(31 * time.Minute)
	if _, err := b.Verify(t.Context(), token); !fault.Unavailable.Is(err) {
		t.Errorf("expired keys: expected Unavailable, got %v", err)
	}
}

// TestNT39_BadKeySets let no token through; afterwards a good one counts.
func TestNT39_BadKeySets(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"an error":  func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "", http.StatusInternalServerError) },
		"not JSON":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"no keys":   func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"keys":[]}`)) },
		"too large": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 600<<10)) },
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://evil.test/", http.StatusFound)
		},
	} {
		b := newBench(t)
		b.keys.answer(answer)
		if _, err := b.Verify(t.Context(), good(nil)); err == nil {
			t.Errorf("%s: expected a refusal", name)
		}
		b.keys.serve(ownKeys())
		b.advance(11 * time.Second)
		if _, err := b.Verify(t.Context(), good(nil)); err != nil {
			t.Errorf("%s: afterwards expected the token to count, got %v", name, err)
		}
	}
}
