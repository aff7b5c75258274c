package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/session"
)

var _ session.Store = (*DB)(nil)

// principalColumn is how a principal is kept.
type principalColumn struct {
	Issuer     string   `json:"issuer"`
	Subject    string   `json:"subject"`
	ClientID   string   `json:"clientId,omitempty"`
	IAMRoles   []string `json:"iamRoles,omitempty"`
	GivenName  string   `json:"givenName,omitempty"`
	FamilyName string   `json:"familyName,omitempty"`
	Login      string   `json:"login,omitempty"`
	IssuedAt   int64    `json:"issuedAt,omitempty"` // milliseconds
	NotAfter   int64    `json:"notAfter,omitempty"`
	AuthTime   int64    `json:"authTime,omitempty"` // seconds, as in the token
	ACR        string   `json:"acr,omitempty"`
	AMR        []string `json:"amr,omitempty"`
	Odd        []string `json:"odd,omitempty"`
}

func encodePrincipal(p access.Principal) string {
	return encode(principalColumn{
		Issuer: p.Issuer, Subject: p.Subject, ClientID: p.ClientID, IAMRoles: p.IAMRoles,
		GivenName: p.GivenName, FamilyName: p.FamilyName, Login: p.Login, IssuedAt: millis(p.IssuedAt), NotAfter: millis(p.NotAfter), Odd: p.Odd,
		AuthTime: p.SignIn.At, ACR: p.SignIn.Class, AMR: p.SignIn.Methods,
	})
}

func decodePrincipal(text string) (access.Principal, error) {
	var c principalColumn
	if err := decode("principal", text, &c); err != nil {
		return access.Principal{}, err
	}
	return access.Principal{
		Issuer: c.Issuer, Subject: c.Subject, ClientID: c.ClientID, IAMRoles: c.IAMRoles,
		GivenName: c.GivenName, FamilyName: c.FamilyName, Login: c.Login, IssuedAt: instant(c.IssuedAt), NotAfter: instant(c.NotAfter), Odd: c.Odd,
		SignIn: access.SignIn{At: c.AuthTime, Class: c.ACR, Methods: c.AMR},
	}, nil
}

const insertSession = `INSERT INTO session (ref, hash, previous_hash, previous_until, principal, sealed, active_organisation,
	created_at, seen_at, ends_at, version, issuer, subject, begun_from, id_subject, sid)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`

// BeginSession implements session.Store.
func (db *DB) BeginSession(ctx context.Context, r session.Record, p session.Person, e history.Entry, most int) (over []session.Record, err error) {
	err = db.write(ctx, func(tx *sql.Tx) error {
		if err := insertRecord(ctx, tx, r); err != nil {
			return err
		}
		if err := seePerson(ctx, tx, p); err != nil {
			return err
		}
		if err := appendEntry(ctx, tx, e); err != nil || most <= 0 {
			return err
		}
		over, err = endOldest(ctx, tx, r, most)
		if err != nil {
			return err
		}
		return db.announceSessions(ctx, tx, over)
	})
	if err != nil {
		return nil, fmt.Errorf("begin session %s: %w", r.Ref, err)
	}
	return over, nil
}

// A number of them that no person reaches who is not far over the limit already.
const selectOldest300 = `SELECT ref FROM session WHERE issuer = $1 AND subject = $2 AND ref <> $3 ORDER BY seen_at DESC, created_at DESC, ref LIMIT 300 OFFSET $4`

// endOldest removes the person's sessions that were used longest ago, but for so many, of which the new one is one.
func endOldest(ctx context.Context, tx *sql.Tx, begun session.Record, most int) ([]session.Record, error) {
	var over []session.Record
	err := query(ctx, tx, func(scan scanner) error {
		var r session.Record
		err := scan(&r.Ref)
		over = append(over, r)
		return err
	}, selectOldest300, begun.Principal.Issuer, begun.Principal.Subject, begun.Ref, most-1)
	if err != nil || len(over) == 0 {
		return nil, err
	}
	if over, err = deleteByRef(ctx, tx, over); err != nil {
		return nil, err
	}
	return over, endTickets(ctx, tx, over)
}

func insertRecord(ctx context.Context, on executor, r session.Record) error {
	_, err := exec(ctx, on, insertSession,
		r.Ref, r.Hash, r.PreviousHash, millis(r.PreviousUntil), encodePrincipal(r.Principal), blob(r.Sealed),
		string(r.ActiveOrganisation), millis(r.CreatedAt), millis(r.SeenAt), millis(r.EndsAt), r.Version, r.Principal.Issuer, r.Principal.Subject, encode(r.From),
		r.IDSubject, r.SID)
	return err
}

const (
	sessionColumns = `ref, hash, previous_hash, previous_until, principal, sealed, active_organisation, created_at, seen_at, ends_at, version, begun_from, id_subject, sid`
	selectSession  = `SELECT ` + sessionColumns + ` FROM session WHERE hash = $1 OR (previous_hash = $1 AND previous_until > $2)`
)

// GetSession implements session.Store.
func (db *DB) GetSession(ctx context.Context, hash string, now time.Time) (r session.Record, found bool, err error) {
	if hash == "" {
		return r, false, nil // most sessions have no previous hash: don't find one by that
	}
	found, err = queryRow(ctx, db.reading, func(scan scanner) (err error) {
		r, err = scanSession(scan)
		return err
	}, selectSession, hash, millis(now))
	if err != nil {
		return session.Record{}, false, fmt.Errorf("get a session: %w", err)
	}
	return r, found, nil
}

// scanSession reads a row of sessionColumns.
func scanSession(scan scanner) (r session.Record, err error) {
	var principal, from string
	var previousUntil, created, seen, ends int64
	err = scan(&r.Ref, &r.Hash, &r.PreviousHash, &previousUntil, &principal, &r.Sealed, &r.ActiveOrganisation,
		&created, &seen, &ends, &r.Version, &from, &r.IDSubject, &r.SID)
	if err != nil {
		return r, err
	}
	r.Sealed = unblob(r.Sealed)
	r.PreviousUntil, r.CreatedAt, r.SeenAt, r.EndsAt = instant(previousUntil), instant(created), instant(seen), instant(ends)
	if err := decode("begun_from", from, &r.From); err != nil {
		return r, err
	}
	r.Principal, err = decodePrincipal(principal)
	return r, err
}

const updateSession = `UPDATE session SET hash = $1, previous_hash = $2, previous_until = $3, principal = $4, sealed = $5,
	active_organisation = $6, created_at = $7, seen_at = $8, ends_at = $9, id_subject = $10, sid = $11,
	version = version + 1 WHERE ref = $12 AND version = $13`

// UpdateSession implements session.Store.
func (db *DB) UpdateSession(ctx context.Context, r session.Record) (updated bool, err error) {
	err = db.write(ctx, func(tx *sql.Tx) error {
		n, err := exec(ctx, tx, updateSession,
			r.Hash, r.PreviousHash, millis(r.PreviousUntil), encodePrincipal(r.Principal), blob(r.Sealed),
			string(r.ActiveOrganisation), millis(r.CreatedAt), millis(r.SeenAt), millis(r.EndsAt), r.IDSubject, r.SID, r.Ref, r.Version)
		if updated = n > 0; err != nil || !updated {
			return err
		}
		return db.announceSessions(ctx, tx, []session.Record{r})
	})
	if err != nil {
		return false, fmt.Errorf("update session %s: %w", r.Ref, err)
	}
	return updated, nil
}

// Of two replicas that saw the session, the later one counts.
const touchSession = `UPDATE session SET seen_at = $1 WHERE ref = $2 AND seen_at < $1`

// TouchSession implements session.Store.
func (db *DB) TouchSession(ctx context.Context, ref string, seen time.Time) error {
	if _, err := exec(ctx, db.writing, touchSession, millis(seen), ref); err != nil {
		return fmt.Errorf("touch session %s: %w", ref, err)
	}
	return nil
}

const deleteSession = `DELETE FROM session WHERE ref = $1 RETURNING ` + sessionColumns

// DeleteSession implements session.Store.
func (db *DB) DeleteSession(ctx context.Context, ref string) (*session.Record, error) {
	var deleted []session.Record
	err := db.write(ctx, func(tx *sql.Tx) (err error) {
		if deleted, err = scanSessions(ctx, tx, deleteSession, ref); err != nil {
			return err
		}
		if err := endTickets(ctx, tx, deleted); err != nil {
			return err
		}
		return db.announceSessions(ctx, tx, deleted)
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("delete session %s: %w", ref, err)
	case len(deleted) == 0:
		return nil, nil
	}
	return &deleted[0], nil
}

const (
	// The principal is not read: one that can't be would keep all of them.
	deleteSessions = `DELETE FROM session WHERE ends_at < $1 OR seen_at < $2 RETURNING ref, hash, previous_hash, sealed`
	deleteFlows    = `DELETE FROM flow WHERE until_at < $1`
)

// DeleteSessionsBefore implements session.Store. It drops the marks of UseFlow too that have served their time.
func (db *DB) DeleteSessionsBefore(ctx context.Context, now, idleSince time.Time) (removed []session.Record, err error) {
	err = db.write(ctx, func(tx *sql.Tx) (err error) {
		err = query(ctx, tx, func(scan scanner) error {
			var r session.Record
			err := scan(&r.Ref, &r.Hash, &r.PreviousHash, &r.Sealed)
			removed = append(removed, r)
			return err
		}, deleteSessions, millis(now), millis(idleSince))
		if err != nil {
			return err
		}
		_, err = exec(ctx, tx, deleteFlows, millis(now))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("delete old sessions: %w", err)
	}
	return removed, nil
}

const (
	insertFlow = `INSERT INTO flow (id, session_ref, until_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING`
	selectFlow = `SELECT session_ref FROM flow WHERE id = $1`
)

// UseFlow implements session.Store.
func (db *DB) UseFlow(ctx context.Context, flow, sessionRef string, until time.Time) (fresh bool, firstRef string, err error) {
	err = db.write(ctx, func(tx *sql.Tx) error {
		inserted, err := exec(ctx, tx, insertFlow, flow, sessionRef, millis(until))
		if err != nil || inserted > 0 {
			fresh = inserted > 0
			return err
		}
		_, err = queryRow(ctx, tx, func(scan scanner) error { return scan(&firstRef) }, selectFlow, flow)
		return err
	})
	if err != nil {
		return false, "", fmt.Errorf("mark a sign-in as used: %w", err)
	}
	return fresh, firstRef, nil
}

// A refresh that brings no ID token says nothing of what the ID token of before said.
const upsertPerson = `INSERT INTO person (issuer, subject, given_name, family_name, login, iam_roles, seen_at, id_subject, username, email)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
	ON CONFLICT (issuer, subject) DO UPDATE SET given_name = excluded.given_name, family_name = excluded.family_name,
		login = excluded.login, iam_roles = excluded.iam_roles, seen_at = excluded.seen_at,
		id_subject = CASE WHEN excluded.id_subject = '' THEN person.id_subject ELSE excluded.id_subject END,
		username = CASE WHEN excluded.id_subject = '' THEN person.username ELSE excluded.username END,
		email = CASE WHEN excluded.id_subject = '' THEN person.email ELSE excluded.email END
	WHERE excluded.seen_at >= person.seen_at`

// SeePerson implements session.Store. What was seen later stays, in whichever order the two arrive.
func (db *DB) SeePerson(ctx context.Context, p session.Person) error {
	return seePerson(ctx, db.writing, p)
}

func seePerson(ctx context.Context, on executor, p session.Person) error {
	_, err := exec(ctx, on, upsertPerson,
		p.Issuer, p.Subject, p.GivenName, p.FamilyName, p.Login, encode(p.IAMRoles), millis(p.SeenAt),
		p.IDSubject, p.Username, p.Email)
	if err != nil {
		return fmt.Errorf("store a person: %w", err)
	}
	return nil
}

const selectPeople = `SELECT issuer, subject, given_name, family_name, login, iam_roles, seen_at FROM person
	WHERE seen_at >= $1 ORDER BY seen_at DESC, issuer, subject LIMIT $2`

// PeopleSeen implements session.Store.
func (db *DB) PeopleSeen(ctx context.Context, since time.Time, limit int) (people []session.Person, err error) {
	err = query(ctx, db.reading, func(scan scanner) error {
		var p session.Person
		var roles string
		var seen int64
		if err := scan(&p.Issuer, &p.Subject, &p.GivenName, &p.FamilyName, &p.Login, &roles, &seen); err != nil {
			return err
		}
		p.SeenAt = instant(seen)
		people = append(people, p)
		return decode("iam_roles", roles, &people[len(people)-1].IAMRoles)
	}, selectPeople, millis(since), limit)
	if err != nil {
		return nil, fmt.Errorf("list the people seen: %w", err)
	}
	return people, nil
}
