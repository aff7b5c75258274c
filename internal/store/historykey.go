package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/seal"
)

var _ history.KeyStore = (*DB)(nil)

const selectHistoryKeys = `SELECT kid, sealed, sealed_by, public FROM history_key ORDER BY created_at DESC, kid`

// HistoryKeys implements history.KeyStore.
func (db *DB) HistoryKeys(ctx context.Context) (keys []seal.SigningKey, err error) {
	err = query(ctx, db.reading, func(scan scanner) error {
		var k seal.SigningKey
		err := scan(&k.KID, &k.Sealed, &k.SealedBy, &k.Public)
		keys = append(keys, k)
		return err
	}, selectHistoryKeys)
	if err != nil {
		return nil, fmt.Errorf("read the history's keys: %w", err)
	}
	return keys, nil
}

const (
	countHistoryKeys = `SELECT COUNT(*) FROM history_key`
	insertHistoryKey = `INSERT INTO history_key (kid, sealed, sealed_by, public, created_at) VALUES ($1, $2, $3, $4, $5)`
)

// AddHistoryKey implements history.KeyStore. Who holds the head decides which of two replicas was first.
func (db *DB) AddHistoryKey(ctx context.Context, k seal.SigningKey, at time.Time) error {
	err := db.write(ctx, func(tx *sql.Tx) error {
		if _, err := chainState(ctx, tx, selectChainState+db.engine.lockHead); err != nil {
			return err
		}
		var there int
		if _, err := queryRow(ctx, tx, func(scan scanner) error { return scan(&there) }, countHistoryKeys); err != nil || there > 0 {
			return err
		}
		_, err := exec(ctx, tx, insertHistoryKey, k.KID, k.Sealed, k.SealedBy, k.Public, millis(at))
		return err
	})
	if err != nil {
		return fmt.Errorf("store the history's key: %w", err)
	}
	return nil
}

const updateHistoryKey = `UPDATE history_key SET sealed = $1, sealed_by = $2 WHERE kid = $3 AND sealed = $4`

// ResealHistoryKey implements history.KeyStore.
func (db *DB) ResealHistoryKey(ctx context.Context, was seal.SigningKey, sealed []byte, sealedBy string) error {
	if _, err := exec(ctx, db.writing, updateHistoryKey, sealed, sealedBy, was.KID, was.Sealed); err != nil {
		return fmt.Errorf("store the history's key anew: %w", err)
	}
	db.wipe(ctx)
	return nil
}
