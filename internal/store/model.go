package store

import (
	"context"
	"database/sql"
	"fmt"
	"iter"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/cluster"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/policy"
)

var _ policy.Store = (*DB)(nil)

const selectModelVersion = `SELECT version FROM model WHERE id = 1`

// ModelVersion implements policy.Store.
func (db *DB) ModelVersion(ctx context.Context) (int64, error) {
	version, err := modelVersion(ctx, db.reading)
	if err != nil {
		return 0, fmt.Errorf("read the model's version: %w", err)
	}
	return version, nil
}

func modelVersion(ctx context.Context, on executor) (version int64, err error) {
	found, err := queryRow(ctx, on, func(scan scanner) error { return scan(&version) }, selectModelVersion)
	if err == nil && !found {
		err = fmt.Errorf("table model has lost its row")
	}
	return version, err
}

// LoadModel implements policy.Store. Permissions that this version doesn't know stay in the database and are left out
// of the model.
func (db *DB) LoadModel(ctx context.Context) (access.Model, error) {
	var m access.Model
	err := db.read(ctx, func(tx *sql.Tx) (err error) {
		if m.Version, err = modelVersion(ctx, tx); err != nil {
			return err
		}
		if m.Organisations, err = loadOrganisations(ctx, tx); err != nil {
			return err
		}
		if m.Roles, err = db.loadRoles(ctx, tx); err != nil {
			return err
		}
		if m.IAMRoles, err = loadIAMRoles(ctx, tx); err != nil {
			return err
		}
		if m.Probation, err = db.loadProbation(ctx, tx); err != nil {
			return err
		}
		if m.FourEyes, err = loadFourEyes(ctx, tx); err != nil {
			return err
		}
		if err = loadRequirements(ctx, tx, m); err != nil {
			return err
		}
		if err = loadEnds(ctx, tx, m); err != nil {
			return err
		}
		if err = loadGroups(ctx, tx, m); err != nil {
			return err
		}
		return loadMappings(ctx, tx, m)
	})
	if err != nil {
		return access.Model{}, fmt.Errorf("load the model: %w", err)
	}
	return m, nil
}

const selectOrganisations = `SELECT id, name, created_at, deactivated_at FROM organisation ORDER BY place`

func loadOrganisations(ctx context.Context, tx *sql.Tx) (list []*access.Organisation, err error) {
	err = query(ctx, tx, func(scan scanner) error {
		var o access.Organisation
		var created, deactivated int64
		if err := scan(&o.ID, &o.Name, &created, &deactivated); err != nil {
			return err
		}
		o.CreatedAt, o.DeactivatedAt = instant(created), instant(deactivated)
		list = append(list, &o)
		return nil
	}, selectOrganisations)
	return list, err
}

// roleDelegation is the column of that name. An ordinary role has an empty one.
type roleDelegation struct {
	RequiredUserPermissions []string `json:"requiredUserPermissions"`
}

const selectRoles = `SELECT id, name, permissions, delegation, created_at, modified_at, modified_by, revision FROM role
	ORDER BY created_at DESC, id DESC`

func (db *DB) loadRoles(ctx context.Context, tx *sql.Tx) (list []*access.Role, err error) {
	err = query(ctx, tx, func(scan scanner) error {
		var r access.Role
		var permissions, delegation string
		var changed changedColumns
		if err := scan(&r.ID, &r.Name, &permissions, &delegation, &changed.created, &changed.modified, &changed.by, &changed.revision); err != nil {
			return err
		}
		r.Changed = changed.changed()
		var unknown []string
		if r.Permissions, unknown, err = parsePermissions(permissions); err != nil {
			return fmt.Errorf("role %s: %w", r.ID, err)
		}
		if delegation != "" {
			var d roleDelegation
			if err := decode("delegation", delegation, &d); err != nil {
				return fmt.Errorf("role %s: %w", r.ID, err)
			}
			required, more := access.ParseSet(d.RequiredUserPermissions)
			r.Delegation = &access.Delegation{RequiredUserPermissions: required}
			unknown = append(unknown, more...)
		}
		if len(unknown) > 0 {
			db.logger.WarnContext(ctx, "role holds permissions that this version does not know", "role_id", r.ID, "permissions", unknown)
		}
		list = append(list, &r)
		return nil
	}, selectRoles)
	return list, err
}

func parsePermissions(text string) (set access.PermissionSet, unknown []string, err error) {
	var names []string
	if err := decode("permissions", text, &names); err != nil {
		return set, nil, err
	}
	set, unknown = access.ParseSet(names)
	return set, unknown, nil
}

const selectIAMRoles = `SELECT id, name, created_at, modified_at, modified_by, revision FROM iam_role
	ORDER BY created_at DESC, id DESC`

func loadIAMRoles(ctx context.Context, tx *sql.Tx) (list []*access.IAMRole, err error) {
	err = query(ctx, tx, func(scan scanner) error {
		im := access.IAMRole{OrganisationRoles: map[access.OrganisationID][]access.RoleID{}}
		var changed changedColumns
		if err := scan(&im.ID, &im.Name, &changed.created, &changed.modified, &changed.by, &changed.revision); err != nil {
			return err
		}
		im.Changed = changed.changed()
		list = append(list, &im)
		return nil
	}, selectIAMRoles)
	return list, err
}

const selectMappings = `SELECT iam_role_id, organisation_id, role_id FROM mapping ORDER BY iam_role_id, organisation_id, place`

// loadMappings fills the IAM roles of m. There may be a hundred thousand rows: ids are shared with m's rows instead of
// being made anew for each.
func loadMappings(ctx context.Context, tx *sql.Tx, m access.Model) error {
	iamRoles := make(map[string]*access.IAMRole, len(m.IAMRoles))
	for _, im := range m.IAMRoles {
		iamRoles[string(im.ID)] = im
	}
	ids := make(map[string]access.RoleID, len(m.Roles))
	for _, r := range m.Roles {
		ids[string(r.ID)] = r.ID
	}
	organisations := make(map[string]access.OrganisationID, len(m.Organisations))
	for _, o := range m.Organisations {
		organisations[string(o.ID)] = o.ID
	}
	var iamRole, organisation, role sql.RawBytes
	return query(ctx, tx, func(scan scanner) error {
		if err := scan(&iamRole, &organisation, &role); err != nil {
			return err
		}
		im, id := iamRoles[string(iamRole)], ids[string(role)]
		if im == nil || id == "" {
			return fmt.Errorf("table mapping names IAM role %q and role %q: one of them does not exist", iamRole, role)
		}
		if len(organisation) == 0 {
			im.SystemRoles = append(im.SystemRoles, id)
			return nil
		}
		org, known := organisations[string(organisation)]
		if !known {
			org = access.OrganisationID(organisation)
			organisations[string(org)] = org
		}
		im.OrganisationRoles[org] = append(im.OrganisationRoles[org], id)
		return nil
	}, selectMappings)
}

const updateModelVersion = `UPDATE model SET version = version + 1 WHERE id = 1 AND version = $1`

// CommitChange implements policy.Store. A role that is stored again keeps exactly the permissions that the change says:
// what a newer version had added to it, and its editor could not see, goes.
func (db *DB) CommitChange(ctx context.Context, base int64, c access.Change, entries []history.Entry) error {
	err := db.write(ctx, func(tx *sql.Tx) error {
		// First, so that of two writers the second waits here, and then finds that it came too late.
		updated, err := exec(ctx, tx, updateModelVersion, base)
		if err != nil {
			return err
		}
		if updated == 0 {
			return policy.ErrVersion
		}
		if err := storeChange(ctx, tx, c); err != nil {
			return err
		}
		if err := appendEntries(ctx, tx, entries); err != nil {
			return err
		}
		if err := noteChanges(ctx, tx, base+1, entries); err != nil {
			return err
		}
		return db.announce(ctx, tx, cluster.Policy)
	})
	if err != nil {
		return fmt.Errorf("commit a change of the model: %w", err)
	}
	return nil
}

const (
	deleteIAMRole = `DELETE FROM iam_role WHERE id = $1` // its mappings go with it
	deleteRole    = `DELETE FROM role WHERE id = $1`
)

func storeChange(ctx context.Context, tx *sql.Tx, c access.Change) error {
	// Rows that are replaced go first: two that exchange their names would else be in each other's way.
	for _, id := range c.DeleteIAMRoles {
		if _, err := exec(ctx, tx, deleteIAMRole, string(id)); err != nil {
			return fmt.Errorf("delete IAM role %s: %w", id, err)
		}
	}
	for _, im := range c.PutIAMRoles {
		if im.Changed.Revision <= 1 {
			continue
		}
		if _, err := exec(ctx, tx, deleteIAMRole, string(im.ID)); err != nil {
			return fmt.Errorf("replace IAM role %s: %w", im.ID, err)
		}
	}
	for _, id := range c.DeleteRoles {
		if _, err := exec(ctx, tx, deleteRole, string(id)); err != nil {
			return fmt.Errorf("delete role %s: %w", id, err)
		}
	}
	for _, r := range c.PutRoles {
		if r.Changed.Revision <= 1 {
			continue
		}
		if _, err := exec(ctx, tx, deleteRole, string(r.ID)); err != nil {
			return fmt.Errorf("replace role %s: %w", r.ID, err)
		}
	}
	if err := forgetUses(ctx, tx, c); err != nil {
		return fmt.Errorf("forget the use of roles: %w", err)
	}
	if err := insertRoles(ctx, tx, c.PutRoles); err != nil {
		return fmt.Errorf("store roles: %w", err)
	}
	if err := storeRequirements(ctx, tx, c); err != nil {
		return err
	}
	if err := insertIAMRoles(ctx, tx, c.PutIAMRoles); err != nil {
		return fmt.Errorf("store IAM roles: %w", err)
	}
	if err := recordEnds(ctx, tx, c.RecordEnds); err != nil {
		return err
	}
	if err := storeGroups(ctx, tx, c); err != nil {
		return fmt.Errorf("store the groups of IAM roles: %w", err)
	}
	if c.Organisations != nil {
		if err := replaceOrganisations(ctx, tx, c.Organisations); err != nil {
			return fmt.Errorf("store organisations: %w", err)
		}
	}
	if err := storeFourEyes(ctx, tx, c); err != nil {
		return fmt.Errorf("store who demands a second administrator: %w", err)
	}
	if err := approveRequest(ctx, tx, c); err != nil {
		return err
	}
	return storeProbation(ctx, tx, c)
}

func delegationOf(r *access.Role) *roleDelegation {
	if r.Delegation == nil {
		return nil
	}
	return &roleDelegation{RequiredUserPermissions: r.Delegation.RequiredUserPermissions.Names()}
}

const insertRole = `INSERT INTO role (id, name, permissions, delegation, created_at, modified_at, modified_by, revision) VALUES `

func insertRoles(ctx context.Context, tx *sql.Tx, roles []*access.Role) error {
	return insertRows(ctx, tx, insertRole, 8, each(roles, func(r *access.Role, yield func([]any) bool) bool {
		delegation := ""
		if d := delegationOf(r); d != nil {
			delegation = encode(d)
		}
		return yield([]any{
			string(r.ID), r.Name, encode(r.Permissions.Names()), delegation,
			millis(r.Changed.CreatedAt), millis(r.Changed.ModifiedAt), r.Changed.ModifiedBy, r.Changed.Revision,
		})
	}))
}

const (
	insertIAMRole = `INSERT INTO iam_role (id, name, created_at, modified_at, modified_by, revision) VALUES `
	insertMapping = `INSERT INTO mapping (iam_role_id, organisation_id, place, role_id) VALUES `
)

func insertIAMRoles(ctx context.Context, tx *sql.Tx, iamRoles []*access.IAMRole) error {
	err := insertRows(ctx, tx, insertIAMRole, 6, each(iamRoles, func(im *access.IAMRole, yield func([]any) bool) bool {
		return yield([]any{
			string(im.ID), im.Name,
			millis(im.Changed.CreatedAt), millis(im.Changed.ModifiedAt), im.Changed.ModifiedBy, im.Changed.Revision,
		})
	}))
	if err != nil {
		return err
	}
	if err := insertEnds(ctx, tx, iamRoles); err != nil {
		return err
	}
	return insertRows(ctx, tx, insertMapping, 4, each(iamRoles, func(im *access.IAMRole, yield func([]any) bool) bool {
		for place, role := range im.SystemRoles {
			if !yield([]any{string(im.ID), string(access.System), place, string(role)}) {
				return false
			}
		}
		for org, roles := range im.OrganisationRoles {
			for place, role := range roles {
				if !yield([]any{string(im.ID), string(org), place, string(role)}) {
					return false
				}
			}
		}
		return true
	}))
}

const (
	deleteOrganisations = `DELETE FROM organisation`
	insertOrganisation  = `INSERT INTO organisation (id, place, name, created_at, deactivated_at) VALUES `
)

func replaceOrganisations(ctx context.Context, tx *sql.Tx, list []*access.Organisation) error {
	if _, err := exec(ctx, tx, deleteOrganisations); err != nil {
		return err
	}
	place := 0
	return insertRows(ctx, tx, insertOrganisation, 5, each(list, func(o *access.Organisation, yield func([]any) bool) bool {
		place++
		return yield([]any{string(o.ID), place, o.Name, millis(o.CreatedAt), millis(o.DeactivatedAt)})
	}))
}

// each yields the rows that one returns for each of list. one returns what yield returned last.
func each[T any](list []T, one func(item T, yield func([]any) bool) bool) iter.Seq[[]any] {
	return func(yield func([]any) bool) {
		for _, item := range list {
			if !one(item, yield) {
				return
			}
		}
	}
}

// changedColumns are the columns of access.Changed.
type changedColumns struct {
	created, modified int64
	by                string
	revision          int64
}

func (c *changedColumns) changed() access.Changed {
	return access.Changed{CreatedAt: instant(c.created), ModifiedAt: instant(c.modified), ModifiedBy: c.by, Revision: c.revision}
}
