package store_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/session"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

func newSession(hash string) session.Record {
	return session.Record{
		Ref: uuid.NewString(), Hash: hash, Sealed: []byte{0, 1, 255},
		Principal: access.Principal{
			Issuer: "https://acme.okta.com/oauth2/default", Subject: "00u1", ClientID: "web", IAMRoles: []string{"Acme Issuance", "👩‍👩‍👧‍👦", "a\x00b"},
			GivenName: "Åsa", FamilyName: "Öberg", Login: "asa@acme.test", NotAfter: at(9000), Odd: []string{"a number among the roles"},
		},
		ActiveOrganisation: "11111111-2222-3333-4444-555555555555",
		CreatedAt:          at(0), SeenAt: at(1), EndsAt: at(10_000), Version: 1, From: session.From{Address: "2001:db8::1", Browser: "Firefox", System: "Windows"},
	}
}

func insert(t *testing.T, db *store.DB, r session.Record) {
	t.Helper()
	if err := testdb.InsertSession(t.Context(), db, r); err != nil {
		t.Fatal(err)
	}
}

// checkSession looks for want by a hash; nil: there must be none.
func checkSession(t *testing.T, db *store.DB, hash string, now time.Time, want *session.Record) {
	t.Helper()
	got, found, err := db.GetSession(t.Context(), hash, now)
	switch {
	case err != nil:
		t.Fatal(err)
	case found != (want != nil):
		t.Errorf("session %s: expected found %v, got %v", hash, want != nil, found)
	case want != nil && !reflect.DeepEqual(*want, got):
		t.Errorf("session %s: expected %+v, got %+v", hash, *want, got)
	case want == nil && !reflect.DeepEqual(session.Record{}, got):
		t.Errorf("session %s: expected nothing, got %+v", hash, got)
	}
}

func TestSession(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		r, other := newSession("h1"), newSession("h2")
		insert(t, db, r)
		insert(t, db, other)
		checkSession(t, db, "h1", at(0), &r)
		for _, none := range []string{"", "h3", "H1", "h1 "} {
			checkSession(t, db, none, at(0), nil)
		}
		if err := testdb.InsertSession(t.Context(), db, r); err == nil {
			t.Error("expected the same session to be refused")
		}
		taken := newSession("h1")
		if err := testdb.InsertSession(t.Context(), db, taken); err == nil {
			t.Error("expected the same hash to be refused")
		}

		// A renewed cookie: both work until the old one's time is over.
		renewed := r
		renewed.Hash, renewed.PreviousHash, renewed.PreviousUntil = "h1b", "h1", at(500)
		renewed.ActiveOrganisation, renewed.SeenAt, renewed.EndsAt, renewed.Sealed = access.System, at(400), at(20_000), nil
		renewed.Principal = access.Principal{Issuer: "i", Subject: "s"}
		if updated, err := db.UpdateSession(t.Context(), renewed); err != nil || !updated {
			t.Fatalf("expected an update, got %v, %v", updated, err)
		}
		if updated, err := db.UpdateSession(t.Context(), renewed); err != nil || updated {
			t.Errorf("expected no update upon an old version, got %v, %v", updated, err)
		}
		renewed.Version = 2
		checkSession(t, db, "h1b", at(1000), &renewed)
		checkSession(t, db, "h1", at(499), &renewed)
		checkSession(t, db, "h1", at(500), nil)
		checkSession(t, db, "h2", at(0), &other)

		if err := db.TouchSession(t.Context(), r.Ref, at(600)); err != nil {
			t.Fatal(err)
		}
		if err := db.TouchSession(t.Context(), r.Ref, at(550)); err != nil { // late, from another replica
			t.Fatal(err)
		}
		if err := db.TouchSession(t.Context(), uuid.NewString(), at(1)); err != nil {
			t.Fatal(err)
		}
		renewed.SeenAt = at(600)
		checkSession(t, db, "h1b", at(1000), &renewed)

		for i, want := range []bool{true, false} {
			if deleted, err := db.DeleteSession(t.Context(), r.Ref); err != nil || (deleted != nil) != want {
				t.Errorf("deletion %d: expected %v, got %v, %v", i, want, deleted, err)
			}
		}
		checkSession(t, db, "h1b", at(0), nil)
		if updated, err := db.UpdateSession(t.Context(), renewed); err != nil || updated {
			t.Errorf("expected no update of what is gone, got %v, %v", updated, err)
		}
	})
}

func TestUpdateSessionRace(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		r := newSession("h")
		insert(t, db, r)
		var won atomic.Int64
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				mine := r
				mine.Hash = fmt.Sprint(i)
				updated, err := db.UpdateSession(t.Context(), mine)
				if err != nil {
					t.Error(err)
				}
				if updated {
					won.Add(1)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Errorf("expected one winner, got %d", won.Load())
		}
	})
}

func TestDeleteSessionsBefore(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		for _, s := range []struct {
			hash       string
			seen, ends int64
			stays      bool
		}{
			{"fresh", 900, 5000, true},
			{"at the edge", 500, 1000, true},
			{"ended", 999, 999, false},
			{"idle", 499, 5000, false},
			{"both", 1, 2, false},
		} {
			r := newSession(s.hash)
			r.SeenAt, r.EndsAt = at(s.seen), at(s.ends)
			insert(t, db, r)
			defer func() {
				if _, found, err := db.GetSession(t.Context(), s.hash, at(0)); err != nil || found != s.stays {
					t.Errorf("%s: expected found %v, got %v, %v", s.hash, s.stays, found, err)
				}
			}()
		}
		writing, _ := store.Pools(db)
		if _, err := writing.ExecContext(t.Context(), `UPDATE session SET principal = 'unreadable' WHERE hash IN ('ended', 'idle', 'both')`); err != nil {
			t.Fatal(err)
		}
		gone, err := db.DeleteSessionsBefore(t.Context(), at(1000), at(500))
		if err != nil || len(gone) != 3 {
			t.Errorf("expected 3, got %d, %v", len(gone), err)
		}
		for _, r := range gone {
			if r.Ref == "" || r.Hash == "" || len(r.Sealed) == 0 {
				t.Errorf("its end can't be told: %+v", r)
			}
		}
		if gone, err := db.DeleteSessionsBefore(t.Context(), at(1000), at(500)); err != nil || len(gone) != 0 {
			t.Errorf("expected 0, got %d, %v", len(gone), err)
		}
	})
}

func TestUseFlow(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		use := func(flow, ref string, wantFresh bool, wantRef string) {
			t.Helper()
			fresh, first, err := db.UseFlow(t.Context(), flow, ref, at(100))
			if err != nil || fresh != wantFresh || first != wantRef {
				t.Errorf("flow %s: expected %v %q, got %v %q, %v", flow, wantFresh, wantRef, fresh, first, err)
			}
		}
		use("f", "s1", true, "")
		use("f", "s2", false, "s1")
		use("F", "s3", true, "")
		for now, left := range map[int64]bool{100: true, 101: false} {
			if left {
				sweepFlows(t, db, now)
				use("f", "s4", false, "s1")
			}
		}
		sweepFlows(t, db, 101)
		use("f", "s5", true, "")
	})
}

func sweepFlows(t *testing.T, db *store.DB, now int64) {
	t.Helper()
	if _, err := db.DeleteSessionsBefore(t.Context(), at(now), time.Time{}); err != nil {
		t.Fatal(err)
	}
}

func TestUseFlowRace(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		var fresh, first sync.Map
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				ref := fmt.Sprint(i)
				isFresh, firstRef, err := db.UseFlow(t.Context(), "f", ref, at(1))
				if err != nil {
					t.Error(err)
				}
				if isFresh {
					fresh.Store(ref, true)
				} else {
					first.Store(firstRef, true)
				}
			})
		}
		wg.Wait()
		winners, named := keys(&fresh), keys(&first)
		if len(winners) != 1 || !reflect.DeepEqual(winners, named) {
			t.Errorf("expected one winner that the others name, got %v and %v", winners, named)
		}
	})
}

func keys(m *sync.Map) (list []string) {
	m.Range(func(key, _ any) bool { list = append(list, key.(string)); return true })
	return list
}

func TestPeople(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		see := func(p session.Person) {
			t.Helper()
			if err := db.SeePerson(t.Context(), p); err != nil {
				t.Fatal(err)
			}
		}
		check := func(since int64, limit int, want ...session.Person) {
			t.Helper()
			got, err := db.PeopleSeen(t.Context(), at(since), limit)
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("since %d: expected %+v, got %+v, %v", since, want, got, err)
			}
		}
		check(0, 10)
		ada := session.Person{Issuer: "i", Subject: "ada", GivenName: "Ada", FamilyName: "Admin", Login: "ada@acme.test", IAMRoles: []string{"ONE_STS_ADMIN"}, SeenAt: at(5)}
		elsewhere := session.Person{Issuer: "j", Subject: "ada", SeenAt: at(7)}
		see(ada)
		see(elsewhere)
		check(0, 10, elsewhere, ada)
		ada.GivenName, ada.IAMRoles, ada.SeenAt = "Adele", []string{"👩‍👩‍👧‍👦", "a"}, at(9)
		see(ada)
		late := ada
		late.GivenName, late.SeenAt = "Late", at(8)
		see(late)
		check(0, 10, ada, elsewhere)
		check(0, 1, ada)
		check(0, 0)
		check(9, 10, ada)
		check(10, 10)
	})
}

// Whatever the order in which replicas tell, what was seen last stays.
func TestSeePersonRace(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		order := rand.Perm(40)
		var wg sync.WaitGroup
		for w := range 4 {
			wg.Go(func() {
				for _, i := range order[w*10 : w*10+10] {
					if err := db.SeePerson(t.Context(), session.Person{Issuer: "i", Subject: "s", Login: fmt.Sprint(i), SeenAt: at(int64(i))}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		people, err := db.PeopleSeen(t.Context(), at(0), 10)
		if err != nil || len(people) != 1 || people[0].Login != "39" {
			t.Errorf("expected the last one seen, got %+v, %v", people, err)
		}
	})
}

// TestTheSessionUsedLongestAgoEnds when somebody has more than they may, nobody else's, and never the new one.
func TestTheSessionUsedLongestAgoEnds(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		begin := func(hash, subject string, seen int64) (over []string) {
			r := newSession(hash)
			r.Principal.Subject, r.SeenAt = subject, at(seen)
			ended, err := db.BeginSession(t.Context(), r, session.Person{}, history.Entry{ID: uuid.NewString(), CreatedAt: at(1)}, 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range ended {
				over = append(over, e.Hash)
			}
			return over
		}
		for _, c := range []struct {
			hash, subject string
			seen          int64
			over          string
		}{{"a", "ada", 5, "[]"}, {"b", "ada", 9, "[]"}, {"c", "ivan", 1, "[]"}, {"d", "ada", 7, "[a]"}, {"e", "ada", 1, "[d]"}, {"f", "ada", 1, "[e]"}} {
			if over := fmt.Sprint(begin(c.hash, c.subject, c.seen)); over != c.over {
				t.Errorf("%s: expected %s to end, got %s", c.hash, c.over, over)
			}
		}
		for hash, lives := range map[string]bool{"a": false, "b": true, "c": true, "d": false, "e": false, "f": true} {
			if _, found, err := db.GetSession(t.Context(), hash, at(1)); err != nil || found != lives {
				t.Errorf("%s: expected to be found: %t, got %t, %v", hash, lives, found, err)
			}
		}
	})
}
