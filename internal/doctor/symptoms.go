package doctor

import "slices"

// symptoms are the errors that people come with, the more exact ones first. The texts are parts of Okta's own sentences, of
// its System Log's reasons, and of what gateways write; see plainText for how they are compared.
var symptoms = slices.Concat(clientSymptoms, accessSymptoms, tokenSymptoms, gatewaySymptoms, managementSymptoms, ownSymptoms)

var clientSymptoms = []symptom{
	{
		id: "told-client-id", row: 34, console: atSecrets, texts: []string{"invalid value for 'client_id'", "invalid_client_id"},
		what:    "Okta does not know the client id, or the application is inactive.",
		setting: "The client id of the gateway must be that of the application, in the organisation of the issuer; its status ACTIVE.",
		call:    "GET /api/v1/apps?filter=name eq \"oidc_client\"; POST /api/v1/apps/{id}/lifecycle/activate",
	},
	{
		id: "told-multiple", row: 35, texts: []string{"multiple client credentials", "multiple_client_credentials"},
		what:    "The gateway sends its client secret twice: in the Authorization header and in the form.",
		setting: "One method only: token_endpoint_auth_method: client_secret_basic (APISIX), OIDCProviderTokenEndpointAuth client_secret_basic (Apache), iam.clientAuth (Portico); take client_secret out of any extra parameters.",
	},
	{
		id: "told-client", row: 34, console: atSecrets, texts: []string{
			"client secret supplied", "invalid_client_secret", "client authentication failed", "no client credentials found", "missing_client_credentials",
			"not valid client credentials", "invalid_basic_auth_creds", "invalid_token_endpoint_auth_method", "invalid_client",
		},
		what:    "Okta refuses the client's credentials: the secret was rotated or mistyped, or it is sent by another method than the application has.",
		setting: "Client secret: copy it again. Client authentication: the gateway's method must be the application's token_endpoint_auth_method.",
		call:    "POST /api/v1/apps/{id}/credentials/secrets makes a second secret, so that the first can go later",
	},
	{
		id: "told-pkce", row: 33, console: atSecrets, texts: []string{
			"pkce code challenge is required", "pkce_missing_challenge", "pkce code verifier is required", "pkce_missing_verifier",
			"pkce code challenge should be specified", "pkce code challenge method is not supported", "pkce_unsupported_code_challenge_method",
		},
		what:    "The application requires PKCE and the gateway does not do it, or not with S256.",
		setting: "OAuth2-Proxy code_challenge_method = \"S256\"; APISIX use_pkce: true; Apache OIDCPKCEMethod S256; Grafana use_pkce = true; Argo CD enablePKCEAuthentication: true.",
		call:    "or PUT /api/v1/apps/{id} with credentials.oauthClient.pkce_required: false",
	},
	{
		id: "told-logout-uri", row: 10, console: atLogout, texts: []string{"logout redirect uri", "illegal_post_logout_redirect_uri"},
		what:    "The address to return to after signing out is not registered: it must match exactly.",
		setting: "Sign-out redirect URIs: add it exactly as it is sent.",
		call:    "PUT /api/v1/apps/{id} with settings.oauthClient.post_logout_redirect_uris",
	},
	{
		id: "told-redirect", row: 7, console: atLogin, texts: []string{
			"login redirect uri", "illegal_redirect_uri", "redirect_uri is missing", "missing_redirect_uri", "mismatched_redirect_uri", "redirect_uri' does not match",
			"invalid_redirect_uri", "redirect_uri_mismatch", "redirect uri is not registered",
		},
		what:    "The redirect URI that the gateway sends is not registered: the match is exact, in scheme, host, port, path, case and the slash at the end.",
		setting: "Sign-in redirect URIs: https://<host>/.apisix/redirect (APISIX), /oauth2/callback (OAuth2-Proxy), /login/okta or /login/generic_oauth (Grafana), /auth/callback (Argo CD; its CLI http://localhost:8085/auth/callback).",
		call:    "PUT /api/v1/apps/{id} with settings.oauthClient.redirect_uris",
	},
	{
		id: "told-grant", row: 36, console: atGrants, texts: []string{
			"not authorized to use the provided grant type", "unauthorized_client", "unsupported_grant_type", "grant type is not supported",
			"unsupported_response_type", "response type is not supported",
		},
		what:    "The application may not use this grant.",
		setting: "Grant type: Authorization Code and Refresh Token (and Client Credentials for a machine client).",
		call:    "PUT /api/v1/apps/{id} with settings.oauthClient.grant_types",
	},
	{
		id: "told-dpop", row: 40, console: atGeneral, texts: []string{"dpop proof", "invalid_dpop_proof", "use_dpop_nonce"},
		what:    "The application requires DPoP, which applications for APIs have switched on when they are made in the console.",
		setting: "Proof of possession: Require Demonstrating Proof of Possession (DPoP) off, or a client that sends it, as portico okta does.",
		call:    "PUT /api/v1/apps/{id} with settings.oauthClient.dpop_bound_access_tokens: false",
	},
}

var accessSymptoms = []symptom{
	{
		id: "told-policy", row: 1, console: atPolicies, texts: []string{"policy evaluation failed", "no_matching_policy", "not ready for your sign-in", "rules for this application do not let you in"},
		what:    "No access policy lets this sign-in through: the client is in none, or no rule of its policies has the grant, the person and every scope. The default server of a new free organisation has no policy at all.",
		setting: "A policy with the client under Assigned to clients, and a rule with the grant Authorization Code, the people, and the scopes (or any).",
		call:    "POST /api/v1/authorizationServers/{id}/policies, then POST …/policies/{id}/rules; or portico okta apply",
	},
	{
		id: "told-lifetime", row: 3, console: atPolicies, texts: []string{"wrong lifetime", "another lifetime", "lifetime is not"},
		what:    "An earlier policy or rule matched: the first that fits by priority decides on lifetime and scopes.",
		setting: "Priority 1 for the policy of this application alone.",
		call:    "PUT /api/v1/authorizationServers/{id}/policies/{id} with priority: 1",
	},
	{
		id: "told-assigned", row: 4, console: atAssign, texts: []string{"not assigned to the client app", "user_not_assigned"},
		what:    "Neither this person nor a group of theirs is assigned to the application.",
		setting: "Put them into a group that is assigned (the first administrator: into ONE_STS_ADMIN), or assign one of theirs.",
		call:    "PUT /api/v1/apps/{id}/groups/{groupId} with {}",
	},
	{
		id: "told-scope-denied", row: 2, console: atPolicies, texts: []string{"requested scopes were denied", "requested scopes were rejected", "no_scope_allowed", "scope_denied"},
		what:    "The rule that matched does not allow every scope that is asked for.",
		setting: "The rule's scopes: any, or the full list.",
		call:    "PUT /api/v1/authorizationServers/{id}/policies/{id}/rules/{id} with conditions.scopes.include",
	},
	{
		id: "told-m2m", row: 39, console: atScopes, texts: []string{
			"'openid' scopes using client credentials", "openid_not_allowed_client_creds", "no_default_scopes", "any configured default scopes",
		},
		what:    "A machine client asks for OpenID scopes or for none: it needs a scope of the server's own.",
		setting: "A custom scope, a rule with the grant Client Credentials that allows it, and that scope in the client's request.",
		call:    "POST /api/v1/authorizationServers/{id}/scopes with {\"name\":\"one.api\",\"consent\":\"IMPLICIT\"}; rule: conditions.grantTypes.include [\"client_credentials\"]",

		explains: []string{"told-scope"},
	},
	{
		id: "told-scope-groups", row: 5, console: atScopes, texts: []string{"scopes are not configured & groups", "no_matching_scope & groups"},
		what:    "The scope groups is asked for, which only the organisation's own server has built in.",
		setting: "Take groups out of the client's scopes: a groups claim needs no scope. Or make a scope of that name.",
		call:    "POST /api/v1/authorizationServers/{id}/scopes with {\"name\":\"groups\",\"consent\":\"IMPLICIT\"}",

		explains: []string{"told-scope"},
	},
	{
		id: "told-scope", row: 6, console: atScopes, texts: []string{"scopes are not configured for the authorization server", "no_matching_scope", "openid_scope_required", "require the 'openid' scope", "no scopes were requested", "missing_scopes", "invalid_scope"},
		what:    "A scope is asked for that the authorization server does not have.",
		setting: "Correct the client's scopes, or make the scope.",
		call:    "POST /api/v1/authorizationServers/{id}/scopes with {\"name\":\"…\",\"consent\":\"IMPLICIT\"}",
	},
	{
		id: "told-too-many", row: 26, console: atClaims, texts: []string{"matched too many groups", "too_many_groups_in_groups_claim"},
		what:    "More than 100 groups of this person match the claim's filter.",
		setting: "A narrower filter, e.g. Starts with ONE_; or an expression with getFilteredGroups, which has no such limit.",
		call:    "PUT /api/v1/authorizationServers/{id}/claims/{id}",
	},
	{
		id: "told-claim", row: 27, console: atClaims, texts: []string{"claim could not be evaluated", "user_claim_evaluation_failure", "system_claim_evaluation_failure"},
		what:    "The claim's expression fails for this person: a null value, a limit above 100, an attribute that does not exist.",
		setting: "Guard it against null, e.g. Groups.startsWith(\"OKTA\",\"ONE_\",100) ?: {}.",
		call:    "PUT /api/v1/authorizationServers/{id}/claims/{id} with value",
	},
	{
		id: "told-inactive", row: 20, texts: []string{"inactive", "is not active"},
		what:    "Something on the way is inactive: the authorization server, the application, the access policy, its rule, or the claim.",
		setting: "Activate it.",
		call:    "POST …/lifecycle/activate",
	},
	{
		id: "told-mfa", row: 49, console: atSignOn, texts: []string{"any two factors", "app_sign_on_required", "re-authentication or mfa"},
		what:    "The application has the sign-on policy that new ones get, which asks for a second factor.",
		setting: "As it should be; or assign another authentication policy.",
		call:    "PUT /api/v1/apps/{id}/policies/{policyId}",
	},
	{
		id: "told-silent", row: 53, texts: []string{"login_required", "no_existing_session", "'prompt' value of 'none'"},
		what:    "A silent renewal (prompt=none) found no session at Okta: browsers don't send third-party cookies, or the session is over.",
		setting: "Renew by refresh token: scope offline_access, grant Refresh Token.",
	},
}

var managementSymptoms = []symptom{
	{
		id: "told-unlicensed", row: 19, console: atServers, texts: []string{"e0000015", "permission to access the feature"},
		what:    "The organisation has no API Access Management, so no custom authorization servers, the default one included.",
		setting: "Ask Okta for API Access Management; without it no access token can have a roles claim.",
	},
	{
		id: "told-no-admin-role", row: 41, console: atRoles, texts: []string{"e0000006", "permission to perform the requested action"},
		what:    "The credential may not do this: a service application needs an administrator role besides its scopes.",
		setting: "Admin roles: API Access Management Administrator with Group Administrator, or Super Administrator.",
		call:    "POST /oauth2/v1/clients/{clientId}/roles with {\"type\":\"API_ACCESS_MANAGEMENT_ADMIN\"}",
	},
	{
		id: "told-scopes-not-granted", row: 42, console: atAPIScopes, texts: []string{"not allowed any of the requested scopes", "no_org_scopes_granted"},
		what:    "The service application was granted none of the okta.* scopes.",
		setting: "A super administrator grants okta.apps.manage, okta.authorizationServers.manage, okta.groups.manage, okta.users.read.",
		call:    "POST /api/v1/apps/{id}/grants with {\"scopeId\":\"okta.apps.manage\",\"issuer\":\"https://{org}\"}",
	},
	{
		id: "told-api-token", row: 43, console: atTokens, texts: []string{"e0000011", "invalid token provided"},
		what:    "The API token is expired (30 days unused), revoked, or of another organisation.",
		setting: "A new token, with \"SSWS \" before it in the Authorization header; and the organisation's own host.",
	},
	{
		id: "told-rate-limit", row: 44, texts: []string{"e0000047", "exceeded rate limit", "too many requests", "user_rate_limited", "http 429", "status 429", "code 429", "x-rate-limit-remaining: 0"},
		what:    "Okta's rate limit is used up.",
		setting: "Validate tokens locally rather than by introspection, cache the keys, wait until X-Rate-Limit-Reset.",
	},
	{
		id: "told-priorities", row: 54, texts: []string{"e0000239", "priorities are being reconciled"},
		what:    "Okta is putting the priorities of policies or rules in order.",
		setting: "Try again in some seconds, and never change two rules of one server at a time; portico okta apply does both.",
	},
	{
		id: "told-not-found", row: 18, console: atSettings, texts: []string{"e0000007", "404 & .well-known", "metadata as json", "not found & authorizationserver"},
		what:    "Okta has nothing at that address: an authorization server that was deleted or is inactive, a mistyped id, a /v1 too many, or the console's host with -admin.",
		setting: "iam.issuer: the Issuer URI, exactly as the console shows it.",
		call:    "GET /api/v1/authorizationServers",
	},
}
