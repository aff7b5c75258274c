package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/policy"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

func TestRoleUses(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		day := func(n int) time.Time { return at(0).Truncate(24*time.Hour).AddDate(0, 0, n) }
		issuer, reader := role("Issuer", access.CredentialIssue, access.KeyList), role("Reader", access.KeyList)
		m := commit(t, db, access.Model{}, access.Change{PutRoles: []*access.Role{issuer, reader}})
		note := func(uses ...policy.RoleUse) {
			t.Helper()
			if err := db.NoteRoleUses(t.Context(), uses); err != nil {
				t.Fatal(err)
			}
		}
		want := func(rule string, of access.RoleID, want ...policy.RoleUse) {
			t.Helper()
			got, err := db.RoleUses(t.Context(), of)
			slices.SortFunc(got, policy.RoleUse.Compare)
			slices.SortFunc(want, policy.RoleUse.Compare)
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%s: expected %+v, got %+v, %v", rule, want, got, err)
			}
		}
		want("at first", "")
		a := policy.RoleUse{Role: issuer.ID, Permission: access.CredentialIssue, Since: day(3)}
		b := policy.RoleUse{Role: issuer.ID, Permission: access.KeyList, Since: day(3), Used: day(4), HandedOut: day(5)}
		c := policy.RoleUse{Role: reader.ID, Permission: access.KeyList, Since: day(3), Used: day(4)}
		note(b, a, c, policy.RoleUse{Role: "gone", Permission: access.KeyList, Since: day(1)})
		want("a role that is gone is left out", "", a, b, c)
		want("of one role", reader.ID, c)

		a.Since, a.Used, b.Used = day(2), day(6), day(9)
		note(policy.RoleUse{Role: a.Role, Permission: a.Permission, Since: day(2), Used: day(6)}, policy.RoleUse{Role: b.Role, Permission: b.Permission, Since: day(8), Used: day(9)})
		note(policy.RoleUse{Role: b.Role, Permission: b.Permission, Since: day(8), Used: day(7), HandedOut: day(1)})
		want("the first day of watching and the last of use stay", issuer.ID, a, b)

		if err := db.ForgetRoleUses(t.Context(), day(6)); err != nil {
			t.Fatal(err)
		}
		b.HandedOut, c.Used = time.Time{}, time.Time{}
		want("days before are forgotten, not that it was watched", "", a, b, c)

		smaller := role("Issuer", access.CredentialIssue)
		smaller.ID, smaller.Changed.Revision = issuer.ID, 1
		m = commit(t, db, m, access.Change{PutRoles: []*access.Role{smaller}})
		want("a permission that the role loses", "", a, c)
		commit(t, db, m, access.Change{DeleteRoles: []access.RoleID{reader.ID}})
		want("a role that is deleted", "", a)
	})
}
