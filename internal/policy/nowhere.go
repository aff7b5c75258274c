package policy

import (
	"context"
	"sync"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/session"
)

// nowhereFor is how long what people were seen with is not looked at again: pages show their number.
const nowhereFor = time.Minute

// nowhere is what was found last.
type nowhere struct {
	mu    sync.Mutex
	of    *access.Snapshot
	at    time.Time
	found access.Nowhere
}

// Nowhere tells which mappings and roles lead nowhere, to whoever may list mappings: as NowhereSeen has it.
func (s *Service) Nowhere(ctx context.Context, by *access.Principal) (access.Nowhere, error) {
	if err := s.Enforce(ctx, by, access.System, "list what leads nowhere", access.STSIAMRoleList); err != nil {
		return access.Nowhere{}, err
	}
	return s.NowhereSeen(ctx, by)
}

// NowhereSeen is what of it somebody may know, to be pointed out on pages of something else: nothing without the permission to list
// mappings, nothing of roles without that to list roles, nothing of what is mapped in organisations of which they may not know, and
// not which IAM roles people carry without that to list people. Of who was seen it may know a minute late.
func (s *Service) NowhereSeen(ctx context.Context, by *access.Principal) (access.Nowhere, error) {
	snapshot := s.Snapshot()
	held, _ := snapshot.Effective(by, access.System)
	if !held.Has(access.STSIAMRoleList) {
		return access.Nowhere{}, nil
	}
	found, err := s.findNowhere(ctx, snapshot)
	if err != nil {
		return found, err
	}
	sees := snapshot.Sees(by)
	found = found.Where(func(f *access.Finding) bool {
		return (f.Role == nil || held.Has(access.STSRoleList)) && (!f.Placed() || f.Organisation == access.System || sees(f.Organisation))
	})
	if !held.Has(access.STSSessionList) {
		found = found.WithoutPeople()
	}
	return found, nil
}

func (s *Service) findNowhere(ctx context.Context, snapshot *access.Snapshot) (access.Nowhere, error) {
	n := &s.nowhere
	n.mu.Lock()
	defer n.mu.Unlock()
	now := s.Now()
	if n.of == snapshot && now.Sub(n.at) < nowhereFor {
		return n.found, nil
	}
	people, all, err := s.seen(ctx)
	if err != nil {
		return access.Nowhere{}, err
	}
	if !all {
		people = nil
	}
	found := snapshot.Nowhere(people, now.Add(-session.SeenWithin))
	if err := s.addGroups(ctx, snapshot, &found); err != nil {
		return access.Nowhere{}, err
	}
	n.of, n.at, n.found = snapshot, now, found
	return n.found, nil
}
