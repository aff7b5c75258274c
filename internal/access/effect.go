package access

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// Effect is what a change does to somebody in one place: System, or an organisation.
type Effect struct {
	Organisation OrganisationID
	Gained, Lost PermissionSet
	// Bound are permissions that they keep and that from then on take a sign-in of a certain kind, Freed those that no longer do.
	Bound, Freed PermissionSet
}

// After returns the snapshot that the change would make, as of its time or of that of s; s stays as it is. The error is a *ChangeError.
func (s *Snapshot) After(c Change) (*Snapshot, error) {
	if c.At.Before(s.at) {
		c.At = s.at
	}
	next, _, err := s.model.Apply(c, s.bootstrap.Role)
	if err != nil {
		return nil, err
	}
	return Build(next, s.bootstrap, c.At), nil
}

// EffectsOn returns everything that the principal gains and loses, place by place in a fixed order, from this snapshot to
// another. It is exact: in each place they can hold then what they can hold now, with the right sign-in, less Lost, and Gained.
func (s *Snapshot) EffectsOn(p *Principal, after *Snapshot) []Effect {
	return s.Compare(after).On(p)
}

// Comparison is what a change makes of a snapshot. It costs a look at every mapping, once.
type Comparison struct {
	before, after *Snapshot
	touched       map[string][]OrganisationID // the IAM roles that give anything else than before, and where
}

// Compare finds which IAM roles give anything else in another snapshot.
func (s *Snapshot) Compare(after *Snapshot) *Comparison {
	c := &Comparison{before: s, after: after, touched: map[string][]OrganisationID{}}
	places := map[OrganisationID]bool{}
	for _, snapshot := range []*Snapshot{s, after} {
		for org := range snapshot.places {
			places[org] = true
		}
	}
	for org := range places {
		names := map[string]bool{}
		for _, snapshot := range []*Snapshot{s, after} {
			if at := snapshot.places[org]; at != nil {
				for name := range at.grants {
					names[name] = true
				}
			}
		}
		for name := range names {
			if s.givenAt(org, name) != after.givenAt(org, name) {
				c.touched[name] = append(c.touched[name], org)
			}
		}
	}
	return c
}

// given is what an IAM role gives: whatever the sign-in was, and with the right one.
type given struct {
	atOnce, reachable PermissionSet
	requires          string
}

// givenAt is what an IAM role gives there by its mapping.
func (s *Snapshot) givenAt(org OrganisationID, name string) (all given) {
	at := s.places[org]
	if at == nil || at.organisation != nil && !at.organisation.Active() {
		return all
	}
	g := at.grants[name]
	if g == nil {
		return all
	}
	all.atOnce, all.reachable = g.permissions, g.reachable
	for _, role := range g.requiring {
		all.requires += fmt.Sprint(role.Permissions.Intersect(g.counts), role.Requires.key(), "\n")
	}
	return all
}

// On is what the change does to somebody. Where none of their IAM roles gives anything else, nothing changes for them.
func (c *Comparison) On(p *Principal) []Effect {
	var effects []Effect
	done := map[OrganisationID]bool{}
	for _, name := range p.IAMRoles {
		for _, org := range c.touched[name] {
			if done[org] {
				continue
			}
			done[org] = true
			if e := c.at(p, org); e != (Effect{Organisation: org}) {
				effects = append(effects, e)
			}
		}
	}
	slices.SortFunc(effects, func(a, b Effect) int { return cmp.Compare(a.Organisation, b.Organisation) })
	return effects
}

// at is what the change does to somebody in one place, whatever their sign-in was.
func (c *Comparison) at(p *Principal, org OrganisationID) Effect {
	person := *p
	person.SignIn = SignIn{}
	was, is := c.before.Reachable(p, org), c.after.Reachable(p, org)
	wasFree, _ := c.before.Effective(&person, org)
	isFree, _ := c.after.Effective(&person, org)
	kept := was.Intersect(is)
	return Effect{
		Organisation: org, Gained: is.Minus(was), Lost: was.Minus(is),
		Bound: kept.Intersect(wasFree).Minus(isFree), Freed: kept.Intersect(isFree).Minus(wasFree),
	}
}

// IAMRoles returns the names of the IAM roles that give anything else than before, in order.
func (c *Comparison) IAMRoles() []string { return slices.Sorted(maps.Keys(c.touched)) }
