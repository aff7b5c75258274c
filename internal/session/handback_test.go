package session_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

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
	if deleted, err := b.store.DeleteSession(t.Context(), row.Ref); !deleted || err != nil {
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
