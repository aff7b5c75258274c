package bff

import (
	"maps"
	"net/http"
	"time"

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
	Ends              map[access.OrganisationID]string          `json:"ends,omitempty"`
	SystemEnd         string                                    `json:"systemEnd,omitempty"`
	Group             *groupView                                `json:"group,omitempty"`
	CreatedDate       string                                    `json:"createdDate"`
	LastModified      string                                    `json:"lastModified"`
}

// groupView is the provisioned group that a mapping was made for.
type groupView struct {
	ID     string `json:"id"`
	Name   string `json:"name,omitempty"`
	Counts bool   `json:"counts"`
}

// iamRoleBody is a mapping as written: organisationRoles and systemRoles each replace
// the whole of theirs.
type iamRoleBody struct {
	Name              *string              `json:"name"`
	OrganisationRoles *map[string][]string `json:"organisationRoles"`
	SystemRoles       *[]string            `json:"systemRoles"`
	Ends              *map[string]string   `json:"ends"`
	SystemEnd         *string              `json:"systemEnd"` // "": none
}

func viewIAMRole(m *access.IAMRole) iamRoleView {
	v := iamRoleView{
		ID: m.ID, Name: m.Name, OrganisationRoles: m.OrganisationRoles, SystemRoles: m.SystemRoles,
		CreatedDate: httpx.Timestamp(m.Changed.CreatedAt), LastModified: httpx.Timestamp(m.Changed.ModifiedAt),
	}
	if g := m.Group; g.ID != "" {
		v.Group = &groupView{g.ID, g.Name, !m.Held()}
	}
	for org, end := range m.Ends {
		if org == access.System {
			v.SystemEnd = httpx.Timestamp(end.At)
			continue
		}
		if v.Ends == nil {
			v.Ends = map[access.OrganisationID]string{}
		}
		v.Ends[org] = httpx.Timestamp(end.At)
	}
	return v
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
	return b.applyEnds(row)
}

// applyEnds writes the ends. Unlike those that stay because nothing is said, one that is written must be of something.
func (b *iamRoleBody) applyEnds(row *access.IAMRole) error {
	ends := maps.Clone(row.Ends)
	if ends == nil {
		ends = map[access.OrganisationID]access.End{}
	}
	set := func(field string, org access.OrganisationID, text string) error {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return fault.InvalidInput.New("%s: expected a time as 2027-01-31T12:00:00Z, got %s", field, clip(text)).At(field)
		}
		if len(row.RolesIn(org)) == 0 {
			return fault.InvalidInput.New("%s: nothing is mapped there that could end", field).At(field)
		}
		ends[org] = access.End{At: at.UTC()}
		return nil
	}
	if b.Ends != nil {
		maps.DeleteFunc(ends, func(org access.OrganisationID, _ access.End) bool { return org != access.System })
		for text, end := range *b.Ends {
			id, err := httpx.ParseUUID(text)
			if err != nil {
				return fault.InvalidInput.New("ends: %s", fault.Of(err).Detail).At("ends")
			}
			if _, twice := ends[access.OrganisationID(id)]; twice {
				return fault.InvalidInput.New("ends: organisation %s stands there twice", id).At("ends")
			}
			if err := set("ends", access.OrganisationID(id), end); err != nil {
				return err
			}
		}
	}
	if b.SystemEnd != nil {
		delete(ends, access.System)
		if *b.SystemEnd != "" {
			if err := set("systemEnd", access.System, *b.SystemEnd); err != nil {
				return err
			}
		}
	}
	row.Ends = ends
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
