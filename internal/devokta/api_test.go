package devokta

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

const newWebApp = `{"name":"oidc_client","label":%q,"signOnMode":"OPENID_CONNECT",
 "credentials":{"oauthClient":{"autoKeyRotation":true,"token_endpoint_auth_method":"client_secret_basic","pkce_required":true}},
 "settings":{"oauthClient":{"application_type":"web","grant_types":["authorization_code","refresh_token"],
   "response_types":["code"],"redirect_uris":["https://d/.apisix/redirect"],
   "post_logout_redirect_uris":["https://d/"],"consent_method":"TRUSTED","issuer_mode":"DYNAMIC",
   "refresh_token":{"rotation_type":"ROTATE","leeway":30},"wildcard_redirect":"DISABLED","dpop_bound_access_tokens":false}}}`

func TestAppLifeCycle(t *testing.T) {
	a := start(t).api()
	app := a.must(200, "POST", "/api/v1/apps?activate=true", fmt.Sprintf(newWebApp, "Mine"))
	path := "/api/v1/apps/" + app.id()
	if !strings.HasPrefix(app.id(), "0oa") || app.at("credentials.oauthClient.client_id") != app.id() || app["status"] != "ACTIVE" {
		t.Errorf("%v", app)
	}
	secret, _ := app.at("credentials.oauthClient.client_secret").(string)
	if len(secret) != 64 {
		t.Errorf("secret %q", secret)
	}
	for _, field := range []string{
		"orn", "accessibility", "visibility", "features", "credentials.signing.kid", "settings.app", "settings.notifications", "settings.notes",
		"settings.emOptInStatus", "_links.accessPolicy", "_links.self", "_links.deactivate", "created", "lastUpdated",
	} {
		if app.at(field) == nil {
			t.Errorf("%s is missing", field)
		}
	}
	read := a.must(200, "GET", path, "")
	if read.at("credentials.oauthClient.client_secret") != nil {
		t.Error("a read shows the secret")
	}
	again := a.must(200, "PUT", path, read.encode())
	if again.at("credentials.oauthClient.client_secret") != secret {
		t.Error("a replace changed the secret")
	}
	if after := a.must(200, "GET", path, ""); !sameBut(read, after, "lastUpdated") {
		t.Errorf("GET, PUT, GET: %v became %v", read, after)
	}
	a.call("DELETE", path, "").refusedWith(t, 403, "E0000056", "deactivated")
	a.must(200, "POST", path+"/lifecycle/deactivate", "")
	if a.must(200, "GET", path, "")["status"] != "INACTIVE" {
		t.Error("still active")
	}
	a.must(204, "DELETE", path, "")
	a.call("GET", path, "").refusedWith(t, 404, "E0000007", "")
	if got := a.call("GET", path, "").json(t)["errorSummary"]; got != "Not found: Resource not found: "+app.id()+" (AppInstance)" {
		t.Errorf("%v", got)
	}
}

func sameBut(a, b object, except ...string) bool {
	x, y := object{}, object{}
	for k, v := range a {
		x[k] = v
	}
	for k, v := range b {
		y[k] = v
	}
	for _, name := range except {
		delete(x, name)
		delete(y, name)
	}
	return reflect.DeepEqual(x, y)
}

func TestAppRefusals(t *testing.T) {
	a := start(t).api()
	good := fmt.Sprintf(newWebApp, "Mine")
	for name, tc := range map[string]struct {
		body, status, code, cause string
	}{
		"no settings":               {`{"name":"oidc_client","label":"x","signOnMode":"OPENID_CONNECT"}`, "400", "E0000001", "settings"},
		"no label":                  {strings.Replace(good, `"label":"Mine"`, `"label":" "`, 1), "400", "E0000001", "label"},
		"ALL_CLIENTS":               {strings.Replace(good, `"autoKeyRotation":true`, `"client_id":"ALL_CLIENTS"`, 1), "400", "E0000001", "client_id"},
		"client id is taken":        {strings.Replace(good, `"autoKeyRotation":true`, `"client_id":"acme-cli"`, 1), "400", "E0000001", "already exists"},
		"redirect without a scheme": {strings.Replace(good, `https://d/.apisix/redirect`, `d/x`, 1), "403", "E0000039", "redirectURI: Does not match required pattern"},
		"no redirect URI":           {strings.Replace(good, `["https://d/.apisix/redirect"]`, `[]`, 1), "400", "E0000001", "redirect_uris"},
		"unknown grant":             {strings.Replace(good, `"refresh_token"]`, `"x"]`, 1), "400", "E0000001", "grant_types"},
		"leeway":                    {strings.Replace(good, `"leeway":30`, `"leeway":61`, 1), "400", "E0000001", "leeway"},
		"CUSTOM_URL without domain": {strings.Replace(good, `"DYNAMIC"`, `"CUSTOM_URL"`, 1), "400", "E0000001", "custom domain"},
		"public web application":    {strings.Replace(good, `client_secret_basic`, `none`, 1), "400", "E0000001", "token_endpoint_auth_method"},
		"private key and no keys":   {strings.Replace(good, `"application_type":"web"`, `"application_type":"service"`, 1), "400", "E0000001", "grant_types"},
		"other kind":                {strings.Replace(good, `"name":"oidc_client"`, `"name":"saml"`, 1), "400", "E0000001", "name"},
		"wrong type of field":       {strings.Replace(good, `"label":"Mine"`, `"label":7`, 1), "400", "E0000003", ""},
		"cut off":                   {good[:len(good)/2], "400", "E0000003", ""},
		"a list":                    {`[` + good + `]`, "400", "E0000003", ""},
		"more after it":             {good + good, "400", "E0000003", ""},
		"a stray bracket after it":  {good + "}", "400", "E0000003", ""},
		"too long":                  {strings.Repeat(" ", 300<<10) + good, "400", "E0000003", ""},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(a.list("/api/v1/apps"))
			got := a.call("POST", "/api/v1/apps", tc.body)
			if fmt.Sprint(got.status) != tc.status {
				t.Fatalf("%d %s", got.status, got.body)
			}
			got.refusedWith(t, got.status, tc.code, tc.cause)
			if after := len(a.list("/api/v1/apps")); after != before {
				t.Error("something was created")
			}
		})
	}
}

func TestApiFront(t *testing.T) {
	w := start(t)
	a := w.api()
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	a.call("GET", "/api/v1/apps", "", header("Authorization", "SSWS nonsense")).refusedWith(t, 401, "E0000011", "Invalid token provided")
	a.call("GET", "/api/v1/apps", "", header("Authorization", w.s.World().APIToken)).refusedWith(t, 401, "E0000011", "")
	a.call("GET", "/api/v1/apps", "", func(r *http.Request) { r.Header.Del("Authorization") }).refusedWith(t, 403, "E0000005", "Invalid session")
	a.call("PATCH", "/api/v1/apps", "{}").refusedWith(t, 405, "E0000022", "")
	a.call("POST", "/api/v1/apps", "{}", header("Content-Type", "text/plain")).refusedWith(t, 400, "E0000021", "")
	a.call("GET", "/api/v1/apps", "", header("Accept", "application/xml")).refusedWith(t, 400, "E0000021", "")
	a.call("GET", "/api/v1/nothing", "").refusedWith(t, 404, "E0000007", "")
	a.call("GET", "/api/v1/apps/0oaX/credentials/secrets", "").refusedWith(t, 404, "E0000007", "0oaX (AppInstance)")

	readOnly, expired := w.api(), w.api()
	readOnly.authorization = "SSWS " + w.s.NewAPIToken(APIToken{ReadOnly: true})
	expired.authorization = "SSWS " + w.s.NewAPIToken(APIToken{Expired: true})
	readOnly.must(200, "GET", "/api/v1/org", "")
	readOnly.call("POST", "/api/v1/groups", `{"profile":{"name":"x"}}`).refusedWith(t, 403, "E0000006", "")
	expired.call("GET", "/api/v1/org", "").refusedWith(t, 401, "E0000011", "")
	if err := w.s.SetUserActive("ada@acme.test", false); err != nil {
		t.Fatal(err)
	}
	a.call("GET", "/api/v1/org", "").refusedWith(t, 401, "E0000011", "")

	got := readOnly.call("GET", "/api/v1/org", "")
	for _, name := range []string{"X-Rate-Limit-Limit", "X-Rate-Limit-Remaining", "X-Rate-Limit-Reset", "X-Okta-Request-Id", "Date"} {
		if got.header.Get(name) == "" {
			t.Errorf("no %s", name)
		}
	}
}

func TestPages(t *testing.T) {
	a := start(t).api()
	for i := range 5 {
		a.must(200, "POST", "/api/v1/apps", fmt.Sprintf(newWebApp, fmt.Sprint("Page ", i)))
	}
	next, seen := "/api/v1/apps?q=page&limit=2", []any{}
	for pages := 0; next != ""; pages++ {
		got := a.call("GET", next, "")
		var list []object
		decode(t, got.body, &list)
		for _, app := range list {
			seen = append(seen, app["label"])
		}
		if pages > 5 || len(got.header.Values("Link")) == 0 {
			t.Fatalf("page %d: %v", pages, got.header)
		}
		next = strings.TrimPrefix(nextLink(got), a.s.cfg.PublicURL)
	}
	if fmt.Sprint(seen) != "[Page 0 Page 1 Page 2 Page 3 Page 4]" {
		t.Errorf("%v", seen)
	}
	a.call("GET", "/api/v1/apps?limit=x", "").refusedWith(t, 400, "E0000001", "limit")
	a.call("GET", "/api/v1/apps?after=x", "").refusedWith(t, 400, "E0000001", "after")
	a.call("GET", "/api/v1/apps/"+a.list("/api/v1/apps")[0].id()+"/groups?limit=5", "").refusedWith(t, 400, "E0000001", "20 to 200")
}

func nextLink(a answer) string {
	for _, link := range a.header.Values("Link") {
		if target, ok := strings.CutSuffix(link, `>; rel="next"`); ok {
			return strings.TrimPrefix(target, "<")
		}
	}
	return ""
}

func TestServersPoliciesAndRules(t *testing.T) {
	w := start(t)
	a := w.api()
	as := a.must(201, "POST", "/api/v1/authorizationServers", `{"name":"procivis","description":"d","audiences":["api://mine"]}`)
	base := "/api/v1/authorizationServers/" + as.id()
	if as["issuer"] != w.s.cfg.PublicURL+"/oauth2/"+as.id() || as["default"] != false || as.at("credentials.signing.rotationMode") != "AUTO" || as.at("credentials.signing.nextRotation") == nil {
		t.Errorf("%v", as)
	}
	for _, link := range []string{"rotateKey", "metadata", "keys", "claims", "policies", "self", "scopes", "deactivate"} {
		if as.at("_links."+link) == nil {
			t.Errorf("no link %s", link)
		}
	}
	if found := a.list("/api/v1/authorizationServers?q=api://mine"); len(found) != 1 || found[0].id() != as.id() {
		t.Errorf("q: %v", found)
	}
	byAlias := a.must(200, "GET", "/api/v1/authorizationServers/default", "")
	if !strings.HasPrefix(byAlias.id(), "aus") || byAlias["default"] != true || !strings.HasSuffix(byAlias["issuer"].(string), "/oauth2/default") {
		t.Errorf("%v", byAlias)
	}
	web := w.s.World().WebClient.ID
	first := a.must(201, "POST", base+"/policies", `{"type":"OAUTH_AUTHORIZATION_POLICY","status":"ACTIVE","name":"One","description":"x","priority":1,"conditions":{"clients":{"include":["`+web+`"]}}}`)
	second := a.must(201, "POST", base+"/policies", `{"type":"OAUTH_AUTHORIZATION_POLICY","name":"Two","priority":1,"conditions":{"clients":{"include":["ALL_CLIENTS"]}}}`)
	order := func() string {
		var out []string
		for _, p := range a.list(base + "/policies") {
			out = append(out, fmt.Sprint(p["name"], p["priority"]))
		}
		return strings.Join(out, " ")
	}
	if order() != "Two1 One2" {
		t.Errorf("order %s", order())
	}
	second["priority"] = 2
	a.must(200, "PUT", base+"/policies/"+second.id(), second.encode())
	if order() != "One1 Two2" {
		t.Errorf("order %s", order())
	}
	rules := base + "/policies/" + first.id() + "/rules"
	rule := a.must(201, "POST", rules, `{"type":"RESOURCE_ACCESS","name":"Sign-in","status":"ACTIVE","priority":1,
 "conditions":{"people":{"groups":{"include":["EVERYONE"]}},"grantTypes":{"include":["authorization_code"]},"scopes":{"include":["*"]}},
 "actions":{"token":{"accessTokenLifetimeMinutes":60,"refreshTokenLifetimeMinutes":0,"refreshTokenWindowMinutes":10080}}}`)
	if users, _ := rule.at("conditions.people.users").(map[string]any); len(users) != 1 || users["exclude"] == nil {
		t.Errorf("people.users is not normalised: %v", rule)
	}
	read := a.must(200, "GET", rules+"/"+rule.id(), "")
	a.must(200, "PUT", rules+"/"+rule.id(), read.encode())
	if after := a.must(200, "GET", rules+"/"+rule.id(), ""); !sameBut(read, after, "lastUpdated") {
		t.Errorf("GET, PUT, GET: %v became %v", read, after)
	}
	a.must(204, "POST", rules+"/"+rule.id()+"/lifecycle/deactivate", "")
	a.must(204, "DELETE", rules+"/"+rule.id(), "")
	a.must(204, "DELETE", base+"/policies/"+first.id(), "")
	if order() != "Two1" {
		t.Errorf("order %s", order())
	}
	a.call("DELETE", base, "").refusedWith(t, 400, "E0000001", "deactivated")
	a.must(204, "POST", base+"/lifecycle/deactivate", "")
	w.browser().get(w.s.cfg.PublicURL+"/oauth2/"+as.id()+"/v1/keys").refusedWith(t, 404, "E0000007", "AuthorizationServer")
	a.must(204, "DELETE", base, "")
}

func TestServerRefusals(t *testing.T) {
	w := start(t)
	a := w.api()
	const d = "/api/v1/authorizationServers/default"
	policy := a.list(d + "/policies")[0].id()
	scope := a.list(d + "/scopes")[0]
	for name, tc := range map[string]struct {
		method, path, body string
		status             int
		code, cause        string
	}{
		"two audiences":       {"POST", "/api/v1/authorizationServers", `{"name":"x","audiences":["a","b"]}`, 400, "E0000001", "exactly one"},
		"name is taken":       {"POST", "/api/v1/authorizationServers", `{"name":"default","audiences":["a"]}`, 400, "E0000001", "already exists"},
		"unknown server":      {"GET", "/api/v1/authorizationServers/ausX", "", 404, "E0000007", "ausX (AuthorizationServer)"},
		"default stays":       {"DELETE", d, "", 403, "E0000006", ""},
		"policy name":         {"POST", d + "/policies", `{"name":"Procivis One","conditions":{"clients":{"include":["ALL_CLIENTS"]}}}`, 400, "E0000001", "already in use"},
		"policy client":       {"POST", d + "/policies", `{"name":"x","conditions":{"clients":{"include":["nobody"]}}}`, 400, "E0000001", "nobody"},
		"policy no clients":   {"POST", d + "/policies", `{"name":"x","conditions":{"clients\"":{"include\"":["ALL_CLIENTS"]}}}`, 400, "E0000001", "clients"},
		"rule without grants": {"POST", d + "/policies/" + policy + "/rules", `{"name":"x","conditions":{"scopes":{"include":["*"]}}}`, 400, "E0000001", "grantTypes"},
		"rule lifetime":       {"POST", d + "/policies/" + policy + "/rules", `{"name":"x","conditions":{"grantTypes":{"include":["authorization_code"]},"scopes":{"include":["*"]}},"actions":{"token":{"accessTokenLifetimeMinutes":4}}}`, 400, "E0000001", "5 to 1440"},
		"rule group":          {"POST", d + "/policies/" + policy + "/rules", `{"name":"x","conditions":{"people":{"groups":{"include":["00gX"]}},"grantTypes":{"include":["authorization_code"]},"scopes":{"include":["*"]}}}`, 400, "E0000001", "00gX"},
		"claim reserved":      {"POST", d + "/claims", `{"name":"groups","claimType":"RESOURCE","valueType":"EXPRESSION","value":"1"}`, 400, "E0000001", "reserved"},
		"claim reserved both": {"POST", d + "/claims", `{"name":"jti","claimType":"IDENTITY","valueType":"EXPRESSION","value":"1"}`, 400, "E0000001", "reserved"},
		"claim twice":         {"POST", d + "/claims", `{"name":"roles","claimType":"RESOURCE","valueType":"EXPRESSION","value":"1"}`, 400, "E0000001", "already exists"},
		"claim system name":   {"POST", d + "/claims", `{"name":"zoneinfo","claimType":"IDENTITY","valueType":"EXPRESSION","value":"1"}`, 400, "E0000001", "already exists"},
		"claim filter":        {"POST", d + "/claims", `{"name":"x","claimType":"RESOURCE","valueType":"GROUPS","value":"1"}`, 400, "E0000001", "group_filter_type"},
		"claim regex":         {"POST", d + "/claims", `{"name":"x","claimType":"RESOURCE","valueType":"GROUPS","group_filter_type":"REGEX","value":"("}`, 400, "E0000001", "regular expression"},
		"claim scope":         {"POST", d + "/claims", `{"name":"x","claimType":"RESOURCE","valueType":"EXPRESSION","value":"1","conditions":{"scopes":["nope"]}}`, 400, "E0000001", "nope"},
		"scope twice":         {"POST", d + "/scopes", `{"name":"one.api"}`, 400, "E0000001", "already exists"},
		"scope okta":          {"POST", d + "/scopes", `{"name":"okta.x"}`, 400, "E0000001", "okta."},
		"system scope stays":  {"DELETE", d + "/scopes/" + scope.id(), "", 403, "E0000006", ""},
		"key use":             {"POST", d + "/credentials/lifecycle/keyRotate", `{"use":"enc"}`, 400, "E0000001", "sig"},
	} {
		t.Run(name, func(t *testing.T) { a.call(tc.method, tc.path, tc.body).refusedWith(t, tc.status, tc.code, tc.cause) })
	}
}

func TestClaimsAreNormalised(t *testing.T) {
	a := start(t).api()
	const d = "/api/v1/authorizationServers/default"
	got := a.must(201, "POST", d+"/claims", `{"alwaysIncludeInToken":false,"claimType":"RESOURCE","conditions":{},"group_filter_type":"EQUALS","name":"test","status":"ACTIVE","value":"Everyone","valueType":"GROUPS"}`)
	if !reflect.DeepEqual(got.at("conditions.scopes"), []any{}) || got["alwaysIncludeInToken"] != true || got["system"] != false || got["group_filter_type"] != "EQUALS" {
		t.Errorf("%v", got)
	}
	if value, present := got["apiResourceId"]; !present || value != nil {
		t.Error("apiResourceId is null, and there")
	}
	a.must(201, "POST", d+"/claims", `{"claimType":"IDENTITY","group_filter_type":"EQUALS","name":"test","value":"Everyone","valueType":"GROUPS"}`)
	a.must(204, "DELETE", d+"/claims/"+got.id(), "")
	for _, c := range a.list(d + "/claims") {
		if c["valueType"] == "SYSTEM" && (c["value"] != nil || c["system"] != true || c["claimType"] != "IDENTITY") {
			t.Errorf("%v", c)
		}
		if c["name"] == "sub" && c["value"] != "(appuser != null) ? appuser.userName : app.clientId" {
			t.Errorf("%v", c)
		}
	}
}

func TestKeysOfAServer(t *testing.T) {
	w := start(t)
	a := w.api()
	const d = "/api/v1/authorizationServers/default"
	before := a.list(d + "/credentials/keys")
	if len(before) != 2 || before[0]["status"] != "ACTIVE" || before[1]["status"] != "NEXT" {
		t.Fatalf("%v", before)
	}
	got := a.call("POST", d+"/credentials/lifecycle/keyRotate", `{"use":"sig"}`)
	var after []object
	decode(t, got.body, &after)
	if got.status != 200 || len(after) != 3 || after[0]["kid"] != before[1]["kid"] || after[2]["status"] != "EXPIRED" || after[2]["kid"] != before[0]["kid"] {
		t.Fatalf("%d %v", got.status, after)
	}
	if header, _ := w.browser().verify(w.browser().tokens("ada@acme.test")["access_token"]); header["kid"] != before[1]["kid"] {
		t.Error("the next key does not sign")
	}
	if as := a.must(200, "GET", d, ""); as.at("credentials.signing.kid") != before[1]["kid"] {
		t.Errorf("%v", as)
	}
}

func TestGroupsAndMembers(t *testing.T) {
	w := start(t)
	a := w.api()
	g := a.must(200, "POST", "/api/v1/groups", `{"profile":{"name":"ONE_NEW","description":"d"}}`)
	path := "/api/v1/groups/" + g.id()
	if g["type"] != "OKTA_GROUP" || g.at("profile.description") != "d" || g["objectClass"] == nil || g["lastMembershipUpdated"] == nil {
		t.Errorf("%v", g)
	}
	a.call("POST", "/api/v1/groups", `{"profile":{"name":"ONE_NEW"}}`).refusedWith(t, 400, "E0000001", "An object with this field already exists in the current organization")
	if found := a.list(`/api/v1/groups?search=profile.name+eq+%22ONE_NEW%22`); len(found) != 1 || found[0].id() != g.id() {
		t.Errorf("search: %v", found)
	}
	if found := a.list(`/api/v1/groups?q=one_`); len(found) != 2 {
		t.Errorf("q: %v", found)
	}
	a.call("GET", "/api/v1/groups?search=nonsense", "").refusedWith(t, 400, "E0000031", "")
	ivan := a.must(200, "GET", "/api/v1/users/ivan@acme.test", "")
	for range 2 {
		a.must(204, "PUT", path+"/users/"+ivan.id(), "")
	}
	if members := a.list(path + "/users"); len(members) != 1 || members[0].id() != ivan.id() {
		t.Errorf("%v", members)
	}
	if roles := w.rolesOf("ivan@acme.test"); !strings.Contains(fmt.Sprint(roles), "ONE_NEW") {
		t.Errorf("the token does not know: %v", roles)
	}
	for range 2 {
		a.must(204, "DELETE", path+"/users/"+ivan.id(), "")
	}
	var everyone object
	for _, g := range a.list("/api/v1/groups") {
		if g["type"] == "BUILT_IN" {
			everyone = g
		}
	}
	if everyone.at("_links.owners") != nil || len(a.list("/api/v1/groups/"+everyone.id()+"/users")) != 6 {
		t.Errorf("%v", everyone)
	}
	a.call("PUT", "/api/v1/groups/"+everyone.id()+"/users/"+ivan.id(), "").refusedWith(t, 501, "E0000060", "")
	if err := w.s.AddDirectoryGroup("Acme AD", "active_directory", "ivan@acme.test"); err != nil {
		t.Fatal(err)
	}
	ad := a.list(`/api/v1/groups?filter=type+eq+%22APP_GROUP%22`)[0]
	a.call("PUT", "/api/v1/groups/"+ad.id()+"/users/"+ivan.id(), "").refusedWith(t, 501, "E0000060", "")
	if roles := w.rolesOf("ivan@acme.test"); strings.Contains(fmt.Sprint(roles), "Acme AD") {
		t.Errorf("a GROUPS claim sees a directory's group: %v", roles)
	}
	a.must(204, "DELETE", path, "")
}

func (w *testbed) rolesOf(login string) any {
	b := w.browser()
	_, access := b.verify(b.tokens(login)["access_token"])
	return access["roles"]
}

func TestUsers(t *testing.T) {
	w := start(t)
	a := w.api()
	u := a.must(200, "POST", "/api/v1/users?activate=true", `{"profile":{"firstName":"Zoe","lastName":"Z","login":"zoe@acme.test","email":"zoe@acme.test"},"credentials":{"password":{"value":"secret-of-zoe"}}}`)
	if u["status"] != "ACTIVE" || u.at("credentials.provider.type") != "OKTA" || strings.Contains(u.encode(), "secret-of-zoe") || u.at("type.id") == nil {
		t.Errorf("%v", u)
	}
	a.call("POST", "/api/v1/users", `{"profile":{"firstName":"Zoe","lastName":"Z","login":"ZOE@acme.test","email":"z@acme.test"}}`).refusedWith(t, 400, "E0000001", "already exists")
	for _, name := range []string{u.id(), "zoe@acme.test", "zoe"} {
		if got := a.must(200, "GET", "/api/v1/users/"+name, ""); got.id() != u.id() {
			t.Errorf("%s: %v", name, got)
		}
	}
	path := "/api/v1/users/" + u.id()
	if got := a.must(200, "POST", path, `{"profile":{"department":"Audit"}}`); got.at("profile.department") != "Audit" || got.at("profile.firstName") != "Zoe" {
		t.Errorf("partial: %v", got)
	}
	if got := a.must(200, "PUT", path, `{"profile":{"firstName":"Zoë","lastName":"Z","login":"zoe@acme.test","email":"zoe@acme.test"}}`); got.at("profile.department") != nil || got.at("profile.firstName") != "Zoë" {
		t.Errorf("full: %v", got)
	}
	a.call("PUT", path, `{"profile":{"firstName":"Zoë"}}`).refusedWith(t, 400, "E0000001", "lastName")
	a.call("POST", path, `{"profile":{"login":"ada@acme.test"}}`).refusedWith(t, 400, "E0000001", "already exists")
	if found := a.list(`/api/v1/users?search=profile.login+eq+%22zoe@acme.test%22`); len(found) != 1 {
		t.Errorf("%v", found)
	}
	if found := a.list(`/api/v1/users?q=Zo`); len(found) != 1 {
		t.Errorf("%v", found)
	}
	a.must(200, "POST", "/api/v1/users/"+u.id()+"/lifecycle/deactivate", "")
	if len(a.list("/api/v1/users")) != 6 {
		t.Error("a deprovisioned person is listed")
	}
	a.must(200, "POST", "/api/v1/users/"+u.id()+"/lifecycle/activate", "")
	a.call("POST", "/api/v1/users/"+u.id()+"/lifecycle/activate", "").refusedWith(t, 403, "E0000016", "")
	if groups := a.list("/api/v1/users/otto@acme.test/groups"); len(groups) != 3 {
		t.Errorf("%v", groups)
	}
	a.call("GET", "/api/v1/users/nobody@acme.test", "").refusedWith(t, 404, "E0000007", "nobody@acme.test (User)")
}

func TestAssignments(t *testing.T) {
	w := start(t)
	a := w.api()
	app := a.must(200, "POST", "/api/v1/apps", fmt.Sprintf(newWebApp, "Mine"))
	path := "/api/v1/apps/" + app.id()
	audit := a.list(`/api/v1/groups?q=Acme+Audit`)[0]
	for range 2 {
		if got := a.must(200, "PUT", path+"/groups/"+audit.id(), "{}"); got.id() != audit.id() || got["priority"] != 0.0 {
			t.Errorf("%v", got)
		}
	}
	if got := a.list(path + "/groups?limit=200"); len(got) != 1 {
		t.Errorf("%v", got)
	}
	otto, ivan := a.must(200, "GET", "/api/v1/users/otto@acme.test", ""), a.must(200, "GET", "/api/v1/users/ivan@acme.test", "")
	if got := a.must(200, "GET", path+"/users/"+otto.id(), ""); got["scope"] != "GROUP" {
		t.Errorf("%v", got)
	}
	a.call("GET", path+"/users/"+ivan.id(), "").refusedWith(t, 404, "E0000007", "AppUser")
	if got := a.must(200, "POST", path+"/users", `{"id":"`+ivan.id()+`","scope":"USER"}`); got["scope"] != "USER" {
		t.Errorf("%v", got)
	}
	a.must(204, "DELETE", path+"/users/"+ivan.id(), "")
	a.must(204, "DELETE", path+"/groups/"+audit.id(), "")
	a.call("PUT", path+"/groups/00gX", "{}").refusedWith(t, 404, "E0000007", "00gX (UserGroup)")
	policies := a.list("/api/v1/policies?type=ACCESS_POLICY")
	a.must(204, "PUT", path+"/policies/"+policies[1].id(), "")
	if got := a.must(200, "GET", path, ""); !strings.HasSuffix(got.at("_links.accessPolicy.href").(string), policies[1].id()) {
		t.Errorf("%v", got)
	}
}

func TestSecrets(t *testing.T) {
	w := start(t)
	a, b := w.api(), w.browser()
	web := w.s.World().WebClient
	path := "/api/v1/apps/" + web.ID + "/credentials/secrets"
	first := a.list(path)[0]
	if first["client_secret"] != web.Secret || first["status"] != "ACTIVE" {
		t.Errorf("%v", first)
	}
	second := a.must(200, "POST", path, "")
	a.call("POST", path, "{}").refusedWith(t, 400, "E0000001", "maximum number")
	works := func(secret any) bool {
		got := b.post(w.url("/v1/introspect"), map[string][]string{"token": {"x"}}, w.basic(web.ID, secret.(string)))
		return got.status == 200
	}
	if !works(first["client_secret"]) || !works(second["client_secret"]) {
		t.Error("both should work")
	}
	a.call("DELETE", path+"/"+first.id(), "").refusedWith(t, 400, "E0000001", "Deactivate it first")
	a.must(200, "POST", path+"/"+first.id()+"/lifecycle/deactivate", "")
	a.call("POST", path+"/"+second.id()+"/lifecycle/deactivate", "").refusedWith(t, 400, "E0000001", "only active")
	if works(first["client_secret"]) || !works(second["client_secret"]) {
		t.Error("only the second should work")
	}
	a.must(204, "DELETE", path+"/"+first.id(), "")
	if w.s.World().WebClient.Secret != second["client_secret"] {
		t.Error("World has the old one")
	}
}

// TestUserLifeCycleVerbs: each leads on from its own states only.
func TestUserLifeCycleVerbs(t *testing.T) {
	w := start(t)
	a := w.api()
	ivan := "/api/v1/users/" + a.must(200, "GET", "/api/v1/users/ivan@acme.test", "").id()
	a.call("POST", ivan+"/lifecycle/unsuspend", "").refusedWith(t, 403, "E0000016", "")
	a.must(200, "POST", ivan+"/lifecycle/suspend", "")
	a.call("POST", ivan+"/lifecycle/activate", "").refusedWith(t, 403, "E0000016", "")
	a.must(200, "POST", ivan+"/lifecycle/unsuspend", "")
	a.must(200, "POST", ivan+"/lifecycle/deactivate", "")
	a.call("POST", ivan+"/lifecycle/unsuspend", "").refusedWith(t, 403, "E0000016", "")
	a.must(200, "POST", ivan+"/lifecycle/activate", "")
}

// TestBoundsAreInCharacters, as Okta counts: a name in another alphabet is no longer than it looks.
func TestBoundsAreInCharacters(t *testing.T) {
	a := start(t).api()
	a.must(200, "POST", "/api/v1/apps", fmt.Sprintf(newWebApp, strings.Repeat("ü", 100)))
	a.call("POST", "/api/v1/apps", fmt.Sprintf(newWebApp, strings.Repeat("ü", 101))).refusedWith(t, 400, "E0000001", "too long")
	person := `{"profile":{"firstName":%q,"lastName":"b","login":"c@d.test","email":"c@d.test"}}`
	a.call("POST", "/api/v1/users", fmt.Sprintf(person, strings.Repeat("x", 256))).refusedWith(t, 400, "E0000001", "firstName")
}

// TestGroupsClaimOfAnApplication has a name of its own, not one that every ID token has.
func TestGroupsClaimOfAnApplication(t *testing.T) {
	a := start(t).api()
	path := "/api/v1/internal/apps/" + a.list("/api/v1/apps")[0].id() + "/settings/oauth/idToken"
	for _, name := range []string{"nonce", "at_hash", "sub", "scope"} {
		a.call("POST", path, `{"valueType":"GROUPS","groupFilterType":"REGEX","name":"`+name+`","value":".*"}`).refusedWith(t, 400, "E0000001", "reserved")
	}
	a.must(200, "POST", path, `{"valueType":"GROUPS","groupFilterType":"REGEX","name":"groups","value":".*"}`)
}

// TestLinksRepeatNoLink: a query can't end the link that repeats it.
func TestLinksRepeatNoLink(t *testing.T) {
	a := start(t).api()
	got := a.call("GET", `/api/v1/apps?q=x>rel="next"`, "")
	if links := got.header.Values("Link"); len(links) != 1 || strings.Count(links[0], ">") != 1 || strings.Count(links[0], `"`) != 2 {
		t.Errorf("%v", got.header.Values("Link"))
	}
}

// TestUnlicensedIsSaidFirst, whatever the request is like.
func TestUnlicensedIsSaidFirst(t *testing.T) {
	a := start(t, func(c *Config) { c.Profile = Unlicensed }).api()
	a.call("POST", "/api/v1/authorizationServers", "{").refusedWith(t, 401, "E0000015", "")
}
