package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// readers bounds the connections that read at the same time.
const readers = 4

// openSQLite opens a file, and makes it when it isn't there, unless it is only read. Nothing is read yet but its metadata.
//
// One connection writes and others read: in WAL mode neither waits for the other, and writers queue in this process,
// fairly and for as long as their context allows, rather than in SQLite's busy loop. Write transactions are immediate,
// so that none has to be given up half-way because another process (an export, say) wrote in between. synchronous=FULL
// makes a commit last through a loss of power; WAL's default would only keep the file consistent.
func openSQLite(path string, readOnly bool, logger *slog.Logger, observe Observe) (*DB, error) {
	switch {
	case path == "":
		return nil, errors.New("store.dsn: expected the path of a file, got nothing")
	case strings.HasPrefix(path, "file:"), strings.HasPrefix(path, ":memory:"):
		return nil, errors.New("store.dsn: expected the plain path of a file")
	case looksLikePostgres(path):
		return nil, errors.New("store.dsn is the address of a PostgreSQL server, but store.driver is sqlite: change one of them")
	case strings.ContainsRune(path, 0):
		return nil, errors.New("store.dsn: expected the path of a file, got one with a NUL character")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("find the database file: %w", err)
	}
	if readOnly {
		if _, err := os.Stat(path); err != nil {
			return nil, explainFile(path, err)
		}
	} else if err := prepareFile(path, logger); err != nil {
		return nil, err
	}
	// A commit waits for the data and the length of the file to be on the disk, as in every distribution's SQLite, not
	// for its times as well.
	if _, err := sqlite.Fdatasync(true); err != nil && !errors.Is(err, sqlite.ErrFdatasyncUnavailable) {
		return nil, explainSQLite(path, err)
	}
	reading, err := sqlitePool(path, url.Values{"_query_only": {"1"}}, observe)
	if err != nil {
		return nil, explainSQLite(path, err)
	}
	reading.SetMaxOpenConns(readers)
	reading.SetMaxIdleConns(readers)
	writing := reading
	if !readOnly {
		if writing, err = sqlitePool(path, url.Values{"_journal_mode": {"WAL"}, "_txlock": {"immediate"}}, observe); err != nil {
			return nil, errors.Join(explainSQLite(path, err), reading.Close())
		}
		writing.SetMaxOpenConns(1)
		writing.SetConnMaxIdleTime(0)
	}
	return &DB{
		engine: engine{
			clock:    `0`,
			dialect:  goose.DialectSQLite3,
			snapshot: sql.TxOptions{ReadOnly: true},
			inspect:  inspectSQLite,
			lock:     func(context.Context, *sql.DB) (func(), error) { return func() {}, nil },
			wipe:     wipeSQLite,
			explain:  func(err error) error { return explainSQLite(path, err) },
		},
		reading: reading,
		writing: writing, watching: reading,
	}, nil
}

// wipeSQLite folds the write-ahead log into the file and empties it: it has every version of a row.
func wipeSQLite(ctx context.Context, on executor) error {
	var busy, pages, folded int
	_, err := queryRow(ctx, on, func(scan scanner) error { return scan(&busy, &pages, &folded) }, `PRAGMA wal_checkpoint(TRUNCATE)`)
	if err == nil && busy != 0 {
		err = errors.New("somebody reads the database just now")
	}
	return err
}

// sqlitePatience is how long another process's lock is waited for.
const sqlitePatience = 5 * time.Second

func sqlitePool(path string, more url.Values, observe Observe) (*pool, error) {
	more.Set("_busy_timeout", strconv.FormatInt(sqlitePatience.Milliseconds(), 10))
	more.Set("_foreign_keys", "1")
	more.Set("_synchronous", "FULL")
	more.Add("_pragma", "journal_size_limit(67108864)")
	more.Add("_pragma", "secure_delete(1)") // a signing key that was cut is to be gone from the file too
	connector, err := sqlite.NewConnector("file:" + (&url.URL{Path: path}).EscapedPath() + "?" + more.Encode())
	if err != nil {
		return nil, err
	}
	return &pool{DB: sql.OpenDB(keeper{connector, observe})}, nil
}

// prepareFile makes the file, for its owner only, before SQLite would make it for everybody; SQLite gives the files
// beside it the same mode. An existing file is not opened here: closing it would drop the locks that this process may
// hold on it.
func prepareFile(path string, logger *slog.Logger) error {
	switch info, err := os.Stat(path); {
	case err == nil && info.IsDir():
		return fmt.Errorf("database %s: expected a file, found a directory", path)
	case err == nil && !info.Mode().IsRegular():
		return fmt.Errorf("database %s: expected a file, found something else (%s)", path, info.Mode().Type())
	case err == nil:
		if info.Mode().Perm()&0o077 != 0 {
			logger.Warn("database file is open to others", "path", path, "mode", info.Mode().Perm().String())
		}
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return explainFile(path, err)
	}
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return explainFile(path, err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil // somebody else made it just now
	}
	if err != nil {
		return explainFile(path, err)
	}
	if err := file.Close(); err != nil {
		return explainFile(path, err)
	}
	// The names must last as well as what will be written: sync the folder, and the one that it may be new in.
	for _, folder := range []string{folder, filepath.Dir(folder)} {
		if err := syncFolder(folder); err != nil {
			return explainFile(path, err)
		}
	}
	return nil
}

func syncFolder(path string) error {
	folder, err := os.Open(path)
	if errors.Is(err, fs.ErrPermission) {
		return nil // not ours, so not new
	}
	if err != nil {
		return err
	}
	defer folder.Close()
	if err := folder.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.EROFS) {
		return err
	}
	return nil
}

// Another program's tables, in a file without our version table, are in the count of all.
const lookSQLite = `SELECT COUNT(CASE WHEN name = '` + versionTable + `' THEN 1 END), COUNT(*) FROM sqlite_schema
	WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`

func inspectSQLite(ctx context.Context, on executor) (migrated bool, err error) {
	var ours, all int
	if _, err := queryRow(ctx, on, func(scan scanner) error { return scan(&ours, &all) }, lookSQLite); err != nil {
		return false, err
	}
	if ours == 0 && all > 0 {
		return false, errors.New("this is another program's SQLite database; choose another file")
	}
	return ours > 0, nil
}

func explainFile(path string, err error) error {
	folder := filepath.Dir(path)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("database %s: this user (uid %d) may not write in the folder %s: %w", path, os.Geteuid(), folder, err)
	case errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("database %s: a part of the path %s is not a folder: %w", path, folder, err)
	}
	return fmt.Errorf("database %s: %w", path, err)
}

// explainSQLite says what to do about an error of opening.
func explainSQLite(path string, err error) error {
	var failure *sqlite.Error
	if !errors.As(err, &failure) {
		return fmt.Errorf("database %s: %w", path, err)
	}
	advice := map[int]string{
		sqlite3.SQLITE_NOTADB:   "the file is not an SQLite database: restore it from a backup, or move it away to begin anew",
		sqlite3.SQLITE_CORRUPT:  "the file is damaged: restore it from a backup, or move it away to begin anew",
		sqlite3.SQLITE_READONLY: "this user may not write to the file or its folder",
		sqlite3.SQLITE_CANTOPEN: "this user may not open the file, or may not write in its folder",
		sqlite3.SQLITE_PERM:     "this user may not open the file",
		sqlite3.SQLITE_FULL:     "the disk is full",
		sqlite3.SQLITE_IOERR:    "the disk reports an error",
		sqlite3.SQLITE_BUSY:     "another process keeps the database locked",
	}[failure.Code()&0xff]
	if advice == "" {
		return fmt.Errorf("database %s: %w", path, err)
	}
	return fmt.Errorf("database %s: %s: %w", path, advice, err)
}
