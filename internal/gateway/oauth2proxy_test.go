package gateway_test

import (
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/gateway"
)

// oauth2ProxyOptions are the options that OAuth2-Proxy documents (7.15: docs/configuration/overview.md), as far as they may
// be used here; providerOptions are those that go with --alpha-config (alpha_config.md, "Removed options").
var (
	oauth2ProxyOptions = []string{
		"redirect_url", "skip_provider_button", "email_domains", "session_store_type", "redis_connection_url", "cookie_name", "cookie_secure",
		"cookie_httponly", "cookie_samesite", "cookie_expire", "cookie_refresh", "cookie_csrf_per_request", "cookie_csrf_per_request_limit",
		"skip_auth_routes", "api_routes", "skip_jwt_bearer_tokens", "extra_jwt_issuers", "whitelist_domains",
	}
	providerOptions = []string{
		"http_address", "upstreams", "upstream_timeout", "provider", "provider_display_name", "oidc_issuer_url", "client_id", "scope",
		"code_challenge_method", "insecure_oidc_skip_nonce", "oidc_email_claim", "pass_access_token", "pass_user_headers", "pass_basic_auth",
		"pass_authorization_header", "set_xauthrequest", "skip_auth_strip_headers",
	}
)

var (
	cfgLine    = regexp.MustCompile(`^([a-z0-9_]+) = (.+)$`)
	cfgLiteral = regexp.MustCompile(`'[^']*'`)
	cfgComment = regexp.MustCompile(` # .*$`)
)

// parseCfg reads the little of TOML that is used: options of text, truth and lists of text, literal or not.
func parseCfg(t *testing.T, text string) map[string]any {
	t.Helper()
	options := map[string]any{}
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		m := cfgLine.FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("line %d is no option: %q", i+1, line)
		}
		name, value := m[1], m[2]
		if _, twice := options[name]; twice {
			t.Fatalf("line %d: %s stands twice", i+1, name)
		}
		if value == "[" { // a list over several lines
			for i++; lines[i] != "]"; i++ {
				value += lines[i]
			}
			value = strings.TrimSuffix(value, ",") + "]"
		}
		value = cfgLiteral.ReplaceAllStringFunc(value, func(literal string) string {
			quoted, _ := json.Marshal(strings.Trim(literal, "'"))
			return string(quoted)
		})
		var parsed any
		if json.Unmarshal([]byte(value), &parsed) != nil {
			if err := json.Unmarshal([]byte(cfgComment.ReplaceAllString(value, "")), &parsed); err != nil {
				t.Fatalf("line %d: %s: %v", i+1, line, err)
			}
		}
		options[name] = parsed
	}
	return options
}

func TestOAuth2Proxy(t *testing.T) {
	cfg := loaded(t, config.ModeOAuth2Proxy, `gateway: { postLogoutPath: /bye, session: { absolute: 8h } }
`)
	cfg.STS.IAM.Additional = []config.Additional{{TokenValidation: config.TokenValidation{Iss: "https://other.acme.test", Aud: "api://two"}}}
	text, err := gateway.OAuth2Proxy(cfg, gateway.Options{Upstream: "portico:9000", Redis: "redis:7000"}, "cfg")
	if err != nil {
		t.Fatal(err)
	}
	got := parseCfg(t, text)
	for option, want := range map[string]any{
		"upstreams": []any{"http://portico:9000/"}, "provider": "oidc", "oidc_issuer_url": "https://dev-12345.okta.com/oauth2/default", "client_id": "0oa1",
		"scope": "openid profile email offline_access", "code_challenge_method": "S256", "insecure_oidc_skip_nonce": false, "oidc_email_claim": "sub",
		"pass_access_token": true, "pass_user_headers": false, "pass_basic_auth": false, "pass_authorization_header": false, "set_xauthrequest": false,
		"skip_auth_strip_headers": true, "redirect_url": "https://desk.acme.test/oauth2/callback", "email_domains": []any{"*"},
		"session_store_type": "redis", "redis_connection_url": "redis://redis:7000", "cookie_name": "__Host-portico_gateway", "cookie_secure": true,
		"cookie_httponly": true, "cookie_samesite": "lax", "cookie_expire": "8h0m0s", "api_routes": []any{"^/api/"}, "skip_jwt_bearer_tokens": true,
		"extra_jwt_issuers": []any{"https://dev-12345.okta.com/oauth2/default=api://procivis-one", "https://other.acme.test=api://two"},
		"whitelist_domains": []any{"dev-12345.okta.com"},
	} {
		equal(t, option, got[option], want)
	}
	for option := range got {
		if !slices.Contains(oauth2ProxyOptions, option) && !slices.Contains(providerOptions, option) {
			t.Errorf("OAuth2-Proxy has no option %s", option)
		}
	}
}

// The two files together say what the one says, and the secret.
func TestOAuth2ProxyAlpha(t *testing.T) {
	cfg := loaded(t, config.ModeOAuth2Proxy, sharedSecret)
	core, err := gateway.OAuth2Proxy(cfg, gateway.Options{}, "core")
	if err != nil {
		t.Fatal(err)
	}
	options := parseCfg(t, core)
	for option := range options {
		if !slices.Contains(oauth2ProxyOptions, option) {
			t.Errorf("beside --alpha-config there is no option %s", option)
		}
	}
	if len(options) != len(oauth2ProxyOptions) {
		t.Errorf("expected %d options, got %d", len(oauth2ProxyOptions), len(options))
	}
	alpha, err := gateway.OAuth2Proxy(cfg, gateway.Options{}, "alpha")
	if err != nil {
		t.Fatal(err)
	}
	tree := parseYAML(t, alpha)
	equal(t, "injectRequestHeaders", tree["injectRequestHeaders"], []any{
		map[string]any{"name": "X-Forwarded-Access-Token", "values": []any{map[string]any{"claimSource": map[string]any{"claim": "access_token"}}}},
		map[string]any{"name": "X-Portico-Gateway", "values": []any{map[string]any{"secretSource": map[string]any{"fromEnv": "GATEWAY_SHARED_SECRET"}}}},
	})
	equal(t, "providers", tree["providers"], []any{map[string]any{
		"id": "okta", "provider": "oidc", "name": "Okta", "clientID": "0oa1", "clientSecret": "${OAUTH2_PROXY_CLIENT_SECRET}",
		"scope": "openid profile email offline_access", "code_challenge_method": "S256",
		"oidcConfig": map[string]any{
			"issuerURL": "https://dev-12345.okta.com/oauth2/default", "insecureSkipNonce": false, "emailClaim": "sub", "audienceClaims": []any{"aud"},
		},
	}})
	equal(t, "uri", first(tree, "uri"), "http://127.0.0.1:8080/")
}

// What needs no sign-in is exactly that.
func TestOAuth2ProxySkipsTheSignIn(t *testing.T) {
	text, err := gateway.OAuth2Proxy(loaded(t, config.ModeOAuth2Proxy, ""), gateway.Options{}, "cfg")
	if err != nil {
		t.Fatal(err)
	}
	open := func(method, path string) bool {
		return slices.ContainsFunc(parseCfg(t, text)["skip_auth_routes"].([]any), func(route any) bool {
			only, pattern, limited := strings.Cut(route.(string), "=")
			if !limited {
				only, pattern = method, route.(string)
			}
			return only == method && regexp.MustCompile(pattern).MatchString(path)
		})
	}
	for request, want := range map[string]bool{
		"GET /.well-known/jwks.json": true, "GET /.well-known/oauth-authorization-server": true, "GET /.well-known/oauth-protected-resource": true, "GET /ssi/ca/1": true, "POST /ssi/openid4vci/final-1.0/1/token": true,
		"GET /.well-known/openid-credential-issuer/ssi/openid4vci/final-1.0/1/2": true, "POST /api/sts/token/v1": true, "GET /assets/desk.css": true,
		"GET /": false, "GET /roles": false, "GET /api/user/v1/me": false, "GET /api/sts/token/v1": false, "POST /api/sts/token/v1/x": false, "GET /api/ssi/x": false,
		"GET /.well-known/jwks.jsonx": false, "GET /x/.well-known/jwks.json": false, "POST /assets/x": false, "GET /.well-knownxjwks.json": false, "GET /logout": false,
	} {
		method, path, _ := strings.Cut(request, " ")
		if open(method, path) != want {
			t.Errorf("%s: expected open to be %v", request, want)
		}
	}
}

func TestOAuth2ProxySignOut(t *testing.T) {
	for rule, c := range map[string]struct{ endSession, want string }{
		"Okta's":                 {"https://acme.okta.test/oauth2/default/v1/logout", "https://acme.okta.test/oauth2/default/v1/logout?id_token_hint={id_token}&post_logout_redirect_uri=https%3A%2F%2Fdesk.acme.test%2F"},
		"one with a query":       {"https://acme.okta.test/logout?x=y", "https://acme.okta.test/logout?x=y&id_token_hint={id_token}&post_logout_redirect_uri=https%3A%2F%2Fdesk.acme.test%2F"},
		"no such endpoint":       {"", "https://desk.acme.test/"},
		"one that has an umlaut": {"https://acme.okta.test/ö", "https://acme.okta.test/ö?id_token_hint={id_token}&post_logout_redirect_uri=https%3A%2F%2Fdesk.acme.test%2F"},
	} {
		u, err := url.Parse(gateway.OAuth2ProxySignOut(c.endSession, "https://desk.acme.test/"))
		if err != nil || u.Host != "" || u.Path != "/oauth2/sign_out" || len(u.Query()) != 1 {
			t.Fatalf("%s: got %s, %v", rule, u, err)
		}
		equal(t, rule, u.Query().Get("rd"), c.want) // as OAuth2-Proxy reads it
	}
}
