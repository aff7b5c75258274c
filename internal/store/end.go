package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/portico-iam/portico/internal/access"
)

const selectEnds = `SELECT iam_role_id, organisation_id, ends_at, recorded FROM mapping_end`

// loadEnds fills in when the mappings of m end.
func loadEnds(ctx context.Context, tx *sql.Tx, m access.Model) error {
	iamRoles := make(map[access.IAMRoleID]*access.IAMRole, len(m.IAMRoles))
	for _, im := range m.IAMRoles {
		iamRoles[im.ID] = im
	}
	return query(ctx, tx, func(scan scanner) error {
		var id access.IAMRoleID
		var org access.OrganisationID
		var at, recorded int64
		if err := scan(&id, &org, &at, &recorded); err != nil {
			return err
		}
		im := iamRoles[id]
		if im == nil {
			return fmt.Errorf("table mapping_end names IAM role %q, which does not exist", id)
		}
		if im.Ends == nil {
			im.Ends = map[access.OrganisationID]access.End{}
		}
		im.Ends[org] = access.End{At: instant(at), Recorded: recorded != 0}
		return nil
	}, selectEnds)
}

const (
	insertEnd = `INSERT INTO mapping_end (iam_role_id, organisation_id, ends_at, recorded) VALUES `
	recordEnd = `UPDATE mapping_end SET recorded = 1 WHERE iam_role_id = $1 AND organisation_id = $2`
)

func insertEnds(ctx context.Context, tx *sql.Tx, iamRoles []*access.IAMRole) error {
	return insertRows(ctx, tx, insertEnd, 4, each(iamRoles, func(im *access.IAMRole, yield func([]any) bool) bool {
		for org, end := range im.Ends {
			recorded := 0
			if end.Recorded {
				recorded = 1
			}
			if !yield([]any{string(im.ID), string(org), millis(end.At), recorded}) {
				return false
			}
		}
		return true
	}))
}

func recordEnds(ctx context.Context, tx *sql.Tx, all []access.Placement) error {
	for _, at := range all {
		if _, err := exec(ctx, tx, recordEnd, string(at.IAMRole), string(at.Organisation)); err != nil {
			return fmt.Errorf("record an end: %w", err)
		}
	}
	return nil
}
