package store

import "database/sql"

// Pools shows a test the connections that write and read.
func Pools(db *DB) (writing, reading *sql.DB) { return db.writing, db.reading }
