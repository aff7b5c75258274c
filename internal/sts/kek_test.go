package sts_test

import (
	"strings"
	"testing"

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
	if err := lagging.Rotate(t.Context(), "ada", true); err == nil {
		t.Error("it turned a ring that it can't open")
	}
	if err := alone.Rotate(t.Context(), "ada", true); err != nil {
		t.Fatal(err)
	}
	b.maintain(t, lagging)
	if string(lagging.JWKS()) != string(alone.JWKS()) {
		t.Error("it does not publish the others' keys")
	}
	verified(t, lagging, mustIssue(t, b, alone))
}

func mustIssue(t *testing.T, b *bench, r *sts.Ring) string {
	t.Helper()
	return sts.New(sts.Config{Issuer: self, Audiences: []string{"one-core"}, TTL: 300e9, Ring: r, Policy: b.policy, Now: r.Now}).IssueOwn(b.policy.in[acme]).Value
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
	r := b.openWith(t, seal.NewKeys(fresh, b.key))
	if n, err := r.Reseal(t.Context(), "command", fresh.ID()); err != nil || n != 2 {
		t.Errorf("got %d, %v", n, err)
	}
	b.openWith(t, seal.NewKeys(fresh))
}
