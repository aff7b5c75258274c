package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/portico-iam/portico/internal/history"
)

const insertHistoryChange = `INSERT INTO history_change (entry_id, version, entity_id, at) VALUES ($1, $2, $3, $4)`

// noteChanges notes which entries tell of the change that made a version.
func noteChanges(ctx context.Context, tx *sql.Tx, version int64, entries []history.Entry) error {
	for _, e := range entries {
		switch e.Action {
		case history.Created, history.Updated, history.Deleted:
			if _, err := exec(ctx, tx, insertHistoryChange, e.ID, version, e.EntityID, millis(e.CreatedAt)); err != nil {
				return fmt.Errorf("note that history entry %s tells of a change: %w", e.ID, err)
			}
		}
	}
	return nil
}

const selectChangedAfter = `SELECT COALESCE((SELECT MIN(version) FROM history_change WHERE at > $1), 0),
	COALESCE((SELECT MIN(at) FROM history_change), 0)`

// ChangedAfter implements policy.Store.
func (db *DB) ChangedAfter(ctx context.Context, at time.Time) (version int64, oldest time.Time, err error) {
	var ms int64
	_, err = queryRow(ctx, db.reading, func(scan scanner) error { return scan(&version, &ms) }, selectChangedAfter, at.UnixMilli())
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("read when roles and IAM roles were changed: %w", err)
	}
	return version, instant(ms), nil
}

// The inner SELECT finds what was changed before: history_change_entity has it.
const selectFirstChanges = `SELECT h.id, h.created_at, h.action, h.entity_type, h.entity_id, h.name, h.organisation_id, h.source, h.target, h.subject, h.metadata
	FROM history_change c JOIN history h ON h.id = c.entry_id
	WHERE c.version >= $1 AND c.entity_id > $2
	AND NOT EXISTS (SELECT 1 FROM history_change e WHERE e.entity_id = c.entity_id AND e.version >= $1 AND e.version < c.version)
	ORDER BY c.entity_id LIMIT $3`

// FirstChanges implements policy.Store.
func (db *DB) FirstChanges(ctx context.Context, from int64, after string, most int) (entries []history.Entry, err error) {
	err = query(ctx, db.reading, func(scan scanner) error {
		e, err := scanEntry(scan)
		entries = append(entries, e)
		return err
	}, selectFirstChanges, from, after, most)
	if err != nil {
		return nil, fmt.Errorf("read the first changes of roles and IAM roles: %w", err)
	}
	return entries, nil
}
