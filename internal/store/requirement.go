package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/portico-iam/portico/internal/access"
)

const selectRequirements = `SELECT role_id, classes, max_age FROM role_requirement`

// loadRequirements fills in what the roles of m require of a sign-in. One of a role that is gone, as a replica of the version before
// leaves it behind, is nobody's.
func loadRequirements(ctx context.Context, tx *sql.Tx, m access.Model) error {
	roles := make(map[access.RoleID]*access.Role, len(m.Roles))
	for _, r := range m.Roles {
		roles[r.ID] = r
	}
	return query(ctx, tx, func(scan scanner) error {
		var id access.RoleID
		var classes string
		var row requirementRow
		if err := scan(&id, &classes, &row.MaxAge); err != nil {
			return err
		}
		if err := decode("classes", classes, &row.Classes); err != nil {
			return fmt.Errorf("what role %s requires: %w", id, err)
		}
		if role := roles[id]; role != nil {
			role.Requires = row.requirement()
		}
		return nil
	}, selectRequirements)
}

const (
	deleteRequirement = `DELETE FROM role_requirement WHERE role_id = $1`
	insertRequirement = `INSERT INTO role_requirement (role_id, classes, max_age) VALUES `
)

func storeRequirements(ctx context.Context, tx *sql.Tx, c access.Change) error {
	roles, _ := c.IDs()
	for _, id := range roles {
		if _, err := exec(ctx, tx, deleteRequirement, string(id)); err != nil {
			return fmt.Errorf("forget what role %s required: %w", id, err)
		}
	}
	err := insertRows(ctx, tx, insertRequirement, 3, each(c.PutRoles, func(r *access.Role, yield func([]any) bool) bool {
		row := requirementOf(r)
		return row == nil || yield([]any{string(r.ID), encode(row.Classes), row.MaxAge})
	}))
	if err != nil {
		return fmt.Errorf("store what roles require: %w", err)
	}
	return nil
}

// requirementRow is a requirement as it is kept.
type requirementRow struct {
	Classes []string `json:"classes"`
	MaxAge  int64    `json:"maxAge"` // seconds
}

func requirementOf(r *access.Role) *requirementRow {
	if r.Requires == nil {
		return nil
	}
	return &requirementRow{append([]string{}, r.Requires.Classes...), int64(r.Requires.MaxAge / time.Second)}
}

func (r *requirementRow) requirement() *access.Requirement {
	if r == nil {
		return nil
	}
	return &access.Requirement{Classes: r.Classes, MaxAge: time.Duration(r.MaxAge) * time.Second}
}
