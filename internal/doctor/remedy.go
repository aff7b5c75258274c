package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/okta"
)

// step names what okta apply does: a step of its plan by part (one that ends in a blank stands for all that begin so), and,
// where given, the action, the field that it changes, and what that holds then.
type step struct {
	part, field, value string
	action             okta.Action
}

// ourConfig is the part of okta apply that writes the configuration.
const ourConfig = "configuration"

// Fields of an application that several findings are about.
const (
	grantTypes    = "settings.oauthClient.grant_types"
	responseTypes = "settings.oauthClient.response_types"
	redirectURIs  = "settings.oauthClient.redirect_uris"
	logoutURIs    = "settings.oauthClient.post_logout_redirect_uris"
	authMethod    = "credentials.oauthClient.token_endpoint_auth_method"
)

func (s step) is(of okta.Step) bool {
	switch {
	case of.Action == okta.Keep, s.action != "" && s.action != of.Action:
		return false
	case !strings.EqualFold(s.part, of.Part) && !(strings.HasSuffix(s.part, " ") && strings.HasPrefix(of.Part, s.part)):
		return false
	}
	return s.field == "" || of.Holds(s.field, s.value) || of.Action == okta.Create && s.value == ""
}

// remedies says of every finding who can mend it: it is tried, as far as that is possible without changing anything. A key of
// our configuration is set in a copy, which must be taken still; okta apply makes its plan, in which a step must be that
// mends it.
func (e *Evidence) remedies(ctx context.Context, r *Report) {
	applies := slices.ContainsFunc(r.Findings, func(v Finding) bool { return len(v.steps) > 0 })
	if e.api != nil && applies && !e.idTokens() {
		r.plan, r.planErr = okta.MakePlan(ctx, e.Setup, e.api)
	}
	r.file, r.filesAreOurs = e.configFile(), e.planIsOurs()
	for i := range r.Findings {
		v := &r.Findings[i]
		byPlan := e.mending(r, v)
		danger := slices.ContainsFunc(byPlan, func(s okta.Step) bool { return s.Danger != "" })
		switch edited, why := r.file.try(v.settings); {
		case len(byPlan) > 0 && !(danger && len(edited) > 0):
			v.Fix, v.by, v.Setting = fixApply, byPlan, cmp.Or(v.ifApply, v.Setting)
			for _, s := range byPlan {
				v.How = append(v.How, s.Line())
			}
		case len(edited) > 0:
			v.Fix, v.How = fixConfig, lines(edited)
		case why != "":
			v.How = []string{why}
		case len(v.steps) > 0:
			v.How = e.whyNot(r)
		}
	}
}

// whyNot says why okta apply does not mend what it might.
func (e *Evidence) whyNot(r *Report) []string {
	switch {
	case e.idTokens():
		return []string{"by hand: portico okta apply sets up access tokens only (iam.tokenSource: access_token)"}
	case e.Setup == nil && e.Gateway == nil && !e.Offline && e.SetupFault == "":
		return []string{"with --okta FILE, the setup file of portico okta, the doctor says here whether --fix mends this"}
	case r.planErr != nil:
		return []string{"by hand, as portico okta apply stops: " + r.planErr.Error()}
	case r.plan != nil:
		return []string{"by hand: portico okta apply would not change this"}
	}
	return nil
}

// mending are the plan's steps that mend a finding. Files count only where they are the ones that were examined.
func (e *Evidence) mending(r *Report, v *Finding) (all []okta.Step) {
	if r.plan == nil || r.planErr != nil {
		return nil
	}
	for _, s := range r.plan.Steps {
		mends := slices.ContainsFunc(v.steps, func(w step) bool {
			switch s.Part {
			case ourConfig:
				return r.filesAreOurs && w.is(s) && !inEnvironment(e.Environ, variable(w.field))
			case "secret":
				return r.filesAreOurs && w.is(s) && !inEnvironment(e.Environ, variable("iam.clientSecret")) && !inEnvironment(e.Environ, variable("iam.clientSecretFile"))
			}
			return w.is(s)
		})
		if mends {
			all = append(all, s)
		}
	}
	return all
}

// planIsOurs tells whether okta apply writes the very configuration that was examined.
func (e *Evidence) planIsOurs() bool {
	if e.Setup == nil || e.ConfigPath == "" {
		return false
	}
	a, errA := os.Stat(e.ConfigPath)
	b, errB := os.Stat(e.Setup.Output.Config)
	return errA == nil && errB == nil && os.SameFile(a, b)
}

func (e *Evidence) configFile() *configFile {
	if e.ConfigPath == "" {
		return nil
	}
	text, err := os.ReadFile(e.ConfigPath)
	if err != nil {
		return nil
	}
	return &configFile{path: e.ConfigPath, text: text, environ: e.Environ}
}

// configFile is our configuration as it stands.
type configFile struct {
	path    string
	text    []byte
	environ []string
}

// try says what setting these keys would change, or why they can't be set.
func (c *configFile) try(settings []config.Setting) (edited []config.Edited, why string) {
	if c == nil || len(settings) == 0 {
		return nil, ""
	}
	_, edited, err := c.edit(settings)
	if err != nil {
		return nil, "by hand: " + err.Error()
	}
	return edited, ""
}

// edit sets keys in a copy. What the environment says goes before the file, and a configuration that was taken is not made
// one that is refused.
func (c *configFile) edit(settings []config.Setting) ([]byte, []config.Edited, error) {
	settings = c.there(settings)
	for _, s := range settings {
		if name := variable(s.Key); inEnvironment(c.environ, name) {
			return nil, nil, fmt.Errorf("%s in the environment goes before %s: change it there", name, c.path)
		}
	}
	after, edited, err := config.Edit(c.text, settings)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", c.path, err)
	}
	if fault := newFault(c.text, after, c.environ); fault != "" {
		return nil, nil, fmt.Errorf("with that alone the configuration would be refused: %s", fault)
	}
	return after, edited, nil
}

// there are the keys that the file has, where one thing may be said by several; else the first.
func (c *configFile) there(settings []config.Setting) []config.Setting {
	if len(settings) < 2 {
		return settings
	}
	_, edited, _ := config.Edit(c.text, settings)
	has := slices.DeleteFunc(slices.Clone(settings), func(s config.Setting) bool {
		return !slices.ContainsFunc(edited, func(c config.Edited) bool { return c.Key == s.Key && c.From != nil })
	})
	if len(has) == 0 {
		return settings[:1]
	}
	return has
}

// variable is a key's name in the environment.
func variable(key string) string { return "PORTICO_" + strings.ReplaceAll(key, ".", "__") }

func inEnvironment(environ []string, name string) bool {
	return slices.ContainsFunc(environ, func(entry string) bool { return strings.HasPrefix(entry, name+"=") })
}

var lineOf = regexp.MustCompile(`^line \d+: `)

// newFault is the first fault of a text that the one before did not have.
func newFault(before, after []byte, environ []string) string {
	_, errBefore := config.Load(before, environ)
	_, errAfter := config.Load(after, environ)
	var had, has config.Faults
	errors.As(errBefore, &had)
	errors.As(errAfter, &has)
	for _, fault := range has {
		text := lineOf.ReplaceAllString(fault, "") // lines may move
		if !slices.ContainsFunc(had, func(old string) bool { return lineOf.ReplaceAllString(old, "") == text }) {
			return fault
		}
	}
	return ""
}

// lines write what was edited, a key each.
func lines(edited []config.Edited) (out []string) {
	for _, c := range edited {
		out = append(out, fmt.Sprintf("%s: %s -> %s", c.Key, written(c.From), written(c.To)))
	}
	return out
}

// written is a value as the file has it.
func written(v any) string {
	switch v := v.(type) {
	case nil:
		return "(default)"
	case []string:
		return "[" + strings.Join(v, ", ") + "]"
	}
	return fmt.Sprint(v)
}
