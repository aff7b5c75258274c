package doctor_test

import (
	"net/http"

	"github.com/portico-iam/portico/internal/config"
)

const orgScopes = "openid profile email groups offline_access"

// atOrg is Portico at the organisation's own server, where roles come from the ID token, and groups for their scope.
func atOrg(change ...func(*config.Config)) func(*bed) {
	return func(b *bed) {
		b.config(append([]func(*config.Config){func(c *config.Config) {
			c.IAM.TokenSource, c.IAM.Issuer, c.STS.IAM.TokenValidation.Aud, c.STS.IAM.RolePath = config.SourceIDToken, b.url, "", "groups"
			c.IAM.Scopes = []string{"openid", "profile", "email", "groups", "offline_access"}
		}}, change...)...)
	}
}

// byIDToken is Portico at a custom server whose roles claim is in ID tokens.
func byIDToken(b *bed) {
	b.claim("claimType", "IDENTITY", "alwaysIncludeInToken", true)
	idMode(b)
}

func idMode(b *bed) {
	b.config(func(c *config.Config) { c.IAM.TokenSource, c.STS.IAM.TokenValidation.Aud = config.SourceIDToken, "" })
}

func answer(b *bed)  { b.in.Token = b.signIn(ada) }
func idToken(b *bed) { b.in.Token = part(b.signIn(ada), "id_token") }

// tampered is an ID token with other claims.
func tampered(name string, value any) func(*bed) {
	return func(b *bed) {
		b.in.Token, b.in.Offline = forge(object{"alg": "RS256", "kid": "k"}, claimsWith(b, part(b.signIn(ada), "id_token"), name, value)), true
	}
}

const appClaim = "/settings/oauth/idToken"

// ofApp is an organisation without API Access Management, after a change of the application's groups claim.
func ofApp(claim object, lines ...string) func(*bed) {
	return func(b *bed) {
		b.call(http.MethodPost, "/api/v1/internal/apps/"+b.World().WebClient.ID+appClaim, claim)
		atOrg()(b)
		b.okta("", append(lines, "authorizationServer: {id: org}", "bootstrap: {people: ["+ada+"]}")...)
	}
}

func appGroups(name, filter, value string) object {
	return object{"valueType": "GROUPS", "groupFilterType": filter, "name": name, "value": value}
}

// idTokenFaults are of Portico where roles come from the ID token.
var idTokenFaults = []injected{
	{row: 11, want: "audience", name: "id_token: the API's audience in the configuration", inject: atOrg(func(c *config.Config) { c.STS.IAM.TokenValidation.Aud = "api://procivis-one" }), profile: "unlicensed"},
	{row: 11, want: "audience", name: "id_token: an ID token for another client", inject: with(byIDToken, tampered("aud", "0oaSomebodyElse00000"))},
	{row: 11, want: "audience", name: "id_token: the client id with a letter's case changed", near: "case", inject: func(b *bed) {
		byIDToken(b)
		b.in.Config.IAM.ClientID = swapCase(b.in.Config.IAM.ClientID)
		tampered("x", "y")(b)
	}},
	{row: 17, want: "token-issuer", name: "id_token: an ID token of another server", inject: with(byIDToken, tampered("iss", "https://dev-1.okta.com/oauth2/other"))},
	{row: 17, want: "token-issuer", name: "id_token: an ID token of the custom domain", near: "host", inject: with(byIDToken, tampered("iss", "http://login.acme.test/oauth2/default"))},
	{row: 21, want: "claim-scope", name: "id_token: groups not asked for at the organisation's server", profile: "unlicensed", inject: atOrg(func(c *config.Config) { c.IAM.Scopes = []string{"openid", "profile", "offline_access"} })},
	{row: 21, want: "claim-scope", name: "id_token: the same, offline, of a real organisation", profile: "unlicensed", inject: with(atOrg(func(c *config.Config) {
		c.IAM.Issuer, c.Server.PublicURL = "https://dev-1.okta.com", "https://desk.example.com"
		c.IAM.Scopes = []string{"openid", "profile", "offline_access"}
	}), offline)},
	{row: 21, want: "claim-identity", name: "id_token: the roles claim is in access tokens only", near: "Access Token", inject: with(idMode, func(b *bed) { b.okta("") })},
	{row: 21, want: "claim-missing", name: "id_token: no roles claim", inject: func(b *bed) {
		b.call(http.MethodDelete, rolesPath(b), nil)
		idMode(b)
		b.okta("")
	}},
	{row: 20, want: "claim-inactive", name: "id_token: the roles claim is inactive", inject: with(byIDToken, func(b *bed) { b.claim("status", "INACTIVE"); b.okta("") })},
	{row: 23, want: "claim-name", name: "id_token: the ID token's claim is called groups", inject: func(b *bed) {
		b.claim("name", "groups", "claimType", "IDENTITY", "alwaysIncludeInToken", true)
		idMode(b)
		idToken(b)
	}},
	{row: 24, want: "admin-name", name: "id_token: the bootstrap role in small letters in the ID token", near: "case", inject: func(b *bed) {
		b.put(adminGroup(b), "profile.name", "ONE_sts_admin")
		byIDToken(b)
		answer(b)
	}},
	{row: 24, want: "admin-filter", name: "id_token: a filter that leaves the bootstrap role out", inject: func(b *bed) {
		b.claim("group_filter_type", "STARTS_WITH", "value", "Acme")
		byIDToken(b)
		b.okta("")
	}},
	{row: 12, want: "token-source", set: "iam.tokenSource: id_token", name: "id_token: iam.tokenSource is missing, and no setup file", profile: "unlicensed", inject: func(b *bed) {
		atOrg(func(c *config.Config) {
			c.IAM.TokenSource, c.STS.IAM.TokenValidation.Aud = config.SourceAccessToken, c.IAM.ClientID
		})(b)
	}},
	{row: 12, want: "token-source", set: "iam.tokenSource: id_token", name: "id_token: iam.tokenSource is missing", profile: "unlicensed", inject: func(b *bed) {
		atOrg(func(c *config.Config) {
			c.IAM.TokenSource, c.STS.IAM.TokenValidation.Aud = config.SourceAccessToken, c.IAM.ClientID
		})(b)
		b.okta("", "authorizationServer: {id: org}", "bootstrap: {people: ["+ada+"]}")
	}},
	{row: 21, want: "claim-missing", set: "Groups claim filter: groups, Matches regex .*", name: "app claim: not set", profile: "unlicensed", inject: ofApp(object{"valueType": "NONE"})},
	{row: 21, want: "claim-missing", set: "Groups claim filter: groups, Starts with ONE_", name: "app claim: not set, and a filter in the setup file", profile: "unlicensed", inject: ofApp(object{"valueType": "NONE"}, "claim: {startsWith: ONE_}")},
	{row: 21, want: "claim-missing", name: "app claim: not set, without a configuration", profile: "unlicensed", inject: with(ofApp(object{"valueType": "NONE"}), func(b *bed) { b.in.Config = nil })},
	{row: 24, want: "admin-filter", set: "Groups claim filter: groups, Matches regex .*", name: "app claim: its filter leaves the bootstrap role out", profile: "unlicensed", inject: ofApp(appGroups("groups", "STARTS_WITH", "Acme"))},
	{row: 24, want: "admin-filter", near: "case", name: "app claim: its filter is in small letters", profile: "unlicensed", inject: ofApp(appGroups("groups", "STARTS_WITH", "one_"))},
	{row: 23, want: "claim-name", set: "sts.iam.rolePath: grp", name: "app claim: renamed", profile: "unlicensed", inject: ofApp(appGroups("grp", "REGEX", ".*"))},
	{row: 23, want: "claim-name", set: "Groups claim filter: groups, Matches regex .*", name: "app claim: renamed, and both files agree", profile: "unlicensed", inject: ofApp(appGroups("grp", "REGEX", ".*"), "claim: {name: groups}")},
	{row: 28, want: "claim-string", name: "app claim: an expression that is one text", profile: "unlicensed", inject: ofApp(object{"valueType": "EXPRESSION", "name": "groups", "value": "user.department"})},
	{row: 0, want: "token-refused", name: "id_token: an access token", inject: with(byIDToken, func(b *bed) { b.in.Token = part(b.signIn(ada), "access_token") })},
	{row: 0, want: "token-refused", name: "id_token: the organisation's access token", profile: "unlicensed", inject: with(atOrg(), func(b *bed) {
		b.in.Token = part(b.signInAt(b.url, ada, orgScopes), "access_token")
	})},
	{row: 45, want: "token-time", name: "id_token: an ID token that has expired", inject: with(byIDToken, tampered("exp", 1_600_000_000))},
	{row: 0, want: "config-invalid", name: "id_token: behind another gateway", inject: atOrg(func(c *config.Config) { c.Gateway.Mode = config.ModeAPISIX }), profile: "unlicensed"},
	{row: 34, want: "secret", name: "id_token: a wrong secret", inject: with(atOrg(func(c *config.Config) { c.IAM.ClientSecret = "wrong-wrong-wrong" })), profile: "unlicensed"},
	{row: 7, want: "redirect-uri", name: "id_token: a redirect URI that is not registered", inject: with(atOrg(func(c *config.Config) { c.Gateway.CallbackPath = "/cb" })), profile: "unlicensed"},
}
