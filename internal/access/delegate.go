package access

// Delegated returns everything that a service may do there for a user who holds those permissions there: what the roles
// restricted to delegation give that are mapped to the service, as far as the user meets their conditions. The service's
// ordinary roles are for its own work and do not count, nor does the bootstrap role. It is as pure as Decide.
func (s *Snapshot) Delegated(service *Principal, held PermissionSet, org OrganisationID) (PermissionSet, Reason) {
	var set PermissionSet
	at, reason := s.usable(service, org)
	if reason != 0 {
		return set, reason
	}
	var found Reason
	for _, name := range service.IAMRoles {
		g := at.grants[name]
		if g == nil {
			continue
		}
		found = max(found, NoDelegatedRole)
		for _, role := range g.roles {
			switch {
			case role.Delegation == nil, role.Requires != nil: // nobody can write the latter: a service does not sign in
			case role.Delegation.admits(held):
				set = set.Union(role.Permissions)
			default:
				found = UserPermissionMissing
			}
		}
	}
	if set = set.Intersect(EffectiveIn(org)); !set.IsEmpty() {
		return set, Granted
	}
	if found == 0 {
		found = s.nothingHere(service)
	}
	return set, found
}

// admits tells whether a user with those permissions meets the condition: any one of the required, or none required.
func (d *Delegation) admits(held PermissionSet) bool {
	return d.RequiredUserPermissions.IsEmpty() || !d.RequiredUserPermissions.Intersect(held).IsEmpty()
}

// MayAct names who may act for the subject of a token (RFC 8693 section 4.4). Empty members say nothing.
type MayAct struct {
	Issuer, Subject, ClientID string
}

// Names tells whether p is the one. A claim that names nobody names no one.
func (m MayAct) Names(p *Principal) bool {
	return (m.Subject != "" || m.ClientID != "") && m.Issuer == p.Issuer &&
		(m.Subject == "" || m.Subject == p.Subject) && (m.ClientID == "" || m.ClientID == p.ClientID)
}
