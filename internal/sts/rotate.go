package sts

import (
	"context"
	"slices"
	"time"

	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
)

// Rotate lets the next key sign now. kid says which one that is meant to be: where it is another one by now nothing
// happens (fault.KeyNotNext); empty is whichever it is. One that some verifier may not know yet is refused as
// fault.KeyTooNew, unless forced, which takes a kid: asked for twice it must not reach the key after it.
func (r *Ring) Rotate(ctx context.Context, by, kid string, forced bool) error {
	if forced && kid == "" {
		return fault.InvalidInput.New("a forced rotation takes the kid of the next key")
	}
	return r.change(ctx, func(t *turn) error {
		next := t.at(KeyNext)
		if next < 0 { // the activation was due just now, and the one after it is not made yet
			return fault.KeyTooNew.New("the next key has just become the active one; rotate again when the one after it is published long enough")
		}
		k := t.records[next]
		if kid != "" && k.KID != kid {
			return fault.KeyNotNext.New("expected %s to be the next key, and it is %s: look at the keys again", clip(kid), k.KID)
		}
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
		switch {
		case state != KeyActive:
		case t.at(KeyNext) < 0:
			t.reactivate(by)
		default:
			next := t.records[t.at(KeyNext)]
			t.activate(by, map[string]any{"early": t.now.Before(t.ready(next))})
		}
		t.records = slices.DeleteFunc(t.records, func(k KeyRecord) bool { return k.KID == kid })
		t.changed = true
		t.record(history.Revoked, kid, by, map[string]any{"state": state})
		return nil
	})
}

// reactivate takes the place of a key that is cut in the very moment of its activation, when there is no next one yet: the
// one that it retired signs on. Verifiers know that, and would not know a new one.
func (t *turn) reactivate(by string) {
	at := -1
	for i, k := range t.records {
		if k.State == KeyRetired && (at < 0 || k.RetiredAt.After(t.records[at].RetiredAt)) {
			at = i
		}
	}
	if at < 0 {
		t.records = append(t.records, t.newKey(KeyNext, t.now))
		t.activate(by, map[string]any{"early": true})
		return
	}
	k := &t.records[at]
	k.State, k.RetiredAt = KeyActive, time.Time{}
	t.record(history.Activated, k.KID, by, map[string]any{"again": true})
}

// Settle waits until every replica that reaches the store must have noticed a change: two intervals of Maintain.
func (r *Ring) Settle(ctx context.Context) {
	if r.Wait != nil {
		r.Wait(ctx, 2*MaintainEvery)
	}
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
