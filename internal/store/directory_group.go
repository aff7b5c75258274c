package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/portico-iam/portico/internal/directory"
	"github.com/portico-iam/portico/internal/history"
)

const (
	insertDirectoryGroup = `INSERT INTO directory_group (id, name, external_id, members, created_at, modified_at, revision)
	VALUES ($1, $2, $3, 0, $4, $5, $6)`
	updateDirectoryGroup = `UPDATE directory_group SET name = $2, external_id = $3, created_at = $4, modified_at = $5, revision = $6
	WHERE id = $1 AND revision = $6 - 1`
	deleteDirectoryGroup = `DELETE FROM directory_group WHERE id = $1 AND revision = $2`
	selectDirectoryGroup = `SELECT id, name, external_id, members, created_at, modified_at, revision FROM directory_group`
	countDirectoryGroup  = `SELECT COUNT(*) FROM directory_group`
	selectGroupThere     = `SELECT revision FROM directory_group WHERE id = $1`
	selectGroupTaken     = `SELECT name = $2 FROM directory_group WHERE (name = $2 OR external_id = $3 AND external_id <> '') AND id <> $1
	ORDER BY CASE WHEN name = $2 THEN 0 ELSE 1 END`

	insertMember = `INSERT INTO directory_member (group_id, user_id) VALUES `
	deleteMember = `DELETE FROM directory_member WHERE group_id = $1 AND user_id IN `
	clearMembers = `DELETE FROM directory_member WHERE group_id = $1`
	countMembers = `UPDATE directory_group SET members = (SELECT COUNT(*) FROM directory_member WHERE group_id = $1) WHERE id = $1 RETURNING members`
	selectMember = `SELECT m.group_id, m.user_id, u.user_name FROM directory_member m JOIN directory_user u ON u.id = m.user_id WHERE m.group_id IN `

	// Each group that somebody leaves has one member less.
	leaveGroups = `UPDATE directory_group SET members = members - 1 WHERE id IN (SELECT group_id FROM directory_member WHERE user_id = $1)`
)

// InsertGroup implements directory.Store.
func (db *DB) InsertGroup(ctx context.Context, g directory.Group, members []directory.MemberChange, e history.Entry) (directory.Group, error) {
	err := db.changeDirectory(ctx, g.ID, e, func(tx *sql.Tx) (err error) {
		if err := groupTaken(ctx, tx, g); err != nil {
			return err
		}
		if _, err := exec(ctx, tx, insertDirectoryGroup, g.ID, g.Name, g.ExternalID, millis(g.CreatedAt), millis(g.ModifiedAt), g.Revision); err != nil {
			return err
		}
		g.Members, err = changeMembers(ctx, tx, g.ID, members)
		return err
	})
	return g, err
}

// SaveGroup implements directory.Store.
func (db *DB) SaveGroup(ctx context.Context, g directory.Group, members []directory.MemberChange, e history.Entry) (directory.Group, error) {
	err := db.changeDirectory(ctx, g.ID, e, func(tx *sql.Tx) error {
		if err := groupTaken(ctx, tx, g); err != nil {
			return err
		}
		// First, so that of two who change its members the second waits here, and finds another revision.
		updated, err := exec(ctx, tx, updateDirectoryGroup, g.ID, g.Name, g.ExternalID, millis(g.CreatedAt), millis(g.ModifiedAt), g.Revision)
		if err := orMissing(ctx, tx, updated, err, selectGroupThere, g.ID); err != nil {
			return err
		}
		g.Members, err = changeMembers(ctx, tx, g.ID, members)
		return err
	})
	return g, err
}

// DeleteGroup implements directory.Store. Its members stay.
func (db *DB) DeleteGroup(ctx context.Context, id string, revision int64, e history.Entry) error {
	return db.changeDirectory(ctx, id, e, func(tx *sql.Tx) error {
		deleted, err := exec(ctx, tx, deleteDirectoryGroup, id, revision)
		return orMissing(ctx, tx, deleted, err, selectGroupThere, id)
	})
}

func groupTaken(ctx context.Context, tx *sql.Tx, g directory.Group) error {
	var name bool
	taken, err := queryRow(ctx, tx, func(scan scanner) error { return scan(&name) }, selectGroupTaken, g.ID, g.Name, g.ExternalID)
	switch {
	case err != nil || !taken:
		return err
	case name:
		return directory.ErrTaken
	}
	return directory.ErrTakenID
}

// changeMembers touches only who comes and goes: a group of a hundred thousand is never read to add one.
func changeMembers(ctx context.Context, tx *sql.Tx, group string, changes []directory.MemberChange) (members int, err error) {
	for _, c := range changes {
		if err := changeSome(ctx, tx, group, c); err != nil {
			return 0, err
		}
	}
	if _, err := queryRow(ctx, tx, func(scan scanner) error { return scan(&members) }, countMembers, group); err != nil {
		return 0, err
	}
	if members > directory.MaxMembers {
		return 0, directory.ErrTooMany
	}
	return members, nil
}

const someMembers = 150 // of one statement

func changeSome(ctx context.Context, tx *sql.Tx, group string, c directory.MemberChange) error {
	if c.Clear {
		_, err := exec(ctx, tx, clearMembers, group)
		return err
	}
	users := slices.Compact(slices.Sorted(slices.Values(c.Users)))
	for some := range slices.Chunk(users, someMembers) {
		if c.Remove {
			if _, err := exec(ctx, tx, deleteMember+placeholders(2, len(some)), args(some, group)...); err != nil {
				return err
			}
			continue
		}
		if err := insertMembers(ctx, tx, group, some); err != nil {
			return err
		}
	}
	return nil
}

// insertMembers leaves out who is there already: a repeated request changes nothing. It looks nobody up before: on PostgreSQL a
// group that grows fast has no statistics yet, and is read whole each time. Whoever is not provisioned breaks a reference.
func insertMembers(ctx context.Context, tx *sql.Tx, group string, users []string) error {
	var text strings.Builder
	text.WriteString(insertMember)
	all := make([]any, 0, 2*len(users))
	for i, id := range users {
		if i > 0 {
			text.WriteByte(',')
		}
		text.WriteString(placeholders(len(all)+1, 2))
		all = append(all, group, id)
	}
	text.WriteString(` ON CONFLICT DO NOTHING`)
	_, err := exec(ctx, tx, text.String(), all...)
	if isStranger(err) {
		return directory.ErrStranger
	}
	return err
}

func isStranger(err error) bool {
	var answer *pgconn.PgError
	var lite *sqlite.Error
	const foreignKeyViolation = "23503"
	return errors.As(err, &answer) && answer.Code == foreignKeyViolation || errors.As(err, &lite) && lite.Code() == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY
}

func args(texts []string, before ...string) []any {
	all := make([]any, 0, len(before)+len(texts))
	for _, text := range slices.Concat(before, texts) {
		all = append(all, text)
	}
	return all
}

// DirectoryGroup implements directory.Store.
func (db *DB) DirectoryGroup(ctx context.Context, id string) (g directory.Group, found bool, err error) {
	found, err = queryRow(ctx, db.reading, func(scan scanner) (err error) {
		g, err = scanGroup(scan)
		return err
	}, selectDirectoryGroup+` WHERE id = $1`, id)
	if err != nil {
		return g, false, fmt.Errorf("read a provisioned group: %w", err)
	}
	return g, found, nil
}

func scanGroup(scan scanner) (g directory.Group, err error) {
	var created, modified int64
	err = scan(&g.ID, &g.Name, &g.ExternalID, &g.Members, &created, &modified, &g.Revision)
	g.CreatedAt, g.ModifiedAt = instant(created), instant(modified)
	return g, err
}

// DirectoryGroups implements directory.Store.
func (db *DB) DirectoryGroups(ctx context.Context, q directory.Query) (page []directory.Group, total int, err error) {
	total, err = db.directoryPage(ctx, q, groupColumns, selectDirectoryGroup, countDirectoryGroup, func(scan scanner) error {
		g, err := scanGroup(scan)
		page = append(page, g)
		return err
	})
	return page, total, err
}

// Members implements directory.Store.
func (db *DB) Members(ctx context.Context, groups []string, most int) (map[string][]directory.Member, error) {
	members := make(map[string][]directory.Member, len(groups))
	if len(groups) == 0 {
		return members, nil
	}
	n := 0
	err := query(ctx, db.reading, func(scan scanner) error {
		var group string
		var m directory.Member
		if err := scan(&group, &m.ID, &m.Display); err != nil {
			return err
		}
		if n++; n > most {
			return directory.ErrTooMany
		}
		members[group] = append(members[group], m)
		return nil
	}, selectMember+placeholders(1, len(groups))+` ORDER BY m.group_id`+db.engine.bytewise+`, m.user_id`+db.engine.bytewise, args(groups)...)
	if errors.Is(err, directory.ErrTooMany) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("list the members of groups: %w", err)
	}
	return members, nil
}
