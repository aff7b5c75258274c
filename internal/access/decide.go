package access

import (
	"cmp"
	"time"
)

// Reason says why a decision came out as it did.
type Reason uint8

// The reasons. Only those named Granted allow. The five from NoIAMRoles on are in the order in which the path from IAM role to permission
// breaks off: of several IAM roles, the one that came furthest gives the reason.
const (
	Granted                 Reason = iota + 1 // a role that is mapped here holds the permission
	GrantedByBootstrap                        // the bootstrap role holds it
	NotAuthenticated                          // there is no principal
	NothingAsked                              // no permission was asked for: always refused
	OrganisationRequired                      // the permission acts in an organisation and none was given
	SystemRequired                            // the permission acts on the system and an organisation was given
	OrganisationUnknown                       // no such organisation
	OrganisationDeactivated                   // the organisation is deactivated
	NoIAMRoles                                // the token carries no IAM role
	NoMappedIAMRole                           // none of the IAM roles is mapped to anything
	NotMappedHere                             // they are mapped, but not here
	PermissionMissing                         // roles are mapped here, and none holds it
	RestrictedToDelegation                    // a role here holds it, but only for a service that acts for a user

	// The reasons of delegation, in the same order.
	NoDelegatedRole       // no role here is one by which a service acts for a user
	UserPermissionMissing // there is one, but the user lacks the permissions that it requires of them

	GrantedByBreakGlass // like GrantedByBootstrap, for whoever came in by a break-glass file

	// SignInInsufficient goes furthest: a role here holds it, and requires another sign-in.
	SignInInsufficient
)

var reasonNames = [...]string{
	"", "GRANTED", "GRANTED_BY_BOOTSTRAP", "NOT_AUTHENTICATED", "NOTHING_ASKED", "ORGANISATION_REQUIRED", "SYSTEM_REQUIRED",
	"ORGANISATION_UNKNOWN", "ORGANISATION_DEACTIVATED", "NO_IAM_ROLES", "NO_MAPPED_IAM_ROLE", "NOT_MAPPED_HERE",
	"PERMISSION_MISSING", "RESTRICTED_TO_DELEGATION", "NO_DELEGATED_ROLE", "USER_PERMISSION_MISSING",
	"GRANTED_BY_BREAK_GLASS", "SIGN_IN_INSUFFICIENT",
}

func (r Reason) String() string {
	if int(r) >= len(reasonNames) {
		return ""
	}
	return reasonNames[r]
}

// Decision is the answer to "may they?". The zero value refuses.
type Decision struct {
	Allowed      bool
	Reason       Reason
	Permission   Permission     // the one that was granted; when refused, the first that was asked for
	Organisation OrganisationID // where; System for none
	IAMRole      string         // by which it was granted
	Role         RoleID         // by which it was granted; empty for the bootstrap role
	Requires     *Requirement   // the sign-in by which it would be granted; nil: none would do
	grant        *grant
}

// Reachable tells whether it is allowed, or would be after a sign-in that meets what a role requires. It is no permission.
func (d Decision) Reachable() bool { return d.Allowed || d.Requires != nil }

// Decide tells whether the principal may use at least one of the permissions in that organisation, or in the system
// when it is System.
func (s *Snapshot) Decide(p *Principal, org OrganisationID, anyOf ...Permission) Decision {
	d := Decision{Organisation: org}
	if len(anyOf) == 0 {
		d.Reason = NothingAsked
		return d
	}
	d.Permission = anyOf[0]
	at, reason := s.usable(p, org)
	if reason != 0 {
		d.Reason = reason
		return d
	}
	asked := SetOf(anyOf...)
	if asked.Intersect(EffectiveIn(org)).IsEmpty() {
		d.Reason = SystemRequired
		if org == System {
			d.Reason = OrganisationRequired
		}
		return d
	}
	var found Reason
	for _, name := range p.IAMRoles {
		if s.isBootstrap(p, org, name) {
			if !bootstrapSet.Intersect(asked).IsEmpty() {
				d = grantedBy(d, nil, nil, bootstrapSet, asked, name)
				if p.Issuer == BreakGlassIssuer {
					d.Reason = GrantedByBreakGlass
				}
				return d
			}
			found = max(found, PermissionMissing)
		}
		if g := at.grants[name]; g != nil {
			if !g.permissions.Intersect(asked).IsEmpty() {
				return grantedBy(d, g, nil, g.permissions, asked, name)
			}
			if role := s.metBy(g, p, asked, &d.Requires); role != nil {
				return grantedBy(d, g, role, role.Permissions.Intersect(g.counts), asked, name)
			}
			found = max(found, g.refusal(asked))
		}
	}
	d.Reason = cmp.Or(found, s.nothingHere(p))
	if d.Requires != nil {
		d.Reason = SignInInsufficient
	}
	return d
}

// metBy returns a role of the grant that holds one of the permissions, and whose requirement the principal's sign-in meets. Where
// there is none, lacks becomes what another sign-in would have to meet.
func (s *Snapshot) metBy(g *grant, p *Principal, asked PermissionSet, lacks **Requirement) *Role {
	for _, role := range g.requiring {
		if role.Permissions.Intersect(g.counts).Intersect(asked).IsEmpty() {
			continue
		}
		if role.Requires.MetBy(&p.SignIn, s.now()) {
			return role
		}
		*lacks = easier(*lacks, role.Requires, &p.SignIn)
	}
	return nil
}

// Effective returns everything that the principal may do there. The reason tells why the set is what it is.
func (s *Snapshot) Effective(p *Principal, org OrganisationID) (PermissionSet, Reason) {
	return s.effective(p, org, false)
}

// Reachable returns everything that the principal can do there, now or after a sign-in that meets what their roles require. It
// enforces nothing: it is for what asks who could do something, such as the preview of a change, and for leading people on.
func (s *Snapshot) Reachable(p *Principal, org OrganisationID) PermissionSet {
	set, _ := s.effective(p, org, true)
	return set
}

func (s *Snapshot) effective(p *Principal, org OrganisationID, whateverSignIn bool) (PermissionSet, Reason) {
	var set PermissionSet
	at, reason := s.usable(p, org)
	if reason != 0 {
		return set, reason
	}
	var found Reason
	for _, name := range p.IAMRoles {
		if s.isBootstrap(p, org, name) {
			set = set.Union(bootstrapSet)
		}
		if g := at.grants[name]; g != nil {
			set, found = set.Union(g.permissions), max(found, PermissionMissing)
			for _, role := range g.requiring {
				if whateverSignIn || role.Requires.MetBy(&p.SignIn, s.now()) {
					set = set.Union(role.Permissions.Intersect(g.counts))
				} else {
					found = SignInInsufficient
				}
			}
		}
	}
	if !set.IsEmpty() {
		return set, Granted
	}
	return set, cmp.Or(found, s.nothingHere(p))
}

// Rights is what somebody holds in one place.
type Rights struct {
	Permissions PermissionSet
	Version     int64     // of the snapshot that says so
	Until       time.Time // when the first mapping ends on which they rest; zero: none does
}

// scopeOf tells which permissions have effect there.
func scopeOf(org OrganisationID) PermissionScope {
	if org == System {
		return ScopeSystem
	}
	return ScopeOrganisation
}

// EffectiveIn returns the permissions that can have effect there.
func EffectiveIn(org OrganisationID) PermissionSet { return OfScope(scopeOf(org)) }

// usable returns the place, or why nothing at all can be granted there.
func (s *Snapshot) usable(p *Principal, org OrganisationID) (*place, Reason) {
	if p == nil || p.Subject == "" || p.Issuer == "" {
		return nil, NotAuthenticated
	}
	at := s.places[org]
	if at == nil {
		return nil, OrganisationUnknown
	}
	if at.organisation != nil && !at.organisation.Active() {
		return nil, OrganisationDeactivated
	}
	if len(p.IAMRoles) == 0 {
		return nil, NoIAMRoles
	}
	if p.Issuer == BreakGlassIssuer && org != System {
		return nil, NoMappedIAMRole
	}
	return at, 0
}

// nothingHere tells why none of the IAM roles receives anything where it was asked.
func (s *Snapshot) nothingHere(p *Principal) Reason {
	for _, name := range p.IAMRoles {
		if s.iamRoles[name] != nil {
			return NotMappedHere
		}
	}
	return NoMappedIAMRole
}

// isBootstrap tells whether that IAM role grants what the bootstrap role does: it is that role, from the issuer from which it
// counts, or what a break-glass file brings. Neither grants anything inside an organisation.
func (s *Snapshot) isBootstrap(p *Principal, org OrganisationID, name string) bool {
	if p.Issuer == BreakGlassIssuer {
		return org == System && name == BreakGlassRole
	}
	b := &s.bootstrap
	return org == System && b.Role != "" && !b.Retired && name == b.Role && p.Issuer == b.Issuer
}

func (g *grant) refusal(asked PermissionSet) Reason {
	for _, role := range g.roles {
		if role.Delegation != nil && !role.Permissions.Intersect(asked).IsEmpty() {
			return RestrictedToDelegation
		}
	}
	return PermissionMissing
}

// grantedBy grants by that role of g, or by the first that requires nothing of the sign-in.
func grantedBy(d Decision, g *grant, by *Role, held, asked PermissionSet, iamRole string) Decision {
	for p := range held.Intersect(asked).All() {
		d.Permission = p
		break
	}
	d.Allowed, d.Reason, d.IAMRole, d.Requires = true, GrantedByBootstrap, iamRole, nil
	if g == nil {
		return d
	}
	d.Reason, d.grant = Granted, g
	if by != nil {
		d.Role = by.ID
		return d
	}
	for _, role := range g.roles {
		if role.Delegation == nil && role.Requires == nil && role.Permissions.Has(d.Permission) {
			d.Role = role.ID
			break
		}
	}
	return d
}

// IsBootstrap tells whether that IAM role of the principal is the bootstrap role, and counts.
func (s *Snapshot) IsBootstrap(p *Principal, name string) bool {
	return s.isBootstrap(p, System, name)
}
