package policy

import (
	"maps"
	"slices"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/history"
)

// entriesOf records a change: an entry for each row that it writes or deletes, with what was before and what is after.
// Organisations are Core's, which records them itself.
func (s *Service) entriesOf(before, after *access.Snapshot, c access.Change, a *approval) (entries []history.Entry) {
	add := func(kind history.EntityType, id, name string, was, is bool, details any) {
		action := history.Updated
		switch {
		case !was:
			action = history.Created
		case !is:
			action = history.Deleted
		}
		e := s.History.New(history.Entry{
			Action: action, EntityType: kind, EntityID: id, Name: name, Source: history.SourceSTS, User: c.By, Metadata: history.Details(details),
		})
		e.CreatedAt = c.At // the same for all: as of any moment a change is there as a whole or not at all
		entries = append(entries, e)
	}
	note := probationNote(c)
	approved := approvalNote(before, after, a)
	role := func(id access.RoleID) {
		was, is := before.Role(id), after.Role(id)
		add(history.STSRole, string(id), nameOf(was, is), was != nil, is != nil, beforeAfter[roleRecord]{Before: recordRole(was), After: recordRole(is), Probation: note, FourEyes: approved})
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
		add(history.STSIAMRole, string(id), name, was != nil, is != nil, beforeAfter[iamRoleRecord]{Before: recordIAMRole(before, was), After: recordIAMRole(after, is), Probation: note, FourEyes: approved, Group: confirmNote(c, id)})
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
	for _, org := range slices.Sorted(maps.Keys(c.FourEyes)) {
		entries = append(entries, s.entryOfFourEyes(after, org, c, approved))
	}
	if c.Request != "" {
		r := a.request
		r.Closing.State = Approved
		entries = append(entries, s.requestEntry(before, &r, c.By))
	}
	for _, state := range c.Groups {
		entries = append(entries, s.entryOfGroup(before, after, state.IAMRole, c))
	}
	for _, at := range c.RecordEnds {
		entries = append(entries, s.entryOfEnd(after, at, c.By))
	}
	if c.EndsProbation && len(entries) == 0 {
		return s.confirmed(before, c)
	}
	return entries
}

// confirmed records that what was on probation stays.
func (s *Service) confirmed(before *access.Snapshot, c access.Change) (entries []history.Entry) {
	note := "confirmed by signing in"
	if c.By == nobodyConfirmed {
		note = "nobody confirmed it by signing in, yet it can't be undone"
	}
	add := func(kind history.EntityType, id, name string) {
		entries = append(entries, s.History.New(history.Entry{
			Action: history.Activated, EntityType: kind, EntityID: id, Name: name, Source: history.SourceSTS, User: c.By,
			Metadata: history.Details(map[string]string{"probation": note}),
		}))
	}
	undo := before.Probation().Undo
	for _, r := range undo.PutRoles {
		add(history.STSRole, string(r.ID), r.Name)
	}
	for _, m := range undo.PutIAMRoles {
		add(history.STSIAMRole, string(m.ID), m.Name)
	}
	for _, id := range undo.DeleteRoles {
		add(history.STSRole, string(id), nameOf(before.Role(id), nil))
	}
	for _, id := range undo.DeleteIAMRoles {
		add(history.STSIAMRole, string(id), before.IAMRole(id).Name)
	}
	return entries
}

// nameOf prefers the name of after.
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
	// Probation is set where the change begins one or ends it.
	Probation string `json:"probation,omitempty"`
	// FourEyes says by whom it was asked, where a second administrator approved it, or that an operator did without.
	FourEyes string `json:"fourEyes,omitempty"`
	// Group says what became of the provisioned group of a mapping.
	Group string `json:"groupChange,omitempty"`
}

type roleRecord struct {
	Name        string            `json:"name"`
	Permissions []string          `json:"permissions"`
	Delegation  *delegationRecord `json:"delegation,omitempty"`
	SignIn      *signInRecord     `json:"signIn,omitempty"`
}

// signInRecord is what a role requires of the sign-in.
type signInRecord struct {
	ACR    []string `json:"acr,omitempty"`
	MaxAge int64    `json:"maxAge,omitempty"` // seconds
}

func recordRequirement(q *access.Requirement) *signInRecord {
	if q == nil {
		return nil
	}
	return &signInRecord{ACR: q.Classes, MaxAge: int64(q.MaxAge / time.Second)}
}

func (r *signInRecord) requirement() *access.Requirement {
	if r == nil {
		return nil
	}
	return &access.Requirement{Classes: r.ACR, MaxAge: time.Duration(r.MaxAge) * time.Second}
}

type delegationRecord struct {
	RequiredUserPermissions []string `json:"requiredUserPermissions"`
}

func recordRole(r *access.Role) *roleRecord {
	if r == nil {
		return nil
	}
	record := &roleRecord{Name: r.Name, Permissions: r.Permissions.Names(), SignIn: recordRequirement(r.Requires)}
	if r.Delegation != nil {
		record.Delegation = &delegationRecord{RequiredUserPermissions: r.Delegation.RequiredUserPermissions.Names()}
	}
	return record
}

type iamRoleRecord struct {
	Name          string            `json:"name"`
	Organisations []placementRecord `json:"organisations,omitempty"`
	System        []string          `json:"system,omitempty"` // role names
	SystemRoleIDs []access.RoleID   `json:"systemRoleIds,omitempty"`
	SystemEnd     string            `json:"systemEnd,omitempty"`
	Group         *groupRecord      `json:"group,omitempty"`
}

// groupRecord is the provisioned group that a mapping was made for.
type groupRecord struct {
	ID    string `json:"id"`
	Name  string `json:"name,omitempty"` // how it was called then; none: it was no more
	Keeps bool   `json:"keepsAdministration,omitempty"`
}

type placementRecord struct {
	ID      access.OrganisationID `json:"id,omitempty"`
	Name    string                `json:"name,omitempty"`
	Roles   []string              `json:"roles"` // names
	RoleIDs []access.RoleID       `json:"roleIds"`
	End     string                `json:"end,omitempty"`
}

// recordPlacement tells what an IAM role gives in one place.
func recordPlacement(s *access.Snapshot, row *access.IAMRole, org access.OrganisationID) placementRecord {
	record := placementRecord{ID: org, Roles: namesOf(s, row.RolesIn(org)), RoleIDs: row.RolesIn(org), End: recordTime(row.Ends[org].At)}
	if o := s.Organisation(org); o != nil {
		record.Name = o.Name
	}
	return record
}

// recordIAMRole keeps names beside ids: the record must be readable when the rows are long gone. By the ids AsOf restores them.
func recordIAMRole(s *access.Snapshot, row *access.IAMRole) *iamRoleRecord {
	if row == nil {
		return nil
	}
	record := &iamRoleRecord{
		Name: row.Name, System: namesOf(s, row.SystemRoles), SystemRoleIDs: row.SystemRoles, SystemEnd: recordTime(row.Ends[access.System].At),
	}
	if g := row.Group; g.ID != "" {
		record.Group = &groupRecord{g.ID, g.Name, g.Keeps}
	}
	for _, org := range row.OrganisationIDs() {
		record.Organisations = append(record.Organisations, recordPlacement(s, row, org))
	}
	return record
}

func namesOf(s *access.Snapshot, ids []access.RoleID) []string {
	names := make([]string, 0, len(ids))
	for _, id := range ids {
		if role := s.Role(id); role != nil {
			names = append(names, role.Name)
		}
	}
	return names
}

// confirmNote says in the record of a change that it confirms the group of the mapping.
func confirmNote(c access.Change, id access.IAMRoleID) string {
	if slices.Contains(c.Confirms, id) {
		return "confirmed: it counts for whoever carries the name"
	}
	return ""
}

// approvalNote says in the record of a change who asked for it.
func approvalNote(before, after *access.Snapshot, a *approval) string {
	switch {
	case a == nil:
		return ""
	case !a.overridden:
		return "asked by " + a.request.Subject + " and approved"
	case len(before.Demanding(after)) == 0:
		return ""
	}
	return "OVERRIDDEN: made by an operator without a second administrator"
}

// entryOfFourEyes records that an organisation demands a second administrator, or no longer does.
func (s *Service) entryOfFourEyes(now *access.Snapshot, org access.OrganisationID, c access.Change, approved string) history.Entry {
	details := map[string]any{"fourEyes": map[bool]string{true: "demanded from now on", false: "no longer demanded"}[c.FourEyes[org]]}
	if approved != "" {
		details["approval"] = approved
	}
	name := ""
	if o := now.Organisation(org); o != nil {
		name = o.Name
	}
	return s.History.New(history.Entry{
		Action: history.Updated, EntityType: history.Organisation, EntityID: string(org), Name: name, OrganisationID: org,
		Source: history.SourceSTS, User: c.By, Metadata: history.Details(details),
	})
}
