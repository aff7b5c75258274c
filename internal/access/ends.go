package access

import (
	"slices"
	"time"
)

// End is when what an IAM role gives in one place counts no more.
type End struct {
	At       time.Time // in whole seconds
	Recorded bool      // the history has it that the end came
}

// MaxEndYears bounds how far ahead an end may lie.
const MaxEndYears = 10

// Placement is an IAM role in one place.
type Placement struct {
	IAMRole      IAMRoleID
	Organisation OrganisationID
}

// RolesIn returns the roles of the mapping there.
func (m *IAMRole) RolesIn(org OrganisationID) []RoleID {
	if org == System {
		return m.SystemRoles
	}
	return m.OrganisationRoles[org]
}

// Ended tells whether what the IAM role gives there had ended by then.
func (m *IAMRole) Ended(org OrganisationID, at time.Time) bool {
	end, ends := m.Ends[org]
	return ends && !at.Before(end.At)
}

// endsOf returns the ends of im as they are to be stored: of places where it has roles; new ones in the future.
func (e *editor) endsOf(im, old *IAMRole, c Change) (ends map[OrganisationID]End, err error) {
	for org, end := range im.Ends {
		if len(im.RolesIn(org)) == 0 {
			continue
		}
		end.At = end.At.UTC()
		var was End
		if old != nil {
			was = old.Ends[org]
		}
		passed := !end.At.After(c.At)
		switch {
		case end.At.Year() < 2000 || end.At.Nanosecond() != 0:
			return nil, refuse(Malformed, "ends", "ends: expected a date and a time in whole seconds, got %s", end.At.Format(time.RFC3339Nano))
		case was.At.Equal(end.At):
			end.Recorded = was.Recorded || c.Undoes && end.Recorded
		case c.Undoes, end.Recorded && passed: // the way back, or a file that tells of what ended
		case passed:
			return nil, refuse(Malformed, "ends", "ends: expected a time in the future, got %s", end.At.Format(time.RFC3339))
		case end.At.After(c.At.AddDate(MaxEndYears, 0, 0)):
			return nil, refuse(Malformed, "ends", "ends: expected a time within %d years, got %s", MaxEndYears, end.At.Format(time.RFC3339))
		default:
			end.Recorded = false
		}
		if ends == nil {
			ends = map[OrganisationID]End{}
		}
		ends[org] = end
	}
	return ends, nil
}

// recordEnds marks ends as recorded. It is no edit: revisions stay, and nothing is in the way of a probation.
func (e *editor) recordEnds(all []Placement) error {
	for _, at := range all {
		old := e.iamRoles[at.IAMRole]
		if old == nil || old.Ends[at.Organisation].At.IsZero() {
			return refuse(Missing, "ends", "what IAM role %s gives there has no end any more", at.IAMRole)
		}
		row := old.Clone()
		row.Ends[at.Organisation] = End{old.Ends[at.Organisation].At, true}
		e.iamRoles[at.IAMRole] = row
	}
	return nil
}

// At returns the snapshot of the same model at another time.
func (s *Snapshot) At(at time.Time) *Snapshot { return Build(s.model, s.bootstrap, at) }

// Passed tells whether a time has come, as of the snapshot.
func (s *Snapshot) Passed(at time.Time) bool { return !s.at.Before(at) }

// NextEnd is when the snapshot decides otherwise than it should, for a mapping ends then; zero: none does.
func (s *Snapshot) NextEnd() time.Time { return s.nextEnd }

// Unrecorded returns what ended by then and is not recorded yet, in a fixed order.
func (s *Snapshot) Unrecorded(at time.Time) (all []Placement) {
	for _, im := range s.model.IAMRoles {
		for _, org := range im.EndingIn() {
			if im.Ended(org, at) && !im.Ends[org].Recorded {
				all = append(all, Placement{im.ID, org})
			}
		}
	}
	return all
}

// EndingIn returns where the mapping has an end, the earliest first.
func (m *IAMRole) EndingIn() []OrganisationID {
	places := make([]OrganisationID, 0, len(m.Ends))
	for org := range m.Ends {
		places = append(places, org)
	}
	slices.SortFunc(places, func(a, b OrganisationID) int {
		if order := m.Ends[a].At.Compare(m.Ends[b].At); order != 0 {
			return order
		}
		if a < b {
			return -1
		}
		return 1
	})
	return places
}

// Until returns when the first mapping ends by which somebody has roles there, or when their sign-in becomes too old for the first of
// them; zero: never.
func (s *Snapshot) Until(p *Principal, org OrganisationID) (until time.Time) {
	at, reason := s.usable(p, org)
	if reason != 0 {
		return until
	}
	for _, name := range p.IAMRoles {
		if g := at.grants[name]; g != nil {
			until = First(until, g.until)
			for _, role := range g.requiring {
				if role.Requires.MetBy(&p.SignIn, s.now()) {
					until = First(until, role.Requires.until(&p.SignIn))
				}
			}
		}
	}
	return until
}

// First returns the earlier of two times, of which a zero one never comes.
func First(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// ended returns when what the IAM role gave there ended, if a role is among it that holds one of the permissions for them.
func (s *Snapshot) ended(p *Principal, org OrganisationID, name string, asked PermissionSet) (at time.Time, ended bool) {
	im := s.iamRoles[name]
	if im == nil || !im.Ended(org, s.at) || im.Held() {
		return at, false
	}
	return im.Ends[org].At, s.mapped(p, org, im, asked)
}

// mapped tells whether a role that holds one of the permissions for the principal is mapped there, whether or not that counts.
func (s *Snapshot) mapped(p *Principal, org OrganisationID, im *IAMRole, asked PermissionSet) bool {
	asked = asked.Intersect(EffectiveIn(org))
	return slices.ContainsFunc(im.RolesIn(org), func(id RoleID) bool {
		role := s.roles[id]
		return role != nil && s.suits(role, p) && !role.Permissions.Intersect(asked).IsEmpty()
	})
}

// Later is what ends take away when they come.
type Later struct {
	At time.Time
	*Comparison
}

// maxLater bounds the ends that a preview looks at: each costs a look at every mapping.
const maxLater = 12

// Later returns what the ends of the mappings that a change writes take away, one after the other, and how many ends it did not
// look at. s is the snapshot after the change.
func (s *Snapshot) Later(c Change) (all []Later, more int) {
	var times []time.Time
	for _, put := range c.PutIAMRoles {
		if im := s.iamRolesByID[put.ID]; im != nil {
			for org, end := range im.Ends {
				if !im.Ended(org, s.at) {
					times = append(times, end.At)
				}
			}
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	times = slices.CompactFunc(times, time.Time.Equal)
	more = max(0, len(times)-maxLater)
	for _, at := range times[:len(times)-more] {
		comparison := s.At(at.Add(-1)).Compare(s.At(at))
		if len(comparison.touched) > 0 {
			all = append(all, Later{at, comparison})
		}
	}
	return all, more
}
