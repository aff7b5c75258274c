package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// says runs a command that ends with status, and returns what it printed on both.
func (c *terminal) says(status int, args ...string) string {
	c.Helper()
	var out bytes.Buffer
	env := environment{c.Context(), strings.NewReader(""), &out, &out, []string{"OKTA_API_TOKEN=" + c.okta.World().APIToken}}
	if got := run(env, args); got != status {
		c.Fatalf("portico %s: exit status %d, expected %d\n%s", strings.Join(args, " "), got, status, out.String())
	}
	return out.String()
}

// api speaks to the Management API, as an administrator who changes something behind our back.
func (c *terminal) api(method, path string, body any) []byte {
	c.Helper()
	text, _ := json.Marshal(body)
	r, err := http.NewRequestWithContext(c.Context(), method, c.url+path, bytes.NewReader(text))
	if err != nil {
		c.Fatal(err)
	}
	r.Header.Set("Authorization", "SSWS "+c.okta.World().APIToken)
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		c.Fatal(err)
	}
	defer response.Body.Close()
	answer, _ := io.ReadAll(response.Body)
	if response.StatusCode >= 300 {
		c.Fatalf("%s %s: %d %s", method, path, response.StatusCode, answer)
	}
	return answer
}

// alter changes fields of the item of a list that has the name.
func (c *terminal) alter(list, name string, fields map[string]any) {
	c.Helper()
	item := c.item(list, name)
	for field, value := range fields {
		item[field] = value
	}
	delete(item, "_links")
	c.api(http.MethodPut, list+"/"+item["id"].(string), item)
}

func (c *terminal) item(list, name string) map[string]any {
	c.Helper()
	var items []map[string]any
	if err := json.Unmarshal(c.api(http.MethodGet, list, nil), &items); err != nil {
		c.Fatal(err)
	}
	i := slices.IndexFunc(items, func(o map[string]any) bool {
		profile, _ := o["profile"].(map[string]any)
		return o["name"] == name || o["label"] == name || profile["name"] == name
	})
	if i < 0 {
		c.Fatalf("%s has no %s", list, name)
	}
	return items[i]
}

type finding struct {
	ID, Setting, Fix string
	How              []string
}

// findings are what the doctor reports to programs.
func (c *terminal) findings(args ...string) (all []finding) {
	c.Helper()
	var report struct{ Findings []finding }
	if err := json.Unmarshal([]byte(c.expect(exitProblem, append(args, "--json")...)), &report); err != nil {
		c.Fatal(err)
	}
	return report.Findings
}

const server = "/api/v1/authorizationServers/default"

func deactivated(path func(*terminal) string) func(*terminal) {
	return func(c *terminal) { c.api(http.MethodPost, path(c)+"/lifecycle/deactivate", nil) }
}

func (c *terminal) app() string {
	return "/api/v1/apps/" + c.item("/api/v1/apps", "Procivis One")["id"].(string)
}

func (c *terminal) policy() string {
	return server + "/policies/" + c.item(server+"/policies", "Procivis One")["id"].(string)
}

// TestFixMendsWhatItSays: every finding that is marked so is gone afterwards, and what it says that it changes is what changes.
func TestFixMendsWhatItSays(t *testing.T) {
	for _, test := range []struct {
		name  string
		spoil func(*terminal)
		want  string // id, who mends it
		how   string
	}{
		{"the group renamed", func(c *terminal) {
			c.alter("/api/v1/groups", "ONE_STS_ADMIN", map[string]any{"profile": map[string]any{"name": "Administrators"}})
		}, "admin-name okta apply", "Name: Administrators -> ONE_STS_ADMIN"},
		{"the group in small letters", func(c *terminal) {
			c.alter("/api/v1/groups", "ONE_STS_ADMIN", map[string]any{"profile": map[string]any{"name": "one_sts_admin"}})
		}, "admin-name okta apply", "one_sts_admin -> ONE_STS_ADMIN"},
		{"the group deleted", func(c *terminal) {
			c.api(http.MethodDelete, "/api/v1/groups/"+c.item("/api/v1/groups", "ONE_STS_ADMIN")["id"].(string), nil)
		}, "admin-missing okta apply", "create: Group"},
		{"nobody in the group", func(c *terminal) { _ = c.okta.SetUserGroups("ada@acme.test") }, "admin-empty okta apply", "add: ada@acme.test in the group"},
		{"a wrong secret in our file", func(c *terminal) { c.write("client-secret", "wrong\n") }, "secret okta apply", "client-secret"},
		{"the secret's file is another", func(c *terminal) {
			c.write("other-secret", "wrong\n")
			c.breakConfig("/client-secret", "/other-secret")
		}, "secret okta apply", "iam.clientSecretFile"},
		{"the claim's filter changed", func(c *terminal) {
			c.alter(server+"/claims", "roles", map[string]any{"group_filter_type": "EQUALS", "value": "Acme Audit"})
		}, "admin-filter okta apply", "Value: Acme Audit -> .*"},
		{"the claim inactive", func(c *terminal) { c.alter(server+"/claims", "roles", map[string]any{"status": "INACTIVE"}) }, "claim-inactive okta apply", "Inactive -> Active"},
		{"the claim bound to a scope", func(c *terminal) {
			c.alter(server+"/claims", "roles", map[string]any{"conditions": map[string]any{"scopes": []string{"address"}}})
		}, "claim-scope okta apply", "Include in scopes"},
		{"the claim an expression", func(c *terminal) {
			c.alter(server+"/claims", "roles", map[string]any{"valueType": "EXPRESSION", "group_filter_type": nil, "value": "user.email"})
		}, "claim-string okta apply", "Expression -> Groups"},
		{"the application inactive", deactivated((*terminal).app), "app-inactive okta apply", "Inactive -> Active"},
		{"the application deleted", func(c *terminal) {
			path := c.app()
			c.api(http.MethodPost, path+"/lifecycle/deactivate", nil)
			c.api(http.MethodDelete, path, nil)
		}, "client-unknown okta apply", "create: Application"},
		{"the policy inactive", deactivated((*terminal).policy), "policy-inactive okta apply", "Inactive -> Active"},
		{"the rule inactive", deactivated(func(c *terminal) string {
			return c.policy() + "/rules/" + c.item(c.policy()+"/rules", "Procivis One sign-in")["id"].(string)
		}), "rule-misses okta apply", "Inactive -> Active"},
		{"a policy for everybody put ahead", func(c *terminal) {
			var policy struct{ ID string }
			_ = json.Unmarshal(c.api(http.MethodPost, server+"/policies", map[string]any{
				"type": "OAUTH_AUTHORIZATION_POLICY", "status": "ACTIVE", "name": "Everybody", "description": "x", "priority": 1,
				"conditions": map[string]any{"clients": map[string]any{"include": []string{"ALL_CLIENTS"}}},
			}), &policy)
			c.api(http.MethodPost, server+"/policies/"+policy.ID+"/rules", map[string]any{
				"type": "RESOURCE_ACCESS", "status": "ACTIVE", "name": "Everybody", "priority": 1,
				"conditions": map[string]any{
					"people": map[string]any{"groups": map[string]any{"include": []string{"EVERYONE"}}}, "grantTypes": map[string]any{"include": []string{"authorization_code"}},
					"scopes": map[string]any{"include": []string{"*"}},
				},
				"actions": map[string]any{"token": map[string]any{"accessTokenLifetimeMinutes": 5, "refreshTokenLifetimeMinutes": 0, "refreshTokenWindowMinutes": 10080}},
			})
		}, "policy-order okta apply", "Priority: 2 -> 1"},
		{"the role path", func(c *terminal) { c.breakConfig("  iam:\n    tokenV", "  iam:\n    rolePath: Roles\n    tokenV") }, "claim-name configuration", "sts.iam.rolePath: Roles -> roles"},
		{"the audience", func(c *terminal) { c.breakConfig("aud: api://default", "aud: api://Default") }, "audience configuration", "api://Default -> api://default"},
		{"the issuer with a slash", func(c *terminal) { c.breakConfig("oauth2/default\n", "oauth2/default/\n") }, "issuer-differs configuration", "iam.issuer: "},
		{"the bootstrap role in small letters", func(c *terminal) {
			c.breakConfig("  iam:\n    tokenV", "  iam:\n    adminRole: one_sts_admin\n    tokenV")
		}, "admin-name configuration", "one_sts_admin -> ONE_STS_ADMIN"},
		{"the bootstrap role with a blank", func(c *terminal) {
			c.breakConfig("  iam:\n    tokenV", "  iam:\n    adminRole: 'ONE_STS_ADMIN '\n    tokenV")
		}, "config-invalid configuration", `"ONE_STS_ADMIN " -> ONE_STS_ADMIN`},
		{"two lines, one of which is not there yet", func(c *terminal) {
			c.breakConfig("aud: api://default", "aud: api://other")
			c.alter(server+"/claims", "roles", map[string]any{"name": "Roles"})
		}, "audience configuration", "api://other -> api://default"},
		{"two scopes too many", func(c *terminal) {
			c.breakConfig("clientId:", "scopes: [openid, profile, email, offline_access, groups, nonsense]\n  clientId:")
		}, "scope-groups configuration", "iam.scopes: "},
		{"a scope too many", func(c *terminal) {
			c.breakConfig("clientId:", "scopes: [openid, profile, email, offline_access, groups]\n  clientId:")
		}, "scope-groups configuration", "iam.scopes: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newTerminal(t)
			test.spoil(c)
			found := c.findings(doctorArgs()...)
			if got := found[0].ID + " " + found[0].Fix; got != test.want || !strings.Contains(fmt.Sprint(found[0].How), test.how) {
				t.Fatalf("found is %+v, expected %s with %q", found, test.want, test.how)
			}
			said := c.says(exitFine, doctorArgs("--fix", "--yes")...)
			if !strings.Contains(said, "Nothing wrong was found.") {
				t.Errorf("afterwards it says %s", said)
			}
			if strings.Contains(said, "mends nothing that was found") {
				t.Errorf("more goes along than was found: %s", said)
			}
			c.expect(exitFine, "okta", "verify")
		})
	}
}

// TestFixWithoutAPIAccessManagement: roles come from the ID token, and okta apply knows it. A setup file for access tokens
// would turn the configuration over, so nothing is mended by it.
func TestFixWithoutAPIAccessManagement(t *testing.T) {
	c := newTerminalOf(t, "unlicensed", "org")
	c.write("client-secret", "wrong\n")
	found := c.findings(doctorArgs()...)
	if len(found) == 0 || found[0].ID != "secret" || found[0].Fix != "okta apply" {
		t.Fatalf("found is %+v", found)
	}
	text, _ := os.ReadFile("okta.yaml")
	c.write("okta.yaml", strings.Replace(string(text), "{id: org}", "{id: default}", 1))
	if other := c.findings(doctorArgs()...); other[0].ID != "secret" || other[0].Fix != "" || !strings.Contains(fmt.Sprint(other[0].How), "another iam.tokenSource") {
		t.Errorf("found is %+v", other)
	}
	c.write("okta.yaml", string(text))
	c.says(exitFine, doctorArgs("--fix", "--yes")...)
}

// TestFixSaysWhatGoesAlong: okta apply does all that the setup file says, so what nobody asked for is told apart, before.
func TestFixSaysWhatGoesAlong(t *testing.T) {
	c := newTerminal(t)
	c.write("client-secret", "wrong\n")
	credentials := c.item("/api/v1/apps", "Procivis One")["credentials"].(map[string]any)
	credentials["oauthClient"].(map[string]any)["pkce_required"] = false // a sign-in does without
	c.alter("/api/v1/apps", "Procivis One", map[string]any{"credentials": credentials})
	said := c.says(exitProblem, doctorArgs("--fix")...)
	found, along, apart := strings.Cut(said, "mends nothing that was found")
	if !apart || !strings.Contains(found, "Client secret in") || !strings.Contains(along, "Require PKCE: no -> yes") || !strings.Contains(along, "nothing was changed") {
		t.Errorf("said is %s", said)
	}
	if secret, _ := os.ReadFile("client-secret"); string(secret) != "wrong\n" {
		t.Error("the secret was changed although nobody agreed")
	}
}

// TestFixRefusesADangerThatNobodyAskedFor: another audience would lock everybody else out of the server.
func TestFixRefusesADangerThatNobodyAskedFor(t *testing.T) {
	c := newTerminal(t)
	c.write("client-secret", "wrong\n")
	text, _ := os.ReadFile("okta.yaml")
	c.write("okta.yaml", strings.Replace(string(text), "{id: default}", "{id: default, audience: api://mine}", 1))
	if said := c.says(exitProblem, doctorArgs("--fix", "--yes")...); !strings.Contains(said, "DANGER") || !strings.Contains(said, "nothing was changed") {
		t.Errorf("said is %s", said)
	}
	if audience := string(c.api(http.MethodGet, server, nil)); !strings.Contains(audience, "api://default") {
		t.Errorf("the server is %s", audience)
	}
}

// TestFixOwnsUpToWhatItDoesNotMend: a claim that was there before is changed by claim.widen only, and okta plan says the same.
func TestFixOwnsUpToWhatItDoesNotMend(t *testing.T) {
	c := newTerminal(t)
	c.says(exitFine, "okta", "undo", "--yes")
	c.api(http.MethodPost, server+"/claims", map[string]any{
		"name": "roles", "claimType": "RESOURCE", "valueType": "GROUPS", "group_filter_type": "REGEX", "value": ".*", "status": "ACTIVE", "conditions": map[string]any{"scopes": []string{}},
	})
	c.says(exitFine, "okta", "apply", "--yes")
	c.alter(server+"/claims", "roles", map[string]any{"group_filter_type": "STARTS_WITH", "value": "Acme"})
	found := c.findings(doctorArgs()...)
	if len(found) != 1 || found[0].ID != "admin-filter" || found[0].Fix != "" || !strings.Contains(found[0].Setting, "claim.widen: true") {
		t.Fatalf("found is %+v", found)
	}
	if plan := c.says(exitProblem, "okta", "plan"); !strings.Contains(plan, "claim.widen: true") || !strings.Contains(fmt.Sprint(found[0].How), strings.TrimSpace(strings.TrimPrefix(plan, "portico: "))) {
		t.Errorf("okta plan says %s, the doctor %s", plan, found[0].How)
	}
	if said := c.says(exitProblem, doctorArgs("--fix", "--yes")...); !strings.Contains(said, "--fix mends none of these") {
		t.Errorf("said is %s", said)
	}
	text, _ := os.ReadFile("okta.yaml")
	c.write("okta.yaml", string(text)+"claim: {widen: true}\n")
	widened := c.findings(doctorArgs()...)
	if widened[0].Fix != "okta apply" || !strings.Contains(found[0].Setting, `(?:Acme.*)|(?:ONE_STS_ADMIN)`) || !strings.Contains(fmt.Sprint(widened[0].How), `(?:Acme.*)|(?:ONE_STS_ADMIN)`) {
		t.Errorf("the filter is told in two ways: %+v and %+v", found, widened)
	}
	c.says(exitFine, doctorArgs("--fix", "--yes")...)
}

// TestFixIsHonestWithoutTheSetupFile: what okta apply might mend is not promised.
func TestFixIsHonestWithoutTheSetupFile(t *testing.T) {
	c := newTerminal(t)
	c.breakConfig("127.0.0.1:9999", "127.0.0.1:9998")
	found := c.findings("doctor", "--config", "portico.yaml")
	if len(found) != 1 || found[0].Fix != "" || !strings.Contains(fmt.Sprint(found[0].How), "--okta") {
		t.Errorf("found is %+v", found)
	}
}

// TestFixLeavesTheEnvironmentAlone: a line of the file that does not count is not set.
func TestFixLeavesTheEnvironmentAlone(t *testing.T) {
	c := newTerminal(t)
	var out bytes.Buffer
	env := environment{c.Context(), strings.NewReader(""), &out, &out, []string{"OKTA_API_TOKEN=" + c.okta.World().APIToken, "PORTICO_sts__iam__tokenValidation__aud=api://x"}}
	before, _ := os.ReadFile("portico.yaml")
	if got := run(env, doctorArgs("--fix", "--yes")); got != exitProblem || !strings.Contains(out.String(), "PORTICO_sts__iam__tokenValidation__aud in the environment goes before") {
		t.Errorf("%d %s", got, out.String())
	}
	if after, _ := os.ReadFile("portico.yaml"); !bytes.Equal(before, after) {
		t.Errorf("the file was changed: %s", after)
	}
}

// TestFixLosesNothingOfAFile: comments, keys of others, the mode, and that it is a link.
func TestFixLosesNothingOfAFile(t *testing.T) {
	c := newTerminal(t)
	c.breakConfig("aud: api://default", "aud: api://other # the API's")
	text, _ := os.ReadFile("portico.yaml")
	if err := errors.Join(os.Mkdir("etc", 0o700), os.Rename("portico.yaml", "etc/portico.yaml"), os.Symlink(filepath.Join("etc", "portico.yaml"), "portico.yaml"), os.Chmod("etc/portico.yaml", 0o640)); err != nil {
		t.Fatal(err)
	}
	c.says(exitFine, "doctor", "--config", "portico.yaml", "--okta", "okta.yaml", "--fix", "--yes")
	link, err := os.Lstat("portico.yaml")
	info, err2 := os.Stat("portico.yaml")
	after, _ := os.ReadFile("etc/portico.yaml")
	if err != nil || err2 != nil || link.Mode()&os.ModeSymlink == 0 || info.Mode().Perm() != 0o640 {
		t.Errorf("%v %v", link, info)
	}
	if want := strings.Replace(string(text), "api://other", "api://default", 1); string(after) != want {
		t.Errorf("got\n%s\nexpected\n%s", after, want)
	}
	if left, _ := filepath.Glob("*/.portico-*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestMissingFilesAreNoUsageFault, as they are none of other commands.
func TestMissingFilesAreNoUsageFault(t *testing.T) {
	c := newTerminal(t)
	for _, args := range [][]string{
		{"doctor", "--config", "missing"},
		{"doctor", "--token", "missing"},
		{"doctor", "--okta", "missing"},
		{"doctor", "--gateway", "missing"},
		{"config", "check", "--config", "missing"},
		{"okta", "plan", "--file", "missing"},
	} {
		if said := c.says(exitProblem, args...); !strings.Contains(said, "missing") || strings.Contains(said, "1.") {
			t.Errorf("%v: said is %s", args, said)
		}
	}
}
