package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/portico-iam/portico/internal/access"
)

const selectProbation = `SELECT issuer, subject, name, at, until_at, left_set, iam_roles, undo FROM probation WHERE id = 1`

// loadProbation returns what is on probation; nil when nothing is.
func (db *DB) loadProbation(ctx context.Context, tx *sql.Tx) (*access.Probation, error) {
	var p access.Probation
	var at, until int64
	var left, iamRoles, undo string
	found, err := queryRow(ctx, tx, func(scan scanner) error {
		return scan(&p.Issuer, &p.Subject, &p.Name, &at, &until, &left, &iamRoles, &undo)
	}, selectProbation)
	if err != nil || !found {
		return nil, err
	}
	p.At, p.Until = instant(at), instant(until)
	if p.Left, _, err = parsePermissions(left); err != nil {
		return nil, fmt.Errorf("probation: %w", err)
	}
	if err = decode("IAM roles", iamRoles, &p.IAMRoles); err != nil {
		return nil, fmt.Errorf("probation: %w", err)
	}
	var unknown []string
	if p.Undo, unknown, err = decodeChange(undo); err != nil {
		return nil, fmt.Errorf("probation: %w", err)
	}
	if len(unknown) > 0 {
		db.logger.WarnContext(ctx, "what is on probation holds permissions that this version does not know; undone here, it would lose them", "permissions", unknown)
	}
	return &p, nil
}

const (
	deleteProbation = `DELETE FROM probation WHERE id = 1`
	insertProbation = `INSERT INTO probation (id, issuer, subject, name, at, until_at, left_set, iam_roles, undo) VALUES (1, $1, $2, $3, $4, $5, $6, $7, $8)`
)

func storeProbation(ctx context.Context, tx *sql.Tx, c access.Change) error {
	if c.EndsProbation {
		if _, err := exec(ctx, tx, deleteProbation); err != nil {
			return fmt.Errorf("end the probation: %w", err)
		}
	}
	if p := c.Probation; p != nil {
		_, err := exec(ctx, tx, insertProbation,
			p.Issuer, p.Subject, p.Name, millis(p.At), millis(p.Until), encode(p.Left.Names()), encode(p.IAMRoles), encodeChange(p.Undo))
		if err != nil {
			return fmt.Errorf("begin a probation: %w", err)
		}
	}
	return nil
}
