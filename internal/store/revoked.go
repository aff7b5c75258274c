package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/portico-iam/portico/internal/cluster"
	"github.com/portico-iam/portico/internal/sts"
)

var _ sts.RevokedStore = (*DB)(nil)

const (
	insertRevoked = `INSERT INTO revoked_token (id, until_at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING`
	deleteRevoked = `DELETE FROM revoked_token WHERE until_at <= $1`
	selectRevoked = `SELECT id, until_at FROM revoked_token WHERE until_at > $1`
)

// RevokeToken implements sts.RevokedStore.
func (db *DB) RevokeToken(ctx context.Context, id string, until, now time.Time) error {
	err := db.write(ctx, func(tx *sql.Tx) error {
		if _, err := exec(ctx, tx, deleteRevoked, millis(now)); err != nil {
			return err
		}
		if _, err := exec(ctx, tx, insertRevoked, id, millis(until)); err != nil {
			return err
		}
		return db.announce(ctx, tx, cluster.Tokens)
	})
	if err != nil {
		return fmt.Errorf("revoke a token: %w", err)
	}
	return nil
}

// RevokedTokens implements sts.RevokedStore.
func (db *DB) RevokedTokens(ctx context.Context, now time.Time) (map[string]time.Time, error) {
	ids := map[string]time.Time{}
	err := query(ctx, db.reading, func(scan scanner) error {
		var id string
		var until int64
		err := scan(&id, &until)
		ids[id] = instant(until)
		return err
	}, selectRevoked, millis(now))
	if err != nil {
		return nil, fmt.Errorf("list the revoked tokens: %w", err)
	}
	return ids, nil
}
