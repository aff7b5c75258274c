package access

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestPredictedEqualsActual: what a change is said to do is what deciding says before and after it, everywhere and for
// every permission, and nothing else changes.
func TestPredictedEqualsActual(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, b := drawModel(t)
		before := Build(m, b, day)
		var c Change
		switch rapid.IntRange(0, 5).Draw(t, "kind of change") {
		case 0:
			if len(m.Roles) == 0 {
				return
			}
			row := rapid.SampledFrom(m.Roles).Draw(t, "role").Clone()
			row.Permissions = SetOf(rapid.SliceOfN(rapid.SampledFrom(somePerms), 0, 4).Draw(t, "permissions")...)
			if rarely(t, "restricted") {
				row.Delegation, row.Requires = &Delegation{}, nil
			} else if row.Delegation == nil && rarely(t, "step-up") {
				row.Requires = drawRequirement(t)
			}
			c.PutRoles = []*Role{row}
		case 1:
			if len(m.IAMRoles) == 0 {
				return
			}
			c.DeleteIAMRoles = []IAMRoleID{rapid.SampledFrom(m.IAMRoles).Draw(t, "IAM role").ID}
		case 2:
			c.PutIAMRoles = []*IAMRole{{ID: "new", Name: "G9", OrganisationRoles: map[OrganisationID][]RoleID{}}}
			for _, o := range m.Organisations {
				for _, r := range m.Roles {
					if rarely(t, "mapped") {
						c.PutIAMRoles[0].OrganisationRoles[o.ID] = append(c.PutIAMRoles[0].OrganisationRoles[o.ID], r.ID)
					}
				}
			}
		case 3:
			if len(m.IAMRoles) == 0 {
				return
			}
			row := rapid.SampledFrom(m.IAMRoles).Draw(t, "renamed").Clone()
			row.Name = "G9"
			c.PutIAMRoles = []*IAMRole{mappedTo(Model{Roles: m.Roles, IAMRoles: []*IAMRole{row}}, "G9", System, "made")}
			c.PutIAMRoles[0].SystemRoles = c.PutIAMRoles[0].SystemRoles[:len(c.PutIAMRoles[0].SystemRoles)-1]
		case 5:
			if len(m.IAMRoles) == 0 {
				return
			}
			row := mappedTo(m, rapid.SampledFrom(m.IAMRoles).Draw(t, "timed").Name, System, "made")
			row.SystemRoles, row.Ends = row.SystemRoles[:len(row.SystemRoles)-1], drawEnds(t, 1)
			c.PutIAMRoles = []*IAMRole{row}
		case 4:
			c.Organisations = []*Organisation{}
			for _, o := range m.Organisations {
				row := *o
				if rarely(t, "switched") {
					row.DeactivatedAt = map[bool]time.Time{true: day}[o.Active()]
				}
				c.Organisations = append(c.Organisations, &row)
			}
		}
		after, err := before.After(c)
		if err != nil {
			t.Fatal(err)
		}
		foreseen(t, after, c)
		p := drawPrincipal(t)
		if rarely(t, "has the new one") {
			p.IAMRoles = append(p.IAMRoles, "G9")
		}
		said := map[OrganisationID]Effect{}
		for _, e := range before.EffectsOn(p, after) {
			said[e.Organisation] = e
		}
		for _, org := range append([]OrganisationID{System, "nowhere"}, someOrgs...) {
			for permission := range Permissions() {
				was, is := before.Decide(p, org, permission).Reachable(), after.Decide(p, org, permission).Reachable()
				if gained := said[org].Gained.Has(permission); gained != (is && !was) {
					t.Fatalf("%s in %q: gained %v; before %v, after %v", permission, org, gained, was, is)
				}
				free := func(s *Snapshot) bool { // of what the sign-in was
					nobody := *p
					nobody.SignIn = SignIn{}
					return s.Decide(&nobody, org, permission).Allowed
				}
				if bound, want := said[org].Bound.Has(permission), was && is && free(before) && !free(after); bound != want {
					t.Fatalf("%s in %q: bound %v, want %v", permission, org, bound, want)
				}
				if freed, want := said[org].Freed.Has(permission), was && is && !free(before) && free(after); freed != want {
					t.Fatalf("%s in %q: freed %v, want %v", permission, org, freed, want)
				}
				if lost := said[org].Lost.Has(permission); lost != (was && !is) {
					t.Fatalf("%s in %q: lost %v; before %v, after %v", permission, org, lost, was, is)
				}
			}
		}
		if len(said) > 0 { // then one of their IAM roles is touched
			touched := false
			for _, name := range before.Compare(after).IAMRoles() {
				for _, carried := range p.IAMRoles {
					touched = touched || name == carried
				}
			}
			if !touched {
				t.Fatalf("%v, and none of %q is touched", said, p.IAMRoles)
			}
		}
	})
}
