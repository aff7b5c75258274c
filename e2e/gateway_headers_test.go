package e2e

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/config"
)

// behind is a development Portico in a mode.
func behind(mode string, more func(*config.Config)) func(*config.Config) {
	return func(c *config.Config) {
		c.Gateway.Mode = mode
		if more != nil {
			more(c)
		}
	}
}

// TestGatewayDocumentedHeaders sends what each product documents that it sends.
func TestGatewayDocumentedHeaders(t *testing.T) {
	const batch = `"iamRoles":["Acme Batch"]`
	identity := base64.StdEncoding.EncodeToString([]byte(`{"sub":"ada@acme.test","roles":["ONE_STS_ADMIN"]}`))
	for mode, products := range map[string]map[string]struct {
		headers func(token, idToken string) []string
		status  int
	}{
		config.ModeAPISIX: {
			// docs/en/latest/plugins/openid-connect.md
			"set_access_token_header":              {func(token, _ string) []string { return []string{"X-Access-Token", token} }, 200},
			"access_token_in_authorization_header": {func(token, _ string) []string { return []string{"Authorization", "Bearer " + token} }, 200},
			"everything by default, and more": {func(token, id string) []string {
				return []string{"X-Access-Token", token, "X-ID-Token", identity, "X-Userinfo", identity, "X-Refresh-Token", "junk", "X-Raw-ID-Token", id}
			}, 200},
			"everything but the access token": {func(_, id string) []string {
				return []string{"X-ID-Token", identity, "X-Userinfo", identity, "X-Refresh-Token", "junk", "X-Raw-ID-Token", id}
			}, 401},
			"OAuth2-Proxy's instead": {func(token, _ string) []string { return []string{"X-Forwarded-Access-Token", token} }, 401},
		},
		config.ModeOAuth2Proxy: {
			// docs/docs/configuration/overview.md, Header Options
			"--pass-access-token": {func(token, _ string) []string { return []string{"X-Forwarded-Access-Token", token} }, 200},
			"--pass-access-token and --pass-user-headers": {func(token, _ string) []string {
				return []string{
					"X-Forwarded-Access-Token", token, "X-Forwarded-User", "ada@acme.test", "X-Forwarded-Email", "ada@acme.test",
					"X-Forwarded-Groups", "ONE_STS_ADMIN", "X-Forwarded-Preferred-Username", "ada@acme.test",
				}
			}, 200},
			"--pass-user-headers alone": {func(string, string) []string {
				return []string{"X-Forwarded-User", "ada@acme.test", "X-Forwarded-Email", "ada@acme.test", "X-Forwarded-Groups", "ONE_STS_ADMIN"}
			}, 401},
			"--pass-basic-auth": {func(token, _ string) []string {
				return []string{"X-Forwarded-Access-Token", token, "Authorization", "Basic YWRhQGFjbWUudGVzdDo="}
			}, 401}, // Authorization is judged by itself
			"--pass-authorization-header": {func(_, id string) []string { return []string{"Authorization", "Bearer " + id} }, 401}, // the ID token
			"--skip-jwt-bearer-tokens": {func(token, _ string) []string {
				return []string{"X-Forwarded-Access-Token", token, "Authorization", "Bearer " + token}
			}, 200},
			"--set-xauthrequest, copied by nginx": {func(token, _ string) []string {
				return []string{"X-Auth-Request-Access-Token", token, "X-Auth-Request-User", "ada@acme.test", "X-Auth-Request-Groups", "ONE_STS_ADMIN"}
			}, 401},
			"APISIX's instead": {func(token, _ string) []string { return []string{"X-Access-Token", token} }, 401},
		},
	} {
		t.Run(mode, func(t *testing.T) {
			p := start(t, behind(mode, nil))
			token, idToken := serviceToken(t, p, 0), idTokenOf(t, p)
			for product, c := range products {
				b := p.browser()
				req := b.request(http.MethodGet, "/api/user/v1/me", nil)
				headers := c.headers(token, idToken)
				for i := 0; i < len(headers); i += 2 {
					req.Header.Set(headers[i], headers[i+1])
				}
				got := b.do(req)
				if got.status != c.status || (got.status == http.StatusOK) != strings.Contains(got.body, batch) || strings.Contains(got.body, "ONE_STS_ADMIN") {
					t.Errorf("%s: expected %d, got %d %s", product, c.status, got.status, got.body)
				}
			}
		})
	}
}

// idTokenOf is an ID token of Ada's for the web application, as gateways hold it.
func idTokenOf(t *testing.T, p *portico) string {
	t.Helper()
	b := p.browser().steps()
	redirect := p.Info.PublicURL + "/.apisix/redirect"
	authorize := p.Info.Issuer + "/v1/authorize?" + url.Values{
		"client_id": {p.Info.WebClient.ClientID}, "response_type": {"code"}, "scope": {"openid"}, "redirect_uri": {redirect}, "state": {"s"}, "nonce": {"n"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"}, // RFC 7636 appendix B
	}.Encode()
	answer := b.open(authorize)
	for range 5 { // to the sign-in page, and from there to the redirect URI
		switch location := answer.header.Get("Location"); {
		case strings.HasPrefix(location, redirect):
			return redeemed(t, p, mustURL(t, location).Query().Get("code"), redirect)
		case location != "":
			next, err := answer.url.Parse(location)
			if err != nil {
				t.Fatal(err)
			}
			answer = b.open(next.String())
		default:
			answer = b.submitCredentials(answer, "ada@acme.test", "portico-dev")
		}
	}
	t.Fatalf("no code from Okta: %d at %s", answer.status, answer.url)
	return ""
}

func redeemed(t *testing.T, p *portico, code, redirect string) string {
	t.Helper()
	req, _ := http.NewRequest("POST", p.Info.Issuer+"/v1/token", strings.NewReader(url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirect}, "code_verifier": {"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"},
	}.Encode()))
	req.SetBasicAuth(p.Info.WebClient.ClientID, p.Info.WebClient.ClientSecret)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	var tokens struct {
		IDToken string `json:"id_token"`
	}
	reply := p.browser().do(req)
	if err := json.Unmarshal([]byte(reply.body), &tokens); err != nil || tokens.IDToken == "" {
		t.Fatalf("no ID token: %d %s", reply.status, reply.body)
	}
	return tokens.IDToken
}

// TestGatewayAround: where the gateway's addresses or a secret are configured, a good token elsewhere is refused; what
// needs no sign-in stays open.
func TestGatewayAround(t *testing.T) {
	secret := strings.Repeat("c0ffee", 8)
	loopback, elsewhere := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for rule, c := range map[string]struct {
		mode    string
		secret  string
		trusted []netip.Prefix
		sent    string
		want    int
	}{
		"nothing is configured":           {config.ModeAPISIX, "", nil, "", 200},
		"from the gateway":                {config.ModeAPISIX, "", loopback, "", 200},
		"from elsewhere":                  {config.ModeAPISIX, "", elsewhere, "", 403},
		"from elsewhere, OAuth2-Proxy":    {config.ModeOAuth2Proxy, "", elsewhere, "", 403},
		"from elsewhere, bearer":          {config.ModeBearer, "", elsewhere, "", 200},
		"from elsewhere, built in":        {config.ModeBuiltin, "", elsewhere, "", 200},
		"with the secret":                 {config.ModeOAuth2Proxy, secret, nil, secret, 200},
		"without the secret":              {config.ModeOAuth2Proxy, secret, loopback, "", 403},
		"with another":                    {config.ModeBearer, secret, nil, secret + "0", 403},
		"with the secret, from elsewhere": {config.ModeAPISIX, secret, elsewhere, secret, 403},
	} {
		t.Run(rule, func(t *testing.T) {
			p := start(t, behind(c.mode, func(cfg *config.Config) {
				cfg.Gateway.SharedSecret, cfg.Server.TrustedProxies = config.Secret(c.secret), c.trusted
			}))
			token := serviceToken(t, p, 0)
			get := func(path, accept string) answer {
				b := p.browser()
				req := b.request(http.MethodGet, path, nil)
				req.Header.Set("Authorization", "Bearer "+token)
				req.Header.Set("Accept", accept)
				if c.sent != "" {
					req.Header.Set("X-Portico-Gateway", c.sent)
				}
				return b.do(req)
			}
			api, page := get("/api/user/v1/me", "*/*"), get("/", "text/html")
			mustStatus(t, api, c.want)
			mustStatus(t, page, c.want)
			if c.want == http.StatusForbidden {
				if !strings.Contains(api.body, `"code":"PT_0019"`) || !strings.Contains(page.body, "did not come through the gateway") {
					t.Errorf("it does not say why: %s\n%.500s", api.body, page.body)
				}
				exchange := p.browser().post("/api/sts/token/v1", "application/x-www-form-urlencoded", "grant_type=x")
				mustStatus(t, exchange, http.StatusForbidden)
				if !strings.Contains(exchange.body, `{"error":"invalid_request","error_description":"`) {
					t.Errorf("an OAuth client can't read it: %s", exchange.body)
				}
			}
			for _, open := range []string{"/.well-known/jwks.json", "/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource"} {
				mustStatus(t, p.browser().open(open), http.StatusOK)
			}
			if got := p.browser().open("/ssi/ca/" + acmeID); got.status == http.StatusForbidden || got.status == http.StatusUnauthorized {
				t.Errorf("wallets are refused: %d", got.status)
			}
			if c.secret != "" && strings.Contains(p.logs.String(), c.secret) {
				t.Error("the secret is in the log")
			}
		})
	}
}

// TestGatewaySignOut: the Desk's "Sign out" leads to where the gateway signs out.
func TestGatewaySignOut(t *testing.T) {
	for rule, c := range map[string]struct {
		mode, path string
		status     int
		want       func(p *portico) string
	}{
		"OAuth2-Proxy, and Okta after it": {config.ModeOAuth2Proxy, "", 303, func(p *portico) string {
			end := p.Info.Issuer + "/v1/logout?id_token_hint={id_token}&post_logout_redirect_uri=" + url.QueryEscape(p.Info.PublicURL+"/")
			return "/oauth2/sign_out?rd=" + url.QueryEscape(end)
		}},
		"what is configured": {config.ModeBearer, "/oidc?logout=https%3A%2F%2Fdesk.acme.test%2F", 303, func(*portico) string {
			return "/oidc?logout=https%3A%2F%2Fdesk.acme.test%2F"
		}},
		"APISIX did not take it": {config.ModeAPISIX, "", 404, nil},
		"nobody said where":      {config.ModeBearer, "", 404, nil},
	} {
		t.Run(rule, func(t *testing.T) {
			p := start(t, behind(c.mode, func(cfg *config.Config) { cfg.Gateway.LogoutPath = c.path }))
			for _, got := range []answer{p.browser().steps().submit("/logout", nil), p.browser().steps().open("/logout")} {
				mustStatus(t, got, c.status)
				if c.want == nil {
					got.mustContain(t, "gateway.logoutPath", "You are still signed in")
				} else if location := got.header.Get("Location"); location != c.want(p) {
					t.Errorf("expected %s, got %s", c.want(p), location)
				}
				if policy := got.header.Get("Content-Security-Policy"); c.want == nil && !strings.Contains(policy, "form-action 'self' "+p.Info.OktaURL) {
					t.Errorf("the way to Okta is closed: %s", policy)
				}
			}
			req := p.browser().request(http.MethodGet, "/logout", nil)
			req.Header.Set("Sec-Fetch-Site", "cross-site")
			if got := p.browser().steps().do(req); got.status != http.StatusOK || !strings.Contains(got.body, "Another site asked to sign you out.") {
				t.Errorf("another site's link: expected a question, got %d %.300s", got.status, got.body)
			}
		})
	}
}
