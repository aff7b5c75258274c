package doctor

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func jwt(header, claims map[string]any) string {
	encode := func(m map[string]any) string {
		text, _ := json.Marshal(m)
		return base64.RawURLEncoding.EncodeToString(text)
	}
	return encode(header) + "." + encode(claims) + ".c2ln"
}

// TestTokensAreTakenApart: of which kind, in whatever they were pasted.
func TestTokensAreTakenApart(t *testing.T) {
	const custom, org = "https://o.okta.com/oauth2/default", "https://o.okta.com"
	access := jwt(map[string]any{"alg": "RS256", "kid": "k"}, map[string]any{"iss": custom, "jti": "AT.1", "aud": "api://x", "scp": []string{"openid"}})
	id := jwt(map[string]any{"alg": "RS256", "kid": "k"}, map[string]any{"iss": custom, "jti": "ID.1", "aud": "0oa1"})
	for _, c := range []struct {
		name, text string
		want       Kind
	}{
		{"access token", access, AccessToken},
		{"ID token", id, IDToken},
		{"ID token without its jti", jwt(map[string]any{"kid": "k"}, map[string]any{"iss": custom, "aud": "0oa1", "nonce": "n"}), IDToken},
		{"organisation's token by typ", jwt(map[string]any{"kid": "k", "typ": "application/okta-internal-at+jwt"}, map[string]any{"iss": custom, "jti": "AT.1"}), OrgToken},
		{"organisation's token by issuer", jwt(map[string]any{"kid": "k"}, map[string]any{"iss": org, "jti": "AT.1", "scp": []string{"openid"}}), OrgToken},
		{"encrypted", access + ".a.b", Encrypted},
		{"refresh token", "aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789-_aBcDe", Opaque},
		{"three words", "no.jwt.here", Opaque},
		{"claims that are no object", base64.RawURLEncoding.EncodeToString([]byte(`{"kid":"k"}`)) + ".W10.x", Opaque},
		{"a header's value", "Bearer " + access, AccessToken},
		{"a header", "Authorization: Bearer " + access, AccessToken},
		{"a gateway's header", "X-Access-Token: " + access, AccessToken},
		{"quotes and a line end", "\"" + access + "\"\n", AccessToken},
		{"the token endpoint's answer", `{"access_token":"` + access + `","id_token":"` + id + `"}`, AccessToken},
		{"an answer with the two swapped", `{"access_token":"` + id + `","id_token":"` + access + `"}`, IDToken},
		{"too long", access + strings.Repeat("x", 1<<17), Opaque},
	} {
		if got := readToken(c.text); got.Kind != c.want {
			t.Errorf("%s: got %s, expected %s", c.name, got.Kind, c.want)
		}
	}
	if readToken(" \n") != nil {
		t.Error("nothing is a token")
	}
}

// TestGatewaysAreReadInEveryFormTheyComeIn.
func TestGatewaysAreReadInEveryFormTheyComeIn(t *testing.T) {
	const issuer = "https://o.okta.com/oauth2/default"
	plugin := `{"client_id":"c","client_secret":"$env://S","discovery":"` + issuer + `/.well-known/openid-configuration","scope":"openid email","redirect_uri":"https://d/cb","use_pkce":true}`
	for _, c := range []struct{ name, text, kind string }{
		{"APISIX's admin API", "{\n\t\"uri\": \"/*\",\n\t\"plugins\": {\"openid-connect\": " + plugin + "}\n}", apisix},
		{"APISIX standalone", "routes:\n- uri: /*\n  plugins:\n    openid-connect: " + plugin, apisix},
		{"an ApisixRoute", "kind: ApisixRoute\nspec:\n  http:\n  - match: {paths: [/*]}\n    plugins:\n    - name: openid-connect\n      enable: true\n      config: " + plugin, apisix},
		{"the plug-in alone", plugin, apisix},
		{"OAuth2-Proxy's file", "# oidc\noidc_issuer_url = \"" + issuer + "\" # here\nclient_id = \"c\"\nscope = \"openid email\"\nredirect_url = \"https://d/cb\"\ncode_challenge_method = \"S256\"\n", oauth2Proxy},
		{"OAuth2-Proxy's flags", "oauth2-proxy --oidc-issuer-url=" + issuer + " --client-id c --scope \"openid email\" --redirect-url=https://d/cb --code-challenge-method=S256 --pass-access-token", oauth2Proxy},
		{"arguments of a container", "args:\n  - --oidc-issuer-url=" + issuer + "\n  - --client-id=c\n  - \"--scope=openid email\"\n  - --redirect-url=https://d/cb\n  - --code-challenge-method=S256\n", oauth2Proxy},
		{"OAuth2-Proxy's environment", "OAUTH2_PROXY_OIDC_ISSUER_URL=" + issuer + "\nOAUTH2_PROXY_CLIENT_ID=c\nOAUTH2_PROXY_SCOPE=openid email\nOAUTH2_PROXY_REDIRECT_URL=https://d/cb\nOAUTH2_PROXY_CODE_CHALLENGE_METHOD=S256\n", oauth2Proxy},
		{"environment of a container", "env:\n- name: OAUTH2_PROXY_OIDC_ISSUER_URL\n  value: " + issuer + "\n- name: OAUTH2_PROXY_CLIENT_ID\n  value: c\n- name: OAUTH2_PROXY_SCOPE\n  value: openid email\n- name: OAUTH2_PROXY_REDIRECT_URL\n  value: https://d/cb\n- name: OAUTH2_PROXY_CODE_CHALLENGE_METHOD\n  value: S256\n", oauth2Proxy},
		{"Apache", "OIDCProviderMetadataURL " + issuer + "/.well-known/openid-configuration\nOIDCClientID c\nOIDCScope \"openid email\"\nOIDCRedirectURI https://d/cb\nOIDCPKCEMethod S256\n", apache},
		{"Grafana", "[server]\nroot_url = https://d\n[auth.okta]\nclient_id = c\nscopes = openid email\nauth_url = " + issuer + "/v1/authorize\nuse_pkce = true\n", grafana},
		{"Argo CD", "data:\n  url: https://d\n  oidc.config: |\n    issuer: " + issuer + "\n    clientID: c\n    requestedScopes: [openid, email]\n    enablePKCEAuthentication: true\n", argoCD},
	} {
		g, err := readGateway([]byte(c.text))
		if err != nil || g.Kind != c.kind {
			t.Errorf("%s: %v %+v", c.name, err, g)
			continue
		}
		client := g.client()
		if client.Issuer != issuer || client.ID != "c" || !client.PKCE || !slices.Equal(client.Scopes, []string{"openid", "email"}) || !strings.HasPrefix(client.RedirectURI, "https://d/") || client.Secret != "" {
			t.Errorf("%s: %+v", c.name, client)
		}
	}
	for _, text := range []string{"", "hello", "a: b", "{}", "[auth.ldap]\nenabled = true\n", "- - - -"} {
		if g, err := readGateway([]byte(text)); err == nil {
			t.Errorf("%q is read as %+v", text, g)
		}
	}
	if _, err := readGateway(make([]byte, maxGateway+1)); err == nil {
		t.Error("a file above the bound is read")
	}
}

// TestAPISIXRoutesAreCovered as its router does: exactly, or below a star.
func TestAPISIXRoutesAreCovered(t *testing.T) {
	for _, c := range []struct {
		pattern, path string
		want          bool
	}{{"/*", "/.apisix/redirect", true}, {"/api/*", "/.apisix/redirect", false}, {"/api/*", "/api/cb", true}, {"/cb", "/cb", true}, {"/cb", "/cb/x", false}} {
		if covers(c.pattern, c.path) != c.want {
			t.Errorf("%s and %s: expected %v", c.pattern, c.path, c.want)
		}
	}
}
