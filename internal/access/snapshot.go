package access

import (
	"cmp"
	"iter"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Snapshot is a Model compiled for deciding. It never changes, but for the notes of what is used; a change of the model makes a new one.
type Snapshot struct {
	model        Model
	bootstrap    Bootstrap
	at           time.Time                 // as of which it decides
	clock        func() time.Time          // by which the age of a sign-in is told; nil: as of at
	nextEnd      time.Time                 // of the mappings that count; zero: none ends
	places       map[OrganisationID]*place // every organisation, and System
	roles        map[RoleID]*Role
	iamRoles     map[string]*IAMRole // by exact name
	iamRolesByID map[IAMRoleID]*IAMRole
	folded       map[string][]string // names by their folded form, for pointing out near misses
}

// place is where permissions have effect: an organisation, or the system. Grants stand with their place rather than
// with their IAM role: so that deciding costs one look-up for each of a person's IAM roles.
type place struct {
	organisation *Organisation     // nil for the system
	grants       map[string]*grant // by the exact name of the IAM role
}

// grant is what one IAM role receives in one place.
type grant struct {
	permissions PermissionSet // whatever the sign-in was
	requiring   []*Role       // ordinary roles that require something of it
	counts      PermissionSet // as far as they hold these
	reachable   PermissionSet // what it can be, with the right sign-in
	roles       []*Role
	until       time.Time // zero: it does not end

	used, handedOut, delegated noted
}

// Build compiles a model as of a time. Mappings that ended by then, those whose group is another one now, and those to roles or organisations that the model lacks,
// grant nothing: whoever holds the snapshot makes a new one at NextEnd.
// The snapshot keeps the model's rows: they must not be changed afterwards.
func Build(m Model, b Bootstrap, at time.Time) *Snapshot {
	s := &Snapshot{
		model:        m,
		bootstrap:    b,
		at:           at,
		places:       make(map[OrganisationID]*place, len(m.Organisations)+1),
		roles:        make(map[RoleID]*Role, len(m.Roles)),
		iamRoles:     make(map[string]*IAMRole, len(m.IAMRoles)),
		iamRolesByID: make(map[IAMRoleID]*IAMRole, len(m.IAMRoles)),
		folded:       make(map[string][]string, len(m.IAMRoles)),
	}
	for _, o := range m.Organisations {
		s.places[o.ID] = &place{organisation: o, grants: map[string]*grant{}}
	}
	s.places[System] = &place{grants: map[string]*grant{}}
	for _, r := range m.Roles {
		s.roles[r.ID] = r
	}
	for _, im := range m.IAMRoles {
		for org, roles := range im.OrganisationRoles {
			if org != System {
				s.grant(im, org, roles)
			}
		}
		s.grant(im, System, im.SystemRoles)
		s.iamRoles[im.Name] = im
		s.iamRolesByID[im.ID] = im
		key := fold(im.Name)
		s.folded[key] = append(s.folded[key], im.Name)
	}
	return s
}

func (s *Snapshot) grant(im *IAMRole, org OrganisationID, ids []RoleID) {
	at := s.places[org]
	counts, any := im.keeps(org)
	if at == nil || len(ids) == 0 || im.Ended(org, s.at) || !any {
		return
	}
	g := &grant{roles: make([]*Role, 0, len(ids)), counts: counts, until: im.Ends[org].At}
	for _, id := range ids {
		role, ok := s.roles[id]
		if !ok || role.Delegation != nil && im.Held() {
			continue
		}
		g.roles = append(g.roles, role)
		switch {
		case role.Delegation != nil:
			continue
		case role.Requires != nil:
			if !role.Permissions.Intersect(counts).IsEmpty() {
				g.requiring = append(g.requiring, role)
			}
		default:
			g.permissions = g.permissions.Union(role.Permissions)
		}
		g.reachable = g.reachable.Union(role.Permissions)
	}
	g.permissions, g.reachable = g.permissions.Intersect(counts), g.reachable.Intersect(counts)
	if len(g.roles) > 0 {
		at.grants[im.Name] = g
		s.nextEnd = First(s.nextEnd, g.until)
	}
}

// Live returns the snapshot with a clock, by which it tells the age of sign-ins from now on. Without one they are as old as they
// were when it was built.
func (s *Snapshot) Live(clock func() time.Time) *Snapshot {
	live := *s
	live.clock = clock
	return &live
}

func (s *Snapshot) now() time.Time {
	if s.clock == nil {
		return s.at
	}
	return s.clock()
}

// Version is the model's version; it is stamped into minted tokens.
func (s *Snapshot) Version() int64 { return s.model.Version }

// Bootstrap returns the bootstrap role that counts in this snapshot.
func (s *Snapshot) Bootstrap() Bootstrap { return s.bootstrap }

// Probation returns what is on probation; nil when nothing is.
func (s *Snapshot) Probation() *Probation { return s.model.Probation }

// UndoProbation returns the change that undoes it.
func (s *Snapshot) UndoProbation() Change { return s.model.UndoProbation() }

// Organisations, Roles and IAMRoles return the rows, for reading only.
func (s *Snapshot) Organisations() []*Organisation { return s.model.Organisations }
func (s *Snapshot) Roles() []*Role                 { return s.model.Roles }
func (s *Snapshot) IAMRoles() []*IAMRole           { return s.model.IAMRoles }

// Organisation finds an organisation; nil when there is none.
func (s *Snapshot) Organisation(id OrganisationID) *Organisation {
	if at := s.places[id]; at != nil {
		return at.organisation
	}
	return nil
}

// Role finds a role; nil when there is none.
func (s *Snapshot) Role(id RoleID) *Role { return s.roles[id] }

// IAMRole finds a mapping; nil when there is none.
func (s *Snapshot) IAMRole(id IAMRoleID) *IAMRole { return s.iamRolesByID[id] }

// IAMRoleByName finds a mapping by its exact name; nil when there is none.
func (s *Snapshot) IAMRoleByName(name string) *IAMRole { return s.iamRoles[name] }

// OrganisationsOf returns the active organisations in which the principal may do anything, be it after another sign-in, by name.
func (s *Snapshot) OrganisationsOf(p *Principal) []*Organisation {
	found := slices.Collect(s.organisationsOf(p))
	slices.SortFunc(found, func(a, b *Organisation) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return slices.Compact(found)
}

// Sees returns which organisations the principal may know of: all of them who may list or open them, else those in which they
// may do anything. It enforces nothing.
func (s *Snapshot) Sees(p *Principal) func(OrganisationID) bool {
	if set, _ := s.Effective(p, System); set.Has(STSOrganisationList) || set.Has(STSOrganisationDetail) {
		return func(OrganisationID) bool { return true }
	}
	own := map[OrganisationID]bool{}
	for o := range s.organisationsOf(p) {
		own[o.ID] = true
	}
	return func(org OrganisationID) bool { return own[org] }
}

// OnlyOrganisation returns the one organisation in which the principal may do anything; nil when there is none, or when
// more says that there are several. It stops looking at the second.
func (s *Snapshot) OnlyOrganisation(p *Principal) (only *Organisation, more bool) {
	for o := range s.organisationsOf(p) {
		if only != nil && only != o {
			return nil, true
		}
		only = o
	}
	return only, false
}

// organisationsOf yields those organisations in no order, some perhaps more than once.
func (s *Snapshot) organisationsOf(p *Principal) iter.Seq[*Organisation] {
	return func(yield func(*Organisation) bool) {
		if p.Issuer == BreakGlassIssuer {
			return
		}
		for _, name := range p.IAMRoles {
			im := s.iamRoles[name]
			if im == nil {
				continue
			}
			for id := range im.OrganisationRoles {
				at := s.places[id]
				if at == nil || at.organisation == nil || !at.organisation.Active() {
					continue
				}
				if g := at.grants[name]; g != nil && !g.reachable.IsEmpty() && !yield(at.organisation) {
					return
				}
			}
		}
	}
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
