package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/portico-iam/portico/internal/fault"
)

// Source is where changes are announced.
type Source interface {
	// Origin is this process's own name among the announcements.
	Origin() string
	// Numbers returns the number of each topic, and what time it is there; zero: it has no clock of its own.
	Numbers(ctx context.Context) (numbers map[Topic]int64, now time.Time, err error)
	// Listen hands on each message from when ready is called, until ctx or the connection ends. It returns nil at once where there
	// are no messages.
	Listen(ctx context.Context, ready func(), heard func(message string)) error
	// Beat sends a message that is about nothing.
	Beat(ctx context.Context, a Announcement) error
}

// Config is what a Feed needs.
type Config struct {
	Source       Source
	MaxStaleness time.Duration // for how long what is remembered counts, while the store can't be read
	Now          func() time.Time
	Logger       *slog.Logger
}

const (
	pollEvery     = time.Second
	pollWithin    = 2 * time.Second
	messageWithin = 100 * time.Millisecond // a message takes a few at most
	beatEvery     = 10                     // polls
	listenAgain   = time.Second
	lookWithin    = 5 * time.Second
	wholeEvery    = time.Minute
	mostSkew      = 30 * time.Second // half of what is allowed for between clocks
)

// Feed hears what others change. On must not be called after Run.
type Feed struct {
	Config
	topics map[Topic]*topic

	running   atomic.Bool
	listening atomic.Bool
	heardAt   atomic.Pointer[time.Time] // until when everything is known; nil: from before the start
	silent    atomic.Bool               // it was said that nothing is heard
	ahead     atomic.Int64              // nanoseconds of our clock before the store's
	skewed    atomic.Bool               // it was said that they differ
	lag       atomic.Int64              // nanoseconds that the last message took
	missed    atomic.Int64              // announcements that came by their numbers alone
	wholeAt   time.Time                 // when everything was looked at last; of Run's goroutine
	polls     int                       // of Run's goroutine
}

// topic is what this replica knows of one.
type topic struct {
	name  Topic
	react func(ctx context.Context, names []string) error
	queue chan Announcement

	mu    sync.Mutex
	known bool
	seen  int64 // up to here it was looked at
}

// queued is how many messages of a topic may wait. What comes when there are more, the numbers tell.
const queued = 1024

// New returns a feed that hears nothing yet.
func New(cfg Config) *Feed { return &Feed{Config: cfg, topics: map[Topic]*topic{}} }

// On has react called when others changed something: with what they named, or with nil, when anything may have changed.
// An error of it is as if nothing was heard: it is called again.
func (f *Feed) On(name Topic, react func(ctx context.Context, names []string) error) {
	f.topics[name] = &topic{name: name, react: react, queue: make(chan Announcement, queued)}
}

// Look reads the numbers, and has everything looked at that is not as it was seen.
func (f *Feed) Look(ctx context.Context) error {
	began, before := time.Now(), f.seen()
	asking, cancel := context.WithTimeout(ctx, pollWithin)
	numbers, there, err := f.Source.Numbers(asking)
	cancel()
	if err != nil {
		return fmt.Errorf("ask what others have changed: %w", err)
	}
	f.compareClocks(ctx, there, time.Since(began))
	if f.listening.Load() && f.behind(numbers) { // the messages of just now are on their way, and say what was changed
		select {
		case <-ctx.Done():
		case <-time.After(messageWithin):
		}
	}
	whole := began.Sub(f.wholeAt) >= wholeEvery
	for _, name := range Topics { // what revokes first
		if t := f.topics[name]; t != nil {
			err = errors.Join(err, t.reach(ctx, before[name], numbers[name], whole, &f.missed)) // one that fails keeps no other waiting
		}
	}
	if err != nil {
		return err
	}
	if whole {
		f.wholeAt = began
	}
	f.heardAt.Store(&began)
	if f.silent.CompareAndSwap(true, false) {
		f.Logger.InfoContext(ctx, "the store is heard again")
	}
	return nil
}

// seen returns up to where each topic was looked at.
func (f *Feed) seen() map[Topic]int64 {
	seen := make(map[Topic]int64, len(f.topics))
	for name, t := range f.topics {
		t.mu.Lock()
		seen[name] = t.seen
		t.mu.Unlock()
	}
	return seen
}

// compareClocks notes how far this machine's clock is ahead of the store's, to within the time that it took to ask.
func (f *Feed) compareClocks(ctx context.Context, there time.Time, took time.Duration) {
	if there.IsZero() {
		return
	}
	ahead := f.Now().Sub(there) - took/2
	f.ahead.Store(int64(ahead))
	wrong := ahead.Abs() > mostSkew+took
	if f.skewed.CompareAndSwap(!wrong, wrong) {
		if wrong {
			f.Logger.ErrorContext(ctx, "this machine's clock and the database's differ: tokens, sessions and revocations are judged wrongly where the clock is wrong; see to both (NTP)", "ahead", ahead.Round(time.Second))
			return
		}
		f.Logger.InfoContext(ctx, "this machine's clock and the database's agree again")
	}
}

// ClockIsRight tells whether this machine's clock and the store's agree well enough to end anything by it. It costs nothing.
func (f *Feed) ClockIsRight() bool { return !f.skewed.Load() }

// ClockAhead is by how much this machine's clock is ahead of the store's; 0 where that has none of its own.
func (f *Feed) ClockAhead() time.Duration { return time.Duration(f.ahead.Load()) }

func (f *Feed) behind(numbers map[Topic]int64) bool {
	for name, seen := range f.seen() {
		if seen < numbers[name] {
			return true
		}
	}
	return false
}

// reach brings the topic up to a number that was read after it was looked at up to before. One that is lower is that of a
// backup.
//
// Now and then it looks whatever the numbers say (whole): at what was written by somebody who does not count up, such as an older
// version or a person with a database client.
func (t *topic) reach(ctx context.Context, before, number int64, whole bool, missed *atomic.Int64) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch as := before <= number && number <= t.seen; {
	case t.known && as && !whole:
		return nil
	case t.known && !as:
		missed.Add(1)
	}
	return t.look(ctx, number, nil)
}

// look is called with the lock.
func (t *topic) look(ctx context.Context, number int64, names []string) error {
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	if err := t.react(ctx, names); err != nil {
		return fmt.Errorf("look at what others have changed (%s): %w", t.name, err)
	}
	t.known, t.seen = true, number
	return nil
}

// take takes one message.
func (f *Feed) take(ctx context.Context, message string) {
	a, err := ParseAnnouncement(message)
	if err != nil {
		f.Logger.WarnContext(ctx, "a message of the database is not understood", "error", err)
		return
	}
	if a.Origin == f.Source.Origin() {
		f.lag.Store(int64(time.Since(a.Sent)))
	}
	if t := f.topics[a.Topic]; t != nil { // else it is of a later version, or a beat
		select {
		case t.queue <- a:
		default:
		}
	}
}

// follow takes the topic's messages until ctx ends: one topic's long work keeps no other waiting. What came meanwhile is
// looked at together.
func (f *Feed) follow(ctx context.Context, t *topic) {
	for {
		select {
		case <-ctx.Done():
			return
		case first := <-t.queue:
			if err := t.hear(ctx, append([]Announcement{first}, t.waiting()...)); err != nil && ctx.Err() == nil {
				f.Logger.WarnContext(ctx, "what others have changed can't be looked at; it is tried again", "error", err)
			}
		}
	}
}

func (t *topic) waiting() (all []Announcement) {
	for {
		select {
		case a := <-t.queue:
			all = append(all, a)
		default:
			return all
		}
	}
}

// hear looks at what announcements are about, also those of our own: when the answer to a COMMIT is lost nobody here knows that
// it counted.
func (t *topic) hear(ctx context.Context, all []Announcement) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.known { // the first look at the numbers is to come
		return nil
	}
	// Each message is looked at, whatever its number: anybody who may connect to the database can have sent one before it, with the
	// same number.
	seen, names := t.seen, []string{}
	for _, a := range all {
		if a.Number > seen+1 || a.Names == nil { // one was missed
			names = nil
		} else if names != nil {
			names = append(names, a.Names...)
		}
		seen = max(seen, a.Number)
	}
	return t.look(ctx, seen, names)
}

// Run hears until ctx ends.
func (f *Feed) Run(ctx context.Context) {
	now := time.Now()
	f.heardAt.CompareAndSwap(nil, &now)
	f.running.Store(true)
	var working sync.WaitGroup
	defer working.Wait()
	for _, t := range f.topics {
		working.Go(func() { f.follow(ctx, t) })
	}
	working.Go(func() { f.listen(ctx) })
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		f.poll(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (f *Feed) poll(ctx context.Context) {
	if err := f.Look(ctx); err != nil && ctx.Err() == nil && f.silent.CompareAndSwap(false, true) {
		f.Logger.WarnContext(ctx, "what others change is not heard; what is remembered counts for a while", "for", f.MaxStaleness, "error", err)
	}
	if f.polls++; f.polls%beatEvery == 1 {
		ctx, cancel := context.WithTimeout(ctx, pollWithin)
		defer cancel()
		_ = f.Source.Beat(ctx, Announcement{Topic: beat, Origin: f.Source.Origin(), Sent: time.Now()}) // only a measure is lost
	}
}

// listen hears messages, and listens again when the connection is lost. What was said meanwhile the numbers tell.
func (f *Feed) listen(ctx context.Context) {
	for {
		err := f.Source.Listen(ctx, func() { f.listening.Store(true) }, func(message string) { f.take(ctx, message) })
		f.listening.Store(false)
		if err == nil || ctx.Err() != nil {
			return
		}
		f.Logger.DebugContext(ctx, "the connection for messages of the database is lost; the numbers are still read", "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(listenAgain):
		}
	}
}

// Current refuses with fault.Unavailable when nothing was heard for too long to believe what is remembered. It costs a few
// nanoseconds. A nil feed, and one that does not run, hears nobody because there is nobody.
func (f *Feed) Current() error {
	if f == nil || !f.running.Load() || f.Silence() <= f.MaxStaleness {
		return nil
	}
	return fault.Unavailable.New("this server has not reached its database for %s, so it can't know whose access was ended meanwhile; try again", f.MaxStaleness)
}

// Silence is for how long nothing was heard. Clocks that are set do not change it.
func (f *Feed) Silence() time.Duration {
	if at := f.heardAt.Load(); at != nil {
		return time.Since(*at)
	}
	return 0
}

// Lag is how long the last message of our own took to come back; 0 where there are no messages.
func (f *Feed) Lag() time.Duration { return time.Duration(f.lag.Load()) }

// Missed counts the changes that were found by their numbers, since the message did not come or had not come yet.
func (f *Feed) Missed() int64 { return f.missed.Load() }
