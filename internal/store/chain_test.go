package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/seal"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

// tb is a test, or one check of a property.
type tb interface {
	Helper()
	Context() context.Context
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// chain is a history that is sealed, with what is needed to look after it.
type chain struct {
	db     *store.DB
	box    *seal.Box
	now    time.Time
	log    bytes.Buffer
	logger *slog.Logger // to log; one for all, which takes turns
	sealer *history.Sealer
}

func newChain(t tb, db *store.DB) *chain {
	t.Helper()
	c := &chain{db: db, box: seal.RandomKey().Box("history key"), now: at(0)}
	c.sealer = c.another(t)
	return c
}

// another is one more process at the same history.
func (c *chain) another(t tb) *history.Sealer {
	t.Helper()
	if c.logger == nil {
		c.logger = slog.New(slog.NewTextHandler(&c.log, nil))
	}
	signer, err := history.OpenSigner(t.Context(), c.db, c.box, c.now, c.logger)
	if err != nil {
		t.Fatal(err)
	}
	return &history.Sealer{Store: c.db, Signer: signer, Now: func() time.Time { return c.now }, Logger: c.logger}
}

// append stores entries, seconds after the ones before. A commit has its time, so that many take several.
func (c *chain) append(t tb, n int) {
	t.Helper()
	const most = 500
	for ; n > most; n -= most {
		c.append(t, most)
	}
	entries := make([]history.Entry, n)
	for i := range entries {
		c.now = c.now.Add(time.Second)
		entries[i] = history.Entry{ID: uuid.NewString(), CreatedAt: c.now, Action: history.Created, EntityType: history.STSRole, Name: fmt.Sprint("entry ", i), User: "ada"}
	}
	version, err := c.db.ModelVersion(t.Context())
	if err == nil {
		err = c.db.CommitChange(t.Context(), version, access.Change{}, entries)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (c *chain) seal(t tb) {
	t.Helper()
	if err := c.sealer.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (c *chain) verify(t tb, external ...history.Checkpoint) history.Report {
	t.Helper()
	report, err := history.Verify(t.Context(), history.Verification{Store: c.db, Box: c.box, External: external})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// sound expects nothing to be broken.
func (c *chain) sound(t tb, sealed, unsealed int64) history.Report {
	t.Helper()
	report := c.verify(t)
	if report.Broken != nil || report.Sealed != sealed || report.Unsealed != unsealed {
		t.Fatalf("expected %d sealed and %d not, got %+v, %+v", sealed, unsealed, report, report.Broken)
	}
	return report
}

// tamper does what somebody does who has the database alone.
func (c *chain) tamper(t tb, statement string, args ...any) int64 {
	t.Helper()
	writing, _ := store.Pools(c.db)
	result, err := writing.ExecContext(t.Context(), statement, args...)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (c *chain) entryAt(t tb, sequence int64) history.Sealed {
	t.Helper()
	page, err := c.db.ReadChain(t.Context(), sequence-1, 1)
	if err != nil || len(page) != 1 {
		t.Fatalf("entry %d: %v, %v", sequence, page, err)
	}
	return page[0]
}

// empty takes everything away, as a store before its first entry.
func (c *chain) empty(t tb) {
	t.Helper()
	for _, table := range []string{"history", "history_chain", "history_checkpoint", "history_key"} {
		c.tamper(t, `DELETE FROM `+table)
	}
	c.tamper(t, `UPDATE history_head SET sequence = 0, hash = '', newest_at = 0`)
}

func TestHistoryIsSealed(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		c := newChain(t, db)
		c.sound(t, 0, 0)
		c.append(t, 3)
		c.sound(t, 0, 3)
		c.seal(t)
		report := c.sound(t, 3, 0)
		if report.Checkpoints != 1 || report.Checkpoint.Sequence != 3 || !report.NewestAt.Equal(c.now) {
			t.Errorf("the first entries are signed at once: %+v", report)
		}
		logged := history.FindCheckpoints(c.log.Bytes())
		if len(logged) != 1 || logged[0].String() != report.Checkpoint.String() || !strings.Contains(c.log.String(), "level=INFO") {
			t.Errorf("the log has %v: %s", logged, &c.log)
		}
		c.append(t, 4)
		c.seal(t)
		if report := c.sound(t, 7, 0); report.Checkpoints != 1 {
			t.Errorf("ten minutes are not over: %+v", report)
		}
		c.now = c.now.Add(10 * time.Minute)
		c.seal(t)
		c.seal(t)
		if report := c.sound(t, 7, 0); report.Checkpoints != 2 || report.Checkpoint.Sequence != 7 {
			t.Errorf("after ten minutes: %+v", report)
		}
		c.append(t, 1)
		if err := c.sealer.Close(); err != nil {
			t.Fatal(err)
		}
		if report := c.sound(t, 8, 0); report.Checkpoints != 3 {
			t.Errorf("at the end: %+v", report)
		}
	})
}

func TestManyEntriesAreSealedInBatches(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		c := newChain(t, db)
		c.append(t, 12_500) // as they lay there before there was a chain
		c.seal(t)
		if report := c.sound(t, 10_000, 2500); report.Checkpoints != 10 {
			t.Errorf("one checkpoint for each thousand: %+v", report)
		}
		c.seal(t)
		if report := c.sound(t, 12_500, 0); report.Checkpoint.Sequence != 12_000 {
			t.Errorf("got %+v", report)
		}
	})
}

// TestAClockThatIsAhead: its entries wait, and shut nobody out.
func TestAClockThatIsAhead(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		c := newChain(t, db)
		add(t, db, history.Entry{CreatedAt: c.now.Add(time.Hour), Name: "ahead"})
		add(t, db, history.Entry{CreatedAt: c.now.Add(50 * time.Second), Name: "a little ahead"})
		c.seal(t)
		c.sound(t, 1, 1)
		add(t, db, history.Entry{CreatedAt: c.now, Name: "on time"})
		c.seal(t)
		c.sound(t, 2, 1)
		c.now = c.now.Add(time.Hour)
		c.seal(t)
		c.sound(t, 3, 0)
	})
}

// TestAClockThatIsSetBack: what comes then is sealed, and nobody else can set the chain back.
func TestAClockThatIsSetBack(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		c := newChain(t, db)
		c.now = c.now.Add(24 * time.Hour) // by mistake
		c.append(t, 3)
		c.seal(t)
		c.now = at(0)
		for range 2 { // the second time there is nothing to set back
			c.append(t, 2)
			c.seal(t)
		}
		report := c.sound(t, 7, 0)
		if report.Checkpoints != 1 || report.Checkpoint.Sequence != 3 || strings.Count(c.log.String(), "level=WARN") != 1 {
			t.Errorf("got %+v, and said %s", report, &c.log)
		}
		if report := c.verify(t, history.FindCheckpoints(c.log.Bytes())...); report.Broken != nil || report.External != 2 {
			t.Errorf("those of the log, one of them replaced: %+v, %+v", report, report.Broken)
		}
		c.append(t, 1)
		c.now = c.now.Add(-10 * time.Minute)
		c.append(t, 1)
		c.seal(t)
		c.sound(t, 8, 1) // the one before is of the future now
		c.now = c.now.Add(time.Hour)
		c.append(t, 1)
		c.seal(t)
		if report := c.verify(t); report.Broken != nil || report.Sealed+report.Unsealed != 10 {
			t.Errorf("got %+v, %+v", report, report.Broken)
		}
	})
}

// TestTheNoteOfTheEndIsSetBackByHand, for an old entry to get a place.
func TestTheNoteOfTheEndIsSetBackByHand(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		c := newChain(t, db)
		c.now = c.now.Add(time.Hour)
		c.append(t, 3)
		c.seal(t)
		c.tamper(t, `UPDATE history_head SET newest_at = newest_at - 3600000`)
		add(t, db, history.Entry{CreatedAt: c.now.Add(-30 * time.Minute)})
		c.seal(t)
		c.tamper(t, `UPDATE history_head SET newest_at = $1`, c.now.UnixMilli())
		if report := c.verify(t); report.Broken == nil || report.Broken.Kind != history.Backdated || report.Broken.Sequence != 4 {
			t.Errorf("got %+v, %+v", report, report.Broken)
		}
	})
}

func TestSealersAtOnceMakeOneChain(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		c := newChain(t, db)
		c.now = at(time.Hour.Milliseconds())
		sealers := []*history.Sealer{c.sealer, c.another(t), c.another(t)}
		var writers, sealing sync.WaitGroup
		stop := make(chan struct{})
		for i := range 4 {
			writers.Go(func() {
				for j := range 60 {
					e := history.Entry{ID: uuid.NewString(), CreatedAt: c.now.Add(time.Duration(i*j) * time.Millisecond)}
					if err := db.AppendHistory(t.Context(), e); err != nil {
						t.Error(err)
					}
				}
			})
		}
		for _, s := range sealers {
			sealing.Go(func() {
				for done := false; !done; {
					select {
					case <-stop:
						done = true
					default:
					}
					if err := s.Seal(t.Context()); err != nil {
						t.Error(err)
					}
				}
			})
		}
		writers.Wait()
		close(stop)
		sealing.Wait()
		c.sound(t, 240, 0)
	})
}

// TestASealerThatIsCutOffHalfWay leaves nothing half done.
func TestASealerThatIsCutOffHalfWay(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		c := newChain(t, db)
		c.append(t, 3000)
		for i := range 12 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i*i)*300*time.Microsecond)
			if err := c.sealer.Seal(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, context.DeadlineExceeded) && !fault.Unavailable.Is(err) {
				t.Error(err)
			}
			cancel()
			// A commit whose answer nobody waited for may still arrive, also while the chain is read.
			for deadline := time.Now().Add(10 * time.Second); ; {
				report := c.verify(t)
				if report.Broken != nil || report.Sealed+report.Unsealed != 3000 && time.Now().After(deadline) {
					t.Fatalf("got %+v, %+v", report, report.Broken)
				}
				if report.Sealed+report.Unsealed == 3000 {
					break
				}
			}
		}
		c.seal(t)
		c.sound(t, 3000, 0)
	})
}

// A tampering is what somebody does who has the database, and what is to be said of it.
type tampering struct {
	kind     history.Kind
	sequence int64  // the first broken one
	id       string // of an entry without a place
}

var tamperings = map[string]func(t *rapid.T, c *chain, n int64) tampering{
	"a field is changed": func(t *rapid.T, c *chain, n int64) tampering {
		k := rapid.Int64Range(1, n).Draw(t, "k")
		column := rapid.SampledFrom([]string{"action", "entity_type", "entity_id", "name", "organisation_id", "source", "target", "subject", "metadata"}).Draw(t, "column")
		c.tamper(t, `UPDATE history SET `+column+` = `+column+` || 'x' WHERE id = $1`, c.entryAt(t, k).EntryID)
		return tampering{kind: history.Changed, sequence: k}
	},
	"a number is changed": func(t *rapid.T, c *chain, n int64) tampering {
		k := rapid.Int64Range(1, n).Draw(t, "k")
		column := rapid.SampledFrom([]string{"created_at", "place"}).Draw(t, "column")
		c.tamper(t, `UPDATE history SET `+column+` = `+column+` + 1 WHERE id = $1`, c.entryAt(t, k).EntryID)
		return tampering{kind: history.Changed, sequence: k}
	},
	"an entry gets another id": func(t *rapid.T, c *chain, n int64) tampering {
		k := rapid.Int64Range(1, n).Draw(t, "k")
		c.tamper(t, `UPDATE history SET id = 'other' WHERE id = $1`, c.entryAt(t, k).EntryID)
		return tampering{kind: history.Missing, sequence: k}
	},
	"text moves from one field to the next": func(t *rapid.T, c *chain, n int64) tampering {
		k := rapid.Int64Range(1, n).Draw(t, "k")
		c.tamper(t, `UPDATE history SET subject = '', target = subject WHERE id = $1`, c.entryAt(t, k).EntryID)
		return tampering{kind: history.Changed, sequence: k}
	},
	"an entry is deleted": func(t *rapid.T, c *chain, n int64) tampering {
		k := rapid.Int64Range(1, n).Draw(t, "k")
		c.tamper(t, `DELETE FROM history WHERE id = $1`, c.entryAt(t, k).EntryID)
		return tampering{kind: history.Missing, sequence: k}
	},
	"an entry is deleted with its place": func(t *rapid.T, c *chain, n int64) tampering {
		k := rapid.Int64Range(1, n-1).Draw(t, "k")
		c.tamper(t, `DELETE FROM history WHERE id = $1`, c.entryAt(t, k).EntryID)
		c.tamper(t, `DELETE FROM history_chain WHERE sequence = $1`, k)
		return tampering{kind: history.Gap, sequence: k}
	},
	"two entries change places": func(t *rapid.T, c *chain, n int64) tampering {
		i := rapid.Int64Range(1, n-1).Draw(t, "i")
		j := rapid.Int64Range(i+1, n).Draw(t, "j")
		c.tamper(t, `UPDATE history_chain SET sequence = -1 WHERE sequence = $1`, i)
		c.tamper(t, `UPDATE history_chain SET sequence = $1 WHERE sequence = $2`, i, j)
		c.tamper(t, `UPDATE history_chain SET sequence = $1 WHERE sequence = -1`, j)
		return tampering{sequence: i}
	},
	"two entries change what they say": func(t *rapid.T, c *chain, n int64) tampering {
		i := rapid.Int64Range(1, n-1).Draw(t, "i")
		j := rapid.Int64Range(i+1, n).Draw(t, "j")
		a, b := c.entryAt(t, i), c.entryAt(t, j)
		c.tamper(t, `UPDATE history SET id = '' WHERE id = $1`, a.EntryID)
		c.tamper(t, `UPDATE history SET id = $1 WHERE id = $2`, a.EntryID, b.EntryID)
		c.tamper(t, `UPDATE history SET id = $1 WHERE id = ''`, b.EntryID)
		return tampering{kind: history.Changed, sequence: i}
	},
	"a hash is changed": func(t *rapid.T, c *chain, n int64) tampering {
		k := rapid.Int64Range(1, n).Draw(t, "k")
		c.tamper(t, `UPDATE history_chain SET hash = $1 WHERE sequence = $2`, make([]byte, rapid.SampledFrom([]int{0, 31, 32, 33}).Draw(t, "size")), k)
		return tampering{kind: history.Changed, sequence: k}
	},
	"a link is changed": func(t *rapid.T, c *chain, n int64) tampering {
		k := rapid.Int64Range(1, n).Draw(t, "k")
		c.tamper(t, `UPDATE history_chain SET previous = $1 WHERE sequence = $2`, bytes.Repeat([]byte{7}, 32), k)
		return tampering{kind: history.Previous, sequence: k}
	},
	"an entry is changed with its hash": func(t *rapid.T, c *chain, n int64) tampering {
		k := rapid.Int64Range(1, n-1).Draw(t, "k")
		c.rewrite(t, k, k)
		if slices.Contains(c.checkpointsOf(t), k) { // which is asked first
			return tampering{kind: history.Refuted, sequence: c.checkpointBefore(t, k) + 1}
		}
		return tampering{kind: history.Changed, sequence: k}
	},
	"an entry is put in": func(t *rapid.T, c *chain, n int64) tampering {
		id := uuid.NewString()
		before := c.now.Add(-time.Minute - time.Duration(rapid.Int64Range(1, 1e6).Draw(t, "ms"))*time.Millisecond)
		if err := c.db.AppendHistory(t.Context(), history.Entry{ID: id, CreatedAt: before, Action: history.Created}); err != nil {
			t.Fatal(err)
		}
		c.seal(t)
		return tampering{kind: history.Unplaced, id: id}
	},
	"an entry is put in with a place where nobody looks": func(t *rapid.T, c *chain, n int64) tampering {
		e := history.Entry{ID: uuid.NewString(), CreatedAt: c.now.Add(-10 * time.Minute), Action: history.Created}
		if err := c.db.AppendHistory(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		sequence := rapid.SampledFrom([]int64{-1, 0, n + 1, n + 2, 1 << 40}).Draw(t, "sequence")
		c.tamper(t, `INSERT INTO history_chain (sequence, entry_id, previous, hash) VALUES ($1, $2, $3, $4)`, sequence, e.ID, []byte(c.entryAt(t, n).Hash), make([]byte, 32))
		return tampering{sequence: min(max(sequence, 1), n+1)}
	},
	"the end is cut off": func(t *rapid.T, c *chain, n int64) tampering {
		k := rapid.Int64Range(1, n).Draw(t, "k")
		c.cut(t, k)
		return tampering{kind: history.Cut, sequence: k}
	},
	"the end is cut off but for the note": func(t *rapid.T, c *chain, n int64) tampering {
		k := rapid.Int64Range(1, n).Draw(t, "k")
		note := c.entryAt(t, n)
		c.cut(t, k)
		c.tamper(t, `DELETE FROM history_checkpoint WHERE sequence >= $1`, k)
		c.tamper(t, `UPDATE history_head SET sequence = $1, hash = $2`, n, []byte(note.Hash))
		return tampering{kind: history.Cut, sequence: k}
	},
	"the end is cut off and the chain goes on": func(t *rapid.T, c *chain, n int64) tampering {
		k := rapid.Int64Range(1, n).Draw(t, "k")
		since := c.checkpointBefore(t, k) + 1
		c.cut(t, k)
		c.append(t, int(n)+5)
		c.seal(t)
		return tampering{kind: history.Refuted, sequence: since}
	},
	"all is written anew from one entry on": func(t *rapid.T, c *chain, n int64) tampering {
		k := rapid.Int64Range(1, n).Draw(t, "k")
		since := c.checkpointBefore(t, k) + 1
		c.rewrite(t, k, n)
		return tampering{kind: history.Refuted, sequence: since}
	},
	"a checkpoint is changed": func(t *rapid.T, c *chain, n int64) tampering {
		column := rapid.SampledFrom([]string{`at = at + 1`, `kid = 'other'`, `signature = hash`, `sequence = sequence + 1000000`, `sequence = -sequence`}).Draw(t, "column")
		sequences := c.checkpointsOf(t)
		k := rapid.SampledFrom(sequences).Draw(t, "k")
		c.tamper(t, `UPDATE history_checkpoint SET `+column+` WHERE sequence = $1`, k)
		return tampering{kind: history.Refuted}
	},
	"all is signed anew, by another key": func(t *rapid.T, c *chain, n int64) tampering {
		c.tamper(t, `DELETE FROM history_checkpoint`)
		c.tamper(t, `DELETE FROM history_key`)
		forger := &chain{db: c.db, box: seal.RandomKey().Box("history key"), now: c.now}
		forger.rewrite(t, 1, n)
		if err := forger.another(t).Close(); err != nil {
			t.Fatal(err)
		}
		return tampering{kind: history.Refuted, sequence: n}
	},
	"the note of the end is changed": func(t *rapid.T, c *chain, n int64) tampering {
		column := rapid.SampledFrom([]string{`sequence = sequence - 1`, `hash = ''`, `newest_at = newest_at - 1`, `newest_at = newest_at + 1`}).Draw(t, "column")
		c.tamper(t, `UPDATE history_head SET `+column)
		return tampering{kind: history.EndChanged, sequence: n}
	},
}

// rewrite changes entry k and computes the hashes anew up to another one.
func (c *chain) rewrite(t tb, k, to int64) {
	t.Helper()
	c.tamper(t, `UPDATE history SET name = 'forged' WHERE id = $1`, c.entryAt(t, k).EntryID)
	var head history.Head
	if k > 1 {
		head = history.Head{Sequence: k - 1, Hash: c.entryAt(t, k-1).Hash}
	}
	for n := k; n <= to; n++ {
		var links []history.Link
		links, head = history.Extend(head, []history.Record{c.entryAt(t, n).Record})
		c.tamper(t, `UPDATE history_chain SET previous = $1, hash = $2 WHERE sequence = $3`, []byte(links[0].Previous), []byte(links[0].Hash), n)
	}
	if state, err := c.db.ChainState(t.Context()); err != nil {
		t.Fatal(err)
	} else if to == state.Sequence {
		c.tamper(t, `UPDATE history_head SET hash = $1`, []byte(head.Hash))
	}
}

// cut takes away what comes from entry k on, and notes the end before it.
func (c *chain) cut(t tb, k int64) {
	t.Helper()
	c.tamper(t, `DELETE FROM history WHERE id IN (SELECT entry_id FROM history_chain WHERE sequence >= $1)`, k)
	c.tamper(t, `DELETE FROM history_chain WHERE sequence >= $1`, k)
	if k == 1 {
		c.tamper(t, `UPDATE history_head SET sequence = 0, hash = '', newest_at = 0`)
		return
	}
	end := c.entryAt(t, k-1)
	c.tamper(t, `UPDATE history_head SET sequence = $1, hash = $2, newest_at = $3`, k-1, []byte(end.Hash), end.Record.CreatedAt.UnixMilli())
}

func (c *chain) checkpointsOf(t tb) (sequences []int64) {
	t.Helper()
	checkpoints, err := c.db.ReadCheckpoints(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range checkpoints {
		sequences = append(sequences, c.Sequence)
	}
	return sequences
}

// checkpointBefore is the sequence of the last checkpoint before entry k; 0: none.
func (c *chain) checkpointBefore(t tb, k int64) (before int64) {
	t.Helper()
	for _, sequence := range c.checkpointsOf(t) {
		if sequence < k {
			before = sequence
		}
	}
	return before
}

// TestWhatSomebodyDoesToTheHistoryIsFound: whatever it is, the first broken record is named. Run it long with
// -rapid.checks=5000.
func TestWhatSomebodyDoesToTheHistoryIsFound(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		rapid.Check(t, func(t *rapid.T) {
			c := &chain{db: db}
			c.empty(t)
			c = newChain(t, db)
			for range rapid.IntRange(1, 3).Draw(t, "rounds") { // each ends with a checkpoint
				c.append(t, rapid.IntRange(1, 4).Draw(t, "entries"))
				c.now = c.now.Add(10 * time.Minute)
				c.append(t, 1)
				c.seal(t)
			}
			n := c.verify(t).Sealed
			what := rapid.SampledFrom(slices.Sorted(maps.Keys(tamperings))).Draw(t, "what")
			want := tamperings[what](t, c, n)
			report := c.verify(t)
			got := report.Broken
			switch {
			case got == nil:
				t.Fatalf("%s: nothing was found: %+v", what, report)
			case want.kind != "" && got.Kind != want.kind, want.sequence != 0 && got.Sequence != want.sequence, want.id != "" && got.ID != want.id, got.Detail == "":
				t.Fatalf("%s: expected %+v, got %+v", what, want, got)
			}
		})
	})
}

// TestACheckpointFromTheLog: who cuts the end off and takes the checkpoints with it is found out by what was logged.
func TestACheckpointFromTheLog(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		c := newChain(t, db)
		c.append(t, 5)
		c.seal(t)
		c.append(t, 5)
		if err := c.sealer.Close(); err != nil {
			t.Fatal(err)
		}
		logged := history.FindCheckpoints(c.log.Bytes())
		if report := c.verify(t, logged...); report.Broken != nil || report.External != 2 {
			t.Fatalf("got %+v, %+v", report, report.Broken)
		}
		forged := logged[1]
		forged.At = forged.At.Add(time.Second)
		if report := c.verify(t, forged); report.Broken == nil || report.Broken.Kind != history.Refuted {
			t.Errorf("a checkpoint that was changed: %+v", report)
		}
		c.cut(t, 8)
		c.tamper(t, `DELETE FROM history_checkpoint WHERE sequence > 7`)
		c.sound(t, 7, 0)
		if report := c.verify(t, logged...); report.Broken == nil || report.Broken.Kind != history.Cut || report.Broken.Sequence != 8 {
			t.Errorf("the end is cut off: %+v", report.Broken)
		}
		c.append(t, 9)
		c.seal(t)
		c.sound(t, 16, 0)
		if report := c.verify(t, logged...); report.Broken == nil || report.Broken.Kind != history.Refuted || report.Broken.Sequence != 6 {
			t.Errorf("and the chain went on: %+v", report.Broken)
		}
		if !strings.Contains(c.log.String(), "level=ERROR") {
			t.Errorf("the process that saw it says nothing: %s", &c.log)
		}
	})
}

// TestTimesThatAreNone: SQLite keeps what somebody writes into a column of numbers.
func TestTimesThatAreNone(t *testing.T) {
	db := testdb.OpenConfig(t, testdb.Config(t, store.SQLite))
	c := newChain(t, db)
	c.append(t, 3)
	c.seal(t)
	c.tamper(t, `UPDATE history SET created_at = 'yesterday' WHERE id = $1`, c.entryAt(t, 2).EntryID)
	if report := c.verify(t); report.Broken == nil || report.Broken.Sequence != 2 || !strings.Contains(report.Broken.Detail, "yesterday") {
		t.Errorf("got %+v", report.Broken)
	}
}

func TestHistoryKeyIsResealed(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		old, fresh := seal.RandomKey(), seal.RandomKey()
		c := &chain{db: db, box: old.Box("history key"), now: at(0)}
		c.sealer = c.another(t)
		c.append(t, 3)
		c.seal(t)
		keys := seal.NewKeys(fresh, old)
		both := keys.Box("history key")
		for want := 1; want >= 0; want-- {
			if n, err := history.Reseal(t.Context(), db, both); n != want || err != nil {
				t.Errorf("expected %d, got %d, %v", want, n, err)
			}
		}
		if report := c.verify(t); report.Broken == nil || !strings.Contains(report.Broken.Detail, fresh.ID()) || !strings.Contains(report.Broken.Detail, old.ID()) {
			t.Errorf("by the old key: %+v", report.Broken)
		}
		if _, err := history.OpenSigner(t.Context(), db, c.box, c.now, slog.New(slog.DiscardHandler)); err == nil {
			t.Error("the old key opens it")
		}
		c.box = fresh.Box("history key")
		c.sound(t, 3, 0)
	})
}

// TestAKeyThatIsGoneIsSaid, and another one signs.
func TestAKeyThatIsGoneIsSaid(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		c := newChain(t, db)
		c.append(t, 3)
		c.seal(t)
		c.tamper(t, `DELETE FROM history_key`)
		c.sealer = c.another(t)
		if !strings.Contains(c.log.String(), "a new one is made") {
			t.Errorf("got %s", &c.log)
		}
		if report := c.verify(t); report.Broken == nil || report.Broken.Kind != history.Refuted {
			t.Errorf("got %+v", report.Broken)
		}
	})
}

// TestEntriesAreReadPageByPage, each once and in the order of the history, however many there are of one millisecond.
func TestEntriesAreReadPageByPage(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		c := newChain(t, db)
		entries := world(t, db)
		c.now = at(1000)
		c.seal(t)
		for _, e := range names { // of which some sort otherwise by language than by bytes
			entries = append(entries, add(t, db, history.Entry{ID: uuid.NewString() + e, CreatedAt: at(3000), Name: e}))
		}
		// Replicas may give the same place twice.
		c.tamper(t, `UPDATE history SET place = 1 WHERE created_at = $1`, at(3000).UnixMilli())
		read := func(from, to time.Time, most int) (ids []string, sealed int) {
			t.Helper()
			var after history.Position
			for {
				page, err := db.ReadEntries(t.Context(), history.Filter{After: from, Before: to}, after, most)
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range page {
					if p := (history.Position{CreatedAt: e.CreatedAt, Place: e.Place, ID: e.ID}); e.CreatedAt.Before(after.CreatedAt) || e.CreatedAt.Equal(after.CreatedAt) && p.Place < after.Place {
						t.Errorf("%+v comes after %+v", p, after)
					} else {
						after = p
					}
					if ids = append(ids, e.ID); e.Sequence > 0 && len(e.Hash) == 32 {
						sealed++
					}
				}
				if len(page) == 0 {
					return ids, sealed
				}
			}
		}
		all, sealed := read(time.Time{}, time.Time{}, 1000)
		if len(all) != len(entries) || sealed != len(entries)-len(names) {
			t.Errorf("expected %d, got %d, of which %d are sealed", len(entries), len(all), sealed)
		}
		for _, most := range []int{1, 7} {
			if got, _ := read(time.Time{}, time.Time{}, most); !slices.Equal(got, all) {
				t.Errorf("%d a page: other entries, or in another order", most)
			}
		}
		if some, _ := read(at(2), at(4), 3); len(some) != 21 {
			t.Errorf("expected 21 from one time to another, got %d", len(some))
		}
		places, err := db.ReadPlaces(t.Context(), history.Position{}, 1000)
		if err != nil || len(places) != len(entries) || !places[0].Sealed || places[len(places)-1].Sealed {
			t.Errorf("got %d places, %v", len(places), err)
		}
	})
}
