//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"time"
)

// server is a proxy under measurement.
type server struct {
	name      string
	url       string
	argv, env []string
	anonymous int // how it answers who brings nothing: 200, or 401 where it authenticates

	*process
	starts []float64 // milliseconds from the start to the first good answer
}

// contender is one row of the table.
type contender struct {
	name   string
	at     *server
	login  string // the path at which its sign-in begins; empty: it comes without a session
	bearer bool   // it comes with an access token

	header http.Header
	all    []figures
}

// authenticates tells peers from mere proxies.
func (c *contender) authenticates() bool { return c.at.anonymous != http.StatusOK }

// enter gets what lets the row's requests through.
func (c *contender) enter(ctx context.Context, o *okta) (err error) {
	switch {
	case c.login != "":
		c.header, err = session(ctx, c.at, c.login)
	case c.bearer:
		var token string
		token, err = o.serviceToken(ctx)
		c.header = http.Header{"Authorization": {"Bearer " + token}}
	}
	return err
}

// own is this very program in a role.
func own(role, listen string, args ...string) (*server, error) {
	self, err := os.Executable()
	return &server{
		name: role, url: "http://" + listen, anonymous: http.StatusOK,
		argv: append([]string{self, "-role", role, "-listen", listen}, args...),
	}, err
}

// start starts the server again and again, and leaves it running.
func (s *server) start(ctx context.Context, core string, times int) error {
	for i := range times {
		if i > 0 {
			s.stop()
		}
		began := time.Now()
		var err error
		if s.process, err = spawn(core, s.env, s.argv...); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		if err := s.ready(ctx); err != nil {
			s.stop()
			return fmt.Errorf("%s: %w\n%s", s.name, err, &s.output)
		}
		s.starts = append(s.starts, float64(time.Since(began).Microseconds())/1000)
	}
	return nil
}

// ready waits for the answer that shows that the server does its work.
func (s *server) ready(ctx context.Context) error {
	client := &http.Client{
		Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	for range 15_000 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.exited:
			return errors.New("it ended before it was ready")
		case <-time.After(time.Millisecond):
		}
		err := get(ctx, client, s.url+target, nil, s.anonymous)
		var refused *net.OpError
		if !errors.As(err, &refused) {
			return err
		}
	}
	return errors.New("it was not ready in 15 s")
}

// freeAddresses returns loopback addresses that nobody listens on.
func freeAddresses(n int) (all []string, err error) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // after all are found, or one would be found twice
		all = append(all, l.Addr().String())
	}
	return all, nil
}

func middle(all []float64) float64 {
	if len(all) == 0 {
		return 0
	}
	all = slices.Sorted(slices.Values(all))
	return all[len(all)/2]
}
