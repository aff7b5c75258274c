package e2e

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/devokta"
)

// oktaOrg is Okta without API Access Management: thin ID tokens, access tokens for Okta alone, groups in userinfo.
func oktaOrg() shape {
	return shape{
		scopes: []string{"openid", "profile", "email", "address", "phone", "offline_access", "groups"},
		id: func(_ *fakeProvider, who string) object {
			return object{"ver": 1, "jti": "ID." + who, "amr": []string{"pwd"}, "idp": "00o1", "name": title1(who), "preferred_username": who + "@acme.test"}
		},
		access: func(p *fakeProvider, who string) string {
			return p.sign(object{"ver": 1, "iss": p.issuer, "aud": p.issuer, "sub": who + "@acme.test", "exp": p.now().Add(time.Hour).Unix(), "groups": []string{"ONE_STS_ADMIN"}},
				object{"kid": "unpublished", "typ": "application/okta-internal-at+jwt"})
		},
		userinfo: func(p *fakeProvider, who string) object {
			info := object{"given_name": title1(who), "family_name": "Acme", "preferred_username": who + "@acme.test"}
			if roles := p.roles[who]; len(roles) > 0 { // a claim without a value is dropped
				info["groups"] = roles
			}
			return info
		},
	}
}

// title1 is a name as people write it.
func title1(who string) string { return strings.ToUpper(who[:1]) + who[1:] }

// startWith runs a Portico whose people sign in at p, by their ID tokens.
func startWith(t *testing.T, p *fakeProvider) *portico {
	t.Helper()
	return start(t, p.configure)
}

// configure is what docs/providers.md says for Okta's org authorization server.
func (p *fakeProvider) configure(c *config.Config) {
	p.clientID, p.secret, p.callback = c.IAM.ClientID, c.IAM.ClientSecret.Reveal(), c.Server.PublicURL+c.Gateway.CallbackPath
	c.IAM.Issuer, c.IAM.DiscoveryURL, c.IAM.TokenSource = p.issuer, "", config.SourceIDToken
	c.IAM.Scopes = []string{"openid", "profile", "email", "groups", "offline_access"}
	c.STS.IAM.TokenValidation.Aud, c.STS.IAM.RolePath = "", "groups"
}

// bearer is a call with a token, without any cookie.
func (p *portico) bearer(method, path, token string) answer {
	b := p.browser()
	req := b.request(method, path, nil)
	req.Header.Set("Authorization", "Bearer "+token)
	return b.do(req)
}

// TestIDToken_Story: where custom authorization servers are not licensed, people sign in, are granted what their groups are
// mapped to, and sign out at Okta too.
func TestIDToken_Story(t *testing.T) {
	okta := newProvider(t, oktaOrg())
	p := startWith(t, okta)
	okta.signsIn("ada")
	ada := p.browser()
	ada.open("/").mustContain(t, "Ada Acme", "ONE_STS_ADMIN")
	organisation := ada.create("/api/organisation/v1", map[string]any{"name": "Acme"})
	role := ada.create("/api/sts/role/v1", map[string]any{"name": "Issuer", "permissions": []string{"CREDENTIAL_ISSUE", "HISTORY_LIST"}})
	ada.mayEverywhere("Acme Issuance", role, organisation)

	okta.signsIn("ivan")
	ivan := p.browser()
	ivan.open("/").mustContain(t, "Ivan Acme", "Issue credentials")
	mustStatus(t, ivan.call("GET", "/api/history/v1", nil, nil), http.StatusOK)
	mustStatus(t, ivan.call("GET", "/api/key/v1", nil, nil), http.StatusForbidden)
	mustStatus(t, ivan.call("GET", "/api/sts/role/v1", nil, nil), http.StatusForbidden)
	okta.signsIn("nora") // in no group: no claim at all
	nora := p.browser()
	nora.open("/").mustContain(t, "Nora Acme")
	nora.call("GET", "/api/history/v1", nil, nil).mustContain(t, "Your sign-in carries no groups")

	hint := okta.issued("id_token")
	nora.open("/logout").mustContain(t, "You are signed out")
	if len(okta.endings) != 1 || okta.endings[0].Get("id_token_hint") != hint || okta.endings[0].Get("post_logout_redirect_uri") != p.Info.PublicURL+"/" {
		t.Errorf("the sign-in at Okta did not end: %d endings", len(okta.endings))
	}
	mustStatus(t, nora.call("GET", "/api/user/v1/me", nil, nil), http.StatusUnauthorized)
}

// TestIDToken_ARefreshReplacesTheGroups, with a fresh ID token or with userinfo alone; and a rotated refresh token survives
// a userinfo that is away.
func TestIDToken_ARefreshReplacesTheGroups(t *testing.T) {
	for rule, refresh := range map[string]func(*fakeProvider, object) object{
		"a fresh ID token": nil,
		"none": func(_ *fakeProvider, answer object) object {
			return merged(answer, object{"id_token": nil})
		},
	} {
		t.Run(rule, func(t *testing.T) {
			s := oktaOrg()
			s.refresh = refresh
			okta := newProvider(t, s)
			p := startWith(t, okta)
			okta.now = func() time.Time { return time.Now().Add(time.Duration(p.late.Load())) }
			okta.signsIn("ada")
			ada := p.browser()
			ada.open("/")
			// later is the next use, after so long, in steps that keep the session from being idle.
			later := func(d time.Duration) answer {
				for ; d > 20*time.Minute; d -= 20 * time.Minute {
					p.advance(20 * time.Minute)
					ada.call("GET", "/api/user/v1/me", nil, nil)
				}
				p.advance(d)
				return ada.call("GET", "/api/sts/role/v1", nil, nil)
			}
			mustStatus(t, later(58*time.Minute), http.StatusOK)
			okta.set(func() { okta.roles["ada"] = nil; okta.away = true })
			mustStatus(t, later(3*time.Minute), http.StatusServiceUnavailable) // the roles have ended, and nobody can renew them
			okta.set(func() { okta.away = false })
			mustStatus(t, later(time.Minute), http.StatusForbidden)
			mustStatus(t, ada.call("GET", "/api/user/v1/me", nil, nil), http.StatusOK) // the session itself goes on
			okta.set(func() { okta.roles["ada"] = []string{"ONE_STS_ADMIN"} })
			mustStatus(t, later(time.Hour), http.StatusOK)
		})
	}
}

// TestIDToken_NoBearerToken: nothing that the provider issues opens the API; who tries learns why.
func TestIDToken_NoBearerToken(t *testing.T) {
	okta := newProvider(t, oktaOrg())
	p := startWith(t, okta)
	okta.signsIn("ada")
	p.browser().open("/").mustContain(t, "ONE_STS_ADMIN")
	for rule, c := range map[string]struct{ token, why string }{
		"the ID token":     {okta.issued("id_token"), "count for the sign-in alone"},
		"the access token": {okta.issued("access_token"), "org authorization server"},
	} {
		got := p.bearer("GET", "/api/sts/role/v1", c.token)
		mustStatus(t, got, http.StatusUnauthorized)
		got.mustContain(t, c.why)
		for _, kind := range []string{"id_token", "access_token", "jwt"} {
			got := p.browser().submit("/api/sts/token/v1", url.Values{
				"grant_type":    {"urn:ietf:params:oauth:grant-type:token-exchange"},
				"subject_token": {c.token}, "subject_token_type": {"urn:ietf:params:oauth:token-type:" + kind},
			})
			if got.status != http.StatusBadRequest || strings.Contains(got.body, "issued_token_type") {
				t.Errorf("%s exchanged as %s: %d %s", rule, kind, got.status, got.body)
			}
		}
	}
}

// TestIDToken_SignInsThatFail say so, and leave no session.
func TestIDToken_SignInsThatFail(t *testing.T) {
	for rule, c := range map[string]struct {
		change func(*fakeProvider)
		status int
	}{
		"userinfo is about somebody else": {func(p *fakeProvider) {
			p.userinfo = func(*fakeProvider, string) object {
				return object{"sub": "id-eve", "groups": []string{"ONE_STS_ADMIN"}}
			}
		}, http.StatusBadGateway},
		"userinfo is away":            {func(p *fakeProvider) { p.away = true }, http.StatusBadGateway},
		"another client's ID token":   {func(p *fakeProvider) { p.id = func(*fakeProvider, string) object { return object{"aud": "other"} } }, http.StatusBadGateway},
		"no ID token":                 {func(p *fakeProvider) { p.answer = object{"id_token": nil} }, http.StatusBadGateway},
		"another sign-in's nonce":     {func(p *fakeProvider) { p.id = func(*fakeProvider, string) object { return object{"nonce": "x"} } }, http.StatusBadGateway},
		"an access token that is not": {func(p *fakeProvider) { p.answer = object{"token_type": "DPoP"} }, http.StatusBadGateway},
	} {
		t.Run(rule, func(t *testing.T) {
			okta := newProvider(t, oktaOrg())
			p := startWith(t, okta)
			okta.signsIn("ada")
			c.change(okta)
			b := p.browser()
			got := b.open("/")
			mustStatus(t, got, c.status)
			if b.cookie(sessionCookie) != "" || strings.Contains(got.body, "eyJ") || strings.Contains(p.logs.String(), "eyJ") {
				t.Errorf("a session, or a token that is shown: %s", got.body)
			}
		})
	}
}

// TestIDToken_DevelopmentOkta: the recipe, beside the development Okta as an organisation without API Access Management.
func TestIDToken_DevelopmentOkta(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	own, admin := freePorts(t)
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	okta, err := devokta.New(devokta.Config{
		PublicURL: "http://localhost:" + port, Profile: "unlicensed",
		WebRedirectURIs: []string{"http://" + own + "/.apisix/redirect"}, WebLogoutURIs: []string{"http://" + own + "/"},
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(okta.Handler())
	server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(func() {
		server.Close()
		if err := okta.Close(); err != nil {
			t.Error(err)
		}
	})
	world := okta.World()
	folder, _ := prepareRecipe(t, recipes(t)["Okta without API Access Management"], world.WebClient.Secret)
	t.Setenv("PORTICO_iam__clientId", world.WebClient.ID)
	p := serveRecipe(t, folder, own, admin, world.Issuer)

	ada := browserAt(t, p.publicURL)
	ada.signIn("/", "ada@acme.test").mustContain(t, "Ada Admin", "ONE_STS_ADMIN")
	organisation := ada.create("/api/organisation/v1", map[string]any{"name": "Acme"})
	role := ada.create("/api/sts/role/v1", map[string]any{"name": "Auditor", "permissions": []string{"HISTORY_LIST"}})
	ada.mayEverywhere("Acme Audit", role, organisation)
	otto := browserAt(t, p.publicURL)
	otto.signIn("/", "otto@acme.test").mustContain(t, "Otto Auditor")
	mustStatus(t, otto.call("GET", "/api/history/v1", nil, nil), http.StatusOK)
	mustStatus(t, otto.call("GET", "/api/key/v1", nil, nil), http.StatusForbidden)
	// The sign-in at Okta ends too: its page asks for the password again.
	otto.open("/logout").mustContain(t, "You are signed out")
	if again := otto.open("/login"); !strings.Contains(again.body, `name="password"`) {
		t.Errorf("still signed in at Okta: %s", again.url)
	}
	p.interrupt(t)
}
