package store

import (
	"context"
	"database/sql/driver"
)

// Prepared statements of a connection that are kept, and how long a text may be to be worth it: those that the program
// repeats are few and short, those of an import are as long as its data.
const (
	keptStatements = 64
	keptText       = 2048
)

// keeper opens connections that keep their prepared statements: SQLite compiles a statement anew each time it is given as
// text. (pgx does the same for PostgreSQL by itself.)
type keeper struct {
	driver.Connector
	observe Observe
}

func (k keeper) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := k.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &keeping{sqliteConn: conn.(sqliteConn), kept: map[string]sqliteStmt{}, observe: k.observe}, nil
}

// sqliteConn is what the driver's connections offer, but for running a text at once: without that, database/sql
// prepares, runs and closes.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

type sqliteStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// keeping is one connection; database/sql uses it from one goroutine at a time.
type keeping struct {
	sqliteConn
	kept    map[string]sqliteStmt
	observe Observe
}

// PrepareContext takes the statement out of those that are kept; a second one of the same text, asked for while the
// first one's rows are still read, is another statement.
func (c *keeping) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	if stmt, ok := c.kept[text]; ok {
		delete(c.kept, text)
		return &lent{sqliteStmt: stmt, text: text, from: c}, nil
	}
	stmt, err := c.sqliteConn.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	return &lent{sqliteStmt: stmt.(sqliteStmt), text: text, from: c}, nil
}

func (c *keeping) Close() error {
	for text, stmt := range c.kept {
		stmt.Close() // what a failed statement reports again here was reported when it ran
		delete(c.kept, text)
	}
	return c.sqliteConn.Close()
}

// lent is a statement in use. Its Close gives it back.
type lent struct {
	sqliteStmt
	text string
	from *keeping
}

func (l *lent) Close() error {
	kept := l.from.kept
	if _, again := kept[l.text]; again || len(l.text) > keptText {
		return l.sqliteStmt.Close()
	}
	if len(kept) >= keptStatements {
		for text, stmt := range kept { // whichever: what is often used comes back
			stmt.Close()
			delete(kept, text)
			break
		}
	}
	kept[l.text] = l.sqliteStmt
	return nil
}

func (l *lent) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	ctx, end := l.from.observe.begin(ctx, l.text)
	result, err := l.sqliteStmt.ExecContext(ctx, args)
	end(ctx, err)
	return result, err
}

func (l *lent) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	ctx, end := l.from.observe.begin(ctx, l.text)
	rows, err := l.sqliteStmt.QueryContext(ctx, args)
	end(ctx, err)
	return rows, err
}

// BeginTx has the commit seen too: it is what waits for the disk.
func (c *keeping) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	tx, err := c.sqliteConn.BeginTx(ctx, opts)
	if err != nil || opts.ReadOnly || c.observe == nil {
		return tx, err
	}
	return &observedTx{tx, ctx, c.observe}, nil
}

type observedTx struct {
	driver.Tx
	ctx     context.Context
	observe Observe
}

func (t *observedTx) Commit() error {
	ctx, end := t.observe.begin(t.ctx, "COMMIT")
	err := t.Tx.Commit()
	end(ctx, err)
	return err
}
