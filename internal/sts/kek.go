package sts

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/seal"
)

// takes says which key-encryption key it takes, and which are at hand.
func takes(k KeyRecord, box *seal.Box) string {
	if k.SealedBy == "" {
		return ""
	}
	return fmt.Sprintf(" (it takes %s; at hand: %s)", k.SealedBy, strings.Join(box.Keys().IDs(), ", "))
}

// sealer names the key-encryption key that a key is sealed by. Rows of before that was noted are tried.
func (r *Ring) sealer(k KeyRecord) string {
	if k.SealedBy == "" {
		return r.Box.Sealer(k.Sealed, k.KID)
	}
	return k.SealedBy
}

// nameSealers notes by what the rows of before that was noted are sealed.
func (t *turn) nameSealers() {
	for i := range t.records {
		if k := &t.records[i]; k.SealedBy == "" {
			k.SealedBy = t.sealer(*k)
			t.changed = t.changed || k.SealedBy != ""
		}
	}
}

// foreign notes why the stored keys can't be used here, such as that they are sealed by a key-encryption key that is not at
// hand.
type foreign struct {
	mu   sync.Mutex
	err  error
	said time.Time
}

const sayEvery = time.Minute

func (f *foreign) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

// Ready tells why this process should not be sent requests: its key-encryption key is no longer the one in use, or the
// stored keys can't be used.
func (r *Ring) Ready() error {
	r.foreign.mu.Lock()
	defer r.foreign.mu.Unlock()
	return r.foreign.err
}

// stay answers a key that does not open. At the start that is the end. Later, when the key-encryption key was replaced
// and this process does not have the new one, it says so, goes on with the keys that it has open, as far as they are
// still there, and publishes them all.
func (r *Ring) stay(state *keys, k KeyRecord, err error) error {
	if r.current.Load() == nil {
		return err
	}
	r.signOpened(state)
	r.become(state)
	r.foreign.set(err)
	if now := r.Now(); now.Sub(r.foreign.said) >= sayEvery {
		r.foreign.said = now
		r.Logger.Error("the key-encryption key was replaced, and this process does not have the new one: restart it with that; until then it rotates no key and can't open sessions",
			"kid", k.KID, "takes", k.SealedBy, "at_hand", strings.Join(r.Box.Keys().IDs(), ","))
	}
	return nil
}

// signOpened has a state sign by the keys that are open: a kid names the material, so one that was opened is right under
// any seal. A key that was cut is not there any more. Where the active one can't be opened, the newest retired one goes on:
// it is still published. Where none is left, this process signs nothing.
func (r *Ring) signOpened(state *keys) {
	var retired KeyRecord
	for _, k := range state.records {
		switch s := r.opened[k.KID]; {
		case s == nil:
		case k.State == KeyActive:
			state.active = s
		case k.State == KeyNext:
			state.next, state.nextAt = s, k.ActivatesAt
		case retired.KID == "" || !k.RetiredAt.Before(retired.RetiredAt):
			retired = k
		}
	}
	if state.active == nil {
		state.active = r.opened[retired.KID]
	}
}

// Reseal seals every signing key by a key-encryption key at hand and makes that the one in use, for the sessions of every
// replica too. It tells how many keys were under another one.
func (r *Ring) Reseal(ctx context.Context, by, id string) (resealed int, err error) {
	err = r.change(ctx, func(t *turn) error {
		resealed = 0
		if !r.Box.Keys().Use(id) {
			return fmt.Errorf("key-encryption key %s is not at hand", id)
		}
		from := []string{}
		for i := range t.records {
			k := &t.records[i]
			sealed, changed, err := r.Box.Reseal(k.Sealed, k.KID)
			if err != nil {
				return fmt.Errorf("signing key %s does not open%s", k.KID, takes(*k, r.Box))
			}
			if changed {
				resealed++
			}
			if changed || k.SealedBy != id {
				if k.SealedBy != "" && !slices.Contains(from, k.SealedBy) {
					from = append(from, k.SealedBy)
				}
				k.Sealed, k.SealedBy, t.changed = sealed, id, true
			}
		}
		if t.changed {
			t.record(history.Updated, "key-encryption key", by, map[string]any{"from": from, "to": id})
		}
		return nil
	})
	return resealed, err
}
