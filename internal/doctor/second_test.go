package doctor_test

import (
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/doctor"
)

// TestACallHasTheValues: a PUT replaces a list, so the call says all of it.
func TestACallHasTheValues(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		inject func(*bed)
		call   string
	}{
		{"scopes", withoutScopes, `with conditions.scopes.include ["openid","profile","email","offline_access"]`},
		{"people", excluded, "with conditions.people.users.exclude []"},
		{"status", func(b *bed) { deactivate(b, b.rulePath()); b.config().okta("") }, "/lifecycle/activate"},
		{"a login that nobody has", func(b *bed) { b.config().okta(""); b.in.Login = "nobody@acme.test" }, `profile.login eq "nobody@acme.test"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t, "licensed")
			c.inject(b)
			if found := b.examine().Findings; len(found) != 1 || !strings.HasSuffix(found[0].Call, c.call) {
				t.Errorf("found is %+v, expected the call %s", found, c.call)
			}
		})
	}
}

// TestANameThatOktaKeepsIsNotOffered for a claim in access tokens.
func TestANameThatOktaKeepsIsNotOffered(t *testing.T) {
	t.Parallel()
	b := newBed(t, "licensed")
	b.config(func(c *config.Config) { c.STS.IAM.RolePath = "groups" }).okta("")
	for _, token := range []string{"", b.signIn(ada)} {
		b.in.Token = token
		if found := b.examine().Findings[0]; found.ID != "claim-name" || found.Setting != "sts.iam.rolePath: roles" || found.Call != "" {
			t.Errorf("found is %+v", found)
		}
	}
}

// TestAnInactivePolicyIsNoConsequence of an inactive application.
func TestAnInactivePolicyIsNoConsequence(t *testing.T) {
	t.Parallel()
	b := newBed(t, "licensed")
	b.config().okta("")
	deactivate(b, b.policyPath())
	deactivate(b, "/api/v1/apps/"+b.World().WebClient.ID)
	if got := strings.Join(ids(b.examine().Findings), " "); got != "app-inactive policy-inactive" {
		t.Errorf("found is %s", got)
	}
}

// TestAPersonWhoIsNotLookedUpIsNoted.
func TestAPersonWhoIsNotLookedUpIsNoted(t *testing.T) {
	t.Parallel()
	noted := func(in doctor.Input) bool {
		report, err := doctor.Examine(t.Context(), in)
		return err == nil && strings.Contains(strings.Join(report.Notes, " "), "Nothing was looked up of "+ada)
	}
	b := newBed(t, "licensed").config()
	b.in.Login = ada
	if !noted(b.in) {
		t.Error("--user is ignored without a word")
	}
	if b.okta(""); noted(b.in) {
		t.Error("with --okta they were looked up")
	}
}

// TestWhoIsAssignedIsToldInWords.
func TestWhoIsAssignedIsToldInWords(t *testing.T) {
	t.Parallel()
	b := newBed(t, "licensed")
	must(b, b.SetUserAssigned(nora, false))
	b.config().okta("")
	b.in.Login = nora
	if found := b.examine().Findings; len(found) != 1 || !strings.HasSuffix(found[0].Seen, "no group is assigned") {
		t.Errorf("found is %+v", found)
	}
}
