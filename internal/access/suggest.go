package access

import (
	"cmp"
	"fmt"
	"slices"
)

// Suggestion is a smallest change that makes the answer yes: its edits suffice, and none of them is one too many.
type Suggestion struct{ Edits []Edit }

// Edit is one step of a suggestion. Of the fields only those are set that its kind names.
type Edit struct {
	Kind         EditKind
	Organisation OrganisationID // Reactivate, MapRole, MapNewRole; System: the mapping's system roles
	IAMRole      string         // Join, MapRole, MapNewRole; empty: a group that is still to be made
	Instead      string         // Join: the IAM role that the token carries, and that is nearly this one
	Role         *Role          // MapRole, AddPermission
	Permission   Permission     // AddPermission, MapNewRole
}

// EditKind says what an edit does.
type EditKind uint8

// The kinds. Join is done in the identity provider, the others here.
const (
	Reactivate    EditKind = iota + 1 // the organisation
	Join                              // the token carries the IAM role too
	MapRole                           // the IAM role gets the role there
	AddPermission                     // the role holds the permission too, for everybody who has the role
	MapNewRole                        // the IAM role gets a new role there, which holds the permission
)

var editNames = [...]string{"", "REACTIVATE", "JOIN", "MAP_ROLE", "ADD_PERMISSION", "MAP_NEW_ROLE"}

func (k EditKind) String() string {
	if int(k) >= len(editNames) {
		return ""
	}
	return editNames[k]
}

// maxAlternatives bounds the suggestions of one kind: more would be no help.
const maxAlternatives = 3

// suggest returns the smallest changes that would grant the principal one of the permissions there, the most natural
// first: of one kind those that give away least. Without permissions anything at all is asked for. It is empty where no
// change of the model or of the token helps.
func (s *Snapshot) suggest(p *Principal, org OrganisationID, anyOf []Permission) []Suggestion {
	asked := EffectiveIn(org)
	if len(anyOf) > 0 {
		asked = asked.Intersect(SetOf(anyOf...))
	}
	at := s.places[org]
	if p == nil || p.Subject == "" || p.Issuer == "" || at == nil || asked.IsEmpty() {
		return nil
	}
	a := adviser{s: s, p: p, org: org, at: at, asked: asked}
	for _, permission := range slices.Backward(anyOf) {
		if asked.Has(permission) {
			a.one = []Permission{permission}
		}
	}
	if at.organisation != nil && !at.organisation.Active() {
		a.first = []Edit{{Kind: Reactivate, Organisation: org}}
	}
	for _, name := range p.IAMRoles {
		g := at.grants[name]
		if g != nil && !g.permissions.Intersect(asked).IsEmpty() || s.isBootstrap(p, org, name) && !bootstrapSet.Intersect(asked).IsEmpty() {
			return []Suggestion{{Edits: a.first}} // nothing else is in the way
		}
		if g != nil {
			a.held = a.held.Union(g.permissions)
		}
		if checkName(name, s.bootstrap.Role) == nil && !slices.Contains(a.names, name) {
			a.names = append(a.names, name)
		}
	}
	// An IAM role that is mapped is there for access; one that is not may be everybody's.
	slices.SortStableFunc(a.names, func(x, y string) int { return cmp.Compare(a.distance(x), a.distance(y)) })
	near, others := a.joins()
	a.add(near...)
	a.mapRoles(a.names)
	a.add(others...)
	a.addPermissions()
	a.mapNewRole(a.names)
	if len(a.found) == 0 { // nothing that they carry can be mapped, and there is no group for it yet
		a.first = append(a.first, Edit{Kind: Join})
		if a.mapRoles([]string{""}); len(a.found) == 0 {
			a.mapNewRole([]string{""})
		}
	}
	return a.found
}

// adviser gathers the suggestions for one question.
type adviser struct {
	s     *Snapshot
	p     *Principal
	org   OrganisationID
	at    *place
	asked PermissionSet
	one   []Permission  // the first of those; none where anything is asked for
	names []string      // the IAM roles of the principal that can be mapped
	held  PermissionSet // what they give there
	first []Edit        // what is needed whatever else is done
	found []Suggestion
}

// distance is how far an IAM role is from giving anything there.
func (a *adviser) distance(name string) int {
	switch {
	case a.at.grants[name] != nil:
		return 0
	case a.s.iamRoles[name] != nil:
		return 1
	}
	return 2
}

// add makes a suggestion of each edit, as far as there is room.
func (a *adviser) add(edits ...Edit) {
	for _, e := range edits[:min(len(edits), maxAlternatives)] {
		a.found = append(a.found, Suggestion{Edits: append(slices.Clone(a.first), e)})
	}
}

// joins returns the IAM roles that would grant it: those that one of the carried nearly equals, and the others.
func (a *adviser) joins() (near, others []Edit) {
	instead := map[string]string{}
	for _, name := range a.p.IAMRoles {
		for _, other := range a.s.NearMisses(name) {
			instead[other] = name
		}
		b := a.s.bootstrap
		if name != b.Role && fold(name) == fold(b.Role) && a.s.isBootstrap(a.p, a.org, b.Role) && !bootstrapSet.Intersect(a.asked).IsEmpty() {
			near = append(near, Edit{Kind: Join, IAMRole: b.Role, Instead: name})
		}
	}
	for name, g := range a.at.grants {
		switch {
		case g.permissions.Intersect(a.asked).IsEmpty():
		case instead[name] != "":
			near = append(near, Edit{Kind: Join, IAMRole: name, Instead: instead[name]})
		default:
			others = append(others, Edit{Kind: Join, IAMRole: name})
		}
	}
	least := func(x, y Edit) int {
		return cmp.Or(cmp.Compare(a.gain(x.IAMRole), a.gain(y.IAMRole)), cmp.Compare(x.IAMRole, y.IAMRole))
	}
	slices.SortFunc(near, least)
	slices.SortFunc(others, least)
	return near, others
}

// gain counts what an IAM role would add there; in how many places it gives anything breaks the tie.
func (a *adviser) gain(name string) int {
	g := a.at.grants[name]
	if g == nil { // the bootstrap role
		return 0
	}
	return g.permissions.Minus(a.held).Len()<<20 + min(len(a.s.iamRoles[name].OrganisationRoles), 1<<20-1)
}

// mapRoles suggests to map one of the roles that hold it to one of the IAM roles.
func (a *adviser) mapRoles(names []string) {
	var edits []Edit
	roles := a.s.leastRoles(a.asked)
	names = names[:min(len(names), maxAlternatives)]
	for _, role := range roles[:min(len(roles), maxAlternatives)] {
		for _, name := range names {
			edits = append(edits, Edit{Kind: MapRole, Organisation: a.org, IAMRole: name, Role: role})
		}
	}
	a.add(edits...)
}

// addPermissions suggests to extend one of the roles that the principal has there.
func (a *adviser) addPermissions() {
	var edits []Edit
	for _, name := range a.names {
		g := a.at.grants[name]
		if g == nil {
			continue
		}
		for _, role := range g.roles {
			for _, permission := range a.one {
				e := Edit{Kind: AddPermission, Role: role, Permission: permission}
				if role.Delegation == nil && !slices.Contains(edits, e) {
					edits = append(edits, e)
				}
			}
			if len(edits) >= maxAlternatives {
				break
			}
		}
	}
	a.add(edits...)
}

// mapNewRole suggests a role for nothing but this.
func (a *adviser) mapNewRole(names []string) {
	for _, name := range names[:min(len(names), 1)] {
		for _, permission := range a.one {
			a.add(Edit{Kind: MapNewRole, Organisation: a.org, IAMRole: name, Permission: permission})
		}
	}
}

// leastRoles returns the ordinary roles that hold one of the permissions, those with the fewest permissions first. A role
// for everything holds it too, and must not be what is proposed.
func (s *Snapshot) leastRoles(asked PermissionSet) []*Role {
	var roles []*Role
	for _, role := range s.model.Roles {
		if role.Delegation == nil && !role.Permissions.Intersect(asked).IsEmpty() {
			roles = append(roles, role)
		}
	}
	slices.SortFunc(roles, func(a, b *Role) int {
		return cmp.Or(cmp.Compare(a.Permissions.Len(), b.Permissions.Len()), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return roles
}

// Sentence says what to do; place names the organisation.
func (g Suggestion) Sentence(place string) string {
	text := ""
	for _, e := range g.Edits {
		if text != "" {
			text += " Then: "
		}
		text += e.sentence(place)
	}
	return text
}

func (e Edit) sentence(place string) string {
	to, in := fmt.Sprintf("the IAM role %q", e.IAMRole), fmt.Sprintf(" in %s, for everybody who carries it.", place)
	if e.IAMRole == "" {
		to = "the name of that group"
	}
	switch e.Kind {
	case Reactivate:
		return fmt.Sprintf("Reactivate %s.", place)
	case Join:
		switch {
		case e.IAMRole == "":
			return "Put the person into a group that the claim's filter lets through."
		case e.Instead != "":
			return fmt.Sprintf("The token carries %q, and %q would be allowed. They differ in case or blanks: make them the same.", e.Instead, e.IAMRole)
		}
		return fmt.Sprintf("Put the person into the group %q.", e.IAMRole)
	case MapRole:
		return fmt.Sprintf("Map the role %q to %s", e.Role.Name, to) + in
	case AddPermission:
		return fmt.Sprintf("Add %s to the role %q, for everybody who has that role.", e.Permission, e.Role.Name)
	default:
		return fmt.Sprintf("Create a role with %s and map it to %s", e.Permission, to) + in
	}
}
