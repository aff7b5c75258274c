package history

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// batches keeps what was stored.
type batches struct {
	mu      sync.Mutex
	err     error
	entries []Entry
	during  func()
}

func (b *batches) AppendHistoryBatch(_ context.Context, entries []Entry) error {
	if b.during != nil {
		b.during()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil {
		b.entries = append(b.entries, entries...)
	}
	return b.err
}

// counts sums up what was stored by name.
func (b *batches) counts(t *testing.T) map[string]int {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	counts := map[string]int{}
	for _, e := range b.entries {
		var m struct{ Count int }
		if err := json.Unmarshal(e.Metadata, &m); err != nil {
			t.Fatal(err)
		}
		counts[e.Name] += m.Count
	}
	return counts
}

func gatherer(t *testing.T) (*Gatherer, *batches, *time.Time) {
	t.Helper()
	now := at
	r, _ := recorder(&store{})
	r.Now = func() time.Time { return now }
	b := &batches{}
	return &Gatherer{Recorder: r, Store: b}, b, &now
}

func TestWhatHappensOverAndOverIsOneEntry(t *testing.T) {
	g, b, now := gatherer(t)
	flush := func() {
		t.Helper()
		if err := g.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	first := now.UTC().Format(wholeMillis)
	for range 3 {
		g.Note(Entry{Action: Issued, EntityType: STSToken, Name: "one-core", User: "ivan", Metadata: Details(map[string]string{"client": "web"})})
		*now = now.Add(time.Minute)
	}
	g.Note(Entry{Action: Issued, EntityType: STSToken, Name: "one-core", User: "ada"})
	if flush(); len(b.entries) != 0 {
		t.Fatal("it does not wait for more")
	}
	*now = now.Add(gatherFor - 3*time.Minute)
	if flush(); len(b.entries) != 1 {
		t.Fatalf("got %+v", b.entries)
	}
	e := b.entries[0]
	want := fmt.Sprintf(`{"client":"web","count":3,"first":"%s","last":"%s"}`, first, at.Add(2*time.Minute).UTC().Format(wholeMillis))
	if e.User != "ivan" || e.ID == "" || e.CreatedAt.IsZero() || string(e.Metadata) != want {
		t.Errorf("got %+v\n%s\nwant %s", e, e.Metadata, want)
	}
	if err := g.Close(); err != nil || len(b.entries) != 2 || b.entries[1].User != "ada" {
		t.Errorf("the end stores the rest: %+v", b.entries)
	}
}

// TestNothingGatheredIsLost: a store that fails, and what comes while it is written to.
func TestNothingGatheredIsLost(t *testing.T) {
	g, b, now := gatherer(t)
	note := func() { g.Note(Entry{Name: "x"}) }
	note()
	*now = now.Add(gatherFor)
	b.err, b.during = errors.New("away"), note
	if err := g.Flush(t.Context()); err == nil {
		t.Fatal("expected the failure to be told")
	}
	b.err, b.during = nil, nil
	if err := g.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := b.counts(t)["x"]; got != 2 {
		t.Errorf("got %d", got)
	}
}

func TestManyKindsAreStoredEarlyAndBounded(t *testing.T) {
	g, b, _ := gatherer(t)
	for i := range mostKinds/2 + 1 {
		g.Note(Entry{Name: fmt.Sprint(i)})
	}
	if err := g.Flush(t.Context()); err != nil || len(b.entries) == 0 {
		t.Fatalf("got %d, %v", len(b.entries), err)
	}
	r, log := recorder(&store{})
	g = &Gatherer{Recorder: r, Store: b}
	for i := range 2 * mostKinds { // somebody who reads by ever another filter, so that what they read then is not seen
		g.Note(Entry{Name: "History", User: "eve", Metadata: Details(map[string]int{"filter": i})})
	}
	if w := g.waiting[kindOf(Entry{Name: "History", User: "eve"})]; w == nil || w.count != mostKinds {
		t.Errorf("what did not find room is not counted: %+v", w)
	}
	for i := range mostPlain + 4 {
		g.Note(Entry{Name: fmt.Sprint(i)})
	}
	if len(g.waiting) != mostKinds+mostPlain || strings.Count(log.String(), "history entry lost") != 5 {
		t.Errorf("%d wait, and the log says %s", len(g.waiting), log)
	}
}

func TestGatheringFromManySides(t *testing.T) {
	g, b, _ := gatherer(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 500 {
				g.Note(Entry{Name: fmt.Sprint(i % 7)})
				if i%50 == 0 {
					if err := g.flush(t.Context(), 0); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	all.Wait()
	g.Close()
	sum := 0
	for _, n := range b.counts(t) {
		sum += n
	}
	if sum != 4000 {
		t.Errorf("got %d", sum)
	}
}
