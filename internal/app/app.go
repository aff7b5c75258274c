package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/cluster"
	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/coreapi"
	"github.com/portico-iam/portico/internal/corecall"
	"github.com/portico-iam/portico/internal/directory"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/file"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/iam"
	"github.com/portico-iam/portico/internal/limit"
	"github.com/portico-iam/portico/internal/observe"
	"github.com/portico-iam/portico/internal/policy"
	"github.com/portico-iam/portico/internal/policyfile"
	"github.com/portico-iam/portico/internal/revocation"
	"github.com/portico-iam/portico/internal/seal"
	"github.com/portico-iam/portico/internal/session"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/sts"
)

// Options are what a configuration file can't say.
type Options struct {
	Listener net.Listener // nil: server.listen is opened
	Logger   *slog.Logger
	Now      func() time.Time // nil: time.Now
}

// App is a Portico.
type App struct {
	cfg     *config.Config
	logger  *slog.Logger
	now     func() time.Time
	store   *store.DB
	feed    *cluster.Feed
	metrics *observe.Metrics
	traces  *observe.Traces // nil: none
	policy  *policy.Service
	people  *directory.Service // nil: nobody is provisioned
	ring    *sts.Ring
	sealer  *history.Sealer
	handler http.Handler

	listener net.Listener
	admin    net.Listener // nil: none
	tasks    []task
	stopping []func()       // run when the servers stop: they end what would go on
	closers  []func() error // run in reverse
	closing  sync.Once
}

// New builds a Portico. On an error nothing is left open.
func New(ctx context.Context, cfg *config.Config, opts Options) (_ *App, err error) {
	a := &App{cfg: cfg, logger: opts.Logger, now: opts.Now, listener: opts.Listener}
	if a.now == nil {
		a.now = time.Now
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	if err := a.listen(); err != nil {
		return nil, err
	}
	return a, a.build(ctx)
}

func (a *App) listen() (err error) {
	if a.listener == nil {
		if a.listener, err = Listen(a.cfg.Server.Listen); err != nil {
			return err
		}
	}
	a.onClose(a.listener.Close)
	if a.cfg.Server.AdminListen != "" {
		if a.admin, err = Listen(a.cfg.Server.AdminListen); err != nil {
			return err
		}
		a.onClose(a.admin.Close)
	}
	return nil
}

// build makes the parts in the order in which they need each other.
func (a *App) build(ctx context.Context) error {
	keys, err := readKeys(a.cfg.STS.Token)
	if err != nil {
		return err
	}
	if err := a.buildObserve(ctx); err != nil {
		return err
	}
	if a.store, err = store.Open(ctx, store.Config{
		Driver: a.cfg.Store.Driver, DSN: a.cfg.Store.DSN.Reveal(), Logger: a.logger, Observe: a.metrics.Statements(a.traces),
	}); err != nil {
		return err
	}
	a.onClose(a.store.Close)
	a.buildFeed()
	a.onClose(a.sealHistory)
	record := &history.Recorder{Store: a.store, Now: a.now, Logger: a.logger, Lost: a.metrics.Lost}

	if err := a.buildPolicy(ctx, record); err != nil {
		return err
	}
	revocations, err := a.buildRevocation(ctx, record)
	if err != nil {
		return err
	}
	if err := a.buildDirectory(ctx, record, revocations); err != nil {
		return err
	}
	service, err := a.buildSTS(ctx, keys, record, revocations.Book)
	if err != nil {
		return err
	}
	if err := a.buildSealer(ctx, keys); err != nil { // after the ring, which says by which key is sealed
		return err
	}
	gatherer := a.buildGatherer(record)
	calls := &corecall.Caller{Mode: a.cfg.Core.API.Authentication, StaticToken: a.cfg.Core.API.StaticToken, STS: service, Minted: gatherer}
	remote, err := a.buildCore(ctx, service, record)
	if err != nil {
		return err
	}
	client := &coreapi.Client{BaseURL: remote.url, HTTP: &http.Client{Transport: remote.transport}}
	a.policy.Organisations = &corecall.Mirror{Caller: calls, Client: client}
	if err := a.syncOrganisations(ctx, remote.embedded); err != nil {
		return err
	}
	posting, err := a.buildPosting(ctx, calls, client)
	if err != nil {
		return err
	}
	connection, err := iam.Connect(a.cfg, a.now, a.logger)
	if err != nil {
		return err
	}
	a.onClose(connection.Close)
	a.seeProvider(connection)
	connection.Verifier.Revoked, connection.Verifier.Admit = revocations.Book, a.people.Admit
	parts := &parts{
		keys: keys, revocations: revocations, record: record, sts: service, calls: calls, core: remote, iam: connection, posting: posting, gatherer: gatherer,
		organisations: &corecall.Organisations{Caller: calls, Client: client, Policy: a.policy},
		authn: &authn.Authenticator{
			Mode: a.cfg.Gateway.Mode, Gateway: authn.GatewayOf(a.cfg), Verifier: connection.Verifier, PublicOrigin: a.cfg.Server.PublicURL, Cuts: revocations.Book,
			Probation: a.policy, Current: a.feed.Current,
			Requests: limit.New[authn.Who](a.cfg.Limits.RequestsPerPrincipal, time.Second, 2*a.cfg.Limits.RequestsPerPrincipal, a.now),
		},
	}
	if a.handler, err = a.buildEdges(parts); err != nil {
		return err
	}
	a.buildGauges()
	return a.refuseEarlyRetirement(ctx)
}

func (a *App) buildFeed() {
	a.feed = cluster.New(cluster.Config{Source: a.store, MaxStaleness: a.cfg.Store.MaxStaleness, Now: a.now, Logger: a.logger})
}

// parts are the services that the edges are made of.
type parts struct {
	keys          *seal.Keys
	record        *history.Recorder
	sts           *sts.Service
	revocations   *revocation.Service
	calls         *corecall.Caller
	core          *remoteCore
	organisations *corecall.Organisations
	iam           *iam.Connection
	authn         *authn.Authenticator
	sessions      *session.Manager // nil but in the built-in gateway
	gatherer      *history.Gatherer
	posting       *corecall.Posting // nil: the history stays here
}

func (a *App) buildPolicy(ctx context.Context, record *history.Recorder) (err error) {
	iam := a.cfg.STS.IAM
	bootstrap := access.Bootstrap{Issuer: iam.TokenValidation.Iss, Role: iam.AdminRole, Retired: !iam.Bootstrap}
	expectations, err := readExpectations(a.cfg.STS.Expectations)
	if err != nil {
		return err
	}
	var groups policy.Groups // nil where nothing is provisioned
	if a.cfg.SCIM.Token != "" {
		groups = a.store
	}
	a.policy, err = policy.New(ctx, policy.Config{
		Store: a.store, History: record, People: a.store, Usage: a.store, Requests: a.store, Groups: groups, Bootstrap: bootstrap, Expectations: expectations, Decided: a.metrics.Decided, Now: a.now, Logger: a.logger,
	})
	if err != nil {
		return err
	}
	if err := a.policy.EndProbation(ctx); err != nil { // whose time went by while nothing ran
		return err
	}
	a.feed.On(cluster.Policy, func(ctx context.Context, _ []string) error { return a.policy.Reload(ctx) })
	a.every(time.Second, "end a probation", func(ctx context.Context) error { return a.policy.EndProbation(ctx) })
	a.every(time.Second, "record what ended", func(ctx context.Context) error { return a.policy.RecordEnds(ctx) })
	a.every(expireRequestsEvery, "close requests whose time is over", func(ctx context.Context) error { return a.policy.ExpireRequests(ctx) })
	a.every(storeUsageEvery, "store what roles are used for", func(ctx context.Context) error { return a.policy.StoreUsage(ctx) })
	a.onClose(a.storeUsage)
	return nil
}

const (
	expireRequestsEvery = 10 * time.Second // they are closed to all before, by their time
	storeUsageEvery     = 30 * time.Second
	lastUsageTime       = 5 * time.Second
)

// storeUsage keeps what was used since the last time it was stored.
func (a *App) storeUsage() error {
	ctx, cancel := context.WithTimeout(context.Background(), lastUsageTime)
	defer cancel()
	if err := a.policy.StoreUsage(ctx); err != nil {
		a.logger.WarnContext(ctx, "what roles were used for in the last seconds is not stored", "error", err)
	}
	return nil
}

// readExpectations returns how the file is read, which is done at each change: it may be replaced meanwhile. Nil where there is
// none. One that can't be read now is refused at once.
func readExpectations(path string) (func() (*policyfile.File, error), error) {
	if path == "" {
		return nil, nil
	}
	read := func() (*policyfile.File, error) {
		text, err := file.ReadBounded(path, policyfile.MaxSize)
		if err != nil {
			return nil, err
		}
		return policyfile.ParseExpectations(text)
	}
	if _, err := read(); err != nil {
		return nil, fmt.Errorf("sts.expectations: %s: %w", path, err)
	}
	return read, nil
}

// buildRevocation reads what was revoked before anybody can be let in.
func (a *App) buildRevocation(ctx context.Context, record *history.Recorder) (*revocation.Service, error) {
	book := &revocation.Book{Store: a.store, Idle: a.cfg.Gateway.Session.Idle, Now: a.now, Logger: a.logger}
	a.feed.On(cluster.Revocations, func(ctx context.Context, _ []string) error { return book.Load(ctx) })
	service := &revocation.Service{
		Store: a.store, Book: book, Policy: a.policy, History: record, TokenTTL: max(a.cfg.STS.Token.TTL, a.cfg.STS.Delegation.TTL),
	}
	return service, book.Load(ctx)
}

func (a *App) buildSTS(ctx context.Context, keys *seal.Keys, record *history.Recorder, book *revocation.Book) (*sts.Service, error) {
	token := a.cfg.STS.Token
	ring, err := sts.OpenRing(ctx, ringConfig(a.cfg, a.store, keys, record, a.now, a.logger))
	if err != nil {
		return nil, err
	}
	a.ring = ring
	if keys.Sealing().ID() != keys.Newest().ID() {
		a.logger.WarnContext(ctx, "the store is sealed by the previous key-encryption key: portico keys reencrypt seals it by the new one",
			"sealed_by", keys.Sealing().ID(), "new", keys.Newest().ID())
	}
	a.every(sts.MaintainEvery, "maintain the signing keys", ring.Maintain)
	a.feed.On(cluster.Keys, func(ctx context.Context, _ []string) error { return ring.Maintain(ctx) })
	service := sts.New(sts.Config{
		Issuer: a.cfg.STS.Issuer, Audiences: token.Audiences, Clients: serviceClients(a.cfg), TTL: token.TTL,
		Delegation: sts.Delegation(a.cfg.STS.Delegation), Ring: ring, Policy: a.policy, Revoked: a.store, Cuts: book, Current: a.feed.Current, Now: a.now,
		Looked: a.metrics.Lookup(observe.CacheAppToken), Minted: a.metrics.Minted,
	})
	a.feed.On(cluster.Tokens, func(ctx context.Context, _ []string) error { return service.LoadRevoked(ctx) })
	return service, service.LoadRevoked(ctx)
}

func serviceClients(cfg *config.Config) (clients []sts.ServiceClient) {
	for _, c := range cfg.STS.Token.Clients {
		clients = append(clients, sts.ServiceClient{
			Audience: c.Audience, Issuer: c.Issuer, ClientID: c.ClientID, Subject: c.Subject, Secret: c.ClientSecret,
		})
	}
	return clients
}

// syncOrganisations fills the mirror. An external Core that is away does not keep us from starting: the mirror of
// before is still there, and is refreshed when Core is back. The embedded one changes by our hand alone, but the store
// may have failed between its change and ours.
func (a *App) syncOrganisations(ctx context.Context, embedded bool) error {
	a.every(15*time.Second, "refresh the organisations", a.policy.SyncOrganisations)
	err := a.policy.SyncOrganisations(ctx)
	if embedded {
		return err
	}
	if err != nil {
		a.logger.WarnContext(ctx, "Core's organisations can't be read; those known before stay in use", "error", err)
	}
	return nil
}

// refuseEarlyRetirement keeps an installation from losing its last administrator: the bootstrap role may only be
// retired when somebody who was seen could administer without it.
func (a *App) refuseEarlyRetirement(ctx context.Context) error {
	if a.cfg.STS.IAM.Bootstrap {
		return nil
	}
	seen, err := a.policy.CheckAdministrators(ctx)
	if fault.LastAdministrator.Is(err) {
		return fmt.Errorf("sts.iam.bootstrap: false would leave nobody who can administer: of the %d people seen in the last 90 days none has the permissions %v by a mapping; map them first, let one of those people sign in, then retire the bootstrap role",
			seen, access.Administration.Names())
	}
	return err
}

// onClose has f run at the end, after everything that was begun later.
func (a *App) onClose(f func() error) { a.closers = append(a.closers, f) }

// Close stops everything. It may be called more than once.
func (a *App) Close() error {
	var err error
	a.closing.Do(func() {
		for i := len(a.closers) - 1; i >= 0; i-- {
			if closeErr := a.closers[i](); closeErr != nil && !errors.Is(closeErr, net.ErrClosed) {
				err = errors.Join(err, closeErr)
			}
		}
	})
	return err
}

// Handler returns everything that is public, for tests.
func (a *App) Handler() http.Handler { return a.handler }

// URL returns the address that is listened on.
func (a *App) URL() string { return "http://" + a.listener.Addr().String() }
