package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/portico-iam/portico/internal/sts"
)

var _ sts.KeyStore = (*DB)(nil)

const (
	selectKeyRevision = `SELECT revision FROM key_ring WHERE id = 1`
	selectKeys        = `SELECT kid, state, sealed, public, created_at, activated_at, retired_at FROM signing_key ORDER BY created_at, kid`
)

// LoadKeys implements sts.KeyStore. The oldest key comes first.
func (db *DB) LoadKeys(ctx context.Context) (keys []sts.KeyRecord, revision int64, err error) {
	err = db.read(ctx, func(tx *sql.Tx) error {
		found, err := queryRow(ctx, tx, func(scan scanner) error { return scan(&revision) }, selectKeyRevision)
		if err != nil {
			return err
		}
		if !found {
			return fmt.Errorf("table key_ring has lost its row")
		}
		return query(ctx, tx, func(scan scanner) error {
			var k sts.KeyRecord
			var created, activated, retired int64
			if err := scan(&k.KID, &k.State, &k.Sealed, &k.Public, &created, &activated, &retired); err != nil {
				return err
			}
			k.Sealed, k.Public = unblob(k.Sealed), unblob(k.Public)
			k.CreatedAt, k.ActivatedAt, k.RetiredAt = instant(created), instant(activated), instant(retired)
			keys = append(keys, k)
			return nil
		}, selectKeys)
	})
	if err != nil {
		return nil, 0, fmt.Errorf("load the signing keys: %w", err)
	}
	return keys, revision, nil
}

const (
	updateKeyRevision = `UPDATE key_ring SET revision = revision + 1 WHERE id = 1 AND revision = $1`
	deleteKeys        = `DELETE FROM signing_key`
	insertKey         = `INSERT INTO signing_key (kid, state, sealed, public, created_at, activated_at, retired_at) VALUES `
)

// SaveKeys implements sts.KeyStore.
func (db *DB) SaveKeys(ctx context.Context, base int64, keys []sts.KeyRecord) error {
	err := db.write(ctx, func(tx *sql.Tx) error {
		updated, err := exec(ctx, tx, updateKeyRevision, base)
		if err != nil {
			return err
		}
		if updated == 0 {
			return sts.ErrKeysChanged
		}
		if _, err := exec(ctx, tx, deleteKeys); err != nil {
			return err
		}
		return insertRows(ctx, tx, insertKey, 7, each(keys, func(k sts.KeyRecord, yield func([]any) bool) bool {
			return yield([]any{
				k.KID, string(k.State), blob(k.Sealed), blob(k.Public),
				millis(k.CreatedAt), millis(k.ActivatedAt), millis(k.RetiredAt),
			})
		}))
	})
	if err != nil {
		return fmt.Errorf("save the signing keys: %w", err)
	}
	return nil
}
