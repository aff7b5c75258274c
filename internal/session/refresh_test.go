package session_test

import (
	"errors"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/iam"
	"github.com/portico-iam/portico/internal/session"
)

func TestOneOfManyRefreshes(t *testing.T) {
	b := newBench(t)
	c := b.begin(t)
	release := make(chan struct{})
	b.okta.answers(func(token string) (*iam.Grant, error) {
		<-release
		if token != "refresh-1" {
			return nil, errors.Join(iam.ErrGrantEnded, errors.New("used"))
		}
		return b.grant("refresh-2", "Acme Issuance"), nil
	})
	b.advance(29*time.Minute + 30*time.Second)
	if _, _, err := b.find(c); err != nil {
		t.Fatal(err)
	}
	b.advance(30 * time.Minute) // the access token has half a minute left
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if s, _, err := b.find(c); err != nil || !s.Principal.NotAfter.After(begin.Add(time.Hour)) {
				t.Errorf("got %v, %v", s, err)
			}
		})
	}
	close(release)
	all.Wait()
	if n := b.okta.calls.Load(); n != 1 {
		t.Errorf("%d refreshes", n)
	}
}

func TestWhileTheIAMIsAwayTheAccessTokenCounts(t *testing.T) {
	b := newBench(t)
	c := b.begin(t)
	b.untilDue(t, c)
	b.okta.answers(func(string) (*iam.Grant, error) { return nil, errors.New("connection refused") })
	for range 5 {
		if _, _, err := b.find(c); err != nil {
			t.Fatal(err)
		}
	}
	if n := b.okta.calls.Load(); n != 1 {
		t.Errorf("%d attempts within seconds", n)
	}
	b.advance(31 * time.Second)
	if s, _, err := b.find(c); s != nil || !fault.Unavailable.Is(err) {
		t.Errorf("the token has ended: got %v, %v", s, err)
	}
	if b.store.count() != 1 {
		t.Error("the session is gone, though the IAM may come back")
	}
	b.advance(6 * time.Second)
	b.okta.answers(func(string) (*iam.Grant, error) { return b.grant("refresh-2", "Acme Issuance"), nil })
	if _, _, err := b.find(c); err != nil {
		t.Errorf("the IAM is back: %v", err)
	}
}

func TestTheIAMEndsASession(t *testing.T) {
	for rule, answer := range map[string]func(b *bench) (*iam.Grant, error){
		"invalid_grant":       func(*bench) (*iam.Grant, error) { return nil, errors.Join(iam.ErrGrantEnded, errors.New("x")) },
		"a token we refuse":   func(*bench) (*iam.Grant, error) { return nil, fault.Unauthenticated.New("wrong audience") },
		"about somebody else": func(b *bench) (*iam.Grant, error) { g := b.grant("r"); g.Principal.Subject = "eve"; return g, nil },
		"of another issuer": func(b *bench) (*iam.Grant, error) {
			g := b.grant("r")
			g.Principal.Issuer = "https://evil"
			return g, nil
		},
	} {
		b := newBench(t)
		c := b.begin(t)
		b.untilDue(t, c)
		b.okta.answers(func(string) (*iam.Grant, error) { return answer(b) })
		s, _, err := b.find(c)
		wantNone(t, rule, s, err)
		if b.store.count() != 0 {
			t.Errorf("%s: it is still stored", rule)
		}
		s, _, err = b.find(c)
		wantNone(t, rule+", again", s, err)
	}
	b := newBench(t)
	w := httptest.NewRecorder()
	if _, err := b.Begin(w, request(), session.NewRef(), b.grant("")); err != nil {
		t.Fatal(err)
	}
	c := cookieOf(t, w)
	b.untilDue(t, c)
	if _, _, err := b.find(c); err != nil {
		t.Errorf("without a refresh token, while the access token lives: %v", err)
	}
	b.advance(30 * time.Second)
	s, _, err := b.find(c)
	wantNone(t, "without a refresh token, afterwards", s, err)
}

func TestNT22_OtherRightsAnotherID(t *testing.T) {
	b := newBench(t)
	old := b.begin(t)
	b.untilDue(t, old)
	b.okta.answers(func(string) (*iam.Grant, error) { return b.grant("refresh-2", "Acme Issuance", "ONE_STS_ADMIN"), nil })
	s, w, err := b.find(old)
	if err != nil || !slices.Contains(s.Principal.IAMRoles, "ONE_STS_ADMIN") {
		t.Fatalf("got %+v, %v", s, err)
	}
	fresh := cookieOf(t, w)
	if fresh.Value == old.Value {
		t.Fatal("the id is the same")
	}
	for rule, m := range map[string]*session.Manager{"here": b.Manager, "in another replica": b.replica()} {
		w := httptest.NewRecorder()
		if _, err := m.Find(w, request(old)); err != nil {
			t.Errorf("%s: a request under way with the old id: %v", rule, err)
		}
		if len(w.Result().Cookies()) > 0 {
			t.Errorf("%s: whoever comes later with the old id is given the new one", rule)
		}
		if _, err := m.Find(httptest.NewRecorder(), request(fresh)); err != nil {
			t.Errorf("%s: the new id: %v", rule, err)
		}
	}
	b.advance(30 * time.Second)
	got, _, err := b.find(old)
	wantNone(t, "the old id after 30 s", got, err)
	if _, _, err := b.find(fresh); err != nil {
		t.Errorf("the new id after 30 s: %v", err)
	}
}

func TestARefreshKeepsWhatAnotherRequestChanged(t *testing.T) {
	b := newBench(t)
	c := b.begin(t)
	b.untilDue(t, c)
	other := b.replica()
	b.okta.answers(func(string) (*iam.Grant, error) {
		row := b.store.row(t) // meanwhile, elsewhere, the person chose an organisation
		row.ActiveOrganisation = "org-2"
		if ok, err := b.store.UpdateSession(t.Context(), row); !ok || err != nil {
			t.Error(ok, err)
		}
		return b.grant("refresh-2", "Acme Issuance"), nil
	})
	s, _, err := b.find(c)
	if err != nil || s.ActiveOrganisation != "org-2" || !s.Principal.NotAfter.After(begin.Add(time.Hour)) {
		t.Fatalf("got %+v, %v", s, err)
	}
	b.advance(time.Hour - 20*time.Minute)
	b.okta.answers(func(token string) (*iam.Grant, error) {
		if token != "refresh-2" {
			t.Errorf("the refreshed token was lost: %s", token)
		}
		return b.grant("refresh-3", "Acme Issuance"), nil
	})
	b.store.mu.Lock()
	for ref, r := range b.store.rows {
		r.SeenAt = b.Now()
		b.store.rows[ref] = r
	}
	b.store.mu.Unlock()
	b.advance(20 * time.Minute)
	if _, err := other.Find(httptest.NewRecorder(), request(c)); err != nil {
		t.Error(err)
	}
}

func TestARefreshTokenUsedByAnotherReplicaEndsNothing(t *testing.T) {
	b := newBench(t)
	c := b.begin(t)
	b.untilDue(t, c)
	other := b.replica()
	used := false
	b.okta.answers(func(string) (*iam.Grant, error) {
		if used {
			return b.grant("refresh-2", "Acme Issuance"), nil
		}
		used = true
		b.advance(6 * time.Second)                                                // so long that the other one gave up waiting
		if _, err := other.Find(httptest.NewRecorder(), request(c)); err != nil { // it was faster
			t.Error(err)
		}
		return nil, errors.Join(iam.ErrGrantEnded, errors.New("invalid_grant"))
	})
	if s, _, err := b.find(c); err != nil || !s.Principal.NotAfter.After(begin.Add(time.Hour)) {
		t.Errorf("got %+v, %v", s, err)
	}
	if b.store.count() != 1 {
		t.Error("the session is gone")
	}
}

// A refresh token may count once: while the store can't keep the next one, none is spent.
func TestNoRefreshWhileTheStoreCanNotKeepIt(t *testing.T) {
	b := newBench(t)
	c := b.begin(t)
	for _, step := range []time.Duration{29 * time.Minute, 29*time.Minute + 30*time.Second} {
		b.advance(step)
		if _, _, err := b.find(c); err != nil {
			t.Fatal(err)
		}
	}
	b.advance(time.Minute) // half a minute is left
	b.store.failWrites(errors.New("disk full"))
	for range 3 {
		if _, _, err := b.find(c); err != nil {
			t.Errorf("its token still lives: %v", err)
		}
	}
	b.advance(31 * time.Second)
	if s, _, err := b.find(c); s != nil || !fault.Unavailable.Is(err) {
		t.Errorf("its token has ended: got %v, %v", s, err)
	}
	if n := b.okta.calls.Load(); n != 0 {
		t.Errorf("%d refreshes", n)
	}
	b.store.failWrites(nil)
	b.advance(6 * time.Second)
	if _, _, err := b.find(c); err != nil || b.okta.calls.Load() != 1 {
		t.Errorf("the store is back: %v, %d refreshes", err, b.okta.calls.Load())
	}
}

// What can't be noted keeps nobody waiting at every request.
func TestAUseThatCanNotBeNoted(t *testing.T) {
	b := newBench(t)
	c := b.begin(t)
	b.advance(2 * time.Minute)
	if _, err := b.Find(httptest.NewRecorder(), request(c)); err != nil {
		t.Fatal(err)
	}
	b.advance(59 * time.Second)
	b.store.failWrites(errors.New("locked"))
	for range 5 {
		b.advance(time.Second)
		if _, _, err := b.find(c); err != nil {
			t.Error(err)
		}
	}
	if n := b.store.touches; n != 2 {
		t.Errorf("expected one that counted and one that did not, got %d", n)
	}
	b.store.failWrites(nil)
	b.advance(time.Minute)
	if _, _, err := b.find(c); err != nil || !b.store.row(t).SeenAt.Equal(b.Now()) {
		t.Errorf("the store is back: %v, seen %v", err, b.store.row(t).SeenAt)
	}
}
