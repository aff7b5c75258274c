package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/portico-iam/portico/internal/fault"
)

// patience bounds how long one statement, or one transaction, may take. Only tests change it.
var patience = 10 * time.Second

// away gives an error its code when it says nothing about the statement, but that the database can't do its work at the
// moment. ctx is the statement's own.
func away(ctx context.Context, err error) error {
	if err == nil || fault.Unavailable.Is(err) || !isAway(ctx, err) {
		return err
	}
	return fault.Unavailable.New("the database does not answer at the moment; try again").Because(err)
}

// uncertain is away for the COMMIT of a change, which may have counted although its answer was lost. SQLite's own errors
// are certain: it has rolled back.
func uncertain(ctx context.Context, err error) error {
	var lite *sqlite.Error
	if err == nil || !isAway(ctx, err) || errors.As(err, &lite) {
		return away(ctx, err)
	}
	return fault.Unavailable.New("the database does not answer at the moment; look whether the change was made before you try again").Because(err)
}

func isAway(ctx context.Context, err error) bool {
	if errors.Is(err, context.Canceled) {
		return false // the caller hung up
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return true // whatever it was that the engine gave up upon
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return awaySQLite[lite.Code()&0xff]
	}
	var answer *pgconn.PgError
	if errors.As(err, &answer) {
		return awayPostgres[answer.Code] || len(answer.Code) == 5 && awayPostgres[answer.Code[:2]]
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || pgconn.SafeToRetry(err) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}

var awaySQLite = map[int]bool{
	sqlite3.SQLITE_BUSY: true, sqlite3.SQLITE_LOCKED: true, sqlite3.SQLITE_PROTOCOL: true, // another process has it
	sqlite3.SQLITE_FULL: true, sqlite3.SQLITE_READONLY: true, sqlite3.SQLITE_IOERR: true, sqlite3.SQLITE_CANTOPEN: true, sqlite3.SQLITE_PERM: true,
	sqlite3.SQLITE_INTERRUPT: true, sqlite3.SQLITE_NOMEM: true,
}

// awayPostgres holds codes, and classes of codes (PostgreSQL: appendix A).
var awayPostgres = map[string]bool{
	"08":    true, // connection exception
	"53":    true, // insufficient resources: disk full, too many connections
	"57":    true, // operator intervention: shutting down, starting, a statement's timeout
	"58":    true, // system error
	"25006": true, // read-only: the primary has become a standby
	"40001": true, // lost against another transaction
	"40P01": true, // the same, by deadlock
	"55P03": true, // lock not available
}
