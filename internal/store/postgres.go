package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

// openPostgres reads the DSN; the first query connects. As with every client of PostgreSQL, what the DSN leaves out is
// taken from the PG… variables and the password file.
func openPostgres(dsn string, observe Observe) (*DB, error) {
	if !looksLikePostgres(dsn) {
		return nil, errors.New("store.dsn: expected an address of a PostgreSQL server such as postgres://user:password@host:5432/database, since store.driver is postgres")
	}
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		// The error quotes the DSN, and what doesn't parse can't be masked for certain.
		return nil, errors.New("store.dsn can't be read as an address of a PostgreSQL server: expected postgres://user:password@host:5432/database, with other than letters and digits in the password written as %40 and so on, and files that it names in place")
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = 5 * time.Second
	}
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "portico"
	}
	if observe != nil {
		cfg.Tracer = queryTracer{observe}
	}
	connections := &pool{DB: stdlib.OpenDB(*cfg)}
	connections.SetMaxOpenConns(16)
	connections.SetMaxIdleConns(4)
	connections.SetConnMaxIdleTime(5 * time.Minute)
	connections.SetConnMaxLifetime(time.Hour)
	watching := &pool{DB: stdlib.OpenDB(*cfg)}
	watching.SetMaxOpenConns(1)
	watching.SetConnMaxLifetime(time.Hour)
	return &DB{
		engine: engine{
			dialect:  goose.DialectPostgres,
			snapshot: sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true},
			bytewise: ` COLLATE "C"`,

			lockOrganisations: `LOCK TABLE core_organisation IN SHARE ROW EXCLUSIVE MODE`,
			lockHead:          ` FOR UPDATE OF h`,

			clock:    `CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)`,
			messages: cfg,

			inspect: inspectPostgres,
			lock:    lockPostgres,
			explain: func(err error) error { return explainPostgres(cfg, err) },
		},
		reading:  connections,
		writing:  connections,
		watching: watching,
	}, nil
}

func looksLikePostgres(dsn string) bool {
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		return true
	}
	for _, word := range []string{"host=", "dbname=", "user=", "service="} {
		if strings.HasPrefix(dsn, word) || strings.Contains(dsn, " "+word) {
			return true
		}
	}
	return false
}

const lookPostgres = `SELECT current_setting('server_encoding'), pg_is_in_recovery(), to_regclass('` + versionTable + `') IS NOT NULL`

func inspectPostgres(ctx context.Context, on executor) (migrated bool, err error) {
	var encoding string
	var standby bool
	_, err = queryRow(ctx, on, func(scan scanner) error { return scan(&encoding, &standby, &migrated) }, lookPostgres)
	switch {
	case err != nil:
		return false, err
	case encoding != "UTF8":
		return false, fmt.Errorf("the database has the encoding %s, which can't hold every name: create one with ENCODING 'UTF8'", encoding)
	case standby:
		return false, errors.New("the server is a standby and can't be written to: name the primary, or add target_session_attrs=read-write")
	}
	return migrated, nil
}

const (
	lockMigrations   = `SELECT pg_advisory_lock($1)`
	unlockMigrations = `SELECT pg_advisory_unlock($1)`
)

// lockPostgres makes other replicas wait that start at the same time; then they find the work done.
func lockPostgres(ctx context.Context, on *sql.DB) (unlock func(), err error) {
	const number = int64(0x506f727469636f) // "Portico"
	conn, err := on.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := conn.ExecContext(ctx, lockMigrations, number); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return func() {
		// If this fails the connection is broken, and the lock went with it.
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), unlockMigrations, number)
		_ = conn.Close()
	}, nil
}

// explainPostgres says what to do about an error of opening.
func explainPostgres(cfg *pgx.ConnConfig, err error) error {
	where := "database " + cfg.Database + " at " + net.JoinHostPort(cfg.Host, strconv.Itoa(int(cfg.Port)))
	if strings.HasPrefix(cfg.Host, "/") {
		where = "database " + cfg.Database + " at the socket in " + cfg.Host
	}
	var answer *pgconn.PgError
	if errors.As(err, &answer) {
		advice := map[string]string{
			"28P01": "the server refuses the password of user " + cfg.User,
			"28000": "the server refuses user " + cfg.User,
			"3D000": "the server has no such database",
			"42501": "user " + cfg.User + " lacks the right to make the tables",
			"53300": "the server has too many connections",
			"57P03": "the server is starting or stopping",
		}[answer.Code]
		if advice == "" {
			return fmt.Errorf("%s: %w", where, err)
		}
		return fmt.Errorf("%s: %s: %w", where, advice, answer)
	}
	var failure *pgconn.ConnectError
	if errors.As(err, &failure) {
		return fmt.Errorf("%s can't be reached: %s", where, oneLine(failure.Unwrap()))
	}
	return fmt.Errorf("%s: %w", where, err)
}

// oneLine joins the errors of the addresses that were tried.
func oneLine(err error) string {
	return strings.Join(strings.Fields(err.Error()), " ")
}
