package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/breakglass"
	"github.com/portico-iam/portico/internal/cluster"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/session"
)

var _ breakglass.Store = (*DB)(nil)

const (
	insertBreakGlass = `INSERT INTO break_glass
		(id, label, secret_hash, created_at, created_by, valid_until, used_at, ticket_hash, ticket_until, redeemed_at, browser_hash, session_ref, revoked_at)
		VALUES ($1, $2, $3, $4, $5, $6, 0, '', 0, 0, '', '', 0)`
	selectBreakGlass = `SELECT id, label, created_at, created_by, valid_until, used_at, ticket_until, redeemed_at, session_ref, revoked_at FROM break_glass`
	listBreakGlass   = selectBreakGlass + ` ORDER BY created_at DESC, id DESC`
	findSecret       = selectBreakGlass + ` WHERE id = $1 AND secret_hash = $2`
	findTicket       = selectBreakGlass + ` WHERE ticket_hash = $1 AND ticket_until > $2`

	usable          = `used_at = 0 AND revoked_at = 0 AND valid_until > $1`
	spendBreakGlass = `UPDATE break_glass SET used_at = $1, ticket_hash = $2, ticket_until = $3 WHERE id = $4 AND secret_hash = $5 AND ` + usable
	spentBefore     = findSecret + ` AND ticket_hash = $3 AND ticket_until > $4 AND redeemed_at = 0 AND revoked_at = 0`
	redeemTicket    = `UPDATE break_glass SET redeemed_at = $1, browser_hash = $2, session_ref = $3
		WHERE ticket_hash = $4 AND ticket_until > $1 AND revoked_at = 0 AND (redeemed_at = 0 OR $2 <> '' AND browser_hash = $2)`
	revokeBreakGlass = `UPDATE break_glass SET revoked_at = $1
		WHERE id = $2 AND revoked_at = 0 AND (used_at = 0 AND valid_until > $1 OR ticket_until > $1)`
	endTicket = `UPDATE break_glass SET ticket_until = 0 WHERE session_ref = $1`
)

// AddBreakGlass implements breakglass.Store.
func (db *DB) AddBreakGlass(ctx context.Context, r breakglass.Row, secretHash string, e history.Entry) error {
	err := db.write(ctx, func(tx *sql.Tx) error {
		if _, err := exec(ctx, tx, insertBreakGlass, r.ID, r.Label, secretHash, millis(r.CreatedAt), r.CreatedBy, millis(r.ValidUntil)); err != nil {
			return err
		}
		if err := appendEntries(ctx, tx, []history.Entry{e}); err != nil {
			return err
		}
		return db.announce(ctx, tx, cluster.BreakGlass)
	})
	if err != nil {
		return fmt.Errorf("store a break-glass file: %w", err)
	}
	return nil
}

// BreakGlassFiles implements breakglass.Store.
func (db *DB) BreakGlassFiles(ctx context.Context) (rows []breakglass.Row, err error) {
	err = query(ctx, db.reading, func(scan scanner) error {
		r, err := scanBreakGlass(scan)
		rows = append(rows, r)
		return err
	}, listBreakGlass)
	if err != nil {
		return nil, fmt.Errorf("list the break-glass files: %w", err)
	}
	return rows, nil
}

func scanBreakGlass(scan scanner) (r breakglass.Row, err error) {
	var created, valid, used, ticket, redeemed, revoked int64
	err = scan(&r.ID, &r.Label, &created, &r.CreatedBy, &valid, &used, &ticket, &redeemed, &r.SessionRef, &revoked)
	r.CreatedAt, r.ValidUntil, r.UsedAt, r.TicketUntil = instant(created), instant(valid), instant(used), instant(ticket)
	r.RedeemedAt, r.RevokedAt = instant(redeemed), instant(revoked)
	return r, err
}

// BreakGlassBySecret implements breakglass.Store.
func (db *DB) BreakGlassBySecret(ctx context.Context, id, secretHash string) (*breakglass.Row, error) {
	return oneBreakGlass(ctx, db.reading, findSecret, id, secretHash)
}

// BreakGlassByTicket implements breakglass.Store.
func (db *DB) BreakGlassByTicket(ctx context.Context, ticketHash string, now time.Time) (*breakglass.Row, error) {
	return oneBreakGlass(ctx, db.reading, findTicket, ticketHash, millis(now))
}

func oneBreakGlass(ctx context.Context, on executor, text string, args ...any) (row *breakglass.Row, err error) {
	_, err = queryRow(ctx, on, func(scan scanner) error {
		r, err := scanBreakGlass(scan)
		row = &r
		return err
	}, text, args...)
	if err != nil {
		return nil, fmt.Errorf("find a break-glass file: %w", err)
	}
	return row, nil
}

// SpendBreakGlass implements breakglass.Store.
func (db *DB) SpendBreakGlass(ctx context.Context, id, secretHash, ticketHash string, ticketUntil, now time.Time, e history.Entry) (until time.Time, err error) {
	spent, err := db.changeBreakGlass(ctx, "use", e, spendBreakGlass, millis(now), ticketHash, millis(ticketUntil), id, secretHash)
	if err != nil || spent {
		return ticketUntil, err
	}
	row, err := oneBreakGlass(ctx, db.reading, spentBefore, id, secretHash, ticketHash, millis(now))
	if err != nil || row == nil {
		return time.Time{}, err
	}
	return row.TicketUntil, nil
}

// RevokeBreakGlass implements breakglass.Store.
func (db *DB) RevokeBreakGlass(ctx context.Context, id string, now time.Time, e history.Entry) (bool, error) {
	return db.changeBreakGlass(ctx, "revoke", e, revokeBreakGlass, millis(now), id)
}

// changeBreakGlass makes a change of one file, with its entry, if there is such a file.
func (db *DB) changeBreakGlass(ctx context.Context, what string, e history.Entry, statement string, args ...any) (changed bool, err error) {
	err = db.write(ctx, func(tx *sql.Tx) error {
		n, err := exec(ctx, tx, statement, args...)
		if changed = n > 0; err != nil || !changed {
			return err
		}
		if err := appendEntries(ctx, tx, []history.Entry{e}); err != nil {
			return err
		}
		return db.announce(ctx, tx, cluster.BreakGlass)
	})
	if err != nil {
		return false, fmt.Errorf("%s a break-glass file: %w", what, err)
	}
	return changed, nil
}

// RedeemBreakGlass implements breakglass.Store.
func (db *DB) RedeemBreakGlass(ctx context.Context, ticketHash, browserHash, sessionRef string, now time.Time) (before *breakglass.Row, err error) {
	err = db.write(ctx, func(tx *sql.Tx) error {
		if before, err = oneBreakGlass(ctx, tx, findTicket, ticketHash, millis(now)); err != nil || before == nil {
			return err
		}
		n, err := exec(ctx, tx, redeemTicket, millis(now), browserHash, sessionRef, ticketHash)
		if n == 0 {
			before = nil
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("redeem a break-glass code: %w", err)
	}
	return before, nil
}

// endTickets has the tickets count no more that began these sessions, which were ended: whoever was sent away must not come back.
// The session of before, of a ticket that was typed again, is none of them.
func endTickets(ctx context.Context, tx *sql.Tx, ended []session.Record) error {
	for _, r := range ended {
		if r.Principal.Issuer != access.BreakGlassIssuer {
			continue
		}
		if _, err := exec(ctx, tx, endTicket, r.Ref); err != nil {
			return err
		}
	}
	return nil
}
