package policy

import (
	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/history"
)

// entriesOf records a change: an entry for each row that it writes or deletes, with what was before and what is after.
// Organisations are Core's, which records them itself.
func (s *Service) entriesOf(before, after *access.Snapshot, c access.Change) (entries []history.Entry) {
	add := func(kind history.EntityType, id, name string, was, is bool, details any) {
		action := history.Updated
		switch {
		case !was:
			action = history.Created
		case !is:
			action = history.Deleted
		}
		entries = append(entries, s.History.New(history.Entry{
			Action: action, EntityType: kind, EntityID: id, Name: name, Source: history.SourceSTS, User: c.By, Metadata: history.Details(details),
		}))
	}
	role := func(id access.RoleID) {
		was, is := before.Role(id), after.Role(id)
		add(history.STSRole, string(id), nameOf(was, is), was != nil, is != nil, beforeAfter[roleRecord]{recordRole(was), recordRole(is)})
	}
	iamRole := func(id access.IAMRoleID) {
		was, is := before.IAMRole(id), after.IAMRole(id)
		name := ""
		if was != nil {
			name = was.Name
		}
		if is != nil {
			name = is.Name
		}
		add(history.STSIAMRole, string(id), name, was != nil, is != nil, beforeAfter[iamRoleRecord]{recordIAMRole(before, was), recordIAMRole(after, is)})
	}
	for _, r := range c.PutRoles {
		role(r.ID)
	}
	for _, m := range c.PutIAMRoles {
		iamRole(m.ID)
	}
	for _, id := range c.DeleteIAMRoles {
		iamRole(id)
	}
	for _, id := range c.DeleteRoles {
		role(id)
	}
	return entries
}

func nameOf(was, is *access.Role) string {
	if is != nil {
		return is.Name
	}
	return was.Name
}

// beforeAfter is the metadata of a change's history entry.
type beforeAfter[T any] struct {
	Before *T `json:"before,omitempty"`
	After  *T `json:"after,omitempty"`
}

type roleRecord struct {
	Name        string            `json:"name"`
	Permissions []string          `json:"permissions"`
	Delegation  *delegationRecord `json:"delegation,omitempty"`
}

type delegationRecord struct {
	RequiredUserPermissions []string `json:"requiredUserPermissions"`
}

func recordRole(r *access.Role) *roleRecord {
	if r == nil {
		return nil
	}
	record := &roleRecord{Name: r.Name, Permissions: r.Permissions.Names()}
	if r.Delegation != nil {
		record.Delegation = &delegationRecord{RequiredUserPermissions: r.Delegation.RequiredUserPermissions.Names()}
	}
	return record
}

type iamRoleRecord struct {
	Name          string            `json:"name"`
	Organisations []placementRecord `json:"organisations,omitempty"`
	System        []string          `json:"system,omitempty"` // role names
}

type placementRecord struct {
	ID    access.OrganisationID `json:"id"`
	Name  string                `json:"name,omitempty"`
	Roles []string              `json:"roles"` // names
}

// recordIAMRole keeps names beside ids: the record must be readable when the rows are long gone.
func recordIAMRole(s *access.Snapshot, row *access.IAMRole) *iamRoleRecord {
	if row == nil {
		return nil
	}
	names := func(ids []access.RoleID) []string {
		out := make([]string, 0, len(ids))
		for _, id := range ids {
			if role := s.Role(id); role != nil {
				out = append(out, role.Name)
			}
		}
		return out
	}
	record := &iamRoleRecord{Name: row.Name, System: names(row.SystemRoles)}
	for _, org := range row.OrganisationIDs() {
		placement := placementRecord{ID: org, Roles: names(row.OrganisationRoles[org])}
		if o := s.Organisation(org); o != nil {
			placement.Name = o.Name
		}
		record.Organisations = append(record.Organisations, placement)
	}
	return record
}
