package sts

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
)

// turn is a change of the ring under way.
type turn struct {
	*Ring
	records []KeyRecord
	now     time.Time
	entries []history.Entry
	changed bool
}

const attempts = 5

// MaintainEvery is how often every replica is to call Maintain.
const MaintainEvery = time.Second

// change loads the ring, has it changed, and stores it with its record; when another process was faster it begins again.
func (r *Ring) change(ctx context.Context, edit func(*turn) error) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	return r.changeLocked(ctx, edit)
}

func (r *Ring) changeLocked(ctx context.Context, edit func(*turn) error) error {
	for range attempts {
		if _, err := r.look(ctx); err != nil {
			return err
		}
		if err := r.load(ctx); err != nil {
			return err
		}
		if err := r.Ready(); err != nil {
			return err
		}
		state := r.current.Load()
		t := &turn{Ring: r, records: slices.Clone(state.records), now: r.now()}
		t.resume()
		t.due()
		if err := edit(t); err != nil {
			return err
		}
		if !t.changed {
			r.alive.at = t.now
			return nil
		}
		t.complete()
		err := r.Store.SaveKeys(ctx, state.revision, t.records, t.entries...)
		if err == nil {
			for _, e := range t.entries {
				r.Logger.InfoContext(ctx, "signing keys changed", "action", e.Action, "kid", e.Name, "by", e.User)
			}
			r.alive.at = t.now
			return r.load(ctx)
		}
		if !errors.Is(err, ErrKeysChanged) {
			return fmt.Errorf("store the signing keys: %w", err)
		}
	}
	return fault.Unavailable.New("the signing keys are being changed by others; try again")
}

// Maintain does what is due: the planned activation, and the removal of retired keys whose last token has died. It is to
// be called each MaintainEvery, by every replica; where nothing is due that costs one small query.
func (r *Ring) Maintain(ctx context.Context) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	if state := *r.current.Load(); r.promote(&state) { // first, since it needs no store
		r.current.Store(&state)
	}
	now := r.now()
	err := r.maintain(ctx)
	if !r.alive.paused(now) {
		r.alive.at = now
	}
	return err
}

func (r *Ring) maintain(ctx context.Context) error {
	revision, err := r.look(ctx)
	if err != nil {
		return err
	}
	if revision != r.current.Load().revision {
		if err := r.load(ctx); err != nil {
			return err
		}
	}
	r.noteUse(ctx)
	r.noteFetches(ctx, false)
	if r.Ready() == nil { // else that is said already, and others do it
		t := &turn{Ring: r, records: slices.Clone(r.current.Load().records), now: r.now()}
		t.resume()
		if t.due(); t.changed {
			if err := r.changeLocked(ctx, func(*turn) error { return nil }); err != nil {
				return err
			}
		}
		r.alive.at = t.now
	}
	r.noteAlive(ctx)
	return nil
}

func (t *turn) at(state KeyState) int {
	return slices.IndexFunc(t.records, func(k KeyRecord) bool { return k.State == state })
}

// due does what time has brought: it lets the next key sign, and drops retired keys.
func (t *turn) due() {
	if next := t.at(KeyNext); next >= 0 && !t.records[next].ActivatesAt.IsZero() && !t.now.Before(t.records[next].ActivatesAt) {
		t.activate(ownSubject, nil)
	}
	if t.at(KeyNext) < 0 {
		t.changed = true
	}
	before := len(t.records)
	t.records = slices.DeleteFunc(t.records, func(k KeyRecord) bool {
		return k.State == KeyRetired && t.now.Sub(later(k.RetiredAt, k.UsedAt)) > t.Keep
	})
	t.changed = t.changed || len(t.records) != before
}

// activate retires the active key and lets the next one sign.
func (t *turn) activate(by string, details map[string]any) {
	active, next := t.at(KeyActive), t.at(KeyNext)
	if details == nil {
		details = map[string]any{}
	}
	if active >= 0 {
		t.records[active].State, t.records[active].RetiredAt = KeyRetired, t.now
		details["retired"] = t.records[active].KID
	}
	t.records[next].State, t.records[next].ActivatesAt = KeyActive, t.now
	t.changed = true
	t.record(history.Activated, t.records[next].KID, by, details)
}

// complete sees that there is a next key, and when it shall sign.
func (t *turn) complete() {
	if t.at(KeyNext) < 0 {
		t.records = append(t.records, t.newKey(KeyNext, t.now))
		t.plan(time.Time{})
	}
}

// plan says when the next key begins to sign: when the active one has signed long enough, and every verifier has had
// the time to learn it. soonest, unless zero, takes the place of the first of the two.
func (t *turn) plan(soonest time.Time) {
	active, next := t.at(KeyActive), t.at(KeyNext)
	if active < 0 || next < 0 {
		return
	}
	if soonest.IsZero() {
		soonest = t.records[active].ActivatesAt.Add(t.Rotation)
	}
	at := later(soonest, t.ready(t.records[next]))
	if at = at.UTC().Truncate(time.Millisecond); !at.Equal(t.records[next].ActivatesAt) {
		t.records[next].ActivatesAt, t.changed = at, true
	}
}

// ready is when every verifier has had the time to learn a key.
func (r *Ring) ready(k KeyRecord) time.Time { return k.PublishedFrom.Add(r.Overlap) }

// returned answers with now, for the next key to sign at once, when the ring was out of use for so long that it may have
// been restored from a backup. There may have been a rotation since, and then verifiers know that key but no longer the
// active one; if there was none, they know both. Nothing is won where the next key was not published long enough.
func (t *turn) returned() time.Time {
	active, next := t.at(KeyActive), t.at(KeyNext)
	if active < 0 || next < 0 {
		return time.Time{}
	}
	used := t.records[active].UsedAt
	if used.IsZero() || t.now.Sub(used) <= t.Keep || used.Before(t.ready(t.records[next])) {
		return time.Time{}
	}
	return t.now
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// record notes a change for the history. Signing keys have no UUID, so they stand there by their name.
func (t *turn) record(action history.Action, name, by string, details any) {
	if t.History == nil {
		return
	}
	t.entries = append(t.entries, t.History.New(history.Entry{
		Action: action, EntityType: history.Key, Name: name, Source: history.SourceSTS, User: by, Metadata: history.Details(details),
	}))
}
