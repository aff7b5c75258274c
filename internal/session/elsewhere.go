package session

import (
	"context"
	"sync/atomic"
	"time"
)

// elsewhere remembers what other replicas have changed: what was read of it before counts no more, also when the reading is
// kept only after the news.
type elsewhere struct {
	changed *ended // by hash
	all     atomic.Pointer[time.Time]
}

// Changed learns that sessions were changed or ended elsewhere, by the hashes of their cookies; nil: all of them may have
// been.
func (m *Manager) Changed(_ context.Context, hashes []string) error {
	now := m.Now()
	if hashes == nil {
		m.elsewhere.all.Store(&now)
		return nil
	}
	for _, hash := range hashes {
		m.elsewhere.changed.add(hash, now)
	}
	return nil
}

// outdated tells whether what was read at that time was changed since.
func (e *elsewhere) outdated(hash string, readAt time.Time) bool {
	if all := e.all.Load(); all != nil && !readAt.After(*all) {
		return true
	}
	at, changed := e.changed.when(hash)
	return changed && !readAt.After(at)
}
