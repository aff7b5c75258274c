package access

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestRefusalsAlwaysSayWhyAndWhatWouldHelp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, b := drawModel(t)
		p := drawPrincipal(t)
		if rapid.IntRange(0, 9).Draw(t, "nobody") == 0 {
			p = nil
		}
		org := drawPlace(t)
		asked := rapid.SliceOfN(rapid.SampledFrom(somePerms), 0, 3).Draw(t, "asked")
		s := Build(m, b)
		e := s.Explain(p, org, asked...)
		if len(asked) > 0 && e.Decision != s.Decide(p, org, asked...) {
			t.Fatalf("explained %+v, decided %+v", e.Decision, s.Decide(p, org, asked...))
		}
		if e.Sentence() == "" || e.Decision.Allowed != (e.Remedy() == "") {
			t.Fatalf("%+v: sentence %q, remedy %q", e.Decision, e.Sentence(), e.Remedy())
		}
		for _, o := range e.Elsewhere {
			if !s.Decide(p, o.ID, asked...).Allowed || o.ID == org {
				t.Fatalf("not granted in %s", o.Name)
			}
		}
	})
}

var mapRole = regexp.MustCompile(`^Map the role "(.*)", which holds .*, to (one of the IAM roles|another IAM role of the person.*) in `)

// What the remedy tells an administrator to do must make the answer yes.
func TestFollowingTheRemedyFlipsTheDecision(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, b := drawModel(t)
		p, org := drawPrincipal(t), drawPlace(t)
		asked := rapid.SliceOfN(rapid.SampledFrom(somePerms), 1, 3).Draw(t, "asked")
		e := Build(m, b).Explain(p, org, asked...)
		if e.Decision.Allowed {
			return
		}
		if found := mapRole.FindStringSubmatch(e.Remedy()); found != nil {
			i := slices.IndexFunc(m.Roles, func(r *Role) bool { return r.Name == found[1] })
			after, name := mapped(m, b, p, m.Roles[i].ID, org)
			if after == nil {
				if !strings.HasPrefix(found[2], "another") {
					t.Fatalf("the remedy %q needs an IAM role that can be mapped", e.Remedy())
				}
				return
			}
			if !after.Decide(p, org, asked...).Allowed {
				t.Fatalf("%q was followed for %q in vain", e.Remedy(), name)
			}
		}
		for _, u := range e.Unmatched {
			if u.Granting == "" {
				continue
			}
			renamed := *p
			renamed.IAMRoles = []string{u.Granting}
			if !Build(m, b).Decide(&renamed, org, asked...).Allowed {
				t.Fatalf("carrying %q instead of %q does not help", u.Granting, u.Name)
			}
		}
	})
}

// mapped returns the snapshot in which the role is mapped to the first of the person's IAM roles that can be.
func mapped(m Model, b Bootstrap, p *Principal, id RoleID, org OrganisationID) (*Snapshot, string) {
	for _, name := range p.IAMRoles {
		if name == b.Role {
			continue
		}
		row := &IAMRole{ID: "new", Name: name}
		for _, im := range m.IAMRoles {
			if im.Name == name {
				row = im.Clone()
			}
		}
		if org == System {
			row.SystemRoles = append(row.SystemRoles, id)
		} else {
			if row.OrganisationRoles == nil {
				row.OrganisationRoles = map[OrganisationID][]RoleID{}
			}
			row.OrganisationRoles[org] = append(row.OrganisationRoles[org], id)
		}
		m.IAMRoles = append(slices.Clone(m.IAMRoles), row) // the later row counts
		return Build(m, b), name
	}
	return nil, ""
}

func TestExplanations(t *testing.T) {
	s := Build(world(), bootstrap)
	for _, c := range []struct {
		rule             string
		p                *Principal
		org              OrganisationID
		asked            []Permission
		sentence, remedy string
	}{
		{
			"granted", person("Acme Issuance"), acme,
			[]Permission{CredentialIssue},
			`“Issue credentials” is allowed by "Acme Issuance".`, ``,
		},
		{
			"nobody", nil, acme,
			[]Permission{CredentialIssue},
			`You are not signed in.`, `Sign in.`,
		},
		{
			"no groups", person(), acme,
			[]Permission{CredentialIssue},
			`Your sign-in carries no groups, so nothing is allowed to you yet.`, `Put the person into a group that the claim's filter lets through, or check the role path.`,
		},
		{
			"not mapped here", person("Acme Issuance"), zeta,
			[]Permission{CredentialIssue},
			`Your groups are not mapped to any role in Zeta.`, `Map the role "Role issuer", which holds CREDENTIAL_ISSUE, to one of the IAM roles in Zeta.`,
		},
		{
			"no role holds it", person("Acme Issuance"), acme,
			[]Permission{KeyList, KeyDetail},
			`Your roles in Acme do not include: “List keys”.`, `No role holds KEY_LIST or KEY_DETAIL: create one, then map it to one of the IAM roles in Acme.`,
		},
		{
			"a deactivated organisation comes before a near miss", person("acme issuance"), closed,
			[]Permission{CredentialIssue},
			`Closed is deactivated: nothing can be done there until it is reactivated.`, `Reactivate the organisation.`,
		},
		{
			"a near miss that would not help is not the remedy", person("acme issuance"), acme,
			[]Permission{ProofIssue},
			`None of the groups of your sign-in is mapped to a role yet.`, `Map the role "Role proof", which holds PROOF_ISSUE, to one of the IAM roles in Acme.`,
		},
		{
			"a near miss of the bootstrap role", person("one_sts_admin"), System,
			[]Permission{STSRoleCreate},
			`None of the groups of your sign-in is mapped to a role yet.`, `The token carries "one_sts_admin", and "ONE_STS_ADMIN" would be allowed. They differ in case or blanks: make them the same.`,
		},
		{
			"the bootstrap role can't be mapped", person(adminRole), acme,
			[]Permission{CredentialIssue},
			`None of the groups of your sign-in is mapped to a role yet.`, `Map the role "Role issuer", which holds CREDENTIAL_ISSUE, to another IAM role of the person (the bootstrap role can't be mapped) in Acme.`,
		},
		{
			"delegation only", person("Acme Service"), acme,
			[]Permission{ProofIssue},
			`“Request proofs” in Acme is only for services that act for you.`, `Map the role "Role proof", which holds PROOF_ISSUE, to one of the IAM roles in Acme.`,
		},
		{
			"the system's permission in an organisation", person("Acme Issuance"), acme,
			[]Permission{STSRoleEdit},
			`“Edit roles” acts on the whole installation, not in an organisation.`, `Ask for it without an organisation.`,
		},
		{
			"an organisation's permission on the system", person("Acme Issuance"), System,
			[]Permission{CredentialIssue},
			`“Issue credentials” needs an organisation, and none was chosen.`, `Choose an organisation by the header x-organisation-id.`,
		},
		{
			"no such organisation", person("Acme Issuance"), "nowhere",
			[]Permission{CredentialIssue},
			`There is no such organisation.`, `Choose an organisation by the header x-organisation-id.`,
		},
		{
			"anything at all", person("Acme Issuance"), zeta, nil,
			`Your groups are not mapped to any role in Zeta.`, `Map a role to one of the IAM roles in Zeta.`,
		},
	} {
		e := s.Explain(c.p, c.org, c.asked...)
		if got := e.Sentence(); got != c.sentence {
			t.Errorf("%s: sentence\n got %s\nwant %s", c.rule, got, c.sentence)
		}
		if got := e.Remedy(); got != c.remedy {
			t.Errorf("%s: remedy\n got %s\nwant %s", c.rule, got, c.remedy)
		}
	}
}

func TestExplanationShowsTheWholeWay(t *testing.T) {
	s := Build(world(), bootstrap)
	e := s.Explain(person("acme issuance", "Acme Service", "Acme Audit", "Acme Issuance"), acme, ProofIssue)
	if len(e.Matched) != 3 || len(e.Unmatched) != 1 || !slices.Equal(e.Unmatched[0].Near, []string{"Acme Issuance"}) {
		t.Errorf("matched %+v, unmatched %+v", e.Matched, e.Unmatched)
	}
	if len(e.Restricted) != 1 || e.Restricted[0].ID != "service" || len(e.Granting) != 1 || e.Granting[0].ID != "proof" {
		t.Errorf("restricted %v, granting %v", e.Restricted, e.Granting)
	}
	if audit := e.Matched[1]; audit.Name != "Acme Audit" || len(audit.Roles) != 0 {
		t.Errorf("an IAM role that is mapped elsewhere gives %+v here", audit)
	}
	if e = s.Explain(person("Acme Issuance"), zeta, CredentialIssue); len(e.Elsewhere) != 1 || e.Elsewhere[0].ID != acme {
		t.Errorf("elsewhere is %v; a deactivated organisation does not count", e.Elsewhere)
	}
	asked := []Permission{CredentialIssue}
	e = s.Explain(person(), acme, asked...)
	if asked[0] = KeyList; e.AnyOf[0] != CredentialIssue {
		t.Error("the explanation shares the caller's slice")
	}
}
