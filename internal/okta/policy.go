package okta

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
)

const atPolicies = atServers + " > Access Policies"

func (r *run) policyTitle() string {
	if r.AuthorizationServer.Policy != "" {
		return r.AuthorizationServer.Policy
	}
	return r.Application.Label
}

// ensurePolicy is "Assigned to clients" of the guide: it is on the access policy. One of our own goes first, for our client
// alone, so that nobody else's sign-in changes.
func (r *run) ensurePolicy(ctx context.Context) (err error) {
	name := r.policyTitle()
	var all []object
	if collection := r.serverPath("policies"); collection != "" {
		if all, err = r.client.list(ctx, query(collection, map[string]string{"limit": "200"})); err != nil {
			return err
		}
	}
	var others []string // that Okta asks before ours
	p := part{
		key: "policy", title: fmt.Sprintf("Access policy %q", name), console: atPolicies,
		collection: r.serverPath("policies"), name: fields{"name": name}, lifecycle: true,
		fresh: object{
			"type": "OAUTH_AUTHORIZATION_POLICY", "name": name, "description": "Sign-in to Procivis One", "status": "ACTIVE",
		},
		danger: func(_ object, _ bool, changed []Change) string { return overtaking("policy", others, changed) },
	}
	p.want = func(live object, _ bool) (fields, error) {
		others = ahead(all, live, r.forUs)
		if live != nil {
			return r.wantPolicy(live, others), nil
		}
		if r.AuthorizationServer.Policy != "" && r.server != nil {
			return nil, fmt.Errorf("authorizationServer.policy: there is no access policy %q; leave it out to have one made", name)
		}
		if len(others) > 0 {
			r.note("The new access policy %q goes ahead of %s, which is for all applications: it decides about this one alone, and the others are decided as before.", name, strings.Join(others, ", "))
		}
		return fields{"conditions.clients.include": list(r.clientID()), "priority": first}, nil
	}
	r.policy, err = r.ensure(ctx, p)
	return err
}

func (r *run) clientID() string { return cmp.Or(r.plan.Values.ClientID, later) }

// wantPolicy keeps a policy that the setup names where it is: its owner decides what goes first.
func (r *run) wantPolicy(live object, others []string) fields {
	want := fields{"status": "ACTIVE"}
	clients := live.texts("conditions.clients.include")
	if !slices.Contains(clients, "ALL_CLIENTS") {
		want["conditions.clients.include"] = union(clients, r.clientID())
	}
	switch {
	case len(others) == 0:
	case r.AuthorizationServer.Policy != "":
		r.note("Okta asks the access policies %s before %q, for this application too: where a rule of theirs fits, it decides.", strings.Join(others, ", "), live.text("name"))
	default:
		want["priority"] = first
	}
	return want
}

// ensureRule lets the sign-in through: the code grant, everybody who is assigned, every scope that is asked for.
func (r *run) ensureRule(ctx context.Context) error {
	console := atPolicies + " > " + r.policyTitle()
	var collection string
	var all []object
	if r.policy != nil {
		var err error
		collection = r.serverPath("policies") + "/" + r.policy.id() + "/rules"
		if all, err = r.client.list(ctx, collection); err != nil {
			return err
		}
		if i := slices.IndexFunc(all, r.fits); i >= 0 && r.record.of("rule") == nil {
			return r.take(Step{Part: "rule", Action: Keep, Title: fmt.Sprintf("Rule %q", all[i].text("name")), Console: console}, nil)
		}
	}
	shared := r.AuthorizationServer.Policy != "" && len(r.policy.texts("conditions.clients.include")) > 1
	if shared {
		r.note("The rule goes into the policy %q, which covers other applications too: they may sign in by it as well, where none of its other rules fits.", r.AuthorizationServer.Policy)
	}
	var others []string
	p := part{
		key: "rule", title: fmt.Sprintf("Rule %q", r.Application.Label+" sign-in"), console: console,
		collection: collection, name: fields{"name": r.Application.Label + " sign-in"}, lifecycle: true,
		fresh: object{
			"type": "RESOURCE_ACCESS", "name": r.Application.Label + " sign-in", "status": "ACTIVE",
		},
		first: fields{
			"actions.token.accessTokenLifetimeMinutes": float64(60), "actions.token.refreshTokenLifetimeMinutes": float64(10080), "actions.token.refreshTokenWindowMinutes": float64(10080),
		},
		danger: func(_ object, _ bool, changed []Change) string {
			return strings.TrimSpace(overtaking("rule", others, changed) + " " + readmitting(changed))
		},
	}
	p.want = func(live object, ours bool) (fields, error) {
		want := r.wantRule(live)
		if ours {
			restoreRule(live, want)
		}
		others = ahead(all, live, forSignIn)
		// In a policy of several applications it comes last, so that theirs are decided as before.
		if !shared && (live == nil || len(others) > 0) {
			want["priority"] = first
		}
		return want, nil
	}
	_, err := r.ensure(ctx, p)
	return err
}

func (r *run) wantRule(live object) fields {
	want := fields{
		"conditions.grantTypes.include":    union(live.texts("conditions.grantTypes.include"), "authorization_code"),
		"conditions.people.groups.include": union(live.texts("conditions.people.groups.include"), "EVERYONE"),
		"conditions.scopes.include":        union(live.texts("conditions.scopes.include"), r.scopes()...),
	}
	if live != nil {
		want["status"] = "ACTIVE"
		if slices.Contains(live.texts("conditions.scopes.include"), "*") {
			delete(want, "conditions.scopes.include")
		}
	}
	return want
}

// fits tells whether a rule lets our sign-in through as it is.
func (r *run) fits(rule object) bool {
	scopes := rule.texts("conditions.scopes.include")
	people := rule.texts("conditions.people.groups.include")
	covered := slices.Contains(scopes, "*") || !slices.ContainsFunc(r.scopes(), func(s string) bool { return !slices.Contains(scopes, s) })
	admitted := slices.Contains(people, "EVERYONE") || r.group != nil && slices.Contains(people, r.group.id())
	return rule.text("status") == "ACTIVE" && covered && admitted && slices.Contains(rule.texts("conditions.grantTypes.include"), "authorization_code")
}
