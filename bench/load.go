package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// load drives a proxy with a closed loop: each connection sends its next request when the last one is answered.
func load(ctx context.Context, p *child, header http.Header, length time.Duration, connections int) (figures, error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}, Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	end := time.Now().Add(length)
	before, begin := cpuTime(p.cmd.Process.Pid), time.Now()
	var mu sync.Mutex
	var all []time.Duration
	var failed error
	var workers sync.WaitGroup
	for range connections {
		workers.Go(func() {
			var own []time.Duration
			for time.Now().Before(end) && ctx.Err() == nil {
				start := time.Now()
				if err := get(ctx, client, p.url+target, header); err != nil {
					mu.Lock()
					failed = err
					mu.Unlock()
					cancel()
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
	took, cpu := time.Since(begin), cpuTime(p.cmd.Process.Pid)-before
	if failed != nil {
		return figures{}, failed
	}
	slices.Sort(all)
	n := len(all)
	return figures{
		perSecond: float64(n) / took.Seconds(), cpu: float64(cpu.Microseconds()) / float64(n),
		p50: all[n/2], p99: all[n*99/100], rss: residentKiB(p.cmd.Process.Pid),
	}, nil
}

func get(ctx context.Context, client *http.Client, address string, header http.Header) error {
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
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("expected 200, got %d", resp.StatusCode)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// cpuTime is what a process has used, user and system (proc(5): fields 14 and 15, in hundredths of a second).
func cpuTime(pid int) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

func residentKiB(pid int) int {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "VmRSS:" {
			n, _ := strconv.Atoi(fields[1])
			return n
		}
	}
	return 0
}
