package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/portico-iam/portico/internal/cluster"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/sts"
)

var _ sts.KeyStore = (*DB)(nil)

const (
	selectKeyRevision = `SELECT revision, alive_at FROM key_ring WHERE id = 1`
	selectKeys        = `SELECT kid, state, sealed, sealed_by, public, created_at, published_from, activated_at, retired_at, used_at
	FROM signing_key ORDER BY created_at, kid`
)

// KeyRevision implements sts.KeyStore.
func (db *DB) KeyRevision(ctx context.Context) (int64, time.Time, error) {
	revision, alive, err := keyRevision(ctx, db.reading)
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("read the revision of the signing keys: %w", err)
	}
	return revision, alive, nil
}

func keyRevision(ctx context.Context, on executor) (revision int64, aliveAt time.Time, err error) {
	var alive int64
	found, err := queryRow(ctx, on, func(scan scanner) error { return scan(&revision, &alive) }, selectKeyRevision)
	if err == nil && !found {
		err = fmt.Errorf("table key_ring has lost its row")
	}
	return revision, instant(alive), err
}

const updateAlive = `UPDATE key_ring SET alive_at = $1 WHERE id = 1`

// NoteAlive implements sts.KeyStore.
func (db *DB) NoteAlive(ctx context.Context, at time.Time) error {
	if _, err := exec(ctx, db.writing, updateAlive, millis(at)); err != nil {
		return fmt.Errorf("note that the signing keys are published: %w", err)
	}
	return nil
}

// LoadKeys implements sts.KeyStore. The oldest key comes first.
func (db *DB) LoadKeys(ctx context.Context) (keys []sts.KeyRecord, revision int64, err error) {
	err = db.read(ctx, func(tx *sql.Tx) error {
		if revision, _, err = keyRevision(ctx, tx); err != nil {
			return err
		}
		return query(ctx, tx, func(scan scanner) error {
			var k sts.KeyRecord
			var created, published, activated, retired, used int64
			if err := scan(&k.KID, &k.State, &k.Sealed, &k.SealedBy, &k.Public, &created, &published, &activated, &retired, &used); err != nil {
				return err
			}
			k.Sealed, k.Public = unblob(k.Sealed), unblob(k.Public)
			k.CreatedAt, k.PublishedFrom, k.ActivatesAt, k.RetiredAt, k.UsedAt = instant(created), instant(published), instant(activated), instant(retired), instant(used)
			if k.PublishedFrom.IsZero() {
				k.PublishedFrom = k.CreatedAt
			}
			keys = append(keys, k)
			return nil
		}, selectKeys)
	})
	if err != nil {
		return nil, 0, fmt.Errorf("load the signing keys: %w", err)
	}
	return keys, revision, nil
}

// What is gone goes, and the rest is put in place: a replica may note the use of a key at the same moment, which counts.
const (
	updateKeyRevision = `UPDATE key_ring SET revision = revision + 1 WHERE id = 1 AND revision = $1`
	selectKIDs        = `SELECT kid FROM signing_key`
	deleteKey         = `DELETE FROM signing_key WHERE kid = $1`
	upsertKey         = `INSERT INTO signing_key (kid, state, sealed, sealed_by, public, created_at, published_from, activated_at, retired_at, used_at)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
	ON CONFLICT (kid) DO UPDATE SET state = excluded.state, sealed = excluded.sealed, sealed_by = excluded.sealed_by,
		public = excluded.public, created_at = excluded.created_at, published_from = excluded.published_from,
		activated_at = excluded.activated_at, retired_at = excluded.retired_at`
)

// SaveKeys implements sts.KeyStore.
func (db *DB) SaveKeys(ctx context.Context, base int64, keys []sts.KeyRecord, entries ...history.Entry) error {
	err := db.write(ctx, func(tx *sql.Tx) error {
		updated, err := exec(ctx, tx, updateKeyRevision, base)
		if err != nil {
			return err
		}
		if updated == 0 {
			return sts.ErrKeysChanged
		}
		gone := map[string]bool{}
		err = query(ctx, tx, func(scan scanner) error {
			var kid string
			err := scan(&kid)
			gone[kid] = true
			return err
		}, selectKIDs)
		if err != nil {
			return err
		}
		for _, k := range keys {
			delete(gone, k.KID)
			_, err := exec(ctx, tx, upsertKey, k.KID, string(k.State), blob(k.Sealed), k.SealedBy, blob(k.Public),
				millis(k.CreatedAt), millis(k.PublishedFrom), millis(k.ActivatesAt), millis(k.RetiredAt), millis(k.UsedAt))
			if err != nil {
				return err
			}
		}
		for kid := range gone {
			if _, err := exec(ctx, tx, deleteKey, kid); err != nil {
				return err
			}
		}
		if err := appendEntries(ctx, tx, entries); err != nil {
			return err
		}
		return db.announce(ctx, tx, cluster.Keys)
	})
	if err != nil {
		return fmt.Errorf("save the signing keys: %w", err)
	}
	db.wipe(ctx)
	return nil
}

// wipe removes traces of what was secret. What can't be removed now goes with a later checkpoint.
func (db *DB) wipe(ctx context.Context) {
	if db.engine.wipe == nil {
		return
	}
	if err := db.engine.wipe(ctx, db.writing); err != nil {
		db.logger.WarnContext(ctx, "keys that were replaced or deleted may still lie in the write-ahead log for a while", "error", err)
	}
}

const updateKeyUse = `UPDATE signing_key SET used_at = $1 WHERE kid = $2 AND used_at < $1`

// NoteKeyUse implements sts.KeyStore.
func (db *DB) NoteKeyUse(ctx context.Context, kid string, at time.Time) error {
	if _, err := exec(ctx, db.writing, updateKeyUse, millis(at), kid); err != nil {
		return fmt.Errorf("note the use of signing key %s: %w", kid, err)
	}
	return nil
}
