package session

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/iam"
)

// refreshed returns the session with a fresh principal, or as it was while its token still lives and the IAM is away.
func (m *Manager) refreshed(ctx context.Context, s *Session) (*Session, error) {
	now := m.Now()
	alive := now.Before(s.Principal.NotAfter)
	wait := s.retryAt.Sub(now)
	if waits := wait > 0 && wait <= refreshRetry; waits || s.tokens.Refresh == "" { // longer, it is of a clock that was set since
		if alive {
			return s, nil
		}
		if s.tokens.Refresh != "" {
			return nil, fault.Unavailable.New("the sign-in can't be renewed at the moment; try again")
		}
		if err := m.Revoke(ctx, &s.Record, "its token ended, and there was no refresh token"); err != nil {
			return nil, err
		}
		return nil, errNone
	}
	fresh, err, _ := m.refresh.Do(s.Ref, func() (any, error) {
		// The others wait for this one: it must not end with the first one's connection.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshWithin)
		defer cancel()
		return m.refreshOnce(ctx, s)
	})
	if err != nil {
		if alive && !fault.Unauthenticated.Is(err) {
			return s, nil
		}
		return nil, err
	}
	return fresh.(*Session), nil
}

func (m *Manager) refreshOnce(ctx context.Context, s *Session) (*Session, error) {
	s, mine, err := m.claim(ctx, s)
	if err != nil || !mine {
		return s, err
	}
	grant, err := m.Refresher.Refresh(ctx, s.tokens.Refresh, s.tokens.ID)
	if err != nil {
		if grant != nil {
			s = m.keepTokens(ctx, s, grant)
		}
		if faster, ok := m.refreshedElsewhere(ctx, s); ok && errors.Is(err, iam.ErrGrantEnded) {
			m.noteRefresh("elsewhere")
			return faster, nil
		}
		return nil, m.refreshFailed(ctx, s, err)
	}
	next := *s
	next.Principal = *grant.Principal
	// A refresh is no sign-in, whatever the refreshed token says or leaves out: nobody's sign-in gets younger or stronger by it.
	next.Principal.SignIn = s.Principal.SignIn
	if next.Principal.GivenName == "" && next.Principal.FamilyName == "" {
		next.Principal.GivenName, next.Principal.FamilyName = s.Principal.GivenName, s.Principal.FamilyName
	}
	if next.Principal.Issuer != s.Principal.Issuer || next.Principal.Subject != s.Principal.Subject {
		return nil, m.refreshFailed(ctx, s, errors.Join(iam.ErrGrantEnded, errors.New("the refreshed token is about somebody else")))
	}
	next.take(grant)
	next.mustReissue = ""
	if !slices.Equal(s.Principal.IAMRoles, next.Principal.IAMRoles) {
		m.renewID(&next) // other rights, another id
	}
	saved, err := m.saveRefreshed(ctx, s, &next)
	if err != nil {
		return nil, err
	}
	m.see(ctx, &saved.Principal, grant.Identity)
	m.noteRefresh("renewed")
	return saved, nil
}

func (m *Manager) noteRefresh(result string) {
	if m.Refreshed != nil {
		m.Refreshed(result)
	}
}

// take keeps the tokens that a refresh brought; what it did not bring stays.
func (s *Session) take(grant *iam.Grant) {
	if grant.RefreshToken != "" {
		s.tokens.Refresh = grant.RefreshToken
	}
	if grant.IDToken != "" {
		s.tokens.ID = grant.IDToken
	}
	if known := grant.Identity; known.Subject != "" {
		s.IDSubject = known.Subject
	}
	if known := grant.Identity; known.Session != "" {
		s.SID = known.Session
	}
}

// keepTokens stores the tokens of a refresh that stopped half-way: the refresh token of before may count no more. The
// principal stays, and ends when it would have.
func (m *Manager) keepTokens(ctx context.Context, s *Session, grant *iam.Grant) *Session {
	next := *s
	next.take(grant)
	next.mustReissue = ""
	saved, err := m.saveRefreshed(ctx, s, &next)
	if err != nil {
		m.Logger.WarnContext(ctx, "the tokens of a refresh could not be kept", "session", s.Ref, "error", err)
		return s
	}
	return saved
}

func (m *Manager) saveRefreshed(ctx context.Context, s, next *Session) (*Session, error) {
	saved, err := m.save(ctx, next)
	if fault.LostUpdate.Is(err) {
		saved, err = m.saveUpon(ctx, s, next)
	}
	if fault.Unauthenticated.Is(err) { // it was ended meanwhile, with the refresh token of before
		m.handBack(&next.Record)
	}
	return saved, err
}

// claim makes one of several replicas the one that refreshes: a refresh token may count once. It stores that, so no token
// is spent while the store can't keep the next one. Where another one was faster it returns the session as that one left
// it, and waits for it only when the token that we have counts no more.
func (m *Manager) claim(ctx context.Context, s *Session) (_ *Session, mine bool, err error) {
	patience := time.After(refreshRetry)
	for {
		record, found, err := m.Store.GetSession(ctx, s.Hash, m.Now())
		switch {
		case err != nil:
			return nil, false, fault.Unavailable.New("sessions can't be read at the moment; try again").Because(err)
		case !found:
			return nil, false, errNone
		case record.Version != s.Version:
			m.forget(&s.Record)
			if s, err = m.lookup(ctx, s.Hash); err != nil || !m.due(s) {
				return s, false, err
			}
			record = s.Record
		}
		now := m.Now()
		// Somebody may be at it, whose clock is a little ahead; by one that was wrong nobody is kept waiting.
		if since := now.Sub(record.SeenAt); since > -clockSlack && since < refreshRetry {
			if now.Before(s.Principal.NotAfter) {
				return s, false, nil
			}
			select {
			case <-time.After(refreshPoll):
				continue
			case <-patience: // they gave up
			}
		}
		next := *s
		next.SeenAt = now
		updated, err := m.update(ctx, &next)
		if err != nil {
			m.postpone(s)
			return nil, false, fault.Unavailable.New("the session can't be stored at the moment; try again").Because(err)
		}
		if updated {
			next.Version++
			m.keep(&next, now)
			return &next, true, nil
		}
	}
}

// due tells whether the token behind the principal is about to end.
func (m *Manager) due(s *Session) bool { return s.Principal.NotAfter.Sub(m.Now()) < refreshEarly }

// refreshedElsewhere returns the session if another replica changed it while we asked the identity provider: where a
// refresh token counts once, theirs was the one that counted, and the refusal that we got ends nothing.
func (m *Manager) refreshedElsewhere(ctx context.Context, s *Session) (*Session, bool) {
	record, found, err := m.Store.GetSession(ctx, s.Hash, m.Now())
	if err != nil || !found || record.Version == s.Version || m.sameTokens(record, s) {
		return nil, false
	}
	m.forget(&s.Record)
	faster, err := m.lookup(ctx, s.Hash)
	return faster, err == nil
}

// saveUpon stores a refreshed session after somebody else changed it meanwhile. What they changed stays; the tokens are
// ours, unless they refreshed too: a refresh token may count once, so ours must not be lost.
func (m *Manager) saveUpon(ctx context.Context, s, next *Session) (*Session, error) {
	record, found, err := m.Store.GetSession(ctx, s.Hash, m.Now())
	switch {
	case err != nil:
		return nil, fault.Unavailable.New("sessions can't be read at the moment; try again").Because(err)
	case !found:
		return nil, errNone
	case !m.sameTokens(record, s):
		return m.lookup(ctx, s.Hash)
	}
	merged := *next
	merged.Record = record
	merged.Principal, merged.mustReissue = next.Principal, ""
	merged.IDSubject, merged.SID = next.IDSubject, next.SID
	if record.Principal.NotAfter.Before(s.Principal.NotAfter) { // they had it expire, while ours may have been asked for before
		merged.Principal.NotAfter = record.Principal.NotAfter
	}
	if next.Hash != s.Hash { // their id is new, but other rights want another one
		m.renewID(&merged)
	}
	return m.save(ctx, &merged)
}

// sameTokens compares what is sealed, since the same tokens are sealed anew with every write.
func (m *Manager) sameTokens(r Record, s *Session) bool {
	theirs, err := m.open(r)
	return err == nil && theirs == s.tokens
}

func (m *Manager) refreshFailed(ctx context.Context, s *Session, err error) error {
	if errors.Is(err, iam.ErrGrantEnded) || fault.Unauthenticated.Is(err) {
		m.noteRefresh("ended")
		m.Logger.InfoContext(ctx, "session ended by the identity provider", "session", s.Ref, "error", err)
		if err := m.Revoke(ctx, &s.Record, "ended by the identity provider"); err != nil {
			return err
		}
		return errNone
	}
	m.noteRefresh("failed")
	m.Logger.WarnContext(ctx, "session could not be refreshed", "session", s.Ref, "error", err)
	m.postpone(s)
	return fault.Unavailable.New("the identity provider can't be reached to renew the sign-in; try again in a moment").Because(err)
}

// postpone keeps the session as it is, and whoever comes next from trying to refresh it at once.
func (m *Manager) postpone(s *Session) {
	m.amend(s, func(waiting *Session) { waiting.retryAt = m.Now().Add(refreshRetry) })
}
