package store_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/directory"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/revocation"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

func directoryEntry() history.Entry {
	r := history.Recorder{Now: time.Now}
	return r.New(history.Entry{Action: history.Updated, EntityType: history.User, User: "x"})
}

// TestADirectoryOfManyMembers: a group of thousands is changed one by one, and counted.
func TestADirectoryOfManyMembers(t *testing.T) {
	const people = 5000
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		ctx, ids := t.Context(), make([]string, people)
		changed := directory.Changed{CreatedAt: at(1), ModifiedAt: at(1), Revision: 1}
		for i := range ids {
			ids[i] = fmt.Sprintf("user-%05d", i)
		}
		if err := store.InsertUsers(ctx, db, ids); err != nil {
			t.Fatal(err)
		}
		g, err := db.InsertGroup(ctx, directory.Group{ID: "g", Name: "Acme", Changed: changed}, []directory.MemberChange{{Users: ids}}, directoryEntry())
		if err != nil || g.Members != people {
			t.Fatalf("%d members, %v", g.Members, err)
		}
		change := func(want int, changes ...directory.MemberChange) {
			t.Helper()
			g.Revision++
			if g, err = db.SaveGroup(ctx, g, changes, directoryEntry()); err != nil || g.Members != want {
				t.Fatalf("%d members, want %d: %v", g.Members, want, err)
			}
		}
		change(people-2, directory.MemberChange{Remove: true, Users: []string{ids[0], ids[1], "nobody"}})
		change(people-1, directory.MemberChange{Users: []string{ids[0], ids[0], ids[2]}}) // two are there already
		change(1, directory.MemberChange{Clear: true}, directory.MemberChange{Users: ids[7:9]}, directory.MemberChange{Remove: true, Users: ids[7:8]})
		g.Revision++
		if _, err := db.SaveGroup(ctx, g, []directory.MemberChange{{Users: []string{ids[3], "nobody"}}}, directoryEntry()); !errors.Is(err, directory.ErrStranger) {
			t.Errorf("a stranger: %v", err)
		}
		members, err := db.Members(ctx, []string{"g"}, 10)
		if err != nil || len(members["g"]) != 1 || members["g"][0].ID != ids[8] {
			t.Errorf("got %v, %v", members, err)
		}
		if err := db.DeleteUser(ctx, ids[8], 1, nil, directoryEntry()); err != nil {
			t.Fatal(err)
		}
		if g, _, err = db.DirectoryGroup(ctx, "g"); err != nil || g.Members != 0 {
			t.Errorf("%d members after the last one is gone, %v", g.Members, err)
		}
	})
}

// TestADeprovisioningIsStoredWithItsCut: all of it or nothing.
func TestADeprovisioningIsStoredWithItsCut(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		u := directory.User{ID: "u", UserName: "ivan", Active: true, Changed: directory.Changed{CreatedAt: at(1), ModifiedAt: at(1), Revision: 1}}
		if err := db.InsertUser(ctx, u, directoryEntry()); err != nil {
			t.Fatal(err)
		}
		cut := &revocation.Cut{Target: revocation.Target{Person: revocation.Person{Issuer: "i", Subject: "ivan"}}, At: at(5)}
		cuts := func() int {
			t.Helper()
			all, err := db.Cuts(ctx)
			if err != nil {
				t.Fatal(err)
			}
			return len(all)
		}
		u.Active, u.Revision = false, 3
		if err := db.SaveUser(ctx, u, cut, directoryEntry()); !errors.Is(err, directory.ErrChanged) || cuts() != 0 {
			t.Errorf("a lost update: %v, %d cuts", err, cuts())
		}
		u.Revision = 2
		if err := db.SaveUser(ctx, u, cut, directoryEntry()); err != nil || cuts() != 1 {
			t.Errorf("%v, %d cuts", err, cuts())
		}
		for rule, ids := range map[string][]string{"everybody": nil, "by name": {"u", "x"}} {
			if got, err := db.Inactive(ctx, ids); err != nil || len(got) != 1 || got[0].UserName != "ivan" {
				t.Errorf("%s: %v, %v", rule, got, err)
			}
		}
		u.ID = "other"
		if err := db.InsertUser(ctx, u, directoryEntry()); !errors.Is(err, directory.ErrTaken) {
			t.Errorf("a taken name: %v", err)
		}
	})
}

// TestNT46_TheGroupOfAMappingLasts: through a restart, an edit, a request that waits, and a probation.
func TestNT46_TheGroupOfAMappingLasts(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		row := &access.IAMRole{ID: "m", Name: "Acme", OrganisationRoles: map[access.OrganisationID][]access.RoleID{}, Group: access.Group{ID: "g", Name: "Acme"}, Changed: access.Changed{CreatedAt: at(1), ModifiedAt: at(1), Revision: 1}}
		version := int64(0)
		commit := func(c access.Change) access.Model {
			t.Helper()
			if err := db.CommitChange(ctx, version, c, nil); err != nil {
				t.Fatal(err)
			}
			version++
			m, err := db.LoadModel(ctx)
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		expect := func(what string, m access.Model, want access.Group) {
			t.Helper()
			if got := m.IAMRoles[0].Group; got != want {
				t.Errorf("%s: %+v, want %+v", what, got, want)
			}
		}
		expect("new", commit(access.Change{PutIAMRoles: []*access.IAMRole{row}}), row.Group)
		gone := access.Group{ID: "g", Keeps: true}
		expect("followed", commit(access.Change{Groups: []access.GroupState{{IAMRole: "m", Group: gone}}}), gone)
		edited := row.Clone()
		edited.Group, edited.Changed.Revision = gone, 2
		expect("edited", commit(access.Change{PutIAMRoles: []*access.IAMRole{edited}}), gone)
		confirms := access.Change{PutIAMRoles: []*access.IAMRole{edited}, Confirms: []access.IAMRoleID{"m"}}
		m := commit(access.Change{Probation: &access.Probation{Undo: confirms}})
		if undo := m.Probation.Undo; undo.PutIAMRoles[0].Group != gone || !slices.Equal(undo.Confirms, confirms.Confirms) {
			t.Errorf("kept for later: %+v", undo)
		}
		none := edited.Clone()
		none.Group, none.Changed.Revision = access.Group{}, 3
		expect("confirmed for a name", commit(access.Change{PutIAMRoles: []*access.IAMRole{none}, EndsProbation: true}), access.Group{})
	})
}
