package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/portico-iam/portico/internal/core"
	"github.com/portico-iam/portico/internal/store"
)

// CoreOptions are what the embedded Core needs to run by itself.
type CoreOptions struct {
	Listener net.Listener // on loopback
	Issuer   string       // of the app tokens
	JWKSURI  string       // where their keys are published
	Audience string
	Refresh  time.Duration // how old the keys may grow
	Database string        // path of its SQLite file
	Logger   *slog.Logger
}

// RunCore serves the embedded Core by itself until ctx ends, to stand in for an external one in development and tests.
// ready is called once it can answer.
func RunCore(ctx context.Context, o CoreOptions, ready func()) error {
	db, err := store.Open(ctx, store.Config{Driver: store.SQLite, DSN: o.Database, Logger: o.Logger})
	if err != nil {
		return errors.Join(err, o.Listener.Close())
	}
	defer db.Close()
	c, err := core.New(core.Config{
		Auth: core.Auth{Mode: core.ModeSTS, STS: core.TokenValidation{
			Issuer: o.Issuer, Audience: o.Audience, JWKSURI: o.JWKSURI,
			JWKSRefreshAfter: o.Refresh, JWKSExpireAfter: 24 * time.Hour, Leeway: time.Minute,
		}},
		Organisations: db, History: db, HTTP: &http.Client{Timeout: 10 * time.Second},
		AllowInsecureHTTPTransport: true, EnableHistoryCreateEndpoint: true, Logger: o.Logger,
	})
	if err != nil {
		return errors.Join(err, o.Listener.Close())
	}
	defer c.Close()
	if err := c.Start(ctx); err != nil {
		return errors.Join(err, o.Listener.Close())
	}
	server := &http.Server{Handler: c.Handler(), ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader}
	served := make(chan error, 1)
	go func() { served <- server.Serve(o.Listener) }()
	ready()
	select {
	case err = <-served:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	err = server.Shutdown(grace)
	if served := <-served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
