package bff

import (
	"net/http"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/httpx"
)

func (h *Handler) mountIAMRoles(mux *http.ServeMux) {
	resource[access.IAMRoleID, access.IAMRole, iamRoleView]{
		list: h.Policy.IAMRoles, get: h.Policy.IAMRole, create: h.Policy.CreateIAMRole, update: h.Policy.UpdateIAMRole, remove: h.Policy.DeleteIAMRole,
		body: func() body[access.IAMRole] { return &iamRoleBody{} },
		row:  func(m *access.IAMRole) row[access.IAMRoleID] { return row[access.IAMRoleID]{m.ID, m.Name, m.Changed} },
		view: viewIAMRole,
	}.mount(mux, h, "/api/sts/iam-role/v1")
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

// iamRoleBody is a mapping as written: organisationRoles and systemRoles each replace
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
