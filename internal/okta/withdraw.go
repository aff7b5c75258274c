package okta

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
)

// ensureWithdrawn takes back what apply added for entries that the setup file no longer has: somebody who is not named any
// more must not stay an administrator. It comes after everything that is wanted is there, last things first, as undo does.
// What apply did not add is not its own to take away; the plan says that it is there.
func (r *run) ensureWithdrawn(ctx context.Context) error {
	var gone []*done
	for _, d := range slices.Backward(r.record.Done) {
		switch {
		case r.wanted[d.Part] || d.Part == "secret":
		case d.Link != "" || d.Collection == groupsPath || strings.HasPrefix(d.Part, "claim "):
			gone = append(gone, d)
		default:
			r.note("%s is what apply made for an earlier setup file: it stays. portico okta undo takes it back, with everything else.", d.Title)
		}
	}
	administers, err := r.administrators(ctx, gone)
	if err != nil {
		return err
	}
	for _, d := range gone {
		if d.Link != "" {
			err = r.withdrawLink(ctx, d, administers)
		} else {
			err = r.withdrawObject(ctx, d, gone)
		}
		if err != nil {
			return err
		}
	}
	return r.noteOthers(ctx)
}

// withdrawLink ends a membership or an assignment, where somebody else has not done so.
func (r *run) withdrawLink(ctx context.Context, d *done, administers bool) error {
	all, err := r.client.list(ctx, query(path.Dir(d.Link), map[string]string{"limit": "200"}))
	if err != nil && !IsNotFound(err) {
		return err
	}
	if !slices.ContainsFunc(all, func(o object) bool { return o.id() == d.ID }) {
		if r.applying {
			return r.record.forget(d.Part)
		}
		return nil
	}
	step := Step{Part: d.Part, Action: Remove, Title: d.Title}
	switch {
	case strings.HasPrefix(d.Link, groupsPath) && !administers:
		step.Danger = "Nobody would be left in the group " + quoted(r.Bootstrap.Group) + ": nobody could administer. Name people in bootstrap.people, or put somebody into the group first."
	case d.Part == assignmentOf(everyone):
		step.Danger = "Whoever is in none of the other groups that are assigned can't sign in any more. Name their groups in application.groups."
	}
	return r.take(step, func() error {
		if err := r.client.call(ctx, http.MethodDelete, d.Link, nil, nil); err != nil && !IsNotFound(err) {
			return err
		}
		return r.record.forget(d.Part)
	})
}

// withdrawObject removes a group or a claim as undo would, unless somebody has given the group another name: it is theirs.
func (r *run) withdrawObject(ctx context.Context, d *done, gone []*done) error {
	live, err := r.recorded(ctx, d)
	if err != nil {
		return err
	}
	name := live.text("profile.name")
	theirs := live != nil && d.Collection == groupsPath && name != d.After["profile.name"]
	if theirs {
		r.note("%s is called %s by now, so somebody uses it for something else: it stays.", d.Title, quoted(clip(name)))
	}
	if live != nil && !theirs {
		return r.undoPart(ctx, d, gone)
	}
	if r.applying {
		return r.record.forget(d.Part)
	}
	return nil
}

// administrators tells whether anybody administers once everything that is gone from the setup file is gone from Okta.
func (r *run) administrators(ctx context.Context, gone []*done) (bool, error) {
	if len(r.Bootstrap.People) > 0 || len(gone) == 0 {
		return true, nil
	}
	members, err := r.members(ctx)
	return slices.ContainsFunc(members, func(m object) bool {
		leaves := slices.ContainsFunc(gone, func(d *done) bool { return d.Link == r.memberPath(m) })
		return m.text("status") == "ACTIVE" && !leaves
	}), err
}

// noteOthers says who may administer or sign in by what apply did not add. Where nobody is named, all members are meant.
func (r *run) noteOthers(ctx context.Context) error {
	if r.applying {
		return nil
	}
	if len(r.Bootstrap.People) > 0 {
		members, err := r.members(ctx)
		if err != nil {
			return err
		}
		var names []string
		for _, m := range members {
			if !r.linked(r.memberPath(m)) {
				names = append(names, clip(m.text("profile.login")))
			}
		}
		if len(names) > 0 {
			r.note("In the group %q without being named in bootstrap.people: %s. They may administer. apply did not put them there, and leaves them.", r.Bootstrap.Group, some(names))
		}
	}
	if r.application == nil {
		return nil
	}
	assigned, err := r.client.list(ctx, query(r.assignments(), map[string]string{"limit": "200"}))
	if err != nil {
		return err
	}
	var names []string
	for _, a := range assigned {
		if r.linked(r.assignments() + "/" + a.id()) {
			continue
		}
		group, err := r.client.get(ctx, groupsPath+"/"+a.id())
		if err != nil {
			return err
		}
		names = append(names, clip(group.text("profile.name")))
	}
	if len(names) > 0 {
		r.note("Assigned to the application without being named in application.groups: %s. Their members may sign in. apply did not assign them, and leaves them.", some(names))
	}
	return nil
}

// linked tells of a membership or an assignment that the setup file asks for, or that apply made.
func (r *run) linked(address string) bool {
	return r.links[address] || slices.ContainsFunc(r.record.Done, func(d *done) bool { return d.Link == address })
}

// some names a few of many.
func some(names []string) string {
	const most = 5
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}
