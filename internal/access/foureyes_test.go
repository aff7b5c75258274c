package access

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestWhoGainsOrLosesInADemandingOrganisationIsApproved: no change gives or takes anything there, now or when an end comes, to a
// person or to a service, without being said to need a second administrator.
func TestWhoGainsOrLosesInADemandingOrganisationIsApproved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, b := drawModel(t)
		m.FourEyes = map[OrganisationID]bool{"o0": true}
		if rarely(t, "both") {
			m.FourEyes["o1"] = true
		}
		before := Build(m, b, day)
		var c Change
		for _, r := range m.Roles {
			if rarely(t, "edited") {
				row := r.Clone()
				row.Permissions = SetOf(rapid.SliceOfN(rapid.SampledFrom(somePerms), 0, 4).Draw(t, "permissions")...)
				if rarely(t, "restricted anew") {
					row.Delegation = &Delegation{RequiredUserPermissions: drawSet(t, "required")}
				}
				c.PutRoles = append(c.PutRoles, row)
			}
		}
		for _, im := range m.IAMRoles {
			switch rapid.IntRange(0, 6).Draw(t, "what becomes of it") {
			case 4:
				c.DeleteIAMRoles = append(c.DeleteIAMRoles, im.ID)
			case 5:
				row := mappedTo(m, im.Name, System, "made")
				row.SystemRoles, row.Ends = row.SystemRoles[:len(row.SystemRoles)-1], drawEnds(t, 1)
				c.PutIAMRoles = append(c.PutIAMRoles, row)
			case 6:
				row := mappedTo(m, im.Name, System, "made")
				row.SystemRoles, row.Name = row.SystemRoles[:len(row.SystemRoles)-1], im.Name+"!"
				c.PutIAMRoles = append(c.PutIAMRoles, row)
			}
		}
		after, err := before.After(c)
		if err != nil {
			t.Skip(err)
		}
		demanding := before.Demanding(after)
		p := drawPrincipal(t)
		held := drawSet(t, "held by the user")
		for org := range m.FourEyes {
			for _, at := range []time.Time{day, day.AddDate(0, 0, rapid.IntRange(1, 4).Draw(t, "later"))} {
				was, _ := before.At(at).Effective(p, org)
				is, _ := after.At(at).Effective(p, org)
				served, _ := before.At(at).Delegated(p, held, org)
				serves, _ := after.At(at).Delegated(p, held, org)
				if (was != is || served != serves) && !slices.Contains(demanding, org) {
					t.Fatalf("in %s %v became %v (for a user %v became %v) unseen", org, was.Names(), is.Names(), served.Names(), serves.Names())
				}
			}
		}
		if len(c.PutRoles)+len(c.PutIAMRoles)+len(c.DeleteIAMRoles) == 0 && len(demanding) > 0 {
			t.Fatalf("nothing changes, and %v demand approval", demanding)
		}
	})
}

func TestWhatDemandsASecondAdministrator(t *testing.T) {
	m := world()
	m.FourEyes = map[OrganisationID]bool{acme: true}
	s := Build(m, bootstrap, day)
	edit := func(i int, f func(*IAMRole)) Change {
		row := m.IAMRoles[i].Clone()
		f(row)
		return Change{PutIAMRoles: []*IAMRole{row}}
	}
	for _, c := range []struct {
		rule   string
		change Change
		want   bool
	}{
		{"mapped elsewhere", edit(0, func(r *IAMRole) { r.OrganisationRoles[zeta] = []RoleID{"proof"} }), false},
		{"mapped in the system", edit(0, func(r *IAMRole) { r.SystemRoles = []RoleID{"auditor"} }), false},
		{"mapped there too", edit(0, func(r *IAMRole) { r.OrganisationRoles[acme] = []RoleID{"issuer", "proof"} }), true},
		{"in another order", edit(2, func(r *IAMRole) { r.OrganisationRoles[acme] = []RoleID{"service", "service"} }), false},
		{"renamed", edit(0, func(r *IAMRole) { r.Name = "Other" }), true},
		{"it ends", edit(0, func(r *IAMRole) { r.Ends = map[OrganisationID]End{acme: {At: day.Add(time.Hour)}} }), true},
		{"it ends elsewhere", edit(0, func(r *IAMRole) { r.Ends = map[OrganisationID]End{closed: {At: day.Add(time.Hour)}} }), false},
		{"deleted", Change{DeleteIAMRoles: []IAMRoleID{"1"}}, true},
		{"another one deleted", Change{DeleteIAMRoles: []IAMRoleID{"2"}}, false},
		{"a role that is mapped there is renamed", Change{PutRoles: []*Role{{ID: "issuer", Name: "New name", Permissions: m.Roles[0].Permissions, Changed: changed(1)}}}, false},
		{"it loses a permission", Change{PutRoles: []*Role{{ID: "issuer", Name: "Role issuer", Permissions: SetOf(CredentialIssue), Changed: changed(1)}}}, true},
		{"it loses one that does not count there", Change{PutRoles: []*Role{{ID: "issuer", Name: "Role issuer", Permissions: SetOf(CredentialIssue, CredentialList), Changed: changed(1)}}}, false},
		{"it is for services only", Change{PutRoles: []*Role{{ID: "issuer", Name: "Role issuer", Permissions: m.Roles[0].Permissions, Delegation: &Delegation{}, Changed: changed(1)}}}, true},
		{"one that is not mapped there", Change{PutRoles: []*Role{{ID: "proof", Name: "Role proof", Changed: changed(1)}}}, false},
		{"no longer demanded", Change{FourEyes: map[OrganisationID]bool{acme: false}}, true},
		{"demanded by another one", Change{FourEyes: map[OrganisationID]bool{zeta: true}}, false},
		{"Core no longer lists it", Change{Organisations: []*Organisation{}}, false},
	} {
		after, err := s.After(c.change)
		if err != nil {
			t.Errorf("%s: %v", c.rule, err)
			continue
		}
		if got := s.Demanding(after); (len(got) > 0) != c.want {
			t.Errorf("%s: %v", c.rule, got)
		}
	}
	if _, _, err := m.Apply(Change{FourEyes: map[OrganisationID]bool{"nowhere": true}}, ""); faultOf(err) != UnknownLink {
		t.Errorf("an organisation that does not exist demands it: %v", err)
	}
}
