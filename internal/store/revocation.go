package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/cluster"
	"github.com/portico-iam/portico/internal/revocation"
	"github.com/portico-iam/portico/internal/session"
)

var _ revocation.Store = (*DB)(nil)

// matchSessions are the conditions of a filter; an empty one matches all.
const matchSessions = ` WHERE ($1 = '' OR ref = $1) AND ($2 = '' OR issuer = $2) AND ($3 = '' OR subject = $3) AND ends_at > $4 AND seen_at >= $5
	AND ($6 = '' OR id_subject = $6) AND ($7 = '' OR sid = $7)`

const (
	countSessions  = `SELECT COUNT(*) FROM session` + matchSessions
	selectSessions = `SELECT ` + sessionColumns + ` FROM session` + matchSessions + ` ORDER BY seen_at DESC, ref`
)

func sessionArgs(f revocation.Filter) []any {
	return []any{f.Ref, f.Person.Issuer, f.Person.Subject, millis(f.Now), millis(f.UsedSince), f.IDSubject, f.SID}
}

// ListSessions implements revocation.Store.
func (db *DB) ListSessions(ctx context.Context, f revocation.Filter) (page []session.Record, total int, err error) {
	text, args := selectSessions, sessionArgs(f)
	if f.Size > 0 {
		text += ` LIMIT $8 OFFSET $9`
		args = append(args, f.Size, f.Page*f.Size)
	}
	err = db.read(ctx, func(tx *sql.Tx) error {
		if page, err = scanSessions(ctx, tx, text, args...); err != nil {
			return err
		}
		_, err = queryRow(ctx, tx, func(scan scanner) error { return scan(&total) }, countSessions, sessionArgs(f)...)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list sessions: %w", err)
	}
	return page, total, nil
}

func scanSessions(ctx context.Context, on executor, text string, args ...any) (all []session.Record, err error) {
	err = query(ctx, on, func(scan scanner) error {
		r, err := scanSession(scan)
		all = append(all, r)
		return err
	}, text, args...)
	return all, err
}

// Of two cuts of one target the later counts.
const (
	upsertCut = `INSERT INTO cut (kind, issuer, name, at) VALUES ($1, $2, $3, $4)
	ON CONFLICT (kind, issuer, name) DO UPDATE SET at = excluded.at WHERE excluded.at > cut.at`
	deleteCuts = `DELETE FROM cut WHERE at < $1`
	selectCuts = `SELECT kind, issuer, name, at FROM cut`
)

// The kinds of a cut.
const (
	cutEverything   = "everything"
	cutOrganisation = "organisation"
	cutPerson       = "person"
)

// EndSessions implements revocation.Store.
func (db *DB) EndSessions(ctx context.Context, cut *revocation.Cut, f revocation.Filter, match func(*session.Record) bool, since time.Time) (ended []session.Record, err error) {
	err = db.write(ctx, func(tx *sql.Tx) error {
		if cut != nil {
			if _, err := exec(ctx, tx, deleteCuts, millis(since)); err != nil {
				return err
			}
			if err := insertCut(ctx, tx, cut); err != nil {
				return err
			}
		}
		all, err := scanSessions(ctx, tx, selectSessions, sessionArgs(f)...)
		if err != nil {
			return err
		}
		ended, err = deleteByRef(ctx, tx, slices.DeleteFunc(all, func(r session.Record) bool { return !match(&r) }))
		if err != nil {
			return err
		}
		if err := endTickets(ctx, tx, ended); err != nil {
			return err
		}
		if cut != nil {
			if err := db.announce(ctx, tx, cluster.Revocations); err != nil {
				return err
			}
		}
		return db.announceSessions(ctx, tx, ended)
	})
	if err != nil {
		return nil, fmt.Errorf("end sessions: %w", err)
	}
	return ended, nil
}

// storeCut notes a cut, nil for none, and announces it.
func (db *DB) storeCut(ctx context.Context, tx *sql.Tx, cut *revocation.Cut) error {
	if cut == nil {
		return nil
	}
	if err := insertCut(ctx, tx, cut); err != nil {
		return err
	}
	return db.announce(ctx, tx, cluster.Revocations)
}

func insertCut(ctx context.Context, tx *sql.Tx, cut *revocation.Cut) error {
	kind, issuer, name := cutPerson, cut.Target.Person.Issuer, cut.Target.Person.Subject
	switch t := cut.Target; {
	case t.Everything:
		kind, issuer, name = cutEverything, "", ""
	case t.Organisation != access.System:
		kind, issuer, name = cutOrganisation, "", string(t.Organisation)
	}
	_, err := exec(ctx, tx, upsertCut, kind, issuer, name, millis(cut.At))
	return err
}

// deleteByRef returns the rows as they were when they went: a session may have been refreshed since it was read.
func deleteByRef(ctx context.Context, tx *sql.Tx, rows []session.Record) (deleted []session.Record, err error) {
	for some := range slices.Chunk(rows, 300) {
		refs := make([]any, len(some))
		for i, r := range some {
			refs[i] = r.Ref
		}
		gone, err := scanSessions(ctx, tx, `DELETE FROM session WHERE ref IN `+placeholders(1, len(refs))+` RETURNING `+sessionColumns, refs...)
		if err != nil {
			return nil, err
		}
		deleted = append(deleted, gone...)
	}
	return deleted, nil
}

// Cuts implements revocation.Store.
func (db *DB) Cuts(ctx context.Context) (cuts []revocation.Cut, err error) {
	err = query(ctx, db.reading, func(scan scanner) error {
		var kind, issuer, name string
		var at int64
		if err := scan(&kind, &issuer, &name, &at); err != nil {
			return err
		}
		c := revocation.Cut{At: instant(at)}
		switch kind {
		case cutEverything:
			c.Target.Everything = true
		case cutOrganisation:
			c.Target.Organisation = access.OrganisationID(name)
		case cutPerson:
			c.Target.Person = revocation.Person{Issuer: issuer, Subject: name}
		default: // of a later version, whose replicas hold it
			return nil
		}
		cuts = append(cuts, c)
		return nil
	}, selectCuts)
	if err != nil {
		return nil, fmt.Errorf("list the cuts: %w", err)
	}
	return cuts, nil
}
