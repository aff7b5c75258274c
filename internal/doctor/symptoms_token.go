package doctor

var tokenSymptoms = []symptom{
	{
		id: "told-typ-org", row: 14, texts: []string{"okta-internal-at+jwt", "org authorization server & for okta alone"},
		what:    "The access token is of the organisation's own server: only Okta can read those.",
		setting: "Issuer: a custom authorization server, https://<org>/oauth2/default or /oauth2/aus….",

		explains: []string{"told-typ", "told-signature", "told-audience", "told-issuer"},
	},
	{
		id: "told-opaque", row: 14, texts: []string{"expected a jwt in three parts", "token was refused: it is empty"},
		what:    "What was sent is no JWT: a refresh token, a code, a session id, or nothing.",
		setting: "Send the access token: " + passLines,
	},
	{
		id: "told-typ", row: 16, texts: []string{"typ & at+jwt", "typ & missing", "invalid typ", "typ & header", "typ value"},
		what:    "Something insists on the type at+jwt in the token's header: Okta's custom servers send none.",
		setting: "Switch the strict check of typ off. Portico accepts tokens without it.",
	},
	{
		id: "told-jwe", row: 48, console: atSettings, texts: []string{"encrypted (jwe)", "jwe", "five parts", "5 parts"},
		what:    "The authorization server encrypts its access tokens.",
		setting: "Access token encryption: none.",
		call:    "PUT /api/v1/authorizationServers/{id} without accessTokenEncryptedResponseAlgorithm and jwks",
	},
	{
		id: "told-bearer", row: 32, texts: []string{"allowed audiences", "audience from claim", "skip-jwt-bearer-tokens"},
		what:    "OAuth2-Proxy compares a bearer token's audience with its client id; access tokens are for the API.",
		setting: "--oidc-extra-audience=<audience>, or --extra-jwt-issuers=<issuer>=<audience>.",

		explains: []string{"told-audience-id", "told-audience-org", "told-audience"},
	},
	{
		id: "told-argo", row: 50, texts: []string{"failed to verify token: expected audience", "argo & audience", "argo & permission denied", "argo & no rights"},
		what:    "Argo CD: the token's audience or the claim that its roles come from is another than it expects.",
		setting: "argocd-rbac-cm scopes: '[roles]' must name the claim of the ID token; requestedScopes without groups on a custom server.",

		explains: []string{"told-audience"},
	},
	// These two are told-audience with what came instead, see checkTold.
	{
		id: "told-audience-org", row: 12, console: atSettings,
		what:    "The token is for the organisation itself: the gateway uses the organisation's own server, whose tokens are for Okta alone.",
		setting: "Issuer: a custom authorization server, https://<org>/oauth2/default or /oauth2/aus….",
	},
	{
		id: "told-audience-id", row: 13,
		what:    "An ID token was sent where an access token is due: its audience is the client.",
		setting: "Send the access token: APISIX set_access_token_header: true (header X-Access-Token) or access_token_in_authorization_header: true; OAuth2-Proxy --pass-access-token=true (its --pass-authorization-header sends the ID token); Apache RequestHeader set Authorization \"Bearer %{OIDC_access_token}e\".",
	},
	{
		id: "told-audience", row: 11, console: atSettings, texts: []string{
			"expected the audience", "expected audience", "invalid audience", "audience mismatch", "audience & not match", "aud & mismatch", "not intended for", "invalid_audience",
			"jwt audience invalid", "unexpected 'aud'", "unexpected audience", "aud claim", "audience invalid", "expected an id token for the client", "issued to another client",
		},
		what:    "The token is for another audience than the one that is expected.",
		setting: "sts.iam.tokenValidation.aud: the audience of the authorization server. Leave the server's own as it is where others use it.",
	},
	{
		id: "told-signature", row: 15, texts: []string{
			"signature verification failed", "failed to verify signature", "signature does not verify", "failed to verify id token signature", "invalid signature",
			"publishes no key", "kid & not found", "no matching key", "unable to find a signing key", "unknown kid", "key not found", "kid & jwks", "kid & not in",
			"expected a jwk set", "asymmetric signing key", "names no key", "unable to find key", "no suitable key", "no applicable key", "no key found",
		},
		what:    "The token's key is not among those that the verifier has: they are out of date after a rotation, of another server, or the token is the organisation server's.",
		setting: "Fetch the keys again for an unknown kid; sts.iam.tokenValidation.jwksUri must be of the issuer (leave it out to have it discovered).",
		call:    "GET {issuer}/v1/keys",
	},
	{
		id: "told-issuer", row: 17, console: atSettings, texts: []string{
			"issued by a different provider", "did not match the requested issuer", "did not match the issuer", "expected the issuer", "issuer did not match",
			"invalid issuer", "issuer mismatch", "iss & mismatch", "invalid_issuer", "iss claim", "not equal to the issuer", "issuer invalid", "came from another identity provider", "of another issuer",
		},
		what:    "The issuer of the token or of the discovery is not, letter by letter, the configured one.",
		setting: "Issuer: exactly what the discovery says: custom domain or organisation's domain, no slash at the end.",
		call:    "GET {issuer}/.well-known/openid-configuration?client_id={clientId}; issuerMode by PUT /api/v1/authorizationServers/{id}",
	},
	{
		id: "told-clock", row: 45, texts: []string{
			"used before issued", "issued in the future", "ahead of this machine", "not valid yet", "token is expired", "token has expired", "it expired", "token_expired", "jwt expired",
		},
		what:    "The token is not yet, or no longer, valid by this machine's clock.",
		setting: "Set the clock by NTP, and allow a leeway of 60 to 120 s (sts.iam.tokenValidation.leeway).",
	},
	{
		id: "told-some", row: 22, console: atGroups, texts: []string{"some users & claim", "some users & roles", "some people & roles", "some people & claim"},
		what:    "Okta leaves a claim out for somebody who has no group that its filter lets through.",
		setting: "As it should be for people without roles; else a group that the filter lets through.",

		explains: []string{"told-no-admin"},
	},
	{
		id: "told-claim-name", row: 23, console: atClaims, texts: []string{"rolepath", "claim & another name", "claim & other name", "claim & different name", "named differently"},
		what:    "The claim that holds the roles has another name than sts.iam.rolePath.",
		setting: "sts.iam.rolePath: the claim's name; a name with dots is written $['…'].",
	},
	{
		id: "told-directory", row: 25, console: atClaims, texts: []string{"active directory & group", "ad groups", "google groups", "directory groups", "imported groups"},
		what:    "A claim of groups sees Okta's own groups only, not those of a directory.",
		setting: "Value type Expression: Groups.startsWith(\"active_directory\",\"ONE_\",100) ?: {}; or a group rule that fills a group of Okta's own.",
	},
	{
		id: "told-string", row: 28, console: atClaims, texts: []string{"one string, not an array", "string & not an array", "unmarshal string into", "string instead of", "which is no role", "so no role", "holds an empty role"},
		what:    "The roles are no list of texts.",
		setting: "An expression that gives a list, e.g. {user.department} or Groups.…; or sts.iam.roleSeparator.",
	},
	{
		id: "told-no-roles", row: 21, console: atClaims, texts: []string{"no claim at", "no roles claim", "no roles in", "roles claim & missing", "without roles", "roles are missing", "no roles", "roles & not found", "roles & absent", "roles & not present", "neither the id token nor userinfo", "sign-in carries no groups", "held the roles"},
		what:    "The token has no roles claim: there is none in the tokens that roles are read from (iam.tokenSource), it is inactive, or bound to a scope that is not asked for; or the person has no group that it lets through.",
		setting: "A claim with the name of sts.iam.rolePath, in the access token (with iam.tokenSource: id_token in the ID token), for any scope.",
		call:    "POST /api/v1/authorizationServers/{id}/claims with {\"name\":\"roles\",\"claimType\":\"RESOURCE\",\"valueType\":\"GROUPS\",\"group_filter_type\":\"REGEX\",\"value\":\"^ONE_.*\",\"conditions\":{\"scopes\":[]}}",
	},
	{
		id: "told-no-admin", row: 24, console: atGroups, texts: []string{"one_sts_admin & missing", "one_sts_admin & not", "one_sts_admin & without", "without one_sts_admin", "no one_sts_admin", "nobody can administer", "not an administrator"},
		what:    "The bootstrap role is not among the token's roles: the group is missing, the person is not in it, or the claim's filter leaves it out.",
		setting: "A group of exactly that name, the person in it, and a filter that lets it through, e.g. Matches regex ^(ONE_.*|ONE_STS_ADMIN)$.",
	},
	{
		id: "told-names", row: 29, console: atClaims, texts: []string{"name is missing", "name missing", "names are missing", "no given_name", "given_name & missing", "without a name"},
		what:    "Names are never in an access token by themselves, and not all of them in an ID token that comes with one.",
		setting: "Claims given_name = user.firstName and family_name = user.lastName in the access token; or the scope profile, so that userinfo has them.",
		call:    "POST /api/v1/authorizationServers/{id}/claims with {\"name\":\"given_name\",\"claimType\":\"RESOURCE\",\"valueType\":\"EXPRESSION\",\"value\":\"user.firstName\"}",
	},
	{
		id: "told-revoked", row: 55, texts: []string{"revoked & still", "deactivated & still", "removed & still", "still has access", "still works"},
		what:    "A token that was given lives until it expires: nothing that happens at Okta takes it back.",
		setting: "A short lifetime: the rule's access token lifetime and sts.token.ttl; or introspection on every request.",
	},
}

var gatewaySymptoms = []symptom{
	{
		id: "told-varies", row: 8, console: atLogin, texts: []string{"redirect_uri & varies", ".apisix/redirect & some routes", ".apisix/redirect & some pages", ".apisix/redirect & every page"},
		what:    "APISIX makes the redirect URI out of each request's path where redirect_uri is unset.",
		setting: "redirect_uri: one absolute address, registered as it is.",

		explains: []string{"told-session-lost"},
	},
	{
		id: "told-session-lost", row: 9, texts: []string{
			"no session state found", "state from argument", "pkce_verification_failed", "pkce verification failed", "authorization code is invalid", "invalid_authorization_code", "csrf cookie", "unable to find a valid csrf token",
		},
		what:    "The gateway does not recognise the answer of its own sign-in: the cookie got lost on the way, or another replica with another secret took it.",
		setting: "One redirect URI on the host and scheme that people use, below the route's path and not a page itself; one fixed session secret for all replicas; sessions in Redis if they are large.",
	},
	{
		id: "told-email", row: 30, console: atClaims, texts: []string{"email & is not verified", "email_verified", "neither the id_token nor the profileurl set an email"},
		what:    "OAuth2-Proxy wants a verified e-mail address; Okta says false for many imported people, and leaves it out of ID tokens that come with an access token.",
		setting: "--insecure-oidc-allow-unverified-email=true, or --oidc-email-claim=sub; or the claim email_verified set to Always.",
	},
	{
		id: "told-groups-header", row: 31, console: atClaims, texts: []string{"x-forwarded-groups", "allowed_group", "allowed-group", "x-auth-request-groups"},
		what:    "OAuth2-Proxy reads groups from the ID token's claim groups; yours has another name, or is not in ID tokens.",
		setting: "--oidc-groups-claim=roles, and the same claim for ID tokens, Always.",
		call:    "POST /api/v1/authorizationServers/{id}/claims with claimType IDENTITY and alwaysIncludeInToken true",
	},
	{
		id: "told-grafana", row: 51, texts: []string{"empty user info json", "grafana & viewer", "user info json response"},
		what:    "Grafana asks the wrong userinfo address, or userinfo has no groups.",
		setting: "api_url = <issuer>/v1/userinfo, a claim for ID tokens (userinfo shows those), and role_attribute_path over it.",
	},
	{
		id: "told-large", row: 47, texts: []string{
			"too big header", "header too big", "header or cookie too large", "header fields too large", "cookie too large", "header is too large", "large_client_header", "cookie & 4096",
		},
		what:    "Cookies or headers with several tokens and many groups are larger than a proxy or browser takes.",
		setting: "Sessions on the server: APISIX session.storage: redis, OAuth2-Proxy --session-store-type=redis, Apache OIDCSessionType server-cache; a narrower claim; nginx proxy_buffer_size 16k and large_client_header_buffers 4 16k.",
	},
	{
		id: "told-refresh-missing", row: 37, texts: []string{"no refresh token", "no refresh_token", "no longer signed in", "thrown out", "every hour", "after an hour", "refresh token is missing"},
		what:    "There is no refresh token: the sign-in does not ask for offline_access, or the application lacks the grant.",
		setting: "Scope offline_access, grant Refresh Token, and a rule that allows the scope: all three.",
		call:    "PUT /api/v1/apps/{id} with settings.oauthClient.grant_types",
	},
	{
		id: "told-refresh", row: 38, console: atRefresh, texts: []string{"refresh token is invalid or expired", "invalid_refresh_token", "detect_reuse", "refresh token & reuse"},
		what:    "Refresh tokens are used twice: several replicas refresh at once, and with rotation Okta revokes all of them.",
		setting: "One refresh at a time; refresh token rotation with a grace period of up to 60 s, or a persistent token.",
		call:    "PUT /api/v1/apps/{id} with settings.oauthClient.refresh_token {\"rotation_type\":\"ROTATE\",\"leeway\":60}",
	},
	{
		id: "told-logout", row: 52, texts: []string{"still signed in", "still logged in", "stays signed in", "stays logged in", "id_token_hint", "signed in again without", "logged in again without"},
		what:    "Signing out ended one of two sessions: the gateway's and Okta's.",
		setting: "After ending its own session the gateway redirects the browser to end_session_endpoint with id_token_hint and post_logout_redirect_uri.",
	},
	{
		id: "told-network", row: 46, texts: []string{
			"unknown authority", "x509", "unable to get local issuer certificate", "self signed certificate", "self-signed certificate", "certificate verify failed",
			"tls handshake", "handshake failure", "no such host", "could not be resolved", "i/o timeout", "deadline exceeded", "connection refused", "connection timed out",
			"accessing discovery url", "ssl_error", "certificate host mismatch",
		},
		what:    "Okta can't be reached from there: name resolution, a proxy, a certificate authority that is not trusted, or too short a timeout.",
		setting: "Trust the authority (APISIX: apisix.ssl.ssl_trusted_certificate; ssl_verify is true by default since 3.16.0); timeout above its 3 s; a resolver and a proxy that reach Okta.",
	},
}
