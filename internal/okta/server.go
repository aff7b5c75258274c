package okta

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/portico-iam/portico/internal/config"
)

const (
	serversPath = "/api/v1/authorizationServers"

	atServers = "Security > API > Authorization Servers"
)

// ensureServer is the authorization server: one that is there, used as it is, or one of our own.
func (r *run) ensureServer(ctx context.Context) (err error) {
	want := r.AuthorizationServer
	p := part{
		key: "authorization server", console: atServers, collection: serversPath, lifecycle: true,
		want: func(live object, ours bool) (fields, error) {
			f := fields{}
			if live != nil {
				f["status"] = "ACTIVE"
			}
			if want.Audience != "" {
				f["audiences"] = list(want.Audience)
			}
			return f, nil
		},
		danger: func(live object, changed []Change) string {
			if slices.ContainsFunc(changed, func(c Change) bool { return c.Field == "audiences" }) {
				return "Every other application and API that uses this authorization server expects the present audience and will refuse its tokens. Leave authorizationServer.audience out to use the present one."
			}
			return ""
		},
	}
	if want.ID != "" {
		p.id, p.title = want.ID, fmt.Sprintf("Authorization server %q", want.ID)
	} else {
		p.title = fmt.Sprintf("Authorization server %q", want.Name)
		p.name = fields{"name": want.Name}
		p.fresh = object{"name": want.Name, "description": "Tokens for Procivis One"}
	}
	if r.server, err = r.ensure(ctx, p); err != nil {
		return err
	}
	v := &r.plan.Values
	v.Audience = want.Audience
	if r.server == nil {
		return nil
	}
	if audiences := r.server.texts("audiences"); v.Audience == "" && len(audiences) > 0 {
		v.Audience = audiences[0]
	}
	v.Issuer = r.server.text("issuer")
	v.DiscoveryURL = v.Issuer + "/.well-known/openid-configuration"
	if r.server.at("accessTokenEncryptedResponseAlgorithm") != nil {
		r.note("This authorization server encrypts its access tokens, which Portico can't read: switch that off, or use another server.")
	}
	return nil
}

// serverPath is where the server's own resources are; "" while there is no server.
func (r *run) serverPath(collection string) string {
	if r.server == nil {
		return ""
	}
	return serversPath + "/" + r.server.id() + "/" + collection
}

// scopes is what a sign-in asks for: the default of the configuration, and what the claim is bound to.
func (r *run) scopes() []string {
	scopes := config.Default().IAM.Scopes
	if len(r.claimScopes) > 0 && !slices.ContainsFunc(r.claimScopes, func(s string) bool { return slices.Contains(scopes, s) }) {
		scopes = append(scopes, r.claimScopes[0])
	}
	return scopes
}

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
	clientID := cmp.Or(r.plan.Values.ClientID, later)
	r.policy, err = r.ensure(ctx, part{
		key: "policy", title: fmt.Sprintf("Access policy %q", name), console: atServers + " > Access Policies",
		collection: r.serverPath("policies"), name: fields{"name": name}, lifecycle: true,
		fresh: object{
			"type": "OAUTH_AUTHORIZATION_POLICY", "name": name, "description": "Sign-in to Procivis One", "priority": 1, "status": "ACTIVE",
		},
		want: func(live object, ours bool) (fields, error) {
			if live == nil && r.AuthorizationServer.Policy != "" && r.server != nil {
				return nil, fmt.Errorf("authorizationServer.policy: there is no access policy %q; leave it out to have one made", name)
			}
			if live == nil {
				return fields{"conditions.clients.include": list(clientID)}, nil
			}
			clients := live.texts("conditions.clients.include")
			if slices.Contains(clients, "ALL_CLIENTS") {
				return fields{"status": "ACTIVE"}, nil
			}
			return fields{"status": "ACTIVE", "conditions.clients.include": union(clients, clientID)}, nil
		},
	})
	return err
}

// ensureRule lets the sign-in through: the code grant, everybody who is assigned, every scope that is asked for.
func (r *run) ensureRule(ctx context.Context) error {
	console := atServers + " > Access Policies > " + r.policyTitle()
	var collection string
	if r.policy != nil {
		collection = r.serverPath("policies") + "/" + r.policy.id() + "/rules"
		if r.record.of("rule") == nil {
			rules, err := r.client.list(ctx, collection)
			if err != nil {
				return err
			}
			if i := slices.IndexFunc(rules, r.fits); i >= 0 {
				return r.take(Step{Part: "rule", Action: Keep, Title: fmt.Sprintf("Rule %q", rules[i].text("name")), Console: console}, nil)
			}
		}
	}
	p := part{
		key: "rule", title: fmt.Sprintf("Rule %q", r.Application.Label+" sign-in"), console: console,
		collection: collection, name: fields{"name": r.Application.Label + " sign-in"}, lifecycle: true,
		fresh: object{
			"type": "RESOURCE_ACCESS", "name": r.Application.Label + " sign-in", "priority": 1, "status": "ACTIVE",
			"actions": map[string]any{"token": map[string]any{
				"accessTokenLifetimeMinutes": 60, "refreshTokenLifetimeMinutes": 10080, "refreshTokenWindowMinutes": 10080,
			}},
		},
		want: func(live object, ours bool) (fields, error) {
			f := fields{
				"conditions.grantTypes.include":    union(live.texts("conditions.grantTypes.include"), "authorization_code"),
				"conditions.people.groups.include": union(live.texts("conditions.people.groups.include"), "EVERYONE"),
				"conditions.scopes.include":        union(live.texts("conditions.scopes.include"), r.scopes()...),
			}
			if live != nil {
				f["status"] = "ACTIVE"
				if slices.Contains(live.texts("conditions.scopes.include"), "*") {
					delete(f, "conditions.scopes.include")
				}
			}
			return f, nil
		},
	}
	if clients := r.policy.texts("conditions.clients.include"); r.AuthorizationServer.Policy != "" && len(clients) > 1 {
		r.note("The rule goes into the policy %q, which covers other applications too: they may sign in by it as well.", r.AuthorizationServer.Policy)
	}
	_, err := r.ensure(ctx, p)
	return err
}

// fits tells whether a rule lets our sign-in through as it is.
func (r *run) fits(rule object) bool {
	scopes := rule.texts("conditions.scopes.include")
	people := rule.texts("conditions.people.groups.include")
	covered := slices.Contains(scopes, "*") || !slices.ContainsFunc(r.scopes(), func(s string) bool { return !slices.Contains(scopes, s) })
	admitted := slices.Contains(people, "EVERYONE") || r.group != nil && slices.Contains(people, r.group.id())
	return rule.text("status") == "ACTIVE" && covered && admitted && slices.Contains(rule.texts("conditions.grantTypes.include"), "authorization_code")
}
