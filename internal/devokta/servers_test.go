package devokta

import (
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/devokta/world"
)

const signInRule = `{"name":"Sign-in","conditions":{"people":{"groups":{"include":["EVERYONE"]}},"grantTypes":{"include":["authorization_code","client_credentials"]},"scopes":{"include":["*"]}},
 "actions":{"token":{"accessTokenLifetimeMinutes":5,"refreshTokenLifetimeMinutes":0,"refreshTokenWindowMinutes":10080}}}`

// newServer makes a second authorization server that every client may use, and returns its id.
func (a *api) newServer(audience string) string {
	a.Helper()
	as := a.must(201, "POST", "/api/v1/authorizationServers", fmt.Sprintf(`{"name":%q,"audiences":[%q]}`, audience, audience)).id()
	base := "/api/v1/authorizationServers/" + as
	policy := a.must(201, "POST", base+"/policies", `{"name":"All","conditions":{"clients":{"include":["ALL_CLIENTS"]}}}`).id()
	a.must(201, "POST", base+"/policies/"+policy+"/rules", signInRule)
	return as
}

// on is the browser at another authorization server; "" is the org's own.
func (b *browser) on(server string) *browser {
	other := *b
	other.server = "/oauth2/" + server
	if server == "" {
		other.server = "/oauth2"
	}
	return &other
}

func TestTwoServersAreApart(t *testing.T) {
	w := start(t)
	a := w.api()
	id := a.newServer("api://second")
	b := w.browser()
	second := b.on(id)
	ours, theirs := b.tokens("ada@acme.test"), second.tokensAgain()
	_, access := second.verify(theirs["access_token"])
	if access["iss"] != w.s.cfg.PublicURL+"/oauth2/"+id || access["aud"] != "api://second" || access["roles"] != nil || theirs["expires_in"] != 300.0 {
		t.Errorf("%v", access)
	}
	second.userinfoExpect(t, ours["access_token"], errAccessInvalid)
	b.userinfoExpect(t, theirs["access_token"], errAccessInvalid)
	second.refresh(ours["refresh_token"].(string)).expect(t, errRefreshToken)
	code := second.authorize(w.request()).location(t).Query().Get("code")
	b.token(w.exchange(code)).expect(t, errCode)
	if got := second.refresh(theirs["refresh_token"].(string)); got.status != 200 {
		t.Errorf("%d %s", got.status, got.body)
	}
	clients := a.list("/api/v1/authorizationServers/" + id + "/clients")
	if len(clients) != 1 || clients[0]["client_id"] != w.s.World().WebClient.ID {
		t.Errorf("%v", clients)
	}
}

// tokensAgain signs in with the session that is there.
func (b *browser) tokensAgain() map[string]any {
	b.Helper()
	return b.token(b.exchange(b.authorize(b.request()).location(b.T).Query().Get("code"))).json(b.T)
}

// What the engine refuses is what the Management API changed, at once.
func TestPolicyRefusalsFollowTheApi(t *testing.T) {
	w := start(t)
	a, b := w.api(), w.browser()
	const d = "/api/v1/authorizationServers/default"
	b.tokens("ada@acme.test")
	policy := a.list(d + "/policies")[0]
	rules := d + "/policies/" + policy.id() + "/rules"
	rule := a.list(rules)[0]
	refused := func(name string) {
		t.Helper()
		t.Run(name, func(t *testing.T) { expectRedirectError(t, b.authorize(w.request()), world.NoMatchingPolicy) })
	}
	put := func(change func(object)) {
		t.Helper()
		fresh := a.must(200, "GET", rules+"/"+rule.id(), "")
		change(fresh["conditions"].(map[string]any))
		a.must(200, "PUT", rules+"/"+rule.id(), fresh.encode())
	}
	put(func(c object) { c["scopes"] = object{"include": []string{"openid", "profile", "email"}} })
	refused("offline_access is not covered")
	put(func(c object) { c["scopes"] = object{"include": []string{"*"}} })
	put(func(c object) { c["grantTypes"] = object{"include": []string{"client_credentials"}} })
	refused("the grant is not in the rule")
	put(func(c object) { c["grantTypes"] = object{"include": []string{"authorization_code"}} })
	group := a.list("/api/v1/groups?q=Acme+Audit")[0].id()
	put(func(c object) { c["people"] = object{"groups": object{"include": []string{group}}} })
	refused("not in the group")
	a.must(204, "PUT", "/api/v1/groups/"+group+"/users/"+a.must(200, "GET", "/api/v1/users/ada", "").id(), "")
	if b.authorize(w.request()).location(t).Query().Get("code") == "" {
		t.Error("in the group, but refused")
	}
	a.must(204, "POST", rules+"/"+rule.id()+"/lifecycle/deactivate", "")
	refused("the rule is inactive")
	// Okta moves on to the next policy when none of a policy's rules fits.
	next := a.must(201, "POST", d+"/policies", `{"name":"Next","conditions":{"clients":{"include":["ALL_CLIENTS"]}}}`).id()
	a.must(201, "POST", d+"/policies/"+next+"/rules", signInRule)
	if got := b.tokensAgain(); got["expires_in"] != 300.0 {
		t.Errorf("the next policy's rule does not govern: %v", got)
	}
	a.must(204, "POST", d+"/policies/"+next+"/lifecycle/deactivate", "")
	refused("the policy is inactive")
	a.must(200, "POST", "/api/v1/apps/"+w.s.World().WebClient.ID+"/lifecycle/deactivate", "")
	if page := b.authorize(w.request()); page.status != 400 || !strings.Contains(page.body, "client_id") {
		t.Errorf("the application is inactive: %d", page.status)
	}
}

func TestClaimsInTokens(t *testing.T) {
	w := start(t)
	a, b := w.api(), w.browser()
	const d = "/api/v1/authorizationServers/default"
	add := func(name, kind, value string) string {
		t.Helper()
		return a.must(201, "POST", d+"/claims", object{
			"name": name, "claimType": kind, "valueType": "EXPRESSION", "value": value, "conditions": object{},
		}.encode()).id()
	}
	add("given_name", "RESOURCE", `user.firstName`)
	add("admin", "RESOURCE", `isMemberOfGroupName("ONE_STS_ADMIN") ? {"ONE_STS_ADMIN"} : {}`)
	add("nothing", "RESOURCE", `Groups.startsWith("OKTA", "none", 10)`)
	add("guarded", "RESOURCE", `Groups.startsWith("OKTA", "none", 10) ?: {}`)
	add("text", "RESOURCE", `Arrays.toCsvString(Groups.startsWith("OKTA", "ONE_", 100))`)
	bound := a.must(201, "POST", d+"/claims", `{"name":"bound","claimType":"RESOURCE","valueType":"EXPRESSION","value":"1","conditions":{"scopes":["one.api"]}}`)
	fat := a.must(201, "POST", d+"/claims", `{"name":"roles","claimType":"IDENTITY","valueType":"GROUPS","group_filter_type":"STARTS_WITH","value":"ONE_","alwaysIncludeInToken":false}`)
	got := b.tokens("ada@acme.test")
	_, access := b.verify(got["access_token"])
	for name, want := range map[string]any{
		"given_name": "Ada", "admin": []any{"ONE_STS_ADMIN"}, "nothing": nil, "guarded": []any{}, "text": "ONE_STS_ADMIN", "bound": nil,
	} {
		if !reflect.DeepEqual(access[name], want) {
			t.Errorf("%s = %#v, expected %#v", name, access[name], want)
		}
	}
	if _, id := b.verify(got["id_token"]); id["roles"] != nil {
		t.Error("a thin ID token has a claim that is not always included")
	}
	if info := b.userinfo(got["access_token"]).json(t); !reflect.DeepEqual(info["roles"], []any{"ONE_STS_ADMIN"}) {
		t.Errorf("userinfo: %v", info)
	}
	fat["alwaysIncludeInToken"] = true
	a.must(200, "PUT", d+"/claims/"+fat.id(), fat.encode())
	if _, id := b.verify(b.tokensAgain()["id_token"]); !reflect.DeepEqual(id["roles"], []any{"ONE_STS_ADMIN"}) {
		t.Errorf("alwaysIncludeInToken is without effect: %v", id)
	}
	bound["status"] = "INACTIVE"
	a.must(200, "PUT", d+"/claims/"+bound.id(), bound.encode())
	for name, expression := range map[string]string{
		"syntax": `{`, "unknown attribute": `user.costCenter`, "limit": `Groups.startsWith("OKTA","ONE_",101)`, "null": `Arrays.flatten(Groups.startsWith("OKTA","none",1))`,
	} {
		t.Run(name, func(t *testing.T) {
			id := add("broken", "RESOURCE", expression)
			b.token(w.exchange(b.authorize(w.request()).location(t).Query().Get("code"))).expect(t, world.UserClaimFailed, "broken")
			a.must(204, "DELETE", d+"/claims/"+id, "")
		})
	}
	for _, c := range a.list(d + "/claims") {
		if c["name"] == "sub" {
			c["value"] = `user.id`
			a.must(200, "PUT", d+"/claims/"+c.id(), c.encode())
			a.call("DELETE", d+"/claims/"+c.id(), "").refusedWith(t, 403, "E0000006", "")
		}
	}
	if _, access := b.verify(b.tokensAgain()["access_token"]); access["sub"] != access["uid"] {
		t.Errorf("sub was re-mapped: %v", access["sub"])
	}
}

func TestDirectoryGroupsNeedAnExpression(t *testing.T) {
	w := start(t)
	a := w.api()
	if err := w.s.AddDirectoryGroup("ONE_AD", "active_directory", "ada@acme.test"); err != nil {
		t.Fatal(err)
	}
	if roles := w.rolesOf("ada@acme.test"); !reflect.DeepEqual(roles, []any{"ONE_STS_ADMIN"}) {
		t.Errorf("%v", roles)
	}
	const d = "/api/v1/authorizationServers/default"
	for _, c := range a.list(d + "/claims") {
		if c["name"] == "roles" {
			c["valueType"], c["value"] = "EXPRESSION", `Arrays.flatten(Groups.startsWith("OKTA","ONE_",100), Groups.startsWith("active_directory","ONE_",100))`
			delete(c, "group_filter_type")
			a.must(200, "PUT", d+"/claims/"+c.id(), c.encode())
		}
	}
	if roles := w.rolesOf("ada@acme.test"); !reflect.DeepEqual(roles, []any{"ONE_STS_ADMIN", "ONE_AD"}) {
		t.Errorf("%v", roles)
	}
}

func TestScopesOfTheApi(t *testing.T) {
	w := start(t)
	a, b := w.api(), w.browser()
	const d = "/api/v1/authorizationServers/default"
	expectRedirectError(t, b.authorize(with(w.request(), "scope", "openid groups")), world.UnknownScope)
	scope := a.must(201, "POST", d+"/scopes", `{"name":"groups","metadataPublish":"ALL_CLIENTS","default":true}`)
	if scope["consent"] != "IMPLICIT" || scope["system"] != false {
		t.Errorf("%v", scope)
	}
	if got := b.signIn(with(w.request(), "scope", "openid groups"), "ada@acme.test").location(t).Query(); got.Get("code") == "" {
		t.Errorf("%v", got)
	}
	if doc := b.get(w.s.World().DiscoveryURL).json(t); !strings.Contains(fmt.Sprint(doc["scopes_supported"]), "groups") {
		t.Error("not published")
	}
	if code := b.authorize(with(w.request(), "scope", "")).location(t).Query().Get("code"); code == "" {
		t.Error("the default scope is not asked for")
	}
	a.must(204, "DELETE", d+"/scopes/"+scope.id(), "")
	expectRedirectError(t, b.authorize(with(w.request(), "scope", "openid groups")), world.UnknownScope)
}

func TestSystemLog(t *testing.T) {
	w := start(t)
	a, b := w.api(), w.browser()
	b.tokens("ada@acme.test")
	b.authorize(with(w.request(), "redirect_uri", "https://evil.test/x"))
	w.browser().signIn(w.request(), "uma@acme.test")
	b.token(url.Values{"grant_type": {world.GrantRefresh}, "refresh_token": {"x"}})
	logs := func(filter string) []object {
		return a.list("/api/v1/logs?" + url.Values{"since": {"2026-11-25T08:00:00.000Z"}, "filter": {filter}}.Encode())
	}
	illegal := logs(`outcome.reason eq "illegal_redirect_uri"`)
	if len(illegal) != 1 || illegal[0].at("debugContext.debugData.redirectUri") != "https://evil.test/x" || illegal[0].at("outcome.result") != "FAILURE" {
		t.Errorf("%v", illegal)
	}
	if got := logs(`outcome.reason eq "user_not_assigned"`); len(got) != 1 || got[0].at("actor.alternateId") != "uma@acme.test" {
		t.Errorf("%v", got)
	}
	for _, event := range []string{"app.oauth2.as.authorize.code", "app.oauth2.as.token.grant.access_token"} {
		if got := logs(`eventType eq "` + event + `" and outcome.result eq "SUCCESS"`); len(got) != 1 {
			t.Errorf("%s: %v", event, got)
		}
	}
	if got := a.list("/api/v1/logs?since=2026-11-25T10:00:00Z"); len(got) != 0 {
		t.Errorf("since: %v", got)
	}
	a.call("GET", "/api/v1/logs?since=yesterday", "").refusedWith(t, 400, "E0000001", "since")
	a.call("GET", "/api/v1/logs?filter=x", "").refusedWith(t, 400, "E0000031", "")
}

// What a policy or a rule names may be deleted; the rest of it can be replaced all the same.
func TestReplaceAfterADeletion(t *testing.T) {
	w := start(t)
	a := w.api()
	app := a.must(200, "POST", "/api/v1/apps", fmt.Sprintf(newWebApp, "Mine"))
	group := a.must(200, "POST", "/api/v1/groups", `{"profile":{"name":"ONE_NEW"}}`)
	const policies = "/api/v1/authorizationServers/default/policies"
	policy := a.must(201, "POST", policies, `{"name":"P","conditions":{"clients":{"include":["`+app.id()+`"]}}}`)
	rule := a.must(201, "POST", policies+"/"+policy.id()+"/rules", strings.Replace(signInRule, "EVERYONE", group.id(), 1))
	a.must(200, "POST", "/api/v1/apps/"+app.id()+"/lifecycle/deactivate", "")
	a.must(204, "DELETE", "/api/v1/apps/"+app.id(), "")
	a.must(204, "DELETE", "/api/v1/groups/"+group.id(), "")
	policy["description"] = "changed"
	a.must(200, "PUT", policies+"/"+policy.id(), policy.encode())
	a.must(200, "PUT", policies+"/"+policy.id()+"/rules/"+rule.id(), rule.encode())
	a.call("POST", policies, strings.Replace(policy.encode(), `"P"`, `"Q"`, 1)).refusedWith(t, 400, "E0000001", app.id())
}
