package policy

import (
	"context"

	"github.com/google/uuid"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
)

// Roles returns every role, newest first.
func (s *Service) Roles(ctx context.Context, by *access.Principal) ([]*access.Role, error) {
	if err := s.Enforce(ctx, by, access.System, "list roles", access.STSRoleList); err != nil {
		return nil, err
	}
	return s.Snapshot().Roles(), nil
}

// Role returns one role.
func (s *Service) Role(ctx context.Context, by *access.Principal, id access.RoleID) (*access.Role, error) {
	if err := s.Enforce(ctx, by, access.System, "open a role", access.STSRoleDetail); err != nil {
		return nil, err
	}
	role := s.Snapshot().Role(id)
	if role == nil {
		return nil, fault.NotFound.New("there is no role %s", id)
	}
	return role, nil
}

// CreateRole stores a new role and returns it with its id.
func (s *Service) CreateRole(ctx context.Context, by *access.Principal, role access.Role, seen Seen) (*access.Role, error) {
	if err := s.Enforce(ctx, by, access.System, "create a role", access.STSRoleCreate); err != nil {
		return nil, err
	}
	role.ID, role.Changed = access.RoleID(uuid.NewString()), access.Changed{}
	return s.putRole(ctx, by, role.ID, seen, history.Created, func(*access.Snapshot) (*access.Role, error) { return &role, nil })
}

// UpdateRole edits a role. edit may be called more than once,
// each time with a copy of its own.
func (s *Service) UpdateRole(ctx context.Context, by *access.Principal, id access.RoleID, seen Seen, edit func(*access.Role) error) (*access.Role, error) {
	if err := s.Enforce(ctx, by, access.System, "edit a role", access.STSRoleEdit); err != nil {
		return nil, err
	}
	return s.putRole(ctx, by, id, seen, history.Updated, func(now *access.Snapshot) (*access.Role, error) {
		old := now.Role(id)
		if old == nil {
			return nil, fault.NotFound.New("there is no role %s", id)
		}
		role := old.Clone()
		if err := edit(role); err != nil {
			return nil, err
		}
		role.ID, role.Changed = id, old.Changed
		if seen.Revision != 0 {
			role.Changed.Revision = seen.Revision
		}
		return role, nil
	})
}

func (s *Service) putRole(ctx context.Context, by *access.Principal, id access.RoleID, seen Seen, action history.Action, next func(*access.Snapshot) (*access.Role, error)) (*access.Role, error) {
	made, err := s.change(ctx, by, seen, func(now *access.Snapshot) (access.Change, []history.Entry, error) {
		role, err := next(now)
		if err != nil {
			return access.Change{}, nil, err
		}
		entry := s.History.New(history.Entry{
			Action: action, EntityType: history.STSRole, EntityID: string(id), Name: role.Name,
			Source: history.SourceSTS, User: by.Subject,
			Metadata: history.Details(beforeAfter[roleRecord]{Before: recordRole(now.Role(id)), After: recordRole(role)}),
		})
		return access.Change{PutRoles: []*access.Role{role}, By: by.Subject, At: s.Now()}, []history.Entry{entry}, nil
	})
	if err != nil {
		return nil, err
	}
	return made.Role(id), nil
}

// DeleteRole removes a role that is mapped nowhere.
func (s *Service) DeleteRole(ctx context.Context, by *access.Principal, id access.RoleID, seen Seen) error {
	if err := s.Enforce(ctx, by, access.System, "delete a role", access.STSRoleDelete); err != nil {
		return err
	}
	_, err := s.change(ctx, by, seen, func(now *access.Snapshot) (access.Change, []history.Entry, error) {
		role := now.Role(id)
		if role == nil {
			return access.Change{}, nil, fault.NotFound.New("there is no role %s", id)
		}
		if seen.Revision != 0 && seen.Revision != role.Changed.Revision {
			return access.Change{}, nil, stale("role", role.Changed, seen.Revision)
		}
		entry := s.History.New(history.Entry{
			Action: history.Deleted, EntityType: history.STSRole, EntityID: string(id), Name: role.Name,
			Source: history.SourceSTS, User: by.Subject,
			Metadata: history.Details(beforeAfter[roleRecord]{Before: recordRole(role)}),
		})
		return access.Change{DeleteRoles: []access.RoleID{id}, By: by.Subject, At: s.Now()}, []history.Entry{entry}, nil
	})
	return err
}

func stale(kind string, now access.Changed, seen int64) error {
	return fault.LostUpdate.New("the %s was changed by %s in the meantime: expected revision %d, got %d",
		kind, now.ModifiedBy, now.Revision, seen)
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
