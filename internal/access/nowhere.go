package access

import (
	"cmp"
	"slices"
	"time"
)

// FindingKind says in which way something leads nowhere.
type FindingKind uint8

// The kinds. But for NotCarried they are true of everybody: without what they are about, everything would be decided alike.
const (
	GroupRenamed      FindingKind = iota + 1 // the group that the mapping was made for has another name
	GroupDeleted                             // it is no more
	GroupEmpty                               // it has no members
	RoleNotMapped                            // no IAM role gives the role
	PermissionsIdle                          // the role has permissions that count in no place where it is mapped
	RoleIdle                                 // none of the role's permissions counts where it is mapped
	DelegationIdle                           // nobody can hold there what the role requires of the user
	OrganisationGone                         // the mapping names an organisation that is no more
	IAMRoleGivesNone                         // the mapping gives nothing anywhere
	IAMRoleNotCarried                        // nobody carried the IAM role who was seen lately: that need not be wrong
)

var findingNames = [...]string{
	"", "GROUP_RENAMED", "GROUP_DELETED", "GROUP_EMPTY", "ROLE_NOT_MAPPED", "PERMISSIONS_WITHOUT_EFFECT", "ROLE_WITHOUT_EFFECT", "DELEGATION_NEVER_MET", "ORGANISATION_GONE",
	"IAM_ROLE_GIVES_NOTHING", "IAM_ROLE_NOT_SEEN",
}

// FindingKinds are all of them, in their order.
var FindingKinds = []FindingKind{
	GroupRenamed, GroupDeleted, GroupEmpty, RoleNotMapped, PermissionsIdle, RoleIdle, DelegationIdle, OrganisationGone, IAMRoleGivesNone, IAMRoleNotCarried,
}

func (k FindingKind) String() string {
	if int(k) >= len(findingNames) {
		return ""
	}
	return findingNames[k]
}

// Finding is something that leads nowhere.
type Finding struct {
	Kind         FindingKind
	Role         *Role          // nil: it is about the whole mapping
	IAMRole      *IAMRole       // nil: it is about the role, wherever it is mapped
	Organisation OrganisationID // where, if Placed; System: in the whole system
	Permissions  PermissionSet  // PermissionsIdle: those that do not count

	ends  reach // IAMRoleGivesNone: why its ways end
	taken bool  // of a group: another one has its name
	since bool  // IAMRoleNotCarried: it has been mapped for a shorter time than people are looked back at
}

// Placed tells whether it is about one place only.
func (f *Finding) Placed() bool {
	return f.Kind == RoleIdle || f.Kind == DelegationIdle || f.Kind == OrganisationGone
}

// In tells whether it is about that organisation, or the system: about what is mapped there, or about an IAM role that is.
func (f *Finding) In(org OrganisationID) bool {
	switch {
	case f.Placed():
		return f.Organisation == org
	case f.IAMRole != nil:
		return len(f.IAMRole.RolesIn(org)) > 0
	}
	return false
}

// reach says how far a mapping leads in a place; several say so of several places.
type reach uint8

const (
	live reach = 1 << iota
	ended
	deactivated
	gone
)

func (s *Snapshot) reachOf(im *IAMRole, org OrganisationID) reach {
	at := s.places[org]
	switch {
	case at == nil:
		return gone
	case im.Ended(org, s.at):
		return ended
	case at.organisation != nil && !at.organisation.Active():
		return deactivated
	}
	return live
}

// Nowhere is what leads nowhere, in a fixed order.
type Nowhere struct {
	Findings []Finding
	Blind    bool                // it was not known what people carry
	strays   map[string][]string // IAM roles that were carried and are not mapped, by their folded form
	renamed  Names               // the same
}

// Nowhere finds what leads nowhere as things are. seen are those who were seen since then, each as they were last: when there
// are none, or not all of them are known, nothing is said of what nobody carried. What ends before long still leads somewhere.
func (s *Snapshot) Nowhere(seen []*Principal, since time.Time) Nowhere {
	n := Nowhere{Blind: len(seen) == 0, strays: map[string][]string{}}
	carried := map[string]bool{}
	for _, p := range seen {
		for _, name := range p.IAMRoles {
			if !carried[name] && s.iamRoles[name] == nil && !s.isBootstrap(p, System, name) {
				n.strays[fold(name)] = append(n.strays[fold(name)], name)
				n.renamed = append(n.renamed, lower(name))
			}
			carried[name] = true
		}
	}
	mapped := map[RoleID]PermissionSet{} // the permissions that can count where it is mapped
	found := map[OrganisationID]PermissionSet{}
	for _, im := range s.model.IAMRoles {
		n.look(s, im, mapped, found)
		if !n.Blind && !carried[im.Name] && !s.forServices(im) && !im.Held() {
			n.add(Finding{Kind: IAMRoleNotCarried, IAMRole: im, since: im.Changed.CreatedAt.After(since)})
		}
	}
	for _, role := range s.model.Roles {
		counts, is := mapped[role.ID]
		idle := role.Permissions.Minus(counts)
		switch {
		case !is:
			n.add(Finding{Kind: RoleNotMapped, Role: role})
		case !idle.IsEmpty() && idle != role.Permissions:
			n.add(Finding{Kind: PermissionsIdle, Role: role, Permissions: idle})
		}
	}
	n.sort()
	return n
}

func (n *Nowhere) sort() {
	slices.SortFunc(n.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Subject(), b.Subject()), cmp.Compare(a.id(), b.id()), cmp.Compare(a.Organisation, b.Organisation))
	})
}

// Where returns the same with those findings alone that keep keeps.
func (n Nowhere) Where(keep func(*Finding) bool) Nowhere {
	all := n.Findings
	n.Findings = nil
	for i := range all {
		if keep(&all[i]) {
			n.Findings = append(n.Findings, all[i])
		}
	}
	return n
}

// WithoutPeople returns the same for somebody who may not know which IAM roles people carry.
func (n Nowhere) WithoutPeople() Nowhere {
	n.strays, n.renamed = nil, nil
	return n
}

func (n *Nowhere) add(f Finding) { n.Findings = append(n.Findings, f) }

// look finds what of one mapping leads nowhere, and notes where its roles are mapped and, in held, what users can hold there.
func (n *Nowhere) look(s *Snapshot, im *IAMRole, mapped map[RoleID]PermissionSet, held map[OrganisationID]PermissionSet) {
	var all reach
	var missing []OrganisationID
	for _, org := range append(im.OrganisationIDs(), System) {
		roles := s.rolesIn(im, org)
		if len(roles) == 0 {
			continue
		}
		here := s.reachOf(im, org)
		all |= here
		if here == gone {
			missing = append(missing, org)
		}
		for _, role := range roles {
			mapped[role.ID] = mapped[role.ID].Union(EffectiveIn(org))
			switch d := role.Delegation; {
			case here != live || im.Held(): // of which is said that it does not count
			case role.Permissions.Intersect(EffectiveIn(org)).IsEmpty():
				n.add(Finding{Kind: RoleIdle, Role: role, IAMRole: im, Organisation: org})
			case d != nil && !d.RequiredUserPermissions.IsEmpty() && !d.admits(s.holdable(org, held)):
				n.add(Finding{Kind: DelegationIdle, Role: role, IAMRole: im, Organisation: org})
			}
		}
	}
	if all&live == 0 {
		n.add(Finding{Kind: IAMRoleGivesNone, IAMRole: im, ends: all})
		return
	}
	for _, org := range missing {
		n.add(Finding{Kind: OrganisationGone, IAMRole: im, Organisation: org})
	}
}

// holdable is everything that anybody could hold there, whichever IAM roles they carried. It is kept in known.
func (s *Snapshot) holdable(org OrganisationID, known map[OrganisationID]PermissionSet) PermissionSet {
	set, is := known[org]
	if !is {
		for _, g := range s.places[org].grants {
			set = set.Union(g.reachable)
		}
		if org == System { // by the bootstrap role, or a break-glass file
			set = set.Union(bootstrapSet)
		}
		known[org] = set
	}
	return set
}

// rolesIn returns the roles that the mapping gives there, each once.
func (s *Snapshot) rolesIn(im *IAMRole, org OrganisationID) (roles []*Role) {
	for _, id := range distinct(im.RolesIn(org)) {
		if role := s.roles[id]; role != nil {
			roles = append(roles, role)
		}
	}
	return roles
}

// forServices tells whether all that the mapping gives counts for services that act for a user: those are never seen.
func (s *Snapshot) forServices(im *IAMRole) bool {
	ids := slices.DeleteFunc(im.RoleIDs(), func(id RoleID) bool { return s.roles[id] == nil })
	return len(ids) > 0 && !slices.ContainsFunc(ids, func(id RoleID) bool { return s.roles[id].Delegation == nil })
}

// Carried returns IAM roles that were carried, are not mapped, and could be the finding's: near ones, which differ in case or blanks
// only, and those that look like the same one renamed. It is empty but for IAMRoleNotCarried.
func (n *Nowhere) Carried(f *Finding) (near, renamed []string) {
	if f.Kind != IAMRoleNotCarried {
		return nil, nil
	}
	near = n.strays[fold(f.IAMRole.Name)]
	for _, name := range n.renamed.Renamed(f.IAMRole.Name) {
		if !slices.Contains(near, name) {
			renamed = append(renamed, name)
		}
	}
	return near, renamed
}

// Subject is the name of the IAM role that it is about, else of the role.
func (f *Finding) Subject() string {
	if f.IAMRole != nil {
		return f.IAMRole.Name
	}
	return f.Role.Name
}

func (f *Finding) id() string {
	id := ""
	if f.IAMRole != nil {
		id = string(f.IAMRole.ID)
	}
	if f.Role != nil {
		id += string(f.Role.ID)
	}
	return id
}

// Sentence says what leads nowhere; place is the organisation's name, or TheSystem, where it is Placed.
func (f *Finding) Sentence(place any) Phrase {
	switch f.Kind {
	case GroupRenamed, GroupDeleted, GroupEmpty:
		return f.groupSentence()
	case RoleNotMapped:
		return phrase("No IAM role gives the role %q, so that nobody has it.", f.Role.Name)
	case PermissionsIdle:
		if f.Permissions.Intersect(OfScope(ScopeSystem)).IsEmpty() {
			return phrase("The role %q is mapped in the whole system only. Of its permissions %d can count in an organisation only.", f.Role.Name, f.Permissions.Len())
		}
		return phrase("The role %q is mapped in organisations only. Of its permissions %d can count in the whole system only.", f.Role.Name, f.Permissions.Len())
	case RoleIdle:
		switch {
		case f.Role.Permissions.IsEmpty():
			return phrase("%q gives the role %q in %s; it has no permissions.", f.IAMRole.Name, f.Role.Name, place)
		case f.Organisation == System:
			return phrase("%q gives the role %q in the whole system; its permissions count in an organisation only.", f.IAMRole.Name, f.Role.Name)
		}
		return phrase("%q gives the role %q in %s; its permissions count in the whole system only.", f.IAMRole.Name, f.Role.Name, place)
	case DelegationIdle:
		return phrase("A service with %q acts by the role %q only for users who hold certain permissions in %s, and no IAM role gives anybody one of them there.",
			f.IAMRole.Name, f.Role.Name, place)
	case OrganisationGone:
		return phrase("%q gives roles in the organisation %s, which is no more.", f.IAMRole.Name, place)
	case IAMRoleGivesNone:
		return f.nothing()
	}
	if f.since {
		return phrase("Nobody who was seen in the last 90 days carried %q when they last signed in. It has been mapped since %s only.",
			f.IAMRole.Name, f.IAMRole.Changed.CreatedAt.UTC().Format(time.DateOnly))
	}
	return phrase("Nobody who was seen in the last 90 days carried %q when they last signed in.", f.IAMRole.Name)
}

// Remedy says what can be done about it.
func (f *Finding) Remedy() Phrase {
	switch f.Kind {
	case GroupRenamed, GroupDeleted, GroupEmpty:
		return f.groupRemedy()
	case RoleNotMapped:
		return phrase("Map it to an IAM role, or delete it.")
	case PermissionsIdle:
		return phrase("Take them out of the role, or map it where they count.")
	case RoleIdle:
		return phrase("Take the role away there, or map it where its permissions count.")
	case DelegationIdle:
		return phrase("Give users one of these permissions there, or change what the role requires of them.")
	case OrganisationGone:
		return phrase("Take the organisation out of the access.")
	case IAMRoleGivesNone:
		return phrase("Give it something that counts, or delete the access.")
	}
	return phrase("That need not be wrong: a group for emergencies is rightly quiet, and services that bring tokens of their own are never seen. Look at the group in the identity provider before you delete anything.")
}

func (f *Finding) nothing() Phrase {
	name := f.IAMRole.Name
	switch f.ends {
	case 0:
		return phrase("%q is mapped to no role.", name)
	case ended:
		return phrase("All that %q gave has ended.", name)
	case deactivated:
		return phrase("%q gives roles in deactivated organisations only.", name)
	case gone:
		return phrase("%q gives roles only in organisations that are no more.", name)
	}
	return phrase("All that %q gives has ended, or is in organisations that are deactivated or no more.", name)
}

// Changed says when the row was last changed that it is about.
func (f *Finding) Changed() Changed {
	if f.IAMRole != nil {
		return f.IAMRole.Changed
	}
	return f.Role.Changed
}
