package access

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// large is the size that the design promises: 1,000 organisations, 10,000 roles, 100,000 mappings by 2,000 IAM roles.
func large() Model {
	random := rand.New(rand.NewPCG(1, 2))
	var m Model
	uuid := func(n int) string { return fmt.Sprintf("6a3c0000-0000-4000-8000-%012d", n) }
	for i := range 1_000 {
		m.Organisations = append(m.Organisations, &Organisation{ID: OrganisationID(uuid(i)), Name: fmt.Sprintf("Organisation %d", i)})
	}
	for i := range 10_000 {
		r := role(uuid(i))
		for range 10 {
			r.Permissions.add(Permission(random.IntN(permissionCount)))
		}
		m.Roles = append(m.Roles, r)
	}
	for i := range 2_000 {
		im := iamRole(uuid(i), fmt.Sprintf("Group of the department %d", i), []RoleID{m.Roles[random.IntN(10_000)].ID}, map[OrganisationID][]RoleID{})
		for len(im.OrganisationRoles) < 49 {
			org := m.Organisations[random.IntN(1_000)].ID
			im.OrganisationRoles[org] = []RoleID{m.Roles[random.IntN(10_000)].ID}
		}
		m.IAMRoles = append(m.IAMRoles, im)
	}
	return m
}

func BenchmarkBuild(b *testing.B) {
	m := large()
	b.ReportAllocs()
	for b.Loop() {
		Build(m, bootstrap, day)
	}
}

func BenchmarkApply(b *testing.B) {
	m := large()
	c := Change{PutRoles: []*Role{{ID: "new", Name: "New"}}}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := m.Apply(c, adminRole); err != nil {
			b.Fatal(err)
		}
	}
}

// each runs f for people with few and with many IAM roles, in an organisation of the last one: the worst case.
func each(b *testing.B, f func(b *testing.B, s *Snapshot, p *Principal, org OrganisationID)) {
	m := large()
	s := Build(m, bootstrap, day)
	for _, n := range []int{5, 100} {
		b.Run(fmt.Sprintf("%d_IAM_roles", n), func(b *testing.B) {
			p := person()
			for i := range n {
				p.IAMRoles = append(p.IAMRoles, m.IAMRoles[i*7].Name)
			}
			b.ReportAllocs()
			f(b, s, p, m.IAMRoles[(n-1)*7].OrganisationIDs()[0])
		})
	}
}

func BenchmarkDecide(b *testing.B) {
	each(b, func(b *testing.B, s *Snapshot, p *Principal, org OrganisationID) {
		asked := []Permission{CredentialIssue, CredentialList}
		for b.Loop() {
			s.Decide(p, org, asked...)
		}
	})
}

func BenchmarkEffective(b *testing.B) {
	each(b, func(b *testing.B, s *Snapshot, p *Principal, org OrganisationID) {
		for b.Loop() {
			s.Effective(p, org)
		}
	})
}

func BenchmarkExplain(b *testing.B) {
	each(b, func(b *testing.B, s *Snapshot, p *Principal, org OrganisationID) {
		for b.Loop() {
			s.Explain(p, org, CacheDelete)
		}
	})
}

// BenchmarkCompare is the preview of a changed role, for a thousand people.
func BenchmarkCompare(b *testing.B) {
	m := large()
	before := Build(m, bootstrap, day)
	row := m.Roles[0].Clone()
	row.Permissions = row.Permissions.Union(SetOf(CredentialIssue, KeyList, CacheDelete))
	after, err := before.After(Change{PutRoles: []*Role{row}})
	if err != nil {
		b.Fatal(err)
	}
	people := make([]*Principal, 1000)
	for i := range people {
		names := make([]string, 10)
		for k := range names {
			names[k] = m.IAMRoles[(i*10+k)%len(m.IAMRoles)].Name
		}
		people[i] = person(names...)
	}
	for b.Loop() {
		c := before.Compare(after)
		for _, p := range people {
			c.On(p)
		}
	}
}
