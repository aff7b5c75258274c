package desk

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/desk/view"
	"github.com/portico-iam/portico/internal/desk/wording"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/policy"
)

func (h *Handler) mountRoles(mux *http.ServeMux) {
	mux.Handle("GET "+view.RolesPath, h.page(h.roleList))
	h.mountForm(mux, view.RoleNewPath, h.roleNew, h.roleSubmit)
	mux.Handle("GET "+view.RolesPath+"/{id}", h.page(h.roleDetail))
	h.mountForm(mux, view.RolesPath+"/{id}/edit", h.roleEdit, h.roleSubmit)
	mux.Handle("GET "+view.RolesPath+"/{id}/delete", h.page(h.roleDelete))
	mux.Handle("POST "+view.RolesPath+"/{id}/delete", h.page(h.roleDelete))
}

func (h *Handler) roleList(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
	roles, err := h.Policy.Roles(r.Context(), c.Principal)
	if err != nil {
		return err
	}
	uses := roleUses(h.Policy.Snapshot())
	v := view.RoleList{
		Page: h.frame(r, c), CanCreate: h.offers(c, access.STSRoleCreate),
		List: listState(r, view.RolesPath, "name", "name", "permissions", "mappings", "changed"),
	}
	permission, narrowed := access.ParsePermission(r.URL.Query().Get("permission"))
	if narrowed {
		only := viewPermission(permission.Info())
		v.Only, v.List.Filters = &only, url.Values{"permission": {only.ID}}
	}
	rows := make([]view.RoleRow, 0, len(roles))
	for _, role := range roles {
		if contains(role.Name, v.List.Query) && (!narrowed || role.Permissions.Has(permission)) {
			rows = append(rows, view.RoleRow{
				ID: string(role.ID), Name: role.Name, Permissions: role.Permissions.Len(), IAMRoles: uses[role.ID],
				Restricted: role.Delegation != nil, StepUp: role.Requires != nil, Changed: h.changed(role.Changed),
			})
		}
	}
	slices.SortFunc(rows, func(a, b view.RoleRow) int {
		order := 0
		switch v.List.Sort {
		case "permissions":
			order = cmp.Compare(a.Permissions, b.Permissions)
		case "mappings":
			order = cmp.Compare(a.IAMRoles, b.IAMRoles)
		case "changed":
			order = a.Changed.When.At.Compare(b.Changed.When.At)
		}
		return directed(v.List, cmp.Or(order, byName(a.Name, b.Name)))
	})
	v.Rows = cut(&v.List, rows)
	h.render(w, r, http.StatusOK, view.RoleListPage(v))
	return nil
}

func roleUses(s *access.Snapshot) map[access.RoleID]int {
	uses := map[access.RoleID]int{}
	for _, m := range s.IAMRoles() {
		seen := map[access.RoleID]bool{}
		for _, id := range m.RoleIDs() {
			if !seen[id] {
				seen[id] = true
				uses[id]++
			}
		}
	}
	return uses
}

func byName(a, b string) int {
	return cmp.Or(strings.Compare(strings.ToLower(a), strings.ToLower(b)), strings.Compare(a, b))
}

func directed(list view.List, order int) int {
	if list.Descending {
		return -order
	}
	return order
}

func (h *Handler) roleDetail(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
	usage, err := h.Policy.RoleUsage(r.Context(), c.Principal, access.RoleID(r.PathValue("id")))
	if err != nil {
		return err
	}
	role := usage.Role
	v := view.RoleDetail{
		Page: h.frame(r, c), ID: string(role.ID), Name: role.Name, Groups: groupsOf(role.Permissions),
		Created: h.created(role.Changed), Changed: h.changed(role.Changed),
		CanEdit: h.offers(c, access.STSRoleEdit), CanDelete: h.offers(c, access.STSRoleDelete), CanHistory: h.may(c, access.SystemHistoryList),
	}
	if s := h.sight(c); s.mappings {
		v.CanSeeMappings, v.Mappings = true, s.usesOf(role.ID)
	}
	if role.Delegation != nil {
		v.Restricted, v.RequiredUser = true, groupsOf(role.Delegation.RequiredUserPermissions)
	}
	if role.Requires != nil {
		v.SignIn = wording.SayPhrase(r.Context(), role.Requires.Phrase())
	}
	v.Usage = h.roleUsage(usage, v.CanEdit)
	v.Loose = h.looseNotice(r, c, role.Name, func(f *access.Finding) bool { return f.Role != nil && f.Role.ID == role.ID })
	h.render(w, r, http.StatusOK, view.RoleDetailPage(v))
	return nil
}

// roleUsage shows what is not used first.
func (h *Handler) roleUsage(usage policy.RoleUsage, canEdit bool) view.RoleUsage {
	unused := usage.Unused()
	v := view.RoleUsage{Since: h.when(usage.Since), Young: usage.Since.After(usage.From), Unused: unused.Len()}
	counting := func(day time.Time) view.When {
		if day.Before(usage.From) {
			day = time.Time{}
		}
		return h.when(day)
	}
	for _, use := range usage.Permissions {
		v.Rows = append(v.Rows, view.PermissionUse{
			Permission: viewPermission(use.Permission.Info()), Unused: unused.Has(use.Permission),
			Late: use.Since.After(usage.Since) && use.Since.After(usage.From), Since: h.when(use.Since), Used: counting(use.Used), HandedOut: counting(use.HandedOut),
		})
	}
	slices.SortStableFunc(v.Rows, func(a, b view.PermissionUse) int {
		if a.Unused != b.Unused {
			if a.Unused {
				return -1
			}
			return 1
		}
		return b.Used.At.Compare(a.Used.At)
	})
	if canEdit && !unused.IsEmpty() && unused != usage.Role.Permissions {
		v.SmallerHref = view.RoleSmallerPath(string(usage.Role.ID), unused.Names())
	}
	return v
}

func (h *Handler) roleDelete(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
	if err := h.enforce(r.Context(), c, "delete a role", access.STSRoleDelete); err != nil {
		return err
	}
	role := h.Policy.Snapshot().Role(access.RoleID(r.PathValue("id")))
	if role == nil {
		return fault.NotFound.New("there is no such role")
	}
	if r.Method == http.MethodPost {
		err := h.Policy.DeleteRole(r.Context(), c.Principal, role.ID, policy.Seen{Revision: revisionOf(r.PostFormValue("version"))})
		if err == nil {
			return h.done(w, r, c, roleDeleted, view.RolesPath, access.STSRoleList)
		}
		if !fault.StillMapped.Is(err) && !fault.LostUpdate.Is(err) {
			return err
		}
	}
	v := view.ConfirmRoleDelete(r.Context(), h.frame(r, c), string(role.ID), role.Name, role.Permissions.Len(), h.sight(c).usesOf(role.ID))
	v.Version = versionOf(role.Changed)
	status := http.StatusOK
	if r.Method == http.MethodPost {
		status = http.StatusConflict
		if len(v.Blockers) == 0 {
			v.Notices = append(v.Notices, changedMeanwhile(r.Context()))
		}
	}
	h.render(w, r, status, view.ConfirmPage(v))
	return nil
}
