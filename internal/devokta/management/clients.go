package management

import (
	"net/http"
	"slices"
	"strings"

	"github.com/portico-iam/portico/internal/devokta/world"
)

// clientApp finds an application by the client id in the path.
func (c *call) clientApp() (*world.App, error) {
	for _, a := range c.World.Apps {
		if a.ClientID() == c.r.PathValue("client") {
			return a, nil
		}
	}
	return nil, world.NotFound(c.r.PathValue("client"), "OAuth2Client")
}

func secrets() collection[*world.Secret] {
	one := func(c *call) (*world.App, *world.Secret, error) {
		a, err := c.app()
		if err != nil {
			return nil, nil, err
		}
		s, err := a.FindSecret(c.r.PathValue("secret"))
		return a, s, err
	}
	show := func(c *call, s *world.Secret) any {
		href := c.base + appsPath + "/" + c.r.PathValue("app") + "/credentials/secrets/" + s.ID
		return withLinks(s, states(links{"delete": link(href, "DELETE")}, href, s.Status == world.Active))
	}
	return collection[*world.Secret]{
		path: appsPath + "/{app}/credentials/secrets", item: "secret", area: world.AreaApps, show: show,
		list: func(c *call) ([]*world.Secret, error) {
			a, err := c.app()
			if err != nil {
				return nil, err
			}
			return a.Secrets, nil
		},
		find: func(c *call) (*world.Secret, error) { _, s, err := one(c); return s, err },
		create: func(c *call) (*world.Secret, error) {
			a, err := c.app()
			if err != nil {
				return nil, err
			}
			in, err := optional[world.Secret](c)
			if err != nil {
				return nil, err
			}
			return c.World.CreateSecret(a, in)
		},
		remove: func(c *call, s *world.Secret) error {
			a, _, err := one(c)
			if err != nil {
				return err
			}
			return c.World.DeleteSecret(a, s)
		},
		lifecycle: usual,
		set: func(c *call, s *world.Secret, to world.Status) error {
			a, _, err := one(c)
			if err != nil {
				return err
			}
			return c.World.SetSecretStatus(a, s, to)
		},
		moved: func(c *call, s *world.Secret) answer { return answer{status: http.StatusOK, body: show(c, s)} },
	}
}

func appGrants() collection[*world.ScopeGrant] {
	return collection[*world.ScopeGrant]{
		path: appsPath + "/{app}/grants", item: "grant", area: world.AreaAppGrants,
		show: func(c *call, g *world.ScopeGrant) any {
			shown := *g
			shown.Issuer = c.base
			app := c.base + appsPath + "/" + c.r.PathValue("app")
			return withLinks(shown, links{"app": link(app), "self": link(app+"/grants/"+g.ID, "GET", "DELETE"), "client": link(c.base + "/oauth2/v1/clients/" + g.ClientID)})
		},
		list: func(c *call) ([]*world.ScopeGrant, error) {
			a, err := c.app()
			if err != nil {
				return nil, err
			}
			return a.Grants, nil
		},
		find: func(c *call) (*world.ScopeGrant, error) {
			a, err := c.app()
			if err != nil {
				return nil, err
			}
			id := c.r.PathValue("grant")
			if i := slices.IndexFunc(a.Grants, func(g *world.ScopeGrant) bool { return g.ID == id }); i >= 0 {
				return a.Grants[i], nil
			}
			return nil, world.NotFound(id, "OAuth2ScopeConsentGrant")
		},
		create: func(c *call) (*world.ScopeGrant, error) {
			a, err := c.app()
			if err != nil {
				return nil, err
			}
			in, err := decode[world.ScopeGrant](c)
			if err != nil {
				return nil, err
			}
			if in.Issuer != "" && strings.TrimSuffix(in.Issuer, "/") != c.base {
				return nil, world.Invalid("issuer", "issuer: must be the org's URL, "+c.base)
			}
			return c.World.GrantScope(a, in)
		},
		remove: func(c *call, g *world.ScopeGrant) error {
			a, err := c.app()
			if err == nil {
				a.Grants = slices.DeleteFunc(slices.Clone(a.Grants), func(x *world.ScopeGrant) bool { return x == g })
			}
			return err
		},
	}
}

func clientRoles() collection[*world.AdminRole] {
	return collection[*world.AdminRole]{
		path: "/oauth2/v1/clients/{client}/roles", item: "role", area: world.AreaRoles, created: http.StatusCreated,
		show: func(c *call, r *world.AdminRole) any {
			return withLinks(r, links{"assignee": link(c.base + "/oauth2/v1/clients/" + c.r.PathValue("client"))})
		},
		list: func(c *call) ([]*world.AdminRole, error) {
			a, err := c.clientApp()
			if err != nil {
				return nil, err
			}
			return a.Roles, nil
		},
		find: func(c *call) (*world.AdminRole, error) {
			a, err := c.clientApp()
			if err != nil {
				return nil, err
			}
			id := c.r.PathValue("role")
			if i := slices.IndexFunc(a.Roles, func(r *world.AdminRole) bool { return r.ID == id }); i >= 0 {
				return a.Roles[i], nil
			}
			return nil, world.NotFound(id, "RoleAssignment")
		},
		create: func(c *call) (*world.AdminRole, error) {
			a, err := c.clientApp()
			if err != nil {
				return nil, err
			}
			in, err := decode[world.AdminRole](c)
			if err != nil {
				return nil, err
			}
			return c.World.AssignRole(a, in.Type)
		},
		remove: func(c *call, r *world.AdminRole) error {
			a, err := c.clientApp()
			if err == nil {
				a.Roles = slices.DeleteFunc(slices.Clone(a.Roles), func(x *world.AdminRole) bool { return x == r })
			}
			return err
		},
	}
}
