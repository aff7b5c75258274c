package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/policy"
)

var _ policy.Requests = (*DB)(nil)

const (
	selectFourEyes = `SELECT organisation_id FROM four_eyes`
	deleteFourEyes = `DELETE FROM four_eyes WHERE organisation_id = $1`
	insertFourEyes = `INSERT INTO four_eyes (organisation_id) VALUES ($1)`
)

func loadFourEyes(ctx context.Context, tx *sql.Tx) (set map[access.OrganisationID]bool, err error) {
	err = query(ctx, tx, func(scan scanner) error {
		var org access.OrganisationID
		if err := scan(&org); err != nil {
			return err
		}
		if set == nil {
			set = map[access.OrganisationID]bool{}
		}
		set[org] = true
		return nil
	}, selectFourEyes)
	return set, err
}

func storeFourEyes(ctx context.Context, tx *sql.Tx, c access.Change) error {
	for org, on := range c.FourEyes {
		if _, err := exec(ctx, tx, deleteFourEyes, string(org)); err != nil {
			return err
		}
		if !on {
			continue
		}
		if _, err := exec(ctx, tx, insertFourEyes, string(org)); err != nil {
			return err
		}
	}
	return nil
}

const (
	lockRequests  = `UPDATE model SET version = version WHERE id = 1` // so that nobody counts while another one adds
	countRequests = `SELECT COUNT(*), COALESCE(SUM(CASE WHEN issuer = $1 AND subject = $2 THEN 1 ELSE 0 END), 0) FROM change_request WHERE state = 'OPEN'`
	insertRequest = `INSERT INTO change_request (id, issuer, subject, name, reason, at, until_at, organisations, change, names, state, closed_at, closed_by, answer)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'OPEN', 0, '', '')`
	requestColumns = `SELECT id, issuer, subject, name, reason, at, until_at, organisations, change, names, state, closed_at, closed_by, answer FROM change_request `
	selectRequests = requestColumns + `WHERE state = 'OPEN' ORDER BY at DESC, id DESC`
	selectClosed   = requestColumns + `WHERE state <> 'OPEN' AND closed_at >= $1 ORDER BY closed_at DESC, id DESC LIMIT $2`
	closeRequest   = `UPDATE change_request SET state = $1, closed_at = $2, closed_by = $3, answer = $4 WHERE id = $5 AND state = 'OPEN'`
	forgetRequests = `DELETE FROM change_request WHERE state <> 'OPEN' AND closed_at < $1`
)

// AddRequest implements policy.Requests.
func (db *DB) AddRequest(ctx context.Context, r policy.Request, mostOwn, most int, e history.Entry) (added bool, err error) {
	err = db.write(ctx, func(tx *sql.Tx) error {
		if _, err := exec(ctx, tx, lockRequests); err != nil {
			return err
		}
		var all, own int
		if _, err := queryRow(ctx, tx, func(scan scanner) error { return scan(&all, &own) }, countRequests, r.Issuer, r.Subject); err != nil {
			return err
		}
		if added = all < most && own < mostOwn; !added {
			return nil
		}
		_, err := exec(ctx, tx, insertRequest, r.ID, r.Issuer, r.Subject, r.Name, r.Reason, millis(r.At), millis(r.Until), encode(r.Organisations), encodeChange(r.Change), encode(r.Names))
		if err != nil {
			return err
		}
		return appendEntries(ctx, tx, []history.Entry{e})
	})
	if err != nil {
		return false, fmt.Errorf("add a request: %w", err)
	}
	return added, nil
}

// OpenRequests implements policy.Requests. One that holds permissions which this version does not know is left out: approved
// here, it would be another change.
func (db *DB) OpenRequests(ctx context.Context) (all []policy.Request, err error) {
	return db.requests(ctx, selectRequests)
}

// ClosedRequests implements policy.Requests, with the same exception.
func (db *DB) ClosedRequests(ctx context.Context, since time.Time, most int) (all []policy.Request, err error) {
	return db.requests(ctx, selectClosed, millis(since), most)
}

func (db *DB) requests(ctx context.Context, text string, args ...any) (all []policy.Request, err error) {
	err = query(ctx, db.reading, func(scan scanner) error {
		var r policy.Request
		var at, until, closed int64
		var organisations, change, names string
		if err := scan(&r.ID, &r.Issuer, &r.Subject, &r.Name, &r.Reason, &at, &until, &organisations, &change, &names,
			&r.Closing.State, &closed, &r.Closing.By, &r.Closing.Answer); err != nil {
			return err
		}
		r.At, r.Until, r.Closing.At = instant(at), instant(until), instant(closed)
		if err := decode("organisations", organisations, &r.Organisations); err != nil {
			return err
		}
		if err := decode("names", names, &r.Names); err != nil {
			return err
		}
		c, unknown, err := decodeChange(change)
		if err != nil {
			return err
		}
		if r.Change = c; len(unknown) > 0 {
			db.logger.WarnContext(ctx, "a request holds permissions that this version does not know", "request", r.ID, "permissions", unknown)
			return nil
		}
		all = append(all, r)
		return nil
	}, text, args...)
	if err != nil {
		return nil, fmt.Errorf("list requests: %w", err)
	}
	return all, nil
}

// CloseRequest implements policy.Requests.
func (db *DB) CloseRequest(ctx context.Context, id string, c policy.Closing, e history.Entry) (closed bool, err error) {
	err = db.write(ctx, func(tx *sql.Tx) error {
		n, err := exec(ctx, tx, closeRequest, string(c.State), millis(c.At), c.By, c.Answer, id)
		if closed = n > 0; err != nil || !closed {
			return err
		}
		return appendEntries(ctx, tx, []history.Entry{e})
	})
	if err != nil {
		return false, fmt.Errorf("close a request: %w", err)
	}
	return closed, nil
}

// ForgetRequests implements policy.Requests.
func (db *DB) ForgetRequests(ctx context.Context, before time.Time) error {
	if _, err := exec(ctx, db.writing, forgetRequests, millis(before)); err != nil {
		return fmt.Errorf("forget requests: %w", err)
	}
	return nil
}

// approveRequest closes the request that a change approves. One that is closed already must not bring it.
func approveRequest(ctx context.Context, tx *sql.Tx, c access.Change) error {
	if c.Request == "" {
		return nil
	}
	n, err := exec(ctx, tx, closeRequest, string(policy.Approved), millis(c.At), c.By, "", c.Request)
	if err == nil && n == 0 {
		err = policy.ErrRequestClosed
	}
	return err
}
