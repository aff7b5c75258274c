package cluster

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/portico-iam/portico/internal/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errAway = errors.New("away")

// world is a store that others write to, and that can fail in every way that matters.
type world struct {
	mu      sync.Mutex
	numbers map[Topic]int64
	values  map[Topic]int64 // what a replica is to have looked at
	backups map[Topic][]int64
	changes int64
	away    bool          // the numbers can't be read
	lose    bool          // messages do not come
	deaf    bool          // there is no connection for messages
	ahead   time.Duration // our clock is
	say     func(string)
	log     bytes.Buffer
	lost    chan struct{}
}

func newWorld() *world {
	return &world{numbers: map[Topic]int64{}, values: map[Topic]int64{}, backups: map[Topic][]int64{}, lost: make(chan struct{})}
}

func (w *world) Origin() string { return "here" }

func (w *world) Numbers(context.Context) (map[Topic]int64, time.Time, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.away {
		return nil, time.Time{}, errAway
	}
	numbers := map[Topic]int64{}
	for topic, n := range w.numbers {
		numbers[topic] = n
	}
	return numbers, time.Now().Add(-w.ahead), nil
}

func (w *world) Listen(ctx context.Context, ready func(), heard func(string)) error {
	w.mu.Lock()
	if w.deaf {
		w.mu.Unlock()
		return errAway
	}
	w.say = heard
	lost := w.lost
	w.mu.Unlock()
	ready()
	select {
	case <-ctx.Done():
	case <-lost:
	}
	return errAway
}

func (w *world) Beat(_ context.Context, a Announcement) error {
	w.tell(a)
	return nil
}

func (w *world) tell(a Announcement) {
	w.mu.Lock()
	say := w.say
	if w.lose || w.deaf {
		say = nil
	}
	w.mu.Unlock()
	if say != nil {
		say(a.String())
	}
}

// change is what another replica, or this one, commits.
func (w *world) change(topic Topic, origin string) {
	w.mu.Lock()
	w.numbers[topic]++
	w.changes++
	w.backups[topic] = append(w.backups[topic], w.values[topic])
	w.values[topic] = w.changes
	a := Announcement{Topic: topic, Number: w.numbers[topic], Origin: origin, Sent: time.Now(), Names: []string{"x"}}
	w.mu.Unlock()
	w.tell(a)
}

func (w *world) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

func (w *world) cutConnection() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.say = nil
	close(w.lost)
	w.lost = make(chan struct{})
}

// replica remembers what it looked at.
type replica struct {
	mu    sync.Mutex
	has   map[Topic]int64
	fails bool
	looks int
}

func (r *replica) follow(f *Feed, w *world, topics ...Topic) {
	for _, topic := range topics {
		f.On(topic, func(context.Context, []string) error {
			r.mu.Lock()
			defer r.mu.Unlock()
			if r.looks++; r.fails {
				return errAway
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			r.has[topic] = w.values[topic]
			return nil
		})
	}
}

// knows tells whether the replica has looked at what there is.
func (r *replica) knows(w *world, topic Topic) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	return r.has[topic] == w.values[topic]
}

const staleness = 30 * time.Second

func start(t interface{ Context() context.Context }, w *world) (f *Feed, r *replica, stop func()) {
	f, r = New(Config{Source: w, MaxStaleness: staleness, Now: time.Now, Logger: slog.New(slog.NewTextHandler(&w.log, nil))}), &replica{has: map[Topic]int64{}}
	r.follow(f, w, Policy, Sessions)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { f.Run(ctx); close(done) }()
	synctest.Wait()
	return f, r, func() { cancel(); <-done }
}

// TestOfEveryHistoryEverythingIsHeard: whatever was lost, and whoever changed what, after the next look a replica remembers
// what is stored, and it never believes itself current for longer than the bound after it last could know.
func TestOfEveryHistoryEverythingIsHeard(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(rapid.SampledFrom([]string{
			"policy elsewhere", "session elsewhere", "policy here, in doubt", "lose", "hear", "deaf", "cut", "away", "back", "fail", "mend", "restore", "second", "long",
		}), 1, 40).Draw(rt, "steps")
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			f, r, stop := start(t, w)
			defer stop()
			for _, step := range steps {
				switch step {
				case "policy elsewhere":
					w.change(Policy, "there")
				case "session elsewhere":
					w.change(Sessions, "there")
				case "policy here, in doubt": // the answer to the COMMIT is lost
					w.change(Policy, "here")
				case "lose", "hear":
					w.set(func() { w.lose = step == "lose" })
				case "deaf":
					w.set(func() { w.deaf = true })
					w.cutConnection()
				case "cut":
					w.set(func() { w.deaf = false })
					w.cutConnection()
				case "away", "back":
					w.set(func() { w.away = step == "away" })
				case "fail", "mend":
					r.mu.Lock()
					r.fails = step == "fail"
					r.mu.Unlock()
				case "restore": // of a backup: the numbers of before, and what was stored then
					r.mu.Lock()
					r.fails = false
					r.mu.Unlock()
					w.set(func() { w.away = false })
					time.Sleep(2 * pollEvery) // a change within the second of a restore may be one too many for anybody
					w.set(func() {
						for topic, backups := range w.backups {
							if last := len(backups) - 1; last >= 0 {
								w.numbers[topic]--
								w.values[topic], w.backups[topic] = backups[last], backups[:last]
							}
						}
					})
					time.Sleep(2 * pollEvery)
				case "second":
					time.Sleep(pollEvery)
				case "long":
					time.Sleep(staleness)
				}
			}
			time.Sleep(pollEvery + messageWithin)
			synctest.Wait()
			r.mu.Lock()
			fails, behind := r.fails, r.has[Policy] != w.values[Policy] || r.has[Sessions] != w.values[Sessions]
			r.mu.Unlock()
			if !w.away && !fails && behind {
				t.Errorf("%q: remembers %v, and stored is %v", steps, r.has, w.values)
			}
			if behind && f.Silence() < pollEvery {
				t.Errorf("%q: believes to have heard everything", steps)
			}
			time.Sleep(staleness)
			refused := f.Current() != nil // what was changed here while looking fails may be a reason, or none
			if !refused && (w.away || fails && behind) || refused && !w.away && !fails {
				t.Errorf("%q: refuses: %t", steps, refused)
			}
		})
	})
}

// TestAMessageIsFasterThanTheNumbers: what is changed is looked at at once, and once.
func TestAMessageIsFasterThanTheNumbers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		f, r, stop := start(t, w)
		defer stop()
		looks := r.looks
		w.change(Sessions, "there")
		synctest.Wait()
		if r.has[Sessions] != w.values[Sessions] {
			t.Errorf("not heard: %v", r.has)
		}
		time.Sleep(3 * pollEvery)
		if r.looks != looks+1 || f.Missed() != 0 {
			t.Errorf("looked %d times, missed %d", r.looks-looks, f.Missed())
		}
	})
}

// TestASilentReplicaRefuses after the bound, and not before; a word of the store is enough to go on.
func TestASilentReplicaRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		f, _, stop := start(t, w)
		defer stop()
		w.set(func() { w.away = true })
		time.Sleep(staleness - 2*pollEvery)
		if err := f.Current(); err != nil {
			t.Errorf("too early: %v", err)
		}
		time.Sleep(3 * pollEvery)
		if err := f.Current(); !fault.Unavailable.Is(err) {
			t.Errorf("expected a refusal, got %v", err)
		}
		w.set(func() { w.away = false })
		time.Sleep(pollEvery + messageWithin)
		synctest.Wait()
		if err := f.Current(); err != nil {
			t.Errorf("heard again: %v", err)
		}
	})
	if err := (*Feed)(nil).Current(); err != nil {
		t.Errorf("nobody else: %v", err)
	}
}

// TestAClockThatIsWrongIsSaid once, and once when it is right again.
func TestAClockThatIsWrongIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		f, _, stop := start(t, w)
		for _, ahead := range []time.Duration{10 * time.Second, time.Hour, time.Hour, -time.Hour, 0} {
			w.set(func() { w.ahead = ahead })
			time.Sleep(3 * pollEvery)
			if off := f.ClockAhead() - ahead; off.Abs() > time.Second {
				t.Errorf("expected %s, got %s", ahead, f.ClockAhead())
			}
		}
		stop()
		if wrong, right := strings.Count(w.log.String(), "differ"), strings.Count(w.log.String(), "agree again"); wrong != 1 || right != 1 {
			t.Errorf("said %d times that it is wrong, %d that it is right: %s", wrong, right, w.log.String())
		}
	})
}

// TestAForgedMessageHidesNothing: whoever sends the number of a change before it was made does not keep it from being looked at, though
// its own message is lost on top of it.
func TestAForgedMessageHidesNothing(t *testing.T) {
	for _, lose := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			f, r, stop := start(t, w)
			defer stop()
			for range 10 {
				w.tell(Announcement{Topic: Sessions, Number: 1, Origin: "x"})
				time.Sleep(pollEvery / 10)
			}
			w.set(func() { w.lose = lose })
			w.change(Sessions, "there")
			if !lose {
				synctest.Wait()
			} else {
				time.Sleep(wholeEvery + 2*pollEvery)
			}
			if !r.knows(w, Sessions) || f.Current() != nil {
				t.Errorf("lost: %t: not heard, %v", lose, f.Current())
			}
		})
	}
}

// TestMessages: what is written is read, and what is none of ours is refused.
func TestMessages(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[A-Za-z0-9]{1,64}`)
		want := Announcement{
			Topic: Topic(word.Draw(t, "topic")), Number: rapid.Int64Range(0, 1<<62).Draw(t, "number"), Origin: word.Draw(t, "origin"),
			Sent: time.UnixMilli(rapid.Int64Range(0, 1<<42).Draw(t, "sent")).UTC(), Names: rapid.SliceOfN(word, 0, MostNames).Draw(t, "names"),
		}
		if len(want.Names) == 0 {
			want.Names = nil
		}
		got, err := ParseAnnouncement(want.String())
		if err != nil || got.String() != want.String() || len(want.String()) >= 8000 {
			t.Fatalf("%q: got %+v, %v", want, got, err)
		}
	})
	for _, message := range []string{"", "policy", "policy 1 here", "policy x here 1", "policy -1 here 1", "policy 1 here x", "policy 99999999999999999999 here 1"} {
		if a, err := ParseAnnouncement(message); err == nil {
			t.Errorf("%q: got %+v", message, a)
		}
	}
}

func FuzzAnnouncement(f *testing.F) {
	f.Add("session 1 here 2 a b")
	f.Add("   ")
	f.Fuzz(func(t *testing.T, message string) {
		a, err := ParseAnnouncement(message)
		if err != nil {
			return
		}
		if again, err := ParseAnnouncement(a.String()); err != nil || again.String() != a.String() {
			t.Errorf("%q: %+v, %v", message, again, err)
		}
	})
}
