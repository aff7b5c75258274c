package desk

import (
	"slices"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/desk/view"
)

// sight is what a caller may see of the names that other pages are about: who may edit roles does not thereby learn
// which organisations there are. What has no name to the caller is shown by its id.
type sight struct {
	*access.Snapshot
	organisations, roles, mappings bool
	seesOrganisation               func(access.OrganisationID) bool
}

func (h *Handler) sight(c *authn.Caller) sight {
	snapshot := h.Policy.Snapshot()
	return sight{
		Snapshot:         snapshot,
		seesOrganisation: snapshot.Sees(c.Principal),
		organisations:    h.may(c, access.STSOrganisationList) || h.may(c, access.STSOrganisationDetail),
		roles:            h.may(c, access.STSRoleList) || h.may(c, access.STSRoleDetail),
		mappings:         h.may(c, access.STSIAMRoleList) || h.may(c, access.STSIAMRoleDetail),
	}
}

func (s sight) organisation(id access.OrganisationID) view.Choice {
	if s.seesOrganisation(id) {
		return organisationChoice(s.Snapshot, id)
	}
	return view.Choice{ID: string(id), Name: string(id)}
}

func (s sight) role(role *access.Role) view.Choice {
	if s.roles {
		return view.Choice{ID: string(role.ID), Name: role.Name}
	}
	return view.Choice{ID: string(role.ID), Name: string(role.ID)}
}

// roleChoices names roles in the order of their ids; what does not exist is left out.
func (s sight) roleChoices(ids []access.RoleID) []view.Choice {
	choices := make([]view.Choice, 0, len(ids))
	for _, id := range ids {
		if role := s.Role(id); role != nil {
			choices = append(choices, s.role(role))
		}
	}
	return choices
}

// roleNames names roles, each once, in the order of their names.
func (s sight) roleNames(ids []access.RoleID) []string {
	var names []string
	for _, choice := range s.roleChoices(ids) {
		names = append(names, choice.Name)
	}
	slices.SortFunc(names, byName)
	return slices.Compact(names)
}

// usesOf says which IAM roles give a role, and where.
func (s sight) usesOf(id access.RoleID) []view.RoleMapping {
	var mappings []view.RoleMapping
	for _, m := range s.RoleUses(id) {
		mapping := view.RoleMapping{IAMRoleID: string(m.ID), IAMRole: m.Name, System: slices.Contains(m.SystemRoles, id)}
		for _, org := range m.OrganisationIDs() {
			if slices.Contains(m.OrganisationRoles[org], id) {
				mapping.Organisations = append(mapping.Organisations, s.organisation(org))
			}
		}
		slices.SortFunc(mapping.Organisations, byChoice)
		mappings = append(mappings, mapping)
	}
	slices.SortFunc(mappings, func(a, b view.RoleMapping) int { return byName(a.IAMRole, b.IAMRole) })
	return mappings
}

func byChoice(a, b view.Choice) int { return byName(a.Name, b.Name) }

func organisationChoice(s *access.Snapshot, id access.OrganisationID) view.Choice {
	if o := s.Organisation(id); o != nil {
		return view.Choice{ID: string(id), Name: o.Name}
	}
	return view.Choice{ID: string(id), Name: string(id)}
}
