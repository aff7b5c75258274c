package okta

import (
	_ "embed"
	"fmt"
	"io"
	"strings"
	"text/template"

	"github.com/portico-iam/portico/internal/config"
)

//go:embed terraform_head.tmpl
var terraformHeadText string

var terraformHead = template.Must(template.New("head").Funcs(template.FuncMap{
	"join": func(list []string) string { return strings.Join(list, ", ") },
}).Parse(terraformHeadText))

// terraformHead says what the file is and how it is run. Values of the setup that may hold anything stand on one line, or
// they would end the comment.
func (s *Setup) terraformHead(w io.Writer) error {
	shown := *s
	shown.Output.Config, shown.Output.ClientSecretFile = clip(s.Output.Config), clip(s.Output.ClientSecretFile)
	return terraformHead.Execute(w, struct {
		*Setup
		NeededScopes, Imports, Warnings []string
		Org                             bool
	}{&shown, s.neededScopes(), s.terraformImports(), s.terraformWarnings(), s.onOrgServer()})
}

// terraformImports are the resources that an organisation may have already, and how the provider wants their ids.
func (s *Setup) terraformImports() []string {
	imports := []string{
		tfApp + " <application id>",
		tfGroup + " <group id>",
		"okta_app_group_assignment.administrators <application id>/<group id>",
	}
	if s.onOrgServer() {
		return imports
	}
	const server = "<authorization server id>"
	if s.AuthorizationServer.ID == "" {
		imports = append(imports, "okta_auth_server.portico "+server)
	}
	imports = append(imports, "okta_auth_server_claim.roles "+server+"/<claim id>")
	if s.AuthorizationServer.Policy == "" {
		imports = append(imports, "okta_auth_server_policy.portico "+server+"/<policy id>")
	}
	return append(imports, "okta_auth_server_policy_rule.portico "+server+"/<policy id>/<rule id>")
}

func (s *Setup) terraformWarnings() (warnings []string) {
	if config.IsLoopback(s.PublicURL) {
		warnings = append(warnings, fmt.Sprintf("publicUrl %s is this machine: nobody else's browser gets back from Okta to it. Set the address by which people reach Portico.", s.PublicURL))
	}
	if config.IsLoopback(s.Okta.URL) {
		warnings = append(warnings, fmt.Sprintf("okta.url %s is this machine: the provider knows https://<org_name>.<base_url> only, so this runs against a real organisation and not against the development Okta.", s.Okta.URL))
	}
	if s.AuthorizationServer.Policy != "" {
		warnings = append(warnings, "the rule goes first in an access policy that is there, and so decides for its other applications too. Give it the last priority of that policy; and add the client id to the policy's client_whitelist where that is managed.")
	}
	if kind, value := s.Claim.filter(); letsEveryone(kind, value) {
		warnings = append(warnings, fmt.Sprintf("the claim's filter %s lets the group Everyone through: all tokens carry that role.", quoted(clip(value))))
	}
	return warnings
}
