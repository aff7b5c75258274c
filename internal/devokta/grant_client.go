package devokta

import (
	"slices"
	"strings"

	"github.com/portico-iam/portico/internal/devokta/world"
)

// grantClientCredentials gives an application a token of its own: no user, no ID token, no refresh.
func (s *Server) grantClientCredentials(as *authServer, form params, client *world.App) (*issuance, *refusal) {
	if as.Org {
		return s.grantAdministration(as, form, client)
	}
	scopes, why := as.RequestedScopes(form.get("scope"))
	if why != nil {
		return nil, why
	}
	for _, name := range scopes {
		if as.Scope(name).System {
			return nil, refuse(errOpenIDClient)
		}
	}
	rule, why := as.Evaluate(world.AccessRequest{ClientID: client.ClientID(), Grant: world.GrantClient, Scopes: scopes})
	if why != nil {
		return nil, why
	}
	return s.issue(issueInput{as: as, client: client, scopes: scopes, rule: rule})
}

// grantAdministration gives a service application a token for the Management API, with those of the scopes asked for that
// were granted to it.
func (s *Server) grantAdministration(as *authServer, form params, client *world.App) (*issuance, *refusal) {
	switch {
	case client.Type() != world.AppService:
		return nil, refuse(errServiceOnly)
	case client.AuthMethod() != world.AuthKey:
		return nil, refuse(errKeyOnly)
	}
	asked := strings.Fields(form.get("scope"))
	if len(asked) == 0 {
		return nil, refuse(errNoScopes)
	}
	known := world.OrgScopes()
	var granted []string
	for _, scope := range asked {
		switch {
		case as.Scope(scope) != nil:
			return nil, refuse(errOpenIDClient)
		case !slices.Contains(known, scope):
			return nil, refuse(world.UnknownScope)
		case client.Granted(scope) && !slices.Contains(granted, scope):
			granted = append(granted, scope)
		}
	}
	if len(granted) == 0 {
		return nil, refuse(errNoneGranted)
	}
	rule, why := as.Evaluate(world.AccessRequest{ClientID: client.ClientID(), Grant: world.GrantClient, Scopes: granted})
	if why != nil {
		return nil, why
	}
	return s.issue(issueInput{as: as, client: client, scopes: granted, rule: rule})
}
