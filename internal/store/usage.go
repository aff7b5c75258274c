package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/policy"
)

var _ policy.UsageStore = (*DB)(nil)

const (
	selectUses   = `SELECT role_id, permission, since, used_on, handed_out_on FROM role_use`
	selectUsesOf = selectUses + ` WHERE role_id = $1`
)

// RoleUses implements policy.UsageStore. Permissions that this version doesn't know are left out.
func (db *DB) RoleUses(ctx context.Context, role access.RoleID) (uses []policy.RoleUse, err error) {
	text, args := selectUses, []any(nil)
	if role != "" {
		text, args = selectUsesOf, []any{string(role)}
	}
	err = query(ctx, db.reading, func(scan scanner) error {
		var u policy.RoleUse
		var permission string
		var since, used, handedOut int64
		if err := scan(&u.Role, &permission, &since, &used, &handedOut); err != nil {
			return err
		}
		var known bool
		if u.Permission, known = access.ParsePermission(permission); known {
			u.Since, u.Used, u.HandedOut = instant(since), instant(used), instant(handedOut)
			uses = append(uses, u)
		}
		return nil
	}, text, args...)
	if err != nil {
		return nil, fmt.Errorf("read what roles were used for: %w", err)
	}
	return uses, nil
}

// Of several replicas the first that looked and the last that saw count.
const noteUse = `INSERT INTO role_use (role_id, permission, since, used_on, handed_out_on)
	SELECT id, $2, $3, $4, $5 FROM role WHERE id = $1
	ON CONFLICT (role_id, permission) DO UPDATE SET
		since = CASE WHEN excluded.since < role_use.since THEN excluded.since ELSE role_use.since END,
		used_on = CASE WHEN excluded.used_on > role_use.used_on THEN excluded.used_on ELSE role_use.used_on END,
		handed_out_on = CASE WHEN excluded.handed_out_on > role_use.handed_out_on THEN excluded.handed_out_on ELSE role_use.handed_out_on END`

// NoteRoleUses implements policy.UsageStore.
func (db *DB) NoteRoleUses(ctx context.Context, uses []policy.RoleUse) error {
	uses = slices.Clone(uses)
	slices.SortFunc(uses, policy.RoleUse.Compare) // replicas lock rows in the same order
	err := db.write(ctx, func(tx *sql.Tx) error {
		for _, u := range uses {
			if _, err := exec(ctx, tx, noteUse, string(u.Role), u.Permission.String(), millis(u.Since), millis(u.Used), millis(u.HandedOut)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("note what roles are used for: %w", err)
	}
	return nil
}

const (
	forgetUsed      = `UPDATE role_use SET used_on = 0 WHERE used_on <> 0 AND used_on < $1`
	forgetHandedOut = `UPDATE role_use SET handed_out_on = 0 WHERE handed_out_on <> 0 AND handed_out_on < $1`
)

// ForgetRoleUses implements policy.UsageStore.
func (db *DB) ForgetRoleUses(ctx context.Context, before time.Time) error {
	for _, text := range []string{forgetUsed, forgetHandedOut} {
		if _, err := exec(ctx, db.writing, text, millis(before)); err != nil {
			return fmt.Errorf("forget what roles were used for: %w", err)
		}
	}
	return nil
}

const (
	deleteUses   = `DELETE FROM role_use WHERE role_id = $1`
	deleteUse    = `DELETE FROM role_use WHERE role_id = $1 AND permission = $2`
	selectUsedOf = `SELECT permission FROM role_use WHERE role_id = $1`
)

// forgetUses drops what was known of roles that go, and of permissions that roles lose: given back, they are watched anew.
func forgetUses(ctx context.Context, tx *sql.Tx, c access.Change) error {
	for _, id := range c.DeleteRoles {
		if _, err := exec(ctx, tx, deleteUses, string(id)); err != nil {
			return err
		}
	}
	for _, r := range c.PutRoles {
		if r.Changed.Revision <= 1 {
			continue
		}
		var lost []string
		err := query(ctx, tx, func(scan scanner) error {
			var name string
			if err := scan(&name); err != nil {
				return err
			}
			if p, known := access.ParsePermission(name); !known || !r.Permissions.Has(p) {
				lost = append(lost, name)
			}
			return nil
		}, selectUsedOf, string(r.ID))
		if err != nil {
			return err
		}
		for _, name := range lost {
			if _, err := exec(ctx, tx, deleteUse, string(r.ID), name); err != nil {
				return err
			}
		}
	}
	return nil
}
