package devokta

import "slices"

// grantCode exchanges an authorization code. A code that was spent stays spent, whatever is refused after it.
func (s *Server) grantCode(form params, client *application) (*issuance, *refusal) {
	for _, name := range []string{"code", "redirect_uri"} {
		if form.get(name) == "" {
			return nil, refuse(errParameterMissing, name)
		}
	}
	c, why := s.redeem(form.get("code"), client, form.get("redirect_uri"), form.get("code_verifier"))
	if why != nil {
		return nil, why
	}
	u := s.org.userByID(c.UserID)
	rl, why := s.mayUse(client, u, c.Scopes)
	if why != nil {
		return nil, why
	}
	now := s.now()
	family := s.random.bytes(familySize)
	g := &grant{
		ID: oktaID("oar", b64(family)), ClientID: client.ClientID, UserID: u.ID, Scopes: c.Scopes, AuthTime: c.AuthTime,
		LastUsed: now, Expires: now.Add(rl.AccessLifetime), Window: max(rl.RefreshWindow, rl.AccessLifetime),
	}
	if slices.Contains(c.Scopes, scopeOffline) && slices.Contains(client.GrantTypes, grantRefresh) {
		g.Refresh = true
		g.Expires = rl.refreshEnd(now)
	}
	out, why := s.issue(issueInput{client: client, user: u, grant: g, family: b64(family), scopes: c.Scopes, rule: rl, nonce: c.Nonce})
	if why != nil {
		return nil, why
	}
	if g.Refresh {
		out.refresh = s.refreshToken(family, g.Sequence)
	}
	c.grant = b64(family)
	s.grants.put(c.grant, g)
	return out, nil
}
