package scim

import (
	"net/http"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/directory"
)

// readGroup reads what a client sent of a group.
func readGroup(w http.ResponseWriter, r *http.Request) (g directory.Group, members []string, err error) {
	body, err := readBody(w, r)
	if err != nil {
		return g, nil, err
	}
	if err := checkSchemas(body, groupSchema); err != nil {
		return g, nil, err
	}
	if err := setGroupName(&g, get(body, "displayName")); err != nil {
		return g, nil, err
	}
	if err := setGroupExternalID(&g, get(body, "externalId")); err != nil {
		return g, nil, err
	}
	members, err = memberIDs(get(body, "members"))
	return g, members, err
}

// setGroupName takes a name exactly: so it stands in tokens.
func setGroupName(g *directory.Group, value any) error {
	name, _ := value.(string)
	if name == "" || !access.CheckText(name, directory.MaxName) {
		return refuse(invalidValue, "displayName: expected 1 to %d characters, none invisible", directory.MaxName)
	}
	g.Name = name
	return nil
}

func setGroupExternalID(g *directory.Group, value any) error {
	doc := object{}
	if err := setExternalID(doc, value); err != nil {
		return err
	}
	g.ExternalID, _ = doc["externalId"].(string)
	return nil
}

// memberIDs reads members: objects with a value, which is the id of a User.
func memberIDs(value any) ([]string, error) {
	if value == nil {
		return nil, nil
	}
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	ids := make([]string, 0, len(list))
	for _, item := range list {
		o, _ := item.(object)
		id, _ := get(o, "value").(string)
		if id == "" || hasControl(id) {
			return nil, refuse(invalidValue, "members: expected objects as {\"value\": \"the id of a User\"}")
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// showGroup is a group with its members; nil members are not shown.
func (h *Handler) showGroup(g directory.Group, members []directory.Member, shown bool) object {
	o := object{"schemas": []string{groupSchema}, "id": g.ID, "displayName": g.Name, "meta": h.meta("Group", g.ID, g.Changed)}
	if g.ExternalID != "" {
		o["externalId"] = g.ExternalID
	}
	if shown {
		list := make([]any, len(members))
		for i, m := range members {
			list[i] = object{"value": m.ID, "display": m.Display, "$ref": h.location("User", m.ID)}
		}
		o["members"] = list
	}
	return o
}

func (h *Handler) writeGroup(w http.ResponseWriter, r *http.Request, status int, g directory.Group) error {
	values, err := parameters(r)
	if err != nil {
		return err
	}
	shown, err := projectionOf(values, groupSchema)
	if err != nil {
		return err
	}
	var members []directory.Member
	if shown.shows("members") {
		of, err := h.Directory.Store.Members(r.Context(), []string{g.ID}, directory.MaxMembers)
		if err != nil {
			return err
		}
		members = of[g.ID]
	}
	w.Header().Set("ETag", etag(g.Changed))
	w.Header().Set("Location", h.location("Group", g.ID))
	write(w, status, shown.apply(h.showGroup(g, members, shown.shows("members"))))
	return nil
}

func (h *Handler) listGroups(w http.ResponseWriter, r *http.Request) error {
	l, err := readList(r, groupIndex, groupSchema)
	if err != nil {
		return err
	}
	page, total, err := h.Directory.Store.DirectoryGroups(r.Context(), l.Query)
	if err != nil {
		return err
	}
	with := l.shown.shows("members")
	var members map[string][]directory.Member
	if with {
		ids := make([]string, len(page))
		for i, g := range page {
			ids[i] = g.ID
		}
		if members, err = h.Directory.Store.Members(r.Context(), ids, directory.MaxMembers); err != nil {
			return err
		}
	}
	resources := make([]object, len(page))
	for i, g := range page {
		resources[i] = h.showGroup(g, members[g.ID], with)
	}
	l.write(w, total, resources)
	return nil
}

func (h *Handler) getGroup(w http.ResponseWriter, r *http.Request) error {
	g, found, err := h.Directory.Store.DirectoryGroup(r.Context(), r.PathValue("id"))
	switch {
	case err != nil:
		return err
	case !found:
		return directory.ErrGone
	case unchanged(w, r, g.Changed):
		return nil
	}
	return h.writeGroup(w, r, http.StatusOK, g)
}

func (h *Handler) createGroup(w http.ResponseWriter, r *http.Request) error {
	g, members, err := readGroup(w, r)
	if err != nil {
		return err
	}
	if g, err = h.Directory.CreateGroup(r.Context(), g, members); err != nil {
		return err
	}
	return h.writeGroup(w, r, http.StatusCreated, g)
}

func (h *Handler) replaceGroup(w http.ResponseWriter, r *http.Request) error {
	next, members, err := readGroup(w, r)
	if err != nil {
		return err
	}
	g, err := h.changeGroup(r, func(g *directory.Group) ([]directory.MemberChange, error) {
		g.Name, g.ExternalID = next.Name, next.ExternalID
		return []directory.MemberChange{{Clear: true}, {Users: members}}, nil
	})
	if err != nil {
		return err
	}
	return h.writeGroup(w, r, http.StatusOK, g)
}

// patchGroup answers without the group unless attributes are named: it may have a hundred thousand members
// (RFC 7644 section 3.5.2 lets a server choose).
func (h *Handler) patchGroup(w http.ResponseWriter, r *http.Request) error {
	operations, err := readOperations(w, r, groupSchema)
	if err != nil {
		return err
	}
	g, err := h.changeGroup(r, func(g *directory.Group) (changes []directory.MemberChange, err error) {
		for _, o := range operations {
			more, err := patchGroup(g, o)
			if err != nil {
				return nil, err
			}
			changes = append(changes, more...)
		}
		return changes, nil
	})
	if err != nil {
		return err
	}
	if values, err := parameters(r); err != nil || values.Get("attributes") != "" {
		return h.writeGroup(w, r, http.StatusOK, g)
	}
	w.Header().Set("ETag", etag(g.Changed))
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (h *Handler) changeGroup(r *http.Request, edit func(*directory.Group) ([]directory.MemberChange, error)) (directory.Group, error) {
	revision, err := seen(r)
	if err != nil {
		return directory.Group{}, err
	}
	return h.Directory.UpdateGroup(r.Context(), r.PathValue("id"), revision, edit)
}

// patchGroup changes a group by one operation, and returns what becomes of its members, step by step.
func patchGroup(g *directory.Group, o operation) (changes []directory.MemberChange, err error) {
	err = o.each(groupSchema, func(p path, value any, said bool) error {
		if p.filter != nil && p.attr != "members" || p.sub != "" && said {
			return refuse(invalidPath, "expected displayName, externalId, members or members[value eq \"…\"], got %s", clip(p.name.String()))
		}
		switch p.attr {
		case "id":
			return sameID(g.ID, o.op, value)
		case "displayname":
			if o.op == "remove" {
				return refuse(mutability, "displayName is required and can't be removed")
			}
			return setGroupName(g, value)
		case "externalid":
			if o.op == "remove" {
				value = nil
			}
			return setGroupExternalID(g, value)
		case "members":
			more, err := patchMembers(p, o.op, value)
			changes = append(changes, more...)
			return err
		}
		if said {
			return refuse(invalidPath, "there is no attribute %s", clip(p.attr))
		}
		return nil
	})
	return changes, err
}

func patchMembers(p path, op string, value any) ([]directory.MemberChange, error) {
	if p.filter != nil {
		ids, ok := p.filter.named()
		if op != "remove" || !ok {
			return nil, refuse(invalidFilter, "expected members[value eq \"the id of a User\"], to remove")
		}
		return []directory.MemberChange{{Remove: true, Users: ids}}, nil
	}
	ids, err := memberIDs(value)
	switch {
	case err != nil:
		return nil, err
	case op == "add":
		return []directory.MemberChange{{Users: ids}}, nil
	case op == "replace":
		return []directory.MemberChange{{Clear: true}, {Users: ids}}, nil
	case value == nil:
		return []directory.MemberChange{{Clear: true}}, nil
	}
	return []directory.MemberChange{{Remove: true, Users: ids}}, nil
}

// named are the ids of value eq "a" or value eq "b" ….
func (e *expression) named() (ids []string, ok bool) {
	terms := []*expression{e}
	if e.op == "or" {
		terms = e.terms
	}
	for _, t := range terms {
		id, isText := t.value.(string)
		if t.op != "eq" || t.attr != (name{attr: "value"}) || !isText {
			return nil, false
		}
		ids = append(ids, id)
	}
	return ids, true
}

func (h *Handler) deleteGroup(w http.ResponseWriter, r *http.Request) error {
	revision, err := seen(r)
	if err != nil {
		return err
	}
	if err := h.Directory.DeleteGroup(r.Context(), r.PathValue("id"), revision); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
