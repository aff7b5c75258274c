package history

import (
	"context"
	"encoding/json"
	"sync"
	"time"
)

// GatherEvery is how often Gatherer.Flush is to be called.
const GatherEvery = 10 * time.Second

const (
	gatherFor  = 15 * time.Minute // what happens so soon after the first of its kind is one entry with it
	mostKinds  = 10_000           // of entries that wait to be stored
	mostPlain  = 1_000            // more, without their metadata, when so many wait
	mostAtOnce = 500              // entries of one transaction
)

// Gatherer makes one entry of what happens over and over: the tokens of a session, the pages of a reader. Nobody waits for it:
// entries are kept in memory, and stored some time after the first of their kind. A process that is killed loses what waits.
type Gatherer struct {
	Recorder *Recorder
	Store    BatchStore

	mu      sync.Mutex
	waiting map[kind]*gathered
	storing sync.Mutex
}

// BatchStore stores several entries, all or none.
type BatchStore interface {
	AppendHistoryBatch(ctx context.Context, entries []Entry) error
}

// kind is all that an entry says but when.
type kind struct {
	action             Action
	entityType         EntityType
	entityID, name     string
	organisation       string
	source             Source
	target, user, more string
}

func kindOf(e Entry) kind {
	return kind{e.Action, e.EntityType, e.EntityID, e.Name, string(e.OrganisationID), e.Source, e.Target, e.User, string(e.Metadata)}
}

type gathered struct {
	entry       Entry
	count       int
	first, last time.Time
}

// Note counts an entry: Metadata must be a JSON object or empty. It never blocks for long. A nil Gatherer records nothing.
func (g *Gatherer) Note(e Entry) {
	if g == nil {
		return
	}
	now := g.Recorder.Now().UTC().Truncate(time.Millisecond)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.waiting == nil {
		g.waiting = map[kind]*gathered{}
	}
	w := g.waiting[kindOf(e)]
	if w == nil && len(g.waiting) >= mostKinds { // whoever fills the room is not to go on unseen
		e.Metadata = nil
		w = g.waiting[kindOf(e)]
	}
	switch {
	case w != nil:
		w.count++
		w.last = now
		return
	case len(g.waiting) >= mostKinds+mostPlain: // the flush takes them all; what comes until then is counted by nobody but the log
		g.Recorder.Logger.ErrorContext(context.Background(), "history entry lost: too many kinds wait to be stored", "action", e.Action, "entity_type", e.EntityType, "user", e.User)
		return
	}
	g.waiting[kindOf(e)] = &gathered{entry: e, count: 1, first: now, last: now}
}

// Flush stores what waits for long enough, and everything when half of the room is taken.
func (g *Gatherer) Flush(ctx context.Context) error { return g.flush(ctx, gatherFor) }

// Close stores everything.
func (g *Gatherer) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeWithin)
	defer cancel()
	if err := g.flush(ctx, 0); err != nil {
		g.Recorder.Logger.ErrorContext(ctx, "history entries lost", "error", err)
	}
	return nil
}

func (g *Gatherer) flush(ctx context.Context, atLeast time.Duration) error {
	g.storing.Lock()
	defer g.storing.Unlock()
	for {
		taken := g.take(atLeast)
		if len(taken) == 0 {
			return nil
		}
		entries := make([]Entry, 0, len(taken))
		for _, w := range taken {
			entries = append(entries, w.record(g.Recorder))
		}
		if err := g.Store.AppendHistoryBatch(ctx, entries); err != nil {
			g.giveBack(taken)
			return err
		}
	}
}

// take removes some of what is due.
func (g *Gatherer) take(atLeast time.Duration) (taken map[kind]*gathered) {
	now := g.Recorder.Now()
	taken = map[kind]*gathered{}
	g.mu.Lock()
	defer g.mu.Unlock()
	crowded := len(g.waiting) > mostKinds/2
	for k, w := range g.waiting {
		if len(taken) == mostAtOnce {
			break
		}
		if crowded || now.Sub(w.first).Abs() >= atLeast {
			taken[k] = w
			delete(g.waiting, k)
		}
	}
	return taken
}

// giveBack keeps what could not be stored for the next time, with what came meanwhile.
func (g *Gatherer) giveBack(taken map[kind]*gathered) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for k, w := range taken {
		if meanwhile := g.waiting[k]; meanwhile != nil {
			w.count += meanwhile.count
			w.last = meanwhile.last
		}
		g.waiting[k] = w
	}
}

// record is the entry of all: its metadata have how many there were, and when the first and the last.
func (w *gathered) record(r *Recorder) Entry {
	e := r.New(w.entry)
	members := map[string]any{}
	if len(e.Metadata) > 0 {
		var own map[string]json.RawMessage
		if json.Unmarshal(e.Metadata, &own) == nil {
			for name, value := range own {
				members[name] = value
			}
		}
	}
	members["count"] = w.count
	members["first"], members["last"] = w.first.Format(wholeMillis), w.last.Format(wholeMillis)
	e.Metadata = Details(members)
	return e
}
