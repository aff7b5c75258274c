package world

import (
	"encoding/json"
	"slices"
)

// GroupAssignment lets a group use an application.
type GroupAssignment struct {
	ID          string          `json:"id"` // the group's
	LastUpdated Time            `json:"lastUpdated"`
	Priority    int             `json:"priority"`
	Profile     json.RawMessage `json:"profile"`
}

// UserAssignment lets a person use an application.
type UserAssignment struct {
	ID            string          `json:"id"` // the person's
	Created       Time            `json:"created"`
	LastUpdated   Time            `json:"lastUpdated"`
	StatusChanged Time            `json:"statusChanged"`
	Scope         string          `json:"scope"`
	Status        string          `json:"status"`
	SyncState     string          `json:"syncState"`
	Credentials   UserNameOnly    `json:"credentials"`
	Profile       json.RawMessage `json:"profile"`
}

// UserNameOnly is the name under which a person is known to the application.
type UserNameOnly struct {
	UserName string `json:"userName"`
}

const (
	scopeUser  = "USER"
	scopeGroup = "GROUP"
)

// AssignGroup may be repeated.
func (w *World) AssignGroup(a *App, g *Group, profile json.RawMessage) *GroupAssignment {
	if len(profile) == 0 {
		profile = json.RawMessage(`{}`)
	}
	if have := a.GroupAssignment(g.ID); have != nil {
		have.Profile, have.LastUpdated = profile, w.Now()
		return have
	}
	added := &GroupAssignment{ID: g.ID, LastUpdated: w.Now(), Priority: len(a.Groups), Profile: profile}
	a.Groups = append(a.Groups, added)
	return added
}

// GroupAssignment returns nil when the group is not assigned.
func (a *App) GroupAssignment(id string) *GroupAssignment {
	return find(a.Groups, func(x *GroupAssignment) bool { return x.ID == id })
}

// UnassignGroup takes an assignment away.
func (w *World) UnassignGroup(a *App, x *GroupAssignment) {
	a.Groups = without(a.Groups, x)
	for i, other := range a.Groups {
		other.Priority = i
	}
}

// AssignUser may be repeated.
func (w *World) AssignUser(a *App, u *User) *UserAssignment {
	if have := find(a.Users, func(x *UserAssignment) bool { return x.ID == u.ID }); have != nil {
		return have
	}
	added := w.userAssignment(u, scopeUser)
	a.Users = append(a.Users, added)
	return added
}

func (w *World) userAssignment(u *User, scope string) *UserAssignment {
	now := w.Now()
	return &UserAssignment{
		ID: u.ID, Created: now, LastUpdated: now, StatusChanged: now, Scope: scope, Status: "ACTIVE", SyncState: "DISABLED",
		Credentials: UserNameOnly{u.Login()}, Profile: json.RawMessage(`{}`),
	}
}

// UnassignUser takes a direct assignment away.
func (w *World) UnassignUser(a *App, u *User) {
	a.Users = slices.DeleteFunc(a.Users, func(x *UserAssignment) bool { return x.ID == u.ID })
}

// UserAssignments lists everybody who may use the application: directly, or by a group (scope GROUP).
func (w *World) UserAssignments(a *App) []*UserAssignment {
	var out []*UserAssignment
	for _, u := range w.Users {
		if x := w.UserAssignment(a, u); x != nil {
			out = append(out, x)
		}
	}
	return out
}

// UserAssignment returns nil when the person may not use the application.
func (w *World) UserAssignment(a *App, u *User) *UserAssignment {
	if x := find(a.Users, func(x *UserAssignment) bool { return x.ID == u.ID }); x != nil {
		return x
	}
	for _, g := range w.Groups {
		if a.GroupAssignment(g.ID) != nil && g.Has(u.ID) {
			return w.userAssignment(u, scopeGroup)
		}
	}
	return nil
}

// Assigned tells whether a person may use the application at all.
func (w *World) Assigned(a *App, u *User) bool { return w.UserAssignment(a, u) != nil }
