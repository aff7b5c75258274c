package access

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestWhatLeadsNowhereChangesNothing: without what a finding is about, everything is decided alike for everybody; of an IAM role
// that nobody carried, for everybody who was seen. And a mapping that gives nobody anything is always found.
func TestWhatLeadsNowhereChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, b := drawModel(t)
		before := Build(m, b, day)
		var seen []*Principal
		for range rapid.IntRange(0, 3).Draw(t, "seen") {
			seen = append(seen, drawPrincipal(t))
		}
		everybody := append(slices.Clone(seen), drawPrincipal(t), &Principal{Issuer: BreakGlassIssuer, Subject: "x", IAMRoles: []string{BreakGlassRole}})
		for _, name := range someIAMRoles { // each by itself, or one would hide what another loses
			everybody = append(everybody, person(name))
		}
		n := before.Nowhere(seen, day)
		cleaned, named := m, map[IAMRoleID]bool{}
		for _, f := range n.Findings {
			if f.IAMRole != nil {
				named[f.IAMRole.ID] = true
			}
			who := everybody
			if f.Kind == IAMRoleNotCarried {
				who = seen
			} else {
				cleaned = without(cleaned, f)
			}
			decidedAlike(t, before, Build(without(m, f), b, day), who, f.Kind.String()+": "+f.Sentence("there").String())
		}
		decidedAlike(t, before, Build(cleaned, b, day), everybody, "all together")
		for _, im := range m.IAMRoles {
			if givesNothing(before, im) && !named[im.ID] && !im.Held() {
				t.Fatalf("%q gives nothing, and is not found among %v", im.Name, n.Findings)
			}
		}
	})
}

// without is the model without what the finding is about.
func without(m Model, f Finding) Model {
	next := m
	next.Roles, next.IAMRoles = nil, nil
	for _, role := range m.Roles {
		if f.Kind == PermissionsIdle && role.ID == f.Role.ID {
			role = role.Clone()
			role.Permissions = role.Permissions.Minus(f.Permissions)
		}
		if f.Kind != RoleNotMapped || role.ID != f.Role.ID {
			next.Roles = append(next.Roles, role)
		}
	}
	for _, im := range m.IAMRoles {
		if f.IAMRole != nil && im.ID == f.IAMRole.ID {
			if !f.Placed() {
				continue
			}
			im = im.Clone()
			keep := slices.DeleteFunc(slices.Clone(im.RolesIn(f.Organisation)), func(id RoleID) bool { return f.Role == nil || id == f.Role.ID })
			if f.Organisation == System {
				im.SystemRoles = keep
			} else {
				im.OrganisationRoles[f.Organisation] = keep
			}
		}
		next.IAMRoles = append(next.IAMRoles, im)
	}
	return next
}

func decidedAlike(t *rapid.T, before, after *Snapshot, who []*Principal, what string) {
	for _, org := range append(slices.Clone(someOrgs), System, "nowhere") {
		for _, p := range who {
			was, _ := before.Effective(p, org)
			is, _ := after.Effective(p, org)
			if was != is {
				t.Fatalf("%s: %v held %v in %q, and then %v", what, p.IAMRoles, was.Names(), org, is.Names())
			}
			for _, permission := range somePerms {
				x, y := before.Decide(p, org, permission), after.Decide(p, org, permission)
				if x.Allowed != y.Allowed || x.IAMRole != y.IAMRole || x.Role != y.Role {
					t.Fatalf("%s: %v for %v in %q: %+v, and then %+v", what, permission, p.IAMRoles, org, x, y)
				}
			}
			for _, user := range who {
				held, _ := before.Effective(user, org)
				was, _ := before.Delegated(p, held, org)
				is, _ := after.Delegated(p, held, org)
				if was != is {
					t.Fatalf("%s: %v had %v for %v in %q, and then %v", what, p.IAMRoles, was.Names(), user.IAMRoles, org, is.Names())
				}
			}
		}
	}
}

// givesNothing tells whether nobody gets anything by the mapping alone, whomever they act for.
func givesNothing(s *Snapshot, im *IAMRole) bool {
	p := person(im.Name)
	for org := range s.places {
		var held PermissionSet
		for name := range s.places[org].grants {
			held = held.Union(s.Reachable(person(name), org))
		}
		if org == System {
			held = held.Union(bootstrapSet)
		}
		set := s.Reachable(p, org)
		delegated, _ := s.Delegated(p, held, org)
		if !set.Union(delegated).IsEmpty() {
			return false
		}
	}
	return true
}

func TestWhatLeadsNowhere(t *testing.T) {
	m := world()
	m.Roles = append(m.Roles, role("empty"), role("system", STSRoleEdit), restricted("idle", ProofIssue), role("both", CredentialIssue, CacheDelete))
	m.Roles[len(m.Roles)-2].Delegation.RequiredUserPermissions = SetOf(KeyList)
	gone := OrganisationID("gone")
	m.IAMRoles = append(m.IAMRoles,
		iamRole("4", "Acme Old", nil, map[OrganisationID][]RoleID{acme: {"issuer"}}),
		iamRole("5", "Acme Closed", nil, map[OrganisationID][]RoleID{closed: {"issuer"}}),
		iamRole("6", "Acme Gone", nil, map[OrganisationID][]RoleID{gone: {"issuer"}}),
		iamRole("7", "Acme Mixed", []RoleID{"auditor"}, map[OrganisationID][]RoleID{closed: {"issuer"}}),
		iamRole("8", "Acme None", nil, nil),
		iamRole("9", "Acme Idle", []RoleID{"both"}, map[OrganisationID][]RoleID{acme: {"empty", "system", "idle"}, gone: {"issuer"}}),
		iamRole("10", "Acme Soon", nil, map[OrganisationID][]RoleID{acme: {"issuer"}}),
	)
	m.IAMRoles[7].Changed.CreatedAt = day.Add(1)
	m.IAMRoles[3].Ends = map[OrganisationID]End{acme: {At: day}}
	m.IAMRoles[6].Ends = map[OrganisationID]End{System: {At: day}}
	m.IAMRoles[9].Ends = map[OrganisationID]End{acme: {At: day.Add(1)}} // that is no finding
	seen := []*Principal{person(adminRole, "Acme Issuance", "acme audit", "Acme Audits", "Acme Soon", "Acme Idle", "Acme Old", "Acme Closed", "Acme Gone", "Acme Mixed", "Everyone")}
	n := Build(m, bootstrap, day).Nowhere(seen, day)
	var got []string
	for _, f := range n.Findings {
		place := any("Acme")
		if f.Organisation == System {
			place = TheSystem
		}
		got = append(got, f.Kind.String()+" "+f.Sentence(place).String())
	}
	want := []string{
		`ROLE_NOT_MAPPED No IAM role gives the role "Role proof", so that nobody has it.`,
		`PERMISSIONS_WITHOUT_EFFECT The role "Role auditor" is mapped in the whole system only. Of its permissions 1 can count in an organisation only.`,
		`PERMISSIONS_WITHOUT_EFFECT The role "Role both" is mapped in the whole system only. Of its permissions 1 can count in an organisation only.`,
		`PERMISSIONS_WITHOUT_EFFECT The role "Role issuer" is mapped in organisations only. Of its permissions 1 can count in the whole system only.`,
		`ROLE_WITHOUT_EFFECT "Acme Idle" gives the role "Role empty" in Acme; it has no permissions.`,
		`ROLE_WITHOUT_EFFECT "Acme Idle" gives the role "Role system" in Acme; its permissions count in the whole system only.`,
		`DELEGATION_NEVER_MET A service with "Acme Idle" acts by the role "Role idle" only for users who hold certain permissions in Acme, and no IAM role gives anybody one of them there.`,
		`ORGANISATION_GONE "Acme Idle" gives roles in the organisation Acme, which is no more.`,
		`IAM_ROLE_GIVES_NOTHING "Acme Closed" gives roles in deactivated organisations only.`,
		`IAM_ROLE_GIVES_NOTHING "Acme Gone" gives roles only in organisations that are no more.`,
		`IAM_ROLE_GIVES_NOTHING All that "Acme Mixed" gives has ended, or is in organisations that are deactivated or no more.`,
		`IAM_ROLE_GIVES_NOTHING "Acme None" is mapped to no role.`,
		`IAM_ROLE_GIVES_NOTHING All that "Acme Old" gave has ended.`,
		`IAM_ROLE_NOT_SEEN Nobody who was seen in the last 90 days carried "Acme Audit" when they last signed in.`,
		`IAM_ROLE_NOT_SEEN Nobody who was seen in the last 90 days carried "Acme None" when they last signed in. It has been mapped since 2026-01-31 only.`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
	audit := &n.Findings[13]
	near, renamed := n.Carried(audit)
	if !slices.Equal(near, []string{"acme audit"}) || !slices.Equal(renamed, []string{"Acme Audits"}) {
		t.Errorf("got near %q, renamed %q", near, renamed)
	}
	if !audit.In(System) || audit.In(acme) || !n.Findings[4].In(acme) || n.Findings[4].In(System) || n.Findings[0].In(acme) {
		t.Error("findings are not where they are")
	}
	for _, f := range Build(m, bootstrap, day).Nowhere(nil, day).Findings {
		if f.Kind == IAMRoleNotCarried {
			t.Errorf("of nobody nothing is known: %s", f.Sentence(""))
		}
	}
}

// BenchmarkNowhere is of 500 roles, 2,000 mappings, 50 organisations and 500 people.
func BenchmarkNowhere(b *testing.B) {
	m := Model{}
	for i := range 50 {
		m.Organisations = append(m.Organisations, &Organisation{ID: OrganisationID(fmt.Sprint("o", i)), Name: fmt.Sprint(i)})
	}
	every := []Permission{CredentialIssue, KeyList, STSRoleEdit}
	for i := range 500 {
		m.Roles = append(m.Roles, role(fmt.Sprint(i), every[i%3], every[(i+1)%3]))
	}
	for i := range 2000 {
		here := map[OrganisationID][]RoleID{}
		for j := range 3 {
			here[m.Organisations[(i+j*7)%50].ID] = []RoleID{m.Roles[(i+j*11)%400].ID}
		}
		m.IAMRoles = append(m.IAMRoles, iamRole(fmt.Sprint(i), fmt.Sprintf("IAM role %04d", i), nil, here))
	}
	var seen []*Principal
	for i := range 500 {
		seen = append(seen, person(fmt.Sprintf("IAM role %04d", i*4), fmt.Sprintf("Group %04d", i)))
	}
	s := Build(m, bootstrap, day)
	for b.Loop() {
		n := s.Nowhere(seen, day)
		for i := range 50 {
			n.Carried(&n.Findings[len(n.Findings)-1-i])
		}
	}
}
