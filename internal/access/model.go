package access

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// OrganisationID and RoleID are UUIDs in their lower-case text form.
type (
	OrganisationID string
	RoleID         string
	IAMRoleID      string
)

// System stands in place of an organisation where none is meant: tokens of the system carry no organisation.
const System OrganisationID = ""

// Organisation is what Portico knows of a tenant; Core owns the rest of it.
type Organisation struct {
	ID            OrganisationID
	Name          string
	CreatedAt     time.Time
	DeactivatedAt time.Time // zero: active
}

// Active tells whether the organisation may be used.
func (o *Organisation) Active() bool { return o.DeactivatedAt.IsZero() }

// Role is a named set of permissions, chosen by job function.
type Role struct {
	ID          RoleID
	Name        string
	Permissions PermissionSet
	Delegation  *Delegation  // nil: an ordinary role
	Requires    *Requirement // of the sign-in of whoever uses it; nil: nothing
	Changed     Changed
}

// Delegation restricts a role to exchanges in which a service acts for a user.
type Delegation struct {
	// RequiredUserPermissions: the user must hold any one of them there; empty admits every authenticated user.
	RequiredUserPermissions PermissionSet
}

// IAMRole maps one role name of the identity provider to roles here.
type IAMRole struct {
	ID                IAMRoleID
	Name              string // exactly as it stands in the token
	OrganisationRoles map[OrganisationID][]RoleID
	SystemRoles       []RoleID
	Ends              map[OrganisationID]End // of what it gives there; of the system roles under System
	Group             Group                  // the provisioned group that it was made for
	Changed           Changed
}

// OrganisationIDs returns the organisations of the mapping in a fixed order.
func (m *IAMRole) OrganisationIDs() []OrganisationID {
	return slices.Sorted(maps.Keys(m.OrganisationRoles))
}

// Clone copies the role with everything it points to.
func (r *Role) Clone() *Role {
	row := *r
	if r.Delegation != nil {
		delegation := *r.Delegation
		row.Delegation = &delegation
	}
	row.Requires = r.Requires.Clone()
	return &row
}

// Clone copies the mapping with everything it points to.
func (m *IAMRole) Clone() *IAMRole {
	row := *m
	row.SystemRoles, row.Ends = slices.Clone(m.SystemRoles), maps.Clone(m.Ends)
	row.OrganisationRoles = make(map[OrganisationID][]RoleID, len(m.OrganisationRoles))
	for org, roles := range m.OrganisationRoles {
		row.OrganisationRoles[org] = slices.Clone(roles)
	}
	return &row
}

// Uses tells whether the role is mapped anywhere in m.
func (m *IAMRole) Uses(role RoleID) bool {
	if slices.Contains(m.SystemRoles, role) {
		return true
	}
	for _, roles := range m.OrganisationRoles {
		if slices.Contains(roles, role) {
			return true
		}
	}
	return false
}

// Changed says when and by whom a row was written, and counts its writes.
type Changed struct {
	CreatedAt, ModifiedAt time.Time
	ModifiedBy            string // subject
	Revision              int64  // 1 for a new row; the ETag of the API
}

// Model is everything that decisions rest on.
type Model struct {
	Version       int64 // grows with every change
	Organisations []*Organisation
	Roles         []*Role
	IAMRoles      []*IAMRole
	Probation     *Probation              // nil: nothing is on probation
	FourEyes      map[OrganisationID]bool // whose mappings only two administrators together change
}

// Bootstrap is the role value that administers an installation in which nothing is mapped yet.
// The zero value grants nothing to anybody.
type Bootstrap struct {
	Issuer  string // the only issuer from which the value counts
	Role    string // e.g. ONE_STS_ADMIN; no mapping may have this name
	Retired bool   // it grants nothing any more, and stays reserved
}

// Who comes in by a break-glass file is vouched for by Portico itself. No issuer can be configured by that name, for it is no
// address, and nothing can be mapped to that role.
const (
	BreakGlassIssuer = "urn:portico:break-glass"
	BreakGlassRole   = "PORTICO_BREAK_GLASS"
)

// How subjects begin that the history names and no identity provider may: of a break-glass file, of whoever runs a command, of
// Portico itself.
const (
	BreakGlassSubject = "break-glass:"
	OperatorSubject   = "command line: "
	OwnSubject        = "portico: "
)

// ReservedSubject tells whether a subject looks like one that only Portico gives.
func ReservedSubject(subject string) bool {
	folded := fold(subject)
	return slices.ContainsFunc([]string{BreakGlassSubject, OperatorSubject, OwnSubject}, func(start string) bool {
		return strings.HasPrefix(folded, fold(start))
	})
}

// Principal is somebody, or a service, that a configured issuer vouches for.
// (Issuer, Subject) is their identity; names are for people and decide nothing.
type Principal struct {
	Issuer   string
	Subject  string
	ClientID string // the OAuth client the token was issued to, when it says so
	IAMRoles []string

	GivenName, FamilyName string
	Login                 string // what the person types to sign in, when known

	// SignIn is what the token tells of how they proved who they are. It is passed on, and decides where a role requires something
	// of it (Role.Requires).
	SignIn SignIn

	// IssuedAt is when the IAM token behind this principal was issued, at the earliest; zero where it does not say. What is
	// revoked as of a moment is revoked by it.
	IssuedAt time.Time
	// NotAfter is the expiry of the IAM token behind this principal. Nothing minted from it may live longer.
	NotAfter time.Time
	// Odd tells in plain words what was strange about the token's roles.
	Odd []string
}

// SignIn is when and how somebody was authenticated (RFC 9068 section 2.2.1). Absent values are zero.
type SignIn struct {
	At      int64 // auth_time, seconds since 1970
	Class   string
	Methods []string
}

// IsZero tells whether nothing is known.
func (s SignIn) IsZero() bool { return s.At == 0 && s.Class == "" && len(s.Methods) == 0 }

// DisplayName returns the names, or the best that is known in their place.
func (p *Principal) DisplayName() string {
	switch {
	case p.GivenName != "" && p.FamilyName != "":
		return p.GivenName + " " + p.FamilyName
	case p.GivenName != "" || p.FamilyName != "":
		return p.GivenName + p.FamilyName
	case p.Login != "":
		return p.Login
	}
	return p.Subject
}
