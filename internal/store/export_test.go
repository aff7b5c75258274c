package store

import (
	"database/sql"
	"maps"
	"slices"
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

// KeptStatements shows a test the texts of the statements that an SQLite connection keeps.
func KeptStatements(driverConn any) []string {
	return slices.Collect(maps.Keys(driverConn.(*keeping).kept))
}
