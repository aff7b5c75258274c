package policy

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
)

// asking is what somebody who makes a change says for the case that it needs a second administrator.
type asking struct{ reason string }

// Asked tells that a change was not made: it is a request now.
type Asked struct{ Request Request }

func (*Asked) Error() string { return "a second administrator must approve it: it is a request now" }

// approval is what lets a change of a demanding organisation through.
type approval struct {
	request    Request
	overridden bool // by an operator who has the store in their hands
}

// demand refuses a change that a second administrator must approve; where the maker asks, it stores the request.
func (s *Service) demand(ctx context.Context, by *access.Principal, before, after *access.Snapshot, c access.Change, how Seen) error {
	if c.Undoes || how.approved != nil {
		return nil
	}
	demanding := demandingOf(before, after)
	switch {
	case len(demanding) == 0:
		return nil
	case by == nil, how.asking == nil, s.Requests == nil:
		return fault.FourEyes.New("%s", needsSecond(before, demanding))
	case by.Issuer == access.BreakGlassIssuer:
		return fault.FourEyes.New("nobody can approve what is asked by a break-glass file; let it be asked by somebody who signed in")
	}
	return s.ask(ctx, by, before, demanding, c, how.asking.reason)
}

// demandingOf are the organisations for which a change needs a second administrator.
func demandingOf(before, after *access.Snapshot) []access.OrganisationID {
	all := before.Demanding(after)
	if was, will := before.Undone(), after.Undone(); was != nil && will != nil { // nobody approves the way back: what leads there counts
		all = append(all, was.Demanding(will)...)
		slices.Sort(all)
		all = slices.Compact(all)
	}
	return all
}

func needsSecond(s *access.Snapshot, demanding []access.OrganisationID) access.Phrase {
	name := string(demanding[0])
	if o := s.Organisation(demanding[0]); o != nil {
		name = o.Name
	}
	return access.Phrase{Format: "%s demands that a second administrator approves changes of its mappings, and of who may make or approve them", Args: []any{name}}
}

func (s *Service) ask(ctx context.Context, by *access.Principal, now *access.Snapshot, demanding []access.OrganisationID, c access.Change, reason string) error {
	if !ValidReason(reason) {
		return fault.InvalidInput.New("reason: expected 1 to %d printable characters", MaxReason).At("reason")
	}
	r := Request{
		ID: uuid.NewString(), Issuer: by.Issuer, Subject: by.Subject, Name: by.DisplayName(), Reason: reason,
		At: c.At, Until: c.At.Add(RequestTime), Organisations: demanding, Change: c, Closing: Closing{State: Open},
	}
	r.Names = map[string]string{}
	for _, id := range c.DeleteIAMRoles {
		r.Names[string(id)] = now.IAMRole(id).Name
	}
	for _, id := range c.DeleteRoles {
		r.Names[string(id)] = now.Role(id).Name
	}
	added, err := s.Requests.AddRequest(ctx, r, MostRequestsOwn, MostRequests, s.requestEntry(now, &r, by.Subject))
	if err != nil {
		return err
	}
	if !added {
		return fault.TooMany.New("too many requests are open: at most %d of one person, and %d in all; have some decided, or withdraw one", MostRequestsOwn, MostRequests)
	}
	return &Asked{r}
}

func (r *Request) askedBy(p *access.Principal) bool {
	return p.Issuer == r.Issuer && p.Subject == r.Subject
}

// asker is who asked, as they were seen last; nil where they were not, as a service is not.
func (r *Request) asker(people []*access.Principal) *access.Principal {
	i := slices.IndexFunc(people, r.askedBy)
	if i < 0 {
		return nil
	}
	return people[i]
}

// askerStill refuses a request whose asker could no longer make its change.
func (r *Request) askerStill(now *access.Snapshot, people []*access.Principal) error {
	if first := r.asker(people); first != nil && len(missing(now, first, r.Change)) > 0 {
		return fault.FourEyes.New("who asked may no longer change this themselves, and does not count as the first administrator: refuse it, or ask for it yourself")
	}
	return nil
}

// decider refuses who can't be the second administrator, whatever they may do.
func (r *Request) decider(by *access.Principal) error {
	switch {
	case by.Issuer == access.BreakGlassIssuer:
		return fault.FourEyes.New("a break-glass file stands for nobody, and can't be the second administrator")
	case by.Issuer != r.Issuer:
		return fault.FourEyes.New("the second administrator must be vouched for by the same issuer as who asked: else it may be the same person")
	case by.Subject == r.Subject:
		return fault.FourEyes.New("you asked for it yourself: somebody else must decide")
	case by.ClientID == by.Subject:
		return fault.FourEyes.New("a service stands for whoever runs it, and can't be the second administrator")
	}
	return nil
}

// Decidable tells whether the request is open, and somebody may decide it.
func (r *Request) Decidable(now *access.Snapshot, by *access.Principal) bool {
	return r.Closing.State == Open && r.decider(by) == nil && len(missing(now, by, r.Change)) == 0
}

// missing are the permissions that somebody lacks to make a change, whatever their sign-in.
func missing(now *access.Snapshot, by *access.Principal, c access.Change) []access.Permission {
	return slices.DeleteFunc(needed(now, c), func(p access.Permission) bool { return now.Decide(by, access.System, p).Reachable() })
}

// needed are the permissions that a change takes, each of them.
func needed(s *access.Snapshot, c access.Change) (all []access.Permission) {
	add := func(p access.Permission) {
		if !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	for _, r := range c.PutRoles {
		if s.Role(r.ID) == nil {
			add(access.STSRoleCreate)
		} else {
			add(access.STSRoleEdit)
		}
	}
	for _, m := range c.PutIAMRoles {
		if s.IAMRole(m.ID) == nil {
			add(access.STSIAMRoleCreate)
		} else {
			add(access.STSIAMRoleEdit)
		}
	}
	if len(c.DeleteRoles) > 0 {
		add(access.STSRoleDelete)
	}
	if len(c.DeleteIAMRoles) > 0 {
		add(access.STSIAMRoleDelete)
	}
	if len(c.FourEyes) > 0 {
		add(access.STSIAMRoleEdit)
	}
	return all
}

// FourEyes tells whether an organisation demands a second administrator, to those who may list mappings.
func (s *Service) FourEyes(ctx context.Context, by *access.Principal, org access.OrganisationID) (bool, error) {
	if err := s.Enforce(ctx, by, access.System, "see who approves", access.STSIAMRoleList); err != nil {
		return false, err
	}
	now := s.Snapshot()
	if now.Organisation(org) == nil && !now.FourEyes(org) {
		return false, fault.NotFound.New("there is no organisation %s", org)
	}
	return now.FourEyes(org), nil
}

// SetFourEyes has an organisation demand a second administrator for changes of its mappings, or no longer, which itself takes one.
func (s *Service) SetFourEyes(ctx context.Context, by *access.Principal, org access.OrganisationID, on bool, seen Seen) error {
	if err := s.Enforce(ctx, by, access.System, "change who approves", access.STSIAMRoleEdit); err != nil {
		return err
	}
	if on {
		if err := s.secondThere(ctx, by); err != nil {
			return err
		}
	}
	_, err := s.change(ctx, by, seen, func(now *access.Snapshot) (access.Change, error) {
		if now.Organisation(org) == nil && !now.FourEyes(org) {
			return access.Change{}, fault.NotFound.New("there is no organisation %s", org)
		}
		if now.FourEyes(org) == on {
			return access.Change{}, errUnchanged
		}
		return access.Change{FourEyes: map[access.OrganisationID]bool{org: on}, By: by.Subject, At: s.Now()}, nil
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	return err
}

// secondThere refuses where nobody else was seen who could approve, now and for long enough.
func (s *Service) secondThere(ctx context.Context, by *access.Principal) error {
	people, err := s.Seen(ctx)
	if err != nil {
		return err
	}
	now, soon := s.Snapshot(), s.Snapshot().At(s.Now().Add(EndsSoon))
	may := func(at *access.Snapshot, p *access.Principal) bool {
		set := access.SetOf(access.STSIAMRoleList, access.STSIAMRoleCreate, access.STSIAMRoleEdit, access.STSIAMRoleDelete, access.STSAccessExplain)
		return set.Minus(at.Reachable(p, access.System)).IsEmpty()
	}
	if !slices.ContainsFunc(people, func(p *access.Principal) bool {
		return p.Issuer == by.Issuer && p.Subject != by.Subject && may(now, p) && may(soon, p)
	}) {
		return fault.NoSecond.New("nobody else who could approve was seen in the last 90 days: let a second administrator of mappings sign in first")
	}
	return nil
}
