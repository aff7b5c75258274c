package okta

import (
	"context"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
)

const (
	groupsPath = "/api/v1/groups"
	usersPath  = "/api/v1/users"

	atGroups = "Directory > Groups"

	oktaGroup = "OKTA_GROUP"
)

// findGroup finds a group by its exact name; nil when there is none. A group of Okta's own goes before one of a directory.
func (r *run) findGroup(ctx context.Context, name string) (object, error) {
	found, err := r.client.search(ctx, groupsPath, groupSearch(name), fields{"profile.name": name})
	if len(found) == 0 || err != nil {
		return nil, err
	}
	for _, group := range found {
		if group.text("type") == oktaGroup {
			return group, nil
		}
	}
	return found[0], nil
}

func groupSearch(name string) string {
	return query(groupsPath, map[string]string{"search": "profile.name eq " + quoted(name), "limit": "200"})
}

// ensureGroup is the group whose members administer first.
func (r *run) ensureGroup(ctx context.Context) (err error) {
	name := r.Bootstrap.Group
	title := fmt.Sprintf("Group %q", name)
	there, err := r.findGroup(ctx, name)
	if err != nil {
		return err
	}
	if there.text("type") == "APP_GROUP" {
		return fmt.Errorf("%s comes from a directory: Okta's group claims don't see such groups, and its members are not ours to change; give another name in bootstrap.group", title)
	}
	if err := r.settleGroup(name, there); err != nil {
		return err
	}
	r.group, err = r.ensure(ctx, part{
		key: "group", title: title, console: atGroups,
		collection: groupsPath, search: groupSearch(name),
		name:  fields{"profile.name": name, "type": oktaGroup},
		fresh: object{"profile": map[string]any{"name": name, "description": "Its members are the first administrators of Procivis One."}},
		want:  func(object, bool) (fields, error) { return fields{"profile.name": name}, nil },
	})
	return err
}

// settleGroup tells the two ways apart by which the group that apply made comes to have another name than the one in the
// setup file. Renamed in Okta, it is still the group that is meant. Where the file names another group, that one is used,
// or made, and ours is an earlier file's.
func (r *run) settleGroup(name string, there object) error {
	r.record.settle("group", func(d *done) bool {
		if d.Collection != groupsPath {
			return false
		}
		if there != nil && d.ID != "" {
			return d.ID == there.id()
		}
		return d.After["profile.name"] == name
	})
	known := r.record.of("group")
	if known == nil || known.After["profile.name"] == name {
		return nil
	}
	known.After = fields{"profile.name": name} // renamed in Okta, and the file followed
	if !r.applying {
		return nil
	}
	return r.record.put(known)
}

// ensureMembers puts the people into the group.
func (r *run) ensureMembers(ctx context.Context) error {
	for _, login := range r.Bootstrap.People {
		user, err := r.client.get(ctx, usersPath+"/"+url.PathEscape(login))
		if err != nil {
			return err
		}
		if user == nil {
			return fmt.Errorf("bootstrap.people: there is nobody with the login %q in %s", login, r.Okta.URL)
		}
		// Okta also answers to ids, "me" and short names; who becomes an administrator must be the one who was named.
		if found := user.text("profile.login"); !strings.EqualFold(found, login) {
			return fmt.Errorf("bootstrap.people: %q is no login; Okta takes it for %q: write that if it is meant", login, clip(found))
		}
		if status := user.text("status"); status != "ACTIVE" {
			r.note("%s is %s in Okta: they can't sign in before they are active.", login, status)
		}
		l := link{key: "member " + login, title: fmt.Sprintf("%s in the group %q", login, r.Bootstrap.Group), console: atGroups + " > " + r.Bootstrap.Group}
		if r.group != nil {
			l.path, l.id = r.memberPath(user), user.id()
			l.list = path.Dir(l.path)
		}
		if err := r.ensureLink(ctx, l); err != nil {
			return err
		}
	}
	if len(r.Bootstrap.People) == 0 {
		return r.noteEmptyGroup(ctx)
	}
	return nil
}

func (r *run) noteEmptyGroup(ctx context.Context) error {
	members, err := r.members(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(members, func(o object) bool { return o.text("status") == "ACTIVE" }) {
		r.note("Nobody is in the group %q: nobody will be able to administer. Name people in bootstrap.people.", r.Bootstrap.Group)
	}
	return nil
}

// members are the people of the group; nobody while there is none.
func (r *run) members(ctx context.Context) ([]object, error) {
	if r.group == nil {
		return nil, nil
	}
	return r.client.list(ctx, query(groupsPath+"/"+r.group.id()+"/users", map[string]string{"limit": "200"}))
}

// memberPath is the address of somebody's membership of the group.
func (r *run) memberPath(user object) string {
	return groupsPath + "/" + r.group.id() + "/users/" + user.id()
}
