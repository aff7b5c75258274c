package store_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/session"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/sts"
	"github.com/portico-iam/portico/internal/testdb"
)

func TestKeys(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		keys, revision, err := db.LoadKeys(t.Context())
		if err != nil || revision != 0 || len(keys) != 0 {
			t.Fatalf("expected an empty ring of revision 0, got %v, %d, %v", keys, revision, err)
		}
		every := make([]byte, 256)
		for i := range every {
			every[i] = byte(i)
		}
		public := make([]byte, 32)
		rand.Read(public)
		ring := []sts.KeyRecord{
			{KID: "a", State: sts.KeyRetired, Sealed: every, SealedBy: "kek-1", Public: public, CreatedAt: at(1), PublishedFrom: at(4), ActivatesAt: at(2), RetiredAt: at(3)},
			{KID: "b", State: sts.KeyActive, Sealed: bytes.Repeat([]byte{0}, 64), Public: public, CreatedAt: at(2), ActivatesAt: at(3)},
			{KID: "c", State: sts.KeyNext, CreatedAt: at(3), ActivatesAt: at(9)},
		}
		if err := db.SaveKeys(t.Context(), 0, ring); err != nil {
			t.Fatal(err)
		}
		keys, revision, err = db.LoadKeys(t.Context())
		if err != nil || revision != 1 {
			t.Fatalf("expected revision 1, got %d, %v", revision, err)
		}
		ring[1].PublishedFrom, ring[2].PublishedFrom = at(2), at(3) // where it is not said, since they were made
		if !reflect.DeepEqual(keys, ring) {
			t.Errorf("expected %+v, got %+v", ring, keys)
		}
		for _, base := range []int64{0, 2, -1} {
			if err := db.SaveKeys(t.Context(), base, nil); !errors.Is(err, sts.ErrKeysChanged) {
				t.Errorf("base %d: expected ErrKeysChanged, got %v", base, err)
			}
		}
		ring[1].PublishedFrom = at(8) // after a pause
		if err := db.SaveKeys(t.Context(), 1, ring[1:2]); err != nil {
			t.Fatal(err)
		}
		if err := db.NoteAlive(t.Context(), at(7)); err != nil {
			t.Fatal(err)
		}
		if revision, alive, err := db.KeyRevision(t.Context()); err != nil || revision != 2 || !alive.Equal(at(7)) {
			t.Errorf("a sign of life changes no revision: got %d, %s, %v", revision, alive, err)
		}
		if keys, revision, err = db.LoadKeys(t.Context()); err != nil || revision != 2 || len(keys) != 1 || keys[0].KID != "b" || !keys[0].PublishedFrom.Equal(at(8)) {
			t.Errorf("expected key b alone at revision 2, got %+v, %d, %v", keys, revision, err)
		}
	})
}

func TestSaveKeysRace(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		var won atomic.Int64
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				err := db.SaveKeys(t.Context(), 0, []sts.KeyRecord{{KID: fmt.Sprint(i), State: sts.KeyActive, CreatedAt: at(1)}})
				switch {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, sts.ErrKeysChanged):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		keys, revision, err := db.LoadKeys(t.Context())
		if err != nil || won.Load() != 1 || revision != 1 || len(keys) != 1 {
			t.Errorf("expected one winner, got %d; revision %d, %d keys, %v", won.Load(), revision, len(keys), err)
		}
	})
}

func TestAChangeOfKeysIsRecordedOrNotMade(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		entry := history.Entry{ID: uuid.NewString(), CreatedAt: at(1), Action: history.Activated, EntityType: history.Key, Name: "a", Source: history.SourceSTS}
		key := sts.KeyRecord{KID: "a", State: sts.KeyActive, CreatedAt: at(1)}
		if err := db.SaveKeys(t.Context(), 0, []sts.KeyRecord{key}, entry); err != nil {
			t.Fatal(err)
		}
		if got, found, err := db.GetHistory(t.Context(), entry.ID); err != nil || !found || got.Name != "a" {
			t.Errorf("the entry is missing: %+v, %v", got, err)
		}
		if err := db.SaveKeys(t.Context(), 1, nil, entry); err == nil { // the id is taken
			t.Fatal("the same entry was stored twice")
		}
		if keys, revision, err := db.LoadKeys(t.Context()); err != nil || revision != 1 || len(keys) != 1 {
			t.Errorf("the keys changed without a record: %d keys at revision %d, %v", len(keys), revision, err)
		}
		if revision, _, err := db.KeyRevision(t.Context()); err != nil || revision != 1 {
			t.Errorf("got revision %d, %v", revision, err)
		}
	})
}

func TestTheLatestUseOfAKeyCounts(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		ring := []sts.KeyRecord{{KID: "a", State: sts.KeyActive, CreatedAt: at(1)}}
		if err := db.SaveKeys(t.Context(), 0, ring); err != nil {
			t.Fatal(err)
		}
		used := func(want time.Time) {
			t.Helper()
			if keys, _, err := db.LoadKeys(t.Context()); err != nil || !keys[0].UsedAt.Equal(want) {
				t.Errorf("expected %s, got %+v, %v", want, keys, err)
			}
		}
		for _, c := range []struct{ note, want time.Time }{{at(5), at(5)}, {at(4), at(5)}, {at(6), at(6)}} {
			if err := db.NoteKeyUse(t.Context(), "a", c.note); err != nil {
				t.Fatal(err)
			}
			used(c.want)
		}
		if err := db.SaveKeys(t.Context(), 1, ring); err != nil { // by who read it before
			t.Fatal(err)
		}
		used(at(6))
		if err := db.NoteKeyUse(t.Context(), "gone", at(7)); err != nil {
			t.Errorf("a key that is gone: %v", err)
		}
	})
}

func TestWhoFetchedTheKeys(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		fetch := func(verifier, address string, s int64, kids ...string) sts.Fetch {
			return sts.Fetch{Verifier: verifier, Address: address, Agent: "curl/8", At: at(s), KIDs: kids}
		}
		note := func(since time.Time, most int, fetches ...sts.Fetch) {
			t.Helper()
			if err := db.NoteFetches(t.Context(), fetches, since, most); err != nil {
				t.Fatal(err)
			}
		}
		mustBe := func(rule string, want ...sts.Fetch) {
			t.Helper()
			if got, err := db.Fetches(t.Context()); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s:\n got %+v, %v\nwant %+v", rule, got, err, want)
			}
		}
		note(at(0), 9, fetch("core", "10.0.0.1", 10, "a"), fetch("", "10.0.0.2", 11, "a", "b"))
		mustBe("latest first", fetch("", "10.0.0.2", 11, "a", "b"), fetch("core", "10.0.0.1", 10, "a"))
		note(at(0), 9, fetch("core", "10.0.0.1", 12, "b"), fetch("", "10.0.0.2", 9, "z"))
		mustBe("the later one counts", fetch("core", "10.0.0.1", 12, "b"), fetch("", "10.0.0.2", 11, "a", "b"))
		note(at(0), 2, fetch("", "10.0.0.3", 13), fetch("", "10.0.0.4", 14), fetch("", "10.0.0.5", 15))
		if got, err := db.Fetches(t.Context()); err != nil || len(got) != 3 || got[0].Address != "10.0.0.5" || got[1].Address != "10.0.0.4" || got[2].Verifier != "core" {
			t.Errorf("two of the others and the named one stay, got %+v, %v", got, err)
		}
		note(at(15), 9)
		if got, err := db.Fetches(t.Context()); err != nil || len(got) != 1 {
			t.Errorf("who did not come for long is forgotten, got %+v, %v", got, err)
		}
	})
}

func TestSessionsAreSealedAnew(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		const many = 1203 // more than two transactions
		for i := range many {
			r := session.Record{Ref: fmt.Sprintf("ref-%04d", i), Hash: fmt.Sprint(i), Sealed: []byte{byte(i % 2)}, CreatedAt: at(1), SeenAt: at(1), EndsAt: at(9), Version: 1}
			if err := testdb.InsertSession(t.Context(), db, r); err != nil {
				t.Fatal(err)
			}
		}
		seen := map[string]bool{}
		run := func() (int, error) {
			return db.ResealSessions(t.Context(), func(ref string, sealed []byte) ([]byte, bool) {
				seen[ref] = true
				return []byte{1}, sealed[0] == 0
			})
		}
		if n, err := run(); err != nil || n != many/2+1 || len(seen) != many {
			t.Errorf("expected %d of %d, got %d of %d, %v", many/2+1, many, n, len(seen), err)
		}
		if n, err := run(); err != nil || n != 0 {
			t.Errorf("a second run finds nothing to do, got %d, %v", n, err)
		}
		r, found, err := db.GetSession(t.Context(), "0", at(2))
		if err != nil || !found || !bytes.Equal(r.Sealed, []byte{1}) || r.Version != 1 {
			t.Errorf("got %+v, %v", r, err)
		}
	})
}
