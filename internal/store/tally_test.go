package store_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// TestTallyHistory: whatever the filter, the counts add up to the total of the list, and each day to that of its list.
func TestTallyHistory(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		world(t, db)
		for i, moment := range []time.Time{noon.Truncate(day), noon.Truncate(day).Add(-time.Millisecond), noon, noon.Add(day), noon.Add(day), noon.Add(3*day - time.Millisecond)} {
			add(t, db, history.Entry{
				CreatedAt: moment, Action: []history.Action{history.Created, history.Rejected}[i%2],
				EntityType: history.STSSession, OrganisationID: access.OrganisationID([]string{"", "org a"}[i%2]),
			})
		}
		for name, c := range filters {
			for _, when := range []struct{ after, before time.Time }{{}, {noon.Truncate(day), time.Time{}}, {noon.Truncate(day), noon.Add(day)}} {
				f := c.filter
				if !when.after.IsZero() {
					f.After, f.Before = when.after, when.before
				}
				tallies, err := db.TallyHistory(t.Context(), f)
				if err != nil {
					t.Fatal(err)
				}
				sum := 0
				for _, tally := range tallies {
					sum += tally.Count
					one := f
					one.Actions, one.EntityTypes = []string{string(tally.Action)}, []string{string(tally.EntityType)}
					one.After, one.Before = later(f.After, tally.Day), earlier(f.Before, tally.Day.Add(day-time.Millisecond))
					if _, total, err := db.ListHistory(t.Context(), one); err != nil || total != tally.Count {
						t.Errorf("%s: %+v, but the list has %d, %v", name, tally, total, err)
					}
				}
				if _, total, err := db.ListHistory(t.Context(), f); err != nil || total != sum {
					t.Errorf("%s from %s: the days add up to %d, the list has %d, %v", name, f.After, sum, total, err)
				}
			}
		}
	})
}

const day = 24 * time.Hour

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// BenchmarkTallyHistory counts two weeks of a history of 1,000,000 entries, all of them within those.
func BenchmarkTallyHistory(b *testing.B) {
	benchEach(b, func(b *testing.B, cfg store.Config) {
		db := testdb.OpenConfig(b, cfg)
		const count, batch = 1_000_000, 10_000
		for i := 0; i < count; i += batch {
			entries := make([]history.Entry, batch)
			for j := range entries {
				n := i + j
				entries[j] = history.Entry{
					ID: uuid.NewString(), CreatedAt: noon.Add(time.Duration(n) * 14 * day / count), Source: history.SourceSTS, User: fmt.Sprint("user ", n%1000),
					Action:     []history.Action{history.Created, history.Created, history.Rejected, history.Updated, history.Deleted}[n%5],
					EntityType: []history.EntityType{history.STSSession, history.STSToken, history.STSRole}[n%3], EntityID: fmt.Sprint("entity ", n%5000),
					Metadata: []byte(`{"issuer":"https://dev-12345.okta.com/oauth2/default","iamRoles":["Acme Issuance","Everyone"],"odd":null}`),
				}
			}
			if err := db.CommitChange(b.Context(), int64(i/batch), access.Change{}, entries); err != nil {
				b.Fatal(err)
			}
		}
		for _, organisation := range []access.OrganisationID{"all", access.System} {
			f := history.Filter{Actions: []string{"CREATED", "REJECTED"}, After: noon.Truncate(day), Before: noon.Add(14 * day)}
			if organisation != "all" {
				f.OrganisationIDs = []access.OrganisationID{organisation}
			}
			b.Run(fmt.Sprintf("%q", organisation), func(b *testing.B) {
				for b.Loop() {
					tallies, err := db.TallyHistory(b.Context(), f)
					if err != nil || len(tallies) == 0 {
						b.Fatal(tallies, err)
					}
				}
			})
		}
	})
}

// TestTallyHistoryReadsTheIndexAlone: a count over many entries must not read each of them.
func TestTallyHistoryReadsTheIndexAlone(t *testing.T) {
	db := testdb.OpenConfig(t, sqliteAt(filepath.Join(t.TempDir(), "portico.db")))
	for _, organisations := range [][]access.OrganisationID{nil, {"org a"}} {
		f := history.Filter{Actions: []string{"CREATED", "REJECTED"}, After: noon, Before: noon.Add(14 * day), OrganisationIDs: organisations}
		if plan, err := db.PlanOfTally(t.Context(), f); err != nil || !strings.Contains(plan, "USING COVERING INDEX") {
			t.Errorf("%v: got %s, %v", organisations, plan, err)
		}
	}
}
