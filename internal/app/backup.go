package app

import (
	"context"
	"errors"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/store"
)

// Backup copies the SQLite database into a new file, while Portico runs or does not.
func Backup(ctx context.Context, cfg *config.Config, output string) (size int64, err error) {
	if cfg.Store.Driver != store.SQLite {
		return 0, errors.New("store.driver is postgres: use PostgreSQL's own tools, such as pg_dump --format=custom --file=FILE (docs/operations.md)")
	}
	return store.Backup(ctx, cfg.Store.DSN.Reveal(), output)
}
