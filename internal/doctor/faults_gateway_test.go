package doctor_test

import (
	"strings"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/gateway"
)

// changed gives our own file of a gateway with one text in the place of another; old must be there.
func changed(mode, format, old, by string) func(*bed) {
	return func(b *bed) {
		b.config(func(c *config.Config) { c.Gateway.Mode = mode })
		if mode == config.ModeAPISIX {
			ourAPISIX(b, format)
		} else {
			ourProxy(b, format)
			b.app(redirects, []string{publicURL + "/oauth2/callback"})
		}
		text := string(b.in.Gateway)
		if !strings.Contains(text, old) {
			b.Fatalf("the gateway's file has no %q", old)
		}
		b.in.Gateway = []byte(strings.ReplaceAll(text, old, by))
	}
}

func apisixFile(old, by string) func(*bed) {
	return changed(config.ModeAPISIX, gateway.FormatYAML, old, by)
}

func proxyFile(old, by string) func(*bed) {
	return changed(config.ModeOAuth2Proxy, gateway.FormatCfg, old, by)
}

// with adds to what a fault does.
func with(inject func(*bed), more ...func(*bed)) func(*bed) {
	return func(b *bed) {
		inject(b)
		for _, m := range more {
			m(b)
		}
	}
}

func says(text string) func(*bed) { return func(b *bed) { b.in.Error = text } }

func inMode(mode string) func(*bed) {
	return func(b *bed) { b.config(func(c *config.Config) { c.Gateway.Mode = mode }) }
}

func offline(b *bed) { b.in.Offline = true }

func file(text string) func(*bed) {
	return func(b *bed) {
		w := b.World()
		b.in.Gateway = []byte(strings.NewReplacer("ISSUER", w.Issuer, "ORG", b.url, "CLIENT", w.WebClient.ID, "SECRET", w.WebClient.Secret, "PUBLIC", publicURL).Replace(text))
	}
}

const (
	grafanaFile = `[server]
root_url = PUBLIC
[auth.generic_oauth]
enabled = true
client_id = CLIENT
client_secret = $__env{SECRET_OF_GRAFANA}
scopes = openid profile email
auth_url = ISSUER/v1/authorize
token_url = ISSUER/v1/token
api_url = ISSUER/v1/userinfo
use_pkce = true
role_attribute_path = contains(roles[*], 'ONE_STS_ADMIN') && 'Admin' || 'Viewer'
`
	argoFile = `apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-cm}
data:
  url: PUBLIC
  oidc.config: |
    name: Okta
    issuer: ISSUER
    clientID: CLIENT
    clientSecret: $oidc.okta.clientSecret
    requestedScopes: ["openid", "profile", "email"]
    enablePKCEAuthentication: true
---
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-rbac-cm}
data:
  policy.csv: g, ONE_STS_ADMIN, role:admin
  scopes: '[roles]'
`
	apacheFile = `OIDCProviderMetadataURL ISSUER/.well-known/openid-configuration
OIDCClientID CLIENT
OIDCClientSecret SECRET
OIDCRedirectURI PUBLIC/.apisix/redirect
OIDCScope "openid profile email"
OIDCPKCEMethod S256
RequestHeader set Authorization "Bearer %{OIDC_access_token}e"
`
)

// gatewayFaults are seen in a gateway's file, alone or beside what Okta says.
var gatewayFaults = []injected{
	{row: 8, want: "redirect-varies", name: "APISIX without redirect_uri", inject: apisixFile("redirect_uri: \""+callback+"\"", "realm: x")},
	{row: 8, want: "redirect-varies", name: "the same, offline", inject: with(apisixFile("redirect_uri: \""+callback+"\"", "realm: x"), offline)},
	{row: 7, want: "redirect-uri", name: "APISIX's redirect_uri not registered", inject: apisixFile(callback, publicURL+"/.apisix/redirect2")},
	{row: 9, want: "session-lost", name: "APISIX's redirect_uri on another host", inject: with(apisixFile("redirect_uri: \""+callback, "redirect_uri: \"http://localhost:9999/.apisix/redirect"), func(b *bed) {
		b.app(redirects, []string{"http://localhost:9999/.apisix/redirect"})
	})},
	{row: 9, want: "session-lost", name: "APISIX without session.secret", inject: apisixFile(`secret: "$env://OIDC_SESSION_SECRET"`, "cookie_path: /")},
	{row: 9, want: "session-lost", name: "APISIX's redirect_uri is a page", inject: with(apisixFile("uri: /*", "uris: [/.apisix/redirect]"), offline)},
	{row: 9, want: "session-lost", name: "APISIX's error, with a short secret", inject: with(apisixFile(`$env://OIDC_SESSION_SECRET`, "short"), says("request to the redirect_uri path but there's no session state found"))},
	{row: 9, want: "session-lost", name: "APISIX's cookie is strict", inject: apisixFile("cookie_same_site: Lax", "cookie_same_site: Strict")},
	{row: 9, want: "session-lost", name: "APISIX's cookie is secure, on http", inject: with(apisixFile("cookie_secure: false", "cookie_secure: true"), offline)},
	{row: 13, want: "token-not-passed", name: "APISIX without the access token", inject: apisixFile("set_access_token_header: true", "set_access_token_header: false")},
	{row: 13, want: "token-not-passed", name: "OAuth2-Proxy with the ID token", near: "swapped", inject: func(b *bed) {
		proxyFile("pass_access_token = true", "")(b)
		b.in.Gateway = append(b.in.Gateway, "--pass-authorization-header=true\n"...) // flags go before the file
	}},
	{row: 13, want: "token-not-passed", name: "OAuth2-Proxy's alpha file with the ID token", near: "swapped", inject: with(changed(config.ModeOAuth2Proxy, gateway.FormatAlpha, "claim: access_token", "claim: id_token"), offline)},
	{row: 12, want: "org-issuer", name: "APISIX at the organisation's own server", inject: apisixFile("/oauth2/default/.well-known", "/.well-known")},
	{row: 17, want: "issuer-differs", name: "OAuth2-Proxy's issuer with a slash", near: "slash", inject: proxyFile(`/oauth2/default"`, `/oauth2/default/"`)},
	{row: 17, want: "gateway-issuer", name: "Portico's issuer is another than the gateway's, offline", near: "slash", inject: with(apisixFile("use_nonce: true", "use_nonce: false"), offline, func(b *bed) {
		b.in.Config.STS.IAM.TokenValidation.Iss += "/"
	})},
	{row: 18, want: "issuer-not-found", name: "APISIX's discovery of a mistyped server", inject: apisixFile("/oauth2/default/", "/oauth2/defaul/")},
	{row: 33, want: "pkce", name: "APISIX without PKCE", inject: apisixFile("use_pkce: true", "use_pkce: false")},
	{row: 33, want: "pkce", name: "OAuth2-Proxy without PKCE, read access", inject: with(proxyFile(`code_challenge_method = "S256"`, ""), func(b *bed) { b.okta("") })},
	{row: 33, want: "pkce", name: "Grafana without PKCE", inject: with(file(strings.Replace(grafanaFile, "use_pkce = true", "use_pkce = false", 1)), func(b *bed) {
		b.app(redirects, []string{publicURL + "/login/generic_oauth"})
	})},
	{row: 5, want: "scope-groups", name: "OAuth2-Proxy asks for groups", inject: proxyFile(`scope = "openid`, `scope = "groups openid`)},
	{row: 31, want: "groups-header", name: "OAuth2-Proxy's groups from another claim", inject: with(proxyFile("provider = \"oidc\"", "provider = \"oidc\"\nallowed_groups = [\"ONE_STS_ADMIN\"]"), offline)},
	{row: 31, want: "groups-header", name: "OAuth2-Proxy's groups not in ID tokens", inject: with(proxyFile("provider = \"oidc\"", "provider = \"oidc\"\noidc_groups_claim = \"roles\"\nallowed_groups = [\"ONE_STS_ADMIN\"]"), func(b *bed) { b.okta("") })},
	{row: 32, want: "bearer-audience", name: "OAuth2-Proxy's bearer tokens for another audience", inject: proxyFile("=api://procivis-one", "=api://default")},
	{row: 34, want: "secret", name: "Apache's secret is wrong", inject: file(strings.Replace(apacheFile, "SECRET", "wrong-wrong-wrong", 1))},
	{row: 33, want: "pkce", name: "Apache without PKCE", inject: file(strings.Replace(apacheFile, "OIDCPKCEMethod S256", "OIDCPKCEMethod none", 1))},
	{row: 7, want: "redirect-uri", name: "Apache's redirect URI in https", near: "http and https", inject: file(strings.Replace(apacheFile, "OIDCRedirectURI PUBLIC", "OIDCRedirectURI https://127.0.0.1:9999", 1))},
	{row: 46, want: "gateway-network", name: "APISIX does not trust the certificate", inject: with(apisixFile("timeout: 10", "timeout: 3"), says("failed to authenticate in openidc: accessing discovery url failed: 20: unable to get local issuer certificate"))},
	{row: 46, want: "gateway-network", name: "APISIX gives up after a second", inject: with(apisixFile("timeout: 10", "timeout: 1"), offline)},
	{row: 13, want: "token-not-passed", name: "Apache without the access token", inject: with(inMode(config.ModeBearer), file(apacheFile[:strings.Index(apacheFile, "RequestHeader")]))},
	{row: 50, want: "argo-scopes", name: "Argo CD reads another claim", inject: with(func(b *bed) { b.config() }, file(strings.Replace(argoFile, "[roles]", "[groups, email]", 1)), offline)},
	{row: 5, want: "scope-groups", name: "Argo CD asks for groups", inject: with(file(strings.Replace(argoFile, `"email"]`, `"email", "groups"]`, 1)), func(b *bed) {
		b.app(redirects, []string{publicURL + "/auth/callback"})
	})},
	{row: 51, want: "grafana-userinfo", name: "Grafana's userinfo of the organisation's server", near: "path", inject: with(file(strings.Replace(grafanaFile, "api_url = ISSUER/v1", "api_url = ORG/oauth2/v1", 1)), offline)},
	{row: 51, want: "grafana-userinfo", name: "Grafana without roles, with the error", inject: with(file(grafanaFile[:strings.Index(grafanaFile, "role_attribute_path")]), offline, says("Grafana: everybody is a Viewer only"))},
	{row: 52, want: "logout", name: "OAuth2-Proxy may not lead to Okta's sign-out", inject: with(proxyFile("whitelist_domains", "other"), offline)},
	{row: 5, want: "scope-groups", name: "Grafana's own default scopes", inject: with(file(strings.NewReplacer("scopes = openid profile email\n", "", "generic_oauth", "okta").Replace(grafanaFile)), func(b *bed) {
		b.app(redirects, []string{publicURL + "/login/okta"})
	})},
	{row: 52, want: "logout", name: "OAuth2-Proxy ends its own session only", inject: with(proxyFile("provider = \"oidc\"", "provider = \"oidc\""), offline, says("people are still signed in after /oauth2/sign_out"))},
}
