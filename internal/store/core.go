package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/core"
	"github.com/portico-iam/portico/internal/history"
)

var _ core.OrganisationStore = (*DB)(nil)

// CreateOrganisation implements core.OrganisationStore.
func (db *DB) CreateOrganisation(ctx context.Context, o core.Organisation, e history.Entry) error {
	err := db.writeOrganisations(ctx, func(tx *sql.Tx) error {
		// Looked for, since the engines differ in which of several collisions they report.
		_, exists, err := getCoreOrganisation(ctx, tx, o.ID)
		if err != nil {
			return err
		}
		if exists {
			return core.ErrOrganisationExists
		}
		if err := insertCoreOrganisation(ctx, tx, o); err != nil {
			return err
		}
		return appendEntry(ctx, tx, e)
	})
	if err != nil {
		return fmt.Errorf("create organisation %s: %w", o.ID, err)
	}
	return nil
}

const selectCoreOrganisations = `SELECT id, name, created_at, modified_at, deactivated_at, wallet_provider, wallet_provider_issuer
	FROM core_organisation`

// GetOrganisation implements core.OrganisationStore.
func (db *DB) GetOrganisation(ctx context.Context, id access.OrganisationID) (o core.Organisation, found bool, err error) {
	o, found, err = getCoreOrganisation(ctx, db.reading, id)
	if err != nil {
		return core.Organisation{}, false, fmt.Errorf("get organisation %s: %w", id, err)
	}
	return o, found, nil
}

func getCoreOrganisation(ctx context.Context, on executor, id access.OrganisationID) (o core.Organisation, found bool, err error) {
	found, err = queryRow(ctx, on, func(scan scanner) (err error) {
		o, err = scanCoreOrganisation(scan)
		return err
	}, selectCoreOrganisations+` WHERE id = $1`, string(id))
	return o, found, err
}

func scanCoreOrganisation(scan scanner) (o core.Organisation, err error) {
	var created, modified, deactivated int64
	err = scan(&o.ID, &o.Name, &created, &modified, &deactivated, &o.WalletProvider, &o.WalletProviderIssuer)
	o.CreatedAt, o.ModifiedAt, o.DeactivatedAt = instant(created), instant(modified), instant(deactivated)
	return o, err
}

const countCoreOrganisations = `SELECT COUNT(*) FROM core_organisation`

// ListOrganisations implements core.OrganisationStore.
func (db *DB) ListOrganisations(ctx context.Context, f core.OrganisationFilter) (page []core.Organisation, total int, err error) {
	order, err := db.coreOrganisationOrder(f)
	if err != nil {
		return nil, 0, fmt.Errorf("list organisations: %w", err)
	}
	var w where
	switch {
	case f.NameExact:
		w.and(`name = ` + w.arg(f.Name))
	case f.Name != "":
		prefix := strings.ToLower(f.Name)
		w.and(`SUBSTR(folded, 1, ` + w.arg(utf8.RuneCountInString(prefix)) + `) = ` + w.arg(prefix))
	}
	w.between(`created_at`, f.CreatedAfter, f.CreatedBefore)
	w.between(`modified_at`, f.ModifiedAfter, f.ModifiedBefore)
	total, err = db.page(ctx, listing{
		rows: selectCoreOrganisations, count: countCoreOrganisations, where: w, order: order, page: f.Page, size: f.Size,
	}, func(scan scanner) error {
		o, err := scanCoreOrganisation(scan)
		page = append(page, o)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list organisations: %w", err)
	}
	return page, total, nil
}

func (db *DB) coreOrganisationOrder(f core.OrganisationFilter) (string, error) {
	direction := ` ASC`
	if f.Descending {
		direction = ` DESC`
	}
	id := `id` + db.engine.bytewise + direction
	switch f.Sort {
	case "", "createdDate":
		return `created_at` + direction + `, ` + id, nil
	case "name":
		return `name` + db.engine.bytewise + direction + `, ` + id, nil
	}
	return "", fmt.Errorf("expected createdDate or name to sort by, got %q", f.Sort)
}

// writeOrganisations runs do in a transaction that no other change of organisations overlaps. They are rare, and two
// that meet in the unique indexes of id and name could otherwise find either taken first, or each wait for the other.
func (db *DB) writeOrganisations(ctx context.Context, do func(tx *sql.Tx) error) error {
	return db.write(ctx, func(tx *sql.Tx) error {
		if db.engine.lockOrganisations != "" {
			if _, err := exec(ctx, tx, db.engine.lockOrganisations); err != nil {
				return err
			}
		}
		return do(tx)
	})
}

// UpsertOrganisation implements core.OrganisationStore.
func (db *DB) UpsertOrganisation(ctx context.Context, id access.OrganisationID, change core.OrganisationChange) error {
	var refused error
	err := db.writeOrganisations(ctx, func(tx *sql.Tx) error {
		var current *core.Organisation
		o, found, err := getCoreOrganisation(ctx, tx, id)
		if err != nil {
			return err
		}
		put := insertCoreOrganisation
		if found {
			current, put = &o, updateCoreOrganisation
		}
		next, entries, err := change(current)
		if err != nil || len(entries) == 0 {
			refused = err
			return nil
		}
		if err := put(ctx, tx, next); err != nil {
			return err
		}
		return appendEntries(ctx, tx, entries)
	})
	if refused != nil {
		return refused
	}
	if err != nil {
		return fmt.Errorf("change organisation %s: %w", id, err)
	}
	return nil
}

const updateCoreOrganisationRow = `UPDATE core_organisation SET name = $1, folded = $2, created_at = $3, modified_at = $4, deactivated_at = $5,
	wallet_provider = $6, wallet_provider_issuer = $7 WHERE id = $8`

func updateCoreOrganisation(ctx context.Context, tx *sql.Tx, o core.Organisation) error {
	_, err := exec(ctx, tx, updateCoreOrganisationRow, o.Name, strings.ToLower(o.Name), millis(o.CreatedAt), millis(o.ModifiedAt),
		millis(o.DeactivatedAt), o.WalletProvider, o.WalletProviderIssuer, string(o.ID))
	return collision(err)
}

const insertCoreOrganisationRow = `INSERT INTO core_organisation (id, name, folded, created_at, modified_at, deactivated_at,
	wallet_provider, wallet_provider_issuer) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`

func insertCoreOrganisation(ctx context.Context, tx *sql.Tx, o core.Organisation) error {
	_, err := exec(ctx, tx, insertCoreOrganisationRow, string(o.ID), o.Name, strings.ToLower(o.Name), millis(o.CreatedAt),
		millis(o.ModifiedAt), millis(o.DeactivatedAt), o.WalletProvider, o.WalletProviderIssuer)
	return collision(err)
}

// collision turns the engines' words for a taken value into Core's.
func collision(err error) error {
	var constraint string
	var pg *pgconn.PgError
	var lite *sqlite.Error
	switch {
	case errors.As(err, &pg) && pg.Code == "23505":
		constraint = pg.ConstraintName
	case errors.As(err, &lite) && lite.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE:
		constraint = lite.Error()
	default:
		return err
	}
	if strings.Contains(constraint, "wallet_provider") {
		return core.ErrWalletProviderUsed
	}
	return core.ErrOrganisationExists
}
