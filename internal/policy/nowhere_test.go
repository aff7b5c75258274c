package policy_test

import (
	"slices"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/policy"
	"github.com/portico-iam/portico/internal/session"
)

// TestNowhereIsForThoseWhoMayList: who may list mappings is told; of roles, organisations and what people carry only if they may list those.
func TestNowhereIsForThoseWhoMayList(t *testing.T) {
	b := newBench(t)
	b.seen = seen{{Issuer: issuer, Subject: "ivan", IAMRoles: []string{"acme issuance"}, SeenAt: begin}}
	system := b.role("System", access.CacheDelete)
	for name, permission := range map[string]access.Permission{
		"Mappings": access.STSIAMRoleList, "Roles": access.STSRoleList, "Organisations": access.STSOrganisationList, "People": access.STSSessionList,
	} {
		if _, err := b.CreateIAMRole(t.Context(), admin, access.IAMRole{Name: name, SystemRoles: []access.RoleID{b.role(name, permission).ID}}, policy.Seen{}); err != nil {
			t.Fatal(err)
		}
	}
	b.iamRole("Acme Issuance", "acme", system.ID)
	b.role("Nobody's")
	as := func(names ...string) *access.Principal {
		return &access.Principal{Issuer: issuer, Subject: "x", IAMRoles: names}
	}
	for _, c := range []struct {
		who                  *access.Principal
		acme, roles, carried bool
	}{
		{admin, true, true, true},
		{as("Mappings"), false, false, false},
		{as("Mappings", "Roles"), false, true, false},
		{as("Mappings", "Organisations"), false, false, false}, // it is about a role too
		{as("Mappings", "Organisations", "Roles"), true, true, false},
		{as("Mappings", "People"), false, false, true},
	} {
		n, err := b.Nowhere(t.Context(), c.who)
		if err != nil {
			t.Fatal(err)
		}
		acme := slices.ContainsFunc(n.Findings, func(f access.Finding) bool { return f.Placed() && f.Organisation == "acme" })
		roles := slices.ContainsFunc(n.Findings, func(f access.Finding) bool { return f.Role != nil })
		carried := slices.ContainsFunc(n.Findings, func(f access.Finding) bool {
			near, _ := n.Carried(&f)
			return slices.Equal(near, []string{"acme issuance"})
		})
		if acme != c.acme || roles != c.roles || carried != c.carried {
			t.Errorf("%v: told of Acme: %v, of roles: %v, of what is carried: %v", c.who.IAMRoles, acme, roles, carried)
		}
	}
	for _, who := range []*access.Principal{as("Roles", "Organisations", "People"), nobody} {
		_, err := b.Nowhere(t.Context(), who)
		wantCode(t, who.IAMRoles[0], err, fault.Forbidden)
		if n, err := b.NowhereSeen(t.Context(), who); err != nil || len(n.Findings) > 0 {
			t.Errorf("%v: told of %d, %v", who.IAMRoles, len(n.Findings), err)
		}
	}
}

// TestNowhereIsUpToDate: a change shows at once, who was seen within a minute, and of whom not all are known nothing is said.
func TestNowhereIsUpToDate(t *testing.T) {
	b := newBench(t)
	count := func(kind access.FindingKind) int {
		n, err := b.Nowhere(t.Context(), admin)
		if err != nil {
			t.Fatal(err)
		}
		return len(n.Where(func(f *access.Finding) bool { return f.Kind == kind }).Findings)
	}
	b.seen = seen{{Issuer: issuer, Subject: "ivan", IAMRoles: []string{"H"}}}
	role := b.role("Issuer", access.CredentialIssue)
	if count(access.RoleNotMapped) != 1 {
		t.Error("a role that nobody has is not found")
	}
	b.iamRole("G", "acme", role.ID)
	if count(access.RoleNotMapped) != 0 || count(access.IAMRoleNotCarried) != 1 {
		t.Error("the change does not show")
	}
	b.seen[0].IAMRoles = []string{"G"}
	b.clock.advance(time.Minute)
	if count(access.IAMRoleNotCarried) != 0 {
		t.Error("what is carried is not seen a minute later")
	}
	b.seen = make(seen, session.MostPeople)
	b.clock.advance(time.Minute)
	if count(access.IAMRoleNotCarried) != 0 {
		t.Error("it is said of people who are not known")
	}
}
