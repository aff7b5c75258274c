package okta_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/devokta"
	"github.com/portico-iam/portico/internal/okta"
)

// call is how somebody else changes the organisation.
func (o *org) call(method, path, body string) map[string]any {
	o.t.Helper()
	request, _ := http.NewRequestWithContext(o.t.Context(), method, o.url+path, bytes.NewReader([]byte(body)))
	request.Header.Set("Authorization", "SSWS "+o.World().APIToken)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		o.t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	if response.StatusCode >= 300 {
		o.t.Fatalf("%s %s: %d %s", method, path, response.StatusCode, text)
	}
	var object map[string]any
	_ = json.Unmarshal(text, &object)
	return object
}

const (
	serverPath = "/api/v1/authorizationServers/default"
	webApp     = `{"name":"oidc_client","label":%q,"signOnMode":"OPENID_CONNECT","credentials":{"oauthClient":{"token_endpoint_auth_method":"client_secret_post"}},
		"settings":{"oauthClient":{"application_type":"web","grant_types":["authorization_code"],"response_types":["code"],"redirect_uris":["https://other.example.com/cb"]}}}`
)

func groupsClaim(name, filter, value string) string {
	return fmt.Sprintf(`{"name":%q,"claimType":"RESOURCE","valueType":"GROUPS","group_filter_type":%q,"value":%q,"status":"ACTIVE","conditions":{"scopes":[]}}`, name, filter, value)
}

// steps counts what a plan does, by the part.
func does(p *okta.Plan, part string) okta.Action {
	for _, s := range p.Steps {
		if s.Part == part {
			return s.Action
		}
	}
	return "none"
}

// TestApplicationThatIsThere is given what it lacks, keeps what it has, and gets back exactly that.
func TestApplicationThatIsThere(t *testing.T) {
	o := newOrg(t, "fresh-free")
	o.call("POST", "/api/v1/apps", fmt.Sprintf(webApp, "Procivis One"))
	before := o.everything()
	s := o.setup(fresh)
	plan := o.apply(s)
	if does(plan, "application") != okta.Alter {
		t.Errorf("expected the application to be changed, got\n%s", names(plan))
	}
	app := o.everything()["/api/v1/apps"].([]any)[0].(map[string]any)
	text, _ := json.Marshal(app)
	for _, want := range []string{`"https://other.example.com/cb"`, `"http://127.0.0.1:9999/.apisix/redirect"`, `"refresh_token"`, `"client_secret_post"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("expected %s in %s", want, text)
		}
	}
	if text, _ := os.ReadFile("portico.yaml"); !strings.Contains(string(text), "clientAuth: client_secret_post") {
		t.Errorf("expected the configuration to follow the application:\n%s", text)
	}
	o.undo(s)
	sameAs(t, "undo", before, o.everything())
}

// TestClaimThatIsThere is the guide's first way of step 4.
func TestClaimThatIsThere(t *testing.T) {
	for _, c := range []struct {
		rule, name, filter, value, more string
		action                          okta.Action
		fault                           string
	}{
		{"a filter that lets the role through is left alone", "roles", "STARTS_WITH", "ONE_", "", okta.Keep, ""},
		{"rolePath follows the name", "company_roles", "REGEX", "ONE_.*|Acme.*", "", okta.Keep, ""},
		{"a filter that leaves it out is not changed unasked", "roles", "STARTS_WITH", "Acme ", "", "", "leaves the bootstrap role \"ONE_STS_ADMIN\" out"},
		{"asked for, it is widened", "roles", "STARTS_WITH", "Acme ", "claim: {widen: true}\n", okta.Alter, ""},
		{"another group's name fits it", "roles", "STARTS_WITH", "Acme ", "bootstrap: {group: Acme Admins, people: [ada@acme.test]}\n", okta.Keep, ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			o := newOrg(t, "fresh-free")
			o.call("POST", serverPath+"/claims", groupsClaim(c.name, c.filter, c.value))
			before := o.everything()
			text := fresh + c.more
			if strings.Contains(c.more, "bootstrap") {
				text = strings.Replace(fresh, "bootstrap: {people: [ada@acme.test]}\n", c.more, 1)
			}
			s := o.setup(text)
			plan, err := okta.MakePlan(t.Context(), s, o.client(s))
			if c.fault != "" {
				if err == nil || !strings.Contains(err.Error(), c.fault) {
					t.Errorf("expected %q, got %v", c.fault, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if does(plan, "claim") != c.action || (len(plan.Dangers()) > 0) != (c.action == okta.Alter) {
				t.Errorf("expected %s, got\n%s", c.action, names(plan))
			}
			applied := o.apply(s)
			if applied.Values.RolePath != c.name || applied.Values.AdminRole != s.Bootstrap.Group {
				t.Errorf("expected the configuration to follow, got %+v", applied.Values)
			}
			o.undo(s)
			sameAs(t, "undo", before, o.everything())
		})
	}
}

// TestAudienceOfSharedServer: changing it is dangerous and said to be so; undo puts the old one back.
func TestAudienceOfSharedServer(t *testing.T) {
	o := newOrg(t, "fresh-free")
	before := o.everything()
	s := o.setup(strings.Replace(fresh, "{id: default}", "{id: default, audience: api://procivis-one}", 1))
	if plan := o.plan(s); len(plan.Dangers()) != 1 || !strings.Contains(plan.Dangers()[0].Danger, "audience") {
		t.Errorf("expected one danger, got %+v", plan.Dangers())
	}
	stale := o.plan(o.setup(fresh)) // agreed to before the audience was wanted
	s = o.setup(strings.Replace(fresh, "{id: default}", "{id: default, audience: api://procivis-one}", 1))
	for _, agreed := range []*okta.Plan{nil, stale} {
		if _, err := okta.Apply(t.Context(), s, o.client(s), agreed, func(okta.Step) {}); err == nil || !strings.Contains(err.Error(), "read the plan again") {
			t.Errorf("expected a danger that nobody agreed to be left undone, got %v", err)
		}
	}
	o.apply(s)
	o.undo(s)
	sameAs(t, "undo", before, o.everything())
}

func TestServerOfOurOwn(t *testing.T) {
	o := newOrg(t, "fresh-free")
	before := o.everything()
	s := o.setup(strings.Replace(fresh, "{id: default}", "{name: procivis, audience: api://procivis-one}", 1))
	applied := o.apply(s)
	cfg, err := config.LoadFile("portico.yaml", nil)
	if err != nil || cfg.IAM.Issuer != applied.Values.Issuer || !strings.Contains(cfg.IAM.Issuer, "/oauth2/aus") || cfg.STS.IAM.TokenValidation.Aud != "api://procivis-one" {
		t.Errorf("expected the new server in the configuration, got %+v, %v", applied.Values, err)
	}
	if again := o.plan(s); again.Changes() {
		t.Errorf("expected no changes, got\n%s", names(again))
	}
	o.undo(s)
	sameAs(t, "undo", before, o.everything())
}

// TestPolicyThatIsThere: the application joins it; a rule that lets it through is used as it is.
func TestPolicyThatIsThere(t *testing.T) {
	o := newOrg(t, "fresh-free")
	other := o.call("POST", "/api/v1/apps", fmt.Sprintf(webApp, "Other"))
	policy := o.call("POST", serverPath+"/policies", strings.Replace(`{"type":"OAUTH_AUTHORIZATION_POLICY","status":"ACTIVE","name":"Staff","description":"x","priority":1,"conditions":{"clients":{"include":["0oaother"]}}}`, "0oaother", other["id"].(string), 1))
	before := o.everything()
	s := o.setup(strings.Replace(fresh, "{id: default}", "{id: default, policy: Staff}", 1))
	if plan := o.apply(s); does(plan, "policy") != okta.Alter || does(plan, "rule") != okta.Create {
		t.Errorf("expected the policy changed and a rule made, got\n%s", names(plan))
	}
	o.undo(s)
	sameAs(t, "undo", before, o.everything())

	o.call("POST", serverPath+"/policies/"+policy["id"].(string)+"/rules", `{"type":"RESOURCE_ACCESS","name":"all","status":"ACTIVE","priority":1,
		"conditions":{"people":{"groups":{"include":["EVERYONE"]}},"grantTypes":{"include":["authorization_code"]},"scopes":{"include":["*"]}},
		"actions":{"token":{"accessTokenLifetimeMinutes":60,"refreshTokenLifetimeMinutes":0,"refreshTokenWindowMinutes":10080}}}`)
	if plan := o.plan(s); does(plan, "rule") != okta.Keep {
		t.Errorf("expected the rule that fits to be used, got\n%s", names(plan))
	}
}

// TestUndoLeavesWhatOthersUse: a group that got other members, a value that somebody changed since.
func TestUndoLeavesWhatOthersUse(t *testing.T) {
	o := newOrg(t, "fresh-free")
	s := o.setup(fresh)
	o.apply(s)
	var group, ivan string
	for _, g := range o.everything()["/api/v1/groups"].([]any) {
		if g.(map[string]any)["profile"].(map[string]any)["name"] == "ONE_STS_ADMIN" {
			group = g.(map[string]any)["id"].(string)
		}
	}
	ivan = o.call("GET", "/api/v1/users/ivan@acme.test", "")["id"].(string)
	o.call("PUT", "/api/v1/groups/"+group+"/users/"+ivan, "")
	undone := o.undo(s)
	if does(undone, "group") != okta.Keep || !strings.Contains(strings.Join(undone.Notes, "\n"), "somebody else put people into it (1)") {
		t.Errorf("expected the group to stay, and to be told why, got\n%s\n%v", names(undone), undone.Notes)
	}
	o.call("DELETE", "/api/v1/groups/"+group+"/users/"+ivan, "")
	if undone := o.undo(s); does(undone, "group") != okta.Remove {
		t.Errorf("expected the rest to go the second time, got\n%s", names(undone))
	}
}

// TestRefusals: what stands in the way is said plainly, before anything is done.
func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		rule, profile string
		prepare       func(*org)
		from, to      string
		want          string
	}{
		{"nobody by that login", "fresh-free", nil, "ada@acme.test", "eve@acme.test", `there is nobody with the login "eve@acme.test"`},
		{"an id in the place of a login", "fresh-free", nil, "[ada@acme.test]", "[ID OF IVAN]", `is no login; Okta takes it for "ivan@acme.test"`},
		{"no such group", "fresh-free", nil, "Acme Issuance", "Acme Nothing", `there is no group "Acme Nothing"`},
		{"no such server", "fresh-free", nil, "id: default", "id: aus404", `there is none with the id aus404`},
		{"no such policy", "fresh-free", nil, "{id: default}", "{id: default, policy: Staff}", `there is no access policy "Staff"`},
		{"no licence", "unlicensed", nil, "", "", "authorizationServer: {id: org}"},
		{"two of that label", "fresh-free", func(o *org) {
			o.call("POST", "/api/v1/apps", fmt.Sprintf(webApp, "Procivis One"))
			o.call("POST", "/api/v1/apps", fmt.Sprintf(webApp, "Procivis One"))
		}, "", "", "expected one of that name, found 2"},
		{"an application of another type", "fresh-free", func(o *org) {
			o.call("POST", "/api/v1/apps", strings.NewReplacer(`"web"`, `"native"`, "client_secret_post", "none").Replace(fmt.Sprintf(webApp, "Procivis One")))
		}, "", "", `is of type "native": expected a web application`},
		{"a group of a directory", "fresh-free", func(o *org) {
			if err := o.AddDirectoryGroup("ONE_STS_ADMIN", "active_directory", "ada@acme.test"); err != nil {
				o.t.Fatal(err)
			}
		}, "", "", "comes from a directory"},
		{"several claims with groups", "fresh-free", func(o *org) {
			o.call("POST", serverPath+"/claims", groupsClaim("one", "REGEX", ".*"))
			o.call("POST", serverPath+"/claims", groupsClaim("two", "REGEX", ".*"))
		}, "", "", "several claims carry groups (one, two)"},
		{"a filter that leaves the administrators out", "fresh-free", nil, "bootstrap", "claim: {startsWith: 'Acme '}\nbootstrap", `leaves the group "ONE_STS_ADMIN" out`},
		{"a new claim of a name that Okta reserves", "fresh-free", nil, "bootstrap", "claim: {name: groups}\nbootstrap", `Okta reserves "groups" in access tokens`},
		{"Okta answers with a web page", "fresh-free", func(o *org) {
			o.Inject(devokta.Fault{Endpoint: "management", Status: 503, Body: devokta.HTMLPage})
		}, "", "", "expected JSON"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			o := newOrg(t, c.profile)
			ivan, _ := o.call("GET", "/api/v1/users/ivan@acme.test", "")["id"].(string)
			if c.prepare != nil {
				c.prepare(o)
			}
			s := o.setup(strings.Replace(fresh, c.from, strings.Replace(c.to, "ID OF IVAN", ivan, 1), 1))
			changed := 0
			o.Observe(func(r devokta.Request) {
				if r.Changes() {
					changed++
				}
			})
			_, err := okta.MakePlan(t.Context(), s, o.client(s))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("expected %q, got %v", c.want, err)
			}
			if changed > 0 {
				t.Errorf("planning sent %d changes", changed)
			}
		})
	}
}
