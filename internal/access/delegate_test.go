package access

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// naiveDelegated is the rule of docs/access.md, word for word and slowly.
func naiveDelegated(m Model, service *Principal, held PermissionSet, org OrganisationID, asked Permission) bool {
	if org != System && !slices.ContainsFunc(m.Organisations, func(o *Organisation) bool { return o.ID == org && o.Active() }) {
		return false
	}
	if (asked.Info().Scope == ScopeSystem) != (org == System) {
		return false
	}
	for _, im := range m.IAMRoles {
		if end, ends := im.Ends[org]; !slices.Contains(service.IAMRoles, im.Name) || ends && !end.At.After(day) || im.Group.ID != "" && im.Group.Name != im.Name {
			continue
		}
		ids := im.OrganisationRoles[org]
		if org == System {
			ids = im.SystemRoles
		}
		for _, role := range m.Roles {
			if !slices.Contains(ids, role.ID) || role.Delegation == nil || !role.Permissions.Has(asked) {
				continue
			}
			required := role.Delegation.RequiredUserPermissions.Names()
			if len(required) == 0 || slices.ContainsFunc(required, func(name string) bool { return slices.Contains(held.Names(), name) }) {
				return true
			}
		}
	}
	return false
}

func TestDelegatedIsWhatTheRuleSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, b := drawModel(t)
		service, user, org := drawPrincipal(t), drawPrincipal(t), drawPlace(t)
		s := Build(m, b, day)
		held, _ := s.Effective(user, org)
		set, reason := s.Delegated(service, held, org)
		for p := range Permissions() {
			if want := naiveDelegated(m, service, held, org, p); set.Has(p) != want {
				t.Fatalf("%s in %q: got %v, want %v", p, org, set.Has(p), want)
			}
		}
		if (reason == Granted) == set.IsEmpty() || reason.String() == "" {
			t.Fatalf("%v for the reason %s", set.Names(), reason)
		}
	})
}

// Who holds less can't be the way to more.
func TestDelegatedGrowsWithTheUserAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, b := drawModel(t)
		service, org := drawPrincipal(t), drawPlace(t)
		held := drawSet(t, "held")
		s := Build(m, b, day)
		more, _ := s.Delegated(service, held, org)
		less, _ := s.Delegated(service, held.Intersect(drawSet(t, "kept")), org)
		if !less.Minus(more).IsEmpty() {
			t.Fatalf("a user with less opened %v", less.Minus(more).Names())
		}
	})
}

func TestDelegationReasons(t *testing.T) {
	m := world()
	open := role("open", KeyList, STSRoleEdit)
	open.Delegation = &Delegation{}
	m.Roles = append(m.Roles, open)
	m.IAMRoles = append(m.IAMRoles, iamRole("8", "Open", []RoleID{"open"}, map[OrganisationID][]RoleID{acme: {"open"}, closed: {"open"}}))
	s := Build(m, bootstrap, day)
	for _, c := range []struct {
		rule    string
		service *Principal
		held    PermissionSet
		org     OrganisationID
		want    Reason
		set     PermissionSet
	}{
		{"the user meets the condition", person("Acme Service"), SetOf(CredentialList), acme, Granted, SetOf(ProofIssue)},
		{"one of those required will do", person("Acme Service"), SetOf(KeyList, CredentialList), acme, Granted, SetOf(ProofIssue)},
		{"the user lacks it", person("Acme Service"), SetOf(KeyList), acme, UserPermissionMissing, PermissionSet{}},
		{"no condition admits everybody", person("Open"), PermissionSet{}, acme, Granted, SetOf(KeyList)},
		{"system permissions count on the system alone", person("Open"), PermissionSet{}, System, Granted, SetOf(STSRoleEdit)},
		{"the union of those that are met", person("Open", "Acme Service"), PermissionSet{}, acme, Granted, SetOf(KeyList)},
		{"ordinary roles are the service's own", person("Acme Issuance"), SetOf(CredentialList), acme, NoDelegatedRole, PermissionSet{}},
		{"the furthest reason counts", person("Acme Service", "Acme Issuance"), PermissionSet{}, acme, UserPermissionMissing, PermissionSet{}},
		{"the bootstrap role acts for nobody", person(adminRole), SetOf(CredentialList), System, NoMappedIAMRole, PermissionSet{}},
		{"mapped elsewhere", person("Acme Service"), SetOf(CredentialList), zeta, NotMappedHere, PermissionSet{}},
		{"a deactivated organisation", person("Open"), SetOf(CredentialList), closed, OrganisationDeactivated, PermissionSet{}},
		{"an unknown one", person("Open"), SetOf(CredentialList), "nowhere", OrganisationUnknown, PermissionSet{}},
		{"no IAM roles", person(), SetOf(CredentialList), acme, NoIAMRoles, PermissionSet{}},
		{"nobody", nil, SetOf(CredentialList), acme, NotAuthenticated, PermissionSet{}},
	} {
		if set, reason := s.Delegated(c.service, c.held, c.org); reason != c.want || set != c.set {
			t.Errorf("%s: got %s %v, want %s %v", c.rule, reason, set.Names(), c.want, c.set.Names())
		}
	}
}

func TestMayActNamesOneActor(t *testing.T) {
	p := &Principal{Issuer: issuer, Subject: "svc", ClientID: "0oa1"}
	for _, c := range []struct {
		rule string
		m    MayAct
		want bool
	}{
		{"by subject", MayAct{Issuer: issuer, Subject: "svc"}, true},
		{"by client", MayAct{Issuer: issuer, ClientID: "0oa1"}, true},
		{"by both", MayAct{Issuer: issuer, Subject: "svc", ClientID: "0oa1"}, true},
		{"another subject", MayAct{Issuer: issuer, Subject: "other"}, false},
		{"another client", MayAct{Issuer: issuer, Subject: "svc", ClientID: "0oa2"}, false},
		{"another issuer", MayAct{Issuer: elsewhere, Subject: "svc"}, false},
		{"no issuer", MayAct{Subject: "svc"}, false},
		{"nobody", MayAct{Issuer: issuer}, false},
	} {
		if got := c.m.Names(p); got != c.want {
			t.Errorf("%s: got %v", c.rule, got)
		}
	}
}

func BenchmarkDelegated(b *testing.B) {
	m := large()
	for _, role := range m.Roles {
		role.Delegation = &Delegation{}
	}
	s := Build(m, bootstrap, day)
	im := m.IAMRoles[1_000]
	p := person("Nobody", im.Name)
	org := im.OrganisationIDs()[0]
	b.ReportAllocs()
	for b.Loop() {
		if _, reason := s.Delegated(p, PermissionSet{}, org); reason != Granted {
			b.Fatal(reason)
		}
	}
}
