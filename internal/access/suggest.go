package access

import (
	"cmp"
	"slices"
	"time"
)

// Suggestion is a smallest change that makes the answer yes: its edits suffice, and none of them is one too many.
type Suggestion struct{ Edits []Edit }

// Edit is one step of a suggestion. Of the fields only those are set that its kind names.
type Edit struct {
	Kind         EditKind
	Organisation OrganisationID // Reactivate, MapRole, MapNewRole, Prolong; System: the mapping's system roles
	IAMRole      string         // Join, MapRole, MapNewRole, Prolong; empty: a group that is still to be made
	Instead      string         // Join: the IAM role that the token carries, and that is nearly this one
	Role         *Role          // MapRole, AddPermission
	Permission   Permission     // AddPermission, MapNewRole
	Ended        time.Time      // Prolong
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
	Prolong                           // what the IAM role gave there ends later
)

var editNames = [...]string{"", "REACTIVATE", "JOIN", "MAP_ROLE", "ADD_PERMISSION", "MAP_NEW_ROLE", "PROLONG"}

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
		held := s.heldBy(g, p)
		if !held.Intersect(asked).IsEmpty() || s.isBootstrap(p, org, name) && !bootstrapSet.Intersect(asked).IsEmpty() {
			return []Suggestion{{Edits: a.first}} // nothing else is in the way
		}
		if g != nil {
			a.held = a.held.Union(held)
		}
		if at, ended := s.ended(p, org, name, asked); ended {
			if e := (Edit{Kind: Prolong, Organisation: org, IAMRole: name, Ended: at}); !slices.Contains(a.ended, e) {
				a.ended = append(a.ended, e)
			}
		}
		if im := s.iamRoles[name]; im != nil && (im.Ended(org, s.at) || im.Held()) {
			continue // whatever is added there ended too, or counts as little
		}
		if checkName(name, s.bootstrap.Role) == nil && !slices.Contains(a.names, name) {
			a.names = append(a.names, name)
		}
	}
	// An IAM role that is mapped is there for access; one that is not may be everybody's.
	slices.SortStableFunc(a.names, func(x, y string) int { return cmp.Compare(a.distance(x), a.distance(y)) })
	near, others := a.joins()
	slices.SortStableFunc(a.ended, func(x, y Edit) int { return y.Ended.Compare(x.Ended) })
	a.add(a.ended...)
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
	ended []Edit        // to prolong what gave it
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
		case a.s.heldBy(g, a.p).Intersect(a.asked).IsEmpty():
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
	return g.reachable.Minus(a.held).Len()<<20 + min(len(a.s.iamRoles[name].OrganisationRoles), 1<<20-1)
}

// mapRoles suggests to map one of the roles that hold it to one of the IAM roles.
func (a *adviser) mapRoles(names []string) {
	var edits []Edit
	roles := slices.DeleteFunc(a.s.leastRoles(a.asked), func(r *Role) bool { return !a.s.suits(r, a.p) })
	names = names[:min(len(names), maxAlternatives)]
	for _, role := range roles[:min(len(roles), maxAlternatives)] {
		for _, name := range names {
			edits = append(edits, Edit{Kind: MapRole, Organisation: a.org, IAMRole: name, Role: role})
		}
	}
	a.add(edits...)
}

// heldBy is what a grant gives somebody, by the sign-in that they have.
func (s *Snapshot) heldBy(g *grant, p *Principal) (set PermissionSet) {
	if g == nil {
		return set
	}
	set = g.permissions
	for _, role := range g.requiring {
		if s.suits(role, p) {
			set = set.Union(role.Permissions.Intersect(g.counts))
		}
	}
	return set
}

// Meets tells whether the principal's sign-in is what the role requires.
func (s *Snapshot) Meets(p *Principal, role *Role) bool {
	return role.Requires == nil || role.Requires.MetBy(&p.SignIn, s.now())
}

// suits tells whether what the role holds counts for somebody who has it, by the sign-in that they have.
func (s *Snapshot) suits(role *Role, p *Principal) bool {
	return role.Delegation == nil && s.Meets(p, role)
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
				if a.s.suits(role, a.p) && !slices.Contains(edits, e) {
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

// Sentence says what to do; place is the organisation's name, or TheSystem.
func (g Suggestion) Sentence(place any) Phrase {
	var all Phrase
	for i, e := range g.Edits {
		if i == 0 {
			all = e.sentence(place)
		} else {
			all = phrase("%s Then: %s", all, e.sentence(place))
		}
	}
	return all
}

func (e Edit) sentence(place any) Phrase {
	unnamed := e.IAMRole == ""
	switch {
	case e.Kind == Reactivate:
		return phrase("Reactivate %s.", place)
	case e.Kind == Prolong:
		return phrase("Prolong what %q gives in %s: it ended on %s. Everybody who carries it has it again.", e.IAMRole, place, endDate(e.Ended))
	case e.Kind == Join && unnamed:
		return phrase("Put the person into a group that the claim's filter lets through.")
	case e.Kind == Join && e.Instead != "":
		return phrase("The token carries %q, and %q would be allowed. They differ in case or blanks: make them the same.", e.Instead, e.IAMRole)
	case e.Kind == Join:
		return phrase("Put the person into the group %q.", e.IAMRole)
	case e.Kind == AddPermission:
		return phrase("Add %s to the role %q, for everybody who has that role.", e.Permission, e.Role.Name)
	case e.Kind == MapRole && unnamed:
		return phrase("Map the role %q to the name of that group in %s, for everybody who carries it.", e.Role.Name, place)
	case e.Kind == MapRole:
		return phrase("Map the role %q to the IAM role %q in %s, for everybody who carries it.", e.Role.Name, e.IAMRole, place)
	case unnamed:
		return phrase("Create a role with %s and map it to the name of that group in %s, for everybody who carries it.", e.Permission, place)
	}
	return phrase("Create a role with %s and map it to the IAM role %q in %s, for everybody who carries it.", e.Permission, e.IAMRole, place)
}
