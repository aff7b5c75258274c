package management

import (
	"encoding/json"
	"net/http"

	"github.com/portico-iam/portico/internal/devokta/world"
)

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
