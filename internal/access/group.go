package access

// Group is the provisioned group that a mapping was made for (internal/directory). A name alone is not enough where groups are
// known by their ids: another group may take it. So the mapping counts as long as the group of that id has the mapping's name.
type Group struct {
	ID   string // empty: there is none, the name was typed
	Name string // how it is called now; empty: it is no more
	// Keeps has a mapping that is held give its administration all the same: without it nobody could administer.
	Keeps bool
}

// GroupState is what became of the group of a mapping.
type GroupState struct {
	IAMRole IAMRoleID
	Group   Group
}

// Held tells whether the mapping does not count, since the group that it was made for has another name, or is no more. Whoever
// carries the name is in another group, or was before the renaming.
func (m *IAMRole) Held() bool { return m.Group.ID != "" && m.Group.Name != m.Name }

// follow writes what became of groups. It is no edit: revisions stay, and nothing is in the way of a probation.
func (e *editor) follow(all []GroupState) error {
	for _, state := range all {
		old := e.iamRoles[state.IAMRole]
		if old == nil || old.Group.ID != state.Group.ID || state.Group.ID == "" {
			return refuse(Missing, "group", "IAM role %s is not that group's any more", state.IAMRole)
		}
		row := old.Clone()
		row.Group = state.Group
		e.iamRoles[state.IAMRole] = row
	}
	return nil
}

// keeps narrows what a mapping gives that is held: nothing, but for the administration where nobody else has it.
func (m *IAMRole) keeps(org OrganisationID) (PermissionSet, bool) {
	if !m.Held() {
		return EffectiveIn(org), true
	}
	if m.Group.Keeps && org == System {
		return Administration, true
	}
	return PermissionSet{}, false
}

// Followed is what is known of provisioned groups beside the model.
type Followed struct {
	Members map[string]int  // by the id of the group
	Taken   map[string]bool // names that a group has now
}

// AddGroups finds what became of the groups of mappings.
func (n *Nowhere) AddGroups(s *Snapshot, known Followed) {
	for _, im := range s.model.IAMRoles {
		members, counted := known.Members[im.Group.ID]
		f := Finding{IAMRole: im, taken: known.Taken[im.Name]}
		switch {
		case im.Group.ID == "":
			continue
		case im.Held() && im.Group.Name == "":
			f.Kind = GroupDeleted
		case im.Held():
			f.Kind = GroupRenamed
		case counted && members == 0:
			f.Kind = GroupEmpty
		default:
			continue
		}
		n.add(f)
	}
	n.sort()
}

// groupSentence says what became of the group.
func (f *Finding) groupSentence() Phrase {
	name, now := f.IAMRole.Name, f.IAMRole.Group.Name
	switch {
	case f.Kind == GroupEmpty:
		return phrase("The group %q has no members in the directory.", name)
	case f.IAMRole.Group.Keeps && f.Kind == GroupRenamed:
		return phrase("The group %q is called %q in the directory now. Its access does not count, but for the administration: without it nobody could administer.", name, now)
	case f.IAMRole.Group.Keeps:
		return phrase("The group %q was deleted in the directory. Its access does not count, but for the administration: without it nobody could administer.", name)
	case f.Kind == GroupRenamed && f.taken:
		return phrase("The group %q is called %q in the directory now, and another group has its name. The access does not count, for either of them.", name, now)
	case f.Kind == GroupRenamed:
		return phrase("The group %q is called %q in the directory now. The access does not count.", name, now)
	case f.taken:
		return phrase("The group %q was deleted in the directory, and another one has its name. The access does not count for that one until an administrator confirms it.", name)
	}
	return phrase("The group %q was deleted in the directory. The access does not count.", name)
}

func (f *Finding) groupRemedy() Phrase {
	switch f.Kind {
	case GroupRenamed:
		return phrase("Move the access to the group's new name, or confirm that it is meant for whoever carries the old one.")
	case GroupDeleted:
		return phrase("Delete the access, or confirm that it is meant for whoever carries the name now.")
	}
	return phrase("That need not be wrong: look at the group in the identity provider before you delete anything.")
}

// MovesTo is the name to which the access can be moved: what its group is called now.
func (f *Finding) MovesTo() string {
	if f.Kind != GroupRenamed {
		return ""
	}
	return f.IAMRole.Group.Name
}
