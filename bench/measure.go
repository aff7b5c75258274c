//go:build linux

package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"
)

// run is one measurement.
type run struct {
	length                            time.Duration
	runs, connections, starts, logins int

	dir     string // everything is kept below it, and goes with it
	core    string // the proxies'; empty: nothing is pinned
	load    generator
	how     string // what it is
	okta    *okta
	running []interface{ stop() }

	rows            []*contender
	bare            *contender
	session, bearer *contender // Portico's
}

// prepare starts what the proxies stand between, and finds out which proxies there are.
func (r *run) prepare(ctx context.Context) (err error) {
	if runtime.NumCPU() > 1 && installed("taskset", "util-linux", "proxies, load and upstream share all cores") {
		if r.core, err = pin(runtime.NumCPU()); err != nil {
			return err
		}
	}
	r.load, r.how = loop, "a loop in Go"
	if installed("wrk", "wrk", "the load is a loop in Go, which is slower") {
		r.load, r.how = wrk, "wrk"
	}
	at, err := freeAddresses(7)
	if err != nil {
		return err
	}
	upstream, portico, session := at[0], at[1], at[2]
	if r.okta, err = startOkta(portico, session); err != nil {
		return err
	}
	r.running = append(r.running, r.okta)
	core, nginx, err := r.newNginx(upstream, at[3])
	if err != nil {
		return err
	}
	if err := r.start(ctx, core, "", 1); err != nil {
		return err
	}
	p, err := newPortico(ctx, r.dir, portico, upstream, r.okta)
	if err != nil {
		return err
	}
	bare, err := own("bare", at[4], "-upstream", upstream)
	if err != nil {
		return err
	}
	pooled, err := own("pooled", at[5], "-upstream", upstream)
	if err != nil {
		return err
	}
	r.bare = &contender{name: "bare `httputil.ReverseProxy`", at: bare}
	r.session = &contender{name: "Portico, session", at: p, login: porticoLogin}
	r.bearer = &contender{name: "Portico, bearer token", at: p, bearer: true}
	r.rows = append(nginx, r.bare, &contender{name: "the same with pooled buffers", at: pooled})
	apaches, err := r.newApaches(upstream, session, at[6])
	r.rows = append(append(r.rows, apaches...), r.session, r.bearer)
	return err
}

func (r *run) start(ctx context.Context, s *server, core string, times int) error {
	if err := s.start(ctx, core, times); err != nil {
		return err
	}
	r.running = append(r.running, s)
	return nil
}

// stop ends everything, the latest first.
func (r *run) stop() {
	for _, one := range slices.Backward(r.running) {
		one.stop()
	}
}

// measure runs every row, interleaved, so that whatever else the machine does hits all alike.
func (r *run) measure(ctx context.Context) error {
	for _, c := range r.rows {
		if c.at.process != nil { // two rows, one server
			continue
		}
		if err := r.start(ctx, c.at, r.core, r.starts); err != nil {
			return err
		}
	}
	portico := r.session.at
	time.Sleep(2 * time.Second)
	idle := portico.memory()
	if err := grant(ctx, portico.url); err != nil {
		return err
	}
	for _, c := range r.rows {
		if err := c.enter(ctx, r.okta); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	for range r.runs {
		for _, c := range r.rows {
			f, err := load(ctx, r.load, c, r.length, r.connections)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			c.all = append(c.all, f)
		}
	}
	fmt.Printf("Medians of %d runs of %s each, by %s over %d connections.\n\n", r.runs, r.length, r.how, r.connections)
	printTable(r.rows, r.bare)
	return r.promises(ctx, idle)
}
