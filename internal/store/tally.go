package store

import (
	"context"
	"fmt"

	"github.com/portico-iam/portico/internal/history"
)

var _ history.TallyStore = (*DB)(nil)

// 86400000 milliseconds are a day of UTC.
const (
	tallyHistory = `SELECT created_at / 86400000, action, entity_type, COUNT(*) FROM history`
	groupTally   = ` GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`
)

// TallyHistory implements history.TallyStore.
func (db *DB) TallyHistory(ctx context.Context, f history.Filter) (tallies []history.Tally, err error) {
	var w where
	w.history(f)
	err = query(ctx, db.reading, func(scan scanner) error {
		var t history.Tally
		var day int64
		if err := scan(&day, &t.Action, &t.EntityType, &t.Count); err != nil {
			return err
		}
		t.Day = instant(day * 86400000)
		tallies = append(tallies, t)
		return nil
	}, tallyHistory+w.text.String()+groupTally, w.args...)
	if err != nil {
		return nil, fmt.Errorf("count history by day: %w", err)
	}
	return tallies, nil
}
