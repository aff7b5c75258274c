package session_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/iam"
	"github.com/portico-iam/portico/internal/session"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

// onStores runs a test with each real store, and two replicas upon it: b itself and other.
func onStores(t *testing.T, test func(t *testing.T, b *bench, other *session.Manager)) {
	t.Helper()
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		b := benchOn(db)
		test(t, b, b.replica())
	})
}

func findIn(m *session.Manager, c *http.Cookie) (*session.Session, error) {
	return m.Find(httptest.NewRecorder(), request(c))
}

func find(t *testing.T, m *session.Manager, c *http.Cookie) *session.Session {
	t.Helper()
	s, err := findIn(m, c)
	if err != nil {
		t.Error(err)
	}
	return s
}

func TestStores_WhatWasBegunIsFoundByAnother(t *testing.T) {
	onStores(t, func(t *testing.T, b *bench, other *session.Manager) {
		c := b.begin(t)
		here, _, err := b.find(c)
		if err != nil {
			t.Fatal(err)
		}
		there, err := findIn(other, c)
		if err != nil {
			t.Fatal(err)
		}
		p, q := here.Principal, there.Principal
		if q.Subject != "ivan@acme.test" || q.Subject != p.Subject || q.Issuer != p.Issuer || q.GivenName != p.GivenName || q.FamilyName != p.FamilyName ||
			!slices.Equal(q.IAMRoles, p.IAMRoles) || !q.NotAfter.Equal(p.NotAfter) || there.Ref != here.Ref || !there.EndsAt.Equal(here.EndsAt) {
			t.Errorf("began %+v, found %+v", here.Record, there.Record)
		}
		w := httptest.NewRecorder()
		if _, err := b.SetOrganisation(w, request(c), here, "org-2"); err != nil {
			t.Fatal(err)
		}
		fresh := cookieOf(t, w)
		if s, err := findIn(other, fresh); err != nil || s.ActiveOrganisation != "org-2" {
			t.Errorf("another organisation, elsewhere: got %+v, %v", s, err)
		}
		b.advance(2 * time.Minute) // the old id is over
		s, err := findIn(other, c)
		wantNone(t, "the id before", s, err)
		if id, err := other.End(httptest.NewRecorder(), request(fresh)); err != nil || id != "the-id-token" {
			t.Errorf("the tokens are lost: %q, %v", id, err)
		}
	})
}

func TestStores_IdleSessionsEnd(t *testing.T) {
	onStores(t, func(t *testing.T, b *bench, other *session.Manager) {
		c := b.begin(t)
		b.advance(20 * time.Minute)
		if _, err := findIn(other, c); err != nil { // it is in use, elsewhere
			t.Fatal(err)
		}
		b.advance(30 * time.Minute)
		if _, _, err := b.find(c); err != nil {
			t.Errorf("used half an hour ago by another replica: %v", err)
		}
		b.advance(30*time.Minute + time.Second)
		s, _, err := b.find(c)
		wantNone(t, "beyond the idle limit", s, err)
		s, err = findIn(b.replica(), c)
		wantNone(t, "beyond the idle limit, in a replica that never saw it", s, err)
	})
}

func TestStores_NoUseOutlivesTheAbsoluteEnd(t *testing.T) {
	onStores(t, func(t *testing.T, b *bench, other *session.Manager) {
		c := b.begin(t)
		for range 23 { // 7 h 40 min
			b.advance(20 * time.Minute)
			if _, err := findIn(other, c); err != nil {
				t.Fatal(err)
			}
		}
		b.advance(20*time.Minute - time.Second)
		if _, _, err := b.find(c); err != nil {
			t.Errorf("a second before the end: %v", err)
		}
		b.advance(time.Second)
		s, _, err := b.find(c)
		wantNone(t, "at the end", s, err)
		s, err = findIn(other, c)
		wantNone(t, "at the end, elsewhere", s, err)
	})
}

// Both replicas find the token ended at the same moment. It counts once: one of them uses it, and the other one takes
// what that one got.
func TestStores_OneOfTwoReplicasRefreshes(t *testing.T) {
	onStores(t, func(t *testing.T, b *bench, other *session.Manager) {
		c := b.begin(t)
		for _, ended := range []bool{false, true} {
			b.advance(29*time.Minute + 30*time.Second)
			find(t, b.Manager, c)
			if ended {
				b.advance(29 * time.Minute)
				find(t, b.Manager, c) // not due yet
				b.advance(20 * time.Minute)
			} else {
				b.advance(30 * time.Minute) // half a minute is left
			}
			before := b.okta.calls.Load()
			asked, answer, once := make(chan struct{}), make(chan struct{}), sync.Once{}
			b.okta.answers(func(token string) (*iam.Grant, error) {
				once.Do(func() { close(asked) })
				<-answer
				return b.grant(token+"+", "Acme Issuance"), nil
			})
			var all sync.WaitGroup
			for range 4 {
				for _, m := range []*session.Manager{b.Manager, other} {
					all.Go(func() {
						if s := find(t, m, c); s != nil && !s.Principal.NotAfter.After(b.Now()) {
							t.Error("a token that has ended counts")
						}
					})
				}
			}
			<-asked
			close(answer)
			all.Wait()
			for _, m := range []*session.Manager{b.Manager, other, b.replica()} {
				if s := find(t, m, c); s != nil && s.Principal.NotAfter.Sub(b.Now()) != time.Hour {
					t.Errorf("expected the new token, got one that ends at %v", s.Principal.NotAfter)
				}
			}
			if n := b.okta.calls.Load() - before; n != 1 {
				t.Errorf("%d refreshes", n)
			}
		}
	})
}

func TestStores_EndedHereIsEndedThere(t *testing.T) {
	onStores(t, func(t *testing.T, b *bench, other *session.Manager) {
		c := b.begin(t)
		if _, err := findIn(other, c); err != nil {
			t.Fatal(err)
		}
		if _, err := b.End(httptest.NewRecorder(), request(c)); err != nil {
			t.Fatal(err)
		}
		s, _, err := b.find(c)
		wantNone(t, "ended here", s, err)
		b.advance(time.Minute) // what the other one believes without asking
		s, err = findIn(other, c)
		wantNone(t, "ended elsewhere", s, err)

		c = b.begin(t)
		begun, _, err := b.find(c)
		if err != nil {
			t.Fatal(err)
		}
		if err := other.RevokeRef(t.Context(), begun.Ref, "by an administrator"); err != nil {
			t.Fatal(err)
		}
		b.advance(time.Minute)
		s, _, err = b.find(c)
		wantNone(t, "revoked elsewhere", s, err)
	})
}

// Sweep ends all that are over, and nobody else.
func TestStores_SweepEndsAllThatAreOver(t *testing.T) {
	onStores(t, func(t *testing.T, b *bench, other *session.Manager) {
		over := []*http.Cookie{b.begin(t), b.begin(t), b.begin(t)}
		b.advance(31 * time.Minute)
		live := b.begin(t)
		if err := other.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.now.Store(begin.UnixNano()) // as if they were not over: only the rows count
		fresh := b.replica()
		for _, c := range over {
			s, err := findIn(fresh, c)
			wantNone(t, "swept", s, err)
		}
		if _, err := findIn(fresh, live); err != nil {
			t.Errorf("a live one is gone: %v", err)
		}
	})
}

// A sign-in counts once, whichever replica it reaches.
func TestStores_ASignInCountsOnce(t *testing.T) {
	onStores(t, func(t *testing.T, b *bench, other *session.Manager) {
		var all sync.WaitGroup
		var mu sync.Mutex
		first := map[string]int{}
		for range 4 {
			for _, m := range []*session.Manager{b.Manager, other} {
				all.Go(func() {
					ref := session.NewRef()
					fresh, before, err := m.ClaimFlow(t.Context(), "flow", ref, b.Now().Add(time.Hour))
					if err != nil {
						t.Error(err)
						return
					}
					if fresh {
						before = ref
					}
					mu.Lock()
					first[before]++
					mu.Unlock()
				})
			}
		}
		all.Wait()
		if len(first) != 1 {
			t.Errorf("expected one session to be named by all, got %v", first)
		}
	})
}

// A server that is away is neither a session nor the end of one, and what could not be ended can be ended once more.
func TestStores_AServerThatIsAway(t *testing.T) {
	server := testdb.NewServer(t)
	b := benchOn(testdb.OpenConfig(t, server.Config()))
	c := b.begin(t)
	server.Stop()
	if _, _, err := b.find(c); err != nil {
		t.Errorf("a session seen a moment ago: %v", err)
	}
	w := httptest.NewRecorder()
	if _, err := b.Begin(w, request(), session.NewRef(), b.grant("r")); !fault.Unavailable.Is(err) || len(w.Result().Cookies()) > 0 {
		t.Errorf("begun: %v", err)
	}
	w = httptest.NewRecorder()
	if _, err := b.End(w, request(c)); !fault.Unavailable.Is(err) || len(w.Result().Cookies()) > 0 {
		t.Errorf("ended: %v", err)
	}
	if s, _, err := b.find(c); s != nil || !fault.Unavailable.Is(err) {
		t.Errorf("asked for anew: got %v, %v", s, err)
	}
	server.Start()
	if _, _, err := b.find(c); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	w = httptest.NewRecorder()
	if _, err := b.End(w, request(c)); err != nil || cookieOf(t, w).MaxAge >= 0 {
		t.Errorf("the second try to end it: %v", err)
	}
	s, err := findIn(b.replica(), c)
	wantNone(t, "ended at the second try", s, err)
}
