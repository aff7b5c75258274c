package doctor_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/gateway"
)

// TestNothingIsFoundWhereNothingIsWrong: a doctor that cries wolf is not asked again.
func TestNothingIsFoundWhereNothingIsWrong(t *testing.T) {
	t.Parallel()
	mode := func(m string) func(*config.Config) { return func(c *config.Config) { c.Gateway.Mode = m } }
	worlds := []struct {
		name, profile string
		make          func(*bed)
	}{
		{"only the configuration", "licensed", func(b *bed) { b.config() }},
		{"offline", "licensed", func(b *bed) { b.config(); b.in.Offline = true }},
		{"a token", "licensed", func(b *bed) { b.config(); b.in.Token = b.signIn(ada) }},
		{"a token, offline", "licensed", func(b *bed) {
			b.config()
			b.in.Token, b.in.Offline = part(b.signIn(ada), "access_token"), true
		}},
		{"a token of somebody without the bootstrap role", "licensed", func(b *bed) { b.config(); b.in.Token = b.signIn("otto@acme.test") }},
		{"a header's value", "licensed", func(b *bed) {
			b.config()
			b.in.Token = "Authorization: Bearer " + part(b.signIn(ada), "access_token") + "\n"
		}},
		{"read access", "licensed", func(b *bed) { b.config().okta("") }},
		{"a read-only administrator's token", "licensed", func(b *bed) { b.config().okta(b.NewAPIToken(readOnly)) }},
		{"only the setup file", "licensed", func(b *bed) { b.okta("") }},
		{"everything at once", "licensed", func(b *bed) { b.config().okta(""); b.in.Token = b.signIn(ada) }},
		{"another person", "licensed", func(b *bed) { b.config().okta(""); b.in.Login = "vera@acme.test" }},
		{"somebody without groups", "licensed", func(b *bed) { b.config().okta(""); b.in.Login = nora }},
		{"a key rotation under way", "licensed", func(b *bed) {
			b.config()
			b.in.Token = b.signIn(ada)
			if err := b.RotateKeys(); err != nil {
				b.Fatal(err)
			}
		}},
		{"a token by the next key", "licensed", func(b *bed) { b.config(); b.SignWithNextKey(true); b.in.Token = b.signIn(ada) }},
		{"a custom domain", "custom-domain", func(b *bed) { b.config().okta("") }},
		{"an existing claim of another name", "licensed", func(b *bed) {
			b.claim("name", "teams")
			b.config(func(c *config.Config) { c.STS.IAM.RolePath = "teams" }).okta("")
			b.in.Token = b.signIn(ada)
		}},
		{"an existing claim, found by the setup file alone", "licensed", func(b *bed) { b.claim("name", "teams"); b.okta("") }},
		{"a claim of a namespaced name", "licensed", func(b *bed) {
			b.claim("name", "https://acme.test/roles")
			b.config(func(c *config.Config) { c.STS.IAM.RolePath = "https://acme.test/roles" }).okta("")
		}},
		{"an EXPRESSION claim", "licensed", func(b *bed) {
			b.claim("valueType", "EXPRESSION", "value", `Groups.startsWith("OKTA","ONE_",100) ?: {}`, "group_filter_type", nil)
			b.config().okta("")
			b.in.Token = b.signIn(ada)
		}},
		{"a constant out of a group", "licensed", func(b *bed) {
			b.claim("valueType", "EXPRESSION", "value", `isMemberOfGroupName("Acme Audit") ? {"ONE_STS_ADMIN"} : {}`, "group_filter_type", nil)
			b.config().okta("")
		}},
		{"a server of its own", "licensed", func(b *bed) {
			ownServer(b)
			b.config().okta("", "authorizationServer: {name: procivis, audience: api://procivis}", "bootstrap: {people: ["+ada+"]}")
		}},
		{"a policy for all clients", "licensed", func(b *bed) {
			b.call("DELETE", b.policyPath(), nil)
			everybody(b, "Everybody", 1)
			b.config().okta("")
		}},
		{"rules that don't fit before one that does", "licensed", func(b *bed) {
			b.post(b.policyPath()+"/rules", ruleBody("Machines", "client_credentials", "one.api", 1))
			b.config().okta("")
		}},
		{"the full list of scopes", "licensed", func(b *bed) {
			b.put(b.rulePath(), "conditions.scopes.include", []string{"openid", "profile", "email", "offline_access"})
			b.config().okta("")
		}},
		{"bearer mode", "licensed", func(b *bed) { b.config(mode(config.ModeBearer)).okta("") }},
		{"APISIX in front", "licensed", func(b *bed) { b.config(mode(config.ModeAPISIX)).okta(""); names(b); b.in.Token = b.signIn(ada) }},
		{"APISIX with our own file", "licensed", func(b *bed) { b.config(mode(config.ModeAPISIX)).okta(""); ourAPISIX(b, gateway.FormatYAML) }},
		{"APISIX with our own file for ADC, offline", "licensed", func(b *bed) {
			b.config(mode(config.ModeAPISIX))
			ourAPISIX(b, gateway.FormatADC)
			b.in.Offline = true
		}},
		{"OAuth2-Proxy with our own file", "licensed", func(b *bed) {
			b.app("settings.oauthClient.redirect_uris", []string{publicURL + "/oauth2/callback"})
			b.config(mode(config.ModeOAuth2Proxy)).okta("")
			ourProxy(b, gateway.FormatCfg)
		}},
		{"OAuth2-Proxy with our own alpha file", "licensed", func(b *bed) {
			b.config(mode(config.ModeOAuth2Proxy))
			ourProxy(b, gateway.FormatAlpha)
		}},
		{"Apache", "licensed", func(b *bed) { b.config(mode(config.ModeBearer)); file(apacheFile)(b) }},
		{"APISIX that puts the access token into Authorization, and bearer", "licensed", func(b *bed) {
			apisixFile("access_token_in_authorization_header: false", "access_token_in_authorization_header: true")(b)
			b.in.Config.Gateway.Mode = config.ModeBearer
		}},
		{"APISIX that only verifies", "licensed", func(b *bed) {
			apisixFile("use_nonce: true", "bearer_only: true")(b)
			b.in.Config.Gateway.Mode = config.ModeBearer
		}},
		{"the administrator in the group that is assigned", "licensed", func(b *bed) {
			byGroup(b)
			ruleForAdmins(b)
			must(b, b.SetUserGroups(ada, "ONE_STS_ADMIN"))
		}},
		{"Grafana", "licensed", func(b *bed) {
			b.app(redirects, []string{publicURL + "/login/generic_oauth"})
			b.config().okta("")
			file(grafanaFile)(b)
		}},
		{"Argo CD", "licensed", func(b *bed) {
			b.app(redirects, []string{publicURL + "/auth/callback"})
			b.config().okta("")
			file(argoFile)(b)
		}},
		{"no bootstrap any more", "licensed", func(b *bed) {
			b.call("DELETE", "/api/v1/groups/"+b.find("/api/v1/groups", "ONE_STS_ADMIN").id(), nil)
			b.config(func(c *config.Config) { c.STS.IAM.Bootstrap = false }).okta("", "authorizationServer: {id: default}")
			b.in.Login = "otto@acme.test"
		}},
		{"roles from the ID token of the organisation's own server", "unlicensed", atOrg()},
		{"the same, with the answer of a sign-in", "unlicensed", func(b *bed) { atOrg()(b); b.in.Token = b.signInAt(b.url, ada, orgScopes) }},
		{"the same, with its ID token", "unlicensed", func(b *bed) { atOrg()(b); b.in.Token = part(b.signInAt(b.url, ada, orgScopes), "id_token") }},
		{"the same, with read access", "unlicensed", func(b *bed) { atOrg()(b); b.okta("") }},
		{"the application's claim, lettered otherwise", "unlicensed", ofApp(appGroups("groups", "EQUALS", "ONE_STS_ADMIN"))},
		{"the application's claim, by another name", "unlicensed", func(b *bed) {
			ofApp(appGroups("teams", "REGEX", ".*"), "claim: {name: teams}")(b)
			b.in.Config.STS.IAM.RolePath = "teams"
		}},
		{"the application's claim, found by the setup file alone", "unlicensed", func(b *bed) { ofApp(appGroups("teams", "REGEX", ".*"))(b); b.in.Config = nil }},
		{"roles from the ID token of a custom server", "licensed", func(b *bed) { byIDToken(b); b.okta(""); answer(b) }},
		{"its ID token", "licensed", func(b *bed) { byIDToken(b); idToken(b) }},
		{"its ID token without roles, which userinfo has", "licensed", func(b *bed) { b.claim("claimType", "IDENTITY"); idMode(b); b.okta(""); idToken(b) }},
		{"its ID token, offline", "licensed", func(b *bed) { byIDToken(b); idToken(b); b.in.Offline = true }},
		{"words that mean nothing", "licensed", func(b *bed) { b.config(); b.in.Error = "it is slow today" }},
	}
	for _, w := range worlds {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t, w.profile)
			w.make(b)
			report := b.examine()
			for _, f := range report.Findings {
				t.Errorf("%s [%d]: %s (%s)", f.ID, f.Row, f.What, f.Seen)
			}
		})
	}
}

func ourAPISIX(b *bed, format string) {
	text, err := gateway.APISIX(b.in.Config, gateway.Options{Redis: "redis:6379"}, format)
	if err != nil {
		b.Fatal(err)
	}
	b.in.Gateway = []byte(text)
}

func ourProxy(b *bed, format string) {
	text, err := gateway.OAuth2Proxy(b.in.Config, gateway.Options{Redis: "redis:6379"}, format)
	if err != nil {
		b.Fatal(err)
	}
	b.in.Gateway = []byte(text)
}

// ownServer makes a custom authorization server with everything that a sign-in needs.
func ownServer(b *bed) {
	const all = "/api/v1/authorizationServers"
	s := b.post(all, object{"name": "procivis", "audiences": []string{"api://procivis"}})
	path := all + "/" + s.id()
	b.post(path+"/claims", object{
		"name": "roles", "claimType": "RESOURCE", "valueType": "GROUPS", "group_filter_type": "STARTS_WITH", "value": "ONE_", "status": "ACTIVE", "conditions": object{"scopes": []string{}},
	})
	p := b.post(path+"/policies", policyBody("Procivis", b.World().WebClient.ID, 1))
	b.post(path+"/policies/"+p.id()+"/rules", ruleBody("Procivis", "authorization_code", "*", 1))
	b.cfg.IAM.Issuer, b.cfg.STS.IAM.TokenValidation.Aud = b.url+"/oauth2/"+s.id(), "api://procivis"
}

func policyBody(name, client string, priority int) object {
	return object{
		"type": "OAUTH_AUTHORIZATION_POLICY", "status": "ACTIVE", "name": name, "description": name, "priority": priority,
		"conditions": object{"clients": object{"include": []string{client}}},
	}
}

func ruleBody(name, grant, scope string, priority int) object {
	return object{
		"type": "RESOURCE_ACCESS", "status": "ACTIVE", "name": name, "priority": priority,
		"conditions": object{
			"people": object{"groups": object{"include": []string{"EVERYONE"}}}, "grantTypes": object{"include": []string{grant}}, "scopes": object{"include": []string{scope}},
		},
		"actions": object{"token": object{"accessTokenLifetimeMinutes": 5, "refreshTokenLifetimeMinutes": 0, "refreshTokenWindowMinutes": 10080}},
	}
}

// everybody makes a policy for all clients with a rule that fits ours.
func everybody(b *bed, name string, priority int) {
	p := b.post(servers+"/policies", policyBody(name, "ALL_CLIENTS", priority))
	b.post(servers+"/policies/"+p.id()+"/rules", ruleBody(name, "authorization_code", "*", 1))
}

// names puts the names into access tokens.
func names(b *bed) {
	for name, value := range map[string]string{"given_name": "user.firstName", "family_name": "user.lastName"} {
		b.post(servers+"/claims", object{
			"name": name, "claimType": "RESOURCE", "valueType": "EXPRESSION", "value": value, "status": "ACTIVE", "alwaysIncludeInToken": true, "conditions": object{"scopes": []string{}},
		})
	}
}

func write(b *bed, name, text string) string {
	b.Helper()
	path := filepath.Join(b.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	return path
}
