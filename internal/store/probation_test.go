package store_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

func TestProbation(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		service := role("Service", access.CredentialIssue)
		service.Delegation = &access.Delegation{RequiredUserPermissions: access.SetOf(access.CredentialList)}
		admins := role("Admins", access.STSRoleEdit)
		admins.Requires = &access.Requirement{Classes: []string{"phr"}}
		mapping := iamRole("Admins", map[access.OrganisationID][]access.RoleID{"acme": {service.ID}}, admins.ID)
		mapping.Ends = map[access.OrganisationID]access.End{access.System: {At: at(0).Truncate(time.Second), Recorded: true}, "acme": {At: at(1).Truncate(time.Second).Add(time.Hour)}}
		m := commit(t, db, access.Model{}, access.Change{
			Organisations: []*access.Organisation{{ID: "acme", Name: "Acme"}},
			PutRoles:      []*access.Role{service, admins}, PutIAMRoles: []*access.IAMRole{mapping}, At: at(1),
		})
		edited := service.Clone()
		edited.Changed.Revision, edited.Delegation, edited.Name = 1, nil, "Edited"
		fresh := iamRole("Else", map[access.OrganisationID][]access.RoleID{})
		before := m
		m = commit(t, db, m, access.Change{
			PutRoles: []*access.Role{edited}, DeleteIAMRoles: []access.IAMRoleID{mapping.ID}, PutIAMRoles: []*access.IAMRole{fresh}, At: at(2),
			Probation: &access.Probation{
				Issuer: "https://okta", Subject: "ada", Name: "Ada \u202eAdmin", At: at(2), Until: at(2).Add(time.Minute), Left: access.SetOf(access.STSRoleList),
			},
		})
		got, err := db.LoadModel(t.Context())
		if err != nil || !reflect.DeepEqual(got.Probation, m.Probation) {
			t.Fatalf("got %+v\nwant %+v (%v)", got.Probation, m.Probation, err)
		}
		// An ordinary change leaves it; what undoes it ends it, and all is as before.
		m = commit(t, db, got, access.Change{PutRoles: []*access.Role{role("Other")}, At: at(3)})
		if got, err = db.LoadModel(t.Context()); err != nil || got.Probation == nil {
			t.Fatalf("it is gone: %v", err)
		}
		m = commit(t, db, got, got.UndoProbation())
		checkModel(t, db, m)
		if got, err = db.LoadModel(t.Context()); err != nil || got.Probation != nil {
			t.Fatalf("it is still there: %v", err)
		}
		if r := m.Roles[len(m.Roles)-1]; len(m.IAMRoles) != 1 || m.IAMRoles[0].Name != "Admins" || len(before.Roles)+1 != len(m.Roles) || r == nil {
			t.Errorf("got %+v", m)
		}
	})
}
