package okta

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// blocksOf lists the top-level blocks with their labels.
func blocksOf(t *testing.T, file *hcl.File) (names []string) {
	t.Helper()
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		t.Fatal("not Terraform's native syntax")
	}
	for _, block := range body.Blocks {
		names = append(names, strings.Join(append([]string{block.Type}, block.Labels...), " "))
	}
	return names
}

func TestIdentifiersDiffer(t *testing.T) {
	tf := terraform{named: map[string]bool{}}
	for _, c := range [][2]string{{"Acme Issuance", "acme_issuance"}, {"acme_issuance", "acme_issuance_2"}, {"7 up", "_7_up"}, {"ä", "_"}, {"ö", "__2"}} {
		if got := tf.identifier(c[0]); got != c[1] {
			t.Errorf("%q: expected %q, got %q", c[0], c[1], got)
		}
	}
}

// TestTerraformSaysHowToRunIt: whoever gets the file alone knows what it is, what it needs and what would go wrong.
func TestTerraformSaysHowToRunIt(t *testing.T) {
	for _, c := range []struct {
		rule, from, to string
		has, hasNot    []string
	}{
		{
			rule: "any setup",
			has: []string{
				"OKTA_API_TOKEN", "terraform init", "terraform output -raw client_secret > client-secret",
				"terraform import okta_app_oauth.portico", "terraform import okta_auth_server_claim.roles", "the group Everyone through",
				`version = "~> 6.0"`, "one(data.okta_auth_server.portico.audiences)", "data.okta_auth_server.portico.issuer",
			},
			hasNot: []string{"is this machine", "groups_claim", "import okta_auth_server.portico"},
		},
		{rule: "addresses of this machine", from: "https://desk.example.com", to: "http://127.0.0.1:8080", has: []string{"WARNING: publicUrl http://127.0.0.1:8080 is this machine"}},
		{rule: "the development Okta", from: "https://dev-12345.okta.com", to: "http://localhost:8081", has: []string{"WARNING: okta.url http://localhost:8081 is this machine"}},
		{rule: "a server of our own", from: "id: default", to: "name: procivis\n  audience: api://x", has: []string{"import okta_auth_server.portico", `value       = "api://x"`}},
		{rule: "a server that is known by its id", from: "id: default", to: "id: aus1", has: []string{`"https://dev-12345.okta.com/oauth2/aus1"`, "var.audience", `variable "audience"`}},
		{
			rule: "the organisation's own server", from: "id: default", to: "id: org",
			has:    []string{"groups_claim {", `= "FILTER"`, "use an API token", `"id_token"`, `value       = "https://dev-12345.okta.com"`, "value       = okta_app_oauth.portico.client_id"},
			hasNot: []string{"okta_auth_server", "okta.authorizationServers.manage"},
		},
		{
			rule: "an access policy that is there", from: "id: default", to: "id: default\n  policy: Staff",
			has:    []string{`variable "rule_priority"`, "var.rule_priority", `clients of the access policy "Staff"`, "client_whitelist", "-generate-config-out=policy.tf"},
			hasNot: []string{`resource "okta_auth_server_policy" `, "import okta_auth_server_policy.portico", "priority                       = 1"},
		},
		{
			rule: "everything that may be there", from: "id: default", to: "id: default\nbootstrap: {people: [ada@acme.test]}\napplication: {groups: [Acme Issuance]}",
			has: []string{
				"import okta_auth_server_claim.given_name", "import okta_auth_server_claim.family_name", "import okta_group_memberships.administrators <group id>",
				"import okta_app_group_assignment.acme_issuance <application id>/<group id>", "import okta_auth_server_policy.portico",
			},
		},
		{rule: "a file name that would end a comment", from: "id: default", to: "id: default\noutput: {config: \"a\\nresource\"}", hasNot: []string{"\nresource under"}},
	} {
		path := write(t, strings.Replace(least, c.from, c.to, 1))
		t.Chdir(filepath.Dir(path))
		s, err := LoadSetup(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := s.Terraform(&out); err != nil {
			t.Fatal(err)
		}
		for _, want := range c.has {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: expected %q in\n%s", c.rule, want, out.String())
			}
		}
		for _, wrong := range c.hasNot {
			if strings.Contains(out.String(), wrong) {
				t.Errorf("%s: did not expect %q in\n%s", c.rule, wrong, out.String())
			}
		}
	}
}
