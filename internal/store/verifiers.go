package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/portico-iam/portico/internal/sts"
)

const (
	upsertFetch = `INSERT INTO verifier (name, address, agent, fetched_at, kids) VALUES ($1, $2, $3, $4, $5)
	ON CONFLICT (name, address, agent) DO UPDATE SET fetched_at = excluded.fetched_at, kids = excluded.kids
	WHERE excluded.fetched_at >= verifier.fetched_at`
	deleteOldFetches   = `DELETE FROM verifier WHERE fetched_at < $1`
	deleteNamedBeyond  = `DELETE FROM verifier WHERE name <> '' AND fetched_at < (SELECT fetched_at FROM verifier WHERE name <> '' ORDER BY fetched_at DESC LIMIT 1 OFFSET $1)`
	deleteOthersBeyond = `DELETE FROM verifier WHERE name = '' AND fetched_at < (SELECT fetched_at FROM verifier WHERE name = '' ORDER BY fetched_at DESC LIMIT 1 OFFSET $1)`
	selectFetches      = `SELECT name, address, agent, fetched_at, kids FROM verifier ORDER BY fetched_at DESC, name, address, agent`
)

// NoteFetches implements sts.KeyStore.
func (db *DB) NoteFetches(ctx context.Context, fetches []sts.Fetch, since time.Time, most int) error {
	err := db.write(ctx, func(tx *sql.Tx) error {
		for _, f := range fetches {
			if _, err := exec(ctx, tx, upsertFetch, f.Verifier, f.Address, f.Agent, millis(f.At), encode(f.KIDs)); err != nil {
				return err
			}
		}
		if _, err := exec(ctx, tx, deleteOldFetches, millis(since)); err != nil {
			return err
		}
		for _, statement := range []string{deleteNamedBeyond, deleteOthersBeyond} {
			if _, err := exec(ctx, tx, statement, most-1); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("note who fetched the keys: %w", err)
	}
	return nil
}

// Fetches implements sts.KeyStore.
func (db *DB) Fetches(ctx context.Context) (fetches []sts.Fetch, err error) {
	err = query(ctx, db.reading, func(scan scanner) error {
		var f sts.Fetch
		var at int64
		var kids string
		if err := scan(&f.Verifier, &f.Address, &f.Agent, &at, &kids); err != nil {
			return err
		}
		f.At = instant(at)
		if err := decode("kids", kids, &f.KIDs); err != nil {
			return err
		}
		fetches = append(fetches, f)
		return nil
	}, selectFetches)
	if err != nil {
		return nil, fmt.Errorf("list who fetched the keys: %w", err)
	}
	return fetches, nil
}
