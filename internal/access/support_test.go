package access

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"pgregory.net/rapid"
)

// The world that most tests share.
const (
	issuer    = "https://acme.okta.test/oauth2/default"
	elsewhere = "https://other.test"
	adminRole = "ONE_STS_ADMIN"

	acme   OrganisationID = "acme"
	zeta   OrganisationID = "zeta"
	closed OrganisationID = "closed"
)

var (
	bootstrap = Bootstrap{Issuer: issuer, Role: adminRole}
	day       = time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC)
)

func changed(revision int64) Changed {
	return Changed{CreatedAt: day, ModifiedAt: day, ModifiedBy: "ada", Revision: revision}
}

func role(id string, ps ...Permission) *Role {
	return &Role{ID: RoleID(id), Name: "Role " + id, Permissions: SetOf(ps...), Changed: changed(1)}
}

func restricted(id string, ps ...Permission) *Role {
	r := role(id, ps...)
	r.Delegation = &Delegation{RequiredUserPermissions: SetOf(CredentialList)}
	return r
}

func iamRole(id, name string, system []RoleID, here map[OrganisationID][]RoleID) *IAMRole {
	return &IAMRole{ID: IAMRoleID(id), Name: name, SystemRoles: system, OrganisationRoles: here, Changed: changed(1)}
}

// world: "Acme Issuance" issues in acme, "Acme Audit" lists system history, "Acme Service" is for delegation.
func world() Model {
	return Model{
		Version: 7,
		Organisations: []*Organisation{
			{ID: acme, Name: "Acme", CreatedAt: day},
			{ID: zeta, Name: "Zeta", CreatedAt: day},
			{ID: closed, Name: "Closed", CreatedAt: day, DeactivatedAt: day},
		},
		Roles: []*Role{
			role("issuer", CredentialIssue, CredentialList, STSRoleEdit), // the last has no effect in an organisation
			role("auditor", SystemHistoryList, HistoryList),              // and here it is the other way round
			restricted("service", ProofIssue),
			role("proof", ProofIssue),
		},
		IAMRoles: []*IAMRole{
			iamRole("1", "Acme Issuance", nil, map[OrganisationID][]RoleID{acme: {"issuer"}, closed: {"issuer"}}),
			iamRole("2", "Acme Audit", []RoleID{"auditor"}, map[OrganisationID][]RoleID{}),
			iamRole("3", "Acme Service", nil, map[OrganisationID][]RoleID{acme: {"service"}}),
		},
	}
}

func person(iamRoles ...string) *Principal {
	return &Principal{Issuer: issuer, Subject: "ivan", IAMRoles: iamRoles}
}

// Random models are small, so that rows meet, and dense, so that much is granted.
var (
	someRoles    = []RoleID{"r0", "r1", "r2", "r3", "r4"}
	someOrgs     = []OrganisationID{"o0", "o1", "o2"}
	someIAMRoles = []string{"G0", "G1", "G2", "g0", "G0 ", adminRole}
	somePerms    = []Permission{CredentialIssue, CredentialList, HistoryList, SystemHistoryList, CacheDelete, STSRoleEdit, STSSessionList, X509CertificateSign}
)

// rarely is true now and then. Generators prefer what comes first.
func rarely(t *rapid.T, label string) bool { return rapid.IntRange(0, 3).Draw(t, label) == 3 }

func drawModel(t *rapid.T) (Model, Bootstrap) {
	m := Model{Version: rapid.Int64Range(0, 9).Draw(t, "version")}
	for _, id := range someOrgs {
		if rarely(t, "no organisation") {
			continue
		}
		o := &Organisation{ID: id, Name: "Organisation " + string(id)}
		if rarely(t, "deactivated") {
			o.DeactivatedAt = day
		}
		m.Organisations = append(m.Organisations, o)
	}
	perms := rapid.SliceOfN(rapid.SampledFrom(somePerms), 2, 6)
	for _, id := range someRoles {
		if rarely(t, "no role") {
			continue
		}
		r := role(string(id), perms.Draw(t, "permissions")...)
		if rarely(t, "restricted") {
			r.Delegation = &Delegation{RequiredUserPermissions: SetOf(rapid.SliceOfN(rapid.SampledFrom(somePerms), 0, 2).Draw(t, "required")...)}
		} else if rarely(t, "step-up") {
			r.Requires = drawRequirement(t)
		}
		m.Roles = append(m.Roles, r)
	}
	links := rapid.SliceOfN(rapid.SampledFrom(someRoles), 0, 3) // some of them dangle
	for i, name := range someIAMRoles[:5] {
		if rarely(t, "not mapped") {
			continue
		}
		here := map[OrganisationID][]RoleID{}
		for _, org := range someOrgs {
			if ids := links.Draw(t, "links"); len(ids) > 0 {
				here[org] = ids
			}
		}
		row := iamRole(fmt.Sprint(i), name, links.Draw(t, "system"), here)
		row.Ends = drawEnds(t, -2)
		maps.DeleteFunc(row.Ends, func(org OrganisationID, _ End) bool { return len(row.RolesIn(org)) == 0 })
		if rarely(t, "held") {
			row.Group = Group{ID: "g", Name: "otherwise", Keeps: rarely(t, "keeps")}
		}
		m.IAMRoles = append(m.IAMRoles, row)
	}
	return m, rapid.SampledFrom([]Bootstrap{bootstrap, {}, {Issuer: issuer}}).Draw(t, "bootstrap")
}

func drawRequirement(t *rapid.T) *Requirement {
	q := &Requirement{Classes: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"2fa", "phr"}), 0, 2, rapid.ID[string]).Draw(t, "classes")}
	if len(q.Classes) == 0 || rapid.Bool().Draw(t, "aged") {
		q.MaxAge = rapid.SampledFrom([]time.Duration{time.Minute, time.Hour}).Draw(t, "age")
	}
	return q
}

// drawSignIn draws a sign-in as of day: at the edges of what is required, in the future, or of which nothing is told.
func drawSignIn(t *rapid.T) SignIn {
	in := SignIn{Class: rapid.SampledFrom([]string{"", "pwd", "2fa", "phr", "2FA"}).Draw(t, "class")}
	if ago := rapid.SampledFrom([]int64{-1 << 40, -121, -120, 0, 59, 60, 3599, 3600}).Draw(t, "seconds ago"); ago > -1<<40 {
		in.At = day.Unix() - ago
	}
	return in
}

// drawEnds draws ends from so many days ahead on.
func drawEnds(t *rapid.T, from int) map[OrganisationID]End {
	ends := map[OrganisationID]End{}
	for _, org := range append(slices.Clone(someOrgs), System) {
		if rarely(t, "ends") {
			ends[org] = End{At: day.AddDate(0, 0, rapid.IntRange(from, 3).Draw(t, "days"))}
		}
	}
	return ends
}

func drawPrincipal(t *rapid.T) *Principal {
	return &Principal{
		Issuer: rapid.SampledFrom([]string{issuer, issuer, elsewhere}).Draw(t, "issuer"), Subject: "somebody",
		IAMRoles: rapid.SliceOfN(rapid.SampledFrom(someIAMRoles), 0, 4).Draw(t, "IAM roles"), SignIn: drawSignIn(t),
	}
}

func drawPlace(t *rapid.T) OrganisationID {
	return rapid.SampledFrom(append(slices.Clone(someOrgs), System, "nowhere")).Draw(t, "place")
}

func drawSet(t *rapid.T, label string) PermissionSet {
	return SetOf(rapid.SliceOf(rapid.Custom(func(t *rapid.T) Permission {
		return Permission(rapid.IntRange(0, permissionCount-1).Draw(t, "permission"))
	})).Draw(t, label)...)
}

func faultOf(err error) ChangeFault {
	var refused *ChangeError
	if errors.As(err, &refused) {
		return refused.Fault
	}
	return 0
}
