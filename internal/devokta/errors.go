package devokta

import "fmt"

// errorRow is one row of Okta's table: HTTP status, OAuth error, System Log reason, text. The text is a
// format where Okta fills something in.
type errorRow struct {
	Status int
	Error  string
	Reason string
	Text   string
}

// refusal is the one error type of the protocol endpoints. Its Reason goes to the log, never into a body.
type refusal struct {
	errorRow
}

func (r *refusal) Error() string { return r.errorRow.Error + " (" + r.Reason + "): " + r.Text }

var _ error = (*refusal)(nil)

// refuse fills a row's text.
func refuse(row errorRow, args ...any) *refusal {
	if len(args) > 0 {
		row.Text = fmt.Sprintf(row.Text, args...)
	}
	return &refusal{row}
}

// The policy, the person and the scopes.
var (
	errNoMatchingPolicy = errorRow{401, "access_denied", "no_matching_policy", "Policy evaluation failed for this request, please check the policy configurations."}
	errNotAssigned      = errorRow{400, "access_denied", "user_not_assigned", "User is not assigned to the client application."}
	errRefreshScopes    = errorRow{400, "access_denied", "refresh_scopes_denied", "Some of the scopes requested for the refresh request were not granted in the original authorize request. Denied scopes: %s."}
	errUnknownScope     = errorRow{400, "invalid_scope", "no_matching_scope", "One or more scopes are not configured for the authorization server resource."}
	errOpenIDRequired   = errorRow{400, "invalid_scope", "openid_scope_required", "Requests for ID tokens or access tokens with OpenID scopes require the 'openid' scope."}
	errNoDefaultScopes  = errorRow{400, "invalid_scope", "no_default_scopes", "The authorization server resource does not have any configured default scopes, 'scope' must be provided."}
	errOpenIDClient     = errorRow{400, "invalid_scope", "openid_not_allowed_client_creds", "Cannot request 'openid' scopes using client credentials."}
	errTooManyGroups    = errorRow{400, "server_error", "too_many_groups_in_groups_claim", "The groups claim matched too many groups and must be configured to match fewer groups."}
	errUserClaim        = errorRow{400, "server_error", "user_claim_evaluation_failure", "The '%s' user claim could not be evaluated."}
)

// The authorize request.
var (
	errMissingRedirect  = errorRow{400, "missing_redirect_uri", "missing_redirect_uri", "redirect_uri is missing."}
	errIllegalRedirect  = errorRow{400, "invalid_request", "illegal_redirect_uri", "The 'redirect_uri' parameter must be a Login redirect URI in the client app settings."}
	errServiceClient    = errorRow{400, "invalid_request", "invalid_client_application_type", "Clients with 'application_type' of 'service' are not allowed to access the '%s' endpoint."}
	errState            = errorRow{400, "invalid_request", "invalid_state", "The authentication request has an invalid 'state' parameter."}
	errNoChallenge      = errorRow{400, "invalid_request", "pkce_missing_challenge", "PKCE code challenge is required by the application."}
	errBadChallenge     = errorRow{400, "invalid_request", "pkce_invalid_challenge", "PKCE code challenge contains illegal characters."}
	errChallengeMethod  = errorRow{400, "invalid_request", "pkce_unsupported_code_challenge_method", "PKCE code challenge method is not supported. Valid values: [S256]"}
	errMaxAge           = errorRow{400, "invalid_request", "invalid_max_age", "Invalid value for 'max_age' parameter. It should be within range 0 - 2^31-1."}
	errPrompt           = errorRow{400, "invalid_request", "invalid_prompt", "Invalid value for 'prompt' parameter. Supported values: [none, login, consent]"}
	errPromptZeroAge    = errorRow{400, "invalid_request", "invalid_prompt_for_zero_max_age", "'prompt' parameter must not have the value 'none' for request with 'zero' as max_age."}
	errResponseType     = errorRow{400, "unsupported_response_type", "unsupported_response_type", "The response type is not supported by the authorization server. Configured response types: [%s]."}
	errLoginRequired    = errorRow{400, "login_required", "login_required", "The client specified not to prompt, but the user is not logged in."}
	errSignOnRequired   = errorRow{400, "login_required", "app_sign_on_required", "The client specified not to prompt, but the client app requires re-authentication or MFA."}
	errPostLogout       = errorRow{400, "invalid_request", "illegal_post_logout_redirect_uri", "The 'post_logout_redirect_uri' parameter must be a Logout redirect URI in the client app settings."}
	errDuplicate        = errorRow{400, "invalid_request", "duplicate_oauth_params", "The request contained multiple parameters with the same name."}
	errFeatureDisabled  = errorRow{400, "access_denied", "feature_not_enabled_access_denied", "The requested feature is not enabled in this environment."}
	errTokenMissing     = errorRow{400, "invalid_request", "request_missing_token", "The 'token' parameter is required."}
	errParameterMissing = errorRow{400, "invalid_request", "missing_token_request_parameter", "The required parameter '%s' is missing."}
)

// The client and the grant.
var (
	errGrantMissing     = errorRow{400, "invalid_request", "token_request_missing_grant_type", "The token request must specify a 'grant_type'. Valid values: [%s]"}
	errGrantUnsupported = errorRow{400, "unsupported_grant_type", "unsupported_grant_type", "The authorization grant type is not supported by the authorization server. Configured grant types: [%s]."}
	errGrantNotAllowed  = errorRow{400, "unauthorized_client", "unauthorized_client", "The client is not authorized to use the provided grant type. Configured grant types: [%s]."}
	errManyCredentials  = errorRow{401, "invalid_request", "multiple_client_credentials", "Cannot supply multiple client credentials. Use one of the following: credentials in the Authorization header, credentials in the post body, or a client_assertion in the post body."}
	errCredentialsInURL = errorRow{400, "invalid_request", "client_credentials_in_query", "Client credentials cannot be supplied via query parameters."}
	errClientID         = errorRow{401, "invalid_client", "invalid_client_id", "Invalid value for 'client_id' parameter."}
	errClientSecret     = errorRow{401, "invalid_client", "invalid_client_secret", "The client secret supplied for a confidential client is invalid."}
	errNoCredentials    = errorRow{401, "invalid_client", "missing_client_credentials", "No client credentials found."}
	errAuthMethod       = errorRow{401, "invalid_client", "invalid_token_endpoint_auth_method", "Client authentication failed. Either the client or the client credentials are invalid."}
	errBasic            = errorRow{401, "invalid_client", "invalid_basic_auth_creds", "Found Authentication header but was not valid client credentials."}
	errCode             = errorRow{400, "invalid_grant", "invalid_authorization_code", "The authorization code is invalid or has expired."}
	errCodeRedirect     = errorRow{400, "invalid_grant", "mismatched_redirect_uri", "The 'redirect_uri' does not match the redirection URI used in the authorization request."}
	errCodeClient       = errorRow{400, "invalid_grant", "mismatched_client", "The grant was issued to another client. Please make sure the 'client_id' matches the one used at the authorize request."}
	errNoVerifier       = errorRow{400, "invalid_request", "pkce_missing_verifier", "PKCE code verifier is required by the application."}
	errVerifierUnasked  = errorRow{400, "invalid_request", "pkce_missing_challenge_verifier_present", "PKCE code challenge should be specified in the authorize request for code verification."}
	errVerifier         = errorRow{400, "invalid_grant", "pkce_verification_failed", "PKCE verification failed."}
	errRefreshToken     = errorRow{400, "invalid_grant", "invalid_refresh_token", "The refresh token is invalid or expired."}
	errAccessMissing    = errorRow{401, "invalid_request", "access_token_missing", "The access token is missing."}
	errAccessInQuery    = errorRow{400, "invalid_request", "access_token_in_query", "The access token cannot be presented in a query string."}
	errAccessDuplicate  = errorRow{400, "invalid_request", "access_token_duplicate", "The access token cannot be specified in both the Authorization header and the request-body."}
	errAccessExpired    = errorRow{401, "invalid_token", "token_expired", "The token has expired."}
	errAccessRevoked    = errorRow{401, "invalid_token", "access_token_revoked", "The access token has been revoked."}
	errAccessScopes     = errorRow{403, "insufficient_scope", "access_token_insufficient_scopes", "The access token provided does not contain the required scopes."}
)

// Rows without a text in okta.md; the wording is ours.
var (
	errAccessInvalid   = errorRow{401, "invalid_token", "invalid_token", "The access token is invalid."}
	errResponseMode    = errorRow{400, "unsupported_response_mode", "unsupported_response_mode", "The response mode is not supported by the authorization server. Supported response modes: [query, fragment, form_post]."}
	errTooLong         = errorRow{400, "invalid_request", "parameter_too_long", "A parameter of the request is too long."}
	errMalformed       = errorRow{400, "invalid_request", "malformed_request", "The request could not be parsed."}
	errHintMissing     = errorRow{400, "invalid_request", "missing_id_token_hint", "The 'id_token_hint' parameter is required."}
	errHint            = errorRow{400, "invalid_request", "invalid_id_token_hint", "The id_token_hint is invalid."}
	errHintSession     = errorRow{400, "invalid_request", "mismatched_id_token_hint", "The id_token_hint was not issued to the user who is signed in."}
	errSignInGone      = errorRow{400, "invalid_request", "unknown_transaction", "This sign-in is unknown, finished or has expired. Go back to the application and sign in again."}
	errSignInForeign   = errorRow{403, "access_denied", "foreign_browser", "This sign-in was started in another browser. Go back to the application and sign in again."}
	errSignInCrossSite = errorRow{403, "access_denied", "cross_site", "The sign-in form was submitted from another site."}
)

// Management-API codes used by the front of the org.
type apiError struct {
	Status  int
	Code    string
	Summary string
}

var (
	apiBadRequest  = apiError{400, "E0000003", "The request body was not well-formed."}
	apiContentType = apiError{400, "E0000021", "Bad request. Accept and/or Content-Type headers likely do not match supported values."}
	apiInternal    = apiError{500, "E0000009", "Internal Server Error"}
	apiMethod      = apiError{405, "E0000022", "The endpoint does not support the provided HTTP method"}
	apiRateLimit   = apiError{429, "E0000047", "API call exceeded rate limit due to too many requests."}
	apiForbidden   = apiError{403, "E0000006", "You do not have permission to perform the requested action"}
	apiClientID    = apiError{400, "invalid_client", "Invalid value for `client_id` parameter"}
)

func apiNotFound(what string) apiError {
	return apiError{404, "E0000007", "Not found: Resource not found: " + what}
}
