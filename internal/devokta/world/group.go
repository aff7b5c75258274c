package world

import (
	"slices"
	"strings"
)

// Group types as in Okta; Everyone is the only BUILT_IN group and holds every person implicitly.
const (
	OktaGroup    = "OKTA_GROUP"
	BuiltInGroup = "BUILT_IN"
	AppGroup     = "APP_GROUP" // imported from a directory; claims of type GROUPS don't see it
	Everyone     = "EVERYONE"  // how a rule names the Everyone group
	everyoneName = "Everyone"  // its name
	groupKind    = "UserGroup" // in "not found"
)

// GroupObject is a group as the API shows one.
type GroupObject struct {
	ID                    string       `json:"id"`
	Created               Time         `json:"created"`
	LastUpdated           Time         `json:"lastUpdated"`
	LastMembershipUpdated Time         `json:"lastMembershipUpdated"`
	ObjectClass           []string     `json:"objectClass"`
	Type                  string       `json:"type"`
	Profile               GroupProfile `json:"profile"`
}

// GroupProfile is what an administrator says about a group.
type GroupProfile struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

// Group is a group with its members.
type Group struct {
	GroupObject
	Members []string `json:"members,omitempty"` // user ids, oldest first
	Source  string   `json:"source,omitempty"`  // of an APP_GROUP: active_directory or an application's id
}

// Has tells whether a person is a member.
func (g *Group) Has(userID string) bool {
	return g.Type == BuiltInGroup || slices.Contains(g.Members, userID)
}

// Group finds a group by id.
func (w *World) Group(id string) (*Group, error) {
	if g := find(w.Groups, func(g *Group) bool { return g.ID == id }); g != nil {
		return g, nil
	}
	return nil, NotFound(id, groupKind)
}

// GroupByName returns the first group of that name, or nil.
func (w *World) GroupByName(name string) *Group {
	return find(w.Groups, func(g *Group) bool { return g.Profile.Name == name })
}

// CreateGroup adds a group of Okta's own.
func (w *World) CreateGroup(p GroupProfile) (*Group, error) {
	if err := w.checkGroup(p, nil); err != nil {
		return nil, err
	}
	g := w.newGroup(w.newID("00g"), p, OktaGroup)
	w.Groups = append(w.Groups, g)
	return g, nil
}

// ReplaceGroup sets name and description.
func (w *World) ReplaceGroup(g *Group, p GroupProfile) error {
	if g.Type != OktaGroup {
		return ErrUnsupported
	}
	if err := w.checkGroup(p, g); err != nil {
		return err
	}
	g.Profile, g.LastUpdated = p, w.Now()
	return nil
}

func (w *World) checkGroup(p GroupProfile, self *Group) error {
	var c checks
	c.that(strings.TrimSpace(p.Name) != "", "name", blank)
	c.atMost(255, "name", p.Name)
	c.atMost(1024, "description", p.Description)
	other := find(w.Groups, func(g *Group) bool {
		return g != self && g.Type != AppGroup && strings.EqualFold(g.Profile.Name, p.Name)
	})
	c.that(other == nil, "name", duplicate)
	c.that(self != nil || len(w.Groups) < maxGroups, "name", "this development Okta has no room for another group")
	return c.err()
}

func (w *World) newGroup(id string, p GroupProfile, kind string) *Group {
	class := "okta:user_group"
	if kind == AppGroup {
		class = "okta:windows_security_principal"
	}
	now := w.Now()
	return &Group{GroupObject: GroupObject{
		ID: id, Created: now, LastUpdated: now, LastMembershipUpdated: now, ObjectClass: []string{class}, Type: kind, Profile: p,
	}}
}

// DeleteGroup removes a group of Okta's own from everywhere.
func (w *World) DeleteGroup(g *Group) error {
	if g.Type == BuiltInGroup {
		return ErrUnsupported
	}
	w.Groups = without(w.Groups, g)
	for _, a := range w.Apps {
		a.Groups = slices.DeleteFunc(a.Groups, func(x *GroupAssignment) bool { return x.ID == g.ID })
	}
	return nil
}

// SetMember puts a person into a group or takes them out; both may be repeated. Only Okta's own groups have members that
// the API may change.
func (w *World) SetMember(g *Group, u *User, in bool) error {
	if g.Type != OktaGroup {
		return ErrUnsupported
	}
	switch has := g.Has(u.ID); {
	case has == in:
		return nil
	case in:
		g.Members = append(slices.Clone(g.Members), u.ID)
	default:
		g.Members = without(g.Members, u.ID)
	}
	g.LastMembershipUpdated = w.Now()
	return nil
}

// Members lists who is in a group, everybody in Everyone.
func (w *World) Members(g *Group) []*User {
	var out []*User
	for _, u := range w.Users {
		if g.Has(u.ID) {
			out = append(out, u)
		}
	}
	return out
}

// SetGroups replaces a person's groups of Okta's own, making those that do not exist yet.
func (w *World) SetGroups(u *User, names []string) error {
	for _, g := range w.Groups {
		if g.Type == OktaGroup && !slices.Contains(names, g.Profile.Name) {
			if err := w.SetMember(g, u, false); err != nil {
				return err
			}
		}
	}
	for _, name := range names {
		g := find(w.Groups, func(g *Group) bool { return g.Type == OktaGroup && g.Profile.Name == name })
		if g == nil {
			id := ID("00g", name)
			if find(w.Groups, func(g *Group) bool { return g.ID == id }) != nil { // of one that was renamed since
				id = w.newID("00g")
			}
			g = w.newGroup(id, GroupProfile{Name: name}, OktaGroup)
			w.Groups = append(w.Groups, g)
		}
		if err := w.SetMember(g, u, true); err != nil {
			return err
		}
	}
	return nil
}

// AddAppGroup adds a group that a directory owns, with members. Only a directory can do that, so it is not in the API.
func (w *World) AddAppGroup(name, source string, members ...*User) *Group {
	g := w.newGroup(ID("00g", source, name), GroupProfile{Name: name}, AppGroup)
	g.Source = source
	for _, u := range members {
		g.Members = append(g.Members, u.ID)
	}
	w.Groups = append(w.Groups, g)
	return g
}

// Indexed are the groups that a search finds already: Okta's index lags behind.
func (w *World) Indexed(groups []*Group) []*Group {
	if w.Switches.SearchDelay == 0 {
		return groups
	}
	var out []*Group
	for _, g := range groups {
		if w.now().Sub(g.Created.Time) >= w.Switches.SearchDelay {
			out = append(out, g)
		}
	}
	return out
}
