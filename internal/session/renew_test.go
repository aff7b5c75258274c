package session_test

import (
	"errors"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/iam"
	"github.com/portico-iam/portico/internal/session"
)

// What is known of somebody changed: their next request asks for it, here and at a replica that remembers the session.
func TestRenewedSessionsAskAnew(t *testing.T) {
	b := newBench(t)
	c := b.begin(t)
	other := b.replica()
	if _, err := other.Find(httptest.NewRecorder(), request(c)); err != nil {
		t.Fatal(err)
	}
	b.advance(time.Second)
	b.okta.answers(func(string) (*iam.Grant, error) { return b.grant("refresh-2", "Acme Audit"), nil })
	if n, err := b.Renew(t.Context(), []session.Record{b.store.row(t)}); n != 1 || err != nil {
		t.Fatalf("got %d, %v", n, err)
	}
	if err := other.Changed(t.Context(), []string{b.store.row(t).Hash}); err != nil { // as the store announces it
		t.Fatal(err)
	}
	b.advance(time.Millisecond)
	s, err := other.Find(httptest.NewRecorder(), request(c))
	if err != nil || !slices.Equal(s.Principal.IAMRoles, []string{"Acme Audit"}) {
		t.Fatalf("got %+v, %v", s, err)
	}
	if s, _, err := b.find(c); err != nil || !slices.Equal(s.Principal.IAMRoles, []string{"Acme Audit"}) || b.okta.calls.Load() != 1 {
		t.Errorf("got %+v, %v after %d refreshes", s, err, b.okta.calls.Load())
	}
}

// Roles that are known to be outdated let nobody in while the provider is away.
func TestRenewedSessionsFailClosed(t *testing.T) {
	b := newBench(t)
	c := b.begin(t)
	b.okta.answers(func(string) (*iam.Grant, error) { return nil, errors.New("away") })
	if _, err := b.Renew(t.Context(), []session.Record{b.store.row(t)}); err != nil {
		t.Fatal(err)
	}
	b.advance(time.Millisecond)
	if s, _, err := b.find(c); err == nil {
		t.Errorf("got %+v", s)
	}
	b.advance(time.Minute)
	b.okta.answers(func(string) (*iam.Grant, error) { return b.grant("refresh-2", "Acme Issuance"), nil })
	if _, _, err := b.find(c); err != nil {
		t.Errorf("it does not recover: %v", err)
	}
}

// A session that can't ask ends; one that is gone is none; one that others change meanwhile is renewed all the same.
func TestRenewingWhatCannotAsk(t *testing.T) {
	b := newBench(t)
	w := httptest.NewRecorder()
	if _, err := b.Begin(w, request(), session.NewRef(), b.grant("", "Acme Issuance")); err != nil {
		t.Fatal(err)
	}
	c := cookieOf(t, w)
	before := b.store.row(t)
	changed := before
	if ok, err := b.store.UpdateSession(t.Context(), changed); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if n, err := b.Renew(t.Context(), []session.Record{before}); n != 1 || err != nil { // of the version before
		t.Fatalf("got %d, %v", n, err)
	}
	b.advance(time.Millisecond)
	s, _, err := b.find(c)
	wantNone(t, "without a refresh token", s, err)
	if n, err := b.Renew(t.Context(), []session.Record{before}); n != 0 || err != nil {
		t.Errorf("one that is gone: %d, %v", n, err)
	}
}

// A refresh that was under way when the roles changed may bring those of before: it is asked once more.
func TestRenewedDuringARefresh(t *testing.T) {
	b := newBench(t)
	c := b.begin(t)
	b.untilDue(t, c)
	b.okta.answers(func(string) (*iam.Grant, error) {
		if b.okta.calls.Load() == 1 { // the answer is on its way
			if n, err := b.Renew(t.Context(), []session.Record{b.store.row(t)}); n != 1 || err != nil {
				t.Errorf("got %d, %v", n, err)
			}
			return b.grant("refresh-2", "Acme Issuance"), nil
		}
		return b.grant("refresh-3", "Acme Audit"), nil
	})
	if _, _, err := b.find(c); err != nil {
		t.Logf("the first one: %v", err)
	}
	b.advance(10 * time.Second)
	s, _, err := b.find(c)
	if err != nil || !slices.Equal(s.Principal.IAMRoles, []string{"Acme Audit"}) {
		t.Errorf("got %+v, %v after %d refreshes", s, err, b.okta.calls.Load())
	}
}
