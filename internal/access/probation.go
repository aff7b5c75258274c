package access

import (
	"slices"
	"time"
)

// Probation is a change that counts until its time is over, and then is undone, unless it is confirmed before.
type Probation struct {
	Issuer, Subject string   // who made the change
	Name            string   // of who made it, for people
	IAMRoles        []string // that they carried then
	At, Until       time.Time
	// Left is what they administer by after the change, as far as is known of them.
	Left PermissionSet
	// Undo is the way back, as of then; UndoProbation fits it to what is now. No other change may close it.
	Undo Change
}

// undo returns the change by which m is restored after stored was applied to it.
func (m *Model) undo(stored Change) (back Change) {
	for _, r := range stored.PutRoles {
		if old := m.role(r.ID); old != nil {
			back.PutRoles = append(back.PutRoles, roleAt(old, r.Changed.Revision))
		} else {
			back.DeleteRoles = append(back.DeleteRoles, r.ID)
		}
	}
	for _, id := range stored.DeleteRoles {
		old := m.role(id)
		back.PutRoles = append(back.PutRoles, roleAt(old, old.Changed.Revision))
	}
	for _, im := range stored.PutIAMRoles {
		if old := m.iamRole(im.ID); old != nil {
			back.PutIAMRoles = append(back.PutIAMRoles, iamRoleAt(old, im.Changed.Revision))
		} else {
			back.DeleteIAMRoles = append(back.DeleteIAMRoles, im.ID)
		}
	}
	for _, id := range stored.DeleteIAMRoles {
		old := m.iamRole(id)
		back.PutIAMRoles = append(back.PutIAMRoles, iamRoleAt(old, old.Changed.Revision))
	}
	for org := range stored.FourEyes {
		if back.FourEyes == nil {
			back.FourEyes = map[OrganisationID]bool{}
		}
		back.FourEyes[org] = m.FourEyes[org]
	}
	return back
}

func roleAt(r *Role, revision int64) *Role {
	row := r.Clone()
	row.Changed = Changed{Revision: revision}
	return row
}

func iamRoleAt(im *IAMRole, revision int64) *IAMRole {
	row := im.Clone()
	row.Changed = Changed{Revision: revision}
	return row
}

func (m *Model) role(id RoleID) *Role {
	if i := slices.IndexFunc(m.Roles, func(r *Role) bool { return r.ID == id }); i >= 0 {
		return m.Roles[i]
	}
	return nil
}

func (m *Model) iamRole(id IAMRoleID) *IAMRole {
	if i := slices.IndexFunc(m.IAMRoles, func(im *IAMRole) bool { return im.ID == id }); i >= 0 {
		return m.IAMRoles[i]
	}
	return nil
}

// UndoProbation returns the change that undoes what is on probation. An organisation that Core took away meanwhile does not
// come back into a mapping by it.
func (m *Model) UndoProbation() Change {
	back := m.Probation.Undo
	back.EndsProbation, back.Undoes = true, true
	back.PutIAMRoles = slices.Clone(back.PutIAMRoles)
	for i, im := range back.PutIAMRoles {
		now, row := m.iamRole(im.ID), im.Clone()
		for org := range row.OrganisationRoles {
			known := slices.ContainsFunc(m.Organisations, func(o *Organisation) bool { return o.ID == org })
			if !known && (now == nil || now.OrganisationRoles[org] == nil) {
				delete(row.OrganisationRoles, org)
			}
		}
		for org, end := range row.Ends { // what came meanwhile is recorded once
			if now != nil && now.Ends[org].At.Equal(end.At) {
				row.Ends[org] = now.Ends[org]
			}
		}
		back.PutIAMRoles[i] = row
	}
	return back
}

// putOnProbation carries what is on probation from m into next, begins or ends it.
func (m *Model) putOnProbation(next *Model, stored *Change, c Change, reserved string) error {
	switch {
	case c.EndsProbation:
		next.Probation = nil
	case m.Probation != nil:
		return m.keepWayBack(*next, c, reserved)
	case c.Probation != nil:
		begun := *c.Probation
		begun.Undo = m.undo(*stored)
		next.Probation, stored.Probation = &begun, &begun
		if _, _, err := next.Apply(next.UndoProbation(), reserved); err != nil {
			return refuse(OnProbation, "", "a change to your own administration must be possible to undo, and this one is not: %v", err)
		}
	}
	return nil
}

// keepWayBack refuses a change of m, which next would be, that what is on probation could not be undone after.
func (m *Model) keepWayBack(next Model, c Change, reserved string) error {
	onProbation := func() error {
		return refuse(OnProbation, "", "a change that %s made to their own administration is on probation until %s: it must be confirmed or undone first",
			m.Probation.Name, m.Probation.Until.UTC().Format(time.RFC3339))
	}
	if c.Probation != nil || c.Touches(m.Probation.Undo) {
		return onProbation()
	}
	if _, _, err := next.Apply(next.UndoProbation(), reserved); err != nil {
		return onProbation()
	}
	return nil
}

// Touches tells whether both write or delete one row.
func (c *Change) Touches(other Change) bool {
	roles, iamRoles := other.IDs()
	mine, myIAMRoles := c.IDs()
	return slices.ContainsFunc(mine, func(id RoleID) bool { return slices.Contains(roles, id) }) ||
		slices.ContainsFunc(myIAMRoles, func(id IAMRoleID) bool { return slices.Contains(iamRoles, id) })
}

// IDs returns the rows that the change writes or deletes.
func (c *Change) IDs() (roles []RoleID, iamRoles []IAMRoleID) {
	roles, iamRoles = slices.Clone(c.DeleteRoles), slices.Clone(c.DeleteIAMRoles)
	for _, r := range c.PutRoles {
		roles = append(roles, r.ID)
	}
	for _, im := range c.PutIAMRoles {
		iamRoles = append(iamRoles, im.ID)
	}
	return roles, iamRoles
}

// source is how a permission of the system reaches somebody. The role is empty for the bootstrap role.
type source struct {
	iamRole  string
	role     RoleID
	requires string // of the sign-in: whether that can be met, only a sign-in shows
}

// administrationOf returns by which sources somebody administers, and what by each.
func (s *Snapshot) administrationOf(p *Principal) map[source]PermissionSet {
	sources := map[source]PermissionSet{}
	at, reason := s.usable(p, System)
	if reason != 0 {
		return sources
	}
	for _, name := range p.IAMRoles {
		if s.isBootstrap(p, System, name) {
			sources[source{iamRole: name}] = Administration
		}
		g := at.grants[name]
		if g == nil {
			continue
		}
		for _, role := range g.roles {
			if role.Delegation == nil {
				sources[source{name, role.ID, role.Requires.key()}] = role.Permissions.Intersect(Administration)
			}
		}
	}
	return sources
}

// Confirms tells whether p, who signed in since, shows that the administration goes on: whoever made the change, if they hold
// what it left them; where they can hold nothing by it (any more), anybody who holds the whole administration.
func (c *Probation) Confirms(s *Snapshot, p *Principal) bool {
	if p.Issuer == BreakGlassIssuer { // who may never come again
		return false
	}
	set, _ := s.Effective(p, System)
	if c.Left.IsEmpty() || !c.leaves(s) {
		return Administration.Minus(set).IsEmpty()
	}
	return c.MadeBy(p) && c.Left.Minus(set).IsEmpty()
}

// MadeBy tells whether p made the change.
func (c *Probation) MadeBy(p *Principal) bool { return p.Issuer == c.Issuer && p.Subject == c.Subject }

// MayUndo tells whether p may take the change back because they made it: not once somebody else took from them what it had
// left, for what is undone would give it back.
func (c *Probation) MayUndo(s *Snapshot, p *Principal) bool {
	return c.MadeBy(p) && c.Left.Minus(s.Reachable(p, System)).IsEmpty() && c.leaves(s)
}

// leaves tells whether whoever made the change would hold what it left them in s, with the IAM roles of then.
func (c *Probation) leaves(s *Snapshot) bool {
	made := &Principal{Issuer: c.Issuer, Subject: c.Subject, IAMRoles: c.IAMRoles}
	return c.Left.Minus(s.Reachable(made, System)).IsEmpty()
}

// Undone returns the snapshot that there would be if what is on probation were undone; nil when nothing is.
func (s *Snapshot) Undone() *Snapshot {
	if s.Probation() == nil {
		return nil
	}
	undone, err := s.After(s.UndoProbation())
	if err != nil { // no change closes the way back
		return nil
	}
	return undone
}

// NarrowsAdministration tells whether somebody who administers would do so by less in another snapshot: whether they
// still can rests on what is left, be it enough or not.
func (s *Snapshot) NarrowsAdministration(p *Principal, after *Snapshot) bool {
	left := after.administrationOf(p)
	for from, had := range s.administrationOf(p) {
		same, free := left[from], left[source{iamRole: from.iamRole, role: from.role}]
		if !had.Minus(same).Minus(free).IsEmpty() {
			return true
		}
	}
	return false
}
