package app

import (
	"context"
	"io"
	"log/slog"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/seal"
	"github.com/portico-iam/portico/internal/store"
)

// buildSealer has the history sealed while the app runs. A key that can't be used leaves it without checkpoints: nobody is
// locked out for that.
func (a *App) buildSealer(ctx context.Context, keys *seal.Keys) error {
	signer, err := history.OpenSigner(ctx, a.store, keys.Box(sealedHistoryKey), a.now(), a.logger)
	if fault.Unavailable.Is(err) {
		return err
	}
	if err != nil {
		a.logger.ErrorContext(ctx, "the history gets no signed checkpoints: its key can't be used", "error", err)
	}
	a.sealer = &history.Sealer{Store: a.store, Signer: signer, Now: a.now, Logger: a.logger}
	a.every(history.SealEvery, "seal the history", a.sealer.Seal)
	return nil
}

// buildGatherer records what happens over and over.
func (a *App) buildGatherer(record *history.Recorder) *history.Gatherer {
	g := &history.Gatherer{Recorder: record, Store: a.store}
	a.every(history.GatherEvery, "record what was gathered", g.Flush)
	a.onClose(g.Close)
	return g
}

// sealHistory is done when nothing is recorded any more.
func (a *App) sealHistory() error {
	if a.sealer == nil {
		return nil
	}
	return a.sealer.Close()
}

// History is the record in the store, for commands that only read.
type History struct {
	db    *store.DB
	token config.Token
}

// OpenHistory opens the store to read it, beside a Portico that runs or does not.
func OpenHistory(ctx context.Context, cfg *config.Config, logger *slog.Logger) (*History, error) {
	db, err := store.Open(ctx, store.Config{Driver: cfg.Store.Driver, DSN: cfg.Store.DSN.Reveal(), Logger: logger, ReadOnly: true})
	if err != nil {
		return nil, err
	}
	return &History{db: db, token: cfg.STS.Token}, nil
}

// Close closes the store.
func (h *History) Close() error { return h.db.Close() }

// Verify is history.Verify on the store. It takes the key-encryption key.
func (h *History) Verify(ctx context.Context, how history.Verification) (history.Report, error) {
	keys, err := readKeys(h.token)
	if err != nil {
		return history.Report{}, err
	}
	how.Store, how.Box = h.db, keys.Box(sealedHistoryKey)
	return history.Verify(ctx, how)
}

// Export writes entries of the store, and returns how many those were.
func (h *History) Export(ctx context.Context, what history.Export, w io.Writer) (int64, error) {
	what.Store = h.db
	return what.Write(ctx, w)
}
