//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"time"
)

// figures are what one run found.
type figures struct {
	perSecond, cpu float64 // requests; microseconds per request
	p50, p99       float64 // milliseconds
	memory         float64 // MiB, at the end
}

// answers are what a generator of load saw.
type answers struct {
	count     int
	perSecond float64
	p50, p99  time.Duration
}

// generator sends requests over that many connections, each the next one when the last one is answered. An answer that is
// not 200 is an error.
type generator func(ctx context.Context, address string, header http.Header, length time.Duration, connections int) (answers, error)

// load drives a proxy, and looks before and after whether it does its work.
func load(ctx context.Context, by generator, c *contender, length time.Duration, connections int) (figures, error) {
	address := c.at.url + target
	check := func() error { return get(ctx, http.DefaultClient, address, c.header, http.StatusOK) }
	if err := check(); err != nil {
		return figures{}, err
	}
	before := c.at.cpu()
	a, err := by(ctx, address, c.header, length, connections)
	if err != nil {
		return figures{}, err
	}
	cpu := c.at.cpu() - before
	return figures{
		perSecond: a.perSecond, cpu: float64(cpu.Microseconds()) / float64(a.count),
		p50: float64(a.p50.Microseconds()) / 1000, p99: float64(a.p99.Microseconds()) / 1000, memory: c.at.memory(),
	}, check()
}

var (
	wrkCount   = regexp.MustCompile(`(\d+) requests in `)
	wrkRate    = regexp.MustCompile(`Requests/sec:\s+([\d.]+)`)
	wrkP50     = regexp.MustCompile(`(?m)^\s+50%\s+(\S+)`)
	wrkP99     = regexp.MustCompile(`(?m)^\s+99%\s+(\S+)`)
	wrkTrouble = regexp.MustCompile(`(?m)^\s*(Non-2xx or 3xx responses|Socket errors): .*`)
)

// wrk leaves the most of its core to the upstream. It takes a redirect for a good answer, but no proxy here redirects a
// call: whom it does not know it answers 401.
func wrk(ctx context.Context, address string, header http.Header, length time.Duration, connections int) (a answers, err error) {
	args := []string{"-t1", "-c" + strconv.Itoa(connections), fmt.Sprintf("-d%ds", int(length.Seconds())), "--latency"}
	for name, values := range header {
		args = append(args, "-H", name+": "+values[0])
	}
	out, err := exec.CommandContext(ctx, "wrk", append(args, address)...).CombinedOutput()
	if err != nil {
		return a, fmt.Errorf("wrk: %w\n%s", err, out)
	}
	if trouble := wrkTrouble.Find(out); trouble != nil {
		return a, fmt.Errorf("wrk: expected nothing but good answers, got %s", trouble)
	}
	find := func(re *regexp.Regexp) (text string) {
		if m := re.FindSubmatch(out); m != nil {
			return string(m[1])
		}
		return ""
	}
	if a.count, err = strconv.Atoi(find(wrkCount)); err == nil {
		a.perSecond, err = strconv.ParseFloat(find(wrkRate), 64)
	}
	if err == nil {
		a.p50, err = time.ParseDuration(find(wrkP50))
	}
	if err == nil {
		a.p99, err = time.ParseDuration(find(wrkP99))
	}
	if err != nil {
		return a, fmt.Errorf("wrk's report is not understood: %w\n%s", err, out)
	}
	return a, nil
}

// loop is wrk's work in Go. It uses more of the core that it shares with the upstream.
func loop(ctx context.Context, address string, header http.Header, length time.Duration, connections int) (answers, error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}, Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	begin := time.Now()
	var mu sync.Mutex
	var all []time.Duration
	var workers sync.WaitGroup
	for range connections {
		workers.Go(func() {
			var own []time.Duration
			for time.Since(begin) < length && ctx.Err() == nil {
				start := time.Now()
				if err := get(ctx, client, address, header, http.StatusOK); err != nil {
					cancel(err)
					return
				}
				own = append(own, time.Since(start))
			}
			mu.Lock()
			all = append(all, own...)
			mu.Unlock()
		})
	}
	workers.Wait()
	if err := context.Cause(ctx); err != nil {
		return answers{}, err
	}
	slices.Sort(all)
	n := len(all)
	return answers{count: n, perSecond: float64(n) / time.Since(begin).Seconds(), p50: all[n/2], p99: all[n*99/100]}, nil
}

func get(ctx context.Context, client *http.Client, address string, header http.Header, status int) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	if header != nil {
		req.Header = header // read only
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != status {
		return fmt.Errorf("expected %d, got %d", status, resp.StatusCode)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}
