package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Observe sees the begin of a statement, by its verb and its table, and never a value. The statement runs with the context
// that it returns; end is called when it is done. away tells that the database can't do its work at the moment.
type Observe func(ctx context.Context, statement string) (_ context.Context, end func(failed, away bool))

// begin returns what is to be called with the error at the end.
func (o Observe) begin(ctx context.Context, text string) (context.Context, func(context.Context, error)) {
	if o == nil {
		return ctx, func(context.Context, error) {}
	}
	ctx, end := o(ctx, statementName(text))
	return ctx, func(ctx context.Context, err error) {
		failed := err != nil && !errors.Is(err, context.Canceled)
		end(failed, failed && isAway(ctx, err))
	}
}

// statementName is the verb of a statement and the first table that it names. Statements are constants of this package, so there
// are few.
func statementName(text string) string {
	verb, rest := nextWord(text)
	verb = strings.ToUpper(verb)
	before := map[string]string{"SELECT": "FROM", "DELETE": "FROM", "INSERT": "INTO", "WITH": "FROM"}[verb]
	switch {
	case verb == "UPDATE":
		table, _ := nextWord(rest)
		return verb + " " + table
	case before == "":
		return verb
	}
	for word := ""; rest != ""; {
		if word, rest = nextWord(rest); strings.EqualFold(word, before) {
			table, _ := nextWord(rest)
			if table == "" { // a query in brackets
				continue
			}
			return verb + " " + table
		}
	}
	return verb
}

// nextWord returns the first word of letters, digits and _; empty where something else comes first.
func nextWord(text string) (word, rest string) {
	text = strings.TrimLeft(text, " \t\r\n")
	end := 0
	for end < len(text) && isWord(text[end]) {
		end++
	}
	if end == 0 && text != "" {
		return "", text[1:]
	}
	return text[:end], text[end:]
}

func isWord(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// queryTracer is Observe for PostgreSQL.
type queryTracer struct{ observe Observe }

var _ pgx.QueryTracer = queryTracer{}

type tracedKey struct{}

func (t queryTracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	ctx, end := t.observe.begin(ctx, data.SQL)
	return context.WithValue(ctx, tracedKey{}, end)
}

func (queryTracer) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryEndData) {
	if end, ok := ctx.Value(tracedKey{}).(func(context.Context, error)); ok {
		end(ctx, data.Err)
	}
}

// Pools has each called with the name of every pool of connections, and with what it counts.
func (db *DB) Pools(each func(name string, stats func() sql.DBStats)) {
	each("read", db.reading.Stats)
	if db.writing != db.reading {
		each("write", db.writing.Stats)
	}
}
