package policyfile

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/portico-iam/portico/internal/access"
)

// Change returns what makes the snapshot's policy equal to the file: rows that differ are put, rows that the file lacks are
// deleted. It is empty when there is nothing to do. Everything that is wrong is told at once.
func (f *File) Change(s *access.Snapshot) (access.Change, error) {
	b := builder{s: s, roles: map[string]access.RoleID{}, organisations: map[string]access.OrganisationID{}}
	for _, o := range s.Organisations() {
		b.organisations[string(o.ID)] = o.ID
	}
	for id, name := range organisationNames(s) {
		b.organisations[name] = id
	}
	for i, r := range f.Roles {
		b.putRole(fmt.Sprintf("roles[%d] %q", i, r.Name), r)
	}
	for i, a := range f.Access {
		b.putAccess(fmt.Sprintf("access[%d] %q", i, a.IAMRole), a)
	}
	for _, r := range s.Roles() {
		if !slices.Contains(b.keptRoles, r.ID) {
			b.change.DeleteRoles = append(b.change.DeleteRoles, r.ID)
		}
	}
	for _, m := range s.IAMRoles() {
		if !slices.Contains(b.keptAccess, m.ID) {
			b.change.DeleteIAMRoles = append(b.change.DeleteIAMRoles, m.ID)
		}
	}
	if f.FourEyes != nil {
		b.demand(f.FourEyes)
	}
	return b.change, errors.Join(b.errs...)
}

// demand has exactly these organisations demand a second administrator.
func (b *builder) demand(names []string) {
	set, demanded := map[access.OrganisationID]bool{}, map[access.OrganisationID]bool{}
	for i, name := range names {
		at := fmt.Sprintf("fourEyes[%d]", i)
		org, known := b.organisations[name]
		if !known && b.s.FourEyes(access.OrganisationID(name)) { // one that Core no longer lists may stay
			org, known = access.OrganisationID(name), true
		}
		switch {
		case !known:
			b.fail(at, "there is no organisation %q, or several have this name: then use the id", name)
		case demanded[org]:
			b.fail(at, "the organisation %q stands there twice", name)
		case !b.s.FourEyes(org):
			set[org] = true
		}
		demanded[org] = true
	}
	for _, org := range b.s.FourEyesOrganisations() {
		if !demanded[org] {
			set[org] = false
		}
	}
	if len(set) > 0 {
		b.change.FourEyes = set
	}
}

// Empty tells whether a change changes nothing.
func Empty(c access.Change) bool {
	return len(c.PutRoles)+len(c.DeleteRoles)+len(c.PutIAMRoles)+len(c.DeleteIAMRoles)+len(c.FourEyes) == 0
}

type builder struct {
	s             *access.Snapshot
	roles         map[string]access.RoleID         // by the name in the file
	organisations map[string]access.OrganisationID // by name or id
	keptRoles     []access.RoleID
	keptAccess    []access.IAMRoleID
	change        access.Change
	errs          []error
}

func (b *builder) fail(at, format string, args ...any) {
	b.errs = append(b.errs, fmt.Errorf("%s: %s", at, fmt.Sprintf(format, args...)))
}

// newID is the file's own id, so that a policy can move between installations, or a new one.
func (b *builder) newID(at, id string) string {
	if id == "" {
		return uuid.NewString()
	}
	if parsed, err := uuid.Parse(id); err != nil || parsed.String() != id {
		b.fail(at, "id: expected a UUID in small letters, got %q", id)
	}
	return id
}

func (b *builder) putRole(at string, r Role) {
	if _, twice := b.roles[r.Name]; twice {
		b.fail(at, "stands there twice")
		return
	}
	old := b.s.Role(access.RoleID(r.ID))
	if r.ID == "" {
		for _, known := range b.s.Roles() {
			if known.Name == r.Name {
				old = known
			}
		}
	}
	row := &access.Role{Name: r.Name}
	if old != nil {
		row.ID, row.Changed = old.ID, old.Changed
	} else {
		row.ID = access.RoleID(b.newID(at, r.ID))
	}
	var unknown, more []string
	row.Permissions, unknown = access.ParseSet(r.Permissions)
	if r.Delegation != nil {
		row.Delegation = &access.Delegation{}
		row.Delegation.RequiredUserPermissions, more = access.ParseSet(r.Delegation.AnyOf)
	}
	row.Requires = b.requires(at, r.Requires)
	for _, name := range append(unknown, more...) {
		b.fail(at, "there is no permission %q", name)
	}
	b.roles[r.Name] = row.ID
	if slices.Contains(b.keptRoles, row.ID) {
		b.fail(at, "another role of the file has this id, or is this role by its name")
	}
	b.keptRoles = append(b.keptRoles, row.ID)
	if old == nil || !sameRole(old, row) {
		b.change.PutRoles = append(b.change.PutRoles, row)
	}
}

// requires reads what a role requires. That its values are acceptable is for the change to say.
func (b *builder) requires(at string, r *Requires) *access.Requirement {
	if r == nil {
		return nil
	}
	q := &access.Requirement{Classes: r.ACR}
	if r.MaxAge != "" {
		age, err := time.ParseDuration(r.MaxAge)
		if err != nil || age <= 0 {
			b.fail(at, "requires.maxAge: expected a time as 15m or 8h, got %q", r.MaxAge)
		}
		q.MaxAge = age
	}
	if len(q.Classes) == 0 && q.MaxAge == 0 { // it lost its lines: that must not lift what it required
		b.fail(at, "requires: expected acr, maxAge or both; leave it out where the role requires nothing")
	}
	return q
}

func sameRole(a, b *access.Role) bool {
	return a.Name == b.Name && a.Permissions == b.Permissions && (a.Delegation == nil) == (b.Delegation == nil) &&
		(a.Delegation == nil || *a.Delegation == *b.Delegation) && a.Requires.Equal(b.Requires)
}

func (b *builder) putAccess(at string, a Access) {
	old := b.s.IAMRole(access.IAMRoleID(a.ID))
	if a.ID == "" {
		old = b.s.IAMRoleByName(a.IAMRole)
	}
	row := &access.IAMRole{Name: a.IAMRole, OrganisationRoles: map[access.OrganisationID][]access.RoleID{}, SystemRoles: b.roleIDs(at, a.System)}
	if old != nil {
		row.ID, row.Changed = old.ID, old.Changed
	} else {
		row.ID = access.IAMRoleID(b.newID(at, a.ID))
	}
	for name, roles := range a.Organisations {
		org, known := b.organisations[name]
		if !known && (old == nil || old.OrganisationRoles[access.OrganisationID(name)] == nil) { // one that Core no longer lists may stay
			b.fail(at, "there is no organisation %q, or several have this name: then use the id", name)
			continue
		}
		if !known {
			org = access.OrganisationID(name)
		}
		if row.OrganisationRoles[org] != nil {
			b.fail(at, "the organisation %q stands there twice, by name and by id", name)
		}
		if ids := b.roleIDs(at, roles); len(ids) > 0 {
			row.OrganisationRoles[org] = ids
		}
	}
	row.Ends = b.ends(at, a, row)
	if slices.Contains(b.keptAccess, row.ID) {
		b.fail(at, "another access of the file has this id, or is this one by its name")
	}
	b.keptAccess = append(b.keptAccess, row.ID)
	if old == nil || !sameAccess(old, row) {
		b.change.PutIAMRoles = append(b.change.PutIAMRoles, row)
	}
}

// ends reads when the mapping ends. One that is over is told, not set: it stays over.
func (b *builder) ends(at string, a Access, row *access.IAMRole) map[access.OrganisationID]access.End {
	ends := map[access.OrganisationID]access.End{}
	add := func(field string, org access.OrganisationID, text string) {
		end, err := time.Parse(time.RFC3339, text)
		switch _, twice := ends[org]; {
		case err != nil:
			b.fail(at, "%s: expected a time as 2027-01-31T12:00:00Z, got %q", field, text)
		case twice:
			b.fail(at, "%s: stands there twice, by name and by id", field)
		case len(row.RolesIn(org)) == 0:
			b.fail(at, "%s: nothing is mapped there that could end", field)
		}
		ends[org] = access.End{At: end.UTC(), Recorded: b.s.Passed(end)}
	}
	for name, text := range a.Ends {
		org, known := b.organisations[name]
		if !known {
			org = access.OrganisationID(name)
		}
		add(fmt.Sprintf("ends: %q", name), org, text)
	}
	if a.SystemEnd != "" {
		add("systemEnd", access.System, a.SystemEnd)
	}
	return ends
}

func (b *builder) roleIDs(at string, names []string) (ids []access.RoleID) {
	for _, name := range names {
		id, known := b.roles[name]
		switch {
		case !known:
			b.fail(at, "there is no role %q in the file", name)
		case slices.Contains(ids, id):
			b.fail(at, "the role %q stands there twice", name)
		}
		ids = append(ids, id)
	}
	return ids
}

func sameAccess(a, b *access.IAMRole) bool {
	if a.Name != b.Name || !slices.Equal(a.SystemRoles, b.SystemRoles) || len(a.OrganisationRoles) != len(b.OrganisationRoles) || len(a.Ends) != len(b.Ends) {
		return false
	}
	for org, end := range a.Ends {
		if !end.At.Equal(b.Ends[org].At) {
			return false
		}
	}
	for org, roles := range a.OrganisationRoles {
		if !slices.Equal(roles, b.OrganisationRoles[org]) {
			return false
		}
	}
	return true
}
