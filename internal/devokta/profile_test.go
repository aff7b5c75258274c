package devokta

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/devokta/world"
)

func withProfile(name string) func(*Config) { return func(c *Config) { c.Profile = name } }

func TestUnknownProfile(t *testing.T) {
	_, err := New(Config{PublicURL: "http://localhost:8081", Profile: "paid"})
	if err == nil || !strings.Contains(err.Error(), "licensed, fresh-free, unlicensed, custom-domain") {
		t.Errorf("%v", err)
	}
}

// A fresh org refuses everything until somebody has done what the guide says, over the Management API alone.
func TestFreshFree(t *testing.T) {
	w := start(t, withProfile("fresh-free"))
	a, b := w.api(), w.browser()
	if known := w.s.World(); known.WebClient.ID != "" || known.SetupApp.ClientID != "" || known.Audience != "api://default" || len(known.Users) != 6 || known.APIToken == "" {
		t.Errorf("%+v", known)
	}
	const d = "/api/v1/authorizationServers/default"
	if len(a.list("/api/v1/apps")) != 0 || len(a.list(d+"/policies")) != 0 || len(a.list("/api/v1/groups?q=ONE")) != 0 {
		t.Fatal("not fresh")
	}
	for _, c := range a.list(d + "/claims") {
		if c["system"] != true {
			t.Errorf("claim %v", c["name"])
		}
	}
	app := a.must(200, "POST", "/api/v1/apps", strings.ReplaceAll(fmt.Sprintf(newWebApp, "Procivis One"), "https://d/.apisix/redirect", webCallback))
	request := with(w.requestOf(app.id()), "scope", "openid")
	refused := func(row errorRow) {
		t.Helper()
		expectRedirectError(t, b.signIn(with(request, "prompt", "login"), "ada@acme.test"), row)
	}
	refused(world.NotAssigned)
	group := a.must(200, "POST", "/api/v1/groups", `{"profile":{"name":"ONE_STS_ADMIN"}}`)
	a.must(204, "PUT", "/api/v1/groups/"+group.id()+"/users/"+a.must(200, "GET", "/api/v1/users/ada", "").id(), "")
	a.must(200, "PUT", "/api/v1/apps/"+app.id()+"/groups/"+group.id(), "{}")
	refused(world.NoMatchingPolicy)
	policy := a.must(201, "POST", d+"/policies", `{"name":"P","conditions":{"clients":{"include":["`+app.id()+`"]}}}`)
	refused(world.NoMatchingPolicy)
	a.must(201, "POST", d+"/policies/"+policy.id()+"/rules", signInRule)
	a.must(201, "POST", d+"/claims", `{"name":"roles","claimType":"RESOURCE","valueType":"GROUPS","group_filter_type":"REGEX","value":"^ONE_.*","alwaysIncludeInToken":true,"conditions":{"scopes":[]}}`)
	code := b.code(with(request, "prompt", "login"), "ada@acme.test")
	got := b.post(w.url("/v1/token"), w.exchange(code), w.basic(app.id(), app.at("credentials.oauthClient.client_secret").(string)))
	if got.status != 200 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if _, access := b.verify(got.json(t)["access_token"]); fmt.Sprint(access["roles"]) != "[ONE_STS_ADMIN]" || access["aud"] != "api://default" {
		t.Errorf("%v", access)
	}
}

func TestUnlicensed(t *testing.T) {
	w := start(t, withProfile("unlicensed"))
	a, b := w.api(), w.browser()
	for _, path := range []string{"/api/v1/authorizationServers", "/api/v1/authorizationServers/default/claims"} {
		a.call("GET", path, "").refusedWith(t, 401, "E0000015", "You do not have permission to access the feature you are requesting")
	}
	a.call("POST", "/api/v1/authorizationServers", `{"name":"x","audiences":["y"]}`).refusedWith(t, 401, "E0000015", "")
	for _, path := range []string{"/.well-known/openid-configuration", "/v1/keys", "/v1/authorize"} {
		b.get(w.url(path)).refusedWith(t, 401, "E0000015", "")
	}
	known := w.s.World()
	if known.Issuer != w.s.cfg.PublicURL || known.DiscoveryURL != w.s.cfg.PublicURL+"/.well-known/openid-configuration" || known.WebClient.ID == "" {
		t.Errorf("%+v", known)
	}
	org := b.on("")
	got := org.token(w.exchange(org.code(with(w.request(), "scope", "openid groups"), "ada@acme.test"))).json(t)
	if _, id := org.verify(got["id_token"]); fmt.Sprint(id["groups"]) != "[ONE_STS_ADMIN]" {
		t.Errorf("%v", id)
	}
}

// Which name the org was called by, and what the issuer mode makes of it.
func TestCustomDomain(t *testing.T) {
	w := start(t, withProfile("custom-domain"))
	a, b := w.api(), w.browser()
	org, custom := w.s.World().OrgURL, w.s.World().CustomURL
	if org == custom || !strings.HasPrefix(custom, "http://localhost:") {
		t.Fatalf("custom URL %q", custom)
	}
	const d = "/api/v1/authorizationServers/default"
	server := a.must(200, "GET", d, "")
	app := a.must(200, "GET", "/api/v1/apps/"+w.s.World().WebClient.ID, "")
	issuer := func(host, query string) string {
		return b.get(host + "/oauth2/default/.well-known/openid-configuration" + query).json(t)["issuer"].(string)
	}
	for _, tc := range []struct{ server, app, host, query, want string }{
		{"DYNAMIC", "DYNAMIC", org, "", org},
		{"DYNAMIC", "DYNAMIC", custom, "", custom},
		{"ORG_URL", "DYNAMIC", custom, "", org},
		{"CUSTOM_URL", "DYNAMIC", org, "", custom},
		{"DYNAMIC", "ORG_URL", custom, "", custom},
		{"DYNAMIC", "ORG_URL", custom, "?client_id=" + app.id(), org},
		{"DYNAMIC", "CUSTOM_URL", org, "?client_id=" + app.id(), custom},
		{"ORG_URL", "CUSTOM_URL", custom, "?client_id=" + app.id(), org},
	} {
		server["issuerMode"] = tc.server
		a.must(200, "PUT", d, server.encode())
		app["settings"].(map[string]any)["oauthClient"].(map[string]any)["issuer_mode"] = tc.app
		a.must(200, "PUT", "/api/v1/apps/"+app.id(), app.encode())
		if got := issuer(tc.host, tc.query); got != tc.want+"/oauth2/default" {
			t.Errorf("server %s, application %s, asked at %s%s: %s", tc.server, tc.app, tc.host, tc.query, got)
		}
	}
	// Tokens follow the same rule as discovery with the client's id.
	app["settings"].(map[string]any)["oauthClient"].(map[string]any)["issuer_mode"] = "CUSTOM_URL"
	a.must(200, "PUT", "/api/v1/apps/"+app.id(), app.encode())
	server["issuerMode"] = "DYNAMIC"
	a.must(200, "PUT", d, server.encode())
	got := b.tokens("ada@acme.test")
	if _, access := b.verify(got["access_token"]); access["iss"] != custom+"/oauth2/default" {
		t.Errorf("%v", access["iss"])
	}
	if info := b.userinfo(got["access_token"]); info.status != 200 {
		t.Errorf("userinfo: %d %s", info.status, info.body)
	}
	links := a.call("GET", "/api/v1/apps", "", func(r *http.Request) { r.URL.Host, r.Host = custom[7:], custom[7:] })
	if !slices.ContainsFunc(links.header.Values("Link"), func(l string) bool { return strings.Contains(l, custom) }) {
		t.Errorf("%v", links.header.Values("Link"))
	}
}
