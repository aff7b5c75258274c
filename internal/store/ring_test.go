package store_test

import (
	"context"
	"io"
	"log/slog"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/seal"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/sts"
	"github.com/portico-iam/portico/internal/testdb"
)

// The store decides which key signs: replicas that begin, rotate and cut at once agree afterwards.
func TestReplicasAgreeOnTheKeys(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		const replicas = 4
		logger := slog.New(slog.NewTextHandler(io.Discard, nil))
		key := seal.RandomKey()
		now := func() time.Time { return time.Now() }
		rings := make([]*sts.Ring, replicas)
		each := func(do func(i int) error) {
			t.Helper()
			var wg sync.WaitGroup
			for i := range replicas {
				wg.Go(func() {
					if err := do(i); err != nil && !fault.Unavailable.Is(err) && !fault.NotFound.Is(err) {
						t.Error(err)
					}
				})
			}
			wg.Wait()
		}
		agree := func(when string) sts.Report {
			t.Helper()
			each(func(i int) error { return rings[i].Maintain(context.Background()) })
			for i, r := range rings {
				w := httptest.NewRecorder()
				r.ServeJWKS(w, httptest.NewRequest("GET", "/", nil))
				if w.Body.String() != string(rings[0].JWKS()) {
					t.Errorf("%s: replica %d publishes other keys", when, i)
				}
			}
			report, err := rings[0].Report(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			states := map[sts.KeyState]int{}
			for _, k := range report.Keys {
				states[k.State]++
			}
			if states[sts.KeyActive] != 1 || states[sts.KeyNext] != 1 {
				t.Errorf("%s: %v", when, states)
			}
			return report
		}
		each(func(i int) (err error) {
			rings[i], err = sts.OpenRing(context.Background(), sts.RingConfig{
				Store: db, Box: key.Box("signing key"), Rotation: time.Hour, Overlap: time.Hour, Keep: time.Hour,
				History: &history.Recorder{Store: db, Now: now, Logger: logger}, Now: now, Logger: logger,
			})
			return err
		})
		begun := agree("begun")
		next, _ := begun.Key(sts.KeyNext)
		each(func(i int) error {
			err := rings[i].Rotate(context.Background(), "ada", next.KID, true)
			if fault.KeyNotNext.Is(err) { // another one was faster
				return nil
			}
			return err
		})
		rotated := agree("rotated")
		active, _ := rotated.Key(sts.KeyActive)
		each(func(i int) error { return rings[i].Cut(context.Background(), "ada", active.KID) })
		report := agree("cut")
		for _, k := range report.Keys {
			if k.KID == active.KID {
				t.Error("the key that was cut off is there")
			}
		}
		_, rotations, err := db.ListHistory(t.Context(), history.Filter{Actions: []string{"ACTIVATED"}, Size: 100})
		_, cuts, cutErr := db.ListHistory(t.Context(), history.Filter{Actions: []string{"REVOKED"}, Size: 100})
		if err != nil || cutErr != nil || cuts != 1 || rotations != len(report.Keys)-1 {
			t.Errorf("%d cuts and %d activations are recorded for %d keys", cuts, rotations, len(report.Keys))
		}
	})
}
