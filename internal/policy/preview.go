package policy

import (
	"context"
	"errors"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
)

// Preview is what a change would do, before it is made.
type Preview struct {
	Version int64      // of the snapshot on which it rests: save with it, and a stale preview is refused
	People  []Affected // who was seen lately, by what their last sign-in carried
	Groups  []Affected // everybody else, by the IAM role they carry
	// LastAdministrator tells that it would be refused, for nobody could administer any more.
	LastAdministrator bool
}

// Affected is who gains and loses, and what, place by place.
type Affected struct {
	Person  *access.Principal // nil for an IAM role
	IAMRole string
	Effects []access.Effect
}

// Preview computes what a change would do, for somebody who may make it. Nothing is changed. It refuses what the change
// itself would be refused for.
func (s *Service) Preview(ctx context.Context, by *access.Principal, c access.Change) (Preview, error) {
	before := s.Snapshot()
	after, err := before.After(c)
	if err != nil {
		return Preview{}, changeFault(err)
	}
	people, err := s.Seen(ctx)
	if err != nil {
		return Preview{}, err
	}
	p := Preview{Version: before.Version()}
	comparison := before.Compare(after)
	for _, person := range people {
		if effects := comparison.On(person); len(effects) > 0 {
			p.People = append(p.People, Affected{Person: person, Effects: effects})
		}
	}
	for _, name := range comparison.IAMRoles() {
		somebody := &access.Principal{Issuer: s.Bootstrap.Issuer, Subject: "somebody", IAMRoles: []string{name}}
		p.Groups = append(p.Groups, Affected{IAMRole: name, Effects: comparison.On(somebody)})
	}
	switch err := s.keepAdministrators(ctx, by, before, after, c); {
	case fault.LastAdministrator.Is(err):
		p.LastAdministrator = true
	case err != nil:
		return Preview{}, err
	}
	return p, nil
}

// Import makes the changes that make builds upon the policy as it is, all or none, for an operator; it returns the version
// that it made. Nothing is written for a change that is empty.
func (s *Service) Import(ctx context.Context, operator string, make func(now *access.Snapshot) (access.Change, error)) (int64, error) {
	made, err := s.change(ctx, nil, Seen{}, func(now *access.Snapshot) (access.Change, error) {
		c, err := make(now)
		if err == nil && len(c.PutRoles)+len(c.DeleteRoles)+len(c.PutIAMRoles)+len(c.DeleteIAMRoles) == 0 {
			err = errUnchanged
		}
		c.By, c.At = operator, s.Now()
		return c, err
	})
	if errors.Is(err, errUnchanged) {
		return s.Version(), nil
	}
	if err != nil {
		return 0, err
	}
	return made.Version(), nil
}

// Seen is what somebody who edits has seen. A zero member stands for any.
type Seen struct {
	Revision int64 // of the row
	Mapping  int64 // version of the snapshot on which a preview rests
}

// check refuses a change whose preview was of another snapshot: it would do something else than was shown.
func (seen Seen) check(now *access.Snapshot) error {
	if seen.Mapping != 0 && seen.Mapping != now.Version() {
		return fault.StalePreview.New("roles, access or organisations were changed since you looked: what this would do is no longer what was shown; look again")
	}
	return nil
}
