package store

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/portico-iam/portico/internal/directory"
)

// column is where an attribute is kept.
type column struct {
	name  string
	kind  columnKind
	shown string // the column that says whether there is any
}

type columnKind uint8

const (
	textColumn columnKind = iota
	flagColumn
	timeColumn
	memberColumn
)

var (
	userColumns = map[directory.Attribute]column{
		directory.AttrID:          {name: `id`},
		directory.AttrExternalID:  {name: `external_id`},
		directory.AttrName:        {name: `user_key`},
		directory.AttrDisplayName: {name: `display_key`},
		directory.AttrActive:      {name: `active`, kind: flagColumn},
		directory.AttrCreated:     {name: `created_at`, kind: timeColumn},
		directory.AttrModified:    {name: `modified_at`, kind: timeColumn},
	}
	groupColumns = map[directory.Attribute]column{
		directory.AttrID:         {name: `id`},
		directory.AttrExternalID: {name: `external_id`},
		directory.AttrName:       {name: `name`},
		directory.AttrCreated:    {name: `created_at`, kind: timeColumn},
		directory.AttrModified:   {name: `modified_at`, kind: timeColumn},
		directory.AttrMember:     {kind: memberColumn},
	}
)

// directoryPage calls each for the rows of one page, and counts all that the filter chooses.
func (db *DB) directoryPage(ctx context.Context, q directory.Query, columns map[directory.Attribute]column, rows, count string, each func(scan scanner) error) (total int, err error) {
	if q.Limit < 0 || q.Limit > directory.MaxPage || q.Offset < 0 {
		return 0, fmt.Errorf("expected a page of at most %d rows, got %d from %d", directory.MaxPage, q.Limit, q.Offset)
	}
	var w where
	if q.Filter != nil {
		clause, err := db.condition(&w, columns, q.Filter)
		if err != nil {
			return 0, err
		}
		w.and(clause)
	}
	l := listing{rows: rows, count: count, where: w, order: `created_at, id` + db.engine.bytewise, size: q.Limit}
	if total, err = db.pageFrom(ctx, l, q.Offset, each); err != nil {
		return 0, fmt.Errorf("list the directory: %w", err)
	}
	return total, nil
}

// condition writes a filter as SQL. Texts become arguments.
func (db *DB) condition(w *where, columns map[directory.Attribute]column, f *directory.Filter) (string, error) {
	switch f.Operator {
	case directory.And, directory.Or, directory.Not:
		terms := make([]string, len(f.Terms))
		for i, term := range f.Terms {
			var err error
			if terms[i], err = db.condition(w, columns, term); err != nil {
				return "", err
			}
		}
		switch {
		case f.Operator == directory.Not && len(terms) == 1:
			return `NOT (` + terms[0] + `)`, nil
		case f.Operator == directory.And && len(terms) > 0:
			return `(` + strings.Join(terms, ` AND `) + `)`, nil
		case f.Operator == directory.Or && len(terms) > 0:
			return `(` + strings.Join(terms, ` OR `) + `)`, nil
		}
		return "", fmt.Errorf("a filter joins nothing")
	}
	c, known := columns[f.Attribute]
	if !known {
		return "", fmt.Errorf("there is no column for attribute %d", f.Attribute)
	}
	switch c.kind {
	case flagColumn:
		flag := 0
		if f.Active {
			flag = 1
		}
		return compared(w, c.name, f.Operator, flag, `1 = 1`)
	case timeColumn:
		return compared(w, c.name, f.Operator, millis(f.At), `1 = 1`)
	case memberColumn:
		if f.Operator == directory.Present {
			return `members > 0`, nil
		}
		return `EXISTS (SELECT 1 FROM directory_member m WHERE m.group_id = directory_group.id AND m.user_id = ` + w.arg(f.Text) + `)`, nil
	}
	return db.textCondition(w, c.name, f)
}

func (db *DB) textCondition(w *where, name string, f *directory.Filter) (string, error) {
	bytewise, long := name+db.engine.bytewise, utf8.RuneCountInString(f.Text)
	switch f.Operator {
	case directory.Contains, directory.StartsWith, directory.EndsWith:
		if f.Text == "" {
			return name + ` <> ''`, nil
		}
	}
	switch f.Operator { // no LIKE: SQLite's has no case
	case directory.Contains:
		return `replace(` + name + `, ` + w.arg(f.Text) + `, '') <> ` + name, nil
	case directory.StartsWith:
		return `substr(` + name + `, 1, ` + w.arg(long) + `) = ` + w.arg(f.Text), nil
	case directory.EndsWith:
		from := fmt.Sprintf(`length(%s) - %d`, name, long)
		return `(` + from + ` >= 0 AND substr(` + name + `, ` + from + ` + 1) = ` + w.arg(f.Text) + `)`, nil
	case directory.Equal, directory.NotEqual, directory.Present:
		return compared(w, name, f.Operator, f.Text, name+` <> ''`)
	}
	clause, err := compared(w, bytewise, f.Operator, f.Text, "")
	return `(` + name + ` <> '' AND ` + clause + `)`, err
}

func compared(w *where, name string, o directory.Operator, value any, present string) (string, error) {
	sign := map[directory.Operator]string{
		directory.Equal: ` = `, directory.NotEqual: ` <> `, directory.Greater: ` > `, directory.GreaterOrEqual: ` >= `,
		directory.Less: ` < `, directory.LessOrEqual: ` <= `,
	}[o]
	switch {
	case o == directory.Present:
		return present, nil
	case sign == "":
		return "", fmt.Errorf("operator %d does not compare", o)
	}
	return name + sign + w.arg(value), nil
}
