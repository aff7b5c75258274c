package directory

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
)

// CreateGroup stores a new group with its members, and returns it with its id.
func (s *Service) CreateGroup(ctx context.Context, g Group, members []string) (Group, error) {
	g.ID, g.Changed = uuid.NewString(), s.created()
	var changes []MemberChange
	if len(members) > 0 {
		changes = []MemberChange{{Users: members}}
	}
	g, err := s.Store.InsertGroup(ctx, g, changes, s.groupEntry(history.Created, nil, &g, changes))
	if err != nil {
		return Group{}, err
	}
	s.follow(ctx)
	return g, nil
}

// UpdateGroup has edit change a group and who is in it; it may be called more than once, each time with a copy. seen is the
// revision that the client saw, 0 for any. Mappings of the group follow what it does.
func (s *Service) UpdateGroup(ctx context.Context, id string, seen int64, edit func(*Group) ([]MemberChange, error)) (Group, error) {
	for range tries {
		old, err := s.group(ctx, id, seen)
		if err != nil {
			return Group{}, err
		}
		g := old
		changes, err := edit(&g)
		if err != nil {
			return Group{}, err
		}
		g.ID, g.Changed = old.ID, old.Changed
		if len(changes) == 0 && g.Name == old.Name && g.ExternalID == old.ExternalID {
			return old, nil
		}
		g.Revision, g.ModifiedAt = old.Revision+1, s.now()
		switch g, err = s.Store.SaveGroup(ctx, g, changes, s.groupEntry(history.Updated, &old, &g, changes)); {
		case errors.Is(err, ErrChanged):
			continue
		case err != nil:
			return Group{}, err
		}
		s.follow(ctx)
		return g, nil
	}
	return Group{}, fault.Unavailable.New("too many changes at once; try again")
}

// DeleteGroup removes a group; its members stay. What was mapped to it counts no more.
func (s *Service) DeleteGroup(ctx context.Context, id string, seen int64) error {
	for range tries {
		old, err := s.group(ctx, id, seen)
		if err != nil {
			return err
		}
		switch err = s.Store.DeleteGroup(ctx, id, old.Revision, s.groupEntry(history.Deleted, &old, nil, nil)); {
		case errors.Is(err, ErrChanged):
			continue
		case err != nil:
			return err
		}
		s.follow(ctx)
		return nil
	}
	return fault.Unavailable.New("too many changes at once; try again")
}

func (s *Service) group(ctx context.Context, id string, seen int64) (Group, error) {
	g, found, err := s.Store.DirectoryGroup(ctx, id)
	switch {
	case err != nil:
		return Group{}, err
	case !found:
		return Group{}, ErrGone
	case seen != 0 && seen != g.Revision:
		return Group{}, ErrChanged
	}
	return g, nil
}

// follow has the mappings follow before the answer: nothing that is named like a group that is gone can come before it.
func (s *Service) follow(ctx context.Context) {
	if s.Follow == nil {
		return
	}
	if err := s.Follow(ctx); err != nil {
		s.Logger.ErrorContext(ctx, "the mappings do not follow a change of groups yet; it is tried again", "error", err)
	}
}

type groupRecord struct {
	Name       string `json:"group"`
	ExternalID string `json:"externalId,omitempty"`
}

type groupChange struct {
	record[groupRecord]
	Members []memberRecord `json:"members,omitempty"`
}

// memberRecord says who came and went, of many only the first.
type memberRecord struct {
	Change string   `json:"change"`
	Count  int      `json:"count,omitempty"`
	Users  []string `json:"users,omitempty"`
}

const (
	recordedSteps   = 20
	recordedMembers = 20 // of a step
)

func (s *Service) groupEntry(action history.Action, was, is *Group, changes []MemberChange) history.Entry {
	details := groupChange{record: record[groupRecord]{ProvisionedBy: "SCIM"}}
	e := history.Entry{Action: action, EntityType: history.User, Source: history.SourceSTS, User: By}
	for _, of := range []struct {
		group *Group
		into  **groupRecord
	}{{was, &details.Before}, {is, &details.After}} {
		if of.group != nil {
			e.EntityID, e.Name = of.group.ID, "group “"+of.group.Name+"”"
			*of.into = &groupRecord{of.group.Name, of.group.ExternalID}
		}
	}
	for _, c := range changes[:min(len(changes), recordedSteps)] {
		m := memberRecord{Change: "come", Count: len(c.Users), Users: c.Users[:min(len(c.Users), recordedMembers)]}
		switch {
		case c.Clear:
			m.Change = "all go"
		case c.Remove:
			m.Change = "go"
		}
		details.Members = append(details.Members, m)
	}
	e.Metadata = history.Details(details)
	return s.History.New(e)
}
