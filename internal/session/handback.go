package session

import (
	"context"
	"sync"
	"time"
)

const (
	handBackAtOnce = 4
	handBackWithin = 10 * time.Second // each
	handBackMost   = 100_000          // that wait: more than any installation has sessions
)

// Ended tells the manager of sessions that were removed from the store by other hands than Revoke's. They are over here from
// now on.
func (m *Manager) Ended(records []Record) {
	now := m.Now()
	for i := range records {
		m.ended.add(records[i].Ref, now)
		m.forget(&records[i])
		m.handBack(&records[i])
	}
}

// handing is the refresh tokens that are to be handed back.
type handing struct {
	mu      sync.Mutex
	waiting []Record
	workers int
	closed  bool
	work    sync.WaitGroup
}

// handBack revokes the refresh token of a session that has ended, in the background: nobody has it any more, but what
// counts nowhere can't be stolen from a backup either. One that can't be handed back, or waits when the process ends, ends
// as the identity provider ends it.
func (m *Manager) handBack(r *Record) {
	if m.Refresher == nil || len(r.Sealed) == 0 {
		return
	}
	h := &m.handing
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || len(h.waiting) >= handBackMost {
		m.Logger.Warn("a refresh token is not handed back", "session", r.Ref)
		return
	}
	h.waiting = append(h.waiting, Record{Ref: r.Ref, Sealed: r.Sealed})
	if h.workers < handBackAtOnce {
		h.workers++
		h.work.Go(m.handAllBack)
	}
}

// handAllBack works until nothing waits.
func (m *Manager) handAllBack() {
	for {
		r, more := m.handing.next()
		if !more {
			return
		}
		t, err := m.open(r)
		if err != nil || t.Refresh == "" {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), handBackWithin)
		if err := m.Refresher.Revoke(ctx, t.Refresh); err != nil {
			m.Logger.Warn("a refresh token could not be handed back", "session", r.Ref, "error", err)
		}
		cancel()
	}
}

// next takes one off the queue; without one the worker is done.
func (h *handing) next() (r Record, more bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.waiting) == 0 {
		h.workers--
		return r, false
	}
	r, h.waiting = h.waiting[0], h.waiting[1:]
	return r, true
}

// Close lets what waits go, but for the first ones, and waits for what is under way.
func (m *Manager) Close() error {
	h := &m.handing
	h.mu.Lock()
	h.closed = true
	if left := len(h.waiting) - handBackAtOnce; left > 0 {
		h.waiting = h.waiting[:handBackAtOnce]
		m.Logger.Warn("refresh tokens are not handed back: the process ends", "sessions", left)
	}
	h.mu.Unlock()
	h.work.Wait()
	return nil
}
