package store_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/revocation"
	"github.com/portico-iam/portico/internal/session"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

func refs(all []session.Record) (refs []string) {
	for _, r := range all {
		refs = append(refs, r.Ref)
	}
	slices.Sort(refs)
	return refs
}

func TestEndSessions(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		for i, r := range []session.Record{
			{Ref: "a1", Hash: "1", Principal: access.Principal{Issuer: "i", Subject: "ada"}},
			{Ref: "a2", Hash: "2", Principal: access.Principal{Issuer: "i", Subject: "ada"}},
			{Ref: "a3", Hash: "3", Principal: access.Principal{Issuer: "elsewhere", Subject: "ada"}},
			{Ref: "b1", Hash: "4", Principal: access.Principal{Issuer: "i", Subject: "bob", IAMRoles: []string{"x"}}},
			{Ref: "b2", Hash: "5", Principal: access.Principal{Issuer: "i", Subject: "bob"}},
		} {
			r.CreatedAt, r.SeenAt, r.EndsAt, r.Sealed, r.Version = at(0), at(int64(i)+1), at(100), []byte{byte(i)}, 1
			if err := testdb.InsertSession(t.Context(), db, r); err != nil {
				t.Fatal(err)
			}
		}
		list := func(rule string, f revocation.Filter, want []string, total int) {
			t.Helper()
			found, n, err := db.ListSessions(t.Context(), f)
			var got []string
			for _, r := range found {
				got = append(got, r.Ref)
			}
			if err != nil || n != total || !slices.Equal(got, want) {
				t.Errorf("%s: got %v of %d, %v", rule, got, n, err)
			}
		}
		live := revocation.Filter{Now: at(10), UsedSince: at(2)}
		list("the latest used first", live, []string{"b2", "b1", "a3", "a2"}, 4)
		list("a page", revocation.Filter{Now: at(10), Page: 1, Size: 2}, []string{"a3", "a2"}, 5)
		list("a person", revocation.Filter{Now: at(10), Person: revocation.Person{Issuer: "i", Subject: "ada"}}, []string{"a2", "a1"}, 2)
		list("one", revocation.Filter{Now: at(10), Ref: "b1"}, []string{"b1"}, 1)
		list("none is live any more", revocation.Filter{Now: at(100)}, nil, 0)

		every := func(*session.Record) bool { return true }
		ada := revocation.Target{Person: revocation.Person{Issuer: "i", Subject: "ada"}}
		ended, err := db.EndSessions(t.Context(), &revocation.Cut{Target: ada, At: at(20)}, revocation.Filter{Person: ada.Person}, every, at(-100))
		if err != nil || !slices.Equal(refs(ended), []string{"a1", "a2"}) || len(ended[0].Sealed) != 1 {
			t.Errorf("a person's: got %v, %v", ended, err)
		}
		ended, err = db.EndSessions(t.Context(), nil, revocation.Filter{}, func(r *session.Record) bool { return len(r.Principal.IAMRoles) > 0 }, at(-100))
		if err != nil || !slices.Equal(refs(ended), []string{"b1"}) {
			t.Errorf("those that match: got %v, %v", refs(ended), err)
		}
		org := revocation.Target{Organisation: "6a3c0000-0000-4000-8000-000000000001"}
		all := revocation.Target{Everything: true}
		for _, c := range []revocation.Cut{{Target: org, At: at(21)}, {Target: all, At: at(22)}, {Target: all, At: at(5)}, {Target: ada, At: at(30)}} {
			if _, err := db.EndSessions(t.Context(), &c, revocation.Filter{Ref: "nothing"}, every, at(-100)); err != nil {
				t.Fatal(err)
			}
		}
		list("the others", revocation.Filter{Now: at(10)}, []string{"b2", "a3"}, 2)
		want := map[revocation.Target]int64{org: 21, all: 22, ada: 30}
		cuts, err := db.Cuts(t.Context())
		if err != nil || len(cuts) != 3 {
			t.Errorf("got %v, %v", cuts, err)
		}
		for _, c := range cuts {
			if !c.At.Equal(at(want[c.Target])) {
				t.Errorf("%+v: expected %v", c, at(want[c.Target]))
			}
		}
		if _, err := db.EndSessions(t.Context(), &revocation.Cut{Target: org, At: at(40)}, revocation.Filter{Ref: "nothing"}, every, at(30)); err != nil {
			t.Fatal(err)
		}
		if cuts, err := db.Cuts(t.Context()); err != nil || len(cuts) != 2 {
			t.Errorf("those that nothing outlives go: got %v, %v", cuts, err)
		}
	})
}

func TestManySessionsEndAtOnce(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		const n = 1000
		for i := range n {
			id := fmt.Sprintf("s%d", i)
			r := session.Record{Ref: id, Hash: id, Principal: access.Principal{Issuer: "i", Subject: id}, EndsAt: at(9), Version: 1}
			if err := testdb.InsertSession(t.Context(), db, r); err != nil {
				t.Fatal(err)
			}
		}
		ended, err := db.EndSessions(t.Context(), nil, revocation.Filter{}, func(*session.Record) bool { return true }, at(0))
		if _, left, _ := db.ListSessions(t.Context(), revocation.Filter{}); err != nil || len(ended) != n || left != 0 {
			t.Errorf("got %d, %d left, %v", len(ended), left, err)
		}
	})
}
