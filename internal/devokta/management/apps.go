package management

import (
	"net/http"
	"slices"

	"github.com/portico-iam/portico/internal/devokta/world"
)

const appsPath = "/api/v1/apps"

var appPages = pages{usual: 200, most: 200}

func (c *call) app() (*world.App, error) { return c.World.App(c.r.PathValue("app")) }

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
