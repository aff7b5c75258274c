package policy

import (
	"context"
	"strings"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/policyfile"
)

// broken returns the expectations that hold now and would not any more.
func (s *Service) broken(ctx context.Context, before, after *access.Snapshot, c access.Change) ([]policyfile.Unmet, error) {
	if s.Expectations == nil || c.Undoes || len(c.PutRoles)+len(c.DeleteRoles)+len(c.PutIAMRoles)+len(c.DeleteIAMRoles) == 0 {
		return nil, nil
	}
	file, err := s.Expectations()
	if err != nil {
		return nil, fault.Unavailable.New("nothing can be changed: the expectations that changes are held against can't be read").Because(err)
	}
	people, err := s.Seen(ctx)
	if err != nil {
		return nil, err
	}
	return file.Broken(before, after, people, s.Bootstrap.Issuer)
}

// keepExpectations refuses a change that would break an expectation, also when what is on probation is undone after it: nothing is
// held against the way back itself.
func (s *Service) keepExpectations(ctx context.Context, before, after *access.Snapshot, c access.Change) error {
	broken, err := s.broken(ctx, before, after, c)
	if err != nil {
		return err
	}
	if len(broken) > 0 {
		return fault.Expectation.New("after this these expectations would not hold any more: %s", listed(broken))
	}
	before, after = before.Undone(), after.Undone()
	if before == nil || after == nil {
		return nil
	}
	if broken, err = s.broken(ctx, before, after, c); err != nil || len(broken) == 0 {
		return err
	}
	return fault.OnProbation.New("another change is on probation, and if it were undone after this one these expectations would not hold any more: %s", listed(broken))
}

func listed(broken []policyfile.Unmet) string {
	const most = 5
	var texts []string
	for _, u := range broken[:min(len(broken), most)] {
		texts = append(texts, u.Expectation)
	}
	return strings.Join(texts, "; ")
}
