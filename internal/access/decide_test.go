package access

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// ofSystem holds the names of the permissions that act on the system, as the specifications list them.
var ofSystem = func() map[string]bool {
	names := map[string]bool{}
	for _, name := range strings.Fields(ownCatalogue) {
		names[name] = true
	}
	for _, entry := range strings.Fields(coreCatalogue) {
		if name, starred := strings.CutSuffix(entry, "*"); starred {
			names[name] = true
		}
	}
	return names
}()

// naive is the rule as the documentation tells it, without index, set arithmetic or early return.
func naive(m Model, b Bootstrap, p *Principal, org OrganisationID, asked Permission) bool {
	system := ofSystem[asked.String()]
	usable := org == System
	for _, o := range m.Organisations {
		usable = usable || o.ID == org && o.DeactivatedAt.IsZero()
	}
	if !usable || system != (org == System) {
		return false
	}
	for _, name := range p.IAMRoles {
		if b.Role != "" && name == b.Role && p.Issuer == b.Issuer && system {
			if strings.HasPrefix(asked.String(), "STS_") || strings.HasPrefix(asked.String(), "SYSTEM_HISTORY_") {
				return true
			}
		}
		for _, mapping := range m.IAMRoles {
			if end, ends := mapping.Ends[org]; mapping.Name != name || ends && !end.At.After(day) {
				continue
			}
			if g := mapping.Group; g.ID != "" && g.Name != mapping.Name { // its group is another one now
				kept := slices.Contains(Administration.Names(), asked.String()) // what it takes to administer, and no more
				if !g.Keeps || org != System || !kept {
					continue
				}
			}
			ids := mapping.OrganisationRoles[org]
			if org == System {
				ids = mapping.SystemRoles
			}
			for _, role := range m.Roles {
				if slices.Contains(ids, role.ID) && role.Delegation == nil && naivelyMet(role.Requires, p.SignIn) && slices.Contains(role.Permissions.Names(), asked.String()) {
					return true
				}
			}
		}
	}
	return false
}

// naivelyMet is what docs/step-up.md says of a sign-in, as of day.
func naivelyMet(q *Requirement, in SignIn) bool {
	if q == nil {
		return true
	}
	ofClass := len(q.Classes) == 0
	for _, class := range q.Classes {
		ofClass = ofClass || class == in.Class
	}
	age := day.Unix() - in.At
	return ofClass && (q.MaxAge == 0 || in.At != 0 && age < int64(q.MaxAge.Seconds()) && age >= -120)
}

func TestDecideAgreesWithTheNaiveRule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, b := drawModel(t)
		p, org := drawPrincipal(t), drawPlace(t)
		s := Build(m, b, day)
		effective, reason := s.Effective(p, org)
		if (reason == Granted) != !effective.IsEmpty() {
			t.Fatalf("Effective is %v for the reason %s", effective.Names(), reason)
		}
		for permission := range Permissions() {
			want := naive(m, b, p, org, permission)
			if got := s.Decide(p, org, permission); got.Allowed != want || effective.Has(permission) != want {
				t.Fatalf("%s: Decide says %+v, Effective %v, the rule %v", permission, got, effective.Has(permission), want)
			}
		}
	})
}

func TestDecideOnSeveralIsTheUnionOfEach(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, b := drawModel(t)
		p, org := drawPrincipal(t), drawPlace(t)
		asked := rapid.SliceOfN(rapid.SampledFrom(somePerms), 1, 4).Draw(t, "asked")
		s := Build(m, b, day)
		d := s.Decide(p, org, asked...)
		if want := slices.ContainsFunc(asked, func(a Permission) bool { return naive(m, b, p, org, a) }); d.Allowed != want {
			t.Fatalf("got %+v, want allowed: %v", d, want)
		}
		if !slices.Contains(asked, d.Permission) || d.Organisation != org {
			t.Fatalf("got %+v; asked for %v in %q", d, asked, org)
		}
		if d.Allowed != granting(d.Reason) || d.Reason.String() == "" {
			t.Fatalf("allowed: %v for the reason %v", d.Allowed, d.Reason)
		}
		if !d.Allowed {
			if (d.Reason == SignInInsufficient) != (d.Requires != nil) {
				t.Fatalf("%+v", d)
			}
			if d.IAMRole != "" || d.Role != "" || d.Permission != asked[0] {
				t.Fatalf("a refusal names what granted it: %+v", d)
			}
			return
		}
		if !naive(m, b, p, org, d.Permission) || !slices.Contains(p.IAMRoles, d.IAMRole) {
			t.Fatalf("granted by what does not grant: %+v", d)
		}
		if r := s.Role(d.Role); d.Reason == Granted && (r == nil || r.Delegation != nil || !naivelyMet(r.Requires, p.SignIn) || !r.Permissions.Has(d.Permission)) {
			t.Fatalf("granted by the role %+v: %+v", r, d)
		}
	})
}

func TestOrganisationsOfAreThoseWhereSomethingIsAllowed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, b := drawModel(t)
		p := drawPrincipal(t)
		s := Build(m, b, day)
		var got, want []OrganisationID
		for _, o := range s.OrganisationsOf(p) {
			got = append(got, o.ID)
		}
		for _, o := range m.Organisations { // in the order of their names already
			if !s.Reachable(p, o.ID).IsEmpty() {
				want = append(want, o.ID)
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

func TestReasons(t *testing.T) {
	m := world()
	m.IAMRoles = append(m.IAMRoles, iamRole("9", "Dangling", []RoleID{"gone"}, map[OrganisationID][]RoleID{acme: {"gone"}}))
	s := Build(m, bootstrap, day)
	for _, c := range []struct {
		want  Reason
		p     *Principal
		org   OrganisationID
		asked []Permission
	}{
		{Granted, person("Acme Issuance"), acme, []Permission{CredentialIssue}},
		{Granted, person("Nobody", "Acme Issuance"), acme, []Permission{KeyList, CredentialIssue}},
		{Granted, person("Acme Audit"), System, []Permission{SystemHistoryList}},
		{Granted, person("Acme Audit"), System, []Permission{HistoryList, SystemHistoryList}},
		{GrantedByBootstrap, person(adminRole), System, []Permission{STSRoleCreate}},
		{GrantedByBootstrap, person("Acme Audit", adminRole), System, []Permission{CacheDelete, STSSessionList}},
		{GrantedByBreakGlass, byFile(BreakGlassRole), System, []Permission{STSRoleCreate}},
		{PermissionMissing, byFile(BreakGlassRole), System, []Permission{KeyList, CacheDelete}},
		{NoMappedIAMRole, byFile(BreakGlassRole), acme, []Permission{CredentialIssue}},
		{NoMappedIAMRole, byFile("Acme Issuance"), acme, []Permission{CredentialIssue}}, // never by a mapping
		{NoMappedIAMRole, byFile(adminRole), System, []Permission{STSRoleCreate}},
		{NoMappedIAMRole, person(BreakGlassRole), System, []Permission{STSRoleCreate}}, // nor for others by its name
		{NotAuthenticated, nil, acme, []Permission{CredentialIssue}},
		{NotAuthenticated, &Principal{Issuer: issuer, IAMRoles: []string{adminRole}}, System, []Permission{STSRoleCreate}},
		{NotAuthenticated, &Principal{Subject: "ivan", IAMRoles: []string{"Acme Issuance"}}, acme, []Permission{CredentialIssue}},
		{NothingAsked, person(adminRole), System, nil},
		{OrganisationRequired, person("Acme Issuance"), System, []Permission{CredentialIssue}},
		{SystemRequired, person("Acme Issuance"), acme, []Permission{STSRoleEdit}},
		{SystemRequired, person(adminRole), acme, []Permission{STSRoleEdit}},
		{OrganisationUnknown, person("Acme Issuance"), "nowhere", []Permission{CredentialIssue}},
		{OrganisationDeactivated, person("Acme Issuance"), closed, []Permission{CredentialIssue}},
		{NoIAMRoles, person(), acme, []Permission{CredentialIssue}},
		{NoMappedIAMRole, person("Nobody"), acme, []Permission{CredentialIssue}},
		{NoMappedIAMRole, person(adminRole), acme, []Permission{CredentialIssue}},
		{NotMappedHere, person("Acme Issuance", "Nobody"), zeta, []Permission{CredentialIssue}},
		{NotMappedHere, person("Acme Issuance"), System, []Permission{STSRoleEdit}},
		{NotMappedHere, person("Dangling"), acme, []Permission{CredentialIssue}},
		{NotMappedHere, person("Dangling"), System, []Permission{STSRoleEdit}},
		{PermissionMissing, person("Acme Audit", "Acme Issuance"), acme, []Permission{KeyList}},
		{PermissionMissing, person("Acme Service"), acme, []Permission{KeyList}},
		{PermissionMissing, person(adminRole), System, []Permission{CacheDelete}},
		{PermissionMissing, person("Acme Audit"), System, []Permission{CacheDelete}},
		{RestrictedToDelegation, person("Acme Service", "Acme Issuance"), acme, []Permission{ProofIssue}},
	} {
		d := s.Decide(c.p, c.org, c.asked...)
		if d.Reason != c.want {
			t.Errorf("%v in %q for %v: got %s, want %s", c.p, c.org, c.asked, d.Reason, c.want)
		}
		if want := granting(c.want); d.Allowed != want {
			t.Errorf("%s: allowed is %v", c.want, d.Allowed)
		}
	}
	names := map[string]bool{}
	for r := Granted; r <= GrantedByBreakGlass; r++ {
		names[r.String()] = true
	}
	if len(names) != int(GrantedByBreakGlass) || names[""] || Reason(200).String() != "" || Reason(0).String() != "" {
		t.Errorf("reasons are named %v", names)
	}
	if (Decision{}).Allowed {
		t.Error("the zero decision allows")
	}
}

func TestIAMRolesMatchByteForByteOnly(t *testing.T) {
	m := world()
	m.IAMRoles = append(m.IAMRoles, iamRole("nfc", "Équipe", nil, map[OrganisationID][]RoleID{acme: {"issuer"}}))
	s := Build(m, bootstrap, day)
	for _, c := range []struct{ name, near string }{
		{"acme issuance", "Acme Issuance"},
		{"ACME ISSUANCE", "Acme Issuance"},
		{" Acme Issuance", "Acme Issuance"},
		{"Acme Issuance\n", "Acme Issuance"},
		{"Acme  Issuance", "Acme Issuance"},
		{"Acme\u00a0Issuance", "Acme Issuance"},
		{"AcmeIssuance", "Acme Issuance"},
		{"Acme Issuance\u200b", "Acme Issuance"},
		{"Acme I\u017f\u017fuance", "Acme Issuance"}, // long s
		{"équipe", "Équipe"},
		{"E\u0301quipe", ""},        // the same to the eye, decomposed
		{"\u0410cme Issuance", ""},  // Cyrillic А
		{"Ａcme Issuance", ""},       // full width
		{"Acme Issuanc", ""},        // prefix
		{"Acme Issuance,Extra", ""}, // and more
		{"", ""},
	} {
		if d := s.Decide(person(c.name), acme, CredentialIssue); d.Allowed || d.Reason != NoMappedIAMRole {
			t.Errorf("%q: %+v", c.name, d)
		}
		if set, _ := s.Effective(person(c.name), acme); !set.IsEmpty() {
			t.Errorf("%q may do %v", c.name, set.Names())
		}
		near := s.NearMisses(c.name)
		if c.near == "" && len(near) > 0 || c.near != "" && !slices.Equal(near, []string{c.near}) {
			t.Errorf("%q: near misses are %q, want %q", c.name, near, c.near)
		}
		e := s.Explain(person(c.name), acme, CredentialIssue)
		if c.near != "" && !strings.Contains(e.Remedy().String(), fmt.Sprintf("%q would be allowed", c.near)) {
			t.Errorf("%q: the remedy is %q", c.name, e.Remedy())
		}
	}
	if near := s.NearMisses("Acme Issuance"); len(near) > 0 {
		t.Errorf("the exact name has near misses: %q", near)
	}
}

func TestNT44_TheBootstrapRoleIsExact(t *testing.T) {
	full := person(adminRole)
	for _, c := range []struct {
		rule string
		b    Bootstrap
		p    *Principal
		org  OrganisationID
		want bool
	}{
		{"exact, from the configured issuer, in the system", bootstrap, full, System, true},
		{"in an organisation", bootstrap, full, acme, false},
		{"in an unknown organisation", bootstrap, full, "nowhere", false},
		{"retired", Bootstrap{}, full, System, false},
		{"without a role", Bootstrap{Issuer: issuer}, person("", adminRole), System, false},
		{"without an issuer", Bootstrap{Role: adminRole}, full, System, false},
		{"without an issuer on both sides", Bootstrap{Role: adminRole}, &Principal{Subject: "x", IAMRoles: []string{adminRole}}, System, false},
		{"no principal", bootstrap, nil, System, false},
		{"no subject", bootstrap, &Principal{Issuer: issuer, IAMRoles: []string{adminRole}}, System, false},
		{"second issuer", bootstrap, &Principal{Issuer: elsewhere, Subject: "x", IAMRoles: []string{adminRole}}, System, false},
		{"issuer with a slash", bootstrap, &Principal{Issuer: issuer + "/", Subject: "x", IAMRoles: []string{adminRole}}, System, false},
		{"issuer in other case", bootstrap, &Principal{Issuer: strings.ToUpper(issuer), Subject: "x", IAMRoles: []string{adminRole}}, System, false},
		{"issuer that begins alike", bootstrap, &Principal{Issuer: issuer + "@evil.test", Subject: "x", IAMRoles: []string{adminRole}}, System, false},
		{"prefix", bootstrap, person("ONE_STS_ADMI"), System, false},
		{"longer", bootstrap, person("ONE_STS_ADMINS"), System, false},
		{"inside", bootstrap, person("NOT_ONE_STS_ADMIN"), System, false},
		{"lower case", bootstrap, person("one_sts_admin"), System, false},
		{"blank before", bootstrap, person(" ONE_STS_ADMIN"), System, false},
		{"blank behind", bootstrap, person("ONE_STS_ADMIN "), System, false},
		{"line end", bootstrap, person("ONE_STS_ADMIN\n"), System, false},
		{"zero byte", bootstrap, person("ONE_STS_ADMIN\x00"), System, false},
		{"comma", bootstrap, person("ONE_STS_ADMIN,Other"), System, false},
		{"array as text", bootstrap, person(`["ONE_STS_ADMIN"]`), System, false},
		{"Cyrillic look-alike", bootstrap, person("\u041eNE_STS_ADMIN"), System, false},
		{"long s", bootstrap, person("ONE_\u017fTS_ADMIN"), System, false},
		{"empty", bootstrap, person(""), System, false},
		{"as subject and login only", bootstrap, &Principal{Issuer: issuer, Subject: adminRole, Login: adminRole, ClientID: adminRole}, System, false},
	} {
		s := Build(world(), c.b, day)
		set, _ := s.Effective(c.p, c.org)
		for p := range bootstrapSet.All() {
			if got := s.Decide(c.p, c.org, p).Allowed; got != c.want || set.Has(p) != c.want {
				t.Errorf("%s: %s is allowed: %v; effective: %v; want %v", c.rule, p, got, set.Has(p), c.want)
			}
		}
		if !set.Minus(bootstrapSet).IsEmpty() {
			t.Errorf("%s: more than administration: %v", c.rule, set.Names())
		}
	}
}

func TestNT44_AnEmptyRoleGrantsNobodyAnything(t *testing.T) {
	for _, b := range []Bootstrap{{}, {Issuer: issuer}, {Role: adminRole}} {
		s := Build(Model{}, b, day)
		for _, p := range []*Principal{nil, {}, person(), person(""), {Subject: "x", IAMRoles: []string{""}}, person(adminRole)} {
			for _, org := range []OrganisationID{System, acme} {
				if set, reason := s.Effective(p, org); !set.IsEmpty() || reason == Granted {
					t.Errorf("%+v: %+v may do %v", b, p, set.Names())
				}
			}
		}
	}
}

func TestNT44_TheReservedNameIsNoRoleAndNoMapping(t *testing.T) {
	for _, name := range []string{adminRole, "one_sts_admin", " ONE_STS_ADMIN", "ONE_STS_ADMIN\u00a0", "ONE _STS_ ADMIN", "ONE_\u017fTS_ADMIN"} {
		for _, c := range []Change{
			{PutRoles: []*Role{{ID: "new", Name: name}}},
			{PutIAMRoles: []*IAMRole{{ID: "new", Name: name}}},
		} {
			_, _, err := world().Apply(c, adminRole)
			if fault := faultOf(err); fault != Malformed {
				t.Errorf("%q: got %v", name, err)
			}
		}
	}
}

func TestDecidingAllocatesNothing(t *testing.T) {
	s := Build(world(), bootstrap, day)
	few, many := person("Acme Issuance", adminRole), person("Nobody")
	for i := range 100 {
		many.IAMRoles = append(many.IAMRoles, fmt.Sprintf("Group %d", i))
	}
	var d Decision
	var set PermissionSet
	for name, f := range map[string]func(){
		"granted":    func() { d = s.Decide(few, acme, KeyList, CredentialIssue) },
		"bootstrap":  func() { d = s.Decide(few, System, STSRoleEdit) },
		"refused":    func() { d = s.Decide(many, acme, KeyList, CredentialIssue) },
		"unknown":    func() { d = s.Decide(few, "nowhere", KeyList) },
		"restricted": func() { d = s.Decide(person2, acme, ProofIssue) },
		"effective":  func() { set, _ = s.Effective(few, acme) },
		"system":     func() { set, _ = s.Effective(few, System) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	_, _ = d, set
}

var person2 = person("Acme Service")

func TestDisplayName(t *testing.T) {
	for want, p := range map[string]Principal{
		"Ada Admin": {GivenName: "Ada", FamilyName: "Admin", Login: "ada@acme.test", Subject: "00u"},
		"Ada":       {GivenName: "Ada", Login: "ada@acme.test", Subject: "00u"},
		"Admin":     {FamilyName: "Admin", Subject: "00u"},
		"ada":       {Login: "ada", Subject: "00u"},
		"00u":       {Subject: "00u"},
	} {
		if got := p.DisplayName(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func granting(r Reason) bool {
	return r == Granted || r == GrantedByBootstrap || r == GrantedByBreakGlass
}

func byFile(name string) *Principal {
	return &Principal{Issuer: BreakGlassIssuer, Subject: "break-glass:1", IAMRoles: []string{name}}
}

func TestWhoComesByAFileHasNoOrganisation(t *testing.T) {
	m := world()
	m.IAMRoles = append(m.IAMRoles, iamRole("9", BreakGlassRole, nil, map[OrganisationID][]RoleID{acme: {"issuer"}})) // as no change could
	s := Build(m, bootstrap, day)
	p := byFile(BreakGlassRole)
	if got := s.OrganisationsOf(p); len(got) != 0 {
		t.Errorf("got %v", got)
	}
	if only, more := s.OnlyOrganisation(p); only != nil || more {
		t.Errorf("got %v", only)
	}
	if set, _ := s.Effective(p, System); set != bootstrapSet {
		t.Errorf("got %v", set.Names())
	}
}
