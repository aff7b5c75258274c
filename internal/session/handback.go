package session

import (
	"context"
	"time"
)

const (
	handBackAtOnce = 4
	handBackWithin = 30 * time.Second
)

// Ended tells the manager of sessions that somebody else removed from the store. They are over here from now on.
func (m *Manager) Ended(records []Record) {
	now := m.Now()
	for i := range records {
		m.ended.add(records[i].Ref, now)
		m.forget(&records[i])
		m.handBack(&records[i])
	}
}

// handBack revokes the refresh token of a session that has ended, in the background: nobody has it any more, but what
// counts nowhere can't be stolen from a backup either. One that can't be handed back in time ends as the identity provider
// ends it.
func (m *Manager) handBack(r *Record) {
	if m.Refresher == nil || len(r.Sealed) == 0 {
		return
	}
	t, err := m.open(*r)
	if err != nil || t.Refresh == "" {
		return
	}
	ref := r.Ref
	m.work.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), handBackWithin)
		defer cancel()
		select {
		case m.handing <- struct{}{}:
			defer func() { <-m.handing }()
		case <-ctx.Done():
			m.Logger.Warn("a refresh token could not be handed back in time", "session", ref)
			return
		}
		if err := m.Refresher.Revoke(ctx, t.Refresh); err != nil {
			m.Logger.Warn("a refresh token could not be handed back", "session", ref, "error", err)
		}
	})
}

// Close waits for what is under way.
func (m *Manager) Close() error {
	m.work.Wait()
	return nil
}
