package doctor_test

import (
	"fmt"
	"net/http"

	"github.com/portico-iam/portico/internal/config"
)

func rolesPath(b *bed) string { return servers + "/claims/" + b.find(servers+"/claims", "roles").id() }

func adminGroup(b *bed) string {
	return "/api/v1/groups/" + b.find("/api/v1/groups", "ONE_STS_ADMIN").id()
}

// expression makes the roles claim one.
func expression(value string) func(*bed) {
	return func(b *bed) {
		b.claim("valueType", "EXPRESSION", "value", value, "group_filter_type", nil)
		b.config().okta("")
	}
}

// claimFaults are of the roles claim and the bootstrap group, seen with read access or in a token.
var claimFaults = []injected{
	{row: 21, want: "claim-missing", name: "no roles claim", inject: func(b *bed) { b.call(http.MethodDelete, rolesPath(b), nil); b.config().okta("") }},
	{row: 21, want: "claim-missing", name: "no roles claim, by a token", inject: func(b *bed) {
		b.call(http.MethodDelete, rolesPath(b), nil)
		b.config()
		b.in.Token = b.signIn(ada)
	}},
	{row: 21, want: "claim-identity", name: "roles claim in ID tokens only", near: "ID Token", inject: func(b *bed) { b.claim("claimType", "IDENTITY"); b.config().okta("") }},
	{row: 21, want: "claim-identity", name: "roles claim in ID tokens only, with a token", inject: func(b *bed) {
		b.claim("claimType", "IDENTITY")
		b.config().okta("")
		b.in.Token = b.signIn(ada)
	}},
	{row: 21, want: "claim-scope", name: "roles claim for a scope that is not asked for", inject: func(b *bed) {
		b.claim("conditions.scopes", []string{"one.api"})
		b.config().okta("")
	}},
	{row: 20, want: "claim-inactive", name: "roles claim inactive", inject: func(b *bed) { b.claim("status", "INACTIVE"); b.config().okta("") }},
	{row: 22, want: "no-roles", name: "person without groups", inject: func(b *bed) {
		b.config().okta("")
		b.in.Token = b.signIn(nora)
	}},
	{row: 23, want: "claim-name", name: "claim named Roles", near: "case", inject: func(b *bed) { b.claim("name", "Roles"); b.config().okta("") }},
	{row: 23, want: "claim-name", name: "claim named teams", inject: func(b *bed) { b.claim("name", "teams"); b.config().okta("") }},
	{row: 23, want: "claim-name", name: "claim named Roles, by a token", near: "case", inject: func(b *bed) {
		b.claim("name", "Roles")
		b.config()
		b.in.Token = b.signIn(ada)
	}},
	{row: 23, want: "claim-name", name: "a namespaced claim, by a token offline", inject: func(b *bed) {
		b.claim("name", "https://acme.test/roles")
		b.config()
		b.in.Token, b.in.Offline = b.signIn(ada), true
	}},
	{row: 23, want: "claim-name", name: "rolePath that takes a name for steps", inject: func(b *bed) {
		b.claim("name", "acme.roles")
		b.config(func(c *config.Config) { c.STS.IAM.RolePath = "acme.roles" })
		b.in.Token = b.signIn(ada)
	}},
	{row: 24, want: "admin-missing", name: "no bootstrap group", inject: func(b *bed) { b.call(http.MethodDelete, adminGroup(b), nil); b.config().okta("") }},
	{row: 24, want: "admin-name", name: "bootstrap group in small letters", near: "case", inject: func(b *bed) { b.put(adminGroup(b), "profile.name", "one_sts_admin"); b.config().okta("") }},
	{row: 24, want: "admin-name", name: "bootstrap group with a blank behind it", near: "blank", inject: func(b *bed) { b.put(adminGroup(b), "profile.name", "ONE_STS_ADMIN "); b.config().okta("") }},
	{row: 24, want: "admin-name", name: "bootstrap group with hyphens", near: "punctuation", inject: func(b *bed) { b.put(adminGroup(b), "profile.name", "ONE-STS-ADMIN"); b.config().okta("") }},
	{row: 24, want: "admin-name", name: "bootstrap role in small letters in a token", near: "case", inject: func(b *bed) {
		b.put(adminGroup(b), "profile.name", "ONE_sts_admin")
		b.config()
		b.in.Token = b.signIn(ada)
	}},
	{row: 24, want: "admin-empty", name: "nobody in the bootstrap group", inject: func(b *bed) { must(b, b.SetUserGroups(ada)); b.config().okta("") }},
	{row: 24, want: "not-admin", name: "another person, asked about", inject: func(b *bed) {
		b.config().okta("")
		b.in.Login, b.in.Error = "vera@acme.test", "ONE_STS_ADMIN is missing from the roles"
	}},
	{row: 27, want: "claim-broken", name: "an attribute that does not exist, after a sign-in failed of it", inject: func(b *bed) {
		expression(`user.favouriteColour`)(b)
		b.tryToSignIn(ada)
	}},
	{row: 24, want: "not-admin", name: "the named person not in the bootstrap group", inject: func(b *bed) {
		must(b, b.SetUserGroups("otto@acme.test", "ONE_STS_ADMIN"))
		must(b, b.SetUserGroups(ada, "Acme Audit"))
		b.config().okta("")
	}},
	{row: 24, want: "admin-filter", name: "filter starts with something else", inject: func(b *bed) {
		b.claim("group_filter_type", "STARTS_WITH", "value", "Procivis_")
		b.config().okta("")
	}},
	{row: 24, want: "admin-filter", name: "filter equals another group", inject: func(b *bed) {
		b.claim("group_filter_type", "EQUALS", "value", "Acme Audit")
		b.config().okta("")
	}},
	{row: 24, want: "admin-filter", name: "filter in small letters", near: "case", inject: func(b *bed) {
		b.claim("group_filter_type", "STARTS_WITH", "value", "one_")
		b.config().okta("")
	}},
	{row: 25, want: "directory-groups", name: "bootstrap group of a directory", inject: func(b *bed) {
		b.call(http.MethodDelete, adminGroup(b), nil)
		must(b, b.AddDirectoryGroup("ONE_STS_ADMIN", "active_directory", ada))
		b.config().okta("")
	}},
	{row: 25, want: "directory-groups", name: "groups of a directory", inject: func(b *bed) {
		must(b, b.AddDirectoryGroup("ONE_ISSUERS", "active_directory", ada))
		b.config().okta("")
	}},
	{row: 26, want: "too-many-groups", name: "101 groups", inject: func(b *bed) {
		groups := []string{"ONE_STS_ADMIN"}
		for i := range 101 {
			groups = append(groups, fmt.Sprintf("ONE_%d", i))
		}
		must(b, b.SetUserGroups(ada, groups...))
		b.config().okta("")
	}},
	{row: 27, want: "claim-broken", name: "a limit of 500", inject: expression(`Groups.startsWith("OKTA","ONE_",500) ?: {}`)},
	{row: 27, want: "claim-broken", name: "flatten without a guard", inject: expression(`Arrays.flatten(Groups.startsWith("OKTA","ONE_",100), Groups.startsWith("active_directory","ONE_",100))`)},
	{row: 27, want: "claim-broken", name: "a bracket too few", inject: expression(`Groups.startsWith("OKTA","ONE_",100`)},
	{row: 28, want: "claim-string", name: "an expression that gives a text", inject: expression(`user.department`)},
	{row: 28, want: "claim-string", name: "a text in a token", inject: func(b *bed) {
		b.claim("valueType", "EXPRESSION", "value", "user.email", "group_filter_type", nil)
		b.config()
		b.in.Token = b.signIn(ada)
	}},
}
