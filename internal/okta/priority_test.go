package okta_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/okta"
)

const (
	policyOf = `{"type":"OAUTH_AUTHORIZATION_POLICY","status":%q,"name":"Strict","description":"x","priority":1,"conditions":{"clients":{"include":[%q]}}}`
	ruleOf   = `{"type":"RESOURCE_ACCESS","name":"Contractors","status":"ACTIVE","priority":1,"conditions":{"people":{"groups":{"include":["EVERYONE"]}},
		"grantTypes":{"include":[%q]},"scopes":{"include":["*"]}},"actions":{"token":{"accessTokenLifetimeMinutes":5,"refreshTokenLifetimeMinutes":60,"refreshTokenWindowMinutes":60}}}`
)

// step finds a part's step in a plan.
func step(t *testing.T, p *okta.Plan, part string) okta.Step {
	t.Helper()
	for _, s := range p.Steps {
		if s.Part == part {
			return s
		}
	}
	t.Fatalf("no step %q in\n%s", part, names(p))
	return okta.Step{}
}

// ourPolicy is the address of the policy that apply made.
func (o *org) ourPolicy() (address string, priority float64) {
	o.t.Helper()
	for path, list := range o.everything() {
		if !strings.HasSuffix(path, "/policies") {
			continue
		}
		for _, item := range list.([]any) {
			if p := item.(map[string]any); p["name"] == "Procivis One" {
				return path + "/" + p["id"].(string), p["priority"].(float64)
			}
		}
	}
	o.t.Fatal("apply made no policy")
	return "", 0
}

// TestPolicyOvertaken: what somebody put ahead of our policy decides in its place. That is seen, shown, and put right when
// somebody agrees; what has no say in our sign-in may stand where it stands.
func TestPolicyOvertaken(t *testing.T) {
	for _, c := range []struct {
		rule, status, client string
		matters              bool
	}{
		{"a policy for all clients", "ACTIVE", "ALL_CLIENTS", true},
		{"one that is switched off", "INACTIVE", "ALL_CLIENTS", false},
		{"one for somebody else", "ACTIVE", "other", false},
	} {
		t.Run(c.rule, func(t *testing.T) {
			o := newOrg(t, "fresh-free")
			client := c.client
			if client == "other" {
				client = o.call("POST", "/api/v1/apps", fmt.Sprintf(webApp, "Other"))["id"].(string)
			}
			s := o.setup(fresh)
			o.apply(s)
			o.call("POST", serverPath+"/policies", fmt.Sprintf(policyOf, c.status, client))
			plan := o.plan(s)
			if !c.matters {
				if plan.Changes() {
					t.Errorf("expected no changes, got\n%s", names(plan))
				}
				return
			}
			seen := step(t, plan, "policy")
			if len(seen.Changes) != 1 || seen.Changes[0] != (okta.Change{Field: "priority", From: 2.0, To: 1.0}) || !strings.Contains(seen.Danger, `"Strict" first`) {
				t.Errorf("expected the priority and a danger, got %+v", seen)
			}
			if _, err := okta.Apply(t.Context(), s, o.client(s), nil, func(okta.Step) {}); err == nil {
				t.Error("expected it to wait for somebody to agree")
			}
			if _, at := o.ourPolicy(); at != 2 {
				t.Errorf("changed although nobody agreed: priority %v", at)
			}
			o.apply(s)
			if _, at := o.ourPolicy(); at != 1 || o.plan(s).Changes() {
				t.Errorf("expected it put right, priority is %v", at)
			}
		})
	}
}

// TestRuleOvertaken is the same inside the policy.
func TestRuleOvertaken(t *testing.T) {
	for grant, matters := range map[string]bool{"authorization_code": true, "client_credentials": false} {
		o := newOrg(t, "fresh-free")
		s := o.setup(fresh)
		o.apply(s)
		policy, _ := o.ourPolicy()
		o.call("POST", policy+"/rules", fmt.Sprintf(ruleOf, grant))
		plan := o.plan(s)
		if plan.Changes() != matters || matters && !strings.Contains(step(t, plan, "rule").Danger, `"Contractors" first`) {
			t.Errorf("%s: got\n%s", grant, names(plan))
		}
		o.apply(s)
		if o.plan(s).Changes() {
			t.Errorf("%s: expected it put right", grant)
		}
	}
}

// TestNewPolicyGoesFirst: the plan says where, and whom it goes ahead of.
func TestNewPolicyGoesFirst(t *testing.T) {
	o := newOrg(t, "fresh-free")
	o.call("POST", serverPath+"/policies", fmt.Sprintf(policyOf, "ACTIVE", "ALL_CLIENTS"))
	before := o.everything()
	s := o.setup(fresh)
	plan := o.plan(s)
	var text strings.Builder
	plan.Print(&text, "apply")
	if !strings.Contains(text.String(), "Priority: 1\n") || !strings.Contains(strings.Join(plan.Notes, "\n"), `goes ahead of "Strict"`) {
		t.Errorf("printed\n%s", text.String())
	}
	o.apply(s)
	if o.plan(s).Changes() {
		t.Error("expected no changes after apply")
	}
	o.undo(s)
	sameAs(t, "undo", before, o.everything())
}

// TestRuleInSomebodysPolicyComesLast: their sign-ins are decided by their rules, as before.
func TestRuleInSomebodysPolicyComesLast(t *testing.T) {
	o := newOrg(t, "fresh-free")
	other := o.call("POST", "/api/v1/apps", fmt.Sprintf(webApp, "Other"))
	policy := o.call("POST", serverPath+"/policies", fmt.Sprintf(policyOf, "ACTIVE", other["id"]))
	rules := serverPath + "/policies/" + policy["id"].(string) + "/rules"
	theirs := o.call("POST", rules, strings.Replace(fmt.Sprintf(ruleOf, "authorization_code"), `["*"]`, `["openid"]`, 1))
	s := o.setup(strings.Replace(fresh, "{id: default}", "{id: default, policy: Strict}", 1))
	o.apply(s)
	if at := o.call("GET", rules+"/"+theirs["id"].(string), "")["priority"]; at != 1.0 {
		t.Errorf("expected their rule first, it is at %v", at)
	}
	if o.plan(s).Changes() {
		t.Error("expected no changes after apply")
	}
}
