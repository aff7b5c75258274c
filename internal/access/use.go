package access

import (
	"iter"
	"sync/atomic"
)

// noted is what was noted of the permissions of one grant. Noting the same again costs a look, no write: requests at the same
// time are not in each other's way.
type noted [len(PermissionSet{})]atomic.Uint64

func (n *noted) add(set PermissionSet) {
	for i, word := range set {
		if word&^n[i].Load() != 0 {
			n[i].Or(word)
		}
	}
}

func (n *noted) take() (set PermissionSet) {
	for i := range n {
		if n[i].Load() != 0 {
			set[i] = n[i].Swap(0)
		}
	}
	return set
}

// NoteUse notes that what was decided was done. Only what a role granted is noted.
func (d *Decision) NoteUse() {
	if d.grant != nil {
		d.grant.used.add(SetOf(d.Permission))
	}
}

// NoteToken notes that a token carries these permissions by which the principal acts elsewhere.
func (s *Snapshot) NoteToken(p *Principal, org OrganisationID, set PermissionSet) {
	for g := range s.grantsOf(p, org) {
		g.handedOut.add(set)
	}
}

// NoteDelegated notes that a token carries these permissions by which the service acts elsewhere for the user, who held what the
// service's roles require of them.
func (s *Snapshot) NoteDelegated(service, user *Principal, org OrganisationID, set PermissionSet) {
	var required PermissionSet
	for g := range s.grantsOf(service, org) {
		g.delegated.add(set)
		for _, role := range g.roles {
			if role.Delegation != nil {
				required = required.Union(role.Delegation.RequiredUserPermissions)
			}
		}
	}
	s.NoteToken(user, org, required)
}

// grantsOf yields what the principal's IAM roles receive there.
func (s *Snapshot) grantsOf(p *Principal, org OrganisationID) iter.Seq[*grant] {
	return func(yield func(*grant) bool) {
		at, reason := s.usable(p, org)
		if reason != 0 {
			return
		}
		for _, name := range p.IAMRoles {
			if g := at.grants[name]; g != nil && !yield(g) {
				return
			}
		}
	}
}

// RoleUse is which permissions of a role were used, and which tokens carried away.
type RoleUse struct {
	Used, HandedOut PermissionSet
}

// TakeUses yields what was noted since it was last taken, a role perhaps more than once. A use counts for the roles of the IAM role by
// which it was granted: what none of them gave, nobody would miss.
func (s *Snapshot) TakeUses() iter.Seq2[*Role, RoleUse] {
	return func(yield func(*Role, RoleUse) bool) {
		for org, at := range s.places {
			here := EffectiveIn(org)
			for _, g := range at.grants {
				used, handedOut, delegated := g.used.take(), g.handedOut.take(), g.delegated.take()
				if used.Union(handedOut).Union(delegated).IsEmpty() {
					continue
				}
				for _, role := range g.roles {
					held := role.Permissions.Intersect(here)
					use := RoleUse{used.Intersect(held), handedOut.Intersect(held)}
					if role.Delegation != nil {
						use = RoleUse{HandedOut: delegated.Intersect(held)}
					}
					if use != (RoleUse{}) && !yield(role, use) {
						return
					}
				}
			}
		}
	}
}
