package store

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"math"
	"strconv"
	"time"

	"github.com/portico-iam/portico/internal/history"
)

var (
	_ history.SealStore   = (*DB)(nil)
	_ history.ChainStore  = (*DB)(nil)
	_ history.ExportStore = (*DB)(nil)
)

const selectChainState = `SELECT h.sequence, h.hash, h.newest_at, COALESCE((SELECT MAX(sequence) FROM history_chain), 0),
	COALESCE((SELECT MAX(sequence) FROM history_checkpoint), 0),
	COALESCE((SELECT at FROM history_checkpoint ORDER BY sequence DESC LIMIT 1), 0)
	FROM history_head h WHERE h.id = 1`

// ChainState implements history.ChainStore.
func (db *DB) ChainState(ctx context.Context) (history.State, error) {
	state, err := chainState(ctx, db.reading, selectChainState)
	if err != nil {
		return history.State{}, fmt.Errorf("read the end of the history's chain: %w", err)
	}
	return state, nil
}

func chainState(ctx context.Context, on executor, text string) (s history.State, err error) {
	var newest, checkpoint int64
	var hash []byte
	found, err := queryRow(ctx, on, func(scan scanner) error {
		return scan(&s.Sequence, &hash, &newest, &s.Last, &s.Checkpointed, &checkpoint)
	}, text)
	if err == nil && !found {
		err = fmt.Errorf("table history_head has lost its row")
	}
	s.Hash, s.NewestAt, s.CheckpointAt = history.Hash(hash), instant(newest), instant(checkpoint)
	return s, err
}

// The entries without a place are few, and among those of the last minute: history_created finds them.
const (
	unplaced       = ` FROM history h WHERE h.created_at >= $1 AND h.created_at <= $2 AND NOT EXISTS (SELECT 1 FROM history_chain c WHERE c.entry_id = h.id)`
	selectUnplaced = `SELECT 1` + unplaced + ` ORDER BY h.created_at DESC LIMIT 1` // from where they are expected
	selectSealable = `SELECT ` + recordColumns + unplaced + ` ORDER BY h.created_at, h.place, h.id LIMIT $3`

	insertLinks = `INSERT INTO history_chain (sequence, entry_id, previous, hash) VALUES `
	updateHead  = `UPDATE history_head SET sequence = $1, hash = $2, newest_at = $3 WHERE id = 1 AND sequence = $4`
)

// SealHistory implements history.SealStore.
func (db *DB) SealHistory(ctx context.Context, until time.Time, most int) (sealed int, state history.State, err error) {
	if state, err = db.ChainState(ctx); err != nil {
		return 0, state, err
	}
	from := sealableFrom(state.Head)
	found, err := queryRow(ctx, db.reading, func(scanner) error { return nil }, selectUnplaced, from, millis(until))
	if err != nil || !found {
		return 0, state, err
	}
	err = db.write(ctx, func(tx *sql.Tx) error {
		if state, err = chainState(ctx, tx, selectChainState+db.engine.lockHead); err != nil {
			return err
		}
		var records []history.Record
		err := query(ctx, tx, func(scan scanner) error {
			r, err := scanRecord(scan)
			if err == nil && r.Unreadable != "" {
				err = fmt.Errorf("entry %s can't be read: %s", r.ID, r.Unreadable)
			}
			records = append(records, r)
			return err
		}, selectSealable, sealableFrom(state.Head), millis(until), most)
		if err != nil || len(records) == 0 {
			return err
		}
		links, head := history.Extend(state.Head, records)
		if err := insertRows(ctx, tx, insertLinks, 4, linkRows(links)); err != nil {
			return err
		}
		n, err := exec(ctx, tx, updateHead, head.Sequence, []byte(head.Hash), millis(head.NewestAt), state.Sequence)
		if err == nil && n != 1 {
			err = fmt.Errorf("expected the chain to end at entry %d still", state.Sequence)
		}
		sealed, state.Head, state.Last = len(links), head, head.Sequence
		return err
	})
	if err != nil {
		return 0, state, fmt.Errorf("seal the history: %w", err)
	}
	return sealed, state, nil
}

func sealableFrom(head history.Head) int64 {
	if from := head.SealableFrom(); !from.IsZero() {
		return from.UnixMilli()
	}
	return math.MinInt64
}

func linkRows(links []history.Link) iter.Seq[[]any] {
	return each(links, func(l history.Link, yield func([]any) bool) bool {
		return yield([]any{l.Sequence, l.EntryID, []byte(l.Previous), []byte(l.Hash)})
	})
}

const recordColumns = `h.id, h.created_at, h.place, h.action, h.entity_type, h.entity_id, h.name, h.organisation_id, h.source, h.target,
	h.subject, h.metadata`

// scanRecord reads an entry as text: SQLite keeps in a column of numbers what somebody else put there.
func scanRecord(scan scanner, before ...any) (r history.Record, err error) {
	var created, place string
	err = scan(append(before, &r.ID, &created, &place, &r.Action, &r.EntityType, &r.EntityID, &r.Name, &r.OrganisationID, &r.Source,
		&r.Target, &r.User, (*[]byte)(&r.Metadata))...)
	if err != nil {
		return r, err
	}
	r.Metadata = unblob(r.Metadata)
	ms, err := strconv.ParseInt(created, 10, 64)
	if err != nil {
		r.Unreadable = fmt.Sprintf("expected a number as its time, got %.40q", created)
	}
	r.CreatedAt = instant(ms)
	if r.Place, err = strconv.ParseInt(place, 10, 64); err != nil {
		r.Unreadable = fmt.Sprintf("expected a number as its place, got %.40q", place)
	}
	return r, nil
}

const insertCheckpoint = `INSERT INTO history_checkpoint (sequence, hash, at, kid, signature) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (sequence) DO NOTHING`

// AddCheckpoint implements history.SealStore.
func (db *DB) AddCheckpoint(ctx context.Context, c history.Checkpoint) (added bool, err error) {
	n, err := exec(ctx, db.writing, insertCheckpoint, c.Sequence, []byte(c.Hash), millis(c.At), c.KID, c.Signature)
	if err != nil {
		return false, fmt.Errorf("store a checkpoint of the history: %w", err)
	}
	return n == 1, nil
}

const (
	replaceCheckpoint = `INSERT INTO history_checkpoint (sequence, hash, at, kid, signature) VALUES ($1, $2, $3, $4, $5)
	ON CONFLICT (sequence) DO UPDATE SET hash = excluded.hash, at = excluded.at, kid = excluded.kid, signature = excluded.signature`
	setBackHead = `UPDATE history_head SET newest_at = $1 WHERE id = 1 AND sequence = $2`
)

// SetBack implements history.SealStore.
func (db *DB) SetBack(ctx context.Context, c history.Checkpoint) (done bool, err error) {
	err = db.write(ctx, func(tx *sql.Tx) error {
		n, err := exec(ctx, tx, setBackHead, millis(c.At), c.Sequence)
		if err != nil || n == 0 {
			return err
		}
		done = true
		_, err = exec(ctx, tx, replaceCheckpoint, c.Sequence, []byte(c.Hash), millis(c.At), c.KID, c.Signature)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("set the history back: %w", err)
	}
	return done, nil
}

// The chain by its own order, with what it stands for: an entry that is gone leaves its link.
const selectChain = `SELECT c.sequence, c.entry_id, c.previous, c.hash, h.id IS NOT NULL,
	COALESCE(h.id, ''), COALESCE(h.created_at, 0), COALESCE(h.place, 0), COALESCE(h.action, ''), COALESCE(h.entity_type, ''),
	COALESCE(h.entity_id, ''), COALESCE(h.name, ''), COALESCE(h.organisation_id, ''), COALESCE(h.source, ''), COALESCE(h.target, ''),
	COALESCE(h.subject, ''), COALESCE(h.metadata, '')
	FROM history_chain c LEFT JOIN history h ON h.id = c.entry_id WHERE c.sequence > $1 ORDER BY c.sequence LIMIT $2`

// ReadChain implements history.ChainStore.
func (db *DB) ReadChain(ctx context.Context, after int64, most int) (page []history.Sealed, err error) {
	err = query(ctx, db.reading, func(scan scanner) (err error) {
		var s history.Sealed
		var previous, hash []byte
		s.Record, err = scanRecord(scan, &s.Sequence, &s.EntryID, &previous, &hash, &s.Found)
		s.Previous, s.Hash = history.Hash(previous), history.Hash(hash)
		page = append(page, s)
		return err
	}, selectChain, after, most)
	if err != nil {
		return nil, fmt.Errorf("read the history's chain: %w", err)
	}
	return page, nil
}

const selectCheckpoints = `SELECT sequence, hash, at, kid, signature FROM history_checkpoint WHERE sequence > $1 ORDER BY sequence LIMIT $2`

// ReadCheckpoints implements history.ChainStore.
func (db *DB) ReadCheckpoints(ctx context.Context, after int64, most int) (page []history.Checkpoint, err error) {
	err = query(ctx, db.reading, func(scan scanner) error {
		var c history.Checkpoint
		var hash []byte
		var at int64
		err := scan(&c.Sequence, &hash, &at, &c.KID, &c.Signature)
		c.Hash, c.At = history.Hash(hash), instant(at)
		page = append(page, c)
		return err
	}, selectCheckpoints, after, most)
	if err != nil {
		return nil, fmt.Errorf("read the history's checkpoints: %w", err)
	}
	return page, nil
}

// Entries in the order in which the history shows them.
const (
	selectEntries = `SELECT COALESCE(c.sequence, 0), c.hash, ` + recordColumns + ` FROM history h LEFT JOIN history_chain c ON c.entry_id = h.id`
	selectPlaces  = `SELECT h.id, h.created_at, h.place, c.entry_id IS NOT NULL FROM history h LEFT JOIN history_chain c ON c.entry_id = h.id`
	entriesOrder  = ` ORDER BY h.created_at, h.place, h.id LIMIT `
)

func (w *where) after(p history.Position) {
	if p != (history.Position{}) {
		w.and(`(h.created_at, h.place, h.id) > (` + w.arg(millis(p.CreatedAt)) + `, ` + w.arg(p.Place) + `, ` + w.arg(p.ID) + `)`)
	}
}

// ReadPlaces implements history.ChainStore.
func (db *DB) ReadPlaces(ctx context.Context, after history.Position, most int) (page []history.Placed, err error) {
	var w where
	w.after(after)
	err = query(ctx, db.reading, func(scan scanner) error {
		var p history.Placed
		var created int64
		err := scan(&p.ID, &created, &p.Place, &p.Sealed)
		p.CreatedAt = instant(created)
		page = append(page, p)
		return err
	}, selectPlaces+w.text.String()+entriesOrder+w.arg(most), w.args...)
	if err != nil {
		return nil, fmt.Errorf("read which entries are sealed: %w", err)
	}
	return page, nil
}

// ReadEntries implements history.ExportStore.
func (db *DB) ReadEntries(ctx context.Context, f history.Filter, after history.Position, most int) (page []history.Exported, err error) {
	var w where
	w.history(f)
	w.after(after)
	err = query(ctx, db.reading, func(scan scanner) (err error) {
		var e history.Exported
		var hash []byte
		e.Record, err = scanRecord(scan, &e.Sequence, &hash)
		e.Hash = history.Hash(hash)
		page = append(page, e)
		return err
	}, selectEntries+w.text.String()+entriesOrder+w.arg(most), w.args...)
	if err != nil {
		return nil, fmt.Errorf("read the history: %w", err)
	}
	return page, nil
}
