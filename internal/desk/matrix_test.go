package desk

import (
	"fmt"
	"io"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/desk/view"
)

// mapped is a model of so many IAM roles and organisations; every third organisation of each is mapped.
func mapped(iamRoles, organisations int) *access.Snapshot {
	var m access.Model
	for i := range 20 {
		m.Roles = append(m.Roles, &access.Role{ID: access.RoleID(fmt.Sprint("role-", i)), Name: fmt.Sprintf("Role %02d", i)})
	}
	for i := range organisations {
		o := &access.Organisation{ID: access.OrganisationID(fmt.Sprint("organisation-", i)), Name: fmt.Sprintf("Organisation %03d", i)}
		if i%10 == 9 {
			o.DeactivatedAt = time.Unix(1, 0)
		}
		m.Organisations = append(m.Organisations, o)
	}
	for i := range iamRoles {
		row := &access.IAMRole{ID: access.IAMRoleID(fmt.Sprint(i)), Name: fmt.Sprintf("IAM role %04d", i), OrganisationRoles: map[access.OrganisationID][]access.RoleID{}}
		for j := i % 3; j < organisations; j += 3 {
			row.OrganisationRoles[m.Organisations[j].ID] = []access.RoleID{m.Roles[(i+j)%20].ID, m.Roles[(i+j*7+1)%20].ID, m.Roles[(i+j*11+2)%20].ID}
		}
		if i%9 == 0 {
			row.SystemRoles = []access.RoleID{m.Roles[0].ID}
		}
		m.IAMRoles = append(m.IAMRoles, row)
	}
	return access.Build(m, access.Bootstrap{}, time.Now())
}

func matrixOf(s sight, query, organisation string, page, columns int) view.AccessMatrix {
	v := view.AccessMatrix{
		List: view.List{Path: view.AccessMatrixPath, Sort: "name", Query: query, Page: page, PageSize: pageSize, Filters: url.Values{"organisation": {organisation}}},
		Wide: view.List{Page: columns, PageSize: pageSize},
	}
	fillMatrix(&v, s, s.IAMRoles())
	return v
}

// TestMatrixHoldsEveryMappingOnce: all pages together are the model.
func TestMatrixHoldsEveryMappingOnce(t *testing.T) {
	s := sight{Snapshot: mapped(120, 110), organisations: true, roles: true, seesOrganisation: everyOrganisation}
	found := 0
	for page := 1; page <= 3; page++ {
		for columns := 1; columns <= 3; columns++ {
			v := matrixOf(s, "", "", page, columns)
			if v.List.Total != 120 || v.Wide.Total != 110 {
				t.Fatalf("got %d by %d", v.List.Total, v.Wide.Total)
			}
			for _, row := range v.Rows {
				m := s.IAMRole(access.IAMRoleID(row.ID))
				for i, names := range row.Cells {
					org := access.OrganisationID(v.Columns[i].ID)
					if !slices.Equal(names, s.roleNames(m.OrganisationRoles[org])) {
						t.Errorf("%s in %s: got %v", row.Name, org, names)
					}
					if len(names) > 0 {
						found++
					}
				}
			}
		}
	}
	want := 0
	for _, m := range s.IAMRoles() {
		want += len(m.OrganisationRoles)
	}
	if found != want {
		t.Errorf("%d cells are filled, want %d", found, want)
	}
}

func TestMatrixSearch(t *testing.T) {
	s := sight{Snapshot: mapped(30, 20), organisations: true, roles: true, seesOrganisation: everyOrganisation}
	v := matrixOf(s, "ROLE 0007", "", 9, 9)
	if len(v.Rows) != 1 || len(v.Columns) != 20 || v.List.Page != 1 || v.Wide.Page != 1 {
		t.Errorf("got %d rows, %d columns, pages %d and %d", len(v.Rows), len(v.Columns), v.List.Page, v.Wide.Page)
	}
	// An organisation that is searched for leaves those who have access there.
	v = matrixOf(s, "", "organisation 009", 1, 1)
	if len(v.Rows) != 10 || len(v.Columns) != 1 || !v.Columns[0].Deactivated {
		t.Errorf("got %d rows, columns %v", len(v.Rows), v.Columns)
	}
	if v = matrixOf(s, "", "no such", 1, 1); len(v.Rows) != 0 {
		t.Errorf("got %d rows", len(v.Rows))
	}
}

func everyOrganisation(access.OrganisationID) bool { return true }

// TestMatrixKeepsNames: what the caller may not see has no name, and what nobody mapped is not there at all.
func TestMatrixKeepsNames(t *testing.T) {
	snapshot := mapped(1, 5)
	v := matrixOf(sight{Snapshot: snapshot, seesOrganisation: func(id access.OrganisationID) bool { return id == "organisation-1" }}, "", "", 1, 1)
	var names []string
	for _, c := range v.Columns {
		names = append(names, c.Name)
	}
	if want := []string{"Organisation 001", "organisation-0", "organisation-3"}; !slices.Equal(names, want) {
		t.Errorf("got %v, want %v", names, want)
	}
	if got := v.Rows[0].System; !slices.Equal(got, []string{"role-0"}) {
		t.Errorf("got %v", got)
	}
}

// BenchmarkMatrix is one page of 2,000 IAM roles by 50 organisations.
func BenchmarkMatrix(b *testing.B) {
	s := sight{Snapshot: mapped(2000, 50), organisations: true, roles: true, seesOrganisation: everyOrganisation}
	for b.Loop() {
		if err := view.AccessMatrixPage(matrixOf(s, "", "", 20, 1)).Render(b.Context(), io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}
