package okta

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2/hclparse"

	"github.com/portico-iam/portico/internal/config"
)

const least = `
okta:
  url: https://dev-12345.okta.com
  apiToken: canary-token
publicUrl: https://desk.example.com
authorizationServer:
  id: default
`

// write puts a setup file into a folder of its own.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "okta.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestSetupFaults: every fault names its key, what was expected and what came, and no secret.
func TestSetupFaults(t *testing.T) {
	for _, c := range []struct{ rule, from, to, want string }{
		{"the least is fine", "", "", ""},
		{"a typo", "publicUrl", "publicURL", "line 5: unknown key publicURL; did you mean publicUrl?"},
		{"the console's address", "https://dev-12345.okta.com", "https://dev-12345-admin.okta.com", "line 3: okta.url: expected the organisation's own address https://dev-12345.okta.com, got https://dev-12345-admin.okta.com, which is the address of the console"},
		{"an issuer as address", "https://dev-12345.okta.com", "https://dev-12345.okta.com/oauth2/default", `okta.url: expected the organisation's address`},
		{"http off this machine", "https://dev-12345.okta.com", "http://dev-12345.okta.com", "okta.url: expected"},
		{"http on this machine", "https://dev-12345.okta.com", "http://localhost:8081", ""},
		{"a slash at the end is harmless", "https://desk.example.com", "https://desk.example.com/", ""},
		{"a public URL with a path", "https://desk.example.com", "https://desk.example.com/one", "publicUrl: expected how browsers reach Portico"},
		{"two credentials", "apiToken: canary-token", "apiToken: canary-token\n  clientId: 0oa1\n  privateKeyFile: key.pem", "okta: expected one credential, got apiToken and clientId"},
		{"a service application without a key", "apiToken: canary-token", "clientId: 0oa1", "okta.privateKeyFile: expected the file"},
		{"no server", "id: default", "policy: x", "authorizationServer: expected id"},
		{"a new server without an audience", "id: default", "name: procivis", "authorizationServer.audience: expected the audience of the new server"},
		{"an audience of the organisation's own server", "id: default", "id: org\n  audience: api://x", "authorizationServer.audience: expected nothing: the organisation's own authorization server"},
		{"a policy of the organisation's own server", "id: default", "id: org\n  policy: x", "authorizationServer.policy: expected nothing"},
		{"two servers", "id: default", "id: default\n  name: procivis\n  audience: x", "authorizationServer: expected id or name, got both"},
		{"two filters", "id: default", "id: default\nclaim:\n  startsWith: a\n  regex: b", "claim: expected one of startsWith, contains, equals, regex, got 2 of them"},
		{"a reserved claim", "id: default", "id: default\nclaim:\n  name: uid", `line 9: claim.name: expected a name that Okta does not keep for itself, such as roles, got "uid"`},
		{"a claim that is reserved in ID tokens", "id: default", "id: org\nclaim:\n  name: role", `claim.name: expected a name that Okta does not keep for itself, such as groups, got "role"; reserved in ID tokens are active, `},
		{"a claim that is not reserved there", "id: default", "id: org\nclaim:\n  name: uid", ""},
		{"a regex that is none", "id: default", "id: default\nclaim:\n  regex: '['", "claim.regex: "},
		{"everybody an administrator", "id: default", "id: default\nbootstrap:\n  group: Everyone", "line 9: bootstrap.group: expected a group of administrators, got Everyone"},
		{"blanks that nobody sees", "id: default", "id: default\nbootstrap:\n  group: 'ONE_STS_ADMIN '", `bootstrap.group: expected no blanks at its ends, got "ONE_STS_ADMIN "`},
		{"a person twice", "id: default", "id: default\nbootstrap:\n  people: [a@b.test, a@b.test]", "bootstrap.people: expected logins, each once"},
		{"a callback on another host", "id: default", "id: default\ncallbackPath: //evil.test", "callbackPath: expected a plain absolute path"},
		{"a claim's wildcard in a path", "id: default", "id: default\npostLogoutPath: /a?b", "postLogoutPath: expected a plain absolute path"},
	} {
		_, err := LoadSetup(write(t, strings.Replace(least, c.from, c.to, 1)), nil)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: expected %q, got %v", c.rule, c.want, err)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: tells the secret: %v", c.rule, err)
		}
	}
}

// TestAllFaultsAtOnce: those of the text and those of the values, each once, with its line; and nothing that only follows
// from another.
func TestAllFaultsAtOnce(t *testing.T) {
	_, err := LoadSetup(write(t, `okta:
  url: https://dev-12345-admin.okta.com
  apiTokn: canary-token
publicURL: https://desk.example.com
callbackPath: nowhere
names: perhaps
claim:
  regex: '['
bootstrap:
  people: ada@acme.test
  group: Everyone
`), nil)
	if err == nil {
		t.Fatal("accepted")
	}
	want := []string{
		"line 3: unknown key okta.apiTokn",
		"line 4: unknown key publicURL; did you mean publicUrl?",
		`line 6: names: expected true or false, got "perhaps"`,
		"line 10: bootstrap.people: expected a list, got a single value",
		"line 2: okta.url: expected the organisation's own address https://dev-12345.okta.com, got https://dev-12345-admin.okta.com, which is the address of the console",
		`line 5: callbackPath: expected a plain absolute path, got "nowhere"`,
		"authorizationServer: expected id (a server that exists, e.g. default) or name (one to be made), got neither",
		`line 8: claim.regex: expected a regular expression, got "["`,
		"line 11: bootstrap.group: expected a group of administrators, got Everyone",
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), "- "+w) {
			t.Errorf("expected %q", w)
		}
	}
	if got := strings.Count(err.Error(), "\n  - "); got != len(want) || strings.Contains(err.Error(), "canary") {
		t.Errorf("expected %d faults and no secret, got\n%v", len(want), err)
	}
}

// TestCredentialFromEnvironment: the name that Okta's own tools use, and only where the file has none.
func TestCredentialFromEnvironment(t *testing.T) {
	bare := strings.Replace(least, "  apiToken: canary-token\n", "", 1)
	s, err := LoadSetup(write(t, bare), []string{"OKTA_API_TOKEN=canary-environment"})
	if err != nil || s.Okta.APIToken.Reveal() != "canary-environment" {
		t.Errorf("expected the environment's token, got %v, %v", s, err)
	}
	if s, err = LoadSetup(write(t, least), []string{"OKTA_API_TOKEN=canary-environment"}); err != nil || s.Okta.APIToken.Reveal() != "canary-token" {
		t.Errorf("expected the file's token, got %v", err)
	}
	if s, err = LoadSetup(write(t, bare), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Credential(); err == nil || !strings.Contains(err.Error(), "OKTA_API_TOKEN") {
		t.Errorf("expected to be told where the credential goes, got %v", err)
	}
}

var variants = map[string]string{
	"reused server": least,
	"new server": strings.Replace(least, "id: default", `name: procivis
  audience: api://procivis-one
claim: {startsWith: "ONE_"}
bootstrap: {people: [ada@acme.test, "0 odd ${login}\"@x"]}
application: {groups: ["Acme Issuance", "7 up"]}`, 1),
	"the organisation's own server": strings.Replace(least, "id: default", "id: org\nbootstrap: {people: [ada@acme.test]}", 1),
	"on this machine":               strings.Replace(least, "https://desk.example.com", "http://127.0.0.1:9999", 1),
	"server by id, existing policy": strings.Replace(least, "id: default", "id: aus1\n  policy: Staff\nnames: false", 1),
}

// TestTerraformParses: whatever the values, what is printed is Terraform's language, with every resource once.
func TestTerraformParses(t *testing.T) {
	for name, text := range variants {
		s, err := LoadSetup(write(t, text), nil)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := s.Terraform(&out); err != nil {
			t.Fatal(err)
		}
		file, diagnostics := hclparse.NewParser().ParseHCL(out.Bytes(), "portico.tf")
		if diagnostics.HasErrors() {
			t.Errorf("%s: %v\n%s", name, diagnostics, out.String())
			continue
		}
		seen := map[string]bool{}
		for _, block := range blocksOf(t, file) {
			if seen[block] {
				t.Errorf("%s: %s stands twice", name, block)
			}
			seen[block] = true
		}
		for _, want := range []string{"resource okta_app_oauth portico", "resource okta_group administrators", "output client_id", "output issuer", "output audience"} {
			if !seen[want] {
				t.Errorf("%s: expected %s", name, want)
			}
		}
		for _, custom := range []string{"resource okta_auth_server_policy_rule portico", "resource okta_auth_server_claim roles"} {
			if seen[custom] == s.onOrgServer() {
				t.Errorf("%s: %s: %v", name, custom, seen[custom])
			}
		}
		if strings.Contains(out.String(), "canary") {
			t.Errorf("%s: tells the credential", name)
		}
	}
}

// TestGuideHasTheValues: the reader's own, in the order of the console, and no credential.
func TestGuideHasTheValues(t *testing.T) {
	for name, text := range variants {
		s, err := LoadSetup(write(t, text), nil)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := s.Guide(&out); err != nil {
			t.Fatal(err)
		}
		at := 0
		server := []string{"Authorization Servers", "Access Policies", "Access token lifetime is: 1 Hours", "Add Claim"}
		if s.onOrgServer() {
			server = []string{"iam.issuer is https://dev-12345.okta.com", "Sign On > OpenID Connect ID Token > Edit", "groups   Matches regex   .*", "Everyone is a group too"}
		}
		for _, want := range slices.Concat(
			[]string{"Create an App Integration", "Procivis One", s.PublicURL + "/.apisix/redirect", s.PublicURL + "/", "Client Credentials > Edit", "Save", "Rotate token after every use", "30 seconds"},
			server, []string{"ONE_STS_ADMIN", "Assignments", "iam.discoveryUrl"},
		) {
			i := strings.Index(out.String()[at:], want)
			if i < 0 {
				t.Errorf("%s: expected %q after\n%s", name, want, out.String()[:at])
				break
			}
			at += i
		}
		if strings.Contains(out.String(), "not http") != strings.HasPrefix(s.PublicURL, "https") {
			t.Errorf("%s: expected https to be asked for where it is", name)
		}
		if strings.Contains(out.String(), "canary") || strings.Contains(out.String(), "<no value>") {
			t.Errorf("%s: tells the credential, or misses a value:\n%s", name, out.String())
		}
	}
}

// TestGuidesConfigurationIsWhole: with the values of Okta filled in, config check has nothing to say.
func TestGuidesConfigurationIsWhole(t *testing.T) {
	for name, text := range variants {
		path := write(t, text)
		s, err := LoadSetup(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := s.Guide(&out); err != nil {
			t.Fatal(err)
		}
		for _, file := range []string{"client-secret", "key-encryption-key"} {
			if err := os.WriteFile(filepath.Join(filepath.Dir(path), file), []byte("x\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var yaml strings.Builder
		for line := range strings.Lines(out.String()[strings.Index(out.String(), "    server:"):]) {
			if strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "    ") {
				break
			}
			yaml.WriteString(strings.TrimPrefix(line, "    "))
		}
		issuer := "https://dev-12345.okta.com"
		if !s.onOrgServer() {
			issuer += "/oauth2/default"
		}
		filled := strings.NewReplacer("<Issuer URI>", issuer, "<Client ID>", "0oa1", "<Audience>", "api://default").Replace(yaml.String())
		cfg, err := config.Load([]byte(filled), nil)
		if strings.HasPrefix(s.PublicURL, "http:") != (cfg != nil && cfg.Server.Listen == "127.0.0.1:9999") {
			t.Errorf("%s: listens at %s", name, cfg.Server.Listen)
		}
		if err != nil || cfg.STS.IAM.AdminRole != s.Bootstrap.Group || cfg.Server.PublicURL != s.PublicURL {
			t.Errorf("%s: %v\n%s", name, err, filled)
		}
	}
}

// TestGuidesOfAReservedClaim: nobody clicks to the point where Okta refuses it.
func TestGuidesOfAReservedClaim(t *testing.T) {
	s, err := LoadSetup(write(t, strings.Replace(least, "id: default", "id: default\nclaim: {name: groups}", 1)), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{s.Guide(io.Discard), s.Terraform(io.Discard)} {
		if err == nil || !strings.Contains(err.Error(), `claim.name: Okta reserves "groups" in access tokens`) {
			t.Errorf("got %v", err)
		}
	}
}
