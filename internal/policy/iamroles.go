package policy

import (
	"context"

	"github.com/google/uuid"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
)

// IAMRoles returns every mapping, newest first.
func (s *Service) IAMRoles(ctx context.Context, by *access.Principal) ([]*access.IAMRole, error) {
	if err := s.Enforce(ctx, by, access.System, "list IAM roles", access.STSIAMRoleList); err != nil {
		return nil, err
	}
	return s.Snapshot().IAMRoles(), nil
}

// IAMRole returns one mapping.
func (s *Service) IAMRole(ctx context.Context, by *access.Principal, id access.IAMRoleID) (*access.IAMRole, error) {
	if err := s.Enforce(ctx, by, access.System, "open an IAM role", access.STSIAMRoleDetail); err != nil {
		return nil, err
	}
	row := s.Snapshot().IAMRole(id)
	if row == nil {
		return nil, fault.NotFound.New("there is no IAM role %s", id)
	}
	return row, nil
}

// CreateIAMRole stores a new mapping and returns it with its id.
func (s *Service) CreateIAMRole(ctx context.Context, by *access.Principal, row access.IAMRole, seen Seen) (*access.IAMRole, error) {
	if err := s.Enforce(ctx, by, access.System, "create an IAM role", access.STSIAMRoleCreate); err != nil {
		return nil, err
	}
	row.ID, row.Changed = access.IAMRoleID(uuid.NewString()), access.Changed{}
	return s.putIAMRole(ctx, by, row.ID, seen, func(*access.Snapshot) (*access.IAMRole, error) { return &row, nil })
}

// UpdateIAMRole edits a mapping. edit may be called more
// than once, each time with a copy of its own.
func (s *Service) UpdateIAMRole(ctx context.Context, by *access.Principal, id access.IAMRoleID, seen Seen, edit func(*access.IAMRole) error) (*access.IAMRole, error) {
	if err := s.Enforce(ctx, by, access.System, "edit an IAM role", access.STSIAMRoleEdit); err != nil {
		return nil, err
	}
	return s.putIAMRole(ctx, by, id, seen, func(now *access.Snapshot) (*access.IAMRole, error) {
		old := now.IAMRole(id)
		if old == nil {
			return nil, fault.NotFound.New("there is no IAM role %s", id)
		}
		row := old.Clone()
		if err := edit(row); err != nil {
			return nil, err
		}
		row.ID, row.Changed = id, old.Changed
		if seen.Revision != 0 {
			row.Changed.Revision = seen.Revision
		}
		return row, nil
	})
}

func (s *Service) putIAMRole(ctx context.Context, by *access.Principal, id access.IAMRoleID, seen Seen, next func(*access.Snapshot) (*access.IAMRole, error)) (*access.IAMRole, error) {
	made, err := s.change(ctx, by, seen, func(now *access.Snapshot) (access.Change, error) {
		row, err := next(now)
		if err != nil {
			return access.Change{}, err
		}
		return access.Change{PutIAMRoles: []*access.IAMRole{row}, By: by.Subject, At: s.Now()}, nil
	})
	if err != nil {
		return nil, err
	}
	return made.IAMRole(id), nil
}

// DeleteIAMRole removes a mapping: whoever had access by it alone has none from then on.
func (s *Service) DeleteIAMRole(ctx context.Context, by *access.Principal, id access.IAMRoleID, seen Seen) error {
	if err := s.Enforce(ctx, by, access.System, "delete an IAM role", access.STSIAMRoleDelete); err != nil {
		return err
	}
	_, err := s.change(ctx, by, seen, func(now *access.Snapshot) (access.Change, error) {
		row := now.IAMRole(id)
		if row == nil {
			return access.Change{}, fault.NotFound.New("there is no IAM role %s", id)
		}
		if seen.Revision != 0 && seen.Revision != row.Changed.Revision {
			return access.Change{}, stale("IAM role", row.Changed, seen.Revision)
		}
		return access.Change{DeleteIAMRoles: []access.IAMRoleID{id}, By: by.Subject, At: s.Now()}, nil
	})
	return err
}
