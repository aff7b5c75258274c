package store

import (
	"context"
	"database/sql"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/history"
)

// Pools shows a test the connections that write and read.
func Pools(db *DB) (writing, reading *sql.DB) { return db.writing.DB, db.reading.DB }

// Hurry shortens how long a test waits for a database that hangs.
func Hurry(t *testing.T) {
	before, beforeHanging := patience, hanging
	patience, hanging = 200*time.Millisecond, 100*time.Millisecond
	t.Cleanup(func() { patience, hanging = before, beforeHanging })
}

// Waits shows a test how long a statement that writes may take now.
func Waits(db *DB) time.Duration { return db.writing.patience() }

// KeptStatements shows a test the texts of the statements that an SQLite connection keeps.
func KeptStatements(driverConn any) []string {
	return slices.Collect(maps.Keys(driverConn.(*keeping).kept))
}

// PlanOfTally explains how SQLite counts by day what the filter chooses.
func (db *DB) PlanOfTally(ctx context.Context, f history.Filter) (plan string, err error) {
	var w where
	w.history(f)
	err = query(ctx, db.reading, func(scan scanner) error {
		var id, parent, unused int
		var step string
		err := scan(&id, &parent, &unused, &step)
		plan += step + "; "
		return err
	}, `EXPLAIN QUERY PLAN `+tallyHistory+w.text.String()+groupTally, w.args...)
	return plan, err
}

// InsertUsers provisions many people by their ids, faster than one by one.
func InsertUsers(ctx context.Context, db *DB, ids []string) error {
	return db.write(ctx, func(tx *sql.Tx) error {
		return insertRows(ctx, tx, `INSERT INTO directory_user (id, user_name, user_key, external_id, display_name, display_key, active, attributes, created_at, modified_at, revision) VALUES `, 11,
			each(ids, func(id string, yield func([]any) bool) bool {
				return yield([]any{id, id, id, "", "", "", 1, "{}", 1, 1, 1})
			}))
	})
}
