package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/core"
	"github.com/portico-iam/portico/internal/coreapi"
	"github.com/portico-iam/portico/internal/corecall"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/httpx"
	"github.com/portico-iam/portico/internal/observe"
	"github.com/portico-iam/portico/internal/sts"
)

// remoteCore is how Core is reached, wherever it is.
type remoteCore struct {
	url       *url.URL
	transport http.RoundTripper
	embedded  bool
}

// buildCore connects to the external Core, or starts the embedded one behind a listener in memory. Both are called
// alike.
func (a *App) buildCore(ctx context.Context, service *sts.Service, record *history.Recorder) (*remoteCore, error) {
	if a.cfg.Core.API.URL != "" {
		u, err := url.Parse(a.cfg.Core.API.URL)
		if err != nil {
			return nil, fmt.Errorf("core.api.url: %w", err)
		}
		if u.Scheme == "http" && a.cfg.Core.API.UnsafeHTTP {
			a.logger.Warn("app tokens travel to Core without TLS, as core.api.unsafeHttp allows", "core", u.Host)
		}
		transport := coreTransport()
		a.onClose(func() error {
			transport.CloseIdleConnections()
			return nil
		})
		return &remoteCore{url: u, transport: a.metrics.Transport(transport, observe.ToCore, a.traces, true)}, nil
	}
	keys := a.serveInMemory(http.HandlerFunc(service.ServeJWKS))
	embedded, err := core.New(core.Config{
		Auth: core.Auth{
			Mode:        core.Mode(a.cfg.Core.API.Authentication),
			StaticToken: core.Secret(a.cfg.Core.API.StaticToken.Reveal()),
			STS: core.TokenValidation{
				Issuer: a.cfg.STS.Issuer, Audience: a.cfg.STS.Token.Audiences[0], JWKSURI: "http://sts.memory" + jwksPath + "?verifier=" + config.CoreVerifier,
				JWKSRefreshAfter: config.EmbeddedCoreJWKSRefresh, JWKSExpireAfter: 24 * time.Hour, Leeway: time.Minute,
			},
		},
		Organisations: a.store, History: record.Store, HTTP: &http.Client{Transport: keys},
		AllowInsecureHTTPTransport: true, EnableHistoryCreateEndpoint: true, Logger: a.logger, Now: a.now,
	})
	if err != nil {
		return nil, err
	}
	a.onClose(embedded.Close)
	if err := embedded.Start(ctx); err != nil {
		return nil, err
	}
	a.ring.Withdrawn = embedded.RefreshKeys // it need not trust a key that was cut until its set has aged
	transport := a.metrics.Transport(a.serveInMemory(embedded.Handler()), observe.ToCore, a.traces, true)
	return &remoteCore{url: &url.URL{Scheme: "http", Host: "core.memory"}, transport: transport, embedded: true}, nil
}

// buildPosting posts the history on to an external Core, if it is to.
func (a *App) buildPosting(ctx context.Context, calls *corecall.Caller, client *coreapi.Client) (*corecall.Posting, error) {
	if !a.cfg.Core.API.PostHistory {
		return nil, nil
	}
	if err := a.store.BeginPosting(ctx); err != nil {
		return nil, err
	}
	posting := &corecall.Posting{
		Caller: calls, Client: client, Store: a.store, Holder: uuid.NewString(), Now: a.now, Logger: a.logger,
		Known: func(org access.OrganisationID) bool { return a.policy.Snapshot().Organisation(org) != nil },
	}
	a.every(corecall.PostEvery, "post the history to Core", posting.Post)
	return posting, nil
}

// coreTransport keeps enough connections for a busy proxy, and gives up on a Core that does not begin to answer.
func coreTransport() *http.Transport {
	return &http.Transport{
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		MaxIdleConns:          512,
		MaxIdleConnsPerHost:   512,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   5 * time.Second,
		ResponseHeaderTimeout: 30 * time.Minute, // large exports take that long (spec: async request timeout)
		DisableCompression:    true,             // Core's bytes pass as they are
	}
}

// serveInMemory serves a handler without a port and returns the way to it.
func (a *App) serveInMemory(h http.Handler) *http.Transport {
	listener := httpx.NewMemory()
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	transport := listener.Transport()
	transport.DisableCompression = true
	a.onClose(func() error {
		transport.CloseIdleConnections()
		err := server.Close()
		if served := <-done; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		return err
	})
	return transport
}
