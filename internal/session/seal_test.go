package session_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/iam"
	"github.com/portico-iam/portico/internal/seal"
)

// TestEveryWriteIsSealedByTheKeyInUse: a session in memory was read before the key-encryption key was replaced, and its
// next write must not bring the old one back.
func TestEveryWriteIsSealedByTheKeyInUse(t *testing.T) {
	for rule, write := range map[string]func(t *testing.T, b *bench, c *http.Cookie){
		"an organisation is chosen": func(t *testing.T, b *bench, c *http.Cookie) {
			s, w, err := b.find(c)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := b.SetOrganisation(w, request(c), s, "org-2"); err != nil {
				t.Fatal(err)
			}
		},
		"a refresh": func(t *testing.T, b *bench, c *http.Cookie) {
			if _, _, err := b.find(c); err != nil {
				t.Fatal(err)
			}
		},
		"a refresh that fails": func(t *testing.T, b *bench, c *http.Cookie) {
			b.okta.answers(func(string) (*iam.Grant, error) { return nil, errors.New("connection refused") })
			if _, _, err := b.find(c); err != nil {
				t.Fatal(err)
			}
		},
	} {
		b := newBench(t)
		fresh := seal.RandomKey()
		keys := seal.NewKeys(b.key, fresh)
		box := keys.Box("session")
		b.Box = box
		c := b.begin(t)
		b.untilDue(t, c)
		keys.Use(fresh.ID())
		before := b.store.row(t)
		sealed, changed, err := box.Reseal(before.Sealed, before.Ref)
		if err != nil || !changed {
			t.Fatal(changed, err)
		}
		b.store.mu.Lock()
		row := b.store.rows[before.Ref]
		row.Sealed = sealed
		b.store.rows[before.Ref] = row
		b.store.mu.Unlock()
		write(t, b, c)
		after := b.store.row(t)
		if after.Version == before.Version {
			t.Errorf("%s: nothing was written", rule)
		}
		if _, err := fresh.Box("session").Open(after.Sealed, after.Ref); err != nil {
			t.Errorf("%s: the new key alone: %v", rule, err)
		}
	}
}

// TestTheSameTokensSealedAnewAreNoRefresh: what another request wrote without refreshing must not pass for a refresh.
func TestTheSameTokensSealedAnewAreNoRefresh(t *testing.T) {
	b := newBench(t)
	c := b.begin(t)
	b.untilDue(t, c)
	other := b.replica()
	b.okta.answers(func(string) (*iam.Grant, error) {
		w := httptest.NewRecorder()
		s, err := other.Find(w, request(c)) // it waits for nobody while the token lives
		if err == nil {
			_, err = other.SetOrganisation(w, request(c), s, "org-2")
		}
		if err != nil {
			t.Error(err)
		}
		return b.grant("refresh-2", "Acme Issuance"), nil
	})
	s, _, err := b.find(c)
	if err != nil || s.ActiveOrganisation != "org-2" || !s.Principal.NotAfter.After(begin.Add(time.Hour)) {
		t.Fatalf("got %+v, %v", s, err)
	}
}

// TestASessionInMemoryGoesOnWhereTheNewKeyIsMissing: it was sealed anew, and is the same session. One that is not in memory
// counts as none.
func TestASessionInMemoryGoesOnWhereTheNewKeyIsMissing(t *testing.T) {
	b := newBench(t)
	c := b.begin(t)
	fresh := seal.RandomKey()
	row := b.store.row(t)
	b.store.mu.Lock()
	sealed, _, err := seal.NewKeys(fresh, b.key).Box("session").Reseal(row.Sealed, row.Ref)
	row.Sealed = sealed
	b.store.rows[row.Ref] = row
	b.store.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	b.advance(2 * time.Minute) // it is to be read anew
	if _, _, err := b.find(c); err != nil {
		t.Errorf("in memory: %v", err)
	}
	s, err := b.replica().Find(httptest.NewRecorder(), request(c))
	wantNone(t, "elsewhere", s, err)
}
