package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/revocation"
	"github.com/portico-iam/portico/internal/session"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

func every(*session.Record) bool { return true }

// Sessions are found by what their issuer calls them, exactly, and never across issuers.
func TestSessionsByTheIssuersNames(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		for ref, s := range map[string]session.Record{
			"one":       {Principal: access.Principal{Issuer: "i", Subject: "ivan"}, IDSubject: "00u1", SID: "s1"},
			"another":   {Principal: access.Principal{Issuer: "i", Subject: "ivan"}, IDSubject: "00u1", SID: "s2"},
			"elsewhere": {Principal: access.Principal{Issuer: "j", Subject: "ivan"}, IDSubject: "00u1", SID: "s1"},
			"nameless":  {Principal: access.Principal{Issuer: "i", Subject: "vera"}},
		} {
			s.Ref, s.Hash, s.CreatedAt, s.SeenAt, s.EndsAt, s.Version = ref, "hash "+ref, at(1), at(1), at(99), 1
			if err := testdb.InsertSession(t.Context(), db, s); err != nil {
				t.Fatal(err)
			}
		}
		for rule, c := range map[string]struct {
			f    revocation.Filter
			want []string
		}{
			"a session":                {revocation.Filter{Person: revocation.Person{Issuer: "i"}, SID: "s1"}, []string{"one"}},
			"a person":                 {revocation.Filter{Person: revocation.Person{Issuer: "i"}, IDSubject: "00u1"}, []string{"another", "one"}},
			"both":                     {revocation.Filter{Person: revocation.Person{Issuer: "i"}, IDSubject: "00u1", SID: "s2"}, []string{"another"}},
			"a session of another one": {revocation.Filter{Person: revocation.Person{Issuer: "i"}, IDSubject: "00u2", SID: "s2"}, nil},
			"other letters":            {revocation.Filter{Person: revocation.Person{Issuer: "i"}, SID: "S1"}, nil},
			"a part":                   {revocation.Filter{Person: revocation.Person{Issuer: "i"}, SID: "s"}, nil},
			"a pattern":                {revocation.Filter{Person: revocation.Person{Issuer: "i"}, SID: "%"}, nil},
			"another issuer":           {revocation.Filter{Person: revocation.Person{Issuer: "j"}, SID: "s1"}, []string{"elsewhere"}},
			"an unknown issuer":        {revocation.Filter{Person: revocation.Person{Issuer: "k"}, SID: "s1"}, nil},
		} {
			found, _, err := db.ListSessions(t.Context(), c.f)
			var refs []string
			for _, r := range found {
				refs = append(refs, r.Ref)
			}
			if slices.Sort(refs); err != nil || !slices.Equal(refs, c.want) {
				t.Errorf("%s: got %v, %v", rule, refs, err)
			}
		}
		r, found, err := db.GetSession(t.Context(), "hash one", at(2))
		if err != nil || !found || r.IDSubject != "00u1" || r.SID != "s1" {
			t.Fatalf("got %+v, %v", r, err)
		}
		r.SID = "s9" // a refresh told
		if ok, err := db.UpdateSession(t.Context(), r); err != nil || !ok {
			t.Fatal(ok, err)
		}
		ended, err := db.EndSessions(t.Context(), nil, revocation.Filter{Person: revocation.Person{Issuer: "i"}, SID: "s9"}, every, at(0))
		if err != nil || len(ended) != 1 || ended[0].Ref != "one" {
			t.Errorf("got %+v, %v", ended, err)
		}
	})
}

func TestPeopleByTheIssuersNames(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		ivan := session.Person{Issuer: "i", Subject: "ivan@acme.test", IDSubject: "00u1", Username: "ivan@acme.test", Email: "Ivan.Issuer@acme.test", SeenAt: at(5)}
		for _, p := range []session.Person{ivan, {Issuer: "j", Subject: "ivan@acme.test", IDSubject: "00u1", SeenAt: at(5)}, {Issuer: "i", Subject: "vera", SeenAt: at(5)}} {
			if err := db.SeePerson(t.Context(), p); err != nil {
				t.Fatal(err)
			}
		}
		ivan.IDSubject, ivan.Username, ivan.Email, ivan.SeenAt = "", "", "", at(6) // a refresh without an ID token says nothing of these
		if err := db.SeePerson(t.Context(), ivan); err != nil {
			t.Fatal(err)
		}
		check := func(rule string, want int, people []session.Person, err error) {
			t.Helper()
			if err != nil || len(people) != want {
				t.Errorf("%s: got %+v, %v", rule, people, err)
			}
			for _, p := range people {
				if p.Issuer != "i" || p.Subject != "ivan@acme.test" || p.IDSubject != "00u1" || p.Email != "Ivan.Issuer@acme.test" || p.Username != "ivan@acme.test" {
					t.Errorf("%s: got %+v", rule, p)
				}
			}
		}
		for name, want := range map[string]int{"00u1": 1, "ivan@acme.test": 1, "IVAN@acme.test": 0, "": 0, "%": 0, "00u": 0} {
			people, err := db.PeopleNamed(t.Context(), "i", name)
			check(name, want, people, err)
		}
		for address, want := range map[string]int{"ivan.issuer@acme.test": 1, "IVAN@ACME.TEST": 1, "issuer@acme.test": 0, "": 0, "%": 0} {
			people, err := db.PeopleByMail(t.Context(), "i", address, at(0))
			check(address, want, people, err)
		}
		people, err := db.PeopleByMail(t.Context(), "i", "ivan@acme.test", at(7))
		check("not seen since", 0, people, err)
	})
}

func TestASignalIsRememberedForItsTime(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		now := at(0)
		seen := func(id string, want bool) {
			t.Helper()
			if got, err := db.SignalSeen(t.Context(), id, now); err != nil || got != want {
				t.Errorf("%s at %s: got %v, %v", id, now, got, err)
			}
		}
		note := func(id string, life time.Duration) {
			t.Helper()
			if err := db.NoteSignal(t.Context(), id, now.Add(life), now); err != nil {
				t.Fatal(err)
			}
		}
		seen("a", false)
		note("a", time.Minute)
		note("a", time.Minute) // by another replica, at the same time
		note("b", time.Hour)
		seen("a", true)
		seen("c", false)
		now = now.Add(time.Minute)
		seen("a", false)
		note("c", time.Minute) // sweeps
		seen("b", true)
		now = now.Add(-time.Minute)
		seen("a", false)
	})
}
