package session_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/iam"
	"github.com/portico-iam/portico/internal/seal"
	"github.com/portico-iam/portico/internal/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var begin = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// memory is a store that may be away.
type memory struct {
	mu      sync.Mutex
	rows    map[string]session.Record // by ref
	flows   map[string]string
	people  []session.Person
	entries []history.Entry
	away    error
	gets    int
	onGet   func() // after a row was read, outside the lock
}

func (s *memory) InsertSession(_ context.Context, r session.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away == nil {
		s.rows[r.Ref] = r
	}
	return s.away
}

func (s *memory) GetSession(_ context.Context, hash string, now time.Time) (session.Record, bool, error) {
	s.mu.Lock()
	s.gets++
	var found *session.Record
	for _, r := range s.rows {
		if r.Hash == hash || r.PreviousHash == hash && now.Before(r.PreviousUntil) {
			found = &r
		}
	}
	away, hook := s.away, s.onGet
	s.mu.Unlock()
	if hook != nil {
		hook()
	}
	if found == nil || away != nil {
		return session.Record{}, false, away
	}
	return *found, true, nil
}

func (s *memory) UpdateSession(_ context.Context, r session.Record) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away != nil || s.rows[r.Ref].Version != r.Version {
		return false, s.away
	}
	r.Version++
	s.rows[r.Ref] = r
	return true, nil
}

func (s *memory) TouchSession(_ context.Context, ref string, seen time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.rows[ref]; ok && s.away == nil {
		r.SeenAt = seen
		s.rows[ref] = r
	}
	return s.away
}

func (s *memory) DeleteSession(_ context.Context, ref string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away != nil {
		return false, s.away
	}
	_, ok := s.rows[ref]
	delete(s.rows, ref)
	return ok, nil
}

func (s *memory) DeleteSessionsBefore(_ context.Context, now, idleSince time.Time) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ref, r := range s.rows {
		if r.EndsAt.Before(now) || r.SeenAt.Before(idleSince) {
			delete(s.rows, ref)
			n++
		}
	}
	return n, s.away
}

func (s *memory) UseFlow(_ context.Context, flow, ref string, _ time.Time) (bool, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if first, used := s.flows[flow]; used {
		return false, first, s.away
	}
	s.flows[flow] = ref
	return true, "", s.away
}

func (s *memory) SeePerson(_ context.Context, p session.Person) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.people = append(s.people, p)
	return s.away
}

func (s *memory) PeopleSeen(context.Context, time.Time, int) ([]session.Person, error) {
	return s.people, s.away
}

func (s *memory) AppendHistory(_ context.Context, e history.Entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries = append(s.entries, e)
	return nil
}

func (s *memory) ListHistory(context.Context, history.Filter) ([]history.Entry, int, error) {
	return nil, 0, nil
}

func (s *memory) GetHistory(context.Context, string) (history.Entry, bool, error) {
	return history.Entry{}, false, nil
}

func (s *memory) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = err
}

func (s *memory) row(t *testing.T) session.Record {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.rows) != 1 {
		t.Fatalf("%d sessions are stored", len(s.rows))
	}
	for _, r := range s.rows {
		return r
	}
	panic("unreachable")
}

func (s *memory) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.rows)
}

// okta is the refresh end of the identity provider.
type okta struct {
	calls  atomic.Int64
	answer atomic.Pointer[func(token string) (*iam.Grant, error)]
}

func (o *okta) Refresh(_ context.Context, token string) (*iam.Grant, error) {
	o.calls.Add(1)
	return (*o.answer.Load())(token)
}

func (o *okta) answers(f func(token string) (*iam.Grant, error)) { o.answer.Store(&f) }

type bench struct {
	*session.Manager
	store *memory
	okta  *okta
	now   atomic.Int64
	key   seal.Key
}

func newBench(t *testing.T) *bench {
	b := &bench{store: &memory{rows: map[string]session.Record{}, flows: map[string]string{}}, okta: &okta{}, key: seal.RandomKey()}
	b.now.Store(begin.UnixNano())
	b.okta.answers(func(string) (*iam.Grant, error) { return b.grant("refresh-2", "Acme Issuance"), nil })
	b.Manager = b.replica()
	return b
}

// replica is another process on the same store.
func (b *bench) replica() *session.Manager {
	logger := slog.New(slog.NewTextHandler(io.Discard, nil))
	return session.New(session.Config{
		Store: b.store, Box: b.key.Box("session"), Refresher: b.okta,
		History: &history.Recorder{Store: b.store, Now: b.Now, Logger: logger},
		Idle:    30 * time.Minute, Absolute: 8 * time.Hour, Recheck: time.Minute, Secure: true, Now: b.Now, Logger: logger,
	})
}

func (b *bench) Now() time.Time          { return time.Unix(0, b.now.Load()).UTC() }
func (b *bench) advance(d time.Duration) { b.now.Add(int64(d)) }

// grant lives for an hour from now.
func (b *bench) grant(refresh string, roles ...string) *iam.Grant {
	return &iam.Grant{
		Principal: &access.Principal{
			Issuer: "https://acme.okta.test", Subject: "ivan@acme.test", IAMRoles: roles, GivenName: "Ivan", FamilyName: "Issuer",
			NotAfter: b.Now().Add(time.Hour),
		},
		RefreshToken: refresh, IDToken: "the-id-token",
	}
}

func request(cookies ...*http.Cookie) *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	return r
}

func (b *bench) begin(t *testing.T, cookies ...*http.Cookie) *http.Cookie {
	t.Helper()
	w := httptest.NewRecorder()
	if _, err := b.Begin(w, request(cookies...), session.NewRef(), b.grant("refresh-1", "Acme Issuance")); err != nil {
		t.Fatal(err)
	}
	return cookieOf(t, w)
}

func cookieOf(t *testing.T, w *httptest.ResponseRecorder) *http.Cookie {
	t.Helper()
	set := w.Result().Cookies()
	if len(set) != 1 {
		t.Fatalf("%d cookies were set", len(set))
	}
	return set[0]
}

func (b *bench) find(c ...*http.Cookie) (*session.Session, *httptest.ResponseRecorder, error) {
	w := httptest.NewRecorder()
	s, err := b.Find(w, request(c...))
	return s, w, err
}

func wantNone(t *testing.T, rule string, s *session.Session, err error) {
	t.Helper()
	if s != nil || !fault.Unauthenticated.Is(err) {
		t.Errorf("%s: got %v, %v", rule, s, err)
	}
}

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

// untilDue moves to where the access token is due for a refresh; the session was used meanwhile.
func (b *bench) untilDue(t *testing.T, c *http.Cookie) {
	t.Helper()
	b.advance(29*time.Minute + 30*time.Second)
	if _, _, err := b.find(c); err != nil {
		t.Fatal(err)
	}
	b.advance(30 * time.Minute)
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
