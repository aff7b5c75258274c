package access

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
)

// Snapshot is a Model compiled for deciding. It never changes; a change of the model makes a new one.
type Snapshot struct {
	model         Model
	bootstrap     Bootstrap
	organisations map[OrganisationID]*Organisation
	roles         map[RoleID]*Role
	iamRoles      map[string]*compiledIAMRole // by exact name
	iamRolesByID  map[IAMRoleID]*IAMRole
	folded        map[string][]string // names by their folded form, for pointing out near misses
}

type compiledIAMRole struct {
	*IAMRole
	system        grant
	organisations map[OrganisationID]*grant
}

// grant is what one IAM role receives in one place.
type grant struct {
	permissions PermissionSet
	roles       []*Role
}

// Build compiles a model. Mappings to roles or organisations that the model lacks grant nothing.
// The snapshot keeps the model's rows: they must not be changed afterwards.
func Build(m Model, b Bootstrap) *Snapshot {
	s := &Snapshot{
		model:         m,
		bootstrap:     b,
		organisations: make(map[OrganisationID]*Organisation, len(m.Organisations)),
		roles:         make(map[RoleID]*Role, len(m.Roles)),
		iamRoles:      make(map[string]*compiledIAMRole, len(m.IAMRoles)),
		iamRolesByID:  make(map[IAMRoleID]*IAMRole, len(m.IAMRoles)),
		folded:        make(map[string][]string, len(m.IAMRoles)),
	}
	for _, o := range m.Organisations {
		s.organisations[o.ID] = o
	}
	for _, r := range m.Roles {
		s.roles[r.ID] = r
	}
	for _, im := range m.IAMRoles {
		c := &compiledIAMRole{
			IAMRole:       im,
			system:        s.compile(im.SystemRoles, ScopeSystem),
			organisations: make(map[OrganisationID]*grant, len(im.OrganisationRoles)),
		}
		for org, roles := range im.OrganisationRoles {
			if g := s.compile(roles, ScopeOrganisation); len(g.roles) > 0 {
				c.organisations[org] = &g
			}
		}
		s.iamRoles[im.Name] = c
		s.iamRolesByID[im.ID] = im
		key := fold(im.Name)
		s.folded[key] = append(s.folded[key], im.Name)
	}
	return s
}

func (s *Snapshot) compile(ids []RoleID, scope PermissionScope) grant {
	g := grant{roles: make([]*Role, 0, len(ids))}
	for _, id := range ids {
		role, ok := s.roles[id]
		if !ok {
			continue
		}
		g.roles = append(g.roles, role)
		if role.Delegation == nil {
			g.permissions = g.permissions.Union(role.Permissions)
		}
	}
	g.permissions = g.permissions.Intersect(OfScope(scope))
	return g
}

// Version is the model's version; it is stamped into minted tokens.
func (s *Snapshot) Version() int64 { return s.model.Version }

// Bootstrap returns the bootstrap role that counts in this snapshot.
func (s *Snapshot) Bootstrap() Bootstrap { return s.bootstrap }

// Organisations, Roles and IAMRoles return the rows, for reading only.
func (s *Snapshot) Organisations() []*Organisation { return s.model.Organisations }
func (s *Snapshot) Roles() []*Role                 { return s.model.Roles }
func (s *Snapshot) IAMRoles() []*IAMRole           { return s.model.IAMRoles }

// Organisation finds an organisation; nil when there is none.
func (s *Snapshot) Organisation(id OrganisationID) *Organisation { return s.organisations[id] }

// Role finds a role; nil when there is none.
func (s *Snapshot) Role(id RoleID) *Role { return s.roles[id] }

// IAMRole finds a mapping; nil when there is none.
func (s *Snapshot) IAMRole(id IAMRoleID) *IAMRole { return s.iamRolesByID[id] }

// IAMRoleByName finds a mapping by its exact name; nil when there is none.
func (s *Snapshot) IAMRoleByName(name string) *IAMRole {
	if c := s.iamRoles[name]; c != nil {
		return c.IAMRole
	}
	return nil
}

// OrganisationsOf returns the active organisations in which the principal may do anything, by name.
func (s *Snapshot) OrganisationsOf(p *Principal) []*Organisation {
	var found []*Organisation
	for _, name := range p.IAMRoles {
		c := s.iamRoles[name]
		if c == nil {
			continue
		}
		for id, g := range c.organisations {
			if o := s.organisations[id]; o != nil && o.Active() && !g.permissions.IsEmpty() && !slices.Contains(found, o) {
				found = append(found, o)
			}
		}
	}
	slices.SortFunc(found, func(a, b *Organisation) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return found
}

// RoleUses returns the mappings in which the role stands.
func (s *Snapshot) RoleUses(id RoleID) []*IAMRole {
	var uses []*IAMRole
	for _, im := range s.model.IAMRoles {
		if im.Uses(id) {
			uses = append(uses, im)
		}
	}
	return uses
}

// NearMisses returns the mapped names that differ from name only in case or blanks. They are never matched:
// they are shown so that a slip of the keyboard is found.
func (s *Snapshot) NearMisses(name string) []string {
	var near []string
	for _, candidate := range s.folded[fold(name)] {
		if candidate != name {
			near = append(near, candidate)
		}
	}
	return near
}

// fold drops what people overlook: case, and white space of every kind.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) {
			return -1
		}
		return unicode.ToLower(unicode.ToUpper(r)) // up first: ſ is an s
	}, name)
}
