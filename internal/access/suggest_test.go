package access

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestASuggestionFlipsTheDecisionAndNothingSmallerDoes draws policies; what is suggested is done as an administrator would.
func TestASuggestionFlipsTheDecisionAndNothingSmallerDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, b := drawModel(t)
		b.Retired = rarely(t, "retired")
		p, org := drawPrincipal(t), drawPlace(t)
		asked := rapid.SliceOfN(rapid.SampledFrom(somePerms), 0, 3).Draw(t, "asked")
		e := Build(m, b, day).Explain(p, org, asked...)
		if e.Decision.Allowed {
			if len(e.Suggestions) > 0 {
				t.Fatalf("it is allowed, and %v is suggested", e.Suggestions)
			}
			return
		}
		if e.Decision.Reason == SignInInsufficient { // no change is needed
			if len(e.Suggestions) > 0 || len(e.Requiring) == 0 {
				t.Fatalf("another sign-in would do, of %v, and %v is suggested", e.Requiring, e.Suggestions)
			}
			return
		}
		allowed := func(s *Snapshot, p *Principal) bool { return s.Explain(p, org, asked...).Decision.Allowed }
		helpless := e.Decision.Reason == OrganisationUnknown || SetOf(asked...).Intersect(OfScope(scopeOf(org))).IsEmpty()
		if len(asked) > 0 && helpless != (len(e.Suggestions) == 0) {
			t.Fatalf("%s: suggested %v", e.Decision.Reason, e.Suggestions)
		}
		fewest := len(e.Suggestions)
		for i, g := range e.Suggestions {
			if i == 0 {
				fewest = len(g.Edits)
			}
			if len(g.Edits) != fewest {
				t.Fatalf("%v is not as small as %v", g, e.Suggestions[0])
			}
			if s, q := followed(t, m, b, p, g.Edits); !allowed(s, q) {
				t.Fatalf("%q was followed in vain", g.Sentence("there"))
			}
			for left := range g.Edits {
				rest := slices.Delete(slices.Clone(g.Edits), left, left+1)
				if s, q := followed(t, m, b, p, rest); allowed(s, q) {
					t.Fatalf("%q has an edit too many: %d", g.Sentence("there"), left)
				}
			}
		}
		if fewest > 1 { // then no single edit of any kind does it
			for _, edit := range everyEdit(m, b, p, org, asked) {
				if slices.ContainsFunc(m.IAMRoles, func(im *IAMRole) bool { return im.Name == edit.IAMRole && im.Held() }) {
					continue // it may keep an administration for now: nobody is told to build upon that
				}
				if s, q := followed(t, m, b, p, []Edit{edit}); allowed(s, q) {
					t.Fatalf("%q would do; suggested %q", edit.sentence("there"), e.Suggestions[0].Sentence("there"))
				}
			}
		}
	})
}

// followed does what the edits say: to the model by Apply, which refuses what an administrator could not do, and to the
// token.
func followed(t *rapid.T, m Model, b Bootstrap, p *Principal, edits []Edit) (*Snapshot, *Principal) {
	const made = "a group that was made for it"
	who := *p
	for _, e := range edits {
		name := e.IAMRole
		if name == "" {
			name = made
		}
		c := Change{By: "ada", At: day}
		switch e.Kind {
		case Reactivate:
			for _, o := range m.Organisations {
				row := *o
				if o.ID == e.Organisation {
					row.DeactivatedAt = time.Time{}
				}
				c.Organisations = append(c.Organisations, &row)
			}
		case Join:
			who.IAMRoles = append(slices.Clone(who.IAMRoles), name)
			continue
		case AddPermission:
			row := e.Role.Clone()
			row.Permissions = row.Permissions.Union(SetOf(e.Permission))
			c.PutRoles = []*Role{row}
		case MapRole:
			c.PutIAMRoles = []*IAMRole{mappedTo(m, name, e.Organisation, e.Role.ID)}
		case Prolong:
			row := mappedTo(m, name, System, "made")
			row.SystemRoles = row.SystemRoles[:len(row.SystemRoles)-1]
			row.Ends[e.Organisation] = End{At: day.AddDate(1, 0, 0)}
			c.PutIAMRoles = []*IAMRole{row}
		case MapNewRole:
			c.PutRoles = []*Role{{ID: "made", Name: "made", Permissions: SetOf(e.Permission)}}
			c.PutIAMRoles = []*IAMRole{mappedTo(m, name, e.Organisation, "made")}
		}
		next, _, err := m.Apply(c, b.Role)
		if err != nil {
			t.Fatalf("%q can't be done: %v", e.sentence("there"), err)
		}
		m = next
	}
	return Build(m, b, day), &who
}

// mappedTo returns the mapping of that name with a role more.
func mappedTo(m Model, name string, org OrganisationID, id RoleID) *IAMRole {
	row := &IAMRole{ID: "made", Name: name, OrganisationRoles: map[OrganisationID][]RoleID{}}
	for _, im := range m.IAMRoles {
		if im.Name == name {
			row = im.Clone()
		}
	}
	if org == System {
		row.SystemRoles = append(row.SystemRoles, id)
	} else {
		row.OrganisationRoles[org] = append(row.OrganisationRoles[org], id)
	}
	keep := func(ids []RoleID) []RoleID { // those that dangle in a random model can't be saved again
		return slices.DeleteFunc(ids, func(id RoleID) bool {
			return id != "made" && !slices.ContainsFunc(m.Roles, func(r *Role) bool { return r.ID == id })
		})
	}
	row.SystemRoles = keep(row.SystemRoles)
	for org, ids := range row.OrganisationRoles {
		row.OrganisationRoles[org] = keep(ids)
	}
	return row
}

// everyEdit is every single edit that an administrator could think of.
func everyEdit(m Model, b Bootstrap, p *Principal, org OrganisationID, asked []Permission) (edits []Edit) {
	for _, o := range m.Organisations {
		edits = append(edits, Edit{Kind: Reactivate, Organisation: o.ID})
	}
	for _, im := range m.IAMRoles {
		for org := range im.Ends {
			edits = append(edits, Edit{Kind: Prolong, Organisation: org, IAMRole: im.Name})
		}
		edits = append(edits, Edit{Kind: Join, IAMRole: im.Name})
	}
	var names []string
	for _, name := range p.IAMRoles {
		if CheckName(name, b.Role) == nil {
			names = append(names, name)
		}
	}
	for _, role := range m.Roles {
		for _, permission := range asked {
			edits = append(edits, Edit{Kind: AddPermission, Role: role, Permission: permission})
		}
		for _, name := range names {
			for _, to := range []OrganisationID{org, System} {
				edits = append(edits, Edit{Kind: MapRole, Organisation: to, IAMRole: name, Role: role})
			}
		}
	}
	for _, name := range names {
		for _, permission := range asked {
			edits = append(edits, Edit{Kind: MapNewRole, Organisation: org, IAMRole: name, Permission: permission})
		}
	}
	return edits
}
