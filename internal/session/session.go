package session

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/google/uuid"
	"github.com/maypok86/otter/v2"
	"golang.org/x/sync/singleflight"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/iam"
	"github.com/portico-iam/portico/internal/seal"
)

const (
	maxCached    = 20_000
	touchEvery   = time.Minute
	touchWithin  = 2 * time.Second  // no request waits longer for it
	previousFor  = 30 * time.Second // requests under way when the id changed
	refreshEarly = time.Minute
	refreshRetry = 5 * time.Second // after a failure that may pass
	refreshPoll  = 50 * time.Millisecond
	clockSlack   = time.Minute // replicas' clocks are no further apart

	refreshWithin = 30 * time.Second
)

// Refresher exchanges a refresh token; idToken is the last ID token of the sign-in. A grant beside an error has tokens to
// keep, but no principal.
type Refresher interface {
	Refresh(ctx context.Context, refreshToken, idToken string) (*iam.Grant, error)
	// Revoke hands a refresh token back that is not needed any more.
	Revoke(ctx context.Context, refreshToken string) error
}

// Revocations tell whose sessions count no more, by when they began. The person's own row may have escaped: it was
// stored while the others were removed.
type Revocations interface {
	EndedFor(issuer, subject string, begun time.Time) bool
}

// Config is what a Manager needs.
type Config struct {
	Store     Store
	Box       *seal.Box
	Refresher Refresher
	Revoked   Revocations // nil: nobody is revoked
	History   *history.Recorder
	Idle      time.Duration
	Absolute  time.Duration
	Recheck   time.Duration // how long a session found is believed without asking the store again
	Patience  time.Duration // how much longer it is, while the store does not answer
	// Current refuses while this replica does not know what others have revoked, and ClockIsRight tells whether by its clock anything
	// may be ended; nil: always.
	Current      func() error
	ClockIsRight func() bool
	Secure       bool // the public address is https
	PerPerson    int  // sessions; the one used longest ago ends when there are more. 0: no limit
	// The address of whoever signs in is kept with the session and in the history, as these proxies tell it.
	RecordAddress  bool
	TrustedProxies []netip.Prefix
	// Looked is told whether a session was remembered, Refreshed of how a refresh ended; nil: nobody is.
	Looked    func(found bool)
	Refreshed func(result string)
	Now       func() time.Time
	Logger    *slog.Logger
}

// Manager finds, begins and ends sessions.
type Manager struct {
	Config
	cache *otter.Cache[string, *cached] // by hash
	ended *ended

	elsewhere elsewhere
	refresh   singleflight.Group
	handing   handing
}

// Session is a live session. It is not changed once made: a change makes another.
type Session struct {
	Record
	tokens      tokens
	retryAt     time.Time // no refresh before
	mustReissue string    // a new cookie value that the next answer must set
}

// tokens are the IAM's, sealed at rest. The access token is not kept: what it said is the principal.
type tokens struct {
	Refresh string `json:"refresh,omitempty"`
	ID      string `json:"id,omitempty"`
}

// New returns a manager.
func New(cfg Config) *Manager {
	remember := 2*(cfg.Recheck+cfg.Patience) + time.Minute
	return &Manager{
		Config:    cfg,
		cache:     otter.Must(&otter.Options[string, *cached]{MaximumSize: maxCached}),
		ended:     newEnded(remember),
		elsewhere: elsewhere{changed: newEnded(remember)},
	}
}

// CookieName is the name of the session cookie. The prefix binds it to this host and to TLS (RFC 6265bis section 4.1.3).
func (m *Manager) CookieName() string {
	if m.Secure {
		return "__Host-portico"
	}
	return "portico_session"
}

func (m *Manager) setCookie(w http.ResponseWriter, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: m.CookieName(), Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: m.Secure, SameSite: http.SameSiteLaxMode,
	})
}

// NewRef returns the name of a session that is about to begin.
func NewRef() string { return uuid.NewString() }

// ClaimFlow marks a sign-in as used by the session ref. It returns false when it already was, with the name of the
// session that the first use began.
func (m *Manager) ClaimFlow(ctx context.Context, flow, ref string, until time.Time) (fresh bool, first string, err error) {
	return m.Store.UseFlow(ctx, hash(flow), ref, until)
}

// Begin starts a session for what a sign-in brought, and sets its cookie. A session that the browser already had ends; the same
// person goes on in the organisation in which they were.
func (m *Manager) Begin(w http.ResponseWriter, r *http.Request, ref string, grant *iam.Grant) (*Session, error) {
	ctx := r.Context()
	if m.Current != nil { // whoever was sent away must not begin anew before that is known here
		if err := m.Current(); err != nil {
			return nil, err
		}
	}
	active := access.System
	if old := m.cookie(r); old != "" {
		if s, err := m.lookup(ctx, hash(old)); err == nil {
			if s.Principal.Issuer == grant.Principal.Issuer && s.Principal.Subject == grant.Principal.Subject {
				active = s.ActiveOrganisation
			}
			if err := m.Revoke(ctx, &s.Record, "signed in anew"); err != nil {
				return nil, err
			}
		}
	}
	value, now := randomValue(), m.Now()
	s := &Session{
		Record: Record{
			Ref: ref, Hash: hash(value), Principal: *grant.Principal, ActiveOrganisation: active,
			CreatedAt: now, SeenAt: now, EndsAt: now.Add(m.Absolute), Version: 1, From: m.From(r),
			IDSubject: grant.Identity.Subject, SID: grant.Identity.Session,
		},
		tokens: tokens{Refresh: grant.RefreshToken, ID: grant.IDToken},
	}
	if end := grant.Principal.NotAfter; grant.RefreshToken == "" && end.Before(s.EndsAt) {
		s.EndsAt = end // it can't be renewed
	}
	s.Sealed = m.seal(s)
	entry := m.History.New(history.Entry{
		Action: history.Created, EntityType: history.STSSession, EntityID: s.Ref, Name: s.Principal.DisplayName(),
		Source: history.SourceSTS, User: s.Principal.Subject,
		Metadata: history.Details(s.From.Details(map[string]any{"issuer": s.Principal.Issuer, "iamRoles": s.Principal.IAMRoles, "odd": s.Principal.Odd})),
	})
	over, err := m.Store.BeginSession(ctx, s.Record, m.seen(&s.Principal, grant.Identity), entry, m.PerPerson)
	if err != nil {
		return nil, fault.Unavailable.New("the session can't be stored at the moment; try again").Because(err)
	}
	m.Ended(over)
	for i := range over {
		m.recordEnd(ctx, &over[i], fmt.Sprintf("signed in elsewhere: at most %d sessions of one person", m.PerPerson))
	}
	m.keep(s, now)
	m.setCookie(w, value, 0)
	return s, nil
}

var errNone = fault.Unauthenticated.New("there is no session: sign in")

type passive struct{}

// Passive marks a request that a page makes by itself, so that nobody need be there: it does not count as a use of the session, nor
// renew its token. When that has ended, the session is none to it until somebody uses it.
func Passive(r *http.Request) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), passive{}, true))
}

// Find returns the session of the request's cookie. Without a live one the error is fault.Unauthenticated; a store that
// can't answer is fault.Unavailable, never a session.
func (m *Manager) Find(w http.ResponseWriter, r *http.Request) (*Session, error) {
	value := m.cookie(r)
	if value == "" {
		return nil, errNone
	}
	key := hash(value)
	s, err := m.lookup(r.Context(), key)
	if err != nil {
		return nil, err
	}
	now := m.Now()
	if now.Sub(s.SeenAt) > m.Idle { // another replica may have seen it since
		m.cache.Invalidate(key)
		if s, err = m.lookup(r.Context(), key); err != nil {
			return nil, err
		}
	}
	if !now.Before(s.EndsAt) || now.Sub(s.SeenAt) > m.Idle {
		if !m.clockIsRight() { // it is nobody's here, and may be somebody's by the others' clocks
			return nil, errNone
		}
		if err := m.Revoke(r.Context(), &s.Record, "expired"); err != nil {
			return nil, err
		}
		return nil, errNone
	}
	if r.Context().Value(passive{}) != nil {
		if !now.Before(s.Principal.NotAfter) {
			return nil, errNone
		}
		return s, nil
	}
	if m.due(s) {
		if s, err = m.refreshed(r.Context(), s); err != nil {
			return nil, err
		}
		if m.isOver(s) { // meanwhile: that may have taken long
			return nil, errNone
		}
		// Only who was under way when the id changed learns the new one. Whoever comes later with the old id is let in for
		// a moment, but may be its thief, and so is not given the new one.
		if s.mustReissue != "" && s.Hash != key {
			m.setCookie(w, s.mustReissue, 0)
		}
	}
	m.touch(r.Context(), s, now)
	return s, nil
}

// cookie returns the one well-formed session cookie. Two of them are none: somebody planted one.
func (m *Manager) cookie(r *http.Request) string {
	cookies := r.CookiesNamed(m.CookieName())
	if len(cookies) != 1 {
		return ""
	}
	value := cookies[0].Value
	if b, err := base64.RawURLEncoding.Strict().DecodeString(value); err != nil || len(b) != 32 {
		return ""
	}
	return value
}

// touch notes that the session is in use, to within a minute. A store that can't note it keeps nobody from working, nor
// waiting for long: it is asked again in a minute.
func (m *Manager) touch(ctx context.Context, s *Session, now time.Time) {
	if now.Sub(s.SeenAt) < touchEvery {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, touchWithin)
	defer cancel()
	if err := m.Store.TouchSession(ctx, s.Ref, now); err != nil {
		m.Logger.WarnContext(ctx, "session use not noted", "session", s.Ref, "error", err)
	}
	m.amend(s, func(seen *Session) { seen.SeenAt = now })
}

func (m *Manager) see(ctx context.Context, p *access.Principal, known iam.Identity) {
	if err := m.Store.SeePerson(ctx, m.seen(p, known)); err != nil {
		m.Logger.WarnContext(ctx, "person seen not noted", "error", err)
	}
}

// seen is somebody as they are now.
func (m *Manager) seen(p *access.Principal, known iam.Identity) Person {
	return Person{
		Issuer: p.Issuer, Subject: p.Subject, GivenName: p.GivenName, FamilyName: p.FamilyName, Login: p.Login,
		IAMRoles: p.IAMRoles, SeenAt: m.Now(), IDSubject: known.Subject, Username: known.Username, Email: known.Email,
	}
}

// renewID gives the session a new cookie value; the old one stays usable for requests under way.
func (m *Manager) renewID(s *Session) {
	value := randomValue()
	s.PreviousHash, s.PreviousUntil = s.Hash, m.Now().Add(previousFor)
	s.Hash, s.mustReissue = hash(value), value
}

// update writes a changed session if nobody else changed it meanwhile. It is sealed with every write: what was sealed a
// while ago may be under a key-encryption key that is about to go.
func (m *Manager) update(ctx context.Context, s *Session) (updated bool, err error) {
	s.Sealed = m.seal(s)
	return m.Store.UpdateSession(ctx, s.Record)
}

// save stores a changed session if nobody else changed it meanwhile.
func (m *Manager) save(ctx context.Context, s *Session) (*Session, error) {
	began := m.Now()
	updated, err := m.update(ctx, s)
	if err != nil {
		return nil, fault.Unavailable.New("the session can't be stored at the moment; try again").Because(err)
	}
	m.forget(&s.Record)
	if !updated {
		return nil, fault.LostUpdate.New("the session was changed by another request; try again")
	}
	s.Version++
	m.keep(s, began)
	return s, nil
}

// SetOrganisation makes an organisation the session's active one and gives the session a new id.
func (m *Manager) SetOrganisation(w http.ResponseWriter, r *http.Request, s *Session, org access.OrganisationID) (*Session, error) {
	next := *s
	next.ActiveOrganisation = org
	m.renewID(&next)
	saved, err := m.save(r.Context(), &next)
	if err != nil {
		return nil, err
	}
	m.setCookie(w, saved.mustReissue, 0)
	return saved, nil
}

func randomValue() string {
	b := make([]byte, 32)
	rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

func hash(value string) string {
	sum := sha256.Sum256([]byte(value))
	return hex.EncodeToString(sum[:])
}
