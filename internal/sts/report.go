package sts

import (
	"context"
	"slices"
	"time"
)

// Report is how the keys are, and who knows them. SealedBy names the key-encryption key in use.
type Report struct {
	Now       time.Time        `json:"-"`
	Overlap   time.Duration    `json:"-"` // how long a key is published before it signs
	Keep      time.Duration    `json:"-"` // how long a retired key stays
	SealedBy  string           `json:"sealedBy"`
	Keys      []KeyReport      `json:"keys"` // the newest first
	Verifiers []VerifierReport `json:"verifiers"`
	Fault     string           `json:"-"` // what keeps this process from turning the ring
}

// KeyReport is one key, with what happens to it next. Times that are not known are zero.
type KeyReport struct {
	KID         string    `json:"kid"`
	State       KeyState  `json:"state"`
	CreatedAt   time.Time `json:"createdDate"`
	PublishedAt time.Time `json:"publishedDate"` // since when verifiers can learn it without a pause
	ReadyAt     time.Time `json:"readyDate"`     // when every verifier has had the time to learn it
	ActivatesAt time.Time `json:"activatesDate,omitzero"`
	RetiresAt   time.Time `json:"retiresDate,omitzero"` // planned, or as it was
	GoneAt      time.Time `json:"removalDate,omitzero"` // when it is no longer published
	UsedAt      time.Time `json:"lastUsedDate,omitzero"`
}

// Knowledge is what a verifier knows of the keys.
type Knowledge string

// What can be known of a verifier.
const (
	Knows  Knowledge = "knows"  // it fetched the active and the next key
	Lacks  Knowledge = "lacks"  // it fetched, but before one of them was published
	Silent Knowledge = "silent" // so did it, and it has not come for longer than it keeps keys: it fetches before it uses any
	Never  Knowledge = "never"  // declared, and not seen
)

// VerifierReport is one place that fetches the keys, or a declared verifier that never did.
type VerifierReport struct {
	Name      string        `json:"name,omitempty"` // the declared one; empty for others
	Address   string        `json:"address,omitempty"`
	Agent     string        `json:"userAgent,omitempty"`
	Cache     time.Duration `json:"-"`
	FetchedAt time.Time     `json:"fetchedDate,omitzero"`
	Knowledge Knowledge     `json:"knowledge"`
	Missing   []string      `json:"missingKeys,omitempty"` // kids
}

// Report tells how things are, as the store has them.
func (r *Ring) Report(ctx context.Context) (Report, error) {
	r.changing.Lock()
	defer r.changing.Unlock()
	r.noteUse(ctx)
	r.noteFetches(ctx, true)
	records, _, err := r.Store.LoadKeys(ctx)
	if err != nil {
		return Report{}, err
	}
	fetches, err := r.Store.Fetches(ctx)
	if err != nil {
		return Report{}, err
	}
	report := Report{Now: r.Now(), Overlap: r.Overlap, Keep: r.Keep, Keys: r.reportKeys(records)}
	if err := r.Ready(); err != nil {
		report.Fault = err.Error()
	}
	var wanted []string // the keys that sign now or next
	for _, k := range records {
		if k.State != KeyRetired {
			wanted = append(wanted, k.KID)
		}
		if k.State == KeyActive {
			report.SealedBy = k.SealedBy
		}
	}
	report.Verifiers = r.reportVerifiers(fetches, wanted)
	return report, nil
}

func (r *Ring) reportKeys(records []KeyRecord) (keys []KeyReport) {
	var next time.Time // when the next one takes over
	for _, k := range records {
		if k.State == KeyNext {
			next = k.ActivatesAt
		}
	}
	for _, k := range slices.Backward(records) {
		report := KeyReport{KID: k.KID, State: k.State, CreatedAt: k.CreatedAt, PublishedAt: k.PublishedFrom, ReadyAt: r.ready(k), ActivatesAt: k.ActivatesAt, UsedAt: k.UsedAt}
		switch k.State {
		case KeyActive:
			report.RetiresAt = next
		case KeyRetired:
			report.RetiresAt, report.GoneAt = k.RetiredAt, later(k.RetiredAt, k.UsedAt).Add(r.Keep)
		}
		keys = append(keys, report)
	}
	return keys
}

// reportVerifiers lists the declared ones first, in the order of their declaration.
func (r *Ring) reportVerifiers(fetches []Fetch, wanted []string) (list []VerifierReport) {
	for _, v := range r.Verifiers {
		before := len(list)
		for _, f := range fetches {
			if f.Verifier == v.Name {
				list = append(list, r.judge(f, v.Cache, wanted))
			}
		}
		if len(list) == before {
			list = append(list, VerifierReport{Name: v.Name, Cache: v.Cache, Knowledge: Never, Missing: wanted})
		}
	}
	for _, f := range fetches {
		if !slices.ContainsFunc(r.Verifiers, func(v Verifier) bool { return v.Name == f.Verifier }) {
			f.Verifier = "" // declared once, and no longer
			list = append(list, r.judge(f, r.Overlap, wanted))
		}
	}
	return list
}

func (r *Ring) judge(f Fetch, cache time.Duration, wanted []string) VerifierReport {
	v := VerifierReport{Name: f.Verifier, Address: f.Address, Agent: f.Agent, Cache: cache, FetchedAt: f.At, Knowledge: Knows}
	for _, kid := range wanted {
		if !slices.Contains(f.KIDs, kid) {
			v.Missing = append(v.Missing, kid)
		}
	}
	if len(v.Missing) > 0 {
		v.Knowledge = Lacks
		if r.Now().Sub(f.At) > cache {
			v.Knowledge = Silent
		}
	}
	return v
}

// Behind lists who has not fetched a key yet: each place that may still use a set without it, and each declared verifier
// of which nothing better is known.
func (r Report) Behind(kid string) (behind []VerifierReport) {
	for _, v := range r.Verifiers {
		if !slices.Contains(v.Missing, kid) {
			continue
		}
		informed := slices.ContainsFunc(r.Verifiers, func(o VerifierReport) bool { return o.Name == v.Name && !slices.Contains(o.Missing, kid) })
		if v.Knowledge == Lacks || v.Name != "" && !informed {
			behind = append(behind, v)
		}
	}
	return behind
}

// Key returns the newest key in a state.
func (r Report) Key(state KeyState) (KeyReport, bool) {
	at := slices.IndexFunc(r.Keys, func(k KeyReport) bool { return k.State == state })
	if at < 0 {
		return KeyReport{}, false
	}
	return r.Keys[at], true
}
