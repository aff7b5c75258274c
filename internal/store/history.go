package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/portico-iam/portico/internal/history"
)

var (
	_ history.Store      = (*DB)(nil)
	_ history.BatchStore = (*DB)(nil)
)

const insertHistory = `INSERT INTO history (id, created_at, place, action, entity_type, entity_id, name, organisation_id, source,
	target, subject, metadata)
	VALUES ($1, $2, COALESCE((SELECT MAX(place) FROM history WHERE created_at = $2), 0) + 1, $3, $4, $5, $6, $7, $8, $9, $10, $11)`

// AppendHistory implements history.Store.
func (db *DB) AppendHistory(ctx context.Context, e history.Entry) error {
	return appendEntry(ctx, db.writing, e)
}

// AppendHistoryBatch implements history.BatchStore.
func (db *DB) AppendHistoryBatch(ctx context.Context, entries []history.Entry) error {
	return db.write(ctx, func(tx *sql.Tx) error { return appendEntries(ctx, tx, entries) })
}

func appendEntries(ctx context.Context, on executor, entries []history.Entry) error {
	for _, e := range entries {
		if err := appendEntry(ctx, on, e); err != nil {
			return err
		}
	}
	return nil
}

func appendEntry(ctx context.Context, on executor, e history.Entry) error {
	_, err := exec(ctx, on, insertHistory, e.ID, millis(e.CreatedAt), string(e.Action), string(e.EntityType), e.EntityID,
		e.Name, string(e.OrganisationID), string(e.Source), e.Target, e.User, string(e.Metadata))
	if err != nil {
		return fmt.Errorf("append history entry %s: %w", e.ID, err)
	}
	return nil
}

const (
	selectHistory = `SELECT id, created_at, action, entity_type, entity_id, name, organisation_id, source, target, subject, metadata
	FROM history`
	countHistory = `SELECT COUNT(*) FROM history`
)

// GetHistory implements history.Store.
func (db *DB) GetHistory(ctx context.Context, id string) (e history.Entry, found bool, err error) {
	found, err = queryRow(ctx, db.reading, func(scan scanner) (err error) {
		e, err = scanEntry(scan)
		return err
	}, selectHistory+` WHERE id = $1`, id)
	if err != nil {
		return history.Entry{}, false, fmt.Errorf("get history entry: %w", err)
	}
	return e, found, nil
}

func scanEntry(scan scanner) (e history.Entry, err error) {
	var created int64
	err = scan(&e.ID, &created, &e.Action, &e.EntityType, &e.EntityID, &e.Name, &e.OrganisationID, &e.Source, &e.Target, &e.User,
		(*[]byte)(&e.Metadata))
	e.CreatedAt = instant(created)
	e.Metadata = unblob(e.Metadata)
	return e, err
}

// ListHistory implements history.Store. Entries that the sort column doesn't tell apart come newest first.
func (db *DB) ListHistory(ctx context.Context, f history.Filter) (entries []history.Entry, total int, err error) {
	order, err := db.historyOrder(f)
	if err != nil {
		return nil, 0, fmt.Errorf("list history: %w", err)
	}
	var w where
	w.history(f)
	total, err = db.page(ctx, listing{rows: selectHistory, count: countHistory, where: w, order: order, page: f.Page, size: f.Size},
		func(scan scanner) error {
			e, err := scanEntry(scan)
			entries = append(entries, e)
			return err
		})
	if err != nil {
		return nil, 0, fmt.Errorf("list history: %w", err)
	}
	return entries, total, nil
}

func (db *DB) historyOrder(f history.Filter) (string, error) {
	direction := ` ASC`
	if f.Descending {
		direction = ` DESC`
	}
	if f.Sort == "" || f.Sort == "createdDate" {
		return `created_at` + direction + `, place` + direction + `, id` + direction, nil
	}
	column := map[string]string{
		"action": `action`, "entityType": `entity_type`, "source": `source`, "user": `subject`, "organisationId": `organisation_id`,
	}[f.Sort]
	if column == "" {
		return "", fmt.Errorf("expected createdDate, action, entityType, source, user or organisationId to sort by, got %q", f.Sort)
	}
	return column + db.engine.bytewise + direction + `, created_at DESC, place DESC, id DESC`, nil
}

// escapeLike takes from what LIKE gives a meaning to.
var escapeLike = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

func (w *where) history(f history.Filter) {
	anyOf(w, `action`, f.Actions)
	anyOf(w, `entity_type`, f.EntityTypes)
	anyOf(w, `entity_id`, f.EntityIDs)
	anyOf(w, `subject`, f.Users)
	anyOf(w, `source`, f.Sources)
	anyOf(w, `organisation_id`, f.OrganisationIDs)
	if f.Name != "" {
		part := `%` + escapeLike.Replace(f.Name) + `%`
		w.and(`(name LIKE ` + w.arg(part) + ` ESCAPE '\' OR lower(name) LIKE ` + w.arg(strings.ToLower(part)) + ` ESCAPE '\')`)
	}
	w.between(`created_at`, f.After, f.Before)
}
