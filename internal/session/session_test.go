package session_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/iam"
	"github.com/portico-iam/portico/internal/session"
	"github.com/portico-iam/portico/internal/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

var begin = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func TestTheCookieIsRandomAndOnlyItsHashIsStored(t *testing.T) {
	b := newBench(t)
	c := b.begin(t)
	if c.Name != "__Host-portico" || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || len(c.Value) != 43 {
		t.Errorf("got %v", c)
	}
	row := b.store.row(t)
	if strings.Contains(row.Hash, c.Value) || len(row.Hash) != 64 || row.Ref == c.Value {
		t.Error("the cookie's value is stored")
	}
	for _, secret := range []string{"refresh-1", "the-id-token", c.Value} {
		if strings.Contains(string(row.Sealed), secret) {
			t.Errorf("%s is stored as it is", secret)
		}
		for _, e := range b.store.entries {
			if strings.Contains(string(e.Metadata)+e.Name+e.EntityID, secret) {
				t.Errorf("NT51: %s stands in the history", secret)
			}
		}
	}
	if other := b.begin(t); other.Value == c.Value {
		t.Error("two sessions share an id")
	}
	s, w, err := b.find(c)
	if err != nil || s.Principal.Subject != "ivan@acme.test" || len(w.Result().Cookies()) > 0 {
		t.Errorf("got %+v, %v", s, err)
	}
}

func TestNT09_OnlyTheVeryCookieIsASession(t *testing.T) {
	b := newBench(t)
	c := b.begin(t)
	with := func(value string) *http.Cookie { return &http.Cookie{Name: c.Name, Value: value} }
	for i := range c.Value {
		for _, bit := range []byte{1, 2, 4, 8, 16, 32} {
			altered := []byte(c.Value)
			altered[i] ^= bit
			if !strings.Contains("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", string(altered[i])) {
				continue // net/http reads no such cookie
			}
			s, _, err := b.find(with(string(altered)))
			wantNone(t, "a byte flipped", s, err)
		}
		s, _, err := b.find(with(c.Value[:i]))
		wantNone(t, "cut", s, err)
	}
	for rule, cookies := range map[string][]*http.Cookie{
		"none": nil, "empty": {with("")}, "twice": {c, c}, "another beside it": {c, with(strings.Repeat("A", 43))},
		"another before it": {with(strings.Repeat("A", 43)), c}, "longer": {with(c.Value + "A")}, "padded": {with(c.Value + "=")},
		"its hash": {with(b.store.row(t).Hash)}, "its ref": {with(b.store.row(t).Ref)},
		"without the prefix": {{Name: "portico_session", Value: c.Value}}, "another name's case": {{Name: "__host-portico", Value: c.Value}},
	} {
		s, _, err := b.find(cookies...)
		wantNone(t, rule, s, err)
	}
}

func TestNT09_AStoreThatIsAwayIsNeverASession(t *testing.T) {
	b := newBench(t)
	c := b.begin(t)
	b.advance(2 * time.Minute) // past what is believed without asking
	b.store.fail(errors.New("connection refused"))
	if s, _, err := b.find(c); s != nil || !fault.Unavailable.Is(err) {
		t.Errorf("got %v, %v", s, err)
	}
	w := httptest.NewRecorder()
	if _, err := b.Begin(w, request(), session.NewRef(), b.grant("r")); err == nil || len(w.Result().Cookies()) > 0 {
		t.Errorf("a session that is not stored was begun: %v", err)
	}
	b.store.fail(nil)
	if _, _, err := b.find(c); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestSealedTokensBelongToTheirSession(t *testing.T) {
	b := newBench(t)
	first, second := b.begin(t), b.begin(t)
	refs := slices.Sorted(func(yield func(string) bool) {
		for ref := range b.store.rows {
			if !yield(ref) {
				return
			}
		}
	})
	one, two := b.store.rows[refs[0]], b.store.rows[refs[1]]
	one.Sealed, two.Sealed = two.Sealed, one.Sealed
	b.store.rows[refs[0]], b.store.rows[refs[1]] = one, two
	b.Manager = b.replica()
	for _, c := range []*http.Cookie{first, second} {
		s, _, err := b.find(c)
		wantNone(t, "swapped tokens", s, err)
	}
}

func TestSessionsEnd(t *testing.T) {
	for rule, c := range map[string]struct {
		steps []time.Duration // between uses
		live  bool
	}{
		"used now and then":   {[]time.Duration{20 * time.Minute, 20 * time.Minute, 20 * time.Minute}, true},
		"at the idle limit":   {[]time.Duration{30 * time.Minute}, true},
		"beyond it":           {[]time.Duration{30*time.Minute + time.Second}, false},
		"at its absolute end": {slices.Repeat([]time.Duration{20 * time.Minute}, 24), false},
	} {
		b := newBench(t)
		cookie := b.begin(t)
		var s *session.Session
		var err error
		for _, step := range c.steps {
			b.advance(step)
			s, _, err = b.find(cookie)
		}
		if c.live && err != nil {
			t.Errorf("%s: %v", rule, err)
		}
		if !c.live {
			wantNone(t, rule, s, err)
			if b.store.count() != 0 {
				t.Errorf("%s: it is still stored", rule)
			}
		}
	}
}

func TestNT22_SigningInAnewEndsTheSessionBefore(t *testing.T) {
	b := newBench(t)
	planted := b.begin(t)
	fresh := b.begin(t, planted)
	if fresh.Value == planted.Value {
		t.Error("the id that the browser came with is in use again")
	}
	s, _, err := b.find(planted)
	wantNone(t, "the session before", s, err)
	if _, _, err := b.find(fresh); err != nil {
		t.Error(err)
	}
}

func TestNT22_AnotherOrganisationAnotherID(t *testing.T) {
	b := newBench(t)
	old := b.begin(t)
	s, _, _ := b.find(old)
	w := httptest.NewRecorder()
	if _, err := b.SetOrganisation(w, request(old), s, "org-2"); err != nil {
		t.Fatal(err)
	}
	fresh := cookieOf(t, w)
	got, _, err := b.find(fresh)
	if err != nil || got.ActiveOrganisation != "org-2" || fresh.Value == old.Value {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := b.SetOrganisation(httptest.NewRecorder(), request(old), s, "org-3"); !fault.LostUpdate.Is(err) {
		t.Errorf("upon what another request changed: %v", err)
	}
}

func TestNT29_ARevokedSessionDoesNotComeBack(t *testing.T) {
	b := newBench(t)
	c := b.begin(t)
	row := b.store.row(t)
	b.Manager = b.replica()  // nothing cached
	b.store.onGet = func() { // revoked right after the row was read
		b.store.onGet = nil
		if err := b.RevokeRef(t.Context(), row.Ref, "by an administrator"); err != nil {
			t.Error(err)
		}
	}
	s, _, err := b.find(c)
	wantNone(t, "revoked while it was looked up", s, err)
	for range 30_000 { // many other ends must not make it forget
		_ = b.RevokeRef(t.Context(), session.NewRef(), "x")
	}
	s, _, err = b.find(c)
	wantNone(t, "afterwards", s, err)
}

func TestNT30_SignOutDeletesFirstAndClearsTheSameCookie(t *testing.T) {
	b := newBench(t)
	c := b.begin(t)
	w := httptest.NewRecorder()
	id, err := b.End(w, request(c))
	gone := cookieOf(t, w)
	if err != nil || id != "the-id-token" || b.store.count() != 0 {
		t.Errorf("got %q, %v", id, err)
	}
	if gone.Name != c.Name || gone.Path != c.Path || gone.Domain != c.Domain || gone.Secure != c.Secure || gone.HttpOnly != c.HttpOnly ||
		gone.SameSite != c.SameSite || gone.Value != "" || gone.MaxAge >= 0 {
		t.Errorf("set as %v, cleared as %v", c, gone)
	}
	s, _, err := b.find(c)
	wantNone(t, "signed out", s, err)

	c = b.begin(t)
	b.store.fail(errors.New("away"))
	w = httptest.NewRecorder()
	if _, err := b.End(w, request(c)); !fault.Unavailable.Is(err) || len(w.Result().Cookies()) > 0 {
		t.Errorf("not deleted, yet the cookie is gone: %v; nobody can try again", err)
	}
	b.store.fail(nil)
	w = httptest.NewRecorder()
	if _, err := b.End(w, request(c)); err != nil || cookieOf(t, w).MaxAge >= 0 || b.store.count() != 0 {
		t.Errorf("the second try: %v, %d sessions left", err, b.store.count())
	}
	if _, err := b.End(httptest.NewRecorder(), request()); err != nil {
		t.Errorf("without a session: %v", err)
	}
}

func TestSweep(t *testing.T) {
	b := newBench(t)
	b.begin(t)
	b.advance(31 * time.Minute)
	b.begin(t)
	if err := b.Sweep(t.Context()); err != nil || b.store.count() != 1 {
		t.Errorf("%d left, %v", b.store.count(), err)
	}
}

// TestWhatAPageAsksForByItselfKeepsNoSession: it finds the session while that lives, and prolongs nothing.
func TestWhatAPageAsksForByItselfKeepsNoSession(t *testing.T) {
	b := newBench(t)
	c := b.begin(t)
	alone := func() error {
		_, _, err := b.findIn(session.Passive(request(c)))
		return err
	}
	for range 3 {
		b.advance(10 * time.Minute)
		if err := alone(); err != nil {
			t.Fatal(err)
		}
	}
	if got := b.store.row(t).SeenAt; !got.Equal(begin) {
		t.Errorf("it counts as used at %s", got)
	}
	b.advance(time.Second)
	wantNone(t, "idle", nil, alone())
	if b.store.count() != 0 {
		t.Error("it is still stored")
	}
	c = b.begin(t)
	b.okta.answers(func(string) (*iam.Grant, error) {
		t.Error("the token is renewed for nobody")
		return nil, iam.ErrGrantEnded
	})
	for range 3 {
		b.advance(19*time.Minute + 30*time.Second)
		if _, _, err := b.find(c); err != nil { // used, before the token is due
			t.Fatal(err)
		}
	}
	if b.advance(time.Minute); alone() != nil { // due, and alive
		t.Error("a live session is none")
	}
	b.advance(30 * time.Second)
	wantNone(t, "its token ended", nil, alone())
	if b.store.count() != 1 {
		t.Error("its owner could have renewed it")
	}
}
