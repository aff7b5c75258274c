package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// executor is a *sql.DB or a *sql.Tx.
type executor interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// exec runs a statement and returns how many rows it touched.
func exec(ctx context.Context, on executor, query string, args ...any) (int64, error) {
	if err := checkText(args); err != nil {
		return 0, err
	}
	ctx, done := bound(ctx, on)
	result, err := on.ExecContext(ctx, query, args...)
	defer func() { done(err) }()
	if err != nil {
		return 0, away(ctx, err)
	}
	return result.RowsAffected()
}

// scanner is the current row of a query.
type scanner func(into ...any) error

// query calls each for every row.
func query(ctx context.Context, on executor, each func(scan scanner) error, query string, args ...any) (err error) {
	if err := checkText(args); err != nil {
		return err
	}
	ctx, done := bound(ctx, on)
	defer func() { done(err) }()
	rows, err := on.QueryContext(ctx, query, args...)
	if err != nil {
		return away(ctx, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows.Scan); err != nil {
			return err
		}
	}
	return away(ctx, rows.Err())
}

// queryRow calls each for the first row, if there is one.
func queryRow(ctx context.Context, on executor, each func(scan scanner) error, text string, args ...any) (found bool, err error) {
	err = query(ctx, on, func(scan scanner) error {
		if found {
			return nil
		}
		found = true
		return each(scan)
	}, text, args...)
	return found && err == nil, err
}

// insertRows inserts many rows by few statements. insert ends in VALUES.
func insertRows(ctx context.Context, on executor, insert string, columns int, rows iter.Seq[[]any]) error {
	// Parameters of one statement. The engines allow 32766 and 65535, but SQLite takes a time that grows with their
	// square to number them: with 3000 a large import takes three times as long.
	const most = 300
	var text strings.Builder
	var args []any
	flush := func() error {
		if len(args) == 0 {
			return nil
		}
		_, err := exec(ctx, on, text.String(), args...)
		text.Reset()
		args = args[:0]
		return err
	}
	for row := range rows {
		if len(row) != columns {
			return fmt.Errorf("expected %d columns, got %d", columns, len(row))
		}
		if len(args) == 0 {
			text.WriteString(insert)
		} else {
			text.WriteByte(',')
		}
		text.WriteString(placeholders(len(args)+1, columns))
		args = append(args, row...)
		if len(args)+columns > most {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// placeholders returns ($first, …) of n placeholders.
func placeholders(first, n int) string {
	text := make([]byte, 0, n*6+2)
	for i := range n {
		text = append(text, ",$"...)
		text = strconv.AppendInt(text, int64(first+i), 10)
	}
	text[0] = '('
	return string(append(text, ')'))
}

// write runs do in a transaction that is committed when do returns nil.
func (db *DB) write(ctx context.Context, do func(tx *sql.Tx) error) error {
	return within(ctx, db.writing, nil, do)
}

// read runs do in a transaction that sees the database as of one moment.
func (db *DB) read(ctx context.Context, do func(tx *sql.Tx) error) error {
	return within(ctx, db.reading, &db.engine.snapshot, do)
}

func within(ctx context.Context, on *pool, opts *sql.TxOptions, do func(tx *sql.Tx) error) (err error) {
	ctx, done := bound(ctx, on)
	defer func() { done(err) }()
	tx, err := on.BeginTx(ctx, opts)
	if err != nil {
		return away(ctx, err)
	}
	defer tx.Rollback() // does nothing after Commit
	if err := do(tx); err != nil {
		return err
	}
	err = tx.Commit()
	if opts == nil {
		return uncertain(ctx, err)
	}
	return away(ctx, err)
}

// checkText refuses what only one of the engines could store: PostgreSQL has no NUL and only valid UTF-8 in its text.
func checkText(args []any) error {
	for _, arg := range args {
		text, ok := arg.(string)
		if !ok {
			continue
		}
		if strings.IndexByte(text, 0) >= 0 {
			return fmt.Errorf("expected text without NUL characters, got %q", text)
		}
		if !utf8.ValidString(text) {
			return fmt.Errorf("expected UTF-8 text, got %q", text)
		}
	}
	return nil
}

// millis and instant turn times into columns and back; the zero time is 0.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// blob keeps an absent value from becoming NULL; unblob makes it absent again, which only one of the drivers does.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

func unblob(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b
}

// encode returns v as JSON for a column. v holds strings, numbers and lists of them, which always marshal.
func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func decode(column, text string, into any) error {
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return fmt.Errorf("column %s: %w", column, err)
	}
	return nil
}
