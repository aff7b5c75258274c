package sts

import (
	"context"
	"time"
)

// Nothing is learnt of a key while nobody publishes it: Portico was stopped, its machine was suspended, or its clock leapt.
// So the store has a sign of life, and a key that was not published for the whole overlap before such a pause begins anew
// after it.

const (
	noPause    = 2 * time.Minute // the overlap allows for this much
	aliveEvery = time.Minute
)

// alive is until when the keys are known to have been published, by this process or another one. It is under changing.
type alive struct {
	at     time.Time
	stored time.Time // as the store had it
	noted  time.Time // by this process
}

// paused tells whether nobody may have published the keys for a while.
func (a *alive) paused(now time.Time) bool { return now.Sub(a.at) > noPause }

// heard takes the store's word. One that is older than what was noted there is that of a backup: its keys were not
// published meanwhile.
func (a *alive) heard(at time.Time) {
	a.stored = at
	if at.Before(a.noted) {
		a.at, a.noted = at, time.Time{}
		return
	}
	a.at = later(a.at, at)
}

// noteAlive stores that the keys are published, once a minute for all replicas. After a pause that is not said before
// somebody has drawn the consequences.
func (r *Ring) noteAlive(ctx context.Context) {
	now := r.now()
	if r.alive.paused(now) || now.Sub(r.alive.stored).Abs() < aliveEvery {
		return
	}
	if err := r.Store.NoteAlive(ctx, now); err != nil {
		r.Logger.WarnContext(ctx, "that the signing keys are published is not noted", "error", err)
		return
	}
	r.alive.noted = now
}

// resume begins the publication of the next key anew after a pause, unless it was long enough before it.
func (t *turn) resume() {
	next := t.at(KeyNext)
	if next < 0 || !t.alive.paused(t.now) || !t.alive.at.Before(t.ready(t.records[next])) {
		return
	}
	t.records[next].PublishedFrom, t.changed = t.now, true
	t.plan(time.Time{})
}
