package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/portico-iam/portico/internal/cluster"
	"github.com/portico-iam/portico/internal/directory"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/revocation"
)

var _ directory.Store = (*DB)(nil)

const (
	insertDirectoryUser = `INSERT INTO directory_user (id, user_name, user_key, external_id, display_name, display_key, active, attributes,
	created_at, modified_at, revision) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`
	updateDirectoryUser = `UPDATE directory_user SET user_name = $2, user_key = $3, external_id = $4, display_name = $5, display_key = $6,
	active = $7, attributes = $8, created_at = $9, modified_at = $10, revision = $11 WHERE id = $1 AND revision = $11 - 1`
	deleteDirectoryUser = `DELETE FROM directory_user WHERE id = $1 AND revision = $2`
	selectDirectoryUser = `SELECT id, user_name, external_id, display_name, active, attributes, created_at, modified_at, revision FROM directory_user`
	countDirectoryUser  = `SELECT COUNT(*) FROM directory_user`

	// Who else has the name, or the external id.
	selectUserTaken = `SELECT user_key = $2 FROM directory_user WHERE (user_key = $2 OR external_id = $3 AND external_id <> '') AND id <> $1
	ORDER BY CASE WHEN user_key = $2 THEN 0 ELSE 1 END`
	selectUserThere = `SELECT revision FROM directory_user WHERE id = $1`
)

func userArgs(u directory.User) []any {
	active := 0
	if u.Active {
		active = 1
	}
	attributes := string(u.Attributes)
	if attributes == "" {
		attributes = "{}"
	}
	return []any{
		u.ID, u.UserName, directory.Fold(u.UserName), u.ExternalID, u.DisplayName, directory.Fold(u.DisplayName), active, attributes,
		millis(u.CreatedAt), millis(u.ModifiedAt), u.Revision,
	}
}

// InsertUser implements directory.Store.
func (db *DB) InsertUser(ctx context.Context, u directory.User, e history.Entry) error {
	return db.changeDirectory(ctx, u.ID, e, func(tx *sql.Tx) error {
		if err := userTaken(ctx, tx, u); err != nil {
			return err
		}
		_, err := exec(ctx, tx, insertDirectoryUser, userArgs(u)...)
		return err
	})
}

// SaveUser implements directory.Store.
func (db *DB) SaveUser(ctx context.Context, u directory.User, cut *revocation.Cut, e history.Entry) error {
	return db.changeDirectory(ctx, u.ID, e, func(tx *sql.Tx) error {
		if err := db.storeCut(ctx, tx, cut); err != nil {
			return err
		}
		if err := userTaken(ctx, tx, u); err != nil {
			return err
		}
		updated, err := exec(ctx, tx, updateDirectoryUser, userArgs(u)...)
		return orMissing(ctx, tx, updated, err, selectUserThere, u.ID)
	})
}

// DeleteUser implements directory.Store. Their memberships go along.
func (db *DB) DeleteUser(ctx context.Context, id string, revision int64, cut *revocation.Cut, e history.Entry) error {
	return db.changeDirectory(ctx, id, e, func(tx *sql.Tx) error {
		if err := db.storeCut(ctx, tx, cut); err != nil {
			return err
		}
		if _, err := exec(ctx, tx, leaveGroups, id); err != nil {
			return err
		}
		deleted, err := exec(ctx, tx, deleteDirectoryUser, id, revision)
		return orMissing(ctx, tx, deleted, err, selectUserThere, id)
	})
}

// changeDirectory makes a change with its entry, and announces whom or what it is about. A name that somebody else took in the
// same moment is found by the index alone.
func (db *DB) changeDirectory(ctx context.Context, id string, e history.Entry, do func(tx *sql.Tx) error) error {
	err := db.write(ctx, func(tx *sql.Tx) error {
		if err := do(tx); err != nil {
			return err
		}
		if err := appendEntry(ctx, tx, e); err != nil {
			return err
		}
		return db.announce(ctx, tx, cluster.Directory, id)
	})
	if isTaken(err) {
		err = directory.ErrTaken
	}
	if err != nil {
		return fmt.Errorf("change the directory: %w", err)
	}
	return nil
}

func isTaken(err error) bool {
	var answer *pgconn.PgError
	var lite *sqlite.Error
	const uniqueViolation = "23505"
	return errors.As(err, &answer) && answer.Code == uniqueViolation || errors.As(err, &lite) && lite.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE
}

func userTaken(ctx context.Context, tx *sql.Tx, u directory.User) error {
	var name bool
	taken, err := queryRow(ctx, tx, func(scan scanner) error { return scan(&name) }, selectUserTaken, u.ID, directory.Fold(u.UserName), u.ExternalID)
	switch {
	case err != nil || !taken:
		return err
	case name:
		return directory.ErrTaken
	}
	return directory.ErrTakenID
}

// orMissing tells why nothing was written: the row has another revision, or is gone.
func orMissing(ctx context.Context, tx *sql.Tx, written int64, err error, there, id string) error {
	if err != nil || written > 0 {
		return err
	}
	var revision int64
	found, err := queryRow(ctx, tx, func(scan scanner) error { return scan(&revision) }, there, id)
	switch {
	case err != nil:
		return err
	case found:
		return directory.ErrChanged
	}
	return directory.ErrGone
}

// DirectoryUser implements directory.Store.
func (db *DB) DirectoryUser(ctx context.Context, id string) (u directory.User, found bool, err error) {
	found, err = queryRow(ctx, db.reading, func(scan scanner) (err error) {
		u, err = scanDirectoryUser(scan)
		return err
	}, selectDirectoryUser+` WHERE id = $1`, id)
	if err != nil {
		return u, false, fmt.Errorf("read a provisioned person: %w", err)
	}
	return u, found, nil
}

func scanDirectoryUser(scan scanner) (u directory.User, err error) {
	var active, created, modified int64
	err = scan(&u.ID, &u.UserName, &u.ExternalID, &u.DisplayName, &active, (*[]byte)(&u.Attributes), &created, &modified, &u.Revision)
	u.Active, u.CreatedAt, u.ModifiedAt = active != 0, instant(created), instant(modified)
	return u, err
}

// DirectoryUsers implements directory.Store.
func (db *DB) DirectoryUsers(ctx context.Context, q directory.Query) (page []directory.User, total int, err error) {
	total, err = db.directoryPage(ctx, q, userColumns, selectDirectoryUser, countDirectoryUser, func(scan scanner) error {
		u, err := scanDirectoryUser(scan)
		page = append(page, u)
		return err
	})
	return page, total, err
}

// Inactive implements directory.Store.
func (db *DB) Inactive(ctx context.Context, ids []string) (all []directory.User, err error) {
	text, args := selectDirectoryUser+` WHERE active = 0`, make([]any, len(ids))
	if ids != nil {
		if len(ids) == 0 {
			return nil, nil
		}
		for i, id := range ids {
			args[i] = id
		}
		text += ` AND id IN ` + placeholders(1, len(ids))
	}
	err = query(ctx, db.reading, func(scan scanner) error {
		u, err := scanDirectoryUser(scan)
		u.Attributes = nil
		all = append(all, u)
		return err
	}, text, args...)
	if err != nil {
		return nil, fmt.Errorf("list who is deactivated: %w", err)
	}
	return all, nil
}
