package view

import (
	"strings"
	"time"
)

func integrationSamples() []sample {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) *When { return &When{At: now.Add(-d), Now: now} }
	fine := []Condition{
		{"Metadata", "success", "fine", "The discovery document was read", nil, ago(20 * time.Minute)},
		{"Keys", "success", "fine", "2 keys, read", []string{"Jq0MMc0g6TlX0oO8nIxX2hJ6H1hQbp2Z5dTgVqk1a2I", "rQ2uB9Yd0m5Nn4VvC1x0kq8yD3wE6tR7zU9iO1pA2sD"}, ago(4 * time.Minute)},
		{"Clock", "success", "fine", "The same as the provider’s, compared", nil, ago(4 * time.Minute)},
		{"Roles in tokens", "success", "fine", "41 of 44 sign-ins within a day came with roles; the last", nil, ago(time.Minute)},
		{"Gateway", "", "", "Portico’s own sign-in", nil, nil},
	}
	values := []GuideValue{
		{"Client ID", "0oau0hvgs0aM3AjZW1d7", "Applications > your application > General > Client Credentials"},
		{"Sign-in redirect URI", "https://desk.example.com/.apisix/redirect", "Applications > your application > General > Login"},
		{"Issuer URI", "https://dev-12345.okta.com/oauth2/default", "Security > API > Authorization Servers > your server > Issuer URI"},
		{"OIDC Discovery URL", "https://dev-12345.okta.com/oauth2/default/.well-known/openid-configuration", "Security > API > Authorization Servers > your server > Metadata URI"},
		{"Audience", "api://procivis-one", "Security > API > Authorization Servers > your server > Audience; sts.iam.tokenValidation.aud here"},
		{"Roles claim", "roles", "Security > API > Authorization Servers > your server > Claims; sts.iam.rolePath here"},
	}
	ill := []Condition{
		{"Metadata", "danger", "failed", "https://dev-12345.okta.com/oauth2/default/.well-known/openid-configuration: expected status 200, got 404; last read", nil, ago(3 * time.Hour)},
		{"Keys", "warning", "the last good ones count", strings.Repeat("https://dev-12345.okta.com/", 4) + ": expected status 200, got 500 (they count for 21h0m0s more), read", []string{"k1"}, ago(3 * time.Hour)},
		{"Clock", "danger", "too far apart", "The provider’s is 2m30s behind, compared", nil, ago(time.Minute)},
		{"Roles in tokens", "danger", "none", "0 of 12 sign-ins within a day came with roles; the last", nil, ago(time.Minute)},
		{"Gateway", "", "", "behind APISIX", nil, nil},
	}
	problems := []Problem{
		{"The audience is another one", "the token’s aud is api://default, expected api://procivis-one", "", "Set sts.iam.tokenValidation.aud to api://default", "Security > API > Authorization Servers > default > Audience", "sts: { iam: { tokenValidation: { aud: \"api://default\" } } }"},
		{"The redirect URI is not registered", "Okta’s sign-in page says so", "https://desk.example.com/.apisix/redirect/ is: there is a slash too many", "Add https://desk.example.com/.apisix/redirect", "Applications > Procivis One > General > Sign-in redirect URIs", "PUT /api/v1/apps/0oa1 settings.oauthClient.redirect_uris"},
	}
	return []sample{
		{"integration", IntegrationPage(Integration{Page: admin(IntegrationPath), Conditions: fine, Values: values})},
		{"integration-fine", IntegrationPage(Integration{Page: admin(IntegrationPath), Conditions: fine, Values: values, Checked: true, Unlooked: []string{"The audience and the claims as Okta sets them, policies, assignments and groups need an administrator’s credential: run portico doctor --okta FILE on the server."}})},
		{"integration-ill", IntegrationPage(Integration{Page: admin(IntegrationPath), Conditions: ill, Values: values, Checked: true, Problems: problems})},
		{"integration-crowded", IntegrationPage(Integration{Page: crowded(IntegrationPath), Conditions: ill, Values: []GuideValue{{hostile[0], hostile[1], hostile[2]}}, Checked: true, Problems: []Problem{{hostile[0], hostile[1], hostile[2], hostile[0], hostile[1], hostile[2]}}})},
	}
}
