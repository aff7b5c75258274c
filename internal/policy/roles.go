package policy

import (
	"context"

	"github.com/google/uuid"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
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
	return s.putRole(ctx, by, role.ID, seen, func(*access.Snapshot) (*access.Role, error) { return &role, nil })
}

// UpdateRole edits a role. edit may be called more than once,
// each time with a copy of its own.
func (s *Service) UpdateRole(ctx context.Context, by *access.Principal, id access.RoleID, seen Seen, edit func(*access.Role) error) (*access.Role, error) {
	if err := s.Enforce(ctx, by, access.System, "edit a role", access.STSRoleEdit); err != nil {
		return nil, err
	}
	return s.putRole(ctx, by, id, seen, func(now *access.Snapshot) (*access.Role, error) {
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

func (s *Service) putRole(ctx context.Context, by *access.Principal, id access.RoleID, seen Seen, next func(*access.Snapshot) (*access.Role, error)) (*access.Role, error) {
	made, err := s.change(ctx, by, seen, func(now *access.Snapshot) (access.Change, error) {
		role, err := next(now)
		if err != nil {
			return access.Change{}, err
		}
		return access.Change{PutRoles: []*access.Role{role}, By: by.Subject, At: s.Now()}, nil
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
	_, err := s.change(ctx, by, seen, func(now *access.Snapshot) (access.Change, error) {
		role := now.Role(id)
		if role == nil {
			return access.Change{}, fault.NotFound.New("there is no role %s", id)
		}
		if seen.Revision != 0 && seen.Revision != role.Changed.Revision {
			return access.Change{}, stale("role", role.Changed, seen.Revision)
		}
		return access.Change{DeleteRoles: []access.RoleID{id}, By: by.Subject, At: s.Now()}, nil
	})
	return err
}

func stale(kind string, now access.Changed, seen int64) error {
	return fault.LostUpdate.New("the %s was changed by %s in the meantime: expected revision %d, got %d",
		kind, now.ModifiedBy, now.Revision, seen)
}
