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

// keepExpectations refuses a change that would break an expectation.
func (s *Service) keepExpectations(ctx context.Context, before, after *access.Snapshot, c access.Change) error {
	broken, err := s.broken(ctx, before, after, c)
	if err != nil || len(broken) == 0 {
		return err
	}
	const most = 5
	var texts []string
	for _, u := range broken[:min(len(broken), most)] {
		texts = append(texts, u.Expectation)
	}
	return fault.Expectation.New("after this these expectations would not hold any more: %s", strings.Join(texts, "; "))
}
