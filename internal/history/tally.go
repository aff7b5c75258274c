package history

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// Tally is how many entries of one action and type a day of UTC has.
type Tally struct {
	Day        time.Time
	Action     Action
	EntityType EntityType
	Count      int
}

// TallyStore counts the entries that a filter chooses, day by day.
type TallyStore interface {
	TallyHistory(ctx context.Context, f Filter) ([]Tally, error)
}

// Tallies counts for pages that many look at: the same filter is counted once a minute, and by one at a time.
type Tallies struct {
	Store TallyStore
	Now   func() time.Time

	flight singleflight.Group
	mu     sync.Mutex
	kept   map[string]counted
}

// counted is an answer, a failure as well: what takes too long must not be tried again by every page.
type counted struct {
	tallies []Tally
	err     error
	until   time.Time
}

const (
	tallyFor      = time.Minute
	tallyPatience = 3 * time.Second
)

// Of counts what the filter chooses. The answer may be a minute old; it must not be changed.
func (t *Tallies) Of(ctx context.Context, f Filter) ([]Tally, error) {
	encoded, err := json.Marshal(f)
	if err != nil {
		return nil, err
	}
	key := string(encoded)
	if c, ok := t.find(key); ok {
		return c.tallies, c.err
	}
	answer, _, _ := t.flight.Do(key, func() (any, error) {
		if c, ok := t.find(key); ok { // somebody was faster
			return c, nil
		}
		// Others wait for it too: who asked first may leave.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tallyPatience)
		defer cancel()
		tallies, err := t.Store.TallyHistory(ctx, f)
		c := counted{tallies, err, t.Now().Add(tallyFor)}
		t.keep(key, c)
		return c, nil
	})
	c := answer.(counted)
	return c.tallies, c.err
}

func (t *Tallies) find(key string) (counted, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c, ok := t.kept[key]
	return c, ok && t.Now().Before(c.until)
}

// keep forgets what is over: no more is held than was asked for within a minute.
func (t *Tallies) keep(key string, c counted) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.kept == nil {
		t.kept = map[string]counted{}
	}
	for other, old := range t.kept {
		if !t.Now().Before(old.until) {
			delete(t.kept, other)
		}
	}
	t.kept[key] = c
}
