package doctor_test

import (
	"net/http"

	"github.com/portico-iam/portico/internal/config"
)

// told is an error text and nothing else.
func told(row int, want, name, text string) injected {
	return injected{row: row, want: want, name: "told: " + name, inject: says(text)}
}

// toldFaults are all that is known in a support case: the rows that nothing else shows are among them.
var toldFaults = []injected{
	{row: 17, want: "told-issuer", name: "told: a slash", near: "slash", inject: says(`oidc: issuer did not match the issuer returned by provider, expected "https://a/oauth2/default/" got "https://a/oauth2/default"`)},
	{row: 11, want: "told-audience", name: "told: a case", near: "case", inject: says("the identity provider's token was refused: expected the audience api://Procivis-One, got api://procivis-one")},
	{row: 13, want: "told-audience-id", name: "told: a client's audience", near: "swapped", inject: says(`oidc: expected audience "api://x" got ["0oau0hvgs0aM3AjZW1d7"]`)},
	told(1, "told-policy", "old wording", `{"error":"access_denied","error_description":"Policy evaluation failed for this request, please check the policy configurations."}`),
	told(1, "told-policy", "the log's reason", `outcome.reason eq "no_matching_policy"`),
	told(2, "told-scope-denied", "scopes denied", "access_denied Some of the requested scopes were denied by the policy. Denied scopes: [offline_access]."),
	told(3, "told-lifetime", "another lifetime", "the access token has another lifetime than the rule says"),
	told(4, "told-assigned", "old wording", "error=access_denied&error_description=User+is+not+assigned+to+the+client+application."),
	told(4, "told-assigned", "new wording", "User isn't assigned to the client app."),
	told(5, "told-scope-groups", "an address with groups", "https://o.okta.com/oauth2/default/v1/authorize?scope=openid+groups&error=invalid_scope&error_description=One+or+more+scopes+are+not+configured+for+the+authorization+server+resource."),
	told(6, "told-scope", "a scope", "invalid_scope: One or more scopes are not configured for the authorization server resource."),
	told(6, "told-scope", "the code alone", "https://d/cb?state=s&error=invalid_scope"),
	told(11, "told-audience", "OAuth2-Proxy's verifier", `could not verify id_token: failed to verify token: oidc: expected audience "0oa1" got ["api://default"]`),
	told(7, "told-redirect", "the page", `<html><body><h1>400</h1><p>Your request resulted in an error. The &#39;redirect_uri&#39; parameter must be a Login redirect URI in the client app settings: https://d/x</p></body></html>`),
	told(8, "told-varies", "words", "Okta refuses /desk/.apisix/redirect on some pages only"),
	told(9, "told-session-lost", "APISIX", "2026/11/25 [error] request to the redirect_uri path but there's no session state found"),
	told(10, "told-logout-uri", "the page", "The 'post_logout_redirect_uri' parameter must be a Logout redirect URI in the client app settings."),
	told(11, "told-audience", "Portico", "the identity provider's token was refused: expected the audience api://procivis-one, got api://default"),
	told(12, "told-audience-org", "audience is the organisation", "expected the audience api://procivis-one, got https://dev-1.okta.com"),
	told(13, "told-audience-id", "audience is a client", "expected the audience api://procivis-one, got 0oau0hvgs0aM3AjZW1d7: it is an ID token; send the access token"),
	told(14, "told-typ-org", "typ of the organisation's server", `signature verification failed, header {"typ":"application/okta-internal-at+jwt"}`),
	told(15, "told-signature", "no key", `the identity provider's token was refused: the issuer publishes no key "abc"`),
	told(16, "told-typ", "strict typ", "invalid token: typ header missing, expected at+jwt"),
	told(17, "told-issuer", "go-oidc", `oidc: issuer did not match the issuer returned by provider, expected "https://a/oauth2/default/" got "https://a/oauth2/default"`),
	told(17, "told-issuer", "id token", "oidc: id token issued by a different provider, expected \"https://a\" got \"https://b\""),
	told(18, "told-not-found", "Okta's 404", `{"errorCode":"E0000007","errorSummary":"Not found: Resource not found: x (AuthorizationServer)"}`),
	told(19, "told-unlicensed", "E0000015", `401 {"errorCode":"E0000015","errorSummary":"You do not have permission to access the feature you are requesting"}`),
	told(20, "told-inactive", "words", "the authorization server is INACTIVE"),
	told(22, "told-some", "words", "for some users the roles claim is not there"),
	told(23, "told-claim-name", "words", "the claim has another name than sts.iam.rolePath"),
	told(25, "told-directory", "words", "Active Directory groups are not in the claim"),
	told(28, "told-string", "Portico", `"roles" is one string, not an array: it counts as one role`),
	told(21, "told-no-roles", "Portico", `the token has no claim at "roles"`),
	told(24, "told-no-admin", "words", "roles has Acme Audit, but ONE_STS_ADMIN is missing"),
	told(26, "told-too-many", "server_error", "server_error: The groups claim matched too many groups and must be configured to match fewer groups."),
	told(27, "told-claim", "server_error", "server_error: The 'roles' user claim could not be evaluated."),
	told(29, "told-names", "words", "in the Desk the user name is missing"),
	told(30, "told-email", "OAuth2-Proxy", `email in id_token (a@b.test) isn't verified`),
	told(31, "told-groups-header", "words", "X-Forwarded-Groups is empty"),
	told(32, "told-bearer", "OAuth2-Proxy", "audience from claim aud with value [api://procivis-one] does not match with any of allowed audiences map[0oa1:{}]"),
	told(33, "told-pkce", "Okta", "invalid_request PKCE code challenge is required by the application."),
	told(34, "told-client", "old wording", "The client secret supplied for a confidential client is invalid."),
	told(34, "told-client", "new wording", "No client credentials found"),
	told(34, "told-client-id", "client id", "invalid_client Invalid value for 'client_id' parameter."),
	told(35, "told-multiple", "both methods", "invalid_request Cannot supply multiple client credentials. Use one of the following: credentials in the Authorization header, credentials in the post body, or a client_assertion in the post body."),
	told(36, "told-grant", "Okta", "unauthorized_client The client is not authorized to use the provided grant type. Configured grant types: [authorization_code]."),
	told(37, "told-refresh-missing", "words", "people are thrown out every hour"),
	told(38, "told-refresh", "Okta", "invalid_grant: The refresh token is invalid or expired."),
	told(39, "told-m2m", "openid", "invalid_scope Cannot request 'openid' scopes using client credentials."),
	told(39, "told-m2m", "no default", "no_default_scopes"),
	told(40, "told-dpop", "Okta", `{"error":"invalid_dpop_proof","error_description":"The DPoP proof JWT header is missing."}`),
	told(41, "told-no-admin-role", "E0000006", `403 {"errorCode":"E0000006","errorSummary":"You do not have permission to perform the requested action"}`),
	told(42, "told-scopes-not-granted", "Okta", "consent_required You are not allowed any of the requested scopes."),
	told(43, "told-api-token", "E0000011", `401 {"errorCode":"E0000011","errorSummary":"Invalid token provided"}`),
	told(44, "told-rate-limit", "E0000047", "API call exceeded rate limit due to too many requests."),
	told(45, "told-clock", "Go", "oidc: token used before issued"),
	told(46, "told-network", "certificate", "Get \"https://o.okta.com\": x509: certificate signed by unknown authority"),
	told(46, "told-network", "timeout", "dial tcp: lookup o.okta.com: i/o timeout"),
	told(47, "told-large", "nginx", "upstream sent too big header while reading response header from upstream"),
	told(48, "told-jwe", "Portico", "it is encrypted (JWE); switch the encryption of access tokens off"),
	told(49, "told-mfa", "Okta", "login: app_sign_on_required The client specified not to prompt, but the client app requires re-authentication or MFA."),
	told(50, "told-argo", "Argo CD", "argocd: Failed to verify token: expected audience argo-cd got api://default"),
	told(51, "told-grafana", "Grafana", "Empty user info JSON response provided"),
	told(52, "told-logout", "words", "after logging out the user is still logged in"),
	told(53, "told-silent", "Okta", "error=login_required&error_description=The+client+specified+not+to+prompt%2C+but+the+user+is+not+logged+in."),
	told(54, "told-priorities", "E0000239", "423 E0000239 Policy priorities are being reconciled. Please try again later."),
	told(55, "told-revoked", "words", "a revoked user still works for an hour"),
}

// combined are two faults at once: the root, or what was asked about, comes first.
var combined = []injected{
	{row: 12, want: "org-issuer", name: "organisation's server, and its token", inject: func(b *bed) {
		b.config(func(c *config.Config) { c.IAM.Issuer = b.url })
		b.in.Token = part(b.signInAt(b.url, ada, "openid"), "access_token")
	}},
	{row: 34, want: "secret", name: "wrong secret, and a redirect URI that is not registered", inject: func(b *bed) {
		b.app(redirects, []string{callback + "/"})
		b.config(func(c *config.Config) { c.IAM.ClientSecret = "wrong-wrong-wrong" })
	}},
	{row: 7, want: "redirect-uri", name: "the same, asked about the redirect URI", inject: func(b *bed) {
		b.app(redirects, []string{callback + "/"})
		b.config(func(c *config.Config) { c.IAM.ClientSecret = "wrong-wrong-wrong" })
		b.in.Error = "illegal_redirect_uri"
	}},
	{row: 4, want: "not-assigned", name: "not assigned, and no roles claim", inject: func(b *bed) {
		must(b, b.SetUserAssigned(ada, false))
		b.call(http.MethodDelete, rolesPath(b), nil)
		b.config().okta("")
	}},
	{row: 21, want: "claim-missing", name: "the same, asked about the roles", inject: func(b *bed) {
		must(b, b.SetUserAssigned(ada, false))
		b.call(http.MethodDelete, rolesPath(b), nil)
		b.config().okta("")
		b.in.Error = `the token has no claim at "roles"`
	}},
	{row: 20, want: "server-inactive", name: "server inactive, and no policy", inject: func(b *bed) {
		b.call(http.MethodDelete, b.policyPath(), nil)
		deactivate(b, servers)
		b.config().okta("")
	}},
	{row: 5, want: "scope-groups", name: "groups asked for, and a rule without it", inject: func(b *bed) {
		b.put(b.rulePath(), "conditions.scopes.include", []string{"openid", "profile", "email", "offline_access"})
		b.config(func(c *config.Config) { c.IAM.Scopes = append(c.IAM.Scopes, "groups") }).okta("")
	}},
	{row: 17, want: "issuer-differs", name: "issuer with a slash, and a token", inject: func(b *bed) {
		b.config(issuer(func(s string) string { return s + "/" }))
		b.in.Token = b.signIn(ada)
	}},
	{row: 13, want: "token-not-passed", name: "OAuth2-Proxy passes the ID token, and one is seen", inject: func(b *bed) {
		proxyFile("pass_access_token = true", "pass_authorization_header = true")(b)
		b.in.Token = part(b.signIn2(publicURL+"/oauth2/callback"), "id_token")
	}},
	{row: 2, want: "rule-misses", name: "rule inactive, and nobody in the bootstrap group", inject: func(b *bed) {
		deactivate(b, b.rulePath())
		must(b, b.SetUserGroups(ada))
		b.config().okta("")
	}},
	{row: 20, want: "app-inactive", name: "application inactive, and a wrong secret", inject: func(b *bed) {
		b.config(func(c *config.Config) { c.IAM.ClientSecret = "wrong-wrong-wrong" }).okta("")
		deactivate(b, "/api/v1/apps/"+b.World().WebClient.ID)
	}},
	{row: 11, want: "audience", name: "audience of another API, and a claim of another name", inject: func(b *bed) {
		b.claim("name", "Roles")
		b.config(func(c *config.Config) { c.STS.IAM.TokenValidation.Aud = "api://default" })
		b.in.Token = b.signIn(ada)
	}},
	{row: 38, want: "told-refresh", name: "refresh tokens used twice, and a filter that leaves the bootstrap role out", inject: func(b *bed) {
		b.claim("group_filter_type", "EQUALS", "value", "Acme Audit")
		b.config().okta("")
		b.in.Error = "invalid_grant The refresh token is invalid or expired."
	}},
	{row: 45, want: "clock", name: "clock ahead, and the token is refused", inject: func(b *bed) {
		b.SetClockSkew(5 * 60e9)
		b.config()
		b.in.Token = b.signIn(ada)
	}},
}
