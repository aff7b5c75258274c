package store

import "github.com/portico-iam/portico/internal/access"

// changeRow is a change of roles and mappings as it is kept for later. Who made it and when stands beside it.
type changeRow struct {
	PutRoles       []roleRow                      `json:"putRoles,omitempty"`
	DeleteRoles    []access.RoleID                `json:"deleteRoles,omitempty"`
	PutIAMRoles    []iamRoleRow                   `json:"putIamRoles,omitempty"`
	DeleteIAMRoles []access.IAMRoleID             `json:"deleteIamRoles,omitempty"`
	FourEyes       map[access.OrganisationID]bool `json:"fourEyes,omitempty"`
	Confirms       []access.IAMRoleID             `json:"confirms,omitempty"`
}

type roleRow struct {
	ID          access.RoleID   `json:"id"`
	Name        string          `json:"name"`
	Permissions []string        `json:"permissions"`
	Delegation  *roleDelegation `json:"delegation,omitempty"`
	Requires    *requirementRow `json:"requires,omitempty"`
	Revision    int64           `json:"revision"`
}

type iamRoleRow struct {
	ID            access.IAMRoleID                          `json:"id"`
	Name          string                                    `json:"name"`
	Organisations map[access.OrganisationID][]access.RoleID `json:"organisations,omitempty"`
	System        []access.RoleID                           `json:"system,omitempty"`
	Ends          map[access.OrganisationID]endRow          `json:"ends,omitempty"`
	Group         *groupRow                                 `json:"group,omitempty"`
	Revision      int64                                     `json:"revision"`
}

type groupRow struct {
	ID    string `json:"id"`
	Name  string `json:"name,omitempty"`
	Keeps bool   `json:"keeps,omitempty"`
}

type endRow struct {
	At       int64 `json:"at"`
	Recorded bool  `json:"recorded,omitempty"`
}

func encodeChange(c access.Change) string {
	row := changeRow{DeleteRoles: c.DeleteRoles, DeleteIAMRoles: c.DeleteIAMRoles, FourEyes: c.FourEyes, Confirms: c.Confirms}
	for _, r := range c.PutRoles {
		row.PutRoles = append(row.PutRoles, roleRow{r.ID, r.Name, r.Permissions.Names(), delegationOf(r), requirementOf(r), r.Changed.Revision})
	}
	for _, im := range c.PutIAMRoles {
		r := iamRoleRow{im.ID, im.Name, im.OrganisationRoles, im.SystemRoles, endRows(im.Ends), nil, im.Changed.Revision}
		if g := im.Group; g.ID != "" {
			r.Group = &groupRow{g.ID, g.Name, g.Keeps}
		}
		row.PutIAMRoles = append(row.PutIAMRoles, r)
	}
	return encode(row)
}

func endRows(ends map[access.OrganisationID]access.End) map[access.OrganisationID]endRow {
	rows := make(map[access.OrganisationID]endRow, len(ends))
	for org, end := range ends {
		rows[org] = endRow{millis(end.At), end.Recorded}
	}
	return rows
}

// decodeChange reads what encodeChange wrote. Permissions that this version does not know are left out and returned: without
// them the change may be another one.
func decodeChange(text string) (c access.Change, unknown []string, err error) {
	var row changeRow
	if err := decode("change", text, &row); err != nil {
		return c, nil, err
	}
	c.DeleteRoles, c.DeleteIAMRoles, c.FourEyes, c.Confirms = row.DeleteRoles, row.DeleteIAMRoles, row.FourEyes, row.Confirms
	for _, r := range row.PutRoles {
		role, more := r.role()
		c.PutRoles, unknown = append(c.PutRoles, role), append(unknown, more...)
	}
	for _, im := range row.PutIAMRoles {
		if im.Organisations == nil {
			im.Organisations = map[access.OrganisationID][]access.RoleID{}
		}
		row := &access.IAMRole{
			ID: im.ID, Name: im.Name, OrganisationRoles: im.Organisations, SystemRoles: im.System, Changed: access.Changed{Revision: im.Revision},
		}
		if g := im.Group; g != nil {
			row.Group = access.Group{ID: g.ID, Name: g.Name, Keeps: g.Keeps}
		}
		for org, end := range im.Ends {
			if row.Ends == nil {
				row.Ends = map[access.OrganisationID]access.End{}
			}
			row.Ends[org] = access.End{At: instant(end.At), Recorded: end.Recorded}
		}
		c.PutIAMRoles = append(c.PutIAMRoles, row)
	}
	return c, unknown, nil
}

func (r *roleRow) role() (role *access.Role, unknown []string) {
	role = &access.Role{ID: r.ID, Name: r.Name, Requires: r.Requires.requirement(), Changed: access.Changed{Revision: r.Revision}}
	role.Permissions, unknown = access.ParseSet(r.Permissions)
	if r.Delegation != nil {
		required, more := access.ParseSet(r.Delegation.RequiredUserPermissions)
		role.Delegation = &access.Delegation{RequiredUserPermissions: required}
		unknown = append(unknown, more...)
	}
	return role, unknown
}
