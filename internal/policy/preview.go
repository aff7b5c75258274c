package policy

import (
	"context"
	"errors"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/policyfile"
)

// Preview is what a change would do, before it is made.
type Preview struct {
	Version int64      // of the snapshot on which it rests: save with it, and a stale preview is refused
	People  []Affected // who was seen lately, by what their last sign-in carried
	Groups  []Affected // everybody else, by the IAM role they carry
	Later   []Ending   // what the ends of the mappings that it writes take away, in order
	MoreEnd int        // ends that were not looked at
	// LastAdministrator tells that it would be refused, for nobody could administer any more.
	LastAdministrator bool
	// Probation tells that it would be undone after ProbationTime without a confirming sign-in.
	Probation bool
	// Demanding are the organisations for which it needs a second administrator.
	Demanding []access.OrganisationID
	// Broken are the expectations for which it would be refused.
	Broken []policyfile.Unmet
}

// Ending is what an end takes away when it comes.
type Ending struct {
	At             time.Time
	People, Groups []Affected
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
	c.At = s.Now()
	c, err := s.bind(ctx, before, c)
	if err != nil {
		return Preview{}, err
	}
	after, err := before.After(c)
	if err != nil {
		return Preview{}, changeFault(err)
	}
	people, err := s.Seen(ctx)
	if err != nil {
		return Preview{}, err
	}
	p := Preview{Version: before.Version(), Probation: by != nil && narrows(before, by, after, c), Demanding: demandingOf(before, after)}
	p.People, p.Groups = s.affected(before.Compare(after), people)
	later, more := after.Later(c)
	p.MoreEnd = more
	for _, end := range later {
		e := Ending{At: end.At}
		e.People, e.Groups = s.affected(end.Comparison, people)
		p.Later = append(p.Later, e)
	}
	if p.Broken, err = s.broken(ctx, before, after, c); err != nil {
		return Preview{}, err
	}
	switch err := s.keepAdministrators(ctx, by, before, after, c); {
	case fault.LastAdministrator.Is(err):
		p.LastAdministrator = true
	case err != nil:
		return Preview{}, err
	}
	return p, nil
}

func (s *Service) affected(comparison *access.Comparison, seen []*access.Principal) (people, groups []Affected) {
	for _, person := range seen {
		if effects := comparison.On(person); len(effects) > 0 {
			people = append(people, Affected{Person: person, Effects: effects})
		}
	}
	for _, name := range comparison.IAMRoles() {
		somebody := &access.Principal{Issuer: s.Bootstrap.Issuer, Subject: "somebody", IAMRoles: []string{name}}
		if effects := comparison.On(somebody); len(effects) > 0 { // else only the sign-in that it takes is another
			groups = append(groups, Affected{IAMRole: name, Effects: effects})
		}
	}
	return people, groups
}

// Import makes the changes that make builds upon the policy as it is, all or none, for an operator; it returns the version
// that it made. Nothing is written for a change that is empty. What is on probation ends where the change writes the same rows: its
// word stands.
func (s *Service) Import(ctx context.Context, operator string, overrideFourEyes bool, make func(now *access.Snapshot) (access.Change, error)) (int64, error) {
	if err := s.EndProbation(ctx); err != nil { // its time may be over while no other Portico runs
		return 0, err
	}
	var seen Seen
	if overrideFourEyes {
		seen.approved = &approval{overridden: true}
	}
	made, err := s.change(ctx, nil, seen, func(now *access.Snapshot) (access.Change, error) {
		c, err := make(now)
		if err == nil && policyfile.Empty(c) {
			err = errUnchanged
		}
		c.By, c.At = operator, s.Now()
		pending := now.Probation()
		c.EndsProbation = pending != nil && c.Touches(pending.Undo)
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

	asking   *asking
	approved *approval
}

// Asking has the change become a request, for that reason, where a second administrator must approve it: it is refused by an *Asked.
func (seen Seen) Asking(reason string) Seen {
	seen.asking = &asking{reason}
	return seen
}

// check refuses a change whose preview was of another snapshot: it would do something else than was shown.
func (seen Seen) check(now *access.Snapshot) error {
	if seen.Mapping != 0 && seen.Mapping != now.Version() {
		return fault.StalePreview.New("roles, access or organisations were changed since you looked: what this would do is no longer what was shown; look again")
	}
	return nil
}
