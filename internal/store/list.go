package store

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"strings"
	"time"
)

// listing is one page of a filtered list.
type listing struct {
	rows, count string // the queries without their WHERE
	where       where
	order       string
	page, size  int
}

// maxPage is the most rows that a page may have.
const maxPage = 1000

// page calls each for the rows of one page, and counts all that the filter chooses, as of the same moment.
func (db *DB) page(ctx context.Context, l listing, each func(scan scanner) error) (total int, err error) {
	if l.size < 0 || l.size > maxPage || l.page < 0 {
		return 0, fmt.Errorf("expected a page of at most %d rows, got page %d of size %d", maxPage, l.page, l.size)
	}
	offset := math.MaxInt64 // beyond everything
	if l.size == 0 || l.page <= math.MaxInt64/l.size {
		offset = l.page * l.size
	}
	return db.pageFrom(ctx, l, offset, each)
}

// pageFrom is page, from any row on.
func (db *DB) pageFrom(ctx context.Context, l listing, offset int, each func(scan scanner) error) (total int, err error) {
	count, args := l.count+l.where.text.String(), l.where.args
	rows := l.rows + l.where.text.String() + ` ORDER BY ` + l.order + ` LIMIT ` + l.where.arg(l.size) + ` OFFSET ` + l.where.arg(offset)
	err = db.read(ctx, func(tx *sql.Tx) error {
		if _, err := queryRow(ctx, tx, func(scan scanner) error { return scan(&total) }, count, args...); err != nil {
			return err
		}
		if total <= offset || l.size == 0 {
			return nil
		}
		return query(ctx, tx, each, rows, l.where.args...)
	})
	return total, err
}

// where is a WHERE clause under construction, with its arguments. Columns and clauses are constants of this package;
// whatever comes from outside becomes an argument.
type where struct {
	text strings.Builder
	args []any
}

// arg adds an argument and returns its placeholder.
func (w *where) arg(value any) string {
	w.args = append(w.args, value)
	return fmt.Sprintf("$%d", len(w.args))
}

func (w *where) and(clause string) {
	if w.text.Len() == 0 {
		w.text.WriteString(` WHERE `)
	} else {
		w.text.WriteString(` AND `)
	}
	w.text.WriteString(clause)
}

// anyOf admits the given values, or every value when none is given.
func anyOf[T ~string](w *where, column string, values []T) {
	if len(values) == 0 {
		return
	}
	marks := make([]string, len(values))
	for i, value := range values {
		marks[i] = w.arg(string(value))
	}
	w.and(column + ` IN (` + strings.Join(marks, `, `) + `)`)
}

// between admits the times from after to before, both included; a zero time sets no bound.
func (w *where) between(column string, after, before time.Time) {
	if !after.IsZero() {
		// Stored times have whole milliseconds: the one that holds after, if it began earlier, is too early.
		ms := after.UnixMilli()
		if after.After(time.UnixMilli(ms)) {
			ms++
		}
		w.and(column + ` >= ` + w.arg(ms))
	}
	if !before.IsZero() {
		w.and(column + ` <= ` + w.arg(before.UnixMilli()))
	}
}
