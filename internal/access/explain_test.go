package access

import (
	"slices"
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
		s := Build(m, b, day)
		e := s.Explain(p, org, asked...)
		if len(asked) > 0 && e.Decision != s.Decide(p, org, asked...) {
			t.Fatalf("explained %+v, decided %+v", e.Decision, s.Decide(p, org, asked...))
		}
		if e.Sentence().String() == "" || e.Decision.Allowed != (e.Remedy().String() == "") {
			t.Fatalf("%+v: sentence %q, remedy %q", e.Decision, e.Sentence(), e.Remedy())
		}
		for _, o := range e.Elsewhere {
			if !s.Decide(p, o.ID, asked...).Allowed || o.ID == org {
				t.Fatalf("not granted in %s", o.Name)
			}
		}
	})
}

func TestExplanations(t *testing.T) {
	s := Build(world(), bootstrap, day)
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
			`Your sign-in carries no groups, so nothing is allowed to you yet.`, `Put the person into the group "Acme Issuance". If they are in one that should be there: check the claim's filter and the role path.`,
		},
		{
			"not mapped here", person("Acme Issuance"), zeta,
			[]Permission{CredentialIssue},
			`Your groups are not mapped to any role in Zeta.`, `Map the role "Role issuer" to the IAM role "Acme Issuance" in Zeta, for everybody who carries it.`,
		},
		{
			"no role holds it", person("Acme Issuance"), acme,
			[]Permission{KeyList, KeyDetail},
			`Your roles in Acme do not include: “List keys”.`, `Add KEY_LIST to the role "Role issuer", for everybody who has that role.`,
		},
		{
			"a deactivated organisation comes before a near miss", person("acme issuance"), closed,
			[]Permission{CredentialIssue},
			`Closed is deactivated: nothing can be done there until it is reactivated.`, `Reactivate Closed. Then: The token carries "acme issuance", and "Acme Issuance" would be allowed. They differ in case or blanks: make them the same.`,
		},
		{
			"a near miss that would not help is not the remedy", person("acme issuance"), acme,
			[]Permission{ProofIssue},
			`None of the groups of your sign-in is mapped to a role yet.`, `Map the role "Role proof" to the IAM role "acme issuance" in Acme, for everybody who carries it.`,
		},
		{
			"a near miss of the bootstrap role", person("one_sts_admin"), System,
			[]Permission{STSRoleCreate},
			`None of the groups of your sign-in is mapped to a role yet.`, `The token carries "one_sts_admin", and "ONE_STS_ADMIN" would be allowed. They differ in case or blanks: make them the same.`,
		},
		{
			"the bootstrap role can't be mapped", person(adminRole), acme,
			[]Permission{CredentialIssue},
			`None of the groups of your sign-in is mapped to a role yet.`, `Put the person into the group "Acme Issuance".`,
		},
		{
			"delegation only", person("Acme Service"), acme,
			[]Permission{ProofIssue},
			`“Request proofs” in Acme is only for services that act for you.`, `Map the role "Role proof" to the IAM role "Acme Service" in Acme, for everybody who carries it.`,
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
			`Your groups are not mapped to any role in Zeta.`, `Map the role "Role proof" to the IAM role "Acme Issuance" in Zeta, for everybody who carries it.`,
		},
	} {
		e := s.Explain(c.p, c.org, c.asked...)
		if got := e.Sentence().String(); got != c.sentence {
			t.Errorf("%s: sentence\n got %s\nwant %s", c.rule, got, c.sentence)
		}
		if got := e.Remedy().String(); got != c.remedy {
			t.Errorf("%s: remedy\n got %s\nwant %s", c.rule, got, c.remedy)
		}
	}
}

func TestExplanationShowsTheWholeWay(t *testing.T) {
	s := Build(world(), bootstrap, day)
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
