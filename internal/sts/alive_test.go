package sts_test

import (
	"errors"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/sts"
)

// halfway rotates, and returns the new next key a while before every verifier has had the time to learn it.
func (b *bench) halfway(t *testing.T) (next string) {
	t.Helper()
	b.until(begin.Add(2*time.Hour), b.ring)
	if err := b.ring.Rotate(t.Context(), "ada", "", false); err != nil {
		t.Fatal(err)
	}
	b.until(begin.Add(150*time.Minute), b.ring)
	return kidOf(b.ring, sts.KeyNext)
}

// TestAPauseIsNoPublication: while nobody publishes a key nobody learns it, so it does not sign until it was published for
// the whole overlap.
func TestAPauseIsNoPublication(t *testing.T) {
	for rule, goOn := range map[string]func(t *testing.T, b *bench) *sts.Ring{
		"a stop": func(t *testing.T, b *bench) *sts.Ring {
			r, err := b.open(b.key)
			if err != nil {
				t.Fatal(err)
			}
			return r
		},
		"a suspended machine, or a clock that leaps": func(_ *testing.T, b *bench) *sts.Ring { return b.ring },
		"a suspended machine, and the store is away at first": func(t *testing.T, b *bench) *sts.Ring {
			b.keys.away = errors.New("the store is away")
			next := kidOf(b.ring, sts.KeyNext)
			for range 3 {
				if err := b.ring.Maintain(t.Context()); err == nil || b.signs(t, b.ring) == next {
					t.Errorf("nobody knows whether the next key was published meanwhile, and it signs; maintained: %v", err)
				}
			}
			b.keys.away = nil
			return b.ring
		},
	} {
		b := newBench(t)
		next := b.halfway(t)
		b.now = b.now.Add(25 * time.Hour)
		back := b.now
		r := goOn(t, b)
		b.maintain(t, r)
		if got := b.signs(t, r); got == next {
			t.Errorf("%s: a key signs that was published for half an hour before it, and for none after", rule)
		}
		if err := r.Rotate(t.Context(), "ada", "", false); !fault.KeyTooNew.Is(err) {
			t.Errorf("%s: a rotation by hand: %v", rule, err)
		}
		b.until(back.Add(time.Hour-time.Second), r)
		if got := b.signs(t, r); got == next {
			t.Errorf("%s: it signs before the overlap is over", rule)
		}
		b.until(back.Add(time.Hour), r)
		if got := b.signs(t, r); got != next {
			t.Errorf("%s: published for the whole overlap it does not sign", rule)
		}
	}
}

func TestAPauseAfterTheOverlapChangesNothing(t *testing.T) {
	b := newBench(t)
	next := kidOf(b.ring, sts.KeyNext)
	b.until(begin.Add(61*time.Minute), b.ring)
	b.now = begin.Add(24 * time.Hour)
	b.maintain(t, b.ring)
	if got := b.signs(t, b.ring); got != next {
		t.Error("every verifier has had the time to learn the next key, and it does not sign at its time")
	}
}

// TestWhoPausesAloneFollowsTheOthers: they published the key meanwhile.
func TestWhoPausesAloneFollowsTheOthers(t *testing.T) {
	b := newBench(t)
	other, err := b.open(b.key)
	if err != nil {
		t.Fatal(err)
	}
	next := b.halfway(t)
	b.until(begin.Add(26*time.Hour), other)
	revision := b.keys.revision
	b.maintain(t, b.ring)
	if got := b.signs(t, b.ring); got != next || b.signs(t, other) != next || b.keys.revision != revision {
		t.Errorf("signs by %s, expected %s; revision %d, expected %d", got, next, b.keys.revision, revision)
	}
}

// TestABackupThatIsRestoredWhileItRuns: what the backup holds was not published since.
func TestABackupThatIsRestoredWhileItRuns(t *testing.T) {
	b := newBench(t)
	b.halfway(t)
	keys, revision, alive := b.keys.keys, b.keys.revision, b.keys.alive
	next := kidOf(b.ring, sts.KeyNext)
	b.until(begin.Add(6*time.Hour), b.ring)
	for range 2 {
		if err := b.ring.Rotate(t.Context(), "ada", kidOf(b.ring, sts.KeyNext), true); err != nil {
			t.Fatal(err)
		}
		b.until(b.now.Add(time.Hour), b.ring)
	}
	b.keys.keys, b.keys.revision, b.keys.alive = keys, revision, alive
	b.maintain(t, b.ring)
	if err := b.ring.Rotate(t.Context(), "ada", "", false); !fault.KeyTooNew.Is(err) || kidOf(b.ring, sts.KeyNext) != next {
		t.Errorf("a key that was not published since the backup: %v", err)
	}
}

func TestOneSignOfLifeAMinute(t *testing.T) {
	b := newBench(t)
	other, err := b.open(b.key)
	if err != nil {
		t.Fatal(err)
	}
	notes, last := 0, b.keys.alive
	for range 600 {
		b.now = b.now.Add(time.Second)
		for _, r := range []*sts.Ring{b.ring, other} {
			b.maintain(t, r)
			if b.keys.alive != last {
				notes, last = notes+1, b.keys.alive
			}
		}
	}
	if notes < 10 || notes > 11 || b.now.Sub(last) > time.Minute {
		t.Errorf("%d in ten minutes, the last one %s ago", notes, b.now.Sub(last))
	}
}
