//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const (
	organisation = "11111111-2222-3333-4444-555555555555"
	target       = "/api/credential/v1?page=0&pageSize=10"
)

func main() {
	seconds := flag.Int("seconds", 8, "length of one run of load")
	runs := flag.Int("runs", 3, "runs of load for each row; the median counts")
	connections := flag.Int("connections", 64, "connections of the load")
	starts := flag.Int("starts", 5, "starts of each proxy; the median counts")
	logins := flag.Int("logins", 200, "sign-ins by each gateway")
	profile := flag.String("profile", "", "take only CPU profiles of Portico under each load, into this folder")
	role := flag.String("role", "", "used by the command itself, as are the following")
	listen, upstream := flag.String("listen", "", ""), flag.String("upstream", "", "")
	config, output := flag.String("config", "", ""), flag.String("output", "", "")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if *role != "" {
		err = play(ctx, *role, *listen, *upstream, *config, *output)
	} else {
		r := &run{length: time.Duration(*seconds) * time.Second, runs: *runs, connections: *connections, starts: *starts, logins: *logins}
		err = r.run(ctx, *profile)
	}
	if err != nil {
		if ctx.Err() != nil { // whatever failed then failed for that
			err = errors.New("stopped before the end")
		}
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (r *run) run(ctx context.Context, profile string) (err error) {
	if r.dir, err = os.MkdirTemp("", "portico-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(r.dir)
	defer r.stop()
	if err := r.prepare(ctx); err != nil {
		return err
	}
	if profile != "" {
		return r.profile(ctx, profile)
	}
	return r.measure(ctx)
}
