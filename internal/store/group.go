package store

import (
	"context"
	"database/sql"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/directory"
)

const selectGroups = `SELECT iam_role_id, group_id, group_name, keeps FROM mapping_group`

// loadGroups fills in for which provisioned groups the mappings of m were made. A row may outlast its mapping.
func loadGroups(ctx context.Context, tx *sql.Tx, m access.Model) error {
	groups := map[access.IAMRoleID]access.Group{}
	err := query(ctx, tx, func(scan scanner) error {
		var id access.IAMRoleID
		var g access.Group
		var keeps int64
		err := scan(&id, &g.ID, &g.Name, &keeps)
		g.Keeps = keeps != 0
		groups[id] = g
		return err
	}, selectGroups)
	for _, im := range m.IAMRoles {
		im.Group = groups[im.ID]
	}
	return err
}

const (
	deleteMappingGroup = `DELETE FROM mapping_group WHERE iam_role_id = $1`
	upsertMappingGroup = `INSERT INTO mapping_group (iam_role_id, group_id, group_name, keeps) VALUES ($1, $2, $3, $4)
	ON CONFLICT (iam_role_id) DO UPDATE SET group_id = excluded.group_id, group_name = excluded.group_name, keeps = excluded.keeps`
)

func storeGroups(ctx context.Context, tx *sql.Tx, c access.Change) error {
	for _, id := range c.DeleteIAMRoles {
		if _, err := exec(ctx, tx, deleteMappingGroup, string(id)); err != nil {
			return err
		}
	}
	states := c.Groups
	for _, im := range c.PutIAMRoles {
		states = append(states, access.GroupState{IAMRole: im.ID, Group: im.Group})
	}
	for _, state := range states {
		g, keeps := state.Group, 0
		if g.Keeps {
			keeps = 1
		}
		text, args := upsertMappingGroup, []any{string(state.IAMRole), g.ID, g.Name, keeps}
		if g.ID == "" {
			text, args = deleteMappingGroup, args[:1]
		}
		if _, err := exec(ctx, tx, text, args...); err != nil {
			return err
		}
	}
	return nil
}

// KnownGroups implements policy.Groups.
func (db *DB) KnownGroups(ctx context.Context, ids, names []string) (all []directory.Group, err error) {
	for _, by := range []struct {
		column string
		texts  []string
	}{{`id`, ids}, {`name`, names}} {
		for len(by.texts) > 0 {
			some := by.texts[:min(len(by.texts), someMembers)]
			by.texts = by.texts[len(some):]
			err := query(ctx, db.reading, func(scan scanner) error {
				g, err := scanGroup(scan)
				all = append(all, g)
				return err
			}, selectDirectoryGroup+` WHERE `+by.column+` IN `+placeholders(1, len(some)), args(some)...)
			if err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}
