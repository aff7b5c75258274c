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
// they would end the comment. imports are the resources that an organisation may have already, and how the provider wants
// their ids.
func (s *Setup) terraformHead(w io.Writer, imports []string) error {
	shown := *s
	shown.Output.Config, shown.Output.ClientSecretFile = clip(s.Output.Config), clip(s.Output.ClientSecretFile)
	return terraformHead.Execute(w, struct {
		*Setup
		NeededScopes, Imports, Warnings []string
		Org                             bool
	}{&shown, s.neededScopes(), imports, s.terraformWarnings(), s.onOrgServer()})
}

func (s *Setup) terraformWarnings() (warnings []string) {
	if config.IsLoopback(s.PublicURL) {
		warnings = append(warnings, fmt.Sprintf("publicUrl %s is this machine: nobody else's browser gets back from Okta to it. Set the address by which people reach Portico.", s.PublicURL))
	}
	if config.IsLoopback(s.Okta.URL) {
		warnings = append(warnings, fmt.Sprintf("okta.url %s is this machine: the provider knows https://<org_name>.<base_url> only, so this runs against a real organisation and not against the development Okta.", s.Okta.URL))
	}
	if s.AuthorizationServer.Policy != "" {
		warnings = append(
			warnings,
			fmt.Sprintf("nobody can sign in before the application is among the clients of the access policy %s, which the provider sets as a whole. "+
				"Add it in the console (Access Policies > the policy > Edit > Assign to), or add %s.client_id to the policy's client_whitelist where a Terraform manages it. "+
				"To have this one manage it: an import block with to = okta_auth_server_policy.existing and id = \"%s/<policy id>\", then terraform plan -generate-config-out=policy.tf (Terraform 1.5), which writes the whole policy.",
				quoted(clip(s.AuthorizationServer.Policy)), tfApp, idOfServer),
			"terraform asks for rule_priority: the rule goes last in that policy, or it decides for its other applications too.",
		)
	}
	if kind, value := s.Claim.filter(); letsEveryone(kind, value) {
		warnings = append(warnings, fmt.Sprintf("the claim's filter %s lets the group Everyone through: all tokens carry that role.", quoted(clip(value))))
	}
	return warnings
}
