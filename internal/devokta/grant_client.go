package devokta

// grantClientCredentials gives a service application a token of its own: no user, no ID token, no refresh.
func (s *Server) grantClientCredentials(form params, client *application) (*issuance, *refusal) {
	as := s.org.Server
	scopes, why := as.requestedScopes(form.get("scope"))
	if why != nil {
		return nil, why
	}
	for _, name := range scopes {
		if sc, _ := as.scope(name); sc.System {
			return nil, refuse(errOpenIDClient)
		}
	}
	rl, why := as.evaluate(accessRequest{ClientID: client.ClientID, Grant: grantClient, Scopes: scopes})
	if why != nil {
		return nil, why
	}
	return s.issue(issueInput{client: client, scopes: scopes, rule: rl})
}
