package chaos

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/devokta"
)

const (
	soakPeople  = 20
	soakWorkers = 32
	calibration = 10 * time.Second
	share       = 0.7 // of the capacity
)

// soak is a load at a steady pace on all replicas, and what it takes of them.
type soak struct {
	*actors
	people  []*client
	token   atomic.Pointer[string]
	mu      sync.Mutex
	took    []time.Duration
	asked   atomic.Int64
	wrongly atomic.Int64 // answers that were not 200
	late    atomic.Int64 // requests that began later than the pace wanted
}

// sample is a minute.
type sample struct {
	length   time.Duration
	rate     float64 // requests a second
	p50, p99 time.Duration
	memory   [replicas]float64 // MiB
	open     [replicas]int     // descriptors
	routines [replicas]int     // goroutines
	cpu      time.Duration     // of all replicas
}

// TestSoak: at 70 % of the capacity, with changes, sign-ins and revocations mixed in, nothing grows. It is run by make soak.
func TestSoak(t *testing.T) {
	long, err := time.ParseDuration(os.Getenv("SOAK_FOR"))
	if err != nil {
		t.Skip("optional: make soak takes half an hour")
	}
	a := &actors{cluster: startCluster(t), ledger: newLedger(), made: map[string]*made{}, cuts: map[string]time.Time{}}
	a.okta.SetAccessTokenLifetime(10 * time.Minute)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	a.ctx = ctx
	a.prepare()
	s := &soak{actors: a}
	for i := range soakPeople {
		login := fmt.Sprintf("person%d@acme.test", i)
		if err := a.okta.AddUser(devokta.User{Login: login, Given: "Person", Family: strconv.Itoa(i), Groups: []string{"Acme Batch"}}); err != nil {
			t.Fatal(err)
		}
		s.people = append(s.people, a.signedIn(login))
	}
	s.renew()
	capacity := s.drive(ctx, calibration, 0)
	pace := capacity * share
	t.Logf("capacity %.0f requests a second on %d cores, which the load shares; the pace is %.0f", capacity, runtime.NumCPU(), pace)

	var changing sync.WaitGroup
	soaking, stop := context.WithTimeout(ctx, long)
	defer stop()
	a.ctx = soaking
	changing.Go(func() { a.write(0) })
	changing.Go(a.end)
	changing.Go(a.revokeBearer)
	changing.Go(a.toggle)
	changing.Go(func() { s.signInAgain(soaking) })
	var samples []sample
	each := min(time.Minute, long/6)
	for soaking.Err() == nil {
		samples = append(samples, s.measure(soaking, each, pace))
	}
	changing.Wait()
	s.report(t, samples[:len(samples)-1]) // the last one was cut short
}

// renew gets the service's token.
func (s *soak) renew() {
	for s.ctx.Err() == nil {
		if token := s.serviceToken(0); token != "" {
			s.token.Store(&token)
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// signInAgain is somebody who signs in twice a second, and the service that gets its next token.
func (s *soak) signInAgain(ctx context.Context) {
	for i := 0; ctx.Err() == nil; i++ {
		if i%100 == 0 {
			s.renew()
		}
		c := newClient(s.public)
		if c.signIn(fmt.Sprintf("person%d@acme.test", rand.IntN(soakPeople))) == nil {
			s.note("signed in")
		}
		s.pause(500 * time.Millisecond)
	}
}

// drive sends requests for a while, and returns how many there were in a second. Without a pace each worker sends the next one when
// the last one is answered.
func (s *soak) drive(ctx context.Context, length time.Duration, pace float64) float64 {
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	begun, before := time.Now(), s.asked.Load()
	var working sync.WaitGroup
	for w := range soakWorkers {
		working.Go(func() {
			interval := time.Duration(float64(time.Second) * soakWorkers / max(pace, 1))
			due := time.Now().Add(time.Duration(rand.Int64N(int64(interval))))
			for i := w; ctx.Err() == nil; i++ {
				if pace > 0 {
					if wait := time.Until(due); wait > 0 {
						time.Sleep(wait)
					} else if wait < -100*time.Millisecond {
						s.late.Add(1)
					}
					due = due.Add(interval)
				}
				s.ask(i, due.Add(-interval), pace > 0)
			}
		})
	}
	working.Wait()
	return float64(s.asked.Load()-before) / time.Since(begun).Seconds()
}

// ask sends one request to one of the replicas: two of three by a session, one by a token. What it took counts from when it was due.
func (s *soak) ask(i int, due time.Time, paced bool) {
	r := s.replicas[i%replicas]
	c, headers := s.people[(i/replicas)%soakPeople], []string(nil)
	if i%3 == 2 {
		headers = []string{"Authorization", "Bearer " + *s.token.Load()}
	}
	begun := time.Now()
	if paced && due.Before(begun) {
		begun = due
	}
	got := c.call(http.MethodGet, "http://"+r.address+"/api/sts/role/v1?pageSize=5", nil, headers...)
	took := time.Since(begun)
	s.asked.Add(1)
	if !got.is(200) {
		s.wrongly.Add(1)
		s.note(fmt.Sprintf("answered %d", got.status))
	}
	s.mu.Lock()
	s.took = append(s.took, took)
	s.mu.Unlock()
}

func (s *soak) measure(ctx context.Context, length time.Duration, pace float64) (m sample) {
	s.mu.Lock()
	s.took = s.took[:0]
	s.mu.Unlock()
	before, begun := s.cpu(), time.Now()
	m.rate = s.drive(ctx, length, pace)
	m.cpu, m.length = s.cpu()-before, time.Since(begun)
	s.mu.Lock()
	slices.Sort(s.took)
	if n := len(s.took); n > 0 {
		m.p50, m.p99 = s.took[n/2], s.took[n*99/100]
	}
	s.mu.Unlock()
	for i, r := range s.replicas {
		pid := strconv.Itoa(r.pid())
		m.memory[i] = residentMiB(pid)
		open, _ := os.ReadDir(filepath.Join("/proc", pid, "fd"))
		m.open[i] = len(open)
		m.routines[i] = goroutines(r)
	}
	return m
}

func (r *replica) pid() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cmd.Process.Pid
}

func (s *soak) cpu() (total time.Duration) {
	for _, r := range s.replicas {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", r.pid()))
		_, after, _ := strings.Cut(string(text), ") ")
		if fields := strings.Fields(after); len(fields) > 13 {
			user, _ := strconv.Atoi(fields[11])
			system, _ := strconv.Atoi(fields[12])
			total += time.Duration(user+system) * 10 * time.Millisecond
		}
	}
	return total
}

func residentMiB(pid string) float64 {
	text, _ := os.ReadFile(filepath.Join("/proc", pid, "status"))
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, _ := strconv.Atoi(strings.Fields(rest)[0])
			return float64(kib) / 1024
		}
	}
	return 0
}

var countedRoutines = regexp.MustCompile(`(?m)^go_goroutines (\d+)`)

// goroutines is what the replica's own figures say; 0: it has none.
func goroutines(r *replica) int {
	got := newClient("http://"+r.admin).call(http.MethodGet, "/metrics", nil)
	m := countedRoutines.FindSubmatch(got.body)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(string(m[1]))
	return n
}

// report prints the samples, and holds the last third against the one before it.
func (s *soak) report(t *testing.T, samples []sample) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "\n%6s %9s %9s %9s %8s  %-24s %-18s %s\n", "sample", "req/s", "p50", "p99", "CPU µs", "MiB", "descriptors", "goroutines")
	for i, m := range samples {
		perRequest := float64(m.cpu.Microseconds()) / max(m.rate*m.length.Seconds(), 1)
		fmt.Fprintf(&b, "%6d %9.0f %9s %9s %8.0f  %-24s %-18s %v\n", i+1, m.rate, m.p50.Round(10*time.Microsecond), m.p99.Round(10*time.Microsecond), perRequest,
			fmt.Sprintf("%.0f %.0f %.0f", m.memory[0], m.memory[1], m.memory[2]), fmt.Sprint(m.open), m.routines)
	}
	fmt.Fprintf(&b, "%d requests, %d not answered 200, %d late\n", s.asked.Load(), s.wrongly.Load(), s.late.Load())
	t.Log(b.String())
	s.print(t)
	if len(s.wrong) > 0 {
		t.Errorf("%d wrong answers", len(s.wrong))
	}
	if len(samples) < 6 {
		return
	}
	third := len(samples) / 3
	middle, last := samples[third:2*third], samples[2*third:]
	for _, figure := range []struct {
		name  string
		of    func(sample) float64
		slack float64 // what is no growth
	}{
		{"memory", func(m sample) float64 { return m.memory[0] + m.memory[1] + m.memory[2] }, 30},
		{"descriptors", func(m sample) float64 { return float64(m.open[0] + m.open[1] + m.open[2]) }, 30},
		{"goroutines", func(m sample) float64 { return float64(m.routines[0] + m.routines[1] + m.routines[2]) }, 60},
	} {
		if was, is := median(middle, figure.of), median(last, figure.of); is > was*1.1+figure.slack {
			t.Errorf("%s grows: %.0f in the middle third, %.0f in the last", figure.name, was, is)
		}
	}
}

func median(samples []sample, of func(sample) float64) float64 {
	sorted := slices.SortedFunc(slices.Values(samples), func(a, b sample) int { return cmp.Compare(of(a), of(b)) })
	return of(sorted[len(sorted)/2])
}
