package devokta

import (
	"slices"

	"github.com/portico-iam/portico/internal/devokta/world"
)

// grantCode exchanges an authorization code. A code that was spent stays spent, whatever is refused after it.
func (s *Server) grantCode(as *authServer, form params, client *world.App) (*issuance, *refusal) {
	for _, name := range []string{"code", "redirect_uri"} {
		if form.get(name) == "" {
			return nil, refuse(errParameterMissing, name)
		}
	}
	c, why := s.redeem(as, form.get("code"), client, form.get("redirect_uri"), form.get("code_verifier"))
	if why != nil {
		return nil, why
	}
	u := s.world.UserByID(c.UserID)
	rule, why := s.world.MayUse(as.Server, client, u, c.Scopes)
	if why != nil {
		return nil, why
	}
	now := s.now()
	lifetime := s.world.Lifetime(rule)
	family := s.random.bytes(familySize)
	g := &grant{
		ID: world.ID("oar", b64(family)), Server: as.ID, ClientID: client.ClientID(), UserID: u.ID, Scopes: c.Scopes, Class: c.Class, authentication: c.authentication,
		LastUsed: now, Expires: now.Add(lifetime), Window: max(rule.RefreshWindow(), lifetime),
	}
	if slices.Contains(c.Scopes, world.ScopeOffline) && slices.Contains(client.OAuth().GrantTypes, world.GrantRefresh) {
		g.Refresh = true
		g.Expires = refreshEnd(rule, now)
	}
	out, why := s.issue(issueInput{as: as, client: client, user: u, grant: g, family: b64(family), scopes: c.Scopes, rule: rule, nonce: c.Nonce})
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
