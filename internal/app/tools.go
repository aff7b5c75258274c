package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/explain"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/iam"
	"github.com/portico-iam/portico/internal/observe"
	"github.com/portico-iam/portico/internal/policy"
	"github.com/portico-iam/portico/internal/revocation"
	"github.com/portico-iam/portico/internal/store"
)

func (a *App) explainer(record *history.Recorder, connection *iam.Connection, cuts *revocation.Book) *explain.Service {
	trust := a.cfg.STS.IAM
	return &explain.Service{
		Policy: a.policy, People: a.store, IAM: connection, History: record, Cuts: cuts, Barred: a.people.Barred, RolePath: trust.RolePath, Issuer: trust.TokenValidation.Iss, Now: a.now,
	}
}

// Tools are for commands that work on the store, beside a Portico that runs or does not.
type Tools struct {
	Explain *explain.Service
	Policy  *policy.Service
	app     *App
}

// OpenTools opens the store and reads the mappings. The identity provider is called only for a token that is explained.
func OpenTools(ctx context.Context, cfg *config.Config, now func() time.Time, logger *slog.Logger) (_ *Tools, err error) {
	a := &App{cfg: cfg, logger: logger, now: now, metrics: observe.NewMetrics()}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	if a.store, err = store.Open(ctx, store.Config{Driver: cfg.Store.Driver, DSN: cfg.Store.DSN.Reveal(), Logger: logger}); err != nil {
		return nil, err
	}
	a.onClose(a.store.Close)
	a.buildFeed() // which does not run: a command reads what is stored
	record := &history.Recorder{Store: a.store, Now: now, Logger: logger}
	if err := a.buildPolicy(ctx, record); err != nil {
		return nil, err
	}
	connection, err := iam.Connect(cfg, now, logger)
	if err != nil {
		return nil, err
	}
	a.onClose(connection.Close)
	revocations, err := a.buildRevocation(ctx, record)
	if err != nil {
		return nil, err
	}
	if err := a.buildDirectory(ctx, record, revocations); err != nil {
		return nil, err
	}
	connection.Verifier.Revoked, connection.Verifier.Admit = revocations.Book, a.people.Admit
	return &Tools{a.explainer(record, connection, revocations.Book), a.policy, a}, nil
}

// Close closes the store.
func (t *Tools) Close() error { return t.app.Close() }
