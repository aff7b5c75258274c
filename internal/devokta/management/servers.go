package management

import (
	"net/http"
	"strings"

	"github.com/portico-iam/portico/internal/devokta/world"
)

const serversPath = "/api/v1/authorizationServers"

func (c *call) server() (*world.Server, error) { return c.World.Server(c.r.PathValue("server")) }

// at is the address of the server in the path, by its id even when it was called "default".
func (c *call) at(s *world.Server) string { return c.base + serversPath + "/" + s.ID }

func servers() collection[*world.Server] {
	return collection[*world.Server]{
		path: serversPath, item: "server", area: world.AreaServers, created: http.StatusCreated, pages: pages{usual: 200, most: 200},
		id:   func(s *world.Server) string { return s.ID },
		show: showServer,
		list: func(c *call) ([]*world.Server, error) {
			q := strings.ToLower(c.query.Get("q"))
			var out []*world.Server
			for _, s := range c.World.Servers {
				if strings.Contains(strings.ToLower(s.Name), q) || strings.Contains(strings.ToLower(s.Audience()), q) {
					out = append(out, s)
				}
			}
			return out, nil
		},
		find: (*call).server,
		create: func(c *call) (*world.Server, error) {
			in, err := decode[world.ServerObject](c)
			if err != nil {
				return nil, err
			}
			return c.World.CreateServer(in)
		},
		replace: func(c *call, s *world.Server) error {
			in, err := decode[world.ServerObject](c)
			if err != nil {
				return err
			}
			return c.World.ReplaceServer(s, in)
		},
		remove: func(c *call, s *world.Server) error {
			err := c.World.DeleteServer(s)
			if err == nil {
				c.Keys.Forget(s.ID)
			}
			return err
		},
		lifecycle: usual,
		set:       func(c *call, s *world.Server, to world.Status) error { return c.World.SetServerStatus(s, to) },
	}
}

func showServer(c *call, s *world.Server) any {
	o := s.ServerObject
	o.Issuer = c.Issuer(c.r, s)
	o.Credentials.Signing.KID = c.Keys.Signing(s.ID)
	if o.Credentials.Signing.RotationMode == world.RotateAuto {
		next := world.At(o.Credentials.Signing.LastRotated.Add(world.RotationEvery))
		o.Credentials.Signing.NextRotation = &next
	}
	href := c.at(s)
	metadata := func(name, path string) map[string]any {
		return map[string]any{"name": name, "href": o.Issuer + path, "hints": map[string]any{"allow": []string{"GET"}}}
	}
	return withLinks(o, states(links{
		"self":      link(href, "GET", "DELETE", "PUT"),
		"scopes":    link(href+"/scopes", "GET"),
		"claims":    link(href+"/claims", "GET"),
		"policies":  link(href+"/policies", "GET"),
		"keys":      link(href+"/credentials/keys", "GET"),
		"rotateKey": link(href+"/credentials/lifecycle/keyRotate", "POST"),
		"metadata": []any{
			metadata("oauth-authorization-server", "/.well-known/oauth-authorization-server"), metadata("openid-configuration", "/.well-known/openid-configuration"),
		},
	}, href, s.Status == world.Active))
}

func scopes() collection[*world.Scope] {
	return collection[*world.Scope]{
		path: serversPath + "/{server}/scopes", item: "scope", area: world.AreaServers, created: http.StatusCreated, pages: pages{usual: 200, most: 200},
		id: func(x *world.Scope) string { return x.ID },
		show: func(c *call, x *world.Scope) any {
			return withLinks(x, self(c.base+serversPath+"/"+c.r.PathValue("server")+"/scopes/"+x.ID))
		},
		list: func(c *call) ([]*world.Scope, error) {
			s, err := c.server()
			if err != nil {
				return nil, err
			}
			return startingWith(c.query.Get("q"), s.Scopes, func(x *world.Scope) []string { return []string{x.Name} }), nil
		},
		find: func(c *call) (*world.Scope, error) {
			s, err := c.server()
			if err != nil {
				return nil, err
			}
			return s.FindScope(c.r.PathValue("scope"))
		},
		create: func(c *call) (*world.Scope, error) {
			return within(c, (*call).server, c.World.CreateScope)
		},
		replace: func(c *call, x *world.Scope) error { return change(c, (*call).server, x, c.World.ReplaceScope) },
		remove:  func(c *call, x *world.Scope) error { return drop(c, (*call).server, x, c.World.DeleteScope) },
	}
}

func claims() collection[*world.Claim] {
	return collection[*world.Claim]{
		path: serversPath + "/{server}/claims", item: "claim", area: world.AreaServers, created: http.StatusCreated,
		show: func(c *call, x *world.Claim) any {
			return withLinks(x, self(c.base+serversPath+"/"+c.r.PathValue("server")+"/claims/"+x.ID))
		},
		list: func(c *call) ([]*world.Claim, error) {
			s, err := c.server()
			if err != nil {
				return nil, err
			}
			return s.Claims, nil
		},
		find: func(c *call) (*world.Claim, error) {
			s, err := c.server()
			if err != nil {
				return nil, err
			}
			return s.Claim(c.r.PathValue("claim"))
		},
		create:  func(c *call) (*world.Claim, error) { return within(c, (*call).server, c.World.CreateClaim) },
		replace: func(c *call, x *world.Claim) error { return change(c, (*call).server, x, c.World.ReplaceClaim) },
		remove:  func(c *call, x *world.Claim) error { return drop(c, (*call).server, x, c.World.DeleteClaim) },
	}
}

// within decodes an object and creates it in its parent.
func within[P, In, T any](c *call, parent func(*call) (P, error), create func(P, In) (T, error)) (T, error) {
	var none T
	p, err := parent(c)
	if err != nil {
		return none, err
	}
	in, err := decode[In](c)
	if err != nil {
		return none, err
	}
	return create(p, in)
}

// change decodes an object and replaces another with it.
func change[P, In, T any](c *call, parent func(*call) (P, error), item T, replace func(P, T, In) error) error {
	p, err := parent(c)
	if err != nil {
		return err
	}
	in, err := decode[In](c)
	if err != nil {
		return err
	}
	return replace(p, item, in)
}

// drop removes an item from its parent.
func drop[P, T any](c *call, parent func(*call) (P, error), item T, remove func(P, T) error) error {
	p, err := parent(c)
	if err != nil {
		return err
	}
	return remove(p, item)
}

func serverKeys(c *call) (answer, error) {
	s, err := c.server()
	if err != nil {
		return answer{}, err
	}
	shown := []any{}
	for _, key := range c.Keys.List(s.ID) {
		shown = append(shown, withLinks(key, links{"self": link(c.at(s)+"/credentials/keys/"+key.Kid, "GET")}))
	}
	return answer{status: http.StatusOK, body: shown, list: true}, nil
}

func rotateKeys(c *call) (answer, error) {
	s, err := c.server()
	if err != nil {
		return answer{}, err
	}
	in, err := decode[struct {
		Use string `json:"use"`
	}](c)
	if err != nil {
		return answer{}, err
	}
	if in.Use != "sig" {
		return answer{}, world.Invalid("use", "use: must be 'sig'")
	}
	if err := c.Keys.Rotate(s.ID); err != nil {
		return answer{}, err
	}
	c.World.Rotated(s)
	c.World.Note("app.oauth2.as.key.rollover", "", map[string]string{"authorizationServer": s.ID})
	return serverKeys(c)
}

// serverClients are those that hold refresh tokens of the server.
func serverClients(c *call) (answer, error) {
	s, err := c.server()
	if err != nil {
		return answer{}, err
	}
	shown := []any{}
	for _, id := range c.Clients(s.ID) {
		if a := c.World.Client(id); a != nil {
			shown = append(shown, withLinks(map[string]any{
				"client_id": id, "client_name": a.Label, "client_uri": nil, "logo_uri": nil,
			}, links{"client": link(c.base+"/oauth2/v1/clients/"+id, "GET"), "tokens": link(c.at(s)+"/clients/"+id+"/tokens", "GET", "DELETE")}))
		}
	}
	return answer{status: http.StatusOK, body: shown, list: true}, nil
}
