package doctor_test

import (
	"net/http"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/gateway"
)

// byGroup has the application assigned to the bootstrap group alone, as okta apply leaves it, with Otto in it.
func byGroup(b *bed) {
	for _, u := range b.World().Users {
		must(b, b.SetUserAssigned(u.Login, false))
	}
	b.call(http.MethodPut, "/api/v1/apps/"+b.World().WebClient.ID+"/groups/"+groupID(b, "ONE_STS_ADMIN"), object{})
	must(b, b.SetUserGroups("otto@acme.test", "ONE_STS_ADMIN"))
	must(b, b.SetUserGroups(ada, "Acme Audit"))
	b.config().okta("")
}

func ruleForAdmins(b *bed) {
	b.put(b.rulePath(), "conditions.people.groups.include", []string{groupID(b, "ONE_STS_ADMIN")})
}

func adminRole(role string) func(*bed) {
	return func(b *bed) {
		b.config(func(c *config.Config) { c.STS.IAM.AdminRole = role }).okta("")
	}
}

func groupCalled(name string) func(*bed) {
	return func(b *bed) { b.put(adminGroup(b), "profile.name", name); b.config().okta("") }
}

// fileIn gives our own file of a gateway to a Portico in another mode.
func fileIn(mode string, file func(*bed)) func(*bed) {
	return with(file, func(b *bed) { b.in.Config.Gateway.Mode = mode })
}

var (
	ourAPISIXFile = changed(config.ModeAPISIX, gateway.FormatYAML, "use_pkce: true", "use_pkce: true")
	ourProxyFile  = changed(config.ModeOAuth2Proxy, gateway.FormatCfg, "pass_access_token = true", "pass_access_token = true")
	ourAlphaFile  = changed(config.ModeOAuth2Proxy, gateway.FormatAlpha, "claim: access_token", "claim: access_token")
)

const (
	intoTheGroup = "Put ada@acme.test into the group ONE_STS_ADMIN."
	pageWithLink = "400 Bad Request. The 'redirect_uri' parameter must be a Login redirect URI in the client app settings: https://dev-1-admin.okta.com/admin/app/oidc_client/instance/0oa1/#tab-general"
)

// newcomerFaults are what somebody met who set Portico up by the documents alone: the cause goes before what it leads to,
// and the side is changed that is wrong.
var newcomerFaults = []injected{
	{row: 24, want: "not-admin", set: intoTheGroup, name: "the administrator not in the group that is assigned", inject: byGroup},
	{row: 24, want: "not-admin", set: intoTheGroup, name: "the same, with Okta's error", inject: with(byGroup, says("User is not assigned to the client application."))},
	{row: 24, want: "not-admin", set: intoTheGroup, name: "the same, and the rule is for the group", inject: with(byGroup, ruleForAdmins)},
	{row: 24, want: "not-admin", set: intoTheGroup, name: "the same, with the policy's error", inject: with(byGroup, func(b *bed) {
		ruleForAdmins(b)
		must(b, b.SetUserAssigned(ada, true))
		b.in.Error = "access_denied: Policy evaluation failed for this request"
	})},
	{row: 24, want: "admin-empty", name: "nobody in the group that is assigned", inject: with(byGroup, func(b *bed) { must(b, b.SetUserGroups("otto@acme.test")) })},
	{row: 24, want: "admin-empty", name: "the same, with Okta's error", inject: with(byGroup, func(b *bed) { must(b, b.SetUserGroups("otto@acme.test")) }, says("User is not assigned to the client application."))},
	{row: 24, want: "admin-missing", name: "the group that was assigned deleted", inject: with(byGroup, func(b *bed) { b.call(http.MethodDelete, adminGroup(b), nil) })},
	{row: 4, want: "not-assigned", set: "Assign the group ONE_STS_ADMIN", name: "the administrator not in the group, and the group not assigned", inject: with(byGroup, func(b *bed) {
		b.call(http.MethodDelete, "/api/v1/apps/"+b.World().WebClient.ID+"/groups/"+groupID(b, "ONE_STS_ADMIN"), nil)
	})},
	{row: 4, want: "not-assigned", set: "Assign the group ONE_STS_ADMIN", name: "the administrator in the group, and the group not assigned", inject: with(byGroup, func(b *bed) {
		must(b, b.SetUserGroups(ada, "ONE_STS_ADMIN"))
		b.call(http.MethodDelete, "/api/v1/apps/"+b.World().WebClient.ID+"/groups/"+groupID(b, "ONE_STS_ADMIN"), nil)
	})},
	{row: 4, want: "not-assigned", set: "Put them into a group that is assigned", name: "somebody else not in the group that is assigned", inject: with(byGroup, func(b *bed) { b.in.Login = "vera@acme.test" })},
	{row: 2, want: "rule-misses", name: "the administrator not in the group, and a rule without the grant", inject: with(byGroup, func(b *bed) {
		b.put(b.rulePath(), "conditions.grantTypes.include", []string{"implicit"})
	})},

	{row: 0, want: "config-invalid", set: "sts.iam.adminRole: ONE_STS_ADMIN", name: "our bootstrap role with a blank behind it", inject: adminRole("ONE_STS_ADMIN ")},
	{row: 0, want: "config-invalid", set: "sts.iam.adminRole: ONE_STS_ADMIN", name: "the same without read access", inject: func(b *bed) {
		b.config(func(c *config.Config) { c.STS.IAM.AdminRole = " ONE_STS_ADMIN" })
	}},
	{row: 0, want: "config-invalid", set: "sts.iam.adminRole: ONE_STS_ADMIN", name: "our bootstrap role and the group with a blank", inject: with(groupCalled("ONE_STS_ADMIN "), adminRole("ONE_STS_ADMIN "))},
	{row: 24, want: "admin-name", set: "The group's name: exactly ONE_STS_ADMIN", near: "punctuation", name: "the group with a blank within", inject: groupCalled("ONE_STS ADMIN")},
	{row: 24, want: "admin-name", set: "sts.iam.adminRole: ONE_STS_ADMIN", near: "case", name: "our bootstrap role in small letters", inject: adminRole("one_sts_admin")},
	{row: 24, want: "admin-name", set: "sts.iam.adminRole: ONE_STS_ADMIN", near: "punctuation", name: "our bootstrap role with hyphens", inject: adminRole("ONE-STS-ADMIN")},
	{row: 24, want: "admin-name", set: "The group's name: exactly ONE_STS_ADMIN", near: "blank", name: "a group with a blank, by a token", inject: func(b *bed) {
		groupCalled("ONE_STS_ADMIN ")(b)
		b.in.Setup = nil
		b.in.Token = b.signIn(ada)
	}},

	{row: 0, want: "gateway-mode", set: "gateway.mode: apisix", name: "APISIX's file, and builtin", inject: fileIn(config.ModeBuiltin, ourAPISIXFile)},
	{row: 0, want: "gateway-mode", set: "gateway.mode: apisix", name: "the same, offline", inject: with(fileIn(config.ModeBuiltin, ourAPISIXFile), offline)},
	{row: 0, want: "gateway-mode", set: "gateway.mode: apisix", name: "the same, with read access", inject: with(fileIn(config.ModeBuiltin, ourAPISIXFile), func(b *bed) { b.okta("") })},
	{row: 0, want: "gateway-mode", set: "gateway.mode: apisix", name: "APISIX's file, and oauth2-proxy", inject: fileIn(config.ModeOAuth2Proxy, ourAPISIXFile)},
	{row: 0, want: "gateway-mode", set: "gateway.mode: apisix", name: "APISIX's file, and bearer", inject: fileIn(config.ModeBearer, ourAPISIXFile)},
	{row: 0, want: "gateway-mode", set: "gateway.mode: oauth2-proxy", name: "OAuth2-Proxy's file, and builtin", inject: fileIn(config.ModeBuiltin, ourProxyFile)},
	{row: 0, want: "gateway-mode", set: "gateway.mode: oauth2-proxy", name: "OAuth2-Proxy's file, and bearer", inject: fileIn(config.ModeBearer, ourProxyFile)},
	{row: 0, want: "gateway-mode", set: "gateway.mode: oauth2-proxy", name: "OAuth2-Proxy's alpha file, and apisix", inject: fileIn(config.ModeAPISIX, ourAlphaFile)},
	{row: 0, want: "gateway-mode", set: "gateway.mode: bearer", name: "Apache's file, and builtin", inject: with(inMode(config.ModeBuiltin), file(apacheFile))},
	{row: 0, want: "gateway-mode", set: "gateway.mode: bearer", name: "Apache's file, and apisix", inject: with(inMode(config.ModeAPISIX), file(apacheFile))},
	{row: 33, want: "pkce", name: "APISIX without PKCE, and builtin", inject: fileIn(config.ModeBuiltin, apisixFile("use_pkce: true", "use_pkce: false"))},

	{row: 7, want: "told-redirect", name: "Okta's page with its link", inject: says(pageWithLink)},
	{row: 7, want: "redirect-uri", name: "Okta's page with its link, and the setting", inject: func(b *bed) {
		b.app(redirects, []string{callback + "/"})
		b.config().okta("")
		b.in.Error = pageWithLink
	}},
	{row: 7, want: "redirect-uri", set: "add https://other.test/cb", name: "Okta's page and its address, of another client", inject: func(b *bed) {
		b.config().okta("")
		b.in.Error = pageWithLink + "\n" + b.url + "/oauth2/default/v1/authorize?client_id=x&redirect_uri=https%3A%2F%2Fother.test%2Fcb"
	}},
}
