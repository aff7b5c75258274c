package doctor_test

import (
	"fmt"
	"net/http"

	"github.com/portico-iam/portico/internal/config"
)

// policyFaults are seen with read access to access policies and assignments.
var policyFaults = []injected{
	{row: 1, want: "policy-missing", name: "no policy at all, as in a new organisation", inject: func(b *bed) {
		for _, name := range []string{"Procivis One", "Acme CLI", "Acme services"} {
			b.call(http.MethodDelete, servers+"/policies/"+b.find(servers+"/policies", name).id(), nil)
		}
		b.config().okta("")
	}},
	{row: 1, want: "policy-missing", name: "client in no policy", inject: func(b *bed) {
		b.put(b.policyPath(), "conditions.clients.include", []string{"acme-cli"})
		b.config().okta("")
	}},
	{row: 1, want: "policy-missing", name: "client in no policy, with the error", inject: func(b *bed) {
		b.put(b.policyPath(), "conditions.clients.include", []string{"acme-cli"})
		b.config().okta("")
		b.in.Error = callback + "?state=s&error=access_denied&error_description=Policy+evaluation+failed+for+this+request%2C+please+check+the+policy+configurations."
	}},
	{row: 20, want: "policy-inactive", name: "policy inactive", inject: func(b *bed) { deactivate(b, b.policyPath()); b.config().okta("") }},
	{row: 2, want: "rule-misses", name: "rule lacks the code grant", inject: func(b *bed) {
		b.put(b.rulePath(), "conditions.grantTypes.include", []string{"implicit"})
		b.config().okta("")
	}},
	{row: 2, want: "rule-misses", name: "rule lacks offline_access", inject: func(b *bed) {
		b.put(b.rulePath(), "conditions.scopes.include", []string{"openid", "profile", "email"})
		b.config().okta("")
		b.in.Error = "access_denied: Policy evaluation failed for this request, please check the policy configurations."
	}},
	{row: 2, want: "rule-misses", name: "rule for another group", inject: func(b *bed) {
		b.put(b.rulePath(), "conditions.people.groups.include", []string{b.find("/api/v1/groups", "Acme Audit").id()})
		b.config().okta("")
	}},
	{row: 2, want: "rule-misses", name: "person excluded from the rule", inject: func(b *bed) {
		b.put(b.rulePath(), "conditions.people.users", object{"include": []string{}, "exclude": []string{b.read("/api/v1/users/" + ada).id()}})
		b.config().okta("")
	}},
	{row: 2, want: "rule-misses", name: "rule inactive", inject: func(b *bed) { deactivate(b, b.rulePath()); b.config().okta("") }},
	{row: 2, want: "rule-misses", name: "policy without a rule", inject: func(b *bed) { b.call(http.MethodDelete, b.rulePath(), nil); b.config().okta("") }},
	{row: 3, want: "policy-order", name: "a policy for everybody goes first", inject: func(b *bed) { everybody(b, "Everybody", 1); b.config().okta("") }},
	{row: 3, want: "policy-order", name: "a rule for everybody goes first", inject: func(b *bed) {
		b.post(b.policyPath()+"/rules", ruleBody("Short", "authorization_code", "*", 1))
		b.config().okta("")
	}},
	{row: 4, want: "not-assigned", name: "nobody assigned, and nobody asked about", inject: func(b *bed) {
		for _, u := range b.World().Users {
			must(b, b.SetUserAssigned(u.Login, false))
		}
		b.config().okta("", "authorizationServer: {id: default}")
	}},
	{row: 4, want: "not-assigned", name: "person not assigned", inject: func(b *bed) { must(b, b.SetUserAssigned(ada, false)); b.config().okta("") }},
	{row: 4, want: "not-assigned", name: "person not assigned, with the new wording", inject: func(b *bed) {
		must(b, b.SetUserAssigned(ada, false))
		b.config().okta("")
		b.in.Error = "access_denied User isn’t assigned to the client app."
	}},
	{row: 4, want: "user-inactive", name: "person deactivated", inject: func(b *bed) {
		must(b, b.SetUserActive("vera@acme.test", false))
		b.config().okta("")
		b.in.Login = "vera@acme.test"
	}},
	{row: 4, want: "user-inactive", name: "nobody of that login", inject: func(b *bed) { b.config().okta(""); b.in.Login = "adda@acme.test" }},
	{row: 20, want: "server-inactive", name: "server inactive", inject: func(b *bed) { deactivate(b, servers); b.config().okta("") }},
	{row: 18, want: "issuer-not-found", name: "server inactive, without credentials", inject: func(b *bed) { deactivate(b, servers); b.config() }},
	{row: 1, want: "policy-missing", name: "a new free organisation with our application", profile: "fresh-free", inject: func(b *bed) {
		app := b.post("/api/v1/apps", object{
			"name": "oidc_client", "label": "Procivis One", "signOnMode": "OPENID_CONNECT", "credentials": object{"oauthClient": object{"token_endpoint_auth_method": "client_secret_basic"}},
			"settings": object{"oauthClient": object{
				"application_type": "web", "grant_types": []string{"authorization_code", "refresh_token"}, "response_types": []string{"code"},
				"redirect_uris": []string{callback}, "post_logout_redirect_uris": []string{publicURL + "/"},
			}},
		})
		id, secret := fmt.Sprint(app.at("credentials.oauthClient.client_id")), fmt.Sprint(app.at("credentials.oauthClient.client_secret"))
		b.config(func(c *config.Config) { c.IAM.ClientID, c.IAM.ClientSecret = id, config.Secret(secret) })
		b.okta("", "authorizationServer: {id: default}")
		b.in.Error = "no_matching_policy"
	}},
}

func must(b *bed, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
