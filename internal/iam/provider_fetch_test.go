package iam_test

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portico-iam/portico/internal/iam"
)

// staged is a provider on a stage.
func staged(s *stage, c *clock) *iam.Provider {
	return &iam.Provider{Issuer: stageURL, DiscoveryURL: stageURL + "/d", HTTP: s.client, Now: c.Now, Logger: silent}
}

var stageMetadata = metadata(stageURL, nil)

func TestManyWhoAskAtOnceCauseOneDiscovery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s := newStage(held(release, writes(stageMetadata)))
		defer s.close()
		p := staged(s, newClock())
		impatient, giveUp := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { _, _ = p.Metadata(impatient) })
		synctest.Wait() // the impatient one is the first, whose fetch the others share
		for range 50 {
			all.Go(func() {
				if m, err := p.Metadata(t.Context()); err != nil || m.Issuer != stageURL {
					t.Errorf("got %+v, %v", m, err)
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

// A server that is away is asked again every few seconds, not by every request.
func TestAFailedDiscoveryIsNotRepeatedAtOnce(t *testing.T) {
	c := newClock()
	s := publish(t, nil)
	s.answer(html(http.StatusServiceUnavailable))
	p := provider(t, s, c, issuer)
	_, first := p.Metadata(t.Context())
	for range 20 {
		if _, err := p.Metadata(t.Context()); err == nil || err.Error() != first.Error() {
			t.Errorf("expected the reason of before, %v, got %v", first, err)
		}
	}
	c.advance(5*time.Second - 1)
	_, _ = p.Metadata(t.Context())
	if n := s.fetches.Load(); n != 1 {
		t.Errorf("within the interval: expected one fetch, got %d", n)
	}
	c.advance(1)
	_, _ = p.Metadata(t.Context())
	_, _ = p.Metadata(t.Context())
	if n := s.fetches.Load(); n != 2 {
		t.Errorf("after the interval: expected a second fetch, got %d", n)
	}
}

func TestNT39_SlowDiscoveryIsBounded(t *testing.T) {
	for rule, h := range map[string]http.HandlerFunc{"no answer": silentServer, "half an answer": hangs} {
		synctest.Test(t, func(t *testing.T) {
			s := newStage(h)
			defer s.close()
			c := newClock()
			p := staged(s, c)
			defer p.Close()
			// Without a bound the bubble would have nobody left to wait for, which fails the test.
			if _, err := p.Metadata(t.Context()); err == nil {
				t.Errorf("%s: expected an error", rule)
			}
			s.answer(writes(stageMetadata))
			c.advance(5 * time.Second)
			if _, err := p.Metadata(t.Context()); err != nil {
				t.Errorf("%s: afterwards: %v", rule, err)
			}
		})
	}
}

// Metadata that is due for a refresh is used meanwhile: nobody waits, and one fetch is under way.
func TestMetadataIsRefreshedInTheBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(writes(stageMetadata))
		defer s.close()
		c := newClock()
		p := staged(s, c)
		if _, err := p.Metadata(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.advance(time.Hour - 1)
		if _, err := p.Metadata(t.Context()); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if n := s.fetches.Load(); n != 1 {
			t.Errorf("fresh: %d fetches", n)
		}
		c.advance(1)
		release := make(chan struct{})
		s.answer(held(release, writes(metadata(stageURL, object{"token_endpoint": stageURL + "/new"}))))
		for range 20 {
			// While the server holds its answer back, whoever waited for it would block the bubble for good.
			if m, err := p.Metadata(t.Context()); err != nil || m.TokenEndpoint != stageURL+"/token" {
				t.Errorf("due: got %+v, %v", m, err)
			}
		}
		synctest.Wait()
		if n := s.fetches.Load(); n != 2 {
			t.Errorf("expected one refresh, got %d fetches", n)
		}
		close(release)
		p.Close()
		if m, err := p.Metadata(t.Context()); err != nil || m.TokenEndpoint != stageURL+"/new" {
			t.Errorf("refreshed: got %+v, %v", m, err)
		}
	})
}

// The last good metadata stays however bad the new one is, also when it speaks for another issuer.
func TestTheLastGoodMetadataIsKept(t *testing.T) {
	c := newClock()
	s := publish(t, metadata(issuer, nil))
	p := provider(t, s, c, issuer)
	if _, err := p.Metadata(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.advance(time.Hour)
	for rule, answer := range map[string]http.HandlerFunc{
		"away":           html(503),
		"a page":         html(200),
		"another issuer": writes(metadata("https://evil.test", nil)),
		"no TLS":         writes(metadata(issuer, object{"jwks_uri": "http://acme.okta.test/keys"})),
	} {
		s.answer(answer)
		before := s.fetches.Load()
		_, _ = p.Metadata(t.Context()) // begins a refresh
		p.Close()
		for range 5 { // no further one at once
			if m, err := p.Metadata(t.Context()); err != nil || m.Issuer != issuer || m.JWKSURI != issuer+"/keys" {
				t.Errorf("%s: got %+v, %v", rule, m, err)
			}
		}
		p.Close()
		if n := s.fetches.Load() - before; n != 1 {
			t.Errorf("%s: expected one fetch, got %d", rule, n)
		}
		c.advance(5 * time.Second)
	}
}

// However many requests come while a refresh is under way, it is one piece of work and, when it fails, one line of log.
func TestAFailedRefreshIsToldOnce(t *testing.T) {
	set := ownKeys()
	synctest.Test(t, func(t *testing.T) {
		c := newClock()
		s := newStage(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/keys" {
				writes(set)(w, r)
				return
			}
			writes(stageMetadata)(w, r)
		})
		defer s.close()
		p, k := staged(s, c), stagedKeys(s, c)
		var ofMetadata, ofKeys *atomic.Int64
		p.Logger, ofMetadata = countingLogger()
		k.Logger, ofKeys = countingLogger()
		use := func() {
			t.Helper()
			_, err := p.Metadata(t.Context())
			_, keyErr := k.Key(t.Context(), "rsa")
			if err != nil || keyErr != nil {
				t.Error(err, keyErr)
			}
		}
		use()
		k.ExpireAfter = 24 * time.Hour
		c.advance(time.Hour)
		release := make(chan struct{})
		s.answer(held(release, html(http.StatusServiceUnavailable)))
		for range 50 {
			use()
		}
		synctest.Wait()
		for range 50 {
			use()
		}
		close(release)
		p.Close()
		k.Close()
		for attempts := range int64(2) { // the second as the first: the work is done again when it is due again
			if a, b := ofMetadata.Load(), ofKeys.Load(); a != attempts+1 || b != attempts+1 {
				t.Errorf("expected %d lines each, got %d of the metadata and %d of the keys", attempts+1, a, b)
			}
			c.advance(10 * time.Second)
			use()
			p.Close()
			k.Close()
		}
	})
}
