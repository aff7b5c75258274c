package okta

import (
	_ "embed"
	"io"
	"strconv"
	"strings"
	"text/template"

	"github.com/portico-iam/portico/internal/config"
)

//go:embed guide.tmpl
var guideText string

var guide = template.Must(template.New("guide").Funcs(template.FuncMap{"join": func(list []string) string { return strings.Join(list, ", ") }, "quote": strconv.Quote}).Parse(guideText))

// filterNames are the filters as the console offers them.
var filterNames = map[string]string{"STARTS_WITH": "Starts with", "CONTAINS": "Contains", "EQUALS": "Equals", "REGEX": "Matches regex"}

// Guide writes the guide's steps in the order of Okta's console, with the setup's own values. It asks Okta nothing.
func (s *Setup) Guide(w io.Writer) error {
	kind, value := s.Claim.filter()
	return guide.Execute(w, struct {
		*Setup
		Scopes                                       []string
		ClaimName, RolePath, FilterName, FilterValue string
	}{s, config.Default().IAM.Scopes, s.claimName(), rolePath(s.claimName()), filterNames[kind], value})
}

// claimName is the name of a claim that is to be made.
func (s *Setup) claimName() string {
	if s.Claim.Name != "" {
		return s.Claim.Name
	}
	return rolesClaim
}
