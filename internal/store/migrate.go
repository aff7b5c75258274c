package store

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// versionTable is where goose notes what was done.
const versionTable = "schema_version"

// migrate brings the tables up to date. goose is asked only when there is something to do: looking costs one query
// instead of its ten.
func (db *DB) migrate(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	newest, err := newestMigration(files)
	if err != nil {
		return err
	}
	// More than once, since another process may be at the same work and only PostgreSQL makes us wait for it: then
	// ours fails, and the next look finds how far the other one is.
	var failure error
	for range newest + 1 {
		version, err := db.schemaVersion(ctx)
		switch {
		case err != nil:
			return err
		case version == newest:
			return nil
		case version > newest:
			return fmt.Errorf("the database was used by a newer Portico (its tables have version %d, this Portico knows %d): run that version or a later one", version, newest)
		}
		if failure = db.runMigrations(ctx, files); failure == nil {
			return nil
		}
	}
	return fmt.Errorf("migrate the tables: %w", failure)
}

func (db *DB) runMigrations(ctx context.Context, files fs.FS) error {
	opts := []goose.ProviderOption{
		goose.WithDisableGlobalRegistry(true), goose.WithTableName(versionTable), goose.WithLogger(goose.NopLogger()),
	}
	if db.engine.locker != nil {
		opts = append(opts, goose.WithSessionLocker(db.engine.locker))
	}
	provider, err := goose.NewProvider(db.engine.dialect, db.writing, files, opts...)
	if err != nil {
		return err
	}
	done, err := provider.Up(ctx)
	for _, m := range done {
		db.logger.InfoContext(ctx, "database migrated", "version", m.Source.Version, "duration", m.Duration)
	}
	return err
}

const selectSchemaVersion = `SELECT MAX(version_id) FROM ` + versionTable

// schemaVersion returns 0 for a database without tables. It asks the connection that writes: on SQLite that is the one
// which turns WAL on.
func (db *DB) schemaVersion(ctx context.Context) (int64, error) {
	migrated, err := db.engine.inspect(ctx, db.writing)
	if err != nil || !migrated {
		return 0, err
	}
	var version int64
	err = db.writing.QueryRowContext(ctx, selectSchemaVersion).Scan(&version)
	return version, err
}

// newestMigration reads the number at the beginning of the last file's name.
func newestMigration(files fs.FS) (int64, error) {
	names, err := fs.Glob(files, "*.sql") // sorted
	if err != nil {
		return 0, err
	}
	last := names[len(names)-1]
	number, _, _ := strings.Cut(last, "_")
	version, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("migration %s: expected a number at the beginning: %w", last, err)
	}
	return version, nil
}
