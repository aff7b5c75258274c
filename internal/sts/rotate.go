package sts

import (
	"context"
	"slices"
	"time"

	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
)

// Rotate lets the next key sign now. One that some verifier may not know yet is refused as fault.KeyTooNew, unless forced.
func (r *Ring) Rotate(ctx context.Context, by string, forced bool) error {
	return r.change(ctx, func(t *turn) error {
		next := t.at(KeyNext)
		if next < 0 { // the activation was due just now, and the one after it is not made yet
			return fault.KeyTooNew.New("the next key has just become the active one; rotate again when the one after it is published long enough")
		}
		k := t.records[next]
		details := map[string]any{}
		if ready := t.ready(k); t.now.Before(ready) {
			if !forced {
				return fault.KeyTooNew.New("the next key %s is published since %s, and a verifier may keep the keys of before for %s: it can sign from %s on",
					k.KID, minute(k.PublishedFrom), t.Overlap, minute(ready))
			}
			details["forced"] = true
		}
		t.activate(by, details)
		return nil
	})
}

func minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// Cut drops a key at once: it signs no more and is no longer published. When it is the active one the next one signs from
// now on, however long it was published.
func (r *Ring) Cut(ctx context.Context, by, kid string) error {
	return r.change(ctx, func(t *turn) error {
		at := slices.IndexFunc(t.records, func(k KeyRecord) bool { return k.KID == kid })
		if at < 0 {
			return fault.NotFound.New("there is no such signing key")
		}
		state := t.records[at].State
		if state == KeyActive {
			if t.at(KeyNext) < 0 {
				t.records = append(t.records, t.newKey(KeyNext, t.now))
			}
			next := t.records[t.at(KeyNext)]
			t.activate(by, map[string]any{"early": t.now.Before(t.ready(next))})
		}
		t.records = slices.Delete(t.records, at, at+1)
		t.changed = true
		t.record(history.Revoked, kid, by, map[string]any{"state": state})
		return nil
	})
}

// noteUse stores when each key signed last, at most once a minute.
func (r *Ring) noteUse(ctx context.Context) {
	for _, s := range r.opened {
		at := time.UnixMilli(s.used.Load()).UTC()
		if s.used.Load() == 0 || at.Sub(s.noted) < time.Minute {
			continue
		}
		if err := r.Store.NoteKeyUse(ctx, s.kid, at); err != nil {
			r.Logger.WarnContext(ctx, "the use of a signing key is not noted", "kid", s.kid, "error", err)
			return
		}
		s.noted = at
	}
}
