package devokta

import "github.com/portico-iam/portico/internal/devokta/world"

// A row of Okta's table of errors, and a row that was filled in. The engines' own rows are in package world.
type (
	errorRow = world.Row
	refusal  = world.Refusal
)

func row(status int, kind, reason, text string) errorRow {
	return errorRow{Status: status, Error: kind, Reason: reason, Text: text}
}

func refuse(row errorRow, args ...any) *refusal { return world.Refuse(row, args...) }

// The policy, the person and the scopes.
var (
	errRefreshScopes  = row(400, "access_denied", "refresh_scopes_denied", "Some of the scopes requested for the refresh request were not granted in the original authorize request. Denied scopes: %s.")
	errOpenIDRequired = row(400, "invalid_scope", "openid_scope_required", "Requests for ID tokens or access tokens with OpenID scopes require the 'openid' scope.")
	errOpenIDClient   = row(400, "invalid_scope", "openid_not_allowed_client_creds", "Cannot request 'openid' scopes using client credentials.")
)

// The authorize request.
var (
	errMissingRedirect  = row(400, "missing_redirect_uri", "missing_redirect_uri", "redirect_uri is missing.")
	errIllegalRedirect  = row(400, "invalid_request", "illegal_redirect_uri", "The 'redirect_uri' parameter must be a Login redirect URI in the client app settings.")
	errServiceClient    = row(400, "invalid_request", "invalid_client_application_type", "Clients with 'application_type' of 'service' are not allowed to access the '%s' endpoint.")
	errState            = row(400, "invalid_request", "invalid_state", "The authentication request has an invalid 'state' parameter.")
	errNoChallenge      = row(400, "invalid_request", "pkce_missing_challenge", "PKCE code challenge is required by the application.")
	errBadChallenge     = row(400, "invalid_request", "pkce_invalid_challenge", "PKCE code challenge contains illegal characters.")
	errChallengeMethod  = row(400, "invalid_request", "pkce_unsupported_code_challenge_method", "PKCE code challenge method is not supported. Valid values: [S256]")
	errMaxAge           = row(400, "invalid_request", "invalid_max_age", "Invalid value for 'max_age' parameter. It should be within range 0 - 2^31-1.")
	errPrompt           = row(400, "invalid_request", "invalid_prompt", "Invalid value for 'prompt' parameter. Supported values: [none, login, consent]")
	errPromptZeroAge    = row(400, "invalid_request", "invalid_prompt_for_zero_max_age", "'prompt' parameter must not have the value 'none' for request with 'zero' as max_age.")
	errResponseType     = row(400, "unsupported_response_type", "unsupported_response_type", "The response type is not supported by the authorization server. Configured response types: [%s].")
	errLoginRequired    = row(400, "login_required", "login_required", "The client specified not to prompt, but the user is not logged in.")
	errSignOnRequired   = row(400, "login_required", "app_sign_on_required", "The client specified not to prompt, but the client app requires re-authentication or MFA.")
	errPostLogout       = row(400, "invalid_request", "illegal_post_logout_redirect_uri", "The 'post_logout_redirect_uri' parameter must be a Logout redirect URI in the client app settings.")
	errDuplicate        = row(400, "invalid_request", "duplicate_oauth_params", "The request contained multiple parameters with the same name.")
	errFeatureDisabled  = row(400, "access_denied", "feature_not_enabled_access_denied", "The requested feature is not enabled in this environment.")
	errTokenMissing     = row(400, "invalid_request", "request_missing_token", "The 'token' parameter is required.")
	errParameterMissing = row(400, "invalid_request", "missing_token_request_parameter", "The required parameter '%s' is missing.")
)

// The client and the grant.
var (
	errGrantMissing     = row(400, "invalid_request", "token_request_missing_grant_type", "The token request must specify a 'grant_type'. Valid values: [%s]")
	errGrantUnsupported = row(400, "unsupported_grant_type", "unsupported_grant_type", "The authorization grant type is not supported by the authorization server. Configured grant types: [%s].")
	errGrantNotAllowed  = row(400, "unauthorized_client", "unauthorized_client", "The client is not authorized to use the provided grant type. Configured grant types: [%s].")
	errManyCredentials  = row(401, "invalid_request", "multiple_client_credentials", "Cannot supply multiple client credentials. Use one of the following: credentials in the Authorization header, credentials in the post body, or a client_assertion in the post body.")
	errCredentialsInURL = row(400, "invalid_request", "client_credentials_in_query", "Client credentials cannot be supplied via query parameters.")
	errClientID         = row(401, "invalid_client", "invalid_client_id", "Invalid value for 'client_id' parameter.")
	errClientSecret     = row(401, "invalid_client", "invalid_client_secret", "The client secret supplied for a confidential client is invalid.")
	errNoCredentials    = row(401, "invalid_client", "missing_client_credentials", "No client credentials found.")
	errAuthMethod       = row(401, "invalid_client", "invalid_token_endpoint_auth_method", "Client authentication failed. Either the client or the client credentials are invalid.")
	errBasic            = row(401, "invalid_client", "invalid_basic_auth_creds", "Found Authentication header but was not valid client credentials.")
	errCode             = row(400, "invalid_grant", "invalid_authorization_code", "The authorization code is invalid or has expired.")
	errCodeRedirect     = row(400, "invalid_grant", "mismatched_redirect_uri", "The 'redirect_uri' does not match the redirection URI used in the authorization request.")
	errCodeClient       = row(400, "invalid_grant", "mismatched_client", "The grant was issued to another client. Please make sure the 'client_id' matches the one used at the authorize request.")
	errNoVerifier       = row(400, "invalid_request", "pkce_missing_verifier", "PKCE code verifier is required by the application.")
	errVerifierUnasked  = row(400, "invalid_request", "pkce_missing_challenge_verifier_present", "PKCE code challenge should be specified in the authorize request for code verification.")
	errVerifier         = row(400, "invalid_grant", "pkce_verification_failed", "PKCE verification failed.")
	errRefreshToken     = row(400, "invalid_grant", "invalid_refresh_token", "The refresh token is invalid or expired.")
	errAccessMissing    = row(401, "invalid_request", "access_token_missing", "The access token is missing.")
	errAccessInQuery    = row(400, "invalid_request", "access_token_in_query", "The access token cannot be presented in a query string.")
	errAccessDuplicate  = row(400, "invalid_request", "access_token_duplicate", "The access token cannot be specified in both the Authorization header and the request-body.")
	errAccessExpired    = row(401, "invalid_token", "token_expired", "The token has expired.")
	errAccessRevoked    = row(401, "invalid_token", "access_token_revoked", "The access token has been revoked.")
	errAccessScopes     = row(403, "insufficient_scope", "access_token_insufficient_scopes", "The access token provided does not contain the required scopes.")
)

// Rows without a text in okta.md; the wording is ours.
var (
	errAccessInvalid   = row(401, "invalid_token", "invalid_token", "The access token is invalid.")
	errResponseMode    = row(400, "unsupported_response_mode", "unsupported_response_mode", "The response mode is not supported by the authorization server. Supported response modes: [query, fragment, form_post].")
	errTooLong         = row(400, "invalid_request", "parameter_too_long", "A parameter of the request is too long.")
	errMalformed       = row(400, "invalid_request", "malformed_request", "The request could not be parsed.")
	errHintMissing     = row(400, "invalid_request", "missing_id_token_hint", "The 'id_token_hint' parameter is required.")
	errHint            = row(400, "invalid_request", "invalid_id_token_hint", "The id_token_hint is invalid.")
	errHintSession     = row(400, "invalid_request", "mismatched_id_token_hint", "The id_token_hint was not issued to the user who is signed in.")
	errSignInGone      = row(400, "invalid_request", "unknown_transaction", "This sign-in is unknown, finished or has expired. Go back to the application and sign in again.")
	errSignInForeign   = row(403, "access_denied", "foreign_browser", "This sign-in was started in another browser. Go back to the application and sign in again.")
	errSignInCrossSite = row(403, "access_denied", "cross_site", "The sign-in form was submitted from another site.")
)

// Proof by key: client assertions, DPoP, and the org authorization server's service applications.
var (
	errAssertionAudience  = row(401, "invalid_client", "client_assertion_invalid_audience", "The audience claim for client_assertion must be the endpoint invoked for the request.")
	errAssertionExpired   = row(401, "invalid_client", "client_assertion_expired_token", "The client_assertion token is expired.")
	errAssertionTooLong   = row(401, "invalid_client", "client_assertion_expires_too_far_in_future", "The client_assertion token has an expiration too far into the future.")
	errAssertionFuture    = row(401, "invalid_client", "client_assertion_issued_at_in_future", "The client_assertion token must be issued before the current time.")
	errAssertionUsed      = row(401, "invalid_client", "client_assertion_already_used", "The client_assertion token has already been used.")
	errAssertionSignature = row(401, "invalid_client", "client_assertion_invalid_signature", "The client_assertion signature is invalid.")
	errAssertionKid       = row(401, "invalid_client", "client_assertion_invalid_kid", "The client_assertion JWT kid is invalid.")
	errAssertionKeys      = row(401, "invalid_client", "client_assertion_jwks_not_configured", "The client does not have a JWKSet configured, but the client_assertion requires one.")
	errProofMissing       = row(400, "invalid_dpop_proof", "invalid_dpop_proof_missing_header", "The DPoP proof JWT header is missing.")
	errProof              = row(400, "invalid_dpop_proof", "invalid_dpop_proof", "%s")
	errProofNonce         = row(400, "use_dpop_nonce", "use_dpop_nonce", "Authorization server requires nonce in DPoP proof.")
	errKeyOnly            = row(401, "invalid_client", "unsupported_auth_method_client_creds", "Client Credentials requests to the Org Authorization Server must use the private_key_jwt token_endpoint_auth_method.")
	errServiceOnly        = row(401, "invalid_client", "invalid_application_type_client_credentials", "Only clients with 'application_type' of 'service' may use the client_credentials 'grant_type' with the Org Authorization Server.")
	errNoScopes           = row(400, "invalid_scope", "missing_scopes", "No scopes were requested.")
	errNoneGranted        = row(400, "consent_required", "no_org_scopes_granted", "You are not allowed any of the requested scopes.")
)
