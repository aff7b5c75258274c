package doctor

import (
	"context"
	"os"
	"slices"
	"strings"

	"github.com/portico-iam/portico/internal/okta"
)

// step names what okta apply does: a step of its plan by part (one that ends in a blank stands for all that begin so), and,
// where given, the action, the field that it changes, and what that holds then.
type step struct {
	part, field, value string
	action             okta.Action
}

// Parts of okta apply that write our own files: the configuration, and the client secret's.
const (
	ourConfig  = "configuration"
	secretPart = "secret"
)

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
	case !of.Does(), s.action != "" && s.action != of.Action:
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
	if e.api != nil && applies && !e.otherSource() {
		r.plan, r.planErr = okta.MakePlan(ctx, e.Setup, e.api)
	}
	r.file, r.filesAreOurs, r.setup = e.configFile(), e.planIsOurs(), e.Setup
	for i := range r.Findings {
		v := &r.Findings[i]
		byPlan := e.mending(r, v)
		danger := slices.ContainsFunc(byPlan, func(s okta.Step) bool { return s.Danger != "" })
		switch edited, why := r.file.try(v.settings); {
		case len(byPlan) > 0 && !(danger && len(edited) > 0):
			v.Fix, v.by = fixApply, byPlan
			if v.ifApply != nil {
				v.Setting, v.Call = v.ifApply(byPlan)
			}
			for _, s := range byPlan {
				v.How = append(v.How, s.Line())
				if s.Part == secretPart {
					v.How = append(v.How, r.plan.AboutSecret(e.Setup)...)
				}
			}
		case len(edited) > 0:
			v.Fix, v.How = fixConfig, lines(edited)
		case why != "":
			v.How = []string{why}
		default:
			v.How = e.whyNot(r, v)
		}
	}
}

// otherSource tells that okta apply would have the roles come from the other kind of token.
func (e *Evidence) otherSource() bool {
	return e.Setup != nil && e.idTokens() != (e.Setup.AuthorizationServer.ID == okta.OrgServer)
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
			case secretPart:
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
