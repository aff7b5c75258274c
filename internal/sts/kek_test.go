package sts_test

import (
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/seal"
	"github.com/portico-iam/portico/internal/sts"
)

func (b *bench) openWith(t *testing.T, keys *seal.Keys) *sts.Ring {
	t.Helper()
	config := b.ring.RingConfig
	config.Box = keys.Box("signing key")
	r, err := sts.OpenRing(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The key-encryption key is replaced in three steps, none of which stops the product: every replica gets both, one
// command seals anew, every replica forgets the old one.
func TestTheKeyEncryptionKeyIsReplacedWithoutAStop(t *testing.T) {
	b := newBench(t)
	old, fresh := b.key, seal.RandomKey()
	lagging := b.ring // never gets the new one
	both := seal.NewKeys(fresh, old)
	replica := b.openWith(t, both)
	if both.Sealing().ID() != old.ID() {
		t.Fatal("a replica seals by a key that the others may not have")
	}
	first := b.signs(t, replica)

	command := b.openWith(t, seal.NewKeys(old, fresh))
	if n, err := command.Reseal(t.Context(), "command", fresh.ID()); err != nil || n != 2 {
		t.Fatalf("expected 2 keys, got %d, %v", n, err)
	}
	if n, err := command.Reseal(t.Context(), "command", fresh.ID()); err != nil || n != 0 || len(b.keys.entries) != 1 {
		t.Errorf("a second time: %d keys, %d entries, %v", n, len(b.keys.entries), err)
	}
	if e := b.keys.entries[0]; e.Action != history.Updated || e.User != "command" || !strings.Contains(string(e.Metadata), old.ID()) || strings.Contains(string(e.Metadata), strings.TrimSpace(fresh.Encode())) {
		t.Errorf("recorded %+v %s", e, e.Metadata)
	}
	b.maintain(t, replica)
	if both.Sealing().ID() != fresh.ID() || b.signs(t, replica) != first || replica.Ready() != nil {
		t.Errorf("the replica seals by %s, ready: %v", both.Sealing().ID(), replica.Ready())
	}

	alone := b.openWith(t, seal.NewKeys(fresh))
	if b.signs(t, alone) != first {
		t.Error("the new key alone opens another key")
	}
	if _, err := b.open(old); err == nil || !strings.Contains(err.Error(), fresh.ID()) || !strings.Contains(err.Error(), old.ID()) {
		t.Errorf("the old key alone: %v", err)
	}

	// Who runs with the old key alone goes on signing, publishes what the others do, and says that it is not fit.
	b.maintain(t, lagging)
	if err := lagging.Ready(); err == nil || !strings.Contains(err.Error(), "key-encryption key") || b.signs(t, lagging) != first {
		t.Errorf("not noticed: %v", err)
	}
	if err := lagging.Rotate(t.Context(), "ada", kidOf(lagging, sts.KeyNext), true); err == nil {
		t.Error("it turned a ring that it can't open")
	}
	if err := alone.Rotate(t.Context(), "ada", kidOf(alone, sts.KeyNext), true); err != nil {
		t.Fatal(err)
	}
	b.maintain(t, lagging)
	if string(lagging.JWKS()) != string(alone.JWKS()) {
		t.Error("it does not publish the others' keys")
	}
	b.signs(t, lagging)
}

// lagging returns a replica that has the old key-encryption key alone, and one that has both and sealed by the new one.
func (b *bench) lagging(t *testing.T) (lagging, both *sts.Ring) {
	t.Helper()
	fresh := seal.RandomKey()
	both = b.openWith(t, seal.NewKeys(fresh, b.key))
	if _, err := both.Reseal(t.Context(), "command", fresh.ID()); err != nil {
		t.Fatal(err)
	}
	b.maintain(t, b.ring)
	return b.ring, both
}

func TestACutReachesWhoHasTheOldKeyEncryptionKeyAlone(t *testing.T) {
	for rule, c := range map[string]struct{ cut, signs sts.KeyState }{
		"the active key": {sts.KeyActive, sts.KeyNext},
		"the next key":   {sts.KeyNext, sts.KeyActive},
	} {
		b := newBench(t)
		lagging, both := b.lagging(t)
		kid, signer := kidOf(both, c.cut), kidOf(both, c.signs)
		if err := both.Cut(t.Context(), "ada", kid); err != nil {
			t.Fatal(err)
		}
		for _, at := range []time.Time{begin, begin.Add(25 * time.Hour)} { // a key that was cut does not take its turn either
			b.until(at, lagging)
			b.maintain(t, lagging)
			if _, there := published(t, lagging)[kid]; there || b.signs(t, lagging) != signer {
				t.Errorf("%s, at %s: still there: %v; signs by %s, expected %s", rule, at, there, b.signs(t, lagging), signer)
			}
		}
	}
}

// TestWhoCanOpenNoKeySignsNothing: with the old key-encryption key alone it goes on by a retired key while that is
// published, and by none that is not.
func TestWhoCanOpenNoKeySignsNothing(t *testing.T) {
	b := newBench(t)
	lagging, both := b.lagging(t)
	known := kidOf(both, sts.KeyNext)
	for range 2 { // to a key that the other one never opened
		if err := both.Rotate(t.Context(), "ada", kidOf(both, sts.KeyNext), true); err != nil {
			t.Fatal(err)
		}
	}
	b.maintain(t, lagging)
	if got := b.signs(t, lagging); got != known {
		t.Errorf("expected the newest retired key %s, got %s", known, got)
	}
	for _, k := range both.Keys() {
		if k.State == sts.KeyRetired {
			if err := both.Cut(t.Context(), "ada", k.KID); err != nil {
				t.Fatal(err)
			}
		}
	}
	b.maintain(t, lagging)
	service := sts.New(sts.Config{Issuer: self, Audiences: []string{"one-core"}, TTL: 5 * time.Minute, Ring: lagging, Policy: b.policy, Now: lagging.Now})
	if _, err := service.Issue(t.Context(), sts.Request{Principal: ivan(), Organisation: acme}); !fault.Unavailable.Is(err) {
		t.Errorf("a token: %v", err)
	}
	if _, err := service.IssueOwn(access.SetOf(access.STSOrganisationList)); !fault.Unavailable.Is(err) {
		t.Errorf("a token of its own: %v", err)
	}
}

func TestAKeyThatIsNotAtHandSealsNothing(t *testing.T) {
	b := newBench(t)
	before := b.keys.revision
	if _, err := b.ring.Reseal(t.Context(), "command", seal.RandomKey().ID()); err == nil || b.keys.revision != before {
		t.Errorf("got %v, revision %d", err, b.keys.revision)
	}
}

func TestRowsFromBeforeTheKeyWasNamed(t *testing.T) {
	b := newBench(t)
	for i := range b.keys.keys {
		b.keys.keys[i].SealedBy = ""
	}
	fresh := seal.RandomKey()
	both := seal.NewKeys(fresh, b.key)
	r := b.openWith(t, both)
	if both.Sealing().ID() != b.key.ID() {
		t.Error("a replica seals by a key that the others may not have")
	}
	for _, k := range b.keys.keys {
		if k.SealedBy != b.key.ID() {
			t.Errorf("it is not noted by what %s is sealed: %q", k.KID, k.SealedBy)
		}
	}
	if n, err := r.Reseal(t.Context(), "command", fresh.ID()); err != nil || n != 2 {
		t.Errorf("got %d, %v", n, err)
	}
	b.openWith(t, seal.NewKeys(fresh))
}
