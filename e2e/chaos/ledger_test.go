package chaos

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// outcome is how a request ended.
type outcome int

const (
	fine   outcome = iota
	failed         // an error of the server or the network
	undue          // refused though it should not be: signed out without a cause, forbidden what is granted
	outcomes
)

// phase is a time with one fault, or with none.
type phase struct {
	name     string
	begun    time.Time
	counts   [outcomes]int
	lastFine time.Time
	longest  time.Duration // without an answer to a reader
	times    int           // how often there was such a phase
	slowest  time.Duration // a change until every replica acted on it
}

// ledger is what happened.
type ledger struct {
	mu     sync.Mutex
	phases []*phase
	now    *phase
	wrong  []string
	lost   []string
	notes  map[string]int
	odd    []string // of what is undue, the first ones
}

func newLedger() *ledger {
	l := &ledger{notes: map[string]int{}}
	l.begin("nothing")
	return l
}

// begin begins a phase: one fault, named alike each time.
func (l *ledger) begin(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now != nil {
		l.gap(l.now, time.Now())
	}
	i := slices.IndexFunc(l.phases, func(p *phase) bool { return p.name == name })
	if i < 0 {
		l.phases = append(l.phases, &phase{name: name})
		i = len(l.phases) - 1
	}
	l.now = l.phases[i]
	l.now.begun, l.now.lastFine = time.Now(), time.Now()
	l.now.times++
}

func (l *ledger) gap(p *phase, now time.Time) {
	p.longest = max(p.longest, now.Sub(p.lastFine))
}

// count counts a request of the load through the balancer.
func (l *ledger) count(o outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now.counts[o]++
	if o == fine {
		now := time.Now()
		l.gap(l.now, now)
		l.now.lastFine = now
	}
}

// fail counts a failure, and what was said.
func (l *ledger) fail(got answer) {
	l.count(failed)
	var said struct {
		Cause struct{ Message string }
		Error string
	}
	_ = json.Unmarshal(got.body, &said)
	l.note(fmt.Sprintf("failed: %d %.60s", got.status, cmp.Or(said.Cause.Message, said.Error)))
}

// undue counts a refusal without a cause, and keeps the first ones for the reader.
func (l *ledger) unduly(format string, args ...any) {
	l.count(undue)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.odd) < 20 {
		l.odd = append(l.odd, fmt.Sprintf("during %q: ", l.now.name)+fmt.Sprintf(format, args...))
	}
}

// spread notes how long a change took to count everywhere, that was answered in a phase.
func (l *ledger) spread(in *phase, d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	in.slowest = max(in.slowest, d)
}

func (l *ledger) current() *phase {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

func (l *ledger) wrongly(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wrong = append(l.wrong, fmt.Sprintf("during %q: ", l.now.name)+fmt.Sprintf(format, args...))
}

func (l *ledger) lose(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost = append(l.lost, fmt.Sprintf(format, args...))
}

func (l *ledger) note(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.notes[what]++
}

// print shows the table.
func (l *ledger) print(t *testing.T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "\n%-38s %5s %9s %8s %7s %14s %12s\n", "fault", "times", "answered", "failed", "undue", "longest gap", "counts after")
	var sum [outcomes]int
	for _, p := range l.phases {
		fmt.Fprintf(&b, "%-38s %5d %9d %8d %7d %14s %12s\n", p.name, p.times, p.counts[fine], p.counts[failed], p.counts[undue],
			p.longest.Round(10*time.Millisecond), p.slowest.Round(10*time.Millisecond))
		for o := range sum {
			sum[o] += p.counts[o]
		}
	}
	fmt.Fprintf(&b, "%-38s %5s %9d %8d %7d\n\n", "all", "", sum[fine], sum[failed], sum[undue])
	for _, what := range slices.Sorted(func(yield func(string) bool) {
		for what := range l.notes {
			if !yield(what) {
				return
			}
		}
	}) {
		fmt.Fprintf(&b, "%-76s %5d\n", what, l.notes[what])
	}
	fmt.Fprintf(&b, "\nwrong answers: %d\nlost writes:   %d\n", len(l.wrong), len(l.lost))
	for _, text := range slices.Concat(l.wrong, l.lost, l.odd) {
		fmt.Fprintf(&b, "  %s\n", text)
	}
	t.Log(b.String())
}
