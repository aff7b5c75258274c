package gateway_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/gateway"
)

// apisixOptions are the plug-ins' options that APISIX documents (3.17: docs/en/latest/plugins/openid-connect.md and
// proxy-rewrite.md), as far as they may be used here.
var apisixOptions = map[string][]string{
	"openid-connect": {
		"client_id", "client_secret", "discovery", "scope", "redirect_uri", "logout_path", "post_logout_redirect_uri", "unauth_action", "timeout",
		"ssl_verify", "use_pkce", "use_nonce", "accept_unsupported_alg", "token_endpoint_auth_method", "set_access_token_header",
		"access_token_in_authorization_header", "set_id_token_header", "set_userinfo_header", "set_refresh_token_header", "session",
	},
	"session": {
		"secret", "cookie_name", "cookie_secure", "cookie_http_only", "cookie_same_site", "idling_timeout", "rolling_timeout", "absolute_timeout",
		"storage", "redis",
	},
	"redis":         {"host", "port", "username", "password", "database", "prefix", "ssl", "ssl_verify"},
	"proxy-rewrite": {"headers"},
	"headers":       {"add", "set", "remove"},
}

// routes are the routes of either form, by their name.
func routes(t *testing.T, format, text string) map[string]map[string]any {
	t.Helper()
	tree := parseYAML(t, text)
	list, name := tree["routes"], "id"
	if format == "adc" {
		list, name = tree["services"].([]any)[0].(map[string]any)["routes"], "name"
	}
	found := map[string]map[string]any{}
	for _, r := range list.([]any) {
		route := r.(map[string]any)
		found[route[name].(string)] = route
	}
	return found
}

func plugin(route map[string]any, name string) map[string]any {
	found, _ := route["plugins"].(map[string]any)[name].(map[string]any)
	return found
}

func TestAPISIX(t *testing.T) {
	cfg := loaded(t, config.ModeAPISIX, "gateway: { postLogoutPath: /bye, sharedSecret: "+canary+", session: { idle: 10m, absolute: 8h } }\n")
	for _, format := range []string{"yaml", "adc"} {
		text, err := gateway.APISIX(cfg, gateway.Options{Upstream: "portico:9000", Redis: "redis:7000"}, format)
		if err != nil {
			t.Fatal(err)
		}
		if ends := strings.HasSuffix(text, "\n#END\n"); ends != (format == "yaml") { // the standalone mode loads nothing without
			t.Errorf("%s: ends with #END: %v", format, ends)
		}
		node := first(parseYAML(t, text), "nodes").([]any)[0]
		equal(t, format+": upstream", node, map[string]any{"host": "portico", "port": 9000, "weight": 1})
		found := routes(t, format, text)
		if len(found) != 4 {
			t.Errorf("%s: expected 4 routes, got %d", format, len(found))
		}
		for name, action := range map[string]string{"portico-pages": "auth", "portico-api": "deny"} {
			oidc := plugin(found[name], "openid-connect")
			for option, want := range map[string]any{
				"discovery": "https://dev-12345.okta.com/oauth2/default/.well-known/openid-configuration", "client_id": "0oa1",
				"client_secret": "$env://OIDC_CLIENT_SECRET", "token_endpoint_auth_method": "client_secret_basic",
				"scope": "openid profile email offline_access", "redirect_uri": "https://desk.acme.test/.apisix/redirect",
				"logout_path": "/logout", "post_logout_redirect_uri": "https://desk.acme.test/bye", "unauth_action": action,
				"use_pkce": true, "use_nonce": true, "accept_unsupported_alg": false, "ssl_verify": true,
				"set_access_token_header": true, "access_token_in_authorization_header": false,
				"set_id_token_header": false, "set_userinfo_header": false, "set_refresh_token_header": false,
			} {
				equal(t, format+": "+name+": "+option, oidc[option], want)
			}
			session := oidc["session"].(map[string]any)
			for option, want := range map[string]any{
				"secret": "$env://OIDC_SESSION_SECRET", "cookie_secure": true, "cookie_http_only": true, "cookie_same_site": "Lax",
				"idling_timeout": 600, "rolling_timeout": 28800, "absolute_timeout": 28800, "storage": "redis",
			} {
				equal(t, format+": "+name+": session."+option, session[option], want)
			}
			equal(t, format+": "+name+": redis", session["redis"], map[string]any{"host": "redis", "port": 7000})
			if removed := plugin(found[name], "proxy-rewrite")["headers"].(map[string]any)["remove"].([]any); !slices.Contains(removed, "Authorization") || slices.Contains(removed, "X-Access-Token") {
				t.Errorf("%s: %s: a client's own Authorization must go, the plug-in's X-Access-Token stay: %v", format, name, removed)
			}
		}
		for _, name := range []string{"portico-open", "portico-bearer"} {
			if plugin(found[name], "openid-connect") != nil {
				t.Errorf("%s: %s asks for a sign-in", format, name)
			}
			if removed := plugin(found[name], "proxy-rewrite")["headers"].(map[string]any)["remove"].([]any); !slices.Contains(removed, "X-Access-Token") || slices.Contains(removed, "Authorization") {
				t.Errorf("%s: %s: a client's own X-Access-Token must go, its Authorization stay: %v", format, name, removed)
			}
		}
		for name, route := range found {
			equal(t, format+": "+name+": the shared secret", plugin(route, "proxy-rewrite")["headers"].(map[string]any)["set"], map[string]any{"X-Portico-Gateway": "$env://GATEWAY_SHARED_SECRET"})
		}
		open := found["portico-open"]["uris"].([]any)
		for _, path := range []string{"/.well-known/jwks.json", "/ssi/*", "/.well-known/openid-credential-issuer/*", "/api/sts/token/v1"} {
			if !slices.Contains(open, any(path)) {
				t.Errorf("%s: %s is not open: %v", format, path, open)
			}
		}
		for _, path := range open {
			if path == "/*" || path == "/api/*" {
				t.Errorf("%s: %s is open", format, path)
			}
		}
	}
}

func TestAPISIXUsesOnlyWhatIsDocumented(t *testing.T) {
	var check func(section string, tree map[string]any)
	check = func(section string, tree map[string]any) {
		for key, value := range tree {
			if allowed, known := apisixOptions[section]; known && !slices.Contains(allowed, key) {
				t.Errorf("%s has no option %s", section, key)
			}
			if child, ok := value.(map[string]any); ok {
				check(key, child)
			}
		}
	}
	for _, format := range []string{"yaml", "adc"} {
		text, err := gateway.APISIX(loaded(t, config.ModeAPISIX, ""), gateway.Options{}, format)
		if err != nil {
			t.Fatal(err)
		}
		for _, route := range routes(t, format, text) {
			check("plugins", route["plugins"].(map[string]any))
		}
	}
}

// On this machine there is no TLS, and who listens everywhere is reached here.
func TestAPISIXOnLoopback(t *testing.T) {
	cfg := loaded(t, config.ModeAPISIX, "")
	cfg.Server.PublicURL, cfg.Server.Listen = "http://localhost:9080", ":8080"
	text, err := gateway.APISIX(cfg, gateway.Options{}, "yaml")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "cookie_secure", first(parseYAML(t, text), "cookie_secure"), false)
	equal(t, "host", first(parseYAML(t, text), "nodes").([]any)[0].(map[string]any)["host"], "127.0.0.1")
	if strings.Contains(text, "certificate") {
		t.Error("it speaks of certificates")
	}
}
