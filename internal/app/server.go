package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/portico-iam/portico/internal/bff"
	"github.com/portico-iam/portico/internal/breakglass"
	"github.com/portico-iam/portico/internal/cluster"
	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/desk/kept"
	"github.com/portico-iam/portico/internal/gateway"
	"github.com/portico-iam/portico/internal/httpx"
	"github.com/portico-iam/portico/internal/iam"
	"github.com/portico-iam/portico/internal/limit"
	"github.com/portico-iam/portico/internal/login"
	"github.com/portico-iam/portico/internal/observe"
	"github.com/portico-iam/portico/internal/session"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/sts"
)

const (
	headerTimeout   = 10 * time.Second
	idleTimeout     = 2 * time.Minute
	slowest         = 10 * time.Minute // of a whole request or answer, such as a file on its way to or from Core
	maxHeader       = 96 << 10         // bytes: a token of 64 KiB, and the rest
	shutdownTimeout = 15 * time.Second

	// What another replica changes or ends of a session is heard at once; this is for what nobody says.
	recheckSessions = time.Minute
)

// buildEdges puts every public address on one mux, behind one chain of middleware.
func (a *App) buildEdges(p *parts) (http.Handler, error) {
	mux := http.NewServeMux()
	public, err := url.Parse(a.cfg.Server.PublicURL)
	if err != nil {
		return nil, fmt.Errorf("server.publicUrl: %w", err)
	}
	pages := a.buildDesk(p)
	// Whichever gateway is in front: another Portico on this store may have the built-in one.
	pages.BreakGlass = breakglass.New(a.store, p.record, p.revocations.Book, a.now, a.logger)
	a.feed.On(cluster.BreakGlass, func(ctx context.Context, _ []string) error { return pages.BreakGlass.Load(ctx) })
	if a.cfg.Gateway.Mode == config.ModeBuiltin {
		builtin := a.buildGateway(p, pages, pages.BreakGlass)
		builtin.Mount(mux)
		a.mountSignals(mux, p)
		pages.SignIn, pages.StepUp, pages.Sessions = builtin.SignIn, builtin.StepUp, p.sessions
		pages.Kept = kept.New(p.keys, pages.Secure, a.now)
	} else {
		elsewhere := &login.Elsewhere{Address: a.signOutElsewhere(p.iam.Provider), Pages: pages, Logger: a.logger}
		elsewhere.Mount(mux)
	}
	pages.Mount(mux)
	a.stopping = append(a.stopping, pages.StopTails)
	administration := &sts.KeyAdministration{Ring: a.ring, Policy: a.policy}
	explainer := a.explainer(p.record, p.iam, p.revocations.Book)
	explainer.Reads = p.gatherer
	pages.Keys, pages.Revocations, pages.Explainer, pages.Posting = administration, p.revocations, explainer, p.posting
	(&bff.Handler{
		Keys:  administration,
		Authn: p.authn, Policy: a.policy, Core: p.calls, Sessions: p.sessions,
		Exchange: p.authn.Gateway.Guard(&sts.Exchange{
			Service: p.sts, History: p.record, IAM: p.iam, IDTokens: a.cfg.STS.Token.IDTokens,
		}, sts.WriteError),
		Services: p.sts, Introspect: p.sts.Introspect,
		Revoke:      (&sts.Revocation{Service: p.sts, History: p.record}).Revoke,
		Revocations: p.revocations, Explainer: explainer, Reads: p.gatherer,
		Resource: bff.ProtectedResource{Resource: a.cfg.Server.PublicURL, AuthorizationServers: bearerIssuers(p.iam.Verifier)},
		Proxy: bff.NewProxy(bff.ProxyConfig{
			Target: p.core.url, Transport: p.core.transport, Public: public, TrustedProxies: a.cfg.Server.TrustedProxies,
			OrganisationsChanged: a.policy.SyncOrganisations, Logger: a.logger,
		}),
		ManagementEndpoints: a.cfg.STS.EnableManagementEndpoints,
	}).Mount(mux)
	a.mountSCIM(mux)
	mux.HandleFunc("GET "+jwksPath, p.sts.ServeJWKS)
	mux.HandleFunc("GET /.well-known/oauth-authorization-server", p.sts.ServeMetadata)

	https := strings.HasPrefix(a.cfg.Server.PublicURL, "https://")
	refusals := limit.New[netip.Addr](a.cfg.Limits.RefusalsPerAddress, time.Minute, a.cfg.Limits.RefusalsPerAddress/2, a.now)
	limited := httpx.LimitRefusals(refusals, a.cfg.Server.TrustedProxies, httpx.GuardPath(mux))
	return httpx.Observe(a.logger, a.requests(p.keys), httpx.Recover(httpx.SecurityHeaders(https, limited))), nil
}

// bearerIssuers are those whose access tokens the API accepts.
func bearerIssuers(v *iam.Verifier) (issuers []string) {
	for _, issuer := range v.Issuers {
		if !issuer.SignInOnly {
			issuers = append(issuers, issuer.Issuer)
		}
	}
	return issuers
}

// buildGateway makes the built-in gateway: sessions, and the edge that begins and ends them.
func (a *App) buildGateway(p *parts, pages httpx.MessageRenderer, glass *breakglass.Service) *login.Handler {
	https := strings.HasPrefix(a.cfg.Server.PublicURL, "https://")
	p.sessions = session.New(session.Config{
		Store: a.store, Box: p.keys.Box(sealedSession), Refresher: p.iam.Client, Revoked: p.revocations.Book, History: p.record,
		Idle: a.cfg.Gateway.Session.Idle, Absolute: a.cfg.Gateway.Session.Absolute, Recheck: recheckSessions, Patience: a.cfg.Store.MaxStaleness, Current: a.feed.Current, ClockIsRight: a.feed.ClockIsRight, PerPerson: a.cfg.Limits.SessionsPerPerson,
		Secure: https, RecordAddress: a.cfg.Gateway.Session.RecordAddress, TrustedProxies: a.cfg.Server.TrustedProxies, Now: a.now, Logger: a.logger,
		Looked: a.metrics.Lookup(observe.CacheSession), Refreshed: a.metrics.Refreshed,
	})
	a.onClose(p.sessions.Close)
	if a.cfg.Store.Driver == store.Postgres { // with SQLite there is no other replica
		a.feed.On(cluster.Sessions, p.sessions.Changed)
	}
	p.authn.Sessions, p.revocations.Sessions = p.sessions, p.sessions
	a.every(time.Minute, "remove ended sessions", p.sessions.Sweep)
	return login.New(login.Config{
		Client: p.iam.Client, Issuer: a.cfg.IAM.Issuer, PublicURL: a.cfg.Server.PublicURL, Sessions: p.sessions, History: p.record,
		Pages: pages, Keys: p.keys, CallbackPath: a.cfg.Gateway.CallbackPath, PostLogoutPath: a.cfg.Gateway.PostLogoutPath,
		SignIns: limit.New[netip.Addr](a.cfg.Limits.SignInsPerAddress, time.Minute, a.cfg.Limits.SignInsPerAddress/2, a.now),
		Secure:  https, Now: a.now, Logger: a.logger, BreakGlass: glass, TrustedProxies: a.cfg.Server.TrustedProxies, Admit: a.people.Admit, SignedIn: a.metrics.SignedIn,
	})
}

// signOutElsewhere finds where the gateway in front signs out, and the identity provider after it.
func (a *App) signOutElsewhere(provider *iam.Provider) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		if a.cfg.Gateway.LogoutPath != "" || a.cfg.Gateway.Mode != config.ModeOAuth2Proxy {
			return a.cfg.Gateway.LogoutPath, nil
		}
		endSession := "" // without it, at least the gateway's session ends
		m, err := provider.Metadata(ctx)
		if err == nil {
			endSession = m.EndSessionEndpoint
		}
		return gateway.OAuth2ProxySignOut(endSession, a.cfg.Server.PublicURL+a.cfg.Gateway.PostLogoutPath), err
	}
}

// task is something that is done again and again while the app runs.
type task struct {
	what     string
	interval time.Duration
	do       func(context.Context) error
}

func (a *App) every(interval time.Duration, what string, do func(context.Context) error) {
	a.tasks = append(a.tasks, task{what, interval, do})
}

// Run serves until ctx ends or a listener fails. Requests under way are given time to finish. Everything is closed
// when it returns.
func (a *App) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var background sync.WaitGroup
	background.Go(func() { a.feed.Run(ctx) })
	for _, t := range a.tasks {
		background.Go(func() { a.repeat(ctx, t) })
	}
	var servers []*http.Server
	failed := make(chan error, 2)
	serve := func(h http.Handler, on net.Listener) {
		server := a.server(h)
		for _, stop := range a.stopping {
			server.RegisterOnShutdown(stop)
		}
		servers = append(servers, server)
		go func() { failed <- server.Serve(on) }()
	}
	serve(a.handler, a.listener)
	if a.admin != nil {
		serve(a.adminHandler(), a.admin)
	}

	var err error
	pending := len(servers)
	select {
	case <-ctx.Done():
	case err = <-failed:
		pending--
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	for _, server := range servers {
		if server.Shutdown(grace) != nil {
			_ = server.Close() // who did not finish in time is cut off
		}
	}
	for range pending {
		if served := <-failed; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
	}
	stop()
	background.Wait()
	return errors.Join(err, a.Close())
}

func (a *App) server(h http.Handler) *http.Server {
	return &http.Server{Handler: h, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, ReadTimeout: slowest, WriteTimeout: slowest, MaxHeaderBytes: maxHeader}
}

// Listen opens a TCP address, with one clear sentence when it can't.
func Listen(address string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, listenError(address, err)
	}
	return listener, nil
}
