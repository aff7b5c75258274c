//go:build linux

package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/pprof"

	"github.com/portico-iam/portico/internal/app"
	"github.com/portico-iam/portico/internal/config"
)

// profile keeps CPU profiles of Portico, one of each kind of work. All of them are of one store.
func (r *run) profile(ctx context.Context, folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	requests := func(c *contender) error {
		_, err := load(ctx, r.load, c, r.length, r.connections)
		return err
	}
	logins := func(c *contender) error {
		_, err := loginCost(ctx, c.at, c.login, r.logins)
		return err
	}
	for i, one := range []struct {
		name string
		row  *contender
		work func(*contender) error
	}{{"session", r.session, requests}, {"bearer", r.bearer, requests}, {"login", r.session, logins}} {
		c := one.row
		s, err := own("portico", "", "-config", filepath.Join(r.dir, "portico.yaml"), "-output", filepath.Join(folder, one.name+".pprof"))
		if err != nil {
			return err
		}
		s.url, s.anonymous = c.at.url, c.at.anonymous
		c.at = s
		if err := s.start(ctx, r.core, 1); err != nil {
			return err
		}
		if i == 0 {
			err = grant(ctx, s.url)
		}
		if err == nil {
			err = c.enter(ctx, r.okta)
		}
		if err == nil {
			err = one.work(c)
		}
		s.stop()
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}

// profiled is portico serve with a CPU profile.
func profiled(ctx context.Context, file, profile string) error {
	f, err := os.Create(profile)
	if err != nil {
		return err
	}
	defer f.Close()
	cfg, err := config.LoadFile(file, os.Environ())
	if err != nil {
		return err
	}
	a, err := app.New(ctx, cfg, app.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	return a.Run(ctx)
}
