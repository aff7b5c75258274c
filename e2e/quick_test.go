package e2e

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/session"
	"github.com/portico-iam/portico/internal/testdb"
)

// large fills a Portico with 500 roles, 2,000 IAM roles, each mapped, 50 organisations, and 500 people who were seen.
func (p *portico) large() seed {
	p.t.Helper()
	s := seeded(p.t, p)
	organisations := []access.OrganisationID{access.OrganisationID(s.acme.ID)}
	for i := range 48 {
		organisations = append(organisations, access.OrganisationID(s.ada.create("/api/organisation/v1", map[string]any{"name": fmt.Sprintf("Organisation %02d", i)})))
	}
	db := testdb.OpenConfig(p.t, p.database)
	model, err := db.LoadModel(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	id := func(kind, i int) string { return fmt.Sprintf("%08x-0000-4000-8000-%012x", kind, i) }
	changed := access.Changed{CreatedAt: time.Now(), ModifiedAt: time.Now(), ModifiedBy: "test", Revision: 1}
	var c access.Change
	every := slices.Collect(access.OfScope(access.ScopeOrganisation).All())
	for i := range 500 {
		var names []string
		for j := range 10 {
			names = append(names, every[(i+j*3)%len(every)].String())
		}
		permissions, _ := access.ParseSet(names)
		c.PutRoles = append(c.PutRoles, &access.Role{ID: access.RoleID(id(1, i)), Name: fmt.Sprintf("Role %03d", i), Permissions: permissions, Changed: changed})
	}
	for i := range 2000 {
		row := &access.IAMRole{ID: access.IAMRoleID(id(2, i)), Name: fmt.Sprintf("IAM role %04d", i), Changed: changed, OrganisationRoles: map[access.OrganisationID][]access.RoleID{}}
		for j := range 3 {
			row.OrganisationRoles[organisations[(i+j*7)%len(organisations)]] = []access.RoleID{c.PutRoles[(i+j*11)%500].ID}
		}
		c.PutIAMRoles = append(c.PutIAMRoles, row)
	}
	if err := db.CommitChange(p.t.Context(), model.Version, c, nil); err != nil {
		p.t.Fatal(err)
	}
	for i := range 500 {
		err := db.SeePerson(p.t.Context(), session.Person{
			Issuer: p.Info.Issuer, Subject: fmt.Sprint("person-", i), GivenName: "Person", FamilyName: fmt.Sprint(i),
			IAMRoles: []string{fmt.Sprintf("IAM role %04d", i*4), fmt.Sprintf("IAM role %04d", i*4+1), "Everyone"}, SeenAt: time.Now(),
		})
		if err != nil {
			p.t.Fatal(err)
		}
	}
	eventually(p.t, "the roles are known", func() bool {
		return s.ada.open("/roles/"+id(1, 499)).status == http.StatusOK
	})
	return s
}

// TestPagesAreQuick measures every page of the Desk with much in it: half of the requests for each take less than the
// figure of docs/performance.md on a quiet machine, which PORTICO_QUIET says that this one is.
func TestPagesAreQuick(t *testing.T) {
	p := start(t, nil)
	s := p.large()
	limit := time.Second
	if os.Getenv("PORTICO_QUIET") != "" {
		limit = 30 * time.Millisecond
	}
	ask := map[string]func() answer{}
	for path := range s.pages() {
		ask[path] = func() answer { return s.ada.open(path) }
	}
	for _, path := range []string{
		personPage(p, "person-7"), "/access/matrix?page=20", "/roles?q=9&sort=mappings&dir=desc", "/access?sort=organisations&page=30", "/access/loose-ends?sort=name&page=9", "/search?q=role+1",
		"/explain?" + url.Values{"iamRole": {"IAM role 0007"}, "what": {"CREDENTIAL_ISSUE"}, "organisation": {s.acme.ID}}.Encode(), "/integration",
	} {
		ask[path] = func() answer { return s.ada.open(path) }
	}
	for what, path := range map[string]string{"preview of a role": "/roles/00000001-0000-4000-8000-000000000007/edit", "preview of access": "/access/00000002-0000-4000-8000-000000000007/edit"} {
		form := s.ada.open(path)
		ask[what] = func() answer { return s.ada.next(form, "next", "name", what) }
	}
	type measured struct {
		what string
		took time.Duration
	}
	var all []measured
	for what, send := range ask {
		var took []time.Duration
		for range 7 {
			begun := time.Now()
			got := send()
			took = append(took, time.Since(begun))
			mustStatus(t, got, http.StatusOK)
		}
		slices.Sort(took)
		all = append(all, measured{what, took[len(took)/2]})
	}
	slices.SortFunc(all, func(a, b measured) int { return cmp.Compare(b.took, a.took) })
	for _, m := range all {
		t.Logf("%6.1f ms  %s", float64(m.took.Microseconds())/1000, m.what)
		if m.took > limit {
			t.Errorf("%s took %s, expected less than %s", m.what, m.took, limit)
		}
	}
}
