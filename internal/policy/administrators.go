package policy

import (
	"context"
	"slices"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/session"
)

// People knows who was seen.
type People interface {
	// PeopleSeen lists who was seen since then, latest first, at most limit.
	PeopleSeen(ctx context.Context, since time.Time, limit int) ([]session.Person, error)
}

// Seen returns who was seen lately, latest first, as their last sign-in was.
func (s *Service) Seen(ctx context.Context) ([]*access.Principal, error) {
	principals, _, err := s.seen(ctx)
	return principals, err
}

// seen tells besides whether these are all of them.
func (s *Service) seen(ctx context.Context) (_ []*access.Principal, all bool, err error) {
	if s.People == nil {
		return nil, true, nil
	}
	people, err := s.People.PeopleSeen(ctx, s.Now().Add(-session.SeenWithin), session.MostPeople)
	if err != nil {
		return nil, false, err
	}
	principals := make([]*access.Principal, 0, len(people))
	for _, p := range people {
		if p.Issuer == access.BreakGlassIssuer || s.Barred != nil && s.Barred(p.Issuer, p.Subject) { // they are nobody who could come again
			continue
		}
		principals = append(principals, &access.Principal{
			Issuer: p.Issuer, Subject: p.Subject, GivenName: p.GivenName, FamilyName: p.FamilyName, Login: p.Login, IAMRoles: p.IAMRoles,
		})
	}
	return principals, len(people) < session.MostPeople, nil
}

// anyAdministers tells whether one of them holds the whole administration, at once or after the sign-in that their roles require.
// Whether such a sign-in can be had is not known here: a change by which somebody's own administration takes one is on probation
// until they signed in so.
func anyAdministers(snapshot *access.Snapshot, people []*access.Principal) bool {
	return slices.ContainsFunc(people, func(p *access.Principal) bool {
		return access.Administration.Minus(snapshot.Reachable(p, access.System)).IsEmpty()
	})
}

// anyIAMRoleAdministers tells whether somebody could hold the whole administration by one IAM role.
func anyIAMRoleAdministers(s *access.Snapshot) bool {
	b := s.Bootstrap()
	if b.Role != "" && !b.Retired {
		return true
	}
	return slices.ContainsFunc(s.IAMRoles(), func(m *access.IAMRole) bool {
		return anyAdministers(s, []*access.Principal{{Issuer: b.Issuer, Subject: "somebody", IAMRoles: []string{m.Name}}})
	})
}

// CheckAdministrators refuses when nobody who was seen lately could administer as things are, and says how many were seen.
func (s *Service) CheckAdministrators(ctx context.Context) (seen int, err error) {
	people, err := s.Seen(ctx)
	if err == nil && !anyAdministers(s.Snapshot(), people) {
		err = fault.LastAdministrator.New("none of them has the whole administration")
	}
	return len(people), err
}

// keepAdministrators refuses a change that takes the administration from the last who could administer, of those seen
// lately and of whoever makes it; where none of them could, from the last IAM role that could.
func (s *Service) keepAdministrators(ctx context.Context, by *access.Principal, before, after *access.Snapshot, c access.Change) error {
	if len(c.PutRoles)+len(c.PutIAMRoles)+len(c.DeleteIAMRoles) == 0 || c.Undoes { // the administration is in no organisation, and the way back is always open
		return nil
	}
	if err := s.administratorsLeft(ctx, by, before, after); err != nil {
		return err
	}
	if soon := c.At.Add(EndsSoon); endsBy(before, soon) || endsBy(after, soon) {
		if err := s.administratorsLeft(ctx, by, before.At(soon), after.At(soon)); err != nil {
			return err
		}
	}
	if c.EndsProbation || before.Probation() == nil {
		return nil
	}
	err := s.administratorsLeft(ctx, by, before.Undone(), after.Undone())
	if fault.LastAdministrator.Is(err) {
		err = fault.OnProbation.New("another change is on probation, and if it were undone after this one nobody could administer: it must be confirmed or undone first")
	}
	return err
}

// endsBy tells whether a mapping ends by then.
func endsBy(s *access.Snapshot, at time.Time) bool {
	next := s.NextEnd()
	return !next.IsZero() && !at.Before(next)
}

func (s *Service) administratorsLeft(ctx context.Context, by *access.Principal, before, after *access.Snapshot) error {
	if by != nil && by.Issuer == access.BreakGlassIssuer {
		by = nil
	}
	if by != nil && anyAdministers(after, []*access.Principal{by}) {
		return nil
	}
	people, err := s.Seen(ctx)
	if err != nil {
		return err
	}
	if by != nil {
		people = append(people, by)
	}
	switch {
	case anyAdministers(after, people):
		return nil
	case anyAdministers(before, people):
	case !anyIAMRoleAdministers(before) || anyIAMRoleAdministers(after): // of people we know nothing, as behind another gateway
		return nil
	}
	return fault.LastAdministrator.New(
		"after this nobody who was seen in the last 90 days could administer, or none for longer than 90 days; map a role with the whole administration to another IAM role first, and let one of its people sign in")
}
