package sts_test

import (
	"slices"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/sts"
)

// What a backup holds may be older than what verifiers know.
func TestARestoredRingGoesOnWithAKeyThatVerifiersKnow(t *testing.T) {
	for rule, c := range map[string]struct {
		rotated []time.Duration // by hand, after the backup
		back    time.Duration   // when it is restored
		knows   bool            // whether verifiers know the key that signs then
	}{
		"no rotation since":                       {nil, 6 * time.Hour, true},
		"one rotation since":                      {[]time.Duration{4 * time.Hour}, 6 * time.Hour, true},
		"the planned rotation since":              {nil, 25 * time.Hour, true},
		"two rotations since: only a fetch helps": {[]time.Duration{4 * time.Hour, 6 * time.Hour}, 8 * time.Hour, false},
	} {
		b := newBench(t)
		b.until(begin.Add(2*time.Hour), b.ring)
		b.signs(t, b.ring)
		b.maintain(t, b.ring)
		backup, alive := slices.Clone(b.keys.keys), b.keys.alive
		for _, at := range c.rotated {
			b.until(begin.Add(at), b.ring)
			if err := b.ring.Rotate(t.Context(), "ada", "", false); err != nil {
				t.Fatal(err)
			}
		}
		b.until(begin.Add(c.back), b.ring)
		b.maintain(t, b.ring)
		known := published(t, b.ring)
		b.keys = &keyStore{keys: backup, revision: 1, alive: alive}
		restored, err := b.open(b.key)
		if err != nil {
			t.Fatalf("%s: %v", rule, err)
		}
		b.maintain(t, restored)
		if _, knows := known[b.signs(t, restored)]; knows != c.knows {
			t.Errorf("%s: verifiers know the key that signs: %v", rule, knows)
		}
		for kid, k := range published(t, restored) {
			if before, was := known[kid]; was && before != k {
				t.Errorf("%s: %s names other material now", rule, kid)
			}
		}
		fresh := kidOf(restored, sts.KeyNext)
		if _, was := known[fresh]; was && len(c.rotated) > 0 {
			t.Errorf("%s: the next key is not a new one", rule)
		}
		if err := restored.Rotate(t.Context(), "ada", "", false); !fault.KeyTooNew.Is(err) {
			t.Errorf("%s: it rotates again without time to learn the key: %v", rule, err)
		}
	}
}

func TestAShortStopRotatesNothing(t *testing.T) {
	b := newBench(t)
	b.until(begin.Add(2*time.Hour), b.ring)
	first := b.signs(t, b.ring)
	b.maintain(t, b.ring)
	b.now = b.now.Add(7 * time.Minute) // as long as a retired key would stay
	again, err := b.open(b.key)
	if err != nil || b.signs(t, again) != first {
		t.Errorf("a restart rotated: %v", err)
	}
}
