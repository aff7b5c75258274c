package management

import (
	"net/http"

	"github.com/portico-iam/portico/internal/devokta/world"
)

const groupsPath = "/api/v1/groups"

func (c *call) group() (*world.Group, error) { return c.World.Group(c.r.PathValue("group")) }

func groups() collection[*world.Group] {
	profile := func(c *call) (world.GroupProfile, error) {
		in, err := decode[struct {
			Profile world.GroupProfile `json:"profile"`
		}](c)
		return in.Profile, err
	}
	return collection[*world.Group]{
		path: groupsPath, item: "group", area: world.AreaGroups, pages: pages{usual: 10_000, most: 10_000},
		id:   func(g *world.Group) string { return g.ID },
		show: showGroup,
		list: listGroups,
		find: (*call).group,
		create: func(c *call) (*world.Group, error) {
			p, err := profile(c)
			if err != nil {
				return nil, err
			}
			return c.World.CreateGroup(p)
		},
		replace: func(c *call, g *world.Group) error {
			p, err := profile(c)
			if err != nil {
				return err
			}
			return c.World.ReplaceGroup(g, p)
		},
		remove: func(c *call, g *world.Group) error { return c.World.DeleteGroup(g) },
	}
}

// listGroups: q is a prefix and comes in one page; search and filter are exact about attributes.
func listGroups(c *call) ([]*world.Group, error) {
	all := startingWith(c.query.Get("q"), c.World.Groups, func(g *world.Group) []string { return []string{g.Profile.Name} })
	if c.query.Has("q") {
		c.query.Del("after")
		c.query.Del("limit")
	}
	attributes := func(g *world.Group, attribute string) []string {
		switch attribute {
		case "id":
			return []string{g.ID}
		case "type":
			return []string{g.Type}
		case "profile.name":
			return []string{g.Profile.Name}
		case "profile.description":
			return []string{g.Profile.Description}
		}
		return nil
	}
	all, err := selected(c.query.Get("filter"), all, attributes)
	if err != nil || !c.query.Has("search") {
		return all, err
	}
	return selected(c.query.Get("search"), c.World.Indexed(all), attributes)
}

func showGroup(c *call, g *world.Group) any {
	href := c.base + groupsPath + "/" + g.ID
	l := links{
		"logo": []any{
			map[string]any{"name": "medium", "href": c.base + "/assets/groups-medium.png", "type": "image/png"},
			map[string]any{"name": "large", "href": c.base + "/assets/groups-large.png", "type": "image/png"},
		},
		"users": map[string]any{"href": href + "/users"},
		"apps":  map[string]any{"href": href + "/apps"},
	}
	if g.Type != world.BuiltInGroup {
		l["owners"] = map[string]any{"href": href + "/owners"}
	}
	var more []field
	if g.Type == world.AppGroup {
		more = append(more, field{"source", map[string]string{"id": g.Source}})
	}
	return withLinks(g.GroupObject, l, more...)
}

// members lists a group's people; membership itself is an address that has no content.
func members() collection[*world.User] {
	return collection[*world.User]{
		path: groupsPath + "/{group}/users", area: world.AreaGroups, pages: pages{usual: 200, most: 1000},
		id: func(u *world.User) string { return u.ID }, show: showUser,
		list: func(c *call) ([]*world.User, error) {
			g, err := c.group()
			if err != nil {
				return nil, err
			}
			return c.World.Members(g), nil
		},
	}
}

func setMember(in bool) operation {
	return func(c *call) (answer, error) {
		g, err := c.group()
		if err != nil {
			return answer{}, err
		}
		u, err := c.World.User(c.r.PathValue("user"))
		if err != nil {
			return answer{}, err
		}
		return nothing, c.World.SetMember(g, u, in)
	}
}

// groupApps are the applications that a group is assigned to.
func groupApps(c *call) (answer, error) {
	g, err := c.group()
	if err != nil {
		return answer{}, err
	}
	shown := []any{}
	for _, a := range c.World.Apps {
		if a.GroupAssignment(g.ID) != nil {
			shown = append(shown, showApp(c, a))
		}
	}
	return answer{status: http.StatusOK, body: shown, list: true}, nil
}
