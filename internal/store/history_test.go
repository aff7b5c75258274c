package store_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

func add(t *testing.T, db *store.DB, e history.Entry) history.Entry {
	t.Helper()
	if e.ID == "" {
		e.ID = uuid.NewString()
	}
	if err := db.AppendHistory(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestHistoryEntry(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		full := add(t, db, history.Entry{
			CreatedAt: at(1), Action: history.Created, EntityType: history.STSRole, EntityID: uuid.NewString(), Name: "👩‍👩‍👧‍👦 'x'",
			OrganisationID: "org", Source: history.SourceSTS, Target: "did:example:1", User: "00u1",
			Metadata: json.RawMessage("{ \"a\": [1, 2.50],\n \"b\": \"\\u0000 Zürich\" }"),
		})
		bare := add(t, db, history.Entry{CreatedAt: at(2)})
		for _, want := range []history.Entry{full, bare} {
			got, found, err := db.GetHistory(t.Context(), want.ID)
			if err != nil || !found || !reflect.DeepEqual(got, want) {
				t.Errorf("expected %+v, got %+v, %v, %v", want, got, found, err)
			}
		}
		if got, found, err := db.GetHistory(t.Context(), uuid.NewString()); err != nil || found || !reflect.DeepEqual(got, history.Entry{}) {
			t.Errorf("expected nothing, got %+v, %v, %v", got, found, err)
		}
		if err := db.AppendHistory(t.Context(), full); err == nil {
			t.Error("expected a second entry of the same id to be refused")
		}
		for _, name := range names {
			want := add(t, db, history.Entry{CreatedAt: at(3), Name: name, User: name})
			if got, _, err := db.GetHistory(t.Context(), want.ID); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("expected %+v, got %+v, %v", want, got, err)
			}
			if _, total, err := db.ListHistory(t.Context(), history.Filter{Users: []string{name}, Size: 10}); err != nil || total != 1 {
				t.Errorf("user %q: expected 1, got %d, %v", name, total, err)
			}
			if _, total, err := db.ListHistory(t.Context(), history.Filter{Name: name, After: at(3), Size: 10}); name != "" && (err != nil || total == 0) {
				t.Errorf("name %q is not found by itself: %v", name, err)
			}
		}
	})
}

// TestHistoryIsSearchedByAPartOfTheName, in which nothing stands for anything else.
func TestHistoryIsSearchedByAPartOfTheName(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		for i, name := range []string{`Acme Issuance`, `100% acme_x`, `back\slash`, `Zürich ÄÖÜ`} {
			add(t, db, history.Entry{CreatedAt: at(int64(i)), Name: name})
		}
		for part, want := range map[string]int{
			`Acme`: 2, `ACME ISS`: 1, `acme`: 2, `%`: 1, `_`: 1, `\`: 1, `0% a`: 1, `ÄÖÜ`: 1, `zürich`: 1, `Zür`: 1, `c_e`: 0, `Acme%`: 0, `' OR 1=1 --`: 0, `a`: 3,
		} {
			if _, total, err := db.ListHistory(t.Context(), history.Filter{Name: part, Size: 10}); err != nil || total != want {
				t.Errorf("%q: expected %d, got %d, %v", part, want, total, err)
			}
		}
	})
}

// world is a history in which every filter has something to choose.
func world(t *testing.T, db *store.DB) []history.Entry {
	t.Helper()
	var entries []history.Entry
	for i := range 60 {
		entries = append(entries, add(t, db, history.Entry{
			CreatedAt:      at(int64(i / 7)), // many in one millisecond
			Action:         []history.Action{history.Created, history.Updated, history.Deleted, history.Rejected}[i%4],
			EntityType:     []history.EntityType{history.STSRole, history.STSIAMRole, history.Organisation}[i%3],
			EntityID:       fmt.Sprint("entity ", i%5),
			OrganisationID: access.OrganisationID([]string{"", "org a", "org B"}[i%3]),
			Source:         []history.Source{history.SourceSTS, history.SourceBFF}[i%2],
			User:           []string{"ada", "Ada", "ivan", "", "ádám", "_", "Zoe"}[i%7],
		}))
	}
	return entries
}

var filters = map[string]struct {
	filter history.Filter
	chosen func(e history.Entry) bool
}{
	"nothing": {history.Filter{}, func(history.Entry) bool { return true }},
	"action":  {history.Filter{Actions: []string{"CREATED"}}, func(e history.Entry) bool { return e.Action == "CREATED" }},
	"actions": {
		history.Filter{Actions: []string{"CREATED", "DELETED", "nope"}},
		func(e history.Entry) bool { return e.Action == "CREATED" || e.Action == "DELETED" },
	},
	"unknown action": {history.Filter{Actions: []string{"' OR 1=1 --"}}, func(history.Entry) bool { return false }},
	"entity type":    {history.Filter{EntityTypes: []string{"STS_ROLE"}}, func(e history.Entry) bool { return e.EntityType == "STS_ROLE" }},
	"entity":         {history.Filter{EntityIDs: []string{"entity 3"}}, func(e history.Entry) bool { return e.EntityID == "entity 3" }},
	"user":           {history.Filter{Users: []string{"ada"}}, func(e history.Entry) bool { return e.User == "ada" }},
	"no user":        {history.Filter{Users: []string{""}}, func(e history.Entry) bool { return e.User == "" }},
	"source":         {history.Filter{Sources: []string{"BFF"}}, func(e history.Entry) bool { return e.Source == "BFF" }},
	"organisation": {
		history.Filter{OrganisationIDs: []access.OrganisationID{"org a"}},
		func(e history.Entry) bool { return e.OrganisationID == "org a" },
	},
	"after":  {history.Filter{After: at(3)}, func(e history.Entry) bool { return !e.CreatedAt.Before(at(3)) }},
	"before": {history.Filter{Before: at(3)}, func(e history.Entry) bool { return !e.CreatedAt.After(at(3)) }},
	"between": {
		history.Filter{After: at(3), Before: at(3)},
		func(e history.Entry) bool { return e.CreatedAt.Equal(at(3)) },
	},
	"after a part of a millisecond": {
		history.Filter{After: at(3).Add(time.Microsecond)},
		func(e history.Entry) bool { return e.CreatedAt.After(at(3)) },
	},
	"before a part of a millisecond": {
		history.Filter{Before: at(3).Add(time.Microsecond)},
		func(e history.Entry) bool { return !e.CreatedAt.After(at(3)) },
	},
	"all at once": {
		history.Filter{
			Actions: []string{"CREATED", "UPDATED"}, EntityTypes: []string{"STS_ROLE", "ORGANISATION"}, Sources: []string{"STS"},
			EntityIDs: []string{"entity 0", "entity 1", "entity 2"}, OrganisationIDs: []access.OrganisationID{"", "org B"}, After: at(1), Before: at(7),
		},
		func(e history.Entry) bool {
			return (e.Action == "CREATED" || e.Action == "UPDATED") && e.EntityType != "STS_IAM_ROLE" && e.Source == "STS" &&
				e.EntityID < "entity 3" && e.OrganisationID != "org a" && !e.CreatedAt.Before(at(1)) && !e.CreatedAt.After(at(7))
		},
	},
}

var sorts = map[string]func(e history.Entry) string{
	"":               func(e history.Entry) string { return fmt.Sprintf("%020d", e.CreatedAt.UnixMilli()) },
	"createdDate":    func(e history.Entry) string { return fmt.Sprintf("%020d", e.CreatedAt.UnixMilli()) },
	"action":         func(e history.Entry) string { return string(e.Action) },
	"entityType":     func(e history.Entry) string { return string(e.EntityType) },
	"source":         func(e history.Entry) string { return string(e.Source) },
	"user":           func(e history.Entry) string { return e.User },
	"organisationId": func(e history.Entry) string { return string(e.OrganisationID) },
}

// expected filters and sorts entries, which are in the order in which they were stored, as ListHistory should.
func expected(entries []history.Entry, f history.Filter, chosen func(history.Entry) bool) []history.Entry {
	var list []history.Entry
	for _, e := range entries {
		if chosen(e) {
			list = append(list, e)
		}
	}
	byDate := f.Sort == "" || f.Sort == "createdDate"
	if !byDate || f.Descending {
		slices.Reverse(list) // of equals the later stored comes first
	}
	slices.SortStableFunc(list, func(a, b history.Entry) int {
		c := cmp.Compare(sorts[f.Sort](a), sorts[f.Sort](b))
		if f.Descending {
			return -c
		}
		return c
	})
	return list
}

func TestListHistory(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		entries := world(t, db)
		for name, c := range filters {
			for sort := range sorts {
				for _, descending := range []bool{false, true} {
					f := c.filter
					f.Sort, f.Descending, f.Size = sort, descending, 1000
					want := expected(entries, f, c.chosen)
					got, total, err := db.ListHistory(t.Context(), f)
					if err != nil || total != len(want) || !reflect.DeepEqual(got, want) {
						t.Errorf("%s by %q, descending %v: expected %d entries, got %d of %d, %v: %s",
							name, sort, descending, len(want), len(got), total, err, firstDifference(want, got))
					}
				}
			}
		}
	})
}

func firstDifference(want, got []history.Entry) string {
	for i := range min(len(want), len(got)) {
		if !reflect.DeepEqual(want[i], got[i]) {
			return fmt.Sprintf("entry %d: expected %+v, got %+v", i, want[i], got[i])
		}
	}
	return "one is longer"
}

func TestListHistoryPages(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		// A thousand and five, nearly all in one millisecond; a change may bring many entries.
		const count = 1005
		var entries []history.Entry
		for i := range count {
			entries = append(entries, history.Entry{ID: uuid.NewString(), CreatedAt: at(int64(i / 1000)), Action: history.Created})
		}
		if err := db.CommitChange(t.Context(), 0, access.Change{}, entries); err != nil {
			t.Fatal(err)
		}
		for _, f := range []history.Filter{{}, {Descending: true}, {Sort: "action"}, {Sort: "action", Descending: true}} {
			for _, size := range []int{1, 7, 1000} {
				want := expected(entries, f, func(history.Entry) bool { return true })
				for _, page := range []int{0, 1, count/size - 1, count / size} {
					f.Size, f.Page = size, page
					got, total, err := db.ListHistory(t.Context(), f)
					if err != nil || total != count {
						t.Fatalf("expected %d in all, got %d, %v", count, total, err)
					}
					if page := want[min(page*size, count):min((page+1)*size, count)]; len(got) != len(page) || len(page) > 0 && !reflect.DeepEqual(got, page) {
						t.Errorf("page %d of size %d by %q, descending %v: %s", f.Page, size, f.Sort, f.Descending, firstDifference(page, got))
					}
				}
			}
		}
		for _, f := range []history.Filter{{Page: count, Size: 1}, {Page: math.MaxInt, Size: 1000}, {Page: 0, Size: 0}} {
			if got, total, err := db.ListHistory(t.Context(), f); err != nil || total != count || len(got) != 0 {
				t.Errorf("page %d of size %d: expected nothing of %d, got %d of %d, %v", f.Page, f.Size, count, len(got), total, err)
			}
		}
		for _, f := range []history.Filter{{Size: 1001}, {Size: -1}, {Page: -1, Size: 1}, {Size: 1, Sort: "name"}, {Size: 1, Sort: "id; --"}} {
			if _, _, err := db.ListHistory(t.Context(), f); err == nil {
				t.Errorf("expected %+v to be refused", f)
			}
		}
	})
}

func TestAppendHistoryFromManySides(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 20 {
					if err := db.AppendHistory(t.Context(), history.Entry{ID: uuid.NewString(), CreatedAt: at(1)}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		seen := map[string]bool{}
		for page := range 16 {
			entries, total, err := db.ListHistory(t.Context(), history.Filter{Page: page, Size: 10})
			if err != nil || total != 160 {
				t.Fatalf("expected 160, got %d, %v", total, err)
			}
			for _, e := range entries {
				seen[e.ID] = true
			}
		}
		if len(seen) != 160 {
			t.Errorf("expected every entry on one page, got %d different ones", len(seen))
		}
	})
}
