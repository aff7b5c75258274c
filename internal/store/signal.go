package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/portico-iam/portico/internal/session"
	"github.com/portico-iam/portico/internal/signal"
)

var _ signal.Store = (*DB)(nil)

// mostNamed bounds how many people are looked at who may be meant. More than one is already too many.
const mostNamed = 20

// The engines fold letters beyond ASCII each in their own way, so this is only a coarse choice: signal compares.
const (
	peopleByName = `SELECT issuer, subject, id_subject, username, email FROM person WHERE issuer = $1 AND (id_subject = $2 OR subject = $2) LIMIT $3`
	peopleByMail = `SELECT issuer, subject, id_subject, username, email FROM person WHERE issuer = $1
	AND (LOWER(email) = LOWER($2) OR LOWER(username) = LOWER($2) OR LOWER(subject) = LOWER($2)) AND seen_at >= $4 LIMIT $3`
	selectSeen = `SELECT id FROM signal_seen WHERE id = $1 AND until_at > $2`
	upsertSeen = `INSERT INTO signal_seen (id, until_at) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET until_at = excluded.until_at`
	deleteSeen = `DELETE FROM signal_seen WHERE until_at <= $1`
)

// PeopleNamed implements signal.Store.
func (db *DB) PeopleNamed(ctx context.Context, issuer, subject string) ([]session.Person, error) {
	return db.namedPeople(ctx, peopleByName, issuer, subject)
}

// PeopleByMail implements signal.Store.
func (db *DB) PeopleByMail(ctx context.Context, issuer, address string, since time.Time) ([]session.Person, error) {
	return db.namedPeople(ctx, peopleByMail, issuer, address, millis(since))
}

func (db *DB) namedPeople(ctx context.Context, text, issuer, name string, more ...any) (people []session.Person, err error) {
	if issuer == "" || name == "" { // most columns are empty where nothing was said: don't find people by that
		return nil, nil
	}
	err = query(ctx, db.reading, func(scan scanner) error {
		var p session.Person
		err := scan(&p.Issuer, &p.Subject, &p.IDSubject, &p.Username, &p.Email)
		people = append(people, p)
		return err
	}, text, append([]any{issuer, name, mostNamed}, more...)...)
	if err != nil {
		return nil, fmt.Errorf("find who is meant: %w", err)
	}
	return people, nil
}

// SignalSeen implements signal.Store.
func (db *DB) SignalSeen(ctx context.Context, id string, now time.Time) (bool, error) {
	found, err := queryRow(ctx, db.reading, func(scan scanner) error { var id string; return scan(&id) }, selectSeen, id, millis(now))
	if err != nil {
		return false, fmt.Errorf("look for a signal: %w", err)
	}
	return found, nil
}

// NoteSignal implements signal.Store.
func (db *DB) NoteSignal(ctx context.Context, id string, until, now time.Time) error {
	err := db.write(ctx, func(tx *sql.Tx) error {
		if _, err := exec(ctx, tx, deleteSeen, millis(now)); err != nil {
			return err
		}
		_, err := exec(ctx, tx, upsertSeen, id, millis(until))
		return err
	})
	if err != nil {
		return fmt.Errorf("note a signal: %w", err)
	}
	return nil
}
