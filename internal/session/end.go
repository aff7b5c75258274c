package session

import (
	"context"
	"fmt"
	"net/http"

	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
)

// End ends the request's session, if there is one, and clears the cookie. It returns the ID token, by which the sign-in
// at the identity provider can be ended too.
func (m *Manager) End(w http.ResponseWriter, r *http.Request) (idToken string, err error) {
	defer func() {
		if err == nil { // else the session lives on, and its owner must be able to try again
			m.setCookie(w, "", -1)
		}
	}()
	value := m.cookie(r)
	if value == "" {
		return "", nil
	}
	s, err := m.lookup(r.Context(), hash(value))
	if err != nil {
		if fault.Unauthenticated.Is(err) {
			return "", nil
		}
		return "", err
	}
	return s.tokens.ID, m.Revoke(r.Context(), &s.Record, "signed out")
}

// Revoke deletes a session. why is recorded.
func (m *Manager) Revoke(ctx context.Context, r *Record, why string) error {
	deleted, err := m.Store.DeleteSession(ctx, r.Ref)
	m.forget(r)
	if err != nil { // it lives on, here too: whoever ends it once more must find it
		return fault.Unavailable.New("the session can't be ended at the moment; try again").Because(err)
	}
	m.ended.add(r.Ref, m.Now())
	if deleted != nil { // not r: it may have been refreshed since that was read
		m.forget(deleted)
		m.handBack(deleted)
		m.recordEnd(ctx, deleted, why)
	}
	return nil
}

func (m *Manager) recordEnd(ctx context.Context, r *Record, why string) {
	m.History.Record(ctx, history.Entry{
		Action: history.Deleted, EntityType: history.STSSession, EntityID: r.Ref, Name: r.Principal.DisplayName(),
		Source: history.SourceSTS, User: r.Principal.Subject, Metadata: history.Details(map[string]string{"why": why}),
	})
}

// RevokeRef ends a session by its name.
func (m *Manager) RevokeRef(ctx context.Context, ref, why string) error {
	return m.Revoke(ctx, &Record{Ref: ref}, why)
}

// Sweep removes sessions that have ended. It is to be called now and then.
func (m *Manager) Sweep(ctx context.Context) error {
	if !m.clockIsRight() {
		return nil
	}
	now := m.Now()
	removed, err := m.Store.DeleteSessionsBefore(ctx, now, now.Add(-m.Idle))
	if err != nil {
		return fmt.Errorf("remove ended sessions: %w", err)
	}
	m.Ended(removed)
	return nil
}

func (m *Manager) clockIsRight() bool { return m.ClockIsRight == nil || m.ClockIsRight() }
