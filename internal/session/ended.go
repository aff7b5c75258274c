package session

import (
	"sync"
	"time"
)

// ended remembers sessions that ended a moment ago: whoever read one from the store just before its end must not put it
// back into the cache. It forgets by time alone, so that no number of other ends makes it forget too soon.
type ended struct {
	keep  time.Duration
	mu    sync.RWMutex
	at    map[string]time.Time // by ref
	swept time.Time
}

func newEnded(keep time.Duration) *ended { return &ended{keep: keep, at: map[string]time.Time{}} }

func (e *ended) add(ref string, now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if now.Sub(e.swept) >= e.keep {
		for old, at := range e.at {
			if now.Sub(at) >= e.keep {
				delete(e.at, old)
			}
		}
		e.swept = now
	}
	e.at[ref] = now
}

func (e *ended) has(ref string) bool {
	_, ok := e.when(ref)
	return ok
}

func (e *ended) when(ref string) (at time.Time, ok bool) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	at, ok = e.at[ref]
	return at, ok
}
