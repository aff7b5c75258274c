package doctor

import (
	"fmt"
	"slices"

	"github.com/portico-iam/portico/internal/okta"
)

// winner is the rule that decides; nil when there is none. best is the one that comes nearest, and why it does not fit.
func (q signIn) winner(policies []okta.PolicyFacts) (policy *okta.PolicyFacts, best *okta.RuleFacts, why []miss) {
	for i := range policies {
		p := &policies[i]
		if !p.Active() || !p.Covers(q.client) {
			continue
		}
		for j := range p.Rules {
			misses := q.misses(&p.Rules[j])
			if len(misses) == 0 {
				return p, &p.Rules[j], nil
			}
			if best == nil || len(misses) < len(why) {
				policy, best, why = p, &p.Rules[j], misses
			}
		}
		if policy == nil {
			policy = p
		}
	}
	return policy, best, why
}

// checkPolicies goes through the access policies as Okta does: in their order, the first rule that fits decides.
func checkPolicies(e *Evidence, f *findings) {
	if !e.read("/api/v1/authorizationServers") || e.Org.Server == nil || e.Org.ByLabel {
		return
	}
	q, server := e.signIn(), e.Org.Server
	if q.client == "" {
		return
	}
	policy, rule, why := q.winner(server.Policies)
	switch {
	case policy == nil:
		e.noPolicy(f, q)
	case rule == nil:
		f.add("rule-misses", Finding{
			What: "The access policy has no rule, so nobody can sign in.", Seen: fmt.Sprintf("the policy %q is for this application and has no rules", policy.Name),
			Setting: "Add rule: Grant type Authorization Code, User is any user assigned the app, Scopes requested any", Console: atPolicies + " > " + policy.Name,
			Call: "POST " + server.Path() + "/policies/" + policy.ID + `/rules with {"type":"RESOURCE_ACCESS","name":"Procivis One sign-in","priority":1,"conditions":{"people":{"groups":{"include":["EVERYONE"]}},"grantTypes":{"include":["authorization_code"]},"scopes":{"include":["*"]}}}`,
		})
	case len(why) > 0:
		f.add("rule-misses", Finding{
			What:    "No rule of the access policies lets this sign-in through.",
			Seen:    fmt.Sprintf("policy %q, rule %q comes nearest: %s", policy.Name, rule.Name, each(why, func(m miss) string { return m.why })),
			Setting: each(why, func(m miss) string { return m.set }),
			Console: atPolicies + " > " + policy.Name + " > " + rule.Name,
			Call:    ruleCall(server.Path()+"/policies/"+policy.ID+"/rules/"+rule.ID, why),
		})
	default:
		e.earlierPolicy(f, q, policy, rule)
		e.earlierRule(f, q, policy, rule)
	}
}

func (e *Evidence) noPolicy(f *findings, q signIn) {
	server := e.Org.Server
	for _, p := range server.Policies {
		if p.Covers(q.client) {
			f.add("policy-inactive", Finding{
				What: "The access policy for this application is inactive, so nobody can sign in.", Seen: fmt.Sprintf("the status of the policy %q is INACTIVE", p.Name), Setting: "Activate the policy.",
				Console: atPolicies + " > " + p.Name, Call: "POST " + server.Path() + "/policies/" + p.ID + "/lifecycle/activate",
			})
			return
		}
	}
	seen := fmt.Sprintf("none of the %d policies of %q has the client %s or ALL_CLIENTS", len(server.Policies), server.Name, q.client)
	if len(server.Policies) == 0 {
		seen = fmt.Sprintf("%q has no access policy at all, as in a new free organisation", server.Name)
	}
	f.add("policy-missing", Finding{
		What: "No access policy of the authorization server is for this application, so nobody can sign in.", Seen: seen,
		Setting: "Add Policy: Assigned to clients: the application. Then Add rule: Grant type Authorization Code, User is any user assigned the app, Scopes requested any",
		Call:    fmt.Sprintf("POST %s/policies with {\"type\":\"OAUTH_AUTHORIZATION_POLICY\",\"name\":\"Procivis One\",\"priority\":1,\"status\":\"ACTIVE\",\"conditions\":{\"clients\":{\"include\":[%q]}}}, then its rule", server.Path(), q.client),
	})
}

// earlierPolicy: a policy for this client by name is there, and one for everybody is asked before it.
func (e *Evidence) earlierPolicy(f *findings, q signIn, policy *okta.PolicyFacts, rule *okta.RuleFacts) {
	if slices.Contains(policy.Clients, q.client) {
		return
	}
	for _, own := range e.Org.Server.Policies {
		if !slices.Contains(own.Clients, q.client) || own.ID == policy.ID {
			continue
		}
		if _, ownRule, why := q.winner([]okta.PolicyFacts{own}); ownRule != nil && len(why) == 0 {
			f.add("policy-order", Finding{
				What:    "Another access policy is asked before the one for this application, and decides in its place.",
				Seen:    fmt.Sprintf("policy %q, rule %q (access token %.0f min) is asked before policy %q (%.0f min)", policy.Name, rule.Name, rule.AccessMinutes, own.Name, ownRule.AccessMinutes),
				Setting: fmt.Sprintf("Priority 1 for the policy %q: drag it to the top", own.Name), Call: "PUT " + e.Org.Server.Path() + "/policies/" + own.ID + " with priority: 1",
			})
			return
		}
	}
}

// earlierRule: a rule for everybody stands before another that would fit too, so that this one never counts.
func (e *Evidence) earlierRule(f *findings, q signIn, policy *okta.PolicyFacts, rule *okta.RuleFacts) {
	forAll := slices.Contains(rule.Groups, "EVERYONE") && slices.Contains(rule.Scopes, "*") && len(rule.NoGroups)+len(rule.NoUsers) == 0
	if !forAll {
		return
	}
	after := false
	for i := range policy.Rules {
		other := &policy.Rules[i]
		if after && len(q.misses(other)) == 0 && other.AccessMinutes != rule.AccessMinutes {
			f.add("policy-order", Finding{
				What: "A rule for everybody stands before another one, which therefore never counts.", Console: atPolicies + " > " + policy.Name,
				Seen:    fmt.Sprintf("rule %q (access token %.0f min) is asked before rule %q (%.0f min)", rule.Name, rule.AccessMinutes, other.Name, other.AccessMinutes),
				Setting: fmt.Sprintf("Priority 1 for the rule %q, or take %q away", other.Name, rule.Name),
				Call:    "PUT " + e.Org.Server.Path() + "/policies/" + policy.ID + "/rules/" + other.ID + " with priority: 1",
			})
			return
		}
		after = after || other.ID == rule.ID
	}
}
