package sts_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/seal"
	"github.com/portico-iam/portico/internal/sts"
)

func states(r *sts.Ring) (all []string) {
	for _, k := range r.Keys() {
		all = append(all, string(k.State))
	}
	return all
}

func (b *bench) maintain(t *testing.T, r *sts.Ring) {
	t.Helper()
	if err := r.Maintain(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// until lets time pass while the replicas run.
func (b *bench) until(at time.Time, replicas ...*sts.Ring) {
	for b.now.Before(at) {
		if b.now = b.now.Add(time.Minute); b.now.After(at) {
			b.now = at
		}
		for _, r := range replicas {
			_ = r.Maintain(context.Background()) // the store may be away
		}
	}
}

func TestTheRingTurns(t *testing.T) {
	b := newBench(t)
	if got := states(b.ring); !slices.Equal(got, []string{"active", "next"}) {
		t.Fatalf("first keys: %v", got)
	}
	for _, k := range b.ring.Keys() {
		if k.Sealed != nil {
			t.Error("NT51: Keys shows what is secret")
		}
	}
	first := published(t, b.ring)
	if len(first) != 2 {
		t.Errorf("the next key is published before it signs: %v", first)
	}
	again, err := b.open(b.key)
	if err != nil || fmt.Sprint(published(t, again)) != fmt.Sprint(first) {
		t.Fatalf("after a restart: %v, %v", published(t, again), err)
	}
	old, _ := b.Issue(t.Context(), sts.Request{Principal: ivan(), Organisation: acme})
	b.until(begin.Add(24*time.Hour-time.Second), b.ring)
	b.maintain(t, b.ring)
	if got := states(b.ring); !slices.Equal(got, []string{"active", "next"}) {
		t.Errorf("before its time: %v", got)
	}
	b.now = begin.Add(24 * time.Hour)
	b.maintain(t, b.ring)
	if got := states(b.ring); !slices.Equal(got, []string{"retired", "active", "next"}) {
		t.Fatalf("at its time: %v", got)
	}
	verified(t, b.ring, old.Value) // still published
	p := ivan()
	p.NotAfter = b.now.Add(time.Hour)
	fresh, err := b.Issue(t.Context(), sts.Request{Principal: p, Organisation: acme})
	if err != nil {
		t.Fatal(err)
	}
	header, _ := verified(t, b.ring, fresh.Value)
	if _, known := first[header["kid"].(string)]; !known {
		t.Error("a key signs that was not published beforehand")
	}
	b.now = b.now.Add(7 * time.Minute)
	b.maintain(t, b.ring)
	if got := states(b.ring); !slices.Equal(got, []string{"retired", "active", "next"}) {
		t.Errorf("a retired key went before its last token: %v", got)
	}
	b.now = b.now.Add(time.Second)
	b.maintain(t, b.ring)
	if got := states(b.ring); !slices.Equal(got, []string{"active", "next"}) || len(published(t, b.ring)) != 2 {
		t.Errorf("afterwards: %v", got)
	}
}

func TestAKeyDoesNotSignBeforeEveryVerifierKnowsIt(t *testing.T) {
	b := newBench(t)
	b.maintain(t, b.ring)
	b.keys.mu.Lock()
	for i := range b.keys.keys {
		if b.keys.keys[i].State == sts.KeyNext {
			b.keys.keys[i].PublishedFrom = begin.Add(24 * time.Hour)
		}
	}
	b.keys.mu.Unlock()
	again, err := b.open(b.key) // plans anew
	if err != nil {
		t.Fatal(err)
	}
	b.ring = again
	b.until(begin.Add(25*time.Hour-time.Second), b.ring)
	b.maintain(t, b.ring)
	if got := states(b.ring); !slices.Equal(got, []string{"active", "next"}) {
		t.Errorf("rotated within the overlap: %v", got)
	}
	b.now = b.now.Add(time.Second)
	b.maintain(t, b.ring)
	if got := states(b.ring); !slices.Equal(got, []string{"retired", "active", "next"}) {
		t.Errorf("got %v", got)
	}
}

func TestAWrongKeyEncryptionKeyIsOneClearSentence(t *testing.T) {
	b := newBench(t)
	_, err := b.open(seal.RandomKey())
	if err == nil || !strings.Contains(err.Error(), "does not open: the key-encryption key is not the one it was stored with") || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
	for rule, spoil := range map[string]func(k []sts.KeyRecord){
		"the next key does not open":   func(k []sts.KeyRecord) { k[1].Sealed = k[0].Sealed },
		"the private keys are swapped": func(k []sts.KeyRecord) { k[0].Sealed, k[1].Sealed = k[1].Sealed, k[0].Sealed },
		"a public key was replaced":    func(k []sts.KeyRecord) { k[0].Public = k[1].Public },
		"a public key is cut":          func(k []sts.KeyRecord) { k[0].Public = k[0].Public[:31] },
		"none is active":               func(k []sts.KeyRecord) { k[0].State = sts.KeyRetired },
	} {
		b := newBench(t)
		spoil(b.keys.keys)
		if _, err := b.open(b.key); err == nil {
			t.Errorf("%s: opened", rule)
		}
	}
}

func TestReplicasRace(t *testing.T) {
	b := &bench{now: begin, key: seal.RandomKey(), keys: &keyStore{}}
	var other *sts.Ring
	b.keys.before = func() { other, _ = b.open(b.key) } // it is first
	ring, err := b.open(b.key)
	if err != nil || fmt.Sprint(published(t, ring)) != fmt.Sprint(published(t, other)) {
		t.Fatalf("the first keys differ: %v", err)
	}
	b.until(begin.Add(24*time.Hour-time.Second), other, ring)
	b.now = begin.Add(24 * time.Hour)
	b.keys.before = func() { b.maintain(t, other) }
	b.maintain(t, ring)
	if got := states(ring); !slices.Equal(got, []string{"retired", "active", "next"}) || fmt.Sprint(published(t, ring)) != fmt.Sprint(published(t, other)) {
		t.Errorf("one rotation for both: %v, %v", got, states(other))
	}
}

func kidOf(r *sts.Ring, state sts.KeyState) string {
	for _, k := range r.Keys() {
		if k.State == state {
			return k.KID
		}
	}
	return ""
}

// own returns a token of Portico itself.
func own(t *testing.T, s *sts.Service) string {
	t.Helper()
	token, err := s.IssueOwn(access.SetOf(access.STSOrganisationList))
	if err != nil {
		t.Fatal(err)
	}
	return token.Value
}

// signs returns the kid by which a replica signs.
func (b *bench) signs(t *testing.T, r *sts.Ring) string {
	t.Helper()
	service := sts.New(sts.Config{Issuer: self, Audiences: []string{"one-core"}, TTL: 5 * time.Minute, Ring: r, Policy: b.policy, Now: func() time.Time { return b.now }})
	header, _ := verified(t, r, own(t, service))
	return header["kid"].(string)
}

func TestReplicasChangeKeysAtTheSameMomentAlsoWithoutTheStore(t *testing.T) {
	b := newBench(t)
	other, err := b.open(b.key)
	if err != nil {
		t.Fatal(err)
	}
	first, next := kidOf(b.ring, sts.KeyActive), kidOf(b.ring, sts.KeyNext)
	b.keys.away = errors.New("the store is away")
	b.until(begin.Add(24*time.Hour-time.Second), b.ring, other)
	for _, r := range []*sts.Ring{b.ring, other} {
		if err := r.Maintain(t.Context()); err == nil || b.signs(t, r) != first {
			t.Errorf("before the time: %v, signs by %s", err, b.signs(t, r))
		}
	}
	b.now = b.now.Add(time.Second)
	for _, r := range []*sts.Ring{b.ring, other} {
		if err := r.Maintain(t.Context()); err == nil || b.signs(t, r) != next {
			t.Errorf("at the time: %v, signs by %s", err, b.signs(t, r))
		}
	}
	b.keys.away = nil
	b.maintain(t, b.ring)
	b.maintain(t, other)
	if got := states(other); !slices.Equal(got, []string{"retired", "active", "next"}) || b.signs(t, other) != next {
		t.Errorf("got %v", got)
	}
	if len(b.keys.entries) != 1 || b.keys.entries[0].Action != history.Activated || b.keys.entries[0].Name != next || b.keys.entries[0].User != "portico" {
		t.Errorf("one rotation is one entry, got %+v", b.keys.entries)
	}
}

func TestRotateNow(t *testing.T) {
	b := newBench(t)
	other, _ := b.open(b.key)
	next := kidOf(b.ring, sts.KeyNext)
	b.until(begin.Add(time.Hour-time.Second), b.ring)
	err := b.ring.Rotate(t.Context(), "ada", "", false)
	if f := fault.Of(err); f.Code != fault.KeyTooNew || !strings.Contains(f.Detail, next) || !strings.Contains(f.Detail, "2026-11-25 13:00 UTC") {
		t.Errorf("a key that was not published long enough: %v", err)
	}
	b.now = begin.Add(time.Hour)
	if err := b.ring.Rotate(t.Context(), "ada", "", false); err != nil {
		t.Fatal(err)
	}
	if b.signs(t, b.ring) != next || b.keys.entries[0].User != "ada" || strings.Contains(string(b.keys.entries[0].Metadata), "forced") {
		t.Errorf("signs by %s, recorded %+v", b.signs(t, b.ring), b.keys.entries)
	}
	b.maintain(t, other)
	if b.signs(t, other) != next {
		t.Error("the other replica did not follow")
	}
	second := kidOf(b.ring, sts.KeyNext)
	if err := b.ring.Rotate(t.Context(), "ada", kidOf(b.ring, sts.KeyNext), true); err != nil || b.signs(t, b.ring) != second {
		t.Errorf("forced: %v", err)
	}
	if last := b.keys.entries[1]; !strings.Contains(string(last.Metadata), `"forced":true`) {
		t.Errorf("got %s", last.Metadata)
	}
}

func TestCut(t *testing.T) {
	for rule, c := range map[string]struct {
		state  sts.KeyState
		after  []string
		signer sts.KeyState // of before
	}{
		"the active key":   {sts.KeyActive, []string{"retired", "active", "next"}, sts.KeyNext},
		"the next key":     {sts.KeyNext, []string{"retired", "active", "next"}, sts.KeyActive},
		"the retired keys": {sts.KeyRetired, []string{"active", "next"}, sts.KeyActive},
	} {
		b := newBench(t)
		b.until(begin.Add(time.Hour), b.ring)
		if err := b.ring.Rotate(t.Context(), "ada", "", false); err != nil {
			t.Fatal(err)
		}
		other, _ := b.open(b.key)
		b.now = b.now.Add(time.Minute)
		kid, signer := kidOf(b.ring, c.state), kidOf(b.ring, c.signer)
		if err := b.ring.Cut(t.Context(), "ada", kid); err != nil {
			t.Fatalf("%s: %v", rule, err)
		}
		b.maintain(t, other)
		for _, r := range []*sts.Ring{b.ring, other} {
			if _, there := published(t, r)[kid]; there || b.signs(t, r) != signer || !slices.Equal(states(r), c.after) {
				t.Errorf("%s: still there: %v; signs by %s, expected %s; %v", rule, there, b.signs(t, r), signer, states(r))
			}
		}
		if last := b.keys.entries[len(b.keys.entries)-1]; last.Action != history.Revoked || last.Name != kid || last.User != "ada" || !strings.Contains(string(last.Metadata), string(c.state)) {
			t.Errorf("%s: recorded %+v", rule, last)
		}
		for _, k := range b.keys.keys {
			if k.KID == kid {
				t.Errorf("%s: it is still stored", rule)
			}
		}
		if err := b.ring.Cut(t.Context(), "ada", kid); !fault.NotFound.Is(err) {
			t.Errorf("%s: twice: %v", rule, err)
		}
	}
}

// TestACutInTheMomentOfTheActivation: verifiers know the key that was just retired, and no key that is made now.
func TestACutInTheMomentOfTheActivation(t *testing.T) {
	b := newBench(t)
	old, next := kidOf(b.ring, sts.KeyActive), kidOf(b.ring, sts.KeyNext)
	b.until(begin.Add(24*time.Hour-time.Second), b.ring)
	b.now = begin.Add(24 * time.Hour)
	if err := b.ring.Cut(t.Context(), "ada", next); err != nil {
		t.Fatal(err)
	}
	if _, there := published(t, b.ring)[next]; there || b.signs(t, b.ring) != old || !slices.Equal(states(b.ring), []string{"active", "next"}) {
		t.Errorf("still there: %v; signs by %s, expected %s; %v", there, b.signs(t, b.ring), old, states(b.ring))
	}
	third := kidOf(b.ring, sts.KeyNext)
	b.until(begin.Add(25*time.Hour-time.Second), b.ring)
	if got := b.signs(t, b.ring); got != old {
		t.Errorf("signs by %s before every verifier has had the time to learn it", got)
	}
	b.until(begin.Add(25*time.Hour), b.ring)
	if got := b.signs(t, b.ring); got != third {
		t.Errorf("signs by %s, expected %s", got, third)
	}
}

// TestAForcedRotationNamesItsKey: asked for twice it does not reach the key after it, which nobody knows.
func TestAForcedRotationNamesItsKey(t *testing.T) {
	b := newBench(t)
	next := kidOf(b.ring, sts.KeyNext)
	if err := b.ring.Rotate(t.Context(), "ada", "", true); !fault.InvalidInput.Is(err) {
		t.Errorf("without a name: %v", err)
	}
	for range 2 {
		_ = b.ring.Rotate(t.Context(), "ada", next, true)
	}
	if got := b.signs(t, b.ring); got != next || len(b.keys.entries) != 1 {
		t.Errorf("signs by %s, expected %s; %d rotations", got, next, len(b.keys.entries))
	}
	b.until(begin.Add(time.Hour), b.ring)
	for _, forced := range []bool{false, true} {
		if err := b.ring.Rotate(t.Context(), "ada", next, forced); !fault.KeyNotNext.Is(err) || !strings.Contains(err.Error(), kidOf(b.ring, sts.KeyNext)) {
			t.Errorf("another key is the next one by now: %v", err)
		}
	}
}

// TestWhoVerifiesWithinTheProcessIsToldOfACut, at every replica, and of nothing else that happens.
func TestWhoVerifiesWithinTheProcessIsToldOfACut(t *testing.T) {
	b := newBench(t)
	other, err := b.open(b.key)
	if err != nil {
		t.Fatal(err)
	}
	var told, toldThere int
	b.ring.Withdrawn, other.Withdrawn = func() { told++ }, func() { toldThere++ }
	b.until(begin.Add(time.Hour), b.ring, other)
	if err := b.ring.Rotate(t.Context(), "ada", "", false); err != nil {
		t.Fatal(err)
	}
	b.maintain(t, other)
	if told != 0 || toldThere != 0 {
		t.Errorf("a rotation withdraws nothing: told %d and %d times", told, toldThere)
	}
	other.Withdrawn = func() {
		toldThere++
		if len(published(t, other)) != 2 {
			t.Error("told before the key was gone")
		}
	}
	if err := b.ring.Cut(t.Context(), "ada", kidOf(b.ring, sts.KeyRetired)); err != nil {
		t.Fatal(err)
	}
	b.maintain(t, other)
	if told != 1 || toldThere != 1 {
		t.Errorf("of a cut: told %d and %d times", told, toldThere)
	}
}

// allowed lets everybody do everything.
type allowed struct{}

func (allowed) Enforce(context.Context, *access.Principal, access.OrganisationID, string, ...access.Permission) error {
	return nil
}

// TestACutIsDoneWhenEveryReplicaHasNoticed: a verifier that is restarted then can't fetch the key once more.
func TestACutIsDoneWhenEveryReplicaHasNoticed(t *testing.T) {
	b := newBench(t)
	other, err := b.open(b.key)
	if err != nil {
		t.Fatal(err)
	}
	kid := kidOf(b.ring, sts.KeyNext)
	waited := time.Duration(0)
	b.ring.Wait = func(_ context.Context, d time.Duration) {
		waited += d
		b.until(b.now.Add(d), other)
	}
	admin := &sts.KeyAdministration{Ring: b.ring, Policy: allowed{}}
	if err := admin.Cut(t.Context(), ivan(), kid); err != nil {
		t.Fatal(err)
	}
	if _, there := published(t, other)[kid]; there || waited < 2*sts.MaintainEvery {
		t.Errorf("another replica still publishes it: %v; waited for %s", there, waited)
	}
	waited = 0
	if err := admin.Cut(t.Context(), ivan(), kid); !fault.NotFound.Is(err) || waited != 0 {
		t.Errorf("nothing was cut: %v, waited for %s", err, waited)
	}
}

// TestARetiredKeyThatIsSpoiltStopsNothing: it is left out, and cuts are followed.
func TestARetiredKeyThatIsSpoiltStopsNothing(t *testing.T) {
	b := newBench(t)
	b.until(begin.Add(time.Hour), b.ring)
	if err := b.ring.Rotate(t.Context(), "ada", "", false); err != nil {
		t.Fatal(err)
	}
	other, err := b.open(b.key)
	if err != nil {
		t.Fatal(err)
	}
	retired, next := kidOf(b.ring, sts.KeyRetired), kidOf(b.ring, sts.KeyNext)
	for i := range b.keys.keys {
		if b.keys.keys[i].State == sts.KeyRetired {
			b.keys.keys[i].Public = b.keys.keys[i].Public[:31]
		}
	}
	if err := b.ring.Cut(t.Context(), "ada", next); err != nil {
		t.Fatal(err)
	}
	b.maintain(t, other)
	for _, r := range []*sts.Ring{b.ring, other} {
		set := published(t, r)
		if _, spoilt := set[retired]; spoilt || r.Ready() != nil || len(set) != 2 {
			t.Errorf("published: %v; ready: %v", set, r.Ready())
		}
	}
}

// TestKeysThatCanNotBeUsedAreToldByReadiness until they can.
func TestKeysThatCanNotBeUsedAreToldByReadiness(t *testing.T) {
	b := newBench(t)
	signer, public := kidOf(b.ring, sts.KeyActive), b.keys.keys[0].Public
	b.keys.keys[0].Public = public[:31]
	b.keys.revision++
	for range 2 {
		if err := b.ring.Maintain(t.Context()); err == nil || b.ring.Ready() == nil {
			t.Errorf("maintained: %v; ready: %v", err, b.ring.Ready())
		}
	}
	if got := b.signs(t, b.ring); got != signer {
		t.Errorf("the keys of before go on: signs by %s", got)
	}
	b.keys.keys[0].Public = public
	b.maintain(t, b.ring)
	if err := b.ring.Ready(); err != nil {
		t.Errorf("mended: %v", err)
	}
}

func TestNoKeyIsNamedLikeAFlag(t *testing.T) {
	b := newBench(t)
	for range 300 {
		if kid := kidOf(b.ring, sts.KeyNext); kid[0] == '-' {
			t.Fatalf("a key is called %s", kid)
		}
		if err := b.ring.Cut(t.Context(), "ada", kidOf(b.ring, sts.KeyNext)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAStoreThatLostItsKeys: who runs goes on with the keys that it has, and says so; who starts makes others.
func TestAStoreThatLostItsKeys(t *testing.T) {
	for rule, lose := range map[string]func(*keyStore){
		"the rows were deleted":      func(s *keyStore) { s.keys = nil },
		"a restore is at its middle": func(s *keyStore) { s.keys, s.revision = nil, 4711 },
	} {
		b := newBench(t)
		keys, revision := b.keys.keys, b.keys.revision
		active := kidOf(b.ring, sts.KeyActive)
		lose(b.keys)
		if err := b.ring.Rotate(t.Context(), "ada", kidOf(b.ring, sts.KeyNext), true); err == nil || !strings.Contains(err.Error(), "found none") {
			t.Errorf("%s: a rotation: %v", rule, err)
		}
		_ = b.ring.Maintain(t.Context())
		if got := b.signs(t, b.ring); got != active {
			t.Errorf("%s: signs by %q, expected %q", rule, got, active)
		}
		again, err := b.open(b.key)
		if err != nil || b.signs(t, again) == active || !slices.Equal(states(again), []string{"active", "next"}) {
			t.Errorf("%s: a start: %v", rule, err)
		}
		b.keys.keys, b.keys.revision = keys, revision+8000
		b.maintain(t, again)
		if got := b.signs(t, again); got != active {
			t.Errorf("%s: restored: signs by %q, expected %q", rule, got, active)
		}
	}
}
