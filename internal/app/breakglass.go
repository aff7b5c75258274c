package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/portico-iam/portico/internal/breakglass"
	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/store"
)

// OpenBreakGlass opens the store for commands that make and revoke break-glass files, beside a Portico that runs or does not.
// close is to be called at the end.
func OpenBreakGlass(ctx context.Context, cfg *config.Config, now func() time.Time, logger *slog.Logger) (_ *breakglass.Service, close func() error, err error) {
	if cfg.Gateway.Mode != config.ModeBuiltin {
		return nil, nil, errors.New("a break-glass file begins a session of the built-in gateway, and gateway.mode is " + cfg.Gateway.Mode +
			": keep the configuration of a second Portico on the same store, whose gateway.mode is builtin, and make the file with that")
	}
	db, err := store.Open(ctx, store.Config{Driver: cfg.Store.Driver, DSN: cfg.Store.DSN.Reveal(), Logger: logger})
	if err != nil {
		return nil, nil, err
	}
	record := &history.Recorder{Store: db, Now: now, Logger: logger}
	return breakglass.New(db, record, nil, now, logger), db.Close, nil
}
