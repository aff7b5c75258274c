package okta

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/portico-iam/portico/internal/config"
)

// OrgServer stands, as authorizationServer.id, for the organisation's own authorization server. An organisation without API
// Access Management has no other. Its access tokens are Okta's alone, so the roles come in the ID token, by a claim that is
// set on the application.
const OrgServer = "org"

const (
	groupsScope = "groups" // built in there, and what the claim comes for
	atSignOn    = "Applications > Applications > %s > Sign On > OpenID Connect ID Token > Edit"
)

// onOrgServer tells that the setup does without a custom authorization server.
func (s *Setup) onOrgServer() bool { return s.AuthorizationServer.ID == OrgServer }

// signInScopes are what a sign-in asks for.
func (s *Setup) signInScopes() []string {
	scopes := config.Default().IAM.Scopes
	if s.onOrgServer() {
		scopes = slices.Insert(scopes, len(scopes)-1, groupsScope)
	}
	return scopes
}

// noteOrgServer fills the table of values. There is nothing to make: every organisation has this server.
func (r *run) noteOrgServer(ctx context.Context) error {
	if err := r.nameIssuer(ctx, r.Okta.URL); err != nil {
		return err
	}
	v := &r.plan.Values
	v.Audience, v.TokenSource = v.ClientID, config.SourceIDToken
	return r.take(Step{Part: "authorization server", Action: Keep, Title: "The organisation's own authorization server"}, nil)
}

// ensureGroupsClaim looks at the application's groups claim. The API that is public knows nothing of it, and what the
// console calls is Okta's own to change: reading by it does no harm, writing by it might (okta.md 3). So a person sets it,
// and the plan says how.
func (r *run) ensureGroupsClaim(ctx context.Context) error {
	name := r.Setup.claimName()
	kind, value := r.Claim.filter()
	if err := r.letsBootstrapThrough(kind, value); err != nil {
		return err
	}
	live, seen, err := r.groupsClaim(ctx)
	if err != nil {
		return err
	}
	step := Step{
		Part: "groups claim", Action: Keep, Title: fmt.Sprintf("Claim %q in ID tokens", name),
		Console: fmt.Sprintf(atSignOn, r.Application.Label),
	}
	switch lets, judged := admits(live.text("groupFilterType"), live.text("value"), r.Bootstrap.Group); {
	case live.text("valueType") == "EXPRESSION":
		name = live.text("name")
		r.note("The claim %q in ID tokens is an expression, which only a sign-in can judge: portico okta verify --sign-in.", name)
	case live.text("valueType") == "GROUPS" && judged && lets && (r.Claim.Name == "" || r.Claim.Name == live.text("name")):
		name = live.text("name")
	default:
		step.Action, step.Unseen = ByHand, !seen
		if kind := choice(live.text("valueType")); kind != "Filter" {
			step.Changes = append(step.Changes, Change{Field: "Groups claim type", From: kind, To: "Filter"})
		}
		step.Changes = append(step.Changes, Change{Field: "Groups claim filter", To: fmt.Sprintf("%s, %s, %s", name, filterNames[kind], value)})
		if err := r.noteFilter(ctx); err != nil {
			return err
		}
	}
	if step.Action == Keep {
		step.Title = fmt.Sprintf("Claim %q in ID tokens", name)
	}
	r.claimName = name
	r.plan.Values.RolePath, r.plan.Values.AdminRole = rolePath(name), r.Bootstrap.Group
	return r.take(step, nil)
}

// choice is a value type as the console offers it; nil where there is no claim.
func choice(valueType string) any {
	switch valueType {
	case "GROUPS":
		return "Filter"
	case "EXPRESSION":
		return "Expression"
	}
	return nil
}

// groupsClaim reads the claim. seen is false where Okta does not show it.
func (r *run) groupsClaim(ctx context.Context) (claim object, seen bool, err error) {
	if r.application == nil {
		return nil, true, nil
	}
	claim, err = r.client.get(ctx, "/api/v1/internal/apps/"+r.application.id()+"/settings/oauth/idToken")
	var refused *Error
	if errors.As(err, &refused) {
		return nil, false, nil
	}
	return claim, claim != nil, err
}
