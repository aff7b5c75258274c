package session

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/iam"
)

// refreshed returns the session with a fresh principal, or as it was while its token still lives and the IAM is away.
func (m *Manager) refreshed(ctx context.Context, s *Session) (*Session, error) {
	now := m.Now()
	alive := now.Before(s.Principal.NotAfter)
	if s.tokens.Refresh == "" || now.Before(s.retryAt) {
		if alive {
			return s, nil
		}
		if s.tokens.Refresh != "" {
			return nil, fault.Unavailable.New("the identity provider can't be reached to renew the sign-in; try again in a moment")
		}
		if err := m.Revoke(ctx, &s.Record, "access token expired"); err != nil {
			return nil, err
		}
		return nil, errNone
	}
	fresh, err, _ := m.refresh.Do(s.Ref, func() (any, error) {
		// The others wait for this one: it must not end with the first one's connection.
		return m.refreshOnce(context.WithoutCancel(ctx), s)
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
	// Somebody may have been faster, here or in another replica.
	record, found, err := m.Store.GetSession(ctx, s.Hash, m.Now())
	switch {
	case err != nil:
		return nil, fault.Unavailable.New("sessions can't be read at the moment; try again").Because(err)
	case !found:
		return nil, errNone
	case record.Version != s.Version:
		m.forget(&s.Record)
		return m.lookup(ctx, s.Hash)
	}
	grant, err := m.Refresher.Refresh(ctx, s.tokens.Refresh)
	if err != nil {
		if faster, ok := m.refreshedElsewhere(ctx, s); ok && errors.Is(err, iam.ErrGrantEnded) {
			return faster, nil
		}
		return nil, m.refreshFailed(ctx, s, err)
	}
	next := *s
	next.Principal = *grant.Principal
	if next.Principal.GivenName == "" && next.Principal.FamilyName == "" {
		next.Principal.GivenName, next.Principal.FamilyName = s.Principal.GivenName, s.Principal.FamilyName
	}
	if next.Principal.Issuer != s.Principal.Issuer || next.Principal.Subject != s.Principal.Subject {
		return nil, m.refreshFailed(ctx, s, errors.Join(iam.ErrGrantEnded, errors.New("the refreshed token is about somebody else")))
	}
	if grant.RefreshToken != "" {
		next.tokens.Refresh = grant.RefreshToken
	}
	if grant.IDToken != "" {
		next.tokens.ID = grant.IDToken
	}
	next.mustReissue = ""
	if !slices.Equal(s.Principal.IAMRoles, next.Principal.IAMRoles) {
		m.renewID(&next) // other rights, another id
	}
	next.Sealed = m.seal(&next)
	saved, err := m.save(ctx, &next)
	if fault.LostUpdate.Is(err) {
		saved, err = m.saveUpon(ctx, s, &next)
	}
	if err != nil {
		return nil, err
	}
	m.see(ctx, &saved.Principal)
	return saved, nil
}

// refreshedElsewhere returns the session if another replica changed it while we asked the identity provider: where a
// refresh token counts once, theirs was the one that counted, and the refusal that we got ends nothing.
func (m *Manager) refreshedElsewhere(ctx context.Context, s *Session) (*Session, bool) {
	record, found, err := m.Store.GetSession(ctx, s.Hash, m.Now())
	if err != nil || !found || record.Version == s.Version || bytes.Equal(record.Sealed, s.Sealed) {
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
	case !bytes.Equal(record.Sealed, s.Sealed):
		return m.lookup(ctx, s.Hash)
	}
	merged := *next
	merged.Record = record
	merged.Principal, merged.Sealed, merged.mustReissue = next.Principal, next.Sealed, ""
	if next.Hash != s.Hash { // their id is new, but other rights want another one
		m.renewID(&merged)
	}
	return m.save(ctx, &merged)
}

func (m *Manager) refreshFailed(ctx context.Context, s *Session, err error) error {
	if errors.Is(err, iam.ErrGrantEnded) || fault.Unauthenticated.Is(err) {
		m.Logger.InfoContext(ctx, "session ended by the identity provider", "session", s.Ref, "error", err)
		if err := m.Revoke(ctx, &s.Record, "ended by the identity provider"); err != nil {
			return err
		}
		return errNone
	}
	m.Logger.WarnContext(ctx, "session could not be refreshed", "session", s.Ref, "error", err)
	waiting := *s
	waiting.retryAt = m.Now().Add(refreshRetry)
	m.keep(&waiting)
	return fault.Unavailable.New("the identity provider can't be reached to renew the sign-in; try again in a moment").Because(err)
}
