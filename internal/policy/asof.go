package policy

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
)

// The bounds of going back: entries read at once, and in all.
const (
	pastPage = 500
	mostPast = 20_000
)

// Known is what is known of the past.
type Known struct {
	At      time.Time       // as of when
	Oldest  time.Time       // the oldest change that the history tells of: before it nothing is known
	Unknown []access.Phrase // what can't be told of then
}

// AsOf returns the snapshot that decided at a moment that has passed: roles and IAM roles as they were then, organisations and
// the bootstrap role as they are now. Whoever was changed since is as the first change since found it. Fault.InvalidInput says
// that nothing is known of then.
func (s *Service) AsOf(ctx context.Context, at time.Time) (*access.Snapshot, Known, error) {
	known := Known{At: at.UTC().Truncate(time.Millisecond)}
	if known.At.After(s.Now()) {
		return nil, known, fault.InvalidInput.New("asOf: expected a moment that has passed").At("asOf")
	}
	if err := s.Reload(ctx); err != nil { // another process may have changed something before then
		return nil, known, err
	}
	now := s.Snapshot()
	from, oldest, err := s.Store.ChangedAfter(ctx, known.At)
	if err != nil {
		return nil, known, err
	}
	known.Oldest = oldest
	switch {
	case oldest.IsZero():
		return nil, known, fault.InvalidInput.New("asOf: nothing is known of then, for the history tells of no change of roles and access yet").At("asOf")
	case known.At.Before(oldest):
		whole := oldest.Add(time.Second - time.Millisecond).Truncate(time.Second)
		return nil, known, fault.InvalidInput.New("asOf: nothing is known of then, for the oldest change of roles and access that the history tells of is of %s",
			whole.Format(time.RFC3339)).At("asOf")
	}
	m := access.Model{Version: now.Version(), Organisations: now.Organisations(), Roles: now.Roles(), IAMRoles: now.IAMRoles()}
	if from > 0 {
		past := past{roles: map[access.RoleID]*access.Role{}, iamRoles: map[access.IAMRoleID]*access.IAMRole{}}
		if err := s.goBack(ctx, from, &past); err != nil {
			return nil, known, err
		}
		m.Version, known.Unknown = from-1, past.unknown
		m.Roles = restore(m.Roles, func(r *access.Role) access.RoleID { return r.ID }, past.roles)
		m.IAMRoles = restore(m.IAMRoles, func(im *access.IAMRole) access.IAMRoleID { return im.ID }, past.iamRoles)
	}
	return access.Build(m, s.Bootstrap, known.At), known, nil
}

func (s *Service) goBack(ctx context.Context, from int64, past *past) error {
	after := ""
	for range mostPast / pastPage {
		entries, err := s.Store.FirstChanges(ctx, from, after, pastPage)
		if err != nil {
			return err
		}
		for _, e := range entries {
			past.put(e)
			after = e.EntityID
		}
		if len(entries) < pastPage {
			return nil
		}
	}
	return fault.InvalidInput.New("asOf: more than %d roles and IAM roles were changed since: that is too far back", mostPast).At("asOf")
}

// past holds the rows that were otherwise then; nil: there was none.
type past struct {
	roles    map[access.RoleID]*access.Role
	iamRoles map[access.IAMRoleID]*access.IAMRole
	unknown  []access.Phrase
}

// put takes what was before a change.
func (p *past) put(e history.Entry) {
	legible := true
	switch e.EntityType {
	case history.STSRole:
		var was *roleRecord
		was, legible = before[roleRecord](e)
		p.roles[access.RoleID(e.EntityID)] = was.row(e.EntityID)
	case history.STSIAMRole:
		var was *iamRoleRecord
		was, legible = before[iamRoleRecord](e)
		row, dated := was.row(e.EntityID)
		p.iamRoles[access.IAMRoleID(e.EntityID)], legible = row, legible && dated
	}
	if !legible {
		p.unknown = append(p.unknown, access.Phrase{
			Format: "What %q was then can't be told from the history entry %s: it counts as nothing.", Args: []any{e.Name, e.ID},
		})
	}
}

// before reads what a change found: nil where it created the row.
func before[T any](e history.Entry) (was *T, legible bool) {
	var details beforeAfter[T]
	if json.Unmarshal(e.Metadata, &details) != nil {
		return nil, false
	}
	return details.Before, (details.Before == nil) == (e.Action == history.Created)
}

// row restores what recordRole recorded.
func (r *roleRecord) row(id string) *access.Role {
	if r == nil {
		return nil
	}
	role := &access.Role{ID: access.RoleID(id), Name: r.Name}
	role.Permissions, _ = access.ParseSet(r.Permissions) // what this version does not know counts for nothing
	role.Requires = r.SignIn.requirement()
	if r.Delegation != nil {
		role.Delegation = &access.Delegation{}
		role.Delegation.RequiredUserPermissions, _ = access.ParseSet(r.Delegation.RequiredUserPermissions)
	}
	return role
}

// row restores what recordIAMRole recorded; false where an end can't be read.
func (r *iamRoleRecord) row(id string) (m *access.IAMRole, legible bool) {
	if r == nil {
		return nil, true
	}
	m = &access.IAMRole{
		ID: access.IAMRoleID(id), Name: r.Name, SystemRoles: r.SystemRoleIDs,
		OrganisationRoles: map[access.OrganisationID][]access.RoleID{}, Ends: map[access.OrganisationID]access.End{},
	}
	if g := r.Group; g != nil {
		m.Group = access.Group{ID: g.ID, Name: g.Name, Keeps: g.Keeps}
	}
	ends := map[access.OrganisationID]string{access.System: r.SystemEnd}
	for _, p := range r.Organisations {
		m.OrganisationRoles[p.ID], ends[p.ID] = p.RoleIDs, p.End
	}
	for org, text := range ends {
		if text == "" {
			continue
		}
		end, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return nil, false
		}
		m.Ends[org] = access.End{At: end}
	}
	return m, true
}

// restore puts the rows of then in the places of those of now; those that are gone come last.
func restore[ID ~string, T any](now []*T, id func(*T) ID, was map[ID]*T) []*T {
	var rows []*T
	for _, row := range now {
		if old, changed := was[id(row)]; changed {
			row = old
		}
		if row != nil {
			delete(was, id(row))
			rows = append(rows, row)
		}
	}
	for _, gone := range slices.Sorted(maps.Keys(was)) {
		if was[gone] != nil {
			rows = append(rows, was[gone])
		}
	}
	return rows
}
