package session

import (
	"context"
	"encoding/json"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/portico-iam/portico/internal/fault"
)

type cached struct {
	session  *Session
	loadedAt time.Time // no later than it was read
}

func (m *Manager) lookup(ctx context.Context, key string) (*Session, error) {
	s, err := m.lookupAny(ctx, key)
	if err != nil {
		return nil, err
	}
	if m.isOver(s) {
		return nil, errNone
	}
	return s, nil
}

// isOver tells whether the session was ended or revoked, whatever was read of it before.
func (m *Manager) isOver(s *Session) bool {
	return m.ended.has(s.Ref) || m.Revoked != nil && m.Revoked.EndedFor(s.Principal.Issuer, s.Principal.Subject, s.CreatedAt)
}

func (m *Manager) lookupAny(ctx context.Context, key string) (*Session, error) {
	now := m.Now()
	s := m.remembered(key, now, m.Recheck)
	if m.Looked != nil {
		m.Looked(s != nil)
	}
	if s != nil {
		return s, nil
	}
	record, found, err := m.Store.GetSession(ctx, key, now)
	if err != nil {
		if s := m.remembered(key, now, m.Recheck+m.Patience); s != nil {
			return s, nil
		}
		return nil, fault.Unavailable.New("sessions can't be read at the moment; try again").Because(err)
	}
	if !found {
		m.cache.Invalidate(key)
		return nil, errNone
	}
	s = &Session{Record: record}
	s.tokens, err = m.open(record)
	if c, ok := m.cache.GetIfPresent(record.Hash); ok && c.session.Version == record.Version {
		s.retryAt, s.mustReissue = c.session.retryAt, c.session.mustReissue
		s.tokens, err = c.session.tokens, nil // the same ones, though they may be sealed by a key that is not here by now
	}
	if err != nil {
		// The key-encryption key was changed, or somebody wrote to the store. No later request will fare better, so this
		// is no session, and its owner signs in anew.
		m.Logger.ErrorContext(ctx, "a session can't be read and counts as none", "session", record.Ref, "error", err)
		return nil, errNone
	}
	m.keepAs(key, s, now)
	return s, nil
}

// remembered returns what is known of a session by that cookie, if it was read no longer ago than that; else nil.
func (m *Manager) remembered(key string, now time.Time, within time.Duration) *Session {
	c, ok := m.cache.GetIfPresent(key)
	if !ok || now.Sub(c.loadedAt) >= within || !c.session.answersTo(key, now) || m.elsewhere.outdated(key, c.loadedAt) {
		return nil
	}
	return c.session
}

func (s *Session) answersTo(key string, now time.Time) bool {
	return s.Hash == key || s.PreviousHash == key && now.Before(s.PreviousUntil)
}

// keep remembers a session as it was read, or written, after readAt.
func (m *Manager) keep(s *Session, readAt time.Time) { m.keepAs(s.Hash, s, readAt) }

func (m *Manager) keepAs(key string, s *Session, readAt time.Time) {
	m.cache.Set(key, &cached{session: s, loadedAt: readAt})
}

func (m *Manager) forget(r *Record) {
	m.cache.Invalidate(r.Hash)
	if r.PreviousHash != "" {
		m.cache.Invalidate(r.PreviousHash)
	}
}

// amend changes what is remembered of a session, and not when it was read.
func (m *Manager) amend(s *Session, change func(*Session)) {
	m.cache.ComputeIfPresent(s.Hash, func(old *cached) (*cached, otter.ComputeOp) {
		if old.session.Version != s.Version {
			return old, otter.CancelOp // somebody else's is newer
		}
		amended := *old.session
		change(&amended)
		return &cached{session: &amended, loadedAt: old.loadedAt}, otter.WriteOp
	})
}

func (m *Manager) open(r Record) (t tokens, err error) {
	plain, err := m.Box.Open(r.Sealed, r.Ref)
	if err != nil {
		return tokens{}, err
	}
	return t, json.Unmarshal(plain, &t)
}

func (m *Manager) seal(s *Session) []byte {
	plain, _ := json.Marshal(s.tokens) // strings always marshal
	return m.Box.Seal(plain, s.Ref)
}
