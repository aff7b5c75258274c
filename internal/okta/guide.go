package okta

import (
	"embed"
	"io"
	"strconv"
	"strings"
	"text/template"
)

//go:embed guide.tmpl guide_server.tmpl
var guideFiles embed.FS

var guide = template.Must(template.New("guide.tmpl").Funcs(template.FuncMap{
	"join":  func(list []string) string { return strings.Join(list, ", ") },
	"quote": strconv.Quote,
	"step":  func() int { return 0 }, // each guide counts for itself
}).ParseFS(guideFiles, "guide.tmpl", "guide_server.tmpl"))

// filterNames are the filters as the console offers them.
var filterNames = map[string]string{"STARTS_WITH": "Starts with", "CONTAINS": "Contains", "EQUALS": "Equals", "REGEX": "Matches regex"}

// Guide writes the guide's steps in the order of Okta's console, with the setup's own values. It asks Okta nothing.
func (s *Setup) Guide(w io.Writer) error {
	if err := s.refuseNewGroups(false); err != nil {
		return err
	}
	kind, value := s.Claim.filter()
	steps := 0
	counting := template.FuncMap{"step": func() int { steps++; return steps }}
	return template.Must(guide.Clone()).Funcs(counting).Execute(w, struct {
		*Setup
		Scopes                                       []string
		ClaimName, RolePath, FilterName, FilterValue string
		Org, LetsEveryone, TLS                       bool
		Listen, SecretPath, KeyPath, StorePath       string
	}{
		s, s.signInScopes(), s.claimName(), rolePath(s.claimName()), filterNames[kind], value,
		s.onOrgServer(), letsEveryone(kind, value), strings.HasPrefix(s.PublicURL, "https:"),
		s.listen(), absolute(s.Output.ClientSecretFile), absolute(s.Output.KeyEncryptionKeyFile), s.storePath(),
	})
}

// claimName is the name of a claim that is to be made.
func (s *Setup) claimName() string {
	if s.Claim.Name != "" {
		return s.Claim.Name
	}
	return s.usualClaim()
}
