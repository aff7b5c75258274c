package store

import (
	"context"
	"time"
)

// Migration is one that was applied.
type Migration struct {
	Version   int64     `json:"version"`
	AppliedAt time.Time `json:"appliedAt"`
}

// Facts describe what is stored, and hold nothing of it.
type Facts struct {
	Engine     string           `json:"engine"`
	Version    string           `json:"version"` // of the engine
	Migrations []Migration      `json:"migrations"`
	Rows       map[string]int64 `json:"rows"` // by table
}

// counted are the tables whose rows are counted.
var counted = []string{
	"role", "iam_role", "mapping", "organisation", "session", "person", "signing_key", "verifier", "revoked_token", "history", "history_chain",
	"history_checkpoint", "directory_user", "directory_group",
}

// Facts counts. On a large history that takes a while.
func (db *DB) Facts(ctx context.Context) (Facts, error) {
	f := Facts{Engine: Postgres, Rows: map[string]int64{}, Migrations: []Migration{}}
	version := `SELECT current_setting('server_version')`
	applied := `SELECT version_id, tstamp FROM ` + versionTable + ` WHERE is_applied AND version_id > 0 ORDER BY version_id`
	if db.engine.messages == nil {
		f.Engine, version = SQLite, `SELECT sqlite_version()`
		applied = `SELECT version_id, tstamp FROM ` + versionTable + ` WHERE is_applied = 1 AND version_id > 0 ORDER BY version_id`
	}
	if _, err := queryRow(ctx, db.reading, func(scan scanner) error { return scan(&f.Version) }, version); err != nil {
		return f, err
	}
	err := query(ctx, db.reading, func(scan scanner) error {
		var m Migration
		err := scan(&m.Version, &m.AppliedAt)
		m.AppliedAt = m.AppliedAt.UTC()
		f.Migrations = append(f.Migrations, m)
		return err
	}, applied)
	if err != nil {
		return f, err
	}
	for _, table := range counted {
		var n int64
		if _, err := queryRow(ctx, db.reading, func(scan scanner) error { return scan(&n) }, `SELECT count(*) FROM `+table); err != nil {
			return f, err
		}
		f.Rows[table] = n
	}
	return f, nil
}
