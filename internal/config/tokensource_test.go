package config

import (
	"slices"
	"strings"
	"testing"
)

// The audience in the mode id_token is the client, whoever says so; an access token's is never that.
func TestTokenSources(t *testing.T) {
	const (
		source = "PORTICO_iam__tokenSource=id_token"
		silent = "PORTICO_sts__iam__tokenValidation__aud="
		groups = "PORTICO_sts__iam__rolePath=groups"
		scopes = "PORTICO_iam__scopes="
		org    = "PORTICO_iam__issuer=https://dev-12345.okta.com"
	)
	for _, c := range []struct {
		rule    string
		environ []string
		want    string // empty: accepted
	}{
		{"the audience derived", []string{source, silent}, ``},
		{"the audience said", []string{source, "PORTICO_sts__iam__tokenValidation__aud=0oa1"}, ``},
		{"another audience", []string{source}, `sts.iam.tokenValidation.aud: with iam.tokenSource: id_token expected nothing, or iam.clientId`},
		{"no client id, said once", []string{source, silent, "PORTICO_iam__clientId="}, `iam.clientId: required`},
		{"access tokens without an audience", []string{silent}, `sts.iam.tokenValidation.aud: required`},
		{"access tokens for the client", []string{"PORTICO_sts__iam__tokenValidation__aud=0oa1"}, `sts.iam.tokenValidation.aud: expected the API's audience, got iam.clientId`},

		{"behind APISIX", []string{source, silent, "PORTICO_gateway__mode=apisix"}, `iam.tokenSource: id_token needs gateway.mode: builtin`},
		{"behind OAuth2-Proxy", []string{source, silent, "PORTICO_gateway__mode=oauth2-proxy"}, `iam.tokenSource: id_token needs gateway.mode: builtin`},
		{"with bearer tokens only", []string{source, silent, "PORTICO_gateway__mode=bearer"}, `iam.tokenSource: id_token needs gateway.mode: builtin`},
		{"unknown, behind another gateway", []string{"PORTICO_iam__tokenSource=x", "PORTICO_gateway__mode=bearer"}, `iam.tokenSource: expected one of access_token, id_token, got "x"`},

		{"groups, and nothing said of scopes", []string{source, silent, groups}, `iam.scopes: with sts.iam.rolePath: groups say which scopes the provider knows`},
		{"groups, asked for", []string{source, silent, groups, scopes + "openid,groups"}, ``},
		{"groups, knowingly not asked for", []string{source, silent, groups, scopes + "openid,profile,email,offline_access"}, ``},
		{"groups of Okta's organisation", []string{source, silent, groups, org, scopes + "openid,groups"}, ``},
		{"groups of Okta's organisation, not asked for", []string{source, silent, groups, org, scopes + "openid,profile"}, `iam.scopes: Okta's org authorization server sends groups for the scope of that name only`},
		{"groups of Okta's organisation, with a slash", []string{source, silent, groups, org + "/"}, `iam.scopes: Okta's org authorization server`},
		{"groups of a custom authorization server", []string{source, silent, groups, scopes + "openid,profile"}, ``},
		{"groups in access tokens", []string{groups}, ``},
		{"another claim", []string{source, silent, org}, ``},
	} {
		cfg, err := Load([]byte(least), c.environ)
		faults, _ := err.(Faults)
		switch {
		case c.want != "":
			if len(faults) != 1 || !strings.HasPrefix(faults[0], c.want) {
				t.Errorf("%s:\n got %q\nwant %q", c.rule, []string(faults), c.want)
			}
		case err != nil:
			t.Errorf("%s: refused: %v", c.rule, err)
		case slices.Contains(c.environ, source) && cfg.STS.IAM.TokenValidation.Aud != "0oa1":
			t.Errorf("%s: the audience is %q", c.rule, cfg.STS.IAM.TokenValidation.Aud)
		}
	}
}

// A file that is silent of scopes asks for those of the guide.
func TestScopesWithoutAWord(t *testing.T) {
	if got := load(t, least).IAM.Scopes; !slices.Equal(got, Default().IAM.Scopes) || len(got) != 4 {
		t.Errorf("got %v", got)
	}
	if got := faultsOf(t, strings.Replace(least, "clientSecret: s", "clientSecret: s, scopes: []", 1)); !strings.HasPrefix(got[0], "iam.scopes: expected openid") {
		t.Errorf("an empty list is a word: got %v", got)
	}
}
