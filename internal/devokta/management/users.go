package management

import (
	"net/http"
	"strings"

	"github.com/portico-iam/portico/internal/devokta/world"
)

const usersPath = "/api/v1/users"

func (c *call) user() (*world.User, error) {
	id := c.r.PathValue("user")
	if id == "me" && !c.caller.OAuth { // who a service application is has no answer
		return c.World.User(c.World.Admin)
	}
	return c.World.User(id)
}

func users() collection[*world.User] {
	return collection[*world.User]{
		path: usersPath, item: "user", area: world.AreaUsers, pages: pages{usual: 200, most: 200},
		id: func(u *world.User) string { return u.ID }, show: showUser,
		list: listUsers,
		find: (*call).user,
		create: func(c *call) (*world.User, error) {
			in, err := decode[world.UserObject](c)
			if err != nil {
				return nil, err
			}
			return c.World.CreateUser(in, c.query.Get("activate") != "false")
		},
		replace: func(c *call, u *world.User) error { return changeProfile(c, u, world.UserProfile{}) },
		update:  func(c *call, u *world.User) error { return changeProfile(c, u, u.Profile.Clone()) },
		remove: func(c *call, u *world.User) error {
			err := c.World.DeleteUser(u)
			if err == nil {
				c.Ended(u.ID)
			}
			return err
		},
		lifecycle: map[string]world.Status{
			"activate": world.Active, "deactivate": world.Deprovisioned, "suspend": world.Suspended, "unsuspend": world.Active,
		},
		set: func(c *call, u *world.User, to world.Status) error {
			unsuspend := strings.HasSuffix(c.r.URL.Path, "/unsuspend")
			if to == world.Active && unsuspend != (u.Status == world.Suspended) {
				return world.ErrTransition
			}
			err := c.World.SetUserStatus(u, to)
			if err == nil && to != world.Active {
				c.Ended(u.ID)
			}
			return err
		},
		moved: func(*call, *world.User) answer { return empty },
	}
}

// changeProfile lays what the client sent over what was there: nothing, for a replace.
func changeProfile(c *call, u *world.User, was world.UserProfile) error {
	in := struct {
		Profile *world.UserProfile `json:"profile"`
	}{&was}
	if err := decodeInto(c, &in); err != nil {
		return err
	}
	if in.Profile == nil {
		return world.ErrMalformed
	}
	return c.World.SetProfile(u, *in.Profile)
}

// listUsers leaves deprovisioned people out unless somebody searches for them.
func listUsers(c *call) ([]*world.User, error) {
	filter := c.query.Get("search")
	if filter == "" {
		filter = c.query.Get("filter")
	}
	var all []*world.User
	for _, u := range c.World.Users {
		if filter != "" || u.Status != world.Deprovisioned {
			all = append(all, u)
		}
	}
	all = startingWith(c.query.Get("q"), all, func(u *world.User) []string {
		return []string{u.Profile.FirstName, u.Profile.LastName, u.Profile.Email, u.Profile.Login}
	})
	return selected(filter, all, func(u *world.User, attribute string) []string {
		switch attribute {
		case "id":
			return []string{u.ID}
		case "status":
			return []string{string(u.Status)}
		case "profile.login":
			return []string{u.Profile.Login}
		case "profile.email":
			return []string{u.Profile.Email}
		case "profile.firstName":
			return []string{u.Profile.FirstName}
		case "profile.lastName":
			return []string{u.Profile.LastName}
		}
		return nil
	})
}

func showUser(c *call, u *world.User) any {
	href := c.base + usersPath + "/" + u.ID
	l := links{"self": map[string]any{"href": href}}
	for name, to := range map[string]string{"deactivate": "deactivate", "suspend": "suspend"} {
		if u.Status == world.Active {
			l[name] = map[string]any{"href": href + "/lifecycle/" + to, "method": "POST"}
		}
	}
	return withLinks(u.UserObject, l)
}

func userGroups(c *call) (answer, error) {
	u, err := c.user()
	if err != nil {
		return answer{}, err
	}
	shown := []any{}
	for _, g := range c.World.GroupsOf(u) {
		shown = append(shown, showGroup(c, g))
	}
	return answer{status: http.StatusOK, body: shown, list: true}, nil
}
