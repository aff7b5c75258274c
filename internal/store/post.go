package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/portico-iam/portico/internal/corecall"
)

var _ corecall.PostStore = (*DB)(nil)

const (
	insertPost  = `INSERT INTO history_post (id, sequence, holder, until_at) SELECT 1, sequence, '', 0 FROM history_head WHERE id = 1 ON CONFLICT DO NOTHING`
	claimPost   = `UPDATE history_post SET holder = $1, until_at = $2 WHERE id = 1 AND (holder = $1 OR until_at < $3)`
	selectPost  = `SELECT sequence FROM history_post WHERE id = 1`
	advancePost = `UPDATE history_post SET sequence = $1, until_at = $2 WHERE id = 1 AND holder = $3 AND sequence < $1`
)

// BeginPosting implements corecall.PostStore.
func (db *DB) BeginPosting(ctx context.Context) error {
	err := db.write(ctx, func(tx *sql.Tx) error {
		_, err := exec(ctx, tx, insertPost)
		return err
	})
	if err != nil {
		return fmt.Errorf("begin to post the history: %w", err)
	}
	return nil
}

// ClaimPosting implements corecall.PostStore.
func (db *DB) ClaimPosting(ctx context.Context, holder string, now, until time.Time) (sequence int64, mine bool, err error) {
	err = db.write(ctx, func(tx *sql.Tx) error {
		n, err := exec(ctx, tx, claimPost, holder, millis(until), millis(now))
		if err != nil || n == 0 {
			return err
		}
		mine, err = queryRow(ctx, tx, func(scan scanner) error { return scan(&sequence) }, selectPost)
		return err
	})
	if err != nil {
		return 0, false, fmt.Errorf("claim the posting of the history: %w", err)
	}
	return sequence, mine, nil
}

// AdvancePosting implements corecall.PostStore.
func (db *DB) AdvancePosting(ctx context.Context, holder string, sequence int64, until time.Time) (mine bool, err error) {
	err = db.write(ctx, func(tx *sql.Tx) error {
		n, err := exec(ctx, tx, advancePost, sequence, millis(until), holder)
		mine = n == 1
		return err
	})
	if err != nil {
		return false, fmt.Errorf("note how far the history was posted: %w", err)
	}
	return mine, nil
}

// Posted implements corecall.PostStore.
func (db *DB) Posted(ctx context.Context) (sequence int64, err error) {
	if _, err = queryRow(ctx, db.reading, func(scan scanner) error { return scan(&sequence) }, selectPost); err != nil {
		return 0, fmt.Errorf("read how far the history was posted: %w", err)
	}
	return sequence, nil
}
