package management

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/portico-iam/portico/internal/devokta/world"
)

const appsPath = "/api/v1/apps"

var appPages = pages{usual: 200, most: 200}

func (c *call) app() (*world.App, error) { return c.World.App(c.r.PathValue("app")) }

// serviceClient finds an application by the client id in the path.
func (c *call) clientApp() (*world.App, error) {
	for _, a := range c.World.Apps {
		if a.ClientID() == c.r.PathValue("client") {
			return a, nil
		}
	}
	return nil, world.NotFound(c.r.PathValue("client"), "OAuth2Client")
}

func apps() collection[*world.App] {
	return collection[*world.App]{
		path: appsPath, item: "app", area: world.AreaApps, id: func(a *world.App) string { return a.ID }, pages: appPages,
		show: showApp,
		list: listApps,
		find: (*call).app,
		create: func(c *call) (*world.App, error) {
			in, err := decode[world.AppObject](c)
			if err != nil {
				return nil, err
			}
			c.secret = true
			return c.World.CreateApp(in, c.query.Get("activate") != "false")
		},
		replace: func(c *call, a *world.App) error {
			in, err := decode[world.AppObject](c)
			if err != nil {
				return err
			}
			c.secret = true
			return c.World.ReplaceApp(a, in)
		},
		remove:    func(c *call, a *world.App) error { return c.World.DeleteApp(a) },
		lifecycle: usual,
		set:       func(c *call, a *world.App, to world.Status) error { return c.World.SetAppStatus(a, to) },
		moved:     func(*call, *world.App) answer { return empty },
	}
}

func listApps(c *call) ([]*world.App, error) {
	all := startingWith(c.query.Get("q"), c.World.Apps, func(a *world.App) []string { return []string{a.Label, a.Name} })
	return selected(c.query.Get("filter"), all, func(a *world.App, attribute string) []string {
		switch attribute {
		case "name":
			return []string{a.Name}
		case "label":
			return []string{a.Label}
		case "status":
			return []string{string(a.Status)}
		case "id":
			return []string{a.ID}
		case "user.id":
			var ids []string
			for _, x := range c.World.UserAssignments(a) {
				ids = append(ids, x.ID)
			}
			return append(ids, "")
		case "group.id":
			var ids []string
			for _, x := range a.Groups {
				ids = append(ids, x.ID)
			}
			return append(ids, "")
		}
		return nil
	})
}

// showApp has the secret only in the answer to a create or a replace.
func showApp(c *call, a *world.App) any {
	o := a.AppObject
	if c.secret && a.NeedsSecret() {
		o.Credentials.OAuthClient.ClientSecret = a.Secret()
	}
	if o.Credentials.Signing.KID == "" {
		o.Credentials.Signing.KID = world.ID("", "signing", a.ID)
	}
	href := c.base + appsPath + "/" + a.ID
	return withLinks(o, states(links{
		"self":              link(href, "GET", "PUT", "DELETE"),
		"users":             link(href+"/users", "GET"),
		"groups":            link(href+"/groups", "GET"),
		"accessPolicy":      link(c.base+"/api/v1/policies/"+a.SignOnPolicy, "GET"),
		"policies":          link(href+"/policies", "GET"),
		"clientCredentials": []any{map[string]any{"name": "secrets", "href": href + "/credentials/secrets", "hints": map[string]any{"allow": []string{"GET", "POST"}}}},
		"appLinks":          []any{map[string]any{"name": "oidc_client_link", "href": c.base + "/home/oidc_client/" + a.ID + "/aln177a159h7Zf52X0g8", "type": "text/html"}},
		"logo":              []any{map[string]any{"name": "medium", "href": c.base + "/assets/default.png", "type": "image/png"}},
	}, href, a.Status == world.Active))
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

func appGroups() collection[*world.GroupAssignment] {
	return collection[*world.GroupAssignment]{
		path: appsPath + "/{app}/groups", item: "group", area: world.AreaApps, pages: pages{usual: 20, most: 200, least: 20},
		id: func(x *world.GroupAssignment) string { return x.ID },
		show: func(c *call, x *world.GroupAssignment) any {
			app := c.base + appsPath + "/" + c.r.PathValue("app")
			return withLinks(x, links{
				"app": link(app, "GET"), "self": link(app+"/groups/"+x.ID, "GET", "PUT", "DELETE"), "group": link(c.base+groupsPath+"/"+x.ID, "GET"),
			})
		},
		list: func(c *call) ([]*world.GroupAssignment, error) {
			a, err := c.app()
			if err != nil {
				return nil, err
			}
			return a.Groups, nil
		},
		find: func(c *call) (*world.GroupAssignment, error) {
			a, err := c.app()
			if err != nil {
				return nil, err
			}
			id := c.r.PathValue("group")
			if x := a.GroupAssignment(id); x != nil {
				return x, nil
			}
			if c.r.Method != http.MethodPut {
				return nil, world.NotFound(id, "ApplicationGroupAssignment")
			}
			if _, err := optional[struct{}](c); err != nil { // before anything is changed
				return nil, err
			}
			g, err := c.World.Group(id)
			if err != nil {
				return nil, err
			}
			return c.World.AssignGroup(a, g, nil), nil
		},
		// PUT makes the assignment if there is none, so it may be repeated.
		replace: func(c *call, x *world.GroupAssignment) error {
			in, err := optional[struct {
				Profile json.RawMessage `json:"profile"`
			}](c)
			if err == nil && len(in.Profile) > 0 {
				x.Profile = in.Profile
			}
			return err
		},
		remove: func(c *call, x *world.GroupAssignment) error {
			a, err := c.app()
			if err != nil {
				return err
			}
			c.World.UnassignGroup(a, x)
			return nil
		},
	}
}

func appUsers() collection[*world.UserAssignment] {
	return collection[*world.UserAssignment]{
		path: appsPath + "/{app}/users", item: "user", area: world.AreaApps, pages: pages{usual: 50, most: 500},
		id: func(x *world.UserAssignment) string { return x.ID },
		show: func(c *call, x *world.UserAssignment) any {
			return withLinks(x, links{"app": link(c.base+appsPath+"/"+c.r.PathValue("app"), "GET"), "user": link(c.base+usersPath+"/"+x.ID, "GET")})
		},
		list: func(c *call) ([]*world.UserAssignment, error) {
			a, err := c.app()
			if err != nil {
				return nil, err
			}
			return c.World.UserAssignments(a), nil
		},
		find: func(c *call) (*world.UserAssignment, error) {
			a, err := c.app()
			if err != nil {
				return nil, err
			}
			u := c.World.UserByID(c.r.PathValue("user"))
			if u == nil {
				return nil, world.NotFound(c.r.PathValue("user"), "User")
			}
			if x := c.World.UserAssignment(a, u); x != nil {
				return x, nil
			}
			return nil, world.NotFound(u.ID, "AppUser")
		},
		create: func(c *call) (*world.UserAssignment, error) {
			a, err := c.app()
			if err != nil {
				return nil, err
			}
			in, err := decode[world.UserAssignment](c)
			if err != nil {
				return nil, err
			}
			u := c.World.UserByID(in.ID)
			if u == nil {
				return nil, world.NotFound(in.ID, "User")
			}
			return c.World.AssignUser(a, u), nil
		},
		remove: func(c *call, x *world.UserAssignment) error {
			a, err := c.app()
			if err == nil {
				c.World.UnassignUser(a, c.World.UserByID(x.ID))
			}
			return err
		},
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

// appPolicy assigns another sign-on policy.
func appPolicy(c *call) (answer, error) {
	a, err := c.app()
	if err != nil {
		return answer{}, err
	}
	id := c.r.PathValue("policy")
	if !slices.ContainsFunc(c.World.SignOnPolicies, func(p *world.SignOnPolicy) bool { return p.ID == id }) {
		return answer{}, world.NotFound(id, "Policy")
	}
	a.SignOnPolicy = id
	return nothing, nil
}

// idTokenClaim is the undocumented call that the console and terraform set the org authorization server's groups claim with.
func idTokenClaim(c *call) (answer, error) {
	a, err := c.app()
	if err != nil {
		return answer{}, err
	}
	if c.r.Method == http.MethodPost {
		in, err := decode[world.IDTokenClaim](c)
		if err != nil {
			return answer{}, err
		}
		if err := c.World.SetGroupsClaim(a, in); err != nil {
			return answer{}, err
		}
	}
	if a.GroupsClaim == nil {
		return answer{status: http.StatusOK, body: world.IDTokenClaim{ValueType: "NONE"}}, nil
	}
	return answer{status: http.StatusOK, body: a.GroupsClaim}, nil
}
