package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

// TestFirstChanges: of each row the first change from a version on, and of what others wrote nothing.
func TestFirstChanges(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		var m access.Model
		change := func(ms int64, action history.Action, ids ...string) {
			t.Helper()
			var entries []history.Entry
			for _, id := range ids {
				entries = append(entries, history.Entry{
					ID: uuid.NewString(), CreatedAt: at(ms), Action: action, EntityType: history.STSRole, EntityID: id, Source: history.SourceSTS,
					Name: fmt.Sprintf("%s %d", id, ms), Metadata: history.Details(map[string]int64{"ms": ms}),
				})
			}
			m = commit(t, db, m, access.Change{At: at(ms)}, entries...)
		}
		changedAfter := func(ms int64) (int64, time.Time) {
			t.Helper()
			version, oldest, err := db.ChangedAfter(ctx, at(ms))
			if err != nil {
				t.Fatal(err)
			}
			return version, oldest
		}
		if version, oldest := changedAfter(0); version != 0 || !oldest.IsZero() {
			t.Errorf("an empty store: got %d, %s", version, oldest)
		}
		change(10, history.Created, "b", "a") // version 1
		change(20, history.Updated, "a")      // 2
		change(20, history.Activated, "c")    // 3: tells of no change
		change(30, history.Deleted, "a", "d") // 4
		change(25, history.Updated, "b")      // 5, by a clock that is behind
		for _, forged := range []history.Action{history.Created, history.Updated, history.Deleted} {
			add(t, db, history.Entry{CreatedAt: at(5), Action: forged, EntityType: history.STSRole, EntityID: "a", Source: history.SourceSTS, Metadata: []byte(`{}`)})
			add(t, db, history.Entry{CreatedAt: at(28), Action: forged, EntityType: history.STSIAMRole, EntityID: "e", Source: history.SourceSTS, Metadata: []byte(`{}`)})
		}
		for ms, want := range map[int64]int64{0: 1, 9: 1, 10: 2, 19: 2, 20: 4, 25: 4, 29: 4, 30: 0, 31: 0} {
			if version, oldest := changedAfter(ms); version != want || !oldest.Equal(at(10)) {
				t.Errorf("after %d: got version %d, want %d; oldest %s", ms, version, want, oldest)
			}
		}
		for _, c := range []struct {
			from  int64
			after string
			most  int
			want  []string
		}{
			{1, "", 10, []string{"a 10", "b 10", "d 30"}},
			{2, "", 10, []string{"a 20", "b 25", "d 30"}},
			{3, "", 10, []string{"a 30", "b 25", "d 30"}},
			{5, "", 10, []string{"b 25"}},
			{6, "", 10, nil},
			{1, "", 2, []string{"a 10", "b 10"}},
			{1, "b", 2, []string{"d 30"}},
		} {
			entries, err := db.FirstChanges(ctx, c.from, c.after, c.most)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, e := range entries {
				got = append(got, e.Name)
				if len(e.Metadata) == 0 || e.EntityType != history.STSRole {
					t.Errorf("got %+v", e)
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("from %d after %q: got %v, want %v", c.from, c.after, got, c.want)
			}
		}
	})
}
