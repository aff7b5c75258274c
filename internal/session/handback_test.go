package session_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/iam"
	"github.com/portico-iam/portico/internal/session"
)

func (o *okta) handedBack() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.back)
}

func TestNT29_SessionsThatWereEndedElsewhereAreOverAtOnce(t *testing.T) {
	b := newBench(t)
	c := b.begin(t)
	if _, _, err := b.find(c); err != nil { // it is in memory
		t.Fatal(err)
	}
	row := b.store.row(t)
	if deleted, err := b.store.DeleteSession(t.Context(), row.Ref); deleted == nil || err != nil {
		t.Fatal(err)
	}
	b.Ended([]session.Record{row})
	s, _, err := b.find(c)
	wantNone(t, "without asking the store", s, err)
	if err := b.Close(); err != nil || !slices.Equal(b.okta.handedBack(), []string{"refresh-1"}) {
		t.Errorf("handed back: %v, %v", b.okta.handedBack(), err)
	}
}

func TestTheRefreshTokenOfASessionThatEndsIsHandedBack(t *testing.T) {
	for rule, end := range map[string]func(b *bench, c *http.Cookie) error{
		"signed out": func(b *bench, c *http.Cookie) error {
			_, err := b.End(httptest.NewRecorder(), request(c))
			return err
		},
		"by its name": func(b *bench, _ *http.Cookie) error {
			return b.RevokeRef(t.Context(), b.store.row(t).Ref, "x")
		},
		"as it is, not as it was read": func(b *bench, _ *http.Cookie) error {
			row := b.store.row(t)
			row.Sealed = []byte("of before")
			return b.Revoke(t.Context(), &row, "x")
		},
		"idle": func(b *bench, c *http.Cookie) error {
			b.advance(9 * time.Hour)
			_, _, _ = b.find(c)
			return nil
		},
	} {
		b := newBench(t)
		c := b.begin(t)
		if err := end(b, c); err != nil {
			t.Errorf("%s: %v", rule, err)
		}
		if err := b.Close(); err != nil || !slices.Equal(b.okta.handedBack(), []string{"refresh-1"}) {
			t.Errorf("%s: handed back: %v, %v", rule, b.okta.handedBack(), err)
		}
	}
}

// revokedUntil ends what began until then.
type revokedUntil time.Time

func (r revokedUntil) EndedFor(_, _ string, begun time.Time) bool { return !begun.After(time.Time(r)) }

func TestNT29_ASessionThatEscapedARevocationIsNone(t *testing.T) {
	b := newBench(t)
	c := b.begin(t)
	b.Revoked = revokedUntil(begin.Add(-time.Second))
	if _, _, err := b.find(c); err != nil {
		t.Fatalf("it began after: %v", err)
	}
	b.Revoked = revokedUntil(begin)
	s, _, err := b.find(c)
	wantNone(t, "it began before", s, err)
}

func TestNT29_ASessionThatIsRevokedDuringItsRefreshIsOver(t *testing.T) {
	away := errors.New("timeout")
	for rule, outcome := range map[string]struct {
		grant bool
		err   error
	}{"the provider does not answer": {false, away}, "it does": {true, nil}, "it stops half-way": {true, away}} {
		b := newBench(t)
		c := b.begin(t)
		b.untilDue(t, c)
		b.okta.answers(func(string) (*iam.Grant, error) {
			row := b.store.row(t)
			if _, err := b.store.DeleteSession(t.Context(), row.Ref); err != nil {
				t.Error(err)
			}
			b.Ended([]session.Record{row})
			if !outcome.grant {
				return nil, outcome.err
			}
			return b.grant("refresh-2", "Acme Issuance"), outcome.err
		})
		s, _, err := b.find(c)
		wantNone(t, rule, s, err)
		want := []string{"refresh-1"}
		if outcome.grant {
			want = append(want, "refresh-2") // what the refresh brought
		}
		if err := b.Close(); err != nil || !slices.Equal(slices.Sorted(slices.Values(b.okta.handedBack())), want) {
			t.Errorf("%s: handed back %v, %v", rule, b.okta.handedBack(), err)
		}
	}
}

func TestSweptSessionsHandTheirTokensBack(t *testing.T) {
	b := newBench(t)
	b.begin(t)
	b.advance(24 * time.Hour)
	if err := errors.Join(b.Sweep(t.Context()), b.Close()); err != nil || b.store.count() != 0 || len(b.okta.handedBack()) != 1 {
		t.Errorf("%d are left, handed back %v, %v", b.store.count(), b.okta.handedBack(), err)
	}
}

func TestManyTokensAreHandedBack(t *testing.T) {
	b := newBench(t)
	b.begin(t)
	row := b.store.row(t)
	many := make([]session.Record, 1000)
	for i := range many {
		many[i] = row
	}
	b.Ended(many)
	for deadline := time.Now().Add(20 * time.Second); len(b.okta.handedBack()) < len(many); {
		if time.Now().After(deadline) {
			t.Fatalf("only %d", len(b.okta.handedBack()))
		}
		runtime.Gosched()
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	b.Ended(many[:1]) // after the end: told, not hung up on
	if n := len(b.okta.handedBack()); n != len(many) {
		t.Errorf("%d", n)
	}
}
