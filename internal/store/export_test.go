package store

import (
	"database/sql"
	"testing"
	"time"
)

// Pools shows a test the connections that write and read.
func Pools(db *DB) (writing, reading *sql.DB) { return db.writing, db.reading }

// Hurry shortens how long a test waits for a database that hangs.
func Hurry(t *testing.T) {
	before := patience
	patience = 200 * time.Millisecond
	t.Cleanup(func() { patience = before })
}
