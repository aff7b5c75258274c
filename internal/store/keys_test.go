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
			{KID: "a", State: sts.KeyRetired, Sealed: every, Public: public, CreatedAt: at(1), ActivatedAt: at(2), RetiredAt: at(3)},
			{KID: "b", State: sts.KeyActive, Sealed: bytes.Repeat([]byte{0}, 64), Public: public, CreatedAt: at(2), ActivatedAt: at(3)},
			{KID: "c", State: sts.KeyNext, CreatedAt: at(3)},
		}
		if err := db.SaveKeys(t.Context(), 0, ring); err != nil {
			t.Fatal(err)
		}
		keys, revision, err = db.LoadKeys(t.Context())
		if err != nil || revision != 1 {
			t.Fatalf("expected revision 1, got %d, %v", revision, err)
		}
		if !reflect.DeepEqual(keys, ring) {
			t.Errorf("expected %+v, got %+v", ring, keys)
		}
		for _, base := range []int64{0, 2, -1} {
			if err := db.SaveKeys(t.Context(), base, nil); !errors.Is(err, sts.ErrKeysChanged) {
				t.Errorf("base %d: expected ErrKeysChanged, got %v", base, err)
			}
		}
		if err := db.SaveKeys(t.Context(), 1, ring[1:2]); err != nil {
			t.Fatal(err)
		}
		if keys, revision, err = db.LoadKeys(t.Context()); err != nil || revision != 2 || len(keys) != 1 || keys[0].KID != "b" {
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
