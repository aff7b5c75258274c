package desk

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/desk/view"
	"github.com/portico-iam/portico/internal/fault"
)

func (h *Handler) mountAccess(mux *http.ServeMux) {
	mux.Handle("GET "+view.AccessPath, h.page(h.accessList))
	mux.Handle("GET "+view.AccessMatrixPath, h.page(h.accessMatrix))
	mux.Handle("GET "+view.LooseEndsPath, h.page(h.looseEnds))
	h.mountRequests(mux)
	h.mountForm(mux, view.AccessNewPath, h.accessNew, h.accessSubmit)
	mux.Handle("GET "+view.AccessPath+"/{id}", h.page(h.accessDetail))
	h.mountForm(mux, view.AccessPath+"/{id}/edit", h.accessEdit, h.accessSubmit)
	mux.Handle("GET "+view.AccessPath+"/{id}/delete", h.page(h.accessDelete))
	mux.Handle("POST "+view.AccessPath+"/{id}/delete", h.page(h.accessDelete))
	mux.Handle("GET "+view.AccessPath+"/{id}/confirm", h.page(h.accessConfirm))
	mux.Handle("POST "+view.AccessPath+"/{id}/confirm", h.page(h.accessConfirm))
}

func (h *Handler) accessList(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
	all, err := h.Policy.IAMRoles(r.Context(), c.Principal)
	if err != nil {
		return err
	}
	s := h.sight(c)
	v := view.AccessList{
		Page: h.frame(r, c), CanCreate: h.offers(c, access.STSIAMRoleCreate), CanMatrix: h.mayMatrix(c),
		List: listState(r, view.AccessPath, "name", "name", "organisations", "changed"),
	}
	rows := make([]view.AccessRow, 0, len(all))
	for _, m := range all {
		if contains(m.Name, v.List.Query) {
			rows = append(rows, view.AccessRow{
				ID: string(m.ID), Name: m.Name, Organisations: len(m.OrganisationRoles), Roles: s.roleNames(m.RoleIDs()),
				System: len(m.SystemRoles) > 0, Changed: h.changed(m.Changed), End: h.nextEnd(m),
			})
		}
	}
	slices.SortFunc(rows, func(a, b view.AccessRow) int {
		order := 0
		switch v.List.Sort {
		case "organisations":
			order = cmp.Compare(a.Organisations, b.Organisations)
		case "changed":
			order = a.Changed.When.At.Compare(b.Changed.When.At)
		}
		return directed(v.List, cmp.Or(order, byName(a.Name, b.Name)))
	})
	v.Rows = cut(&v.List, rows)
	h.markLoose(r, c, v.Rows)
	h.render(w, r, http.StatusOK, view.AccessListPage(v))
	return nil
}

// permissionsOf adds up what ordinary roles give in a scope.
func permissionsOf(s *access.Snapshot, ids []access.RoleID, scope access.PermissionScope) access.PermissionSet {
	var set access.PermissionSet
	for _, id := range ids {
		if role := s.Role(id); role != nil && role.Delegation == nil {
			set = set.Union(role.Permissions)
		}
	}
	return set.Intersect(access.OfScope(scope))
}

func (h *Handler) accessDetail(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
	m, err := h.Policy.IAMRole(r.Context(), c.Principal, access.IAMRoleID(r.PathValue("id")))
	if err != nil {
		return err
	}
	s := h.sight(c)
	v := view.AccessDetail{
		Page: h.frame(r, c), ID: string(m.ID), Name: m.Name, SystemRoles: s.roleChoices(m.SystemRoles),
		SystemPermissions: permissionsOf(s.Snapshot, m.SystemRoles, access.ScopeSystem).Len(),
		SystemEnd:         h.when(m.Ends[access.System].At),
		Created:           h.created(m.Changed), Changed: h.changed(m.Changed),
		CanEdit: h.offers(c, access.STSIAMRoleEdit), CanDelete: h.offers(c, access.STSIAMRoleDelete), CanHistory: h.may(c, access.SystemHistoryList),
	}
	for _, org := range m.OrganisationIDs() {
		ids := m.OrganisationRoles[org]
		choice, o := s.organisation(org), s.Organisation(org)
		v.Organisations = append(v.Organisations, view.AccessOrganisation{
			ID: choice.ID, Name: choice.Name, Deactivated: o == nil || !o.Active(), Roles: s.roleChoices(ids),
			Permissions: permissionsOf(s.Snapshot, ids, access.ScopeOrganisation).Len(), End: h.when(m.Ends[org].At),
		})
	}
	slices.SortFunc(v.Organisations, func(a, b view.AccessOrganisation) int { return byName(a.Name, b.Name) })
	if v.Group, err = h.groupFacts(r, c, m); err != nil {
		return err
	}
	v.Loose = h.looseNotice(r, c, m.Name, func(f *access.Finding) bool { return f.IAMRole != nil && f.IAMRole.ID == m.ID })
	h.render(w, r, http.StatusOK, view.AccessDetailPage(v))
	return nil
}

func (h *Handler) accessDelete(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
	if err := h.enforce(r.Context(), c, "delete access", access.STSIAMRoleDelete); err != nil {
		return err
	}
	s := h.sight(c)
	m := s.IAMRole(access.IAMRoleID(r.PathValue("id")))
	if m == nil {
		return fault.NotFound.New("there is no such access")
	}
	var organisations []string
	for _, org := range m.OrganisationIDs() {
		organisations = append(organisations, s.organisation(org).Name)
	}
	slices.SortFunc(organisations, byName)
	v := view.ConfirmAccessDelete(r.Context(), h.frame(r, c), string(m.ID), m.Name, organisations, len(m.SystemRoles) > 0)
	v.Version = versionOf(m.Changed)
	would, err := h.preview(r, c, access.Change{DeleteIAMRoles: []access.IAMRoleID{m.ID}})
	if err != nil {
		return err
	}
	v.Foresee(r.Context(), would)
	status := http.StatusOK
	if r.Method == http.MethodPost {
		status = http.StatusUnprocessableEntity
		seen := asking(r, seenBy(r, r.PostFormValue("version")), &v.Errors)
		if confirmed(r, &v) && len(v.Errors) == 0 {
			err := h.Policy.DeleteIAMRole(r.Context(), c.Principal, m.ID, seen)
			if err == nil {
				return h.done(w, r, c, accessDeleted, view.AccessPath, access.STSIAMRoleList)
			}
			if asked(w, r, err) {
				return nil
			}
			why := changedMeanwhile(r.Context())
			if kept := keptFrom(r.Context(), err); kept != "" {
				why = view.Notice{Kind: view.Warning, Text: kept}
			} else if !fault.LostUpdate.Is(err) {
				return err
			}
			status, v.Notices = http.StatusConflict, append(v.Notices, why)
		}
	}
	h.render(w, r, status, view.ConfirmPage(v))
	return nil
}

func changedMeanwhile(ctx context.Context) view.Notice {
	return view.Notice{Kind: view.Warning, Text: say(ctx, "It was changed in the meantime. Look again at what this does.")}
}

// confirmed tells whether what had to be typed was typed, and notes it at the field when not.
func confirmed(r *http.Request, v *view.Confirm) bool {
	if v.TypeToConfirm == "" || r.PostFormValue("confirm") == v.TypeToConfirm {
		return true
	}
	v.Errors = append(v.Errors, view.FieldError{Field: "confirm", Text: say(r.Context(), "This is not the name. Nothing was changed.")})
	return false
}
