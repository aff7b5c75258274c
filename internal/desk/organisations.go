package desk

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/coreapi"
	"github.com/portico-iam/portico/internal/desk/view"
	"github.com/portico-iam/portico/internal/fault"
)

func (h *Handler) mountOrganisations(mux *http.ServeMux) {
	mux.Handle("GET "+view.OrganisationsPath, h.page(h.organisationList))
	h.mountForm(mux, view.OrganisationNewPath, h.organisationForm, h.organisationForm)
	mux.Handle("GET "+view.OrganisationsPath+"/{id}", h.page(h.organisationDetail))
	h.mountForm(mux, view.OrganisationsPath+"/{id}/edit", h.organisationForm, h.organisationForm)
	mux.Handle("GET "+view.OrganisationsPath+"/{id}/deactivate", h.page(h.organisationState(true)))
	mux.Handle("POST "+view.OrganisationsPath+"/{id}/deactivate", h.page(h.organisationState(true)))
	mux.Handle("GET "+view.OrganisationsPath+"/{id}/reactivate", h.page(h.organisationState(false)))
	mux.Handle("POST "+view.OrganisationsPath+"/{id}/reactivate", h.page(h.organisationState(false)))
}

func (h *Handler) organisationList(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
	all, err := h.Organisations.List(r.Context(), c.Principal)
	if err != nil {
		return err
	}
	snapshot := h.Policy.Snapshot()
	v := view.OrganisationList{
		Page: h.frame(r, c), CanCreate: h.offers(c, access.STSOrganisationCreate),
		List: listState(r, view.OrganisationsPath, "name", "name", "mappings", "createdDate", "changed"),
	}
	uses := map[access.OrganisationID]int{}
	for _, m := range snapshot.IAMRoles() {
		for org := range m.OrganisationRoles {
			uses[org]++
		}
	}
	rows := make([]view.OrganisationRow, 0, len(all))
	for _, o := range all {
		if contains(o.Name, v.List.Query) {
			rows = append(rows, view.OrganisationRow{
				ID: string(o.ID), Name: o.Name, Deactivated: !o.DeactivatedAt.IsZero(), IAMRoles: uses[o.ID],
				Created: h.when(o.CreatedDate.Time), Changed: view.Stamp{When: h.when(o.LastModified.Time)},
			})
		}
	}
	slices.SortFunc(rows, func(a, b view.OrganisationRow) int {
		order := 0
		switch v.List.Sort {
		case "mappings":
			order = cmp.Compare(a.IAMRoles, b.IAMRoles)
		case "createdDate":
			order = a.Created.At.Compare(b.Created.At)
		case "changed":
			order = a.Changed.When.At.Compare(b.Changed.When.At)
		}
		return directed(v.List, cmp.Or(order, byName(a.Name, b.Name)))
	})
	v.Rows = cut(&v.List, rows)
	h.render(w, r, http.StatusOK, view.OrganisationListPage(v))
	return nil
}

func (h *Handler) organisationDetail(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
	o, err := h.organisation(r, c)
	if err != nil {
		return err
	}
	v := view.OrganisationDetail{
		Page: h.frame(r, c), ID: string(o.ID), Name: o.Name, Created: view.Stamp{When: h.when(o.CreatedDate.Time)},
		Changed: view.Stamp{When: h.when(o.LastModified.Time)},
		CanEdit: h.offers(c, access.STSOrganisationEdit), CanHistory: h.may(c, access.SystemHistoryList),
		CanRevoke: h.offers(c, access.STSSessionRevoke),
	}
	if !o.DeactivatedAt.IsZero() {
		v.Deactivated = &view.Stamp{When: h.when(o.DeactivatedAt.Time)}
	}
	// Who has access is for those who may see mappings.
	if s := h.sight(c); s.mappings {
		v.CanSeeMappings, v.FourEyes, v.CanFourEyes = true, s.FourEyes(o.ID), h.may(c, access.STSIAMRoleEdit)
		for _, m := range s.IAMRoles() {
			if roles := m.OrganisationRoles[o.ID]; len(roles) > 0 {
				v.Mappings = append(v.Mappings, view.OrganisationMapping{IAMRoleID: string(m.ID), IAMRole: m.Name, Roles: s.roleChoices(roles)})
			}
		}
		slices.SortFunc(v.Mappings, func(a, b view.OrganisationMapping) int { return byName(a.IAMRole, b.IAMRole) })
	}
	h.render(w, r, http.StatusOK, view.OrganisationDetailPage(v))
	return nil
}

// organisation reads the organisation of the address. An id that is no id names nothing.
func (h *Handler) organisation(r *http.Request, c *authn.Caller) (coreapi.Organisation, error) {
	o, err := h.Organisations.Get(r.Context(), c.Principal, access.OrganisationID(r.PathValue("id")))
	if fault.InvalidInput.Is(err) {
		err = fault.NotFound.New("there is no such organisation")
	}
	return o, err
}

// organisationForm creates or renames.
func (h *Handler) organisationForm(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
	v := view.OrganisationForm{Then: then(r)}
	if r.PathValue("id") == "" {
		if err := h.enforce(r.Context(), c, "create an organisation", access.STSOrganisationCreate); err != nil {
			return err
		}
	} else {
		if err := h.enforce(r.Context(), c, "edit an organisation", access.STSOrganisationEdit); err != nil {
			return err
		}
		o, err := h.organisation(r, c)
		if err != nil {
			return err
		}
		v.ID, v.OriginalName, v.Name = string(o.ID), o.Name, o.Name
	}
	v.Page = h.frame(r, c)
	status := http.StatusOK
	if r.Method == http.MethodPost || r.PostForm.Has("name") { // or it is shown again
		v.Name, v.NewID = strings.TrimSpace(r.PostFormValue("name")), strings.TrimSpace(r.PostFormValue("newID"))
	}
	if r.Method == http.MethodPost {
		id, what, err := h.saveOrganisation(r, c, &v)
		if err == nil && len(v.Errors) == 0 {
			return h.done(w, r, c, what, view.OrganisationPath(id), access.STSOrganisationDetail)
		}
		if err != nil {
			f := fault.Of(err)
			if f.Code.Status != http.StatusBadRequest {
				return err
			}
			v.Errors = append(v.Errors, h.organisationFault(r.Context(), &v, f))
		}
		status = http.StatusUnprocessableEntity
	}
	h.render(w, r, status, view.OrganisationFormPage(v))
	return nil
}

// organisationFault puts Core's refusal at the field that is meant. Core does not say whether the name or the identifier
// is taken.
func (h *Handler) organisationFault(ctx context.Context, v *view.OrganisationForm, f *fault.Fault) view.FieldError {
	switch {
	case f.Code == fault.OrganisationExists && h.Policy.Snapshot().Organisation(access.OrganisationID(strings.ToLower(v.NewID))) != nil:
		return view.FieldError{Field: "newID", Text: say(ctx, "Another organisation has this identifier already.")}
	case f.Code == fault.OrganisationExists:
		return view.FieldError{Field: "name", Text: say(ctx, "Another organisation has this name already.")}
	case f.Field == "id" || strings.HasPrefix(f.Detail, "id:"):
		return view.FieldError{Field: "newID", Text: say(ctx, "Expected a UUID such as 7d0c3b32-9a52-4c58-8a30-5f2b0f0c8c11, or nothing.")}
	}
	return view.FieldError{Field: "name", Text: sayFault(ctx, f)}
}

func (h *Handler) saveOrganisation(r *http.Request, c *authn.Caller, v *view.OrganisationForm) (id string, what outcome, err error) {
	if err := access.CheckName(v.Name, ""); err != nil {
		v.Errors = append(v.Errors, view.FieldError{Field: "name", Text: nameText(r.Context(), v.Name, err)})
		return "", "", nil
	}
	if v.ID != "" {
		return v.ID, organisationSaved, h.Organisations.Change(r.Context(), c.Principal, access.OrganisationID(v.ID), coreapi.OrganisationPatch{Name: &v.Name})
	}
	body := coreapi.OrganisationCreate{Name: &v.Name}
	if v.NewID != "" {
		body.ID = &v.NewID
	}
	created, err := h.Organisations.Create(r.Context(), c.Principal, body)
	return string(created), organisationCreated, err
}

// organisationState asks, and then deactivates or reactivates.
func (h *Handler) organisationState(deactivate bool) pageHandler {
	return func(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
		if err := h.enforce(r.Context(), c, "edit an organisation", access.STSOrganisationEdit); err != nil {
			return err
		}
		o, err := h.organisation(r, c)
		if err != nil {
			return err
		}
		uses := 0
		for _, m := range h.Policy.Snapshot().IAMRoles() {
			if len(m.OrganisationRoles[o.ID]) > 0 {
				uses++
			}
		}
		v, what := view.ConfirmReactivate(r.Context(), h.frame(r, c), string(o.ID), o.Name, uses), organisationReactivated
		if deactivate {
			v, what = view.ConfirmDeactivate(r.Context(), h.frame(r, c), string(o.ID), o.Name, uses), organisationDeactivated
		}
		would, err := h.preview(r, c, switched(h.Policy.Snapshot(), o.ID, deactivate, h.Now()))
		if err != nil {
			return err
		}
		v.Foresee(r.Context(), would)
		status := http.StatusOK
		if r.Method == http.MethodPost {
			switch {
			case !confirmed(r, &v):
			case v.Mapping != r.PostFormValue("mapping"):
				v.Notices = append(v.Notices, changedMeanwhile(r.Context()))
			default:
				err := h.Organisations.Change(r.Context(), c.Principal, o.ID, coreapi.OrganisationPatch{Deactivate: &deactivate})
				if err != nil {
					return err
				}
				return h.done(w, r, c, what, view.OrganisationPath(string(o.ID)), access.STSOrganisationDetail)
			}
			status = http.StatusUnprocessableEntity
		}
		h.render(w, r, status, view.ConfirmPage(v))
		return nil
	}
}

// switched is what Core's list will be: with one organisation active, or not.
func switched(s *access.Snapshot, id access.OrganisationID, deactivate bool, now time.Time) access.Change {
	list := []*access.Organisation{}
	for _, o := range s.Organisations() {
		row := *o
		if row.ID == id && deactivate {
			row.DeactivatedAt = now
		} else if row.ID == id {
			row.DeactivatedAt = time.Time{}
		}
		list = append(list, &row)
	}
	return access.Change{Organisations: list}
}
