package doctor_test

import (
	"net/http"

	"github.com/portico-iam/portico/internal/config"
)

func withoutScopes(b *bed) {
	b.put(b.rulePath(), "conditions.scopes.include", []string{"openid", "profile"})
	b.config().okta("")
}

func excluded(b *bed) {
	b.put(b.rulePath(), "conditions.people.users", object{"include": []string{}, "exclude": []string{b.read("/api/v1/users/vera@acme.test").id()}})
	b.config().okta("")
	b.in.Login = "vera@acme.test"
}

// otherAddress is a Portico whose configuration has another address than the setup file, by which Okta was set up.
func otherAddress(change func(*config.Config)) func(*bed) {
	return func(b *bed) { b.config(change).okta("") }
}

// page is one of Portico's own that somebody saw, and why.
func page(text string, why func(*bed)) func(*bed) {
	return func(b *bed) {
		why(b)
		b.config().okta("")
		b.in.Error = text
	}
}

// secondFaults are what a second newcomer met.
var secondFaults = []injected{
	{row: 7, want: "redirect-uri", set: "server.publicUrl: " + publicURL, name: "the public address is another than in the setup file", inject: otherAddress(func(c *config.Config) { c.Server.PublicURL = "http://127.0.0.1:9998" })},
	{row: 7, want: "redirect-uri", set: "gateway.callbackPath: /.apisix/redirect", name: "the callback is another than in the setup file", inject: otherAddress(func(c *config.Config) { c.Gateway.CallbackPath = "/cb" })},
	{row: 7, want: "redirect-uri", set: "Sign-in redirect URIs: add " + callback, name: "the address that both files have is not registered", inject: func(b *bed) {
		b.app(redirects, []string{callback + "/"})
		b.config().okta("")
	}},
	{row: 2, want: "rule-misses", set: "Scopes requested: add email, offline_access", name: "a rule that lacks two scopes", inject: withoutScopes},
	{row: 2, want: "rule-misses", set: "Exclude users: take vera@acme.test out", name: "a rule that leaves somebody out by name", inject: excluded},
	{row: 2, want: "rule-misses", set: "Exclude groups: take Acme Audit out", name: "a rule that leaves a group out", inject: func(b *bed) {
		must(b, b.SetUserGroups(ada, "ONE_STS_ADMIN", "Acme Audit"))
		b.put(b.rulePath(), "conditions.people.groups.exclude", []string{groupID(b, "Acme Audit")})
		b.config().okta("")
	}},
	{row: 2, want: "rule-misses", set: "User is: add the group ONE_STS_ADMIN", name: "a rule for another group than the administrators'", inject: func(b *bed) {
		must(b, b.SetUserGroups(ada, "ONE_STS_ADMIN"))
		b.put(b.rulePath(), "conditions.people.groups.include", []string{groupID(b, "Acme Audit")})
		b.config().okta("")
	}},
	{row: 2, want: "rule-misses", set: "Grant type: add Authorization Code", name: "a rule for machines", inject: func(b *bed) {
		b.put(b.rulePath(), "conditions.grantTypes.include", []string{"client_credentials"})
		b.config().okta("")
	}},
	{row: 4, want: "not-assigned", name: "our page, and somebody who is not assigned", inject: page("You may not sign in here", func(b *bed) { must(b, b.SetUserAssigned(ada, false)) })},
	{row: 1, want: "policy-missing", name: "our page, and no policy", inject: page("You may not sign in here", func(b *bed) { b.call(http.MethodDelete, b.policyPath(), nil) })},
	{row: 24, want: "not-admin", name: "our page, and no administrator", inject: page("None of the groups of your sign-in is mapped to a role yet.", func(b *bed) {
		must(b, b.SetUserGroups(ada, "Acme Audit"))
		must(b, b.SetUserGroups("otto@acme.test", "ONE_STS_ADMIN"))
	})},
	{row: 21, want: "claim-missing", name: "our page, and no claim", inject: page("Your sign-in carries no groups at “roles”.", func(b *bed) { b.call(http.MethodDelete, rolesPath(b), nil) })},
	{row: 21, want: "claim-missing", name: "our page, and no claim of the application", profile: "unlicensed", inject: with(ofApp(object{"valueType": "NONE"}), says(`Neither the ID token nor userinfo has a claim at "groups".`))},
	{row: 34, want: "secret", name: "our page, and a wrong secret", inject: page("The sign-in was refused", func(b *bed) { b.cfg.IAM.ClientSecret = "wrong-wrong-wrong" })},
	{row: 11, want: "audience", name: "our page, and another audience", inject: page("You signed in, but the sign-in can't be used here", func(b *bed) { b.cfg.STS.IAM.TokenValidation.Aud = "api://other" })},
	{row: 18, want: "issuer-not-found", name: "our page, and a wrong issuer", inject: page("The sign-in page can't be reached", func(b *bed) { b.cfg.IAM.Issuer = b.url + "/oauth2/nonsense" })},
	{row: 27, want: "claim-broken", name: "our page, and a broken claim", inject: page("The sign-in is not available", func(b *bed) {
		b.claim("valueType", "EXPRESSION", "value", `Groups.startsWith("OKTA","ONE_",500)`, "group_filter_type", nil)
	})},
	{row: 21, want: "claim-missing", set: "sts.iam.rolePath: roles, as Okta makes no claim groups", name: "no claim, and a name that Okta keeps for itself", inject: func(b *bed) {
		b.call(http.MethodDelete, rolesPath(b), nil)
		b.config(func(c *config.Config) { c.STS.IAM.RolePath = "groups" }).okta("")
	}},
}
