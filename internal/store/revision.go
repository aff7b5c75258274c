package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/portico-iam/portico/internal/cluster"
	"github.com/portico-iam/portico/internal/session"
)

var _ cluster.Source = (*DB)(nil)

const (
	countUp       = `UPDATE revision SET number = number + 1 WHERE topic = $1 RETURNING number`
	selectNumbers = `SELECT topic, number, `
	fromRevision  = ` FROM revision`

	// Two Porticos in two schemas of one database must not hear each other.
	channelName   = `'portico_' || md5(current_schema())`
	notify        = `SELECT pg_notify(` + channelName + `, $1)`
	selectChannel = `SELECT ` + channelName
)

// announce tells the other replicas of a change once its transaction is committed. It comes last in it: others that change
// the same topic wait from here on.
func (db *DB) announce(ctx context.Context, tx *sql.Tx, topic cluster.Topic, names ...string) error {
	a := cluster.Announcement{Topic: topic, Origin: db.origin, Sent: time.Now(), Names: names}
	found, err := queryRow(ctx, tx, func(scan scanner) error { return scan(&a.Number) }, countUp, string(topic))
	if err != nil || !found {
		return fmt.Errorf("announce a change (%s, counted: %t): %w", topic, found, err)
	}
	if db.engine.messages == nil {
		return nil
	}
	if len(a.Names) > cluster.MostNames {
		a.Names = nil
	}
	_, err = exec(ctx, tx, notify, a.String())
	return err
}

// Origin implements cluster.Source.
func (db *DB) Origin() string { return db.origin }

// Numbers implements cluster.Source.
func (db *DB) Numbers(ctx context.Context) (numbers map[cluster.Topic]int64, now time.Time, err error) {
	numbers = map[cluster.Topic]int64{}
	err = query(ctx, db.watching, func(scan scanner) error {
		var topic string
		var number, at int64
		err := scan(&topic, &number, &at)
		numbers[cluster.Topic(topic)], now = number, instant(at)
		return err
	}, selectNumbers+db.engine.clock+fromRevision)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("read the numbers of changes: %w", err)
	}
	return numbers, now, nil
}

// Beat implements cluster.Source.
func (db *DB) Beat(ctx context.Context, a cluster.Announcement) error {
	if db.engine.messages == nil {
		return nil
	}
	_, err := exec(ctx, db.writing, notify, a.String())
	return err
}

// Listen implements cluster.Source. It has a connection of its own: those of the pool come and go.
func (db *DB) Listen(ctx context.Context, ready func(), heard func(message string)) error {
	if db.engine.messages == nil {
		return nil
	}
	conn, err := pgx.ConnectConfig(ctx, db.engine.messages)
	if err != nil {
		return fmt.Errorf("connect for messages: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var channel string
	if err := conn.QueryRow(ctx, selectChannel).Scan(&channel); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "LISTEN "+pgx.Identifier{channel}.Sanitize()); err != nil {
		return fmt.Errorf("listen for messages: %w", err)
	}
	ready()
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return fmt.Errorf("wait for messages: %w", err)
		}
		heard(n.Payload)
	}
}

// announceSessions names the cookies by whose hashes the sessions are known: those of now, and of a moment ago.
func (db *DB) announceSessions(ctx context.Context, tx *sql.Tx, changed []session.Record) error {
	if len(changed) == 0 {
		return nil
	}
	var names []string
	for _, r := range changed {
		names = append(names, r.Hash)
		if r.PreviousHash != "" {
			names = append(names, r.PreviousHash)
		}
	}
	return db.announce(ctx, tx, cluster.Sessions, names...)
}
