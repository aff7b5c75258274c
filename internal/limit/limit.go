// Package limit bounds how often one address, or one person, may do something.
//
// It counts within this process: with n replicas behind a balancer somebody has up to n times as much. That is enough for what it
// is for: that nobody, by mistake or on purpose, takes what the others need.
package limit

import (
	"math"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/time/rate"
)

// most is how many keys are remembered. Who has more addresses than that is not to be stopped by counting them.
const most = 50_000

// Limiter gives each key so many turns at once, and so many more as time goes by. A nil one gives everybody every turn.
type Limiter[K comparable] struct {
	each  rate.Limit
	burst int
	now   func() time.Time
	keys  *otter.Cache[K, *rate.Limiter]
}

// New returns a limiter; none of turns is nil: no limit. A key that was not seen for long is forgotten: it has all its turns
// again by then.
func New[K comparable](turns int, per time.Duration, burst int, now func() time.Time) *Limiter[K] {
	if turns <= 0 {
		return nil
	}
	return &Limiter[K]{
		each: rate.Limit(float64(turns) / per.Seconds()), burst: max(burst, 1), now: now,
		keys: otter.Must(&otter.Options[K, *rate.Limiter]{MaximumSize: most}),
	}
}

// Take takes a turn. Where there is none it says for how long there is none.
func (l *Limiter[K]) Take(key K) (wait time.Duration, ok bool) {
	if l == nil {
		return 0, true
	}
	now, bucket := l.now(), l.of(key)
	if bucket.AllowN(now, 1) {
		return 0, true
	}
	return l.wait(bucket, now), false
}

func (l *Limiter[K]) of(key K) *rate.Limiter {
	if bucket, known := l.keys.GetIfPresent(key); known {
		return bucket
	}
	bucket, _ := l.keys.SetIfAbsent(key, rate.NewLimiter(l.each, l.burst)) // whoever was first has set it
	return bucket
}

// wait is in whole seconds, as Retry-After has it (RFC 9110 section 10.2.3).
func (l *Limiter[K]) wait(bucket *rate.Limiter, now time.Time) time.Duration {
	missing := 1 - bucket.TokensAt(now)
	return time.Duration(math.Ceil(max(missing/float64(l.each), 1))) * time.Second
}
