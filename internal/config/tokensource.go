package config

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
)

// validateTokenSource checks where roles come from, and fills the audience that follows from it.
func (c *Config) validateTokenSource(v *validator) {
	i, audience := &c.IAM, &c.STS.IAM.TokenValidation.Aud
	silent := i.Scopes == nil
	if silent {
		i.Scopes = defaultScopes()
	}
	switch i.TokenSource {
	case SourceAccessToken:
		// An ID token's audience is the client: it would pass for an access token, and it is no secret of its bearer's.
		if *audience != "" && *audience == i.ClientID {
			v.fail("sts.iam.tokenValidation.aud", "expected the API's audience, got iam.clientId: ID tokens would count as access tokens; where the roles are in the ID token set iam.tokenSource: id_token")
		}
	case SourceIDToken:
		if c.Gateway.Mode != ModeBuiltin {
			v.fail("iam.tokenSource", "id_token needs gateway.mode: builtin, which signs in by itself; %s sends access tokens", c.Gateway.Mode)
		}
		if *audience != "" && *audience != i.ClientID {
			v.fail("sts.iam.tokenValidation.aud", "with iam.tokenSource: id_token expected nothing, or iam.clientId: an ID token is for the client alone; got %q", *audience)
		}
		*audience = cmp.Or(*audience, i.ClientID, "that of a client without an id") // whose fault is said once
		c.validateGroupsScope(v, silent)
	default:
		v.oneOf("iam.tokenSource", i.TokenSource, SourceAccessToken, SourceIDToken)
	}
}

// oktaHost matches the hosts of Okta's organisations in every cell.
var oktaHost = regexp.MustCompile(`(?i)\.(okta|oktapreview|okta-emea|okta-gov)\.com$`)

// validateGroupsScope has the file say whether groups is asked for: some providers send the claim for that scope only,
// others end the sign-in with invalid_scope, and which is which can't be guessed.
func (c *Config) validateGroupsScope(v *validator, silent bool) {
	if c.STS.IAM.RolePath != "groups" || slices.Contains(c.IAM.Scopes, "groups") {
		return
	}
	const list = "[openid, profile, email, groups, offline_access]"
	if u, err := url.Parse(c.IAM.Issuer); err == nil && oktaHost.MatchString(u.Hostname()) && (u.Path == "" || u.Path == "/") {
		v.fail("iam.scopes", "Okta's org authorization server sends groups for the scope of that name only: expected %s", list)
		return
	}
	if silent {
		v.fail("iam.scopes", "with sts.iam.rolePath: groups say which scopes the provider knows: %s where it sends groups for that scope only (Okta's org authorization server, Dex); without groups where it would answer invalid_scope (Entra, Keycloak)", list)
	}
}
