package session_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/iam"
)

// renewal is what a refresh is asked with.
type renewal struct{ refresh, id string }

type refresherFunc func(renewal) (*iam.Grant, error)

func (f refresherFunc) Refresh(_ context.Context, refresh, id string) (*iam.Grant, error) {
	return f(renewal{refresh, id})
}

func (refresherFunc) Revoke(context.Context, string) error { return nil }

// A refresh may stop half-way: the token endpoint answered, userinfo did not. A refresh token may count once, so the next
// attempt, here or in another replica, must be made with the new one; and the roles are those of before until they end.
func TestARefreshThatStopsHalfWayKeepsItsTokens(t *testing.T) {
	b := newBench(t)
	c := b.begin(t)
	var asked []renewal
	away := true
	refresher := refresherFunc(func(with renewal) (*iam.Grant, error) {
		asked = append(asked, with)
		if away {
			return &iam.Grant{RefreshToken: "refresh-2", IDToken: "id-2"}, errors.New("userinfo: expected status 200, got 503")
		}
		g := b.grant("", "Acme Audit")
		g.IDToken = ""
		return g, nil
	})
	b.Refresher = refresher
	b.untilDue(t, c)
	s, _, err := b.find(c)
	if err != nil || !slices.Equal(s.Principal.IAMRoles, []string{"Acme Issuance"}) || s.Principal.NotAfter.After(begin.Add(time.Hour)) {
		t.Fatalf("the roles of before, until they end: got %+v, %v", s, err)
	}
	b.advance(31 * time.Second)
	if s, _, err := b.find(c); s != nil || !fault.Unavailable.Is(err) {
		t.Errorf("they have ended: got %v, %v", s, err)
	}
	if n := len(asked); n != 2 {
		t.Errorf("expected two attempts, got %d", n)
	}
	away = false
	b.advance(6 * time.Second)
	other := b.replica()
	other.Refresher = refresher
	w := httptest.NewRecorder()
	s, err = other.Find(w, request(c))
	if err != nil || !slices.Equal(s.Principal.IAMRoles, []string{"Acme Audit"}) {
		t.Fatalf("userinfo is back: got %+v, %v", s, err)
	}
	want := []renewal{{"refresh-1", "the-id-token"}, {"refresh-2", "id-2"}, {"refresh-2", "id-2"}}
	if !slices.Equal(asked, want) {
		t.Errorf("got %v, want %v", asked, want)
	}
	// Neither came with the last refresh, so both of before stay: the ID token ends the sign-in at the provider.
	if id, err := other.End(httptest.NewRecorder(), request(cookieOf(t, w))); err != nil || id != "id-2" {
		t.Errorf("got %q, %v", id, err)
	}
}
