package okta

import (
	"context"
	"fmt"
	"net/url"
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
	if directory, err := r.findGroup(ctx, name); err != nil {
		return err
	} else if directory != nil && directory.text("type") == "APP_GROUP" {
		return fmt.Errorf("%s comes from a directory: Okta's group claims don't see such groups, and its members are not ours to change; give another name in bootstrap.group", title)
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
			l.list = groupsPath + "/" + r.group.id() + "/users"
			l.path, l.id = l.list+"/"+user.id(), user.id()
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
	var members []object
	if r.group != nil {
		var err error
		if members, err = r.client.list(ctx, query(groupsPath+"/"+r.group.id()+"/users", map[string]string{"limit": "200"})); err != nil {
			return err
		}
	}
	if !slices.ContainsFunc(members, func(o object) bool { return o.text("status") == "ACTIVE" }) {
		r.note("Nobody is in the group %q: nobody will be able to administer. Name people in bootstrap.people.", r.Bootstrap.Group)
	}
	return nil
}
