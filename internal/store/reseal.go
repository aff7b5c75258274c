package store

import (
	"context"
	"database/sql"
	"fmt"
)

const (
	selectSealed = `SELECT ref, sealed FROM session WHERE ref > $1 ORDER BY ref LIMIT $2`
	updateSealed = `UPDATE session SET sealed = $1 WHERE ref = $2 AND sealed = $3`
)

// resealBatch bounds a transaction: while it runs, nobody else writes to SQLite.
const resealBatch = 500

// ResealSessions gives every session's sealed tokens to reseal, and stores what comes back where that says that it
// changed. A session that was written meanwhile keeps what was written: another run finds it.
func (db *DB) ResealSessions(ctx context.Context, reseal func(ref string, sealed []byte) (_ []byte, changed bool)) (resealed int, err error) {
	type row struct {
		ref    string
		sealed []byte
	}
	for after := ""; ; {
		var rows []row
		err := db.write(ctx, func(tx *sql.Tx) error {
			err := query(ctx, tx, func(scan scanner) error {
				var r row
				err := scan(&r.ref, &r.sealed)
				rows = append(rows, r)
				return err
			}, selectSealed, after, resealBatch)
			if err != nil {
				return err
			}
			for _, r := range rows {
				fresh, changed := reseal(r.ref, r.sealed)
				if !changed {
					continue
				}
				n, err := exec(ctx, tx, updateSealed, blob(fresh), r.ref, blob(r.sealed))
				if err != nil {
					return err
				}
				resealed += int(n)
			}
			return nil
		})
		if err != nil {
			return resealed, fmt.Errorf("seal the sessions anew: %w", err)
		}
		if len(rows) < resealBatch {
			db.wipe(ctx)
			return resealed, nil
		}
		after = rows[len(rows)-1].ref
	}
}
