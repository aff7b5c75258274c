package access

import (
	"cmp"
	"slices"
)

// Effect is what a change does to somebody in one place: System, or an organisation.
type Effect struct {
	Organisation OrganisationID
	Gained, Lost PermissionSet
}

// After returns the snapshot that the change would make; s stays as it is. The error is a *ChangeError.
func (s *Snapshot) After(c Change) (*Snapshot, error) {
	next, _, err := s.model.Apply(c, s.bootstrap.Role)
	if err != nil {
		return nil, err
	}
	return Build(next, s.bootstrap), nil
}

// EffectsOn returns everything that the principal gains and loses, place by place in a fixed order, from this snapshot to
// another. It is exact: in each place they hold then what they hold now, less Lost, and Gained.
func (s *Snapshot) EffectsOn(p *Principal, after *Snapshot) []Effect {
	places := map[OrganisationID]bool{System: true}
	for _, snapshot := range []*Snapshot{s, after} {
		for _, name := range p.IAMRoles {
			if im := snapshot.iamRoles[name]; im != nil {
				for org := range im.OrganisationRoles {
					places[org] = true
				}
			}
		}
	}
	var effects []Effect
	for org := range places {
		before, _ := s.Effective(p, org)
		then, _ := after.Effective(p, org)
		if before != then {
			effects = append(effects, Effect{Organisation: org, Gained: then.Minus(before), Lost: before.Minus(then)})
		}
	}
	slices.SortFunc(effects, func(a, b Effect) int { return cmp.Compare(a.Organisation, b.Organisation) })
	return effects
}

// IAMRolesTouched returns the names of IAM roles to which another snapshot gives anything else than this one, in order.
func (s *Snapshot) IAMRolesTouched(after *Snapshot, issuer string) []string {
	names := map[string]bool{}
	for _, snapshot := range []*Snapshot{s, after} {
		for name := range snapshot.iamRoles {
			names[name] = true
		}
	}
	var touched []string
	for name := range names {
		if len(s.EffectsOn(&Principal{Issuer: issuer, Subject: "somebody", IAMRoles: []string{name}}, after)) > 0 {
			touched = append(touched, name)
		}
	}
	slices.Sort(touched)
	return touched
}
