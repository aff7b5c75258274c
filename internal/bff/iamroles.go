package bff

import (
	"net/http"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/coreapi"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/httpx"
)

func (h *Handler) mountIAMRoles(mux *http.ServeMux) {
	mux.Handle("GET /api/sts/iam-role/v1", h.called(h.listIAMRoles))
	mux.Handle("POST /api/sts/iam-role/v1", h.called(h.createIAMRole))
	mux.Handle("GET /api/sts/iam-role/v1/{id}", h.called(h.getIAMRole))
	mux.Handle("PATCH /api/sts/iam-role/v1/{id}", h.called(h.patchIAMRole))
	mux.Handle("DELETE /api/sts/iam-role/v1/{id}", h.called(h.deleteIAMRole))
}

// iamRoleView is an IAM role's mapping as read.
type iamRoleView struct {
	ID                access.IAMRoleID                          `json:"id"`
	Name              string                                    `json:"name"`
	OrganisationRoles map[access.OrganisationID][]access.RoleID `json:"organisationRoles"`
	SystemRoles       []access.RoleID                           `json:"systemRoles"`
	CreatedDate       string                                    `json:"createdDate"`
	LastModified      string                                    `json:"lastModified"`
}

// iamRoleBody is a mapping as written. In a PATCH what is absent stays; organisationRoles and systemRoles each replace
// the whole of theirs.
type iamRoleBody struct {
	Name              *string              `json:"name"`
	OrganisationRoles *map[string][]string `json:"organisationRoles"`
	SystemRoles       *[]string            `json:"systemRoles"`
}

func viewIAMRole(m *access.IAMRole) iamRoleView {
	return iamRoleView{
		ID: m.ID, Name: m.Name, OrganisationRoles: m.OrganisationRoles, SystemRoles: m.SystemRoles,
		CreatedDate: httpx.Timestamp(m.Changed.CreatedAt), LastModified: httpx.Timestamp(m.Changed.ModifiedAt),
	}
}

// apply writes the body's fields into row.
func (b *iamRoleBody) apply(row *access.IAMRole) error {
	if b.Name != nil {
		row.Name = *b.Name
	}
	if b.OrganisationRoles != nil {
		row.OrganisationRoles = make(map[access.OrganisationID][]access.RoleID, len(*b.OrganisationRoles))
		for org, roles := range *b.OrganisationRoles {
			id, err := httpx.ParseUUID(org)
			if err != nil {
				return fault.InvalidInput.New("organisationRoles: %s", fault.Of(err).Detail).At("organisationRoles")
			}
			if row.OrganisationRoles[access.OrganisationID(id)] != nil {
				return fault.InvalidInput.New("organisationRoles: organisation %s stands there twice", id).At("organisationRoles")
			}
			if row.OrganisationRoles[access.OrganisationID(id)], err = roleIDs("organisationRoles", roles); err != nil {
				return err
			}
		}
	}
	if b.SystemRoles != nil {
		ids, err := roleIDs("systemRoles", *b.SystemRoles)
		if err != nil {
			return err
		}
		row.SystemRoles = ids
	}
	return nil
}

func roleIDs(field string, texts []string) ([]access.RoleID, error) {
	ids := make([]access.RoleID, 0, len(texts))
	for _, text := range texts {
		id, err := httpx.ParseUUID(text)
		if err != nil {
			return nil, fault.InvalidInput.New("%s: %s", field, fault.Of(err).Detail).At(field)
		}
		ids = append(ids, access.RoleID(id))
	}
	return ids, nil
}

func (h *Handler) listIAMRoles(w http.ResponseWriter, r *http.Request, caller *authn.Caller) error {
	q := httpx.NewQuery(r.URL.RawQuery)
	page := q.Page("name", "createdDate", "lastModified")
	match := q.Text("name")
	if err := q.Err(); err != nil {
		return err
	}
	all, err := h.Policy.IAMRoles(r.Context(), caller.Principal)
	if err != nil {
		return err
	}
	rows := make([]row[*access.IAMRole], 0, len(all))
	for _, m := range all {
		if match(m.Name) {
			rows = append(rows, row[*access.IAMRole]{m, m.Name, string(m.ID), m.Changed})
		}
	}
	httpx.WriteJSON(w, http.StatusOK, listOf(rows, page, viewIAMRole))
	return nil
}

func (h *Handler) createIAMRole(w http.ResponseWriter, r *http.Request, caller *authn.Caller) error {
	var body iamRoleBody
	if err := readBody(w, r, &body); err != nil {
		return err
	}
	var row access.IAMRole
	if err := body.apply(&row); err != nil {
		return err
	}
	created, err := h.Policy.CreateIAMRole(r.Context(), caller.Principal, row)
	if err != nil {
		return err
	}
	setRevision(w, created.Changed.Revision)
	httpx.WriteJSON(w, http.StatusCreated, coreapi.Created{ID: string(created.ID)})
	return nil
}

func (h *Handler) getIAMRole(w http.ResponseWriter, r *http.Request, caller *authn.Caller) error {
	id, err := pathID[access.IAMRoleID](r)
	if err != nil {
		return err
	}
	if err := noQuery(r); err != nil {
		return err
	}
	row, err := h.Policy.IAMRole(r.Context(), caller.Principal, id)
	if err != nil {
		return err
	}
	setRevision(w, row.Changed.Revision)
	httpx.WriteJSON(w, http.StatusOK, viewIAMRole(row))
	return nil
}

func (h *Handler) patchIAMRole(w http.ResponseWriter, r *http.Request, caller *authn.Caller) error {
	id, err := pathID[access.IAMRoleID](r)
	if err != nil {
		return err
	}
	seen, err := ifMatch(r)
	if err != nil {
		return err
	}
	var body iamRoleBody
	if err := readBody(w, r, &body); err != nil {
		return err
	}
	if _, err := h.Policy.UpdateIAMRole(r.Context(), caller.Principal, id, seen, body.apply); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (h *Handler) deleteIAMRole(w http.ResponseWriter, r *http.Request, caller *authn.Caller) error {
	id, err := pathID[access.IAMRoleID](r)
	if err != nil {
		return err
	}
	seen, err := ifMatch(r)
	if err != nil {
		return err
	}
	if err := noQuery(r); err != nil {
		return err
	}
	if err := h.Policy.DeleteIAMRole(r.Context(), caller.Principal, id, seen); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
