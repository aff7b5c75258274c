package doctor_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/devokta"
	"github.com/portico-iam/portico/internal/iam"
)

// works signs in just as Portico does, with Portico's own client, and says what fails; "" means that Ada came in as the
// bootstrap administrator with a refresh token.
func (b *bed) works(login string) string {
	b.Helper()
	if len(b.in.Faults) > 0 {
		return b.in.Faults.Error()
	}
	cfg := b.in.Config
	connection, err := iam.Connect(cfg, b.in.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		return err.Error()
	}
	defer connection.Close()
	c := connection.Client
	pkce := strings.Repeat("v", 50)
	address, err := c.AuthorizationURL(b.Context(), "state", "nonce", pkce, iam.Ask{})
	if err != nil {
		return err.Error()
	}
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar, Transport: b.in.HTTP.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	page := b.send(browser, http.MethodGet, address, nil)
	if !strings.HasPrefix(page.Header.Get("Location"), "/signin") {
		return "authorize: " + page.Status + " " + page.Header.Get("Location")
	}
	base, _, _ := strings.Cut(cfg.IAM.Issuer, "/oauth2")
	form := b.send(browser, http.MethodPost, base+page.Header.Get("Location"), url.Values{"username": {login}, "password": {devokta.Password}})
	back, err := url.Parse(form.Header.Get("Location"))
	if err != nil || back.Query().Get("code") == "" {
		return "signin: " + form.Header.Get("Location")
	}
	grant, err := c.Exchange(b.Context(), back.Query().Get("code"), pkce, "nonce")
	switch {
	case err != nil:
		return err.Error()
	case !slices.Contains(grant.Principal.IAMRoles, cfg.STS.IAM.AdminRole):
		return fmt.Sprintf("roles are %v", grant.Principal.IAMRoles)
	case grant.RefreshToken == "":
		return "no refresh token"
	}
	return ""
}

// change is any single change, right or wrong.
type change struct {
	name string
	make func(*bed)
}

func onApp(path string, value any) change {
	return change{fmt.Sprintf("application %s = %v", path, value), func(b *bed) { b.app(path, value) }}
}

func onClaim(pairs ...any) change {
	return change{fmt.Sprintf("claim %v", pairs), func(b *bed) { b.claim(pairs...) }}
}

func onRule(path string, value any) change {
	return change{fmt.Sprintf("rule %s = %v", path, value), func(b *bed) { b.put(b.rulePath(), path, value) }}
}

func onPolicy(path string, value any) change {
	return change{fmt.Sprintf("policy %s = %v", path, value), func(b *bed) { b.put(b.policyPath(), path, value) }}
}

func onConfig(name string, f func(*config.Config)) change {
	return change{"configuration: " + name, func(b *bed) { f(&b.cfg) }}
}

func groupID(b *bed, name string) string { return b.find("/api/v1/groups", name).id() }

var changes = []change{
	{"nothing", func(*bed) {}},
	onApp("label", "Another name"), onApp("credentials.oauthClient.pkce_required", false),
	onApp("credentials.oauthClient.token_endpoint_auth_method", "client_secret_post"), onApp("credentials.oauthClient.token_endpoint_auth_method", "client_secret_jwt"),
	onApp(redirects, []string{callback, "https://elsewhere.test/x"}), onApp(redirects, []string{"https://elsewhere.test/x"}), onApp(redirects, []string{callback + "?a=b"}),
	onApp(redirects, []string{publicURL}), onApp(grants, []string{"authorization_code", "refresh_token", "implicit"}), onApp(grants, []string{"authorization_code"}),
	onApp("settings.oauthClient.dpop_bound_access_tokens", true), onApp("settings.oauthClient.refresh_token", object{"rotation_type": "STATIC"}),
	onApp("settings.oauthClient.refresh_token", object{"rotation_type": "ROTATE", "leeway": 60}), onApp("settings.oauthClient.issuer_mode", "ORG_URL"),
	{"application inactive", func(b *bed) { deactivate(b, "/api/v1/apps/"+b.World().WebClient.ID) }},
	{"application deleted", func(b *bed) {
		deactivate(b, "/api/v1/apps/"+b.World().WebClient.ID)
		b.call(http.MethodDelete, "/api/v1/apps/"+b.World().WebClient.ID, nil)
	}},
	{"a second secret", func(b *bed) { b.post("/api/v1/apps/"+b.World().WebClient.ID+"/credentials/secrets", object{}) }},
	{"assigned by group", func(b *bed) {
		must(b, b.SetUserAssigned(ada, false))
		b.call(http.MethodPut, "/api/v1/apps/"+b.World().WebClient.ID+"/groups/"+groupID(b, "ONE_STS_ADMIN"), object{})
	}},
	{"assigned by a group of others", func(b *bed) {
		must(b, b.SetUserAssigned(ada, false))
		b.call(http.MethodPut, "/api/v1/apps/"+b.World().WebClient.ID+"/groups/"+groupID(b, "Acme Audit"), object{})
	}},
	{"unassigned", func(b *bed) { must(b, b.SetUserAssigned(ada, false)) }},
	{"server inactive", func(b *bed) { deactivate(b, servers) }},
	{"server's audience", func(b *bed) { b.put(servers, "audiences", []string{"api://other"}) }},
	{"server's name", func(b *bed) { b.put(servers, "name", "renamed") }},
	{"server's issuerMode", func(b *bed) { b.put(servers, "issuerMode", "ORG_URL") }},
	{"server's description", func(b *bed) { b.put(servers, "description", "x") }},
	{"server's keys rotated", func(b *bed) { must(b, b.RotateKeys()) }},
	{"server's keys vanished", func(b *bed) { b.VanishKeys() }},
	onPolicy("conditions.clients.include", []string{"ALL_CLIENTS"}), onPolicy("conditions.clients.include", []string{"acme-cli"}), onPolicy("name", "x"), onPolicy("priority", 3),
	{"policy inactive", func(b *bed) { deactivate(b, b.policyPath()) }},
	{"policy deleted", func(b *bed) { b.call(http.MethodDelete, b.policyPath(), nil) }},
	{"policy inactive, one for everybody", func(b *bed) { deactivate(b, b.policyPath()); everybody(b, "Everybody", 1) }},
	{"policy for everybody last", func(b *bed) { everybody(b, "Everybody", 9) }},
	onRule("conditions.grantTypes.include", []string{"implicit"}), onRule("conditions.grantTypes.include", []string{"implicit", "authorization_code"}),
	onRule("conditions.scopes.include", []string{"openid"}), onRule("conditions.scopes.include", []string{"offline_access", "email", "profile", "openid"}),
	onRule("conditions.people.groups.include", []string{}), onRule("actions.token.accessTokenLifetimeMinutes", 5),
	{"rule for the bootstrap group", func(b *bed) {
		b.put(b.rulePath(), "conditions.people.groups.include", []string{groupID(b, "ONE_STS_ADMIN")})
	}},
	{"rule for another group", func(b *bed) {
		b.put(b.rulePath(), "conditions.people.groups.include", []string{groupID(b, "Acme Audit")})
	}},
	{"rule for one person", func(b *bed) {
		b.put(b.rulePath(), "conditions.people", object{"users": object{"include": []string{b.read("/api/v1/users/" + ada).id()}}})
	}},
	{"rule excludes the bootstrap group", func(b *bed) {
		b.put(b.rulePath(), "conditions.people.groups.exclude", []string{groupID(b, "ONE_STS_ADMIN")})
	}},
	{"rule inactive", func(b *bed) { deactivate(b, b.rulePath()) }},
	{"rule deleted", func(b *bed) { b.call(http.MethodDelete, b.rulePath(), nil) }},
	{"rule inactive, another active", func(b *bed) {
		deactivate(b, b.rulePath())
		b.post(b.policyPath()+"/rules", ruleBody("Second", "authorization_code", "*", 2))
	}},
	onClaim("name", "Roles"), onClaim("name", "teams"), onClaim("claimType", "IDENTITY"), onClaim("status", "INACTIVE"),
	onClaim("conditions.scopes", []string{"profile"}), onClaim("conditions.scopes", []string{"one.api"}), onClaim("conditions.scopes", []string{"one.api", "email"}),
	onClaim("group_filter_type", "STARTS_WITH", "value", "ONE_"), onClaim("group_filter_type", "STARTS_WITH", "value", "one_"), onClaim("group_filter_type", "STARTS_WITH", "value", "Acme"),
	onClaim("group_filter_type", "CONTAINS", "value", "STS"), onClaim("group_filter_type", "CONTAINS", "value", "sts"), onClaim("group_filter_type", "EQUALS", "value", "ONE_STS_ADMIN"),
	onClaim("group_filter_type", "EQUALS", "value", "ONE_STS_ADMIN "), onClaim("group_filter_type", "REGEX", "value", ".*"), onClaim("group_filter_type", "REGEX", "value", "ONE_"),
	onClaim("group_filter_type", "REGEX", "value", "^ONE_STS_.*$"), onClaim("group_filter_type", "REGEX", "value", "^one_.*$"), onClaim("group_filter_type", "REGEX", "value", "(?i)one_.*"),
	onClaim("valueType", "EXPRESSION", "group_filter_type", nil, "value", `Groups.startsWith("OKTA","ONE_",100) ?: {}`),
	onClaim("valueType", "EXPRESSION", "group_filter_type", nil, "value", `Groups.startsWith("OKTA","ONE_",500)`),
	onClaim("valueType", "EXPRESSION", "group_filter_type", nil, "value", `isMemberOfGroupName("ONE_STS_ADMIN") ? {"ONE_STS_ADMIN"} : {}`),
	onClaim("valueType", "EXPRESSION", "group_filter_type", nil, "value", `user.email`),
	{"claim deleted", func(b *bed) { b.call(http.MethodDelete, rolesPath(b), nil) }},
	{"group renamed", func(b *bed) { b.put(adminGroup(b), "profile.name", "one_sts_admin") }},
	{"group with a blank", func(b *bed) { b.put(adminGroup(b), "profile.name", "ONE_STS_ADMIN ") }},
	{"group deleted", func(b *bed) { b.call(http.MethodDelete, adminGroup(b), nil) }},
	{"group's description", func(b *bed) { b.put(adminGroup(b), "profile.description", "x") }},
	{"not a member", func(b *bed) { must(b, b.SetUserGroups(ada, "Acme Audit")) }},
	{"more groups", func(b *bed) { must(b, b.SetUserGroups(ada, "ONE_STS_ADMIN", "Acme Audit")) }},
	{"a group of a directory of the same name", func(b *bed) { must(b, b.AddDirectoryGroup("ONE_STS_ADMIN", "active_directory", ada)) }},
	onConfig("aud", func(c *config.Config) { c.STS.IAM.TokenValidation.Aud = "api://default" }),
	onConfig("rolePath", func(c *config.Config) { c.STS.IAM.RolePath = "groups" }), onConfig("rolePath quoted", func(c *config.Config) { c.STS.IAM.RolePath = "$['roles']" }),
	onConfig("rolePath nested", func(c *config.Config) { c.STS.IAM.RolePath = "realm_access.roles" }),
	onConfig("adminRole", func(c *config.Config) { c.STS.IAM.AdminRole = "Acme Audit" }), onConfig("adminRole of nobody", func(c *config.Config) { c.STS.IAM.AdminRole = "NOBODY" }),
	onConfig("scopes without profile", func(c *config.Config) { c.IAM.Scopes = []string{"openid", "offline_access"} }),
	onConfig("scopes without offline_access", func(c *config.Config) { c.IAM.Scopes = []string{"openid"} }),
	onConfig("scopes with another", func(c *config.Config) { c.IAM.Scopes = append(c.IAM.Scopes, "phone") }), onConfig("scopes with one that is not there", func(c *config.Config) { c.IAM.Scopes = append(c.IAM.Scopes, "Profile") }),
	onConfig("scopes without openid", func(c *config.Config) { c.IAM.Scopes = []string{"profile"} }),
	onConfig("callbackPath", func(c *config.Config) { c.Gateway.CallbackPath = "/callback" }), onConfig("publicUrl", func(c *config.Config) { c.Server.PublicURL = "http://localhost:9999" }),
	onConfig("clientAuth", func(c *config.Config) { c.IAM.ClientAuth = config.ClientSecretPost }), onConfig("leeway", func(c *config.Config) { c.STS.IAM.TokenValidation.Leeway = 0 }),
	onConfig("algorithms", func(c *config.Config) { c.STS.IAM.TokenValidation.Algorithms = []string{"ES256"} }),
	onConfig("jwksUri", func(c *config.Config) { c.STS.IAM.TokenValidation.JWKSURI = c.IAM.Issuer + "/v1/keys" }),
	onConfig("client id with a blank", func(c *config.Config) { c.IAM.ClientID += " " }), onConfig("issuer with a blank", func(c *config.Config) { c.IAM.Issuer += " " }),
}

// TestTheDoctorAgreesWithASignIn makes one change at a time, and then two, right or wrong, and holds the doctor to what a real
// sign-in of Portico's does then: something is found where it fails, and nothing where it does not.
func TestTheDoctorAgreesWithASignIn(t *testing.T) {
	t.Parallel()
	for i, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t, "licensed")
			c.make(b)
			b.agrees()
		})
		other := changes[(7*i+13)%len(changes)]
		t.Run(c.name+", "+other.name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t, []string{"licensed", "custom-domain"}[i%2])
			b.pair = true
			c.make(b)
			other.make(b)
			b.agrees()
		})
	}
}

func (b *bed) agrees() {
	b.Helper()
	b.config().okta("")
	report := b.examine()
	why := b.works(ada)
	if why != "" && len(report.Findings) == 0 {
		b.Errorf("nothing is found, and a sign-in fails: %s", why)
	}
	b.in.Setup = nil
	for _, f := range append(report.Findings, b.examine().Findings...) {
		if why == "" {
			b.Errorf("a sign-in works, and found is %+v", f)
		}
	}
}
