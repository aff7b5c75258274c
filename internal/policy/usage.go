package policy

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/session"
)

// UsedWithin is how far back a use counts, as who was seen does.
const UsedWithin = session.SeenWithin

// RoleUse is when a role's permission was used. Its times are whole days of UTC; zero: never.
type RoleUse struct {
	Role            access.RoleID
	Permission      access.Permission
	Since           time.Time // when Portico began to look
	Used, HandedOut time.Time // the last day; HandedOut: in a token of the token endpoint, whose use is not seen
}

// UsageStore keeps what was used.
type UsageStore interface {
	// RoleUses returns the rows of one role; of all when it is empty.
	RoleUses(ctx context.Context, role access.RoleID) ([]RoleUse, error)
	// NoteRoleUses adds rows to those that are there: the first Since and the last days stay. Roles that are gone are left out.
	NoteRoleUses(ctx context.Context, uses []RoleUse) error
	// ForgetRoleUses drops the days before that one.
	ForgetRoleUses(ctx context.Context, before time.Time) error
}

type useKey struct {
	role       access.RoleID
	permission access.Permission
}

// usage gathers what was used until it is stored. It holds a row at most for each permission of each role.
type usage struct {
	storing sync.Mutex // one goroutine at a time stores
	day     time.Time  // on which days were last forgotten

	mu      sync.Mutex
	stored  map[useKey]RoleUse // as far as we know; nil: not read yet
	pending map[useKey]RoleUse
	watched map[access.RoleID]int64 // the revisions of the roles whose permissions all have a row
}

func dayOf(at time.Time) time.Time { return at.UTC().Truncate(24 * time.Hour) }

// and is what two rows of a permission say together.
func (u RoleUse) and(v RoleUse) RoleUse {
	if u.Since.IsZero() || !v.Since.IsZero() && v.Since.Before(u.Since) {
		u.Since = v.Since
	}
	if v.Used.After(u.Used) {
		u.Used = v.Used
	}
	if v.HandedOut.After(u.HandedOut) {
		u.HandedOut = v.HandedOut
	}
	return u
}

// NoteToken notes that a token by which the principal acts elsewhere carries these permissions: what is done with it is not seen here.
func (s *Service) NoteToken(p *access.Principal, org access.OrganisationID, set access.PermissionSet) {
	s.Snapshot().NoteToken(p, org, set)
}

// NoteDelegated does so of a token by which a service acts for a user.
func (s *Service) NoteDelegated(service, user *access.Principal, org access.OrganisationID, set access.PermissionSet) {
	s.Snapshot().NoteDelegated(service, user, org, set)
}

// publish makes a snapshot everybody's. What was noted on the one before is gathered.
func (s *Service) publish(next *access.Snapshot) {
	if old := s.current.Swap(next.Live(s.Now)); old != nil {
		s.gather(old)
	}
}

// gather takes over what was noted on a snapshot.
func (s *Service) gather(snapshot *access.Snapshot) {
	if s.Usage == nil {
		return
	}
	u, today := &s.usage, dayOf(s.Now())
	u.mu.Lock()
	defer u.mu.Unlock()
	for role, use := range snapshot.TakeUses() {
		for p := range use.Used.Union(use.HandedOut).All() {
			row := RoleUse{Role: role.ID, Permission: p, Since: today}
			if use.Used.Has(p) {
				row.Used = today
			}
			if use.HandedOut.Has(p) {
				row.HandedOut = today
			}
			u.add(row)
		}
	}
}

func (u *usage) add(row RoleUse) {
	key := useKey{row.Role, row.Permission}
	if known, ok := u.stored[key]; ok && known.and(row) == known {
		return
	}
	u.pending[key] = row.and(u.pending[key])
}

// watch has a row for each permission of each role: it says since when its use would have been noticed.
func (u *usage) watch(now *access.Snapshot, today time.Time) {
	gone := func(key useKey, _ RoleUse) bool {
		role := now.Role(key.role)
		return role == nil || !role.Permissions.Has(key.permission)
	}
	maps.DeleteFunc(u.stored, gone)
	maps.DeleteFunc(u.pending, gone)
	maps.DeleteFunc(u.watched, func(id access.RoleID, _ int64) bool { return now.Role(id) == nil })
	for _, role := range now.Roles() {
		seen, known := u.watched[role.ID]
		if known && seen == role.Changed.Revision {
			continue
		}
		for p := range role.Permissions.All() {
			if known { // it was edited, and perhaps lost what it has again
				delete(u.stored, useKey{role.ID, p})
			}
			u.add(RoleUse{Role: role.ID, Permission: p, Since: today})
		}
		u.watched[role.ID] = role.Changed.Revision
	}
}

// StoreUsage stores what was used since the last time. It is to be called twice a minute or so, and at the end.
func (s *Service) StoreUsage(ctx context.Context) error {
	if s.Usage == nil {
		return nil
	}
	u := &s.usage
	u.storing.Lock()
	defer u.storing.Unlock()
	rows, err := s.unstored(ctx)
	if err != nil {
		return err
	}
	for chunk := range slices.Chunk(rows, 1000) {
		if err := s.Usage.NoteRoleUses(ctx, chunk); err != nil {
			return err
		}
		u.mu.Lock()
		for _, row := range chunk {
			key := useKey{row.Role, row.Permission}
			u.stored[key] = row.and(u.stored[key])
			if u.pending[key] == row {
				delete(u.pending, key)
			}
		}
		u.mu.Unlock()
	}
	today := dayOf(s.Now())
	if u.day.Equal(today) {
		return nil
	}
	if err := s.Usage.ForgetRoleUses(ctx, today.Add(-UsedWithin)); err != nil {
		return err
	}
	u.day = today
	return nil
}

// unstored returns what is to be stored.
func (s *Service) unstored(ctx context.Context) ([]RoleUse, error) {
	u := &s.usage
	if u.stored == nil { // written under storing alone
		rows, err := s.Usage.RoleUses(ctx, "")
		if err != nil {
			return nil, err
		}
		stored := make(map[useKey]RoleUse, len(rows))
		for _, row := range rows {
			stored[useKey{row.Role, row.Permission}] = row
		}
		u.mu.Lock()
		u.stored = stored
		u.mu.Unlock()
	}
	now := s.Snapshot()
	s.gather(now)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.watch(now, dayOf(s.Now()))
	return slices.Collect(maps.Values(u.pending)), nil
}

// RoleUsage is which permissions of a role were used.
type RoleUsage struct {
	Role        *access.Role
	Since       time.Time // when Portico began to look
	From        time.Time // the first day that counts
	Permissions []RoleUse // each of the role's, in the order of the catalogue
}

// Unused returns what was neither used nor handed out in the time that counts.
func (u RoleUsage) Unused() access.PermissionSet {
	unused := u.Role.Permissions
	for _, use := range u.Permissions {
		if !use.Used.Before(u.From) || !use.HandedOut.Before(u.From) {
			unused = unused.Minus(access.SetOf(use.Permission))
		}
	}
	return unused
}

// RoleUsage tells which permissions of a role were used.
func (s *Service) RoleUsage(ctx context.Context, by *access.Principal, id access.RoleID) (RoleUsage, error) {
	role, err := s.Role(ctx, by, id)
	if err != nil || s.Usage == nil {
		return RoleUsage{Role: role}, err
	}
	rows, err := s.Usage.RoleUses(ctx, id)
	if err != nil {
		return RoleUsage{}, err
	}
	known := make(map[access.Permission]RoleUse, len(rows))
	for _, row := range rows {
		known[row.Permission] = row
	}
	s.gather(s.Snapshot())
	today := dayOf(s.Now())
	usage := RoleUsage{Role: role, Since: today, From: today.Add(-UsedWithin)}
	s.usage.mu.Lock()
	defer s.usage.mu.Unlock()
	for p := range role.Permissions.All() {
		row := RoleUse{Role: id, Permission: p, Since: today}.and(known[p]).and(s.usage.pending[useKey{id, p}])
		if row.Since.Before(usage.Since) {
			usage.Since = row.Since
		}
		usage.Permissions = append(usage.Permissions, row)
	}
	return usage, nil
}

// Compare orders rows by role and permission.
func (u RoleUse) Compare(v RoleUse) int {
	return cmp.Or(cmp.Compare(u.Role, v.Role), cmp.Compare(u.Permission, v.Permission))
}
