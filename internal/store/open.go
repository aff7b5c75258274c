package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3"

	"github.com/portico-iam/portico/internal/fault"
)

// The values of Config.Driver.
const (
	SQLite   = "sqlite"
	Postgres = "postgres"
)

// Config says which database to open.
type Config struct {
	Driver   string       // SQLite or Postgres
	DSN      string       // SQLite: the path of a file; Postgres: a postgres:// address, or keywords and values
	Logger   *slog.Logger // nil: silent
	Observe  Observe      // nil: nobody sees the statements
	ReadOnly bool         // nothing is made, brought up to date or written: methods that write fail, or must not be called
}

// DB is an open database. Its methods may be called from many goroutines.
type DB struct {
	engine   engine
	reading  *pool
	watching *pool // for the numbers of changes alone: what others ask must not keep them waiting
	writing  *pool // the same as reading where the engine has no reason to tell them apart
	logger   *slog.Logger
	origin   string // this process among those that announce changes
}

// engine is what differs between the two.
type engine struct {
	dialect  goose.Dialect
	snapshot sql.TxOptions // of a transaction that sees one moment
	bytewise string        // follows a text column in ORDER BY, so that both engines sort by bytes

	// lockOrganisations keeps other changes of Core's organisations waiting until the transaction ends; empty where
	// there is one writer anyway.
	lockOrganisations string

	// lockHead follows a query of the history's head, for the transaction to hold it; empty where there is one writer anyway.
	lockHead string

	// inspect tells whether there is a version table, and refuses a database that can't be ours.
	inspect func(ctx context.Context, on executor) (migrated bool, err error)
	// clock is what time it is at the server, in milliseconds; 0: it is this machine.
	clock string

	// messages is where other processes can be told of a change; nil: they find out by its number.
	messages *pgx.ConnConfig
	// lock keeps others from migrating.
	lock func(ctx context.Context, on *sql.DB) (unlock func(), err error)
	// wipe removes what was overwritten or deleted from what lies beside the tables; nil: that is up to the server.
	wipe func(ctx context.Context, on executor) error
	// explain says what a person can do about an error of opening.
	explain func(error) error
}

// Open opens the database and brings its tables up to date; one that is only read must be so already. The errors are sentences for the operator; they never
// hold a password.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	logger := cfg.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	var db *DB
	var err error
	switch cfg.Driver {
	case SQLite:
		db, err = openSQLite(cfg.DSN, cfg.ReadOnly, logger, cfg.Observe)
	case Postgres:
		db, err = openPostgres(cfg.DSN, cfg.Observe)
	default:
		err = fmt.Errorf("store.driver: expected %s or %s, got %q", SQLite, Postgres, cfg.Driver)
	}
	if err != nil {
		return nil, err
	}
	db.logger, db.origin = logger, rand.Text()
	start := db.start
	if cfg.ReadOnly {
		start = db.checkSchema
	}
	if err := start(ctx, cfg.Driver); err != nil {
		return nil, errors.Join(db.engine.explain(err), db.Close())
	}
	return db, nil
}

// checkSchema refuses tables that are not as this version knows them.
func (db *DB) checkSchema(ctx context.Context, _ string) error {
	_, newest, err := migrationFiles()
	if err != nil {
		return err
	}
	version, err := db.schemaVersion(ctx)
	switch {
	case err == nil && version < newest:
		return fmt.Errorf("expected tables of version %d, found %d: use the Portico that runs on them, or run this one on them first", newest, version)
	case err == nil && version > newest:
		return db.besideNewer(ctx, version, newest)
	}
	return err
}

// start brings the tables up to date. SQLite does not wait for another process that turns the write-ahead log on in the
// same moment, however long it waits for everything else: we do, as long as that.
func (db *DB) start(ctx context.Context, driver string) error {
	began := time.Now()
	for {
		err := db.migrate(ctx)
		if driver != SQLite || !fault.Unavailable.Is(err) || time.Since(began) > sqlitePatience {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Close waits for what is running and closes the database.
func (db *DB) Close() error {
	err := db.reading.Close()
	if db.watching != db.reading {
		err = errors.Join(err, db.watching.Close())
	}
	if db.writing != db.reading {
		// Last, so that SQLite folds its write-ahead log into the file.
		err = errors.Join(err, db.writing.Close())
	}
	if err != nil {
		return fmt.Errorf("close the database: %w", err)
	}
	return nil
}

// Ping tells whether the database answers.
func (db *DB) Ping(ctx context.Context) error {
	if _, err := db.ModelVersion(ctx); err != nil {
		return fmt.Errorf("ping the database: %w", err)
	}
	return nil
}
