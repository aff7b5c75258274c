package limit_test

import (
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/portico-iam/portico/internal/limit"
)

// TestNobodyTakesMore: in any time nobody has more turns than the burst and what that time brings; one key's are not another's;
// and who waits as long as they are told has a turn.
func TestNobodyTakesMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1_800_000_000, 0)
		turns, burst := rapid.IntRange(1, 100).Draw(t, "turns"), rapid.IntRange(1, 50).Draw(t, "burst")
		l := limit.New[string](turns, time.Minute, burst, func() time.Time { return now })
		begun, taken := now, map[string]int{}
		for range rapid.IntRange(1, 200).Draw(t, "requests") {
			now = now.Add(time.Duration(rapid.IntRange(0, 5000).Draw(t, "ms")) * time.Millisecond)
			key := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "key")
			wait, ok := l.Take(key)
			if ok {
				taken[key]++
			} else {
				now = now.Add(wait)
				if _, ok := l.Take(key); !ok || wait < time.Second {
					t.Fatalf("told to wait for %s, and there is none", wait)
				}
				taken[key]++
			}
			if most := float64(burst) + now.Sub(begun).Minutes()*float64(turns) + 1e-6; float64(taken[key]) > most {
				t.Fatalf("%d turns in %s, expected at most %.2f", taken[key], now.Sub(begun), most)
			}
		}
	})
}

func TestNoLimit(t *testing.T) {
	l := limit.New[string](0, time.Minute, 1, time.Now)
	for range 1000 {
		if _, ok := l.Take("a"); !ok {
			t.Fatal("there is a limit")
		}
	}
}

func TestManyAtOnce(t *testing.T) {
	l := limit.New[int](1, time.Hour, 10, time.Now)
	var all sync.WaitGroup
	var mu sync.Mutex
	taken := 0
	for range 100 {
		all.Go(func() {
			if _, ok := l.Take(1); ok {
				mu.Lock()
				taken++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if taken != 10 {
		t.Errorf("expected 10 turns, got %d", taken)
	}
}

func BenchmarkTake(b *testing.B) {
	type person struct{ issuer, subject string }
	l := limit.New[person](1_000_000, time.Second, 1_000_000, time.Now)
	key := person{"https://acme.okta.com/oauth2/default", "ada@acme.test"}
	b.ReportAllocs()
	for b.Loop() {
		l.Take(key)
	}
}
