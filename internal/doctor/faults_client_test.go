package doctor_test

import (
	"net/http"
	"time"

	"github.com/portico-iam/portico/internal/config"
)

const (
	redirects = "settings.oauthClient.redirect_uris"
	logouts   = "settings.oauthClient.post_logout_redirect_uris"
	grants    = "settings.oauthClient.grant_types"
)

func deactivate(b *bed, path string) { b.call(http.MethodPost, path+"/lifecycle/deactivate", nil) }

// clientFaults are of the application and of how we are its client: each seen without credentials, or with read access.
var clientFaults = []injected{
	{row: 34, want: "client-unknown", name: "client id of nobody", inject: func(b *bed) { b.config(func(c *config.Config) { c.IAM.ClientID = "0oaNobody00000000000" }) }},
	{row: 34, want: "client-unknown", name: "client id with a letter's case changed, read access", near: "case", inject: func(b *bed) {
		b.config(func(c *config.Config) { c.IAM.ClientID = swapCase(c.IAM.ClientID) }).okta("")
	}},
	{row: 34, want: "secret", name: "wrong secret", inject: func(b *bed) { b.config(func(c *config.Config) { c.IAM.ClientSecret = "wrong-wrong-wrong" }) }},
	{row: 34, want: "secret", name: "secret with a blank behind it", near: "blanks", inject: func(b *bed) { b.config(func(c *config.Config) { c.IAM.ClientSecret += " " }) }},
	{row: 34, want: "secret", name: "rotated secret", inject: func(b *bed) {
		path := "/api/v1/apps/" + b.World().WebClient.ID + "/credentials/secrets"
		old := b.call(http.MethodGet, path, nil)
		b.post(path, object{})
		deactivate(b, path+"/"+first(old))
		b.config()
	}},
	{row: 34, want: "auth-method", name: "application has client_secret_post, where the secret is not known", inject: func(b *bed) {
		b.app("credentials.oauthClient.token_endpoint_auth_method", "client_secret_post")
		b.config(func(c *config.Config) { c.Gateway.Mode = config.ModeAPISIX }).okta("")
		ourAPISIX(b, "yaml")
	}},
	{row: 20, want: "app-inactive", name: "application inactive", inject: func(b *bed) { b.config().okta(""); deactivate(b, "/api/v1/apps/"+b.World().WebClient.ID) }},
	{row: 40, want: "dpop", name: "application requires DPoP", inject: func(b *bed) { b.app("settings.oauthClient.dpop_bound_access_tokens", true); b.config().okta("") }},
	{row: 40, want: "dpop", name: "application requires DPoP, without credentials", inject: func(b *bed) { b.app("settings.oauthClient.dpop_bound_access_tokens", true); b.config() }},
	{row: 36, want: "grant-missing", name: "application without the code grant", inject: func(b *bed) {
		b.app(grants, []string{"refresh_token", "implicit"}, "settings.oauthClient.response_types", []string{"id_token"})
		b.config().okta("")
	}},
	{row: 36, want: "grant-missing", name: "application without the code grant, without credentials", inject: func(b *bed) {
		b.app(grants, []string{"refresh_token", "implicit"}, "settings.oauthClient.response_types", []string{"id_token"})
		b.config()
	}},
	{row: 37, want: "refresh-grant", name: "application without refresh tokens", inject: func(b *bed) { b.app(grants, []string{"authorization_code"}); b.config().okta("") }},
	{row: 37, want: "refresh-grant", name: "application without refresh tokens, without credentials", inject: func(b *bed) { b.app(grants, []string{"authorization_code"}); b.config() }},
	{row: 37, want: "no-refresh", name: "no offline_access", inject: func(b *bed) { b.config(func(c *config.Config) { c.IAM.Scopes = []string{"openid", "profile"} }) }},
	{row: 7, want: "redirect-uri", name: "slash at the end registered", near: "slash", inject: func(b *bed) { b.app(redirects, []string{callback + "/"}); b.config() }},
	{row: 7, want: "redirect-uri", name: "https registered", near: "http and https", inject: func(b *bed) {
		b.app(redirects, []string{"https://127.0.0.1:9999/.apisix/redirect"})
		b.config().okta("")
	}},
	{row: 7, want: "redirect-uri", name: "another port registered", near: "port", inject: func(b *bed) {
		b.app(redirects, []string{"http://127.0.0.1:8080/.apisix/redirect"})
		b.config().okta("")
	}},
	{row: 7, want: "redirect-uri", name: "another case registered", near: "case", inject: func(b *bed) { b.app(redirects, []string{publicURL + "/.APISIX/redirect"}); b.config().okta("") }},
	{row: 7, want: "redirect-uri", name: "another gateway's path registered", near: "path", inject: func(b *bed) { b.app(redirects, []string{publicURL + "/oauth2/callback"}); b.config() }},
	{row: 7, want: "redirect-uri", name: "in the wrong list", inject: func(b *bed) {
		b.app(redirects, []string{"http://elsewhere.test/"}, logouts, []string{callback, publicURL + "/"})
		b.config().okta("")
	}},
	{row: 10, want: "logout-uri", name: "sign-out address not registered", inject: func(b *bed) { b.app(logouts, []string{}); b.config().okta("") }},
	{row: 10, want: "logout-uri", name: "sign-out address without its slash", near: "slash", inject: func(b *bed) { b.app(logouts, []string{publicURL}); b.config().okta("") }},
	{row: 5, want: "scope-groups", name: "groups asked for", inject: func(b *bed) {
		b.config(func(c *config.Config) { c.IAM.Scopes = append(c.IAM.Scopes, "groups") })
	}},
	{row: 5, want: "scope-groups", name: "groups asked for, read access", inject: func(b *bed) {
		b.config(func(c *config.Config) { c.IAM.Scopes = append(c.IAM.Scopes, "groups") }).okta("")
	}},
	{row: 6, want: "scope-unknown", name: "a misspelt scope", near: "one.api", inject: func(b *bed) {
		b.config(func(c *config.Config) { c.IAM.Scopes = append(c.IAM.Scopes, "one-api") })
	}},
	{row: 6, want: "scope-unknown", name: "a scope in capitals, read access", near: "one.api", inject: func(b *bed) {
		b.config(func(c *config.Config) { c.IAM.Scopes = append(c.IAM.Scopes, "ONE.api") }).okta("")
	}},
	{row: 38, want: "refresh-reuse", name: "a refresh token used twice", inject: func(b *bed) {
		b.config().okta("")
		token := part(b.signIn(ada), "refresh_token")
		b.refresh(token)
		b.SetClockSkew(40 * time.Second) // past the grace of 30
		b.refresh(token)
	}},
	{row: 38, want: "refresh-reuse", name: "rotation without grace", inject: func(b *bed) {
		b.app("settings.oauthClient.refresh_token", object{"rotation_type": "ROTATE", "leeway": 0})
		b.config().okta("")
	}},
	{row: 34, want: "auth-method", name: "application has private_key_jwt", inject: func(b *bed) {
		jwks := b.read("/api/v1/apps/" + b.World().SetupApp.ClientID).at("settings.oauthClient.jwks")
		b.app("credentials.oauthClient.token_endpoint_auth_method", "private_key_jwt", "settings.oauthClient.jwks", jwks)
		b.config().okta("")
	}},
	{row: 49, want: "told-mfa", name: "the sign-on policy of new applications", inject: func(b *bed) { b.config().okta(""); b.in.Error = "Okta: Any two factors required" }},
}

func swapCase(s string) string {
	for i, r := range s {
		if r >= 'a' && r <= 'z' && i > 3 {
			return s[:i] + string(r-'a'+'A') + s[i+1:]
		}
	}
	return s
}
