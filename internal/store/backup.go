package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
)

// Backup copies an SQLite database, as it is at one moment, into a new file for its owner alone, beside whoever reads and writes
// it. The tables stay of the version that they have: a backup is made before an upgrade, by either Portico. The copy is checked,
// and on the disk, before it has its name; it is refused where something has that name already.
func Backup(ctx context.Context, path, output string) (size int64, err error) {
	db, err := openSQLite(path, true, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	if migrated, err := db.engine.inspect(ctx, db.reading); err != nil || !migrated {
		return 0, db.engine.explain(errors.Join(err, notOurs(err)))
	}
	if _, err := os.Lstat(output); !errors.Is(err, fs.ErrNotExist) {
		return 0, backupFault(output, errors.Join(err, fs.ErrExist))
	}
	// SQLite would make the file for everybody to read; an empty one it takes as it is.
	f, err := os.CreateTemp(filepath.Dir(output), ".portico-*")
	if err != nil {
		return 0, backupFault(output, err)
	}
	name := f.Name()
	defer func() { err = errors.Join(err, f.Close(), os.Remove(name)) }()
	if err := copyInto(ctx, db.reading.DB, name); err != nil {
		return 0, explainSQLite(output, err)
	}
	if err := checkCopy(ctx, name); err != nil {
		return 0, fmt.Errorf("backup %s: %w", output, err)
	}
	info, err := f.Stat()
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = os.Link(name, output) // unlike a renaming it overwrites nothing
	}
	if err == nil {
		err = syncFolder(filepath.Dir(output))
	}
	if err != nil {
		return 0, backupFault(output, err)
	}
	return info.Size(), nil
}

// copyInto writes what is in the database into an empty file.
func copyInto(ctx context.Context, from *sql.DB, name string) (err error) {
	conn, err := from.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := conn.ExecContext(ctx, `PRAGMA query_only = 0`); err != nil { // which counts for the file that is written, too
		return err
	}
	_, err = conn.ExecContext(ctx, `VACUUM INTO $1`, name)
	return err
}

func notOurs(err error) error {
	if err != nil {
		return nil
	}
	return errors.New("there is nothing of Portico's in it")
}

func backupFault(output string, err error) error {
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("backup %s: something is there already: choose another name", output)
	}
	var path *fs.PathError
	var link *os.LinkError
	switch { // never the name on the way
	case errors.As(err, &link):
		err = link.Err
	case errors.As(err, &path):
		err = path.Err
	}
	return fmt.Errorf("backup %s can't be written: %w", output, err)
}

// checkCopy looks at every page of the copy.
func checkCopy(ctx context.Context, path string) error {
	db, err := openSQLite(path, true, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		return err
	}
	defer db.Close()
	var verdict string
	if err := db.reading.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return fmt.Errorf("the copy is damaged, and so may be what it was made of: %s", verdict)
	}
	return nil
}
