package session_test

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/iam"
	"github.com/portico-iam/portico/internal/seal"
	"github.com/portico-iam/portico/internal/session"
)

// memory is a store that may be away.
type memory struct {
	mu      sync.Mutex
	rows    map[string]session.Record // by ref
	flows   map[string]string
	people  []session.Person
	entries []history.Entry
	away    error
	full    error // of writes
	gets    int
	touches int
	onGet   func() // after a row was read, outside the lock
}

func (s *memory) BeginSession(_ context.Context, r session.Record, p session.Person, e history.Entry, _ int) ([]session.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away == nil {
		s.rows[r.Ref] = r
		s.people, s.entries = append(s.people, p), append(s.entries, e)
	}
	return nil, s.away
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
	if err := cmp.Or(s.away, s.full); err != nil || s.rows[r.Ref].Version != r.Version {
		return false, err
	}
	r.Version++
	s.rows[r.Ref] = r
	return true, nil
}

func (s *memory) TouchSession(_ context.Context, ref string, seen time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.touches++
	err := cmp.Or(s.away, s.full)
	if r, ok := s.rows[ref]; ok && err == nil {
		r.SeenAt = seen
		s.rows[ref] = r
	}
	return err
}

func (s *memory) DeleteSession(_ context.Context, ref string) (*session.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.rows[ref]
	if s.away != nil || !ok {
		return nil, s.away
	}
	delete(s.rows, ref)
	return &r, nil
}

func (s *memory) DeleteSessionsBefore(_ context.Context, now, idleSince time.Time) (removed []session.Record, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ref, r := range s.rows {
		if r.EndsAt.Before(now) || r.SeenAt.Before(idleSince) {
			delete(s.rows, ref)
			removed = append(removed, r)
		}
	}
	return removed, s.away
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

func (s *memory) failWrites(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.full = err
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
	mu     sync.Mutex
	back   []string // the refresh tokens that were handed back
	answer atomic.Pointer[func(token string) (*iam.Grant, error)]
}

func (o *okta) Refresh(_ context.Context, token, _ string) (*iam.Grant, error) {
	o.calls.Add(1)
	return (*o.answer.Load())(token)
}

func (o *okta) Revoke(_ context.Context, token string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.back = append(o.back, token)
	return nil
}

func (o *okta) answers(f func(token string) (*iam.Grant, error)) { o.answer.Store(&f) }

type bench struct {
	*session.Manager
	kept  kept
	store *memory // the same, where it is one
	okta  *okta
	now   atomic.Int64
	key   seal.Key
}

// kept is a store for all that sessions write.
type kept interface {
	session.Store
	history.Store
}

func newBench(testing.TB) *bench {
	store := &memory{rows: map[string]session.Record{}, flows: map[string]string{}}
	b := benchOn(store)
	b.store = store
	return b
}

func benchOn(store kept) *bench {
	b := &bench{kept: store, okta: &okta{}, key: seal.RandomKey()}
	b.now.Store(begin.UnixNano())
	b.okta.answers(func(string) (*iam.Grant, error) { return b.grant("refresh-2", "Acme Issuance"), nil })
	b.Manager = b.replica()
	return b
}

// replica is another process on the same store.
func (b *bench) replica() *session.Manager {
	logger := slog.New(slog.NewTextHandler(io.Discard, nil))
	return session.New(session.Config{
		Store: b.kept, Box: b.key.Box("session"), Refresher: b.okta,
		History: &history.Recorder{Store: b.kept, Now: b.Now, Logger: logger},
		Idle:    30 * time.Minute, Absolute: 8 * time.Hour, Recheck: time.Minute, Secure: true, Now: b.Now, Logger: logger,
	})
}

func (b *bench) Now() time.Time { return time.Unix(0, b.now.Load()).UTC() }

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

func (b *bench) begin(t testing.TB, cookies ...*http.Cookie) *http.Cookie {
	t.Helper()
	w := httptest.NewRecorder()
	if _, err := b.Begin(w, request(cookies...), session.NewRef(), b.grant("refresh-1", "Acme Issuance")); err != nil {
		t.Fatal(err)
	}
	return cookieOf(t, w)
}

func cookieOf(t testing.TB, w *httptest.ResponseRecorder) *http.Cookie {
	t.Helper()
	set := w.Result().Cookies()
	if len(set) != 1 {
		t.Fatalf("%d cookies were set", len(set))
	}
	return set[0]
}

func (b *bench) find(c ...*http.Cookie) (*session.Session, *httptest.ResponseRecorder, error) {
	return b.findIn(request(c...))
}

func (b *bench) findIn(r *http.Request) (*session.Session, *httptest.ResponseRecorder, error) {
	w := httptest.NewRecorder()
	s, err := b.Find(w, r)
	return s, w, err
}

func wantNone(t *testing.T, rule string, s *session.Session, err error) {
	t.Helper()
	if s != nil || !fault.Unauthenticated.Is(err) {
		t.Errorf("%s: got %v, %v", rule, s, err)
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
