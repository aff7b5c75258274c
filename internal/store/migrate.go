package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
)

//go:embed migrations/*.sql
var migrations embed.FS

// versionTable is where goose notes what was done.
const versionTable = "schema_version"

// migrate brings the tables up to date. goose is asked only when there is something to do: looking costs two queries
// instead of its ten.
func (db *DB) migrate(ctx context.Context) error {
	files, newest, err := migrationFiles()
	if err != nil {
		return err
	}
	if done, err := db.upToDate(ctx, newest); done || err != nil {
		return err
	}
	unlock, err := db.engine.lock(ctx, db.writing.DB)
	if err != nil {
		return err
	}
	defer unlock()
	// More than once, since on SQLite, which has no such lock, another process may be at the same work: then ours
	// fails, and the next look finds how far the other one is.
	var failure error
	for range newest + 1 {
		if done, err := db.upToDate(ctx, newest); done || err != nil {
			return err
		}
		if failure = db.runMigrations(ctx, files); failure == nil {
			return nil
		}
	}
	return fmt.Errorf("migrate the tables: %w", failure)
}

func (db *DB) upToDate(ctx context.Context, newest int64) (bool, error) {
	version, err := db.schemaVersion(ctx)
	if err == nil && version > newest {
		return true, db.besideNewer(ctx, version, newest)
	}
	return version == newest, err
}

const selectOldest = `SELECT oldest FROM schema_since WHERE id = 1`

// besideNewer accepts tables that a newer Portico has brought up to date, if it said that this one can live with them: during
// an upgrade both run side by side, and either may be restarted.
func (db *DB) besideNewer(ctx context.Context, version, newest int64) error {
	oldest := version
	found, err := queryRow(ctx, db.writing, func(scan scanner) error { return scan(&oldest) }, selectOldest)
	switch {
	case err != nil:
		return err
	case !found || newest < oldest:
		return fmt.Errorf("the database was used by a newer Portico (its tables have version %d and need at least %d, this Portico knows %d): run that version or a later one", version, oldest, newest)
	}
	db.logger.WarnContext(ctx, "the database was brought up to date by a newer Portico, which this one can run beside: finish the upgrade", "tables", version, "known_here", newest)
	return nil
}

func (db *DB) runMigrations(ctx context.Context, files fs.FS) error {
	if err := db.createVersionTable(ctx); err != nil {
		return err
	}
	provider, err := goose.NewProvider(db.engine.dialect, db.writing.DB, files,
		goose.WithDisableGlobalRegistry(true), goose.WithTableName(versionTable), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return err
	}
	done, err := provider.Up(ctx)
	for _, m := range done {
		db.logger.InfoContext(ctx, "database migrated", "version", m.Source.Version, "duration", m.Duration)
	}
	return err
}

// createVersionTable does what goose would do, but doesn't sleep for a second when it meets another process at it.
func (db *DB) createVersionTable(ctx context.Context) error {
	table, err := database.NewStore(db.engine.dialect, versionTable)
	if err != nil {
		return err
	}
	return db.write(ctx, func(tx *sql.Tx) error {
		exists, err := db.engine.inspect(ctx, tx)
		if err != nil || exists {
			return err
		}
		if err := table.CreateVersionTable(ctx, tx); err != nil {
			return err
		}
		return table.Insert(ctx, tx, database.InsertRequest{Version: 0})
	})
}

const selectSchemaVersion = `SELECT MAX(version_id) FROM ` + versionTable

// schemaVersion returns 0 for a database without tables. It asks the connection that writes: on SQLite that is the one
// which turns WAL on.
func (db *DB) schemaVersion(ctx context.Context) (version int64, err error) {
	migrated, err := db.engine.inspect(ctx, db.writing)
	if err != nil || !migrated {
		return 0, err
	}
	_, err = queryRow(ctx, db.writing, func(scan scanner) error { return scan(&version) }, selectSchemaVersion)
	return version, err
}

// migrationFiles returns the migrations, and the number at the beginning of the last one's name.
func migrationFiles() (files fs.FS, newest int64, err error) {
	if files, err = fs.Sub(migrations, "migrations"); err != nil {
		return nil, 0, err
	}
	names, err := fs.Glob(files, "*.sql") // sorted
	if err != nil {
		return nil, 0, err
	}
	last := names[len(names)-1]
	number, _, _ := strings.Cut(last, "_")
	if newest, err = strconv.ParseInt(number, 10, 64); err != nil {
		return nil, 0, fmt.Errorf("migration %s: expected a number at the beginning: %w", last, err)
	}
	return files, newest, nil
}
