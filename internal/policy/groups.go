package policy

import (
	"context"
	"errors"
	"slices"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/directory"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
)

// Groups knows which groups are provisioned.
type Groups interface {
	// KnownGroups returns the groups of those ids and those of those names, some perhaps twice.
	KnownGroups(ctx context.Context, ids, names []string) ([]directory.Group, error)
	// DirectoryGroups lists them.
	DirectoryGroups(ctx context.Context, q directory.Query) (page []directory.Group, total int, err error)
}

// groupsFollow is who has mappings follow their groups.
const groupsFollow = access.OwnSubject + "what became of its group"

// bind ties the mappings that a change puts to the provisioned groups of their names: new ones, and those that get another name.
// Others stay with the group that they had, whatever became of it, unless the change confirms them.
func (s *Service) bind(ctx context.Context, now *access.Snapshot, c access.Change) (access.Change, error) {
	var ids, names []string
	rows := make([]*access.IAMRole, 0, len(c.PutIAMRoles))
	for _, put := range c.PutIAMRoles {
		row, old := *put, now.IAMRole(put.ID)
		named := old == nil || old.Name != row.Name
		switch {
		case slices.Contains(c.Confirms, row.ID) || c.Undoes:
		case !named && row.Group.ID == "":
			row.Group = old.Group
		case named && row.Group.Name != row.Name:
			row.Group = access.Group{}
			names = append(names, row.Name)
		}
		if row.Group.ID != "" {
			ids = append(ids, row.Group.ID)
		}
		rows = append(rows, &row)
	}
	if len(rows) == 0 {
		return c, nil
	}
	c.PutIAMRoles = rows
	known, err := s.knownGroups(ctx, ids, names)
	if err != nil || s.Groups == nil {
		return c, err
	}
	for _, row := range rows {
		if row.Group.ID == "" && slices.Contains(names, row.Name) {
			row.Group = access.Group{ID: known.named[row.Name]}
		}
		if row.Group.ID != "" { // as it is called now: the row may be one of before
			row.Group.Name = known.byID[row.Group.ID].Name
		}
	}
	return c, nil
}

// groupsKnown are groups by what they are asked for.
type groupsKnown struct {
	byID  map[string]directory.Group
	named map[string]string // their ids
}

func (s *Service) knownGroups(ctx context.Context, ids, names []string) (groupsKnown, error) {
	k := groupsKnown{map[string]directory.Group{}, map[string]string{}}
	if s.Groups == nil || len(ids)+len(names) == 0 {
		return k, nil
	}
	all, err := s.Groups.KnownGroups(ctx, ids, names)
	if err != nil {
		return k, fault.Unavailable.New("the provisioned groups can't be read at the moment; nothing was changed, try again").Because(err)
	}
	for _, g := range all {
		k.byID[g.ID], k.named[g.Name] = g, g.ID
	}
	return k, nil
}

// boundIDs are the groups of mappings.
func boundIDs(now *access.Snapshot) (ids []string) {
	for _, im := range now.IAMRoles() {
		if im.Group.ID != "" {
			ids = append(ids, im.Group.ID)
		}
	}
	return ids
}

// FollowGroups has the mappings follow what became of their groups: one whose group was renamed or deleted counts no more, and one
// whose group has its old name again counts again. It can't be refused, so the guard of the last administrators is another one
// here: what administers by such a mapping goes on to count as long as nobody who was seen could administer without it. It costs
// nothing where no mapping has a group.
func (s *Service) FollowGroups(ctx context.Context) error {
	if s.Groups == nil || len(boundIDs(s.Snapshot())) == 0 {
		return nil
	}
	states, err := s.followed(ctx, s.Snapshot())
	if err != nil || len(states) == 0 {
		return err
	}
	_, err = s.change(ctx, nil, Seen{}, func(now *access.Snapshot) (access.Change, error) {
		c := access.Change{By: groupsFollow, At: s.Now()}
		if c.Groups, err = s.followed(ctx, now); err == nil && len(c.Groups) == 0 { // another replica was faster
			err = errUnchanged
		}
		return c, err
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	return err
}

// followed returns what is not yet noted of groups.
func (s *Service) followed(ctx context.Context, now *access.Snapshot) (states []access.GroupState, err error) {
	known, err := s.knownGroups(ctx, boundIDs(now), nil)
	if err != nil {
		return nil, err
	}
	var all []access.GroupState
	held := false
	for _, im := range now.IAMRoles() {
		if im.Group.ID == "" {
			continue
		}
		state := access.GroupState{IAMRole: im.ID, Group: access.Group{ID: im.Group.ID, Name: known.byID[im.Group.ID].Name}}
		all = append(all, state)
		held = held || state.Group.Name != im.Name && len(im.SystemRoles) > 0
	}
	if held {
		if err := s.keepHeld(ctx, now, all); err != nil {
			return nil, err
		}
	}
	for _, state := range all {
		if state.Group != now.IAMRole(state.IAMRole).Group {
			states = append(states, state)
		}
	}
	return states, nil
}

// keepHeld has the mappings that are held keep their administration where nobody could administer without it.
func (s *Service) keepHeld(ctx context.Context, now *access.Snapshot, all []access.GroupState) error {
	after, err := now.After(access.Change{Groups: all, At: s.Now()})
	if err != nil {
		return err
	}
	switch err := s.administratorsLeft(ctx, nil, now, after); {
	case err == nil:
		return nil
	case !fault.LastAdministrator.Is(err):
		return err
	}
	for i, state := range all {
		im := after.IAMRole(state.IAMRole)
		all[i].Group.Keeps = im.Held() && slices.ContainsFunc(im.SystemRoles, func(id access.RoleID) bool {
			role := now.Role(id)
			return role != nil && !role.Permissions.Intersect(access.Administration).IsEmpty()
		})
	}
	return nil
}

// ConfirmGroup has a mapping count for whoever carries its name: it is tied to the provisioned group of that name, or, where there
// is none, to none.
func (s *Service) ConfirmGroup(ctx context.Context, by *access.Principal, id access.IAMRoleID, seen Seen) error {
	if err := s.Enforce(ctx, by, access.System, "edit an IAM role", access.STSIAMRoleEdit); err != nil {
		return err
	}
	_, err := s.change(ctx, by, seen, func(now *access.Snapshot) (access.Change, error) {
		c, err := s.Confirming(ctx, now, id)
		c.By, c.At = by.Subject, s.Now()
		if err == nil && seen.Revision != 0 {
			c.PutIAMRoles[0].Changed.Revision = seen.Revision
		}
		return c, err
	})
	return err
}

// Confirming is the change that ConfirmGroup makes.
func (s *Service) Confirming(ctx context.Context, now *access.Snapshot, id access.IAMRoleID) (access.Change, error) {
	old := now.IAMRole(id)
	if old == nil {
		return access.Change{}, fault.NotFound.New("there is no IAM role %s", id)
	}
	known, err := s.knownGroups(ctx, nil, []string{old.Name})
	if err != nil {
		return access.Change{}, err
	}
	row := old.Clone()
	if row.Group = (access.Group{}); known.named[row.Name] != "" {
		row.Group = access.Group{ID: known.named[row.Name], Name: row.Name}
	}
	return access.Change{PutIAMRoles: []*access.IAMRole{row}, Confirms: []access.IAMRoleID{id}}, nil
}

// ProvisionedGroup is what of a group somebody may know who may open its mapping.
func (s *Service) ProvisionedGroup(ctx context.Context, im *access.IAMRole) (own, named *directory.Group, err error) {
	known, err := s.knownGroups(ctx, []string{im.Group.ID}, []string{im.Name})
	if err != nil {
		return nil, nil, err
	}
	if g, found := known.byID[im.Group.ID]; found {
		own = &g
	}
	if g, found := known.byID[known.named[im.Name]]; found {
		named = &g
	}
	return own, named, nil
}

// ProvisionedGroups lists groups to choose from: those whose names hold a part, at most limit. Whoever may make mappings may know
// them.
func (s *Service) ProvisionedGroups(ctx context.Context, by *access.Principal, part string, limit int) (page []directory.Group, total int, err error) {
	held, _ := s.Snapshot().Effective(by, access.System)
	if s.Groups == nil || !held.Has(access.STSIAMRoleCreate) && !held.Has(access.STSIAMRoleEdit) {
		return nil, 0, nil
	}
	q := directory.Query{Limit: min(limit, directory.MaxPage)}
	if part != "" {
		q.Filter = &directory.Filter{Operator: directory.Contains, Attribute: directory.AttrName, Text: part}
	}
	return s.Groups.DirectoryGroups(ctx, q)
}

// addGroups adds what became of groups to what leads nowhere.
func (s *Service) addGroups(ctx context.Context, snapshot *access.Snapshot, found *access.Nowhere) error {
	var ids, names []string
	for _, im := range snapshot.IAMRoles() {
		if im.Group.ID != "" {
			ids, names = append(ids, im.Group.ID), append(names, im.Name)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	known, err := s.knownGroups(ctx, ids, names)
	if err != nil {
		return err
	}
	facts := access.Followed{Members: map[string]int{}, Taken: map[string]bool{}}
	for id, g := range known.byID {
		facts.Members[id], facts.Taken[g.Name] = g.Members, true
	}
	found.AddGroups(snapshot, facts)
	return nil
}

// entryOfGroup records what became of the group of a mapping.
func (s *Service) entryOfGroup(before, after *access.Snapshot, id access.IAMRoleID, c access.Change) history.Entry {
	was, is := before.IAMRole(id), after.IAMRole(id)
	note := "its group has its name again: it counts"
	switch {
	case !is.Held():
	case is.Group.Name == "":
		note = "its group was deleted in the directory: it does not count until an administrator confirms it"
	default:
		note = "its group was renamed in the directory: it does not count until it is moved to the new name, or confirmed"
	}
	if is.Group.Keeps {
		note += "; but for the administration, for without it nobody could administer"
	}
	e := s.History.New(history.Entry{
		Action: history.Updated, EntityType: history.STSIAMRole, EntityID: string(id), Name: is.Name, Source: history.SourceSTS, User: c.By,
		Metadata: history.Details(beforeAfter[iamRoleRecord]{Before: recordIAMRole(before, was), After: recordIAMRole(after, is), Group: note}),
	})
	e.CreatedAt = c.At
	return e
}
