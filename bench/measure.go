//go:build linux

package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
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
	okta    *okta
	running []interface{ stop() }

	granted         bool // Portico's store has the roles of those who are to get through
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
	r.load = loop
	if installed("wrk", "wrk", "the load is a loop in Go, which is slower") {
		r.load = wrk
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
	printTable(r.rows, r.bare)
	return r.promises(ctx, idle)
}

// promises measures what is not in the table, and holds all of it against the targets.
func (r *run) promises(ctx context.Context, idle float64) error {
	portico := r.session.at
	all := []promise{
		{"Portico, session / bare", r.session.cpu() / r.bare.cpu(), 1.15, ""},
		{"Portico, bearer token / bare", r.bearer.cpu() / r.bare.cpu(), 1.15, ""},
	}
	best := math.Inf(1)
	for _, c := range r.rows {
		if c.at != portico && c.authenticates() {
			best = min(best, c.cpu())
		}
	}
	if !math.IsInf(best, 1) {
		all = append(all, promise{"Portico, session / the best peer that authenticates", r.session.cpu() / best, 1. / 3, ""},
			promise{"Portico, bearer token / the best peer that authenticates", r.bearer.cpu() / best, 1. / 3, ""})
	}
	cost, err := exchangeCost(ctx, r.core)
	if err != nil {
		return err
	}
	all = append(all, promise{"token exchanged on the way of a request / its two signatures", cost["call"] / cost["signatures"], 1.6, ""},
		promise{"token exchanged at the endpoint / its two signatures", cost["endpoint"] / cost["signatures"], 1.6, ""})
	var others []string
	for _, c := range r.rows {
		if c.login == "" {
			continue
		}
		cpu, err := loginCost(ctx, c.at, c.login, r.logins)
		if err != nil {
			return err
		}
		if c == r.session {
			all = append(all, promise{"Portico, CPU of a sign-in", cpu, 1, " ms"})
		} else {
			others = append(others, fmt.Sprintf("A sign-in costs %s %.2f ms of CPU.", c.name, cpu))
		}
	}
	all = append(all, promise{"Portico, ready after its first start", portico.starts[0], 150, " ms"},
		promise{"Portico, ready after a later start", middle(portico.starts[min(1, len(portico.starts)-1):]), 150, " ms"},
		promise{"Portico, memory when idle", idle, 40, " MiB"})
	fmt.Println()
	printPromises(all)
	fmt.Printf("\nThe two signatures: %.1f µs; the exchange: %.1f µs on the way of a request, %.1f µs at the endpoint.\n", cost["signatures"], cost["call"], cost["endpoint"])
	for _, line := range others {
		fmt.Println(line)
	}
	return nil
}

// profile keeps a CPU profile of Portico under each load.
func (r *run) profile(ctx context.Context, folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	under := func(ctx context.Context, c *contender) error {
		_, err := load(ctx, r.load, c, r.length, r.connections)
		return err
	}
	for _, one := range []struct {
		name string
		row  *contender
		work func(context.Context, *contender) error
	}{
		{"session", r.session, under},
		{"bearer", r.bearer, under},
		{"login", r.session, func(ctx context.Context, c *contender) error {
			_, err := loginCost(ctx, c.at, c.login, r.logins)
			return err
		}},
	} {
		c := one.row
		s, err := own("portico", "", "-config", filepath.Join(r.dir, "portico.yaml"), "-output", filepath.Join(folder, one.name+".pprof"))
		if err != nil {
			return err
		}
		s.url, s.anonymous = c.at.url, c.at.anonymous
		if err := s.start(ctx, r.core, 1); err != nil {
			return err
		}
		copied := &contender{name: c.name, at: s, login: c.login, bearer: c.bearer}
		err = r.admit(ctx, copied)
		if err == nil {
			err = one.work(ctx, copied)
		}
		s.stop()
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}

// admit lets the row's requests through Portico, whose store is the same for all that are profiled.
func (r *run) admit(ctx context.Context, c *contender) error {
	if !r.granted {
		if err := grant(ctx, c.at.url); err != nil {
			return err
		}
		r.granted = true
	}
	return c.enter(ctx, r.okta)
}
