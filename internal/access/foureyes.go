package access

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// demandFourEyes writes which organisations demand a second administrator. One that Core no longer lists may only be let go.
func (m *Model) demandFourEyes(c Change, known map[OrganisationID]bool) error {
	if len(c.FourEyes) == 0 {
		return nil
	}
	set := maps.Clone(m.FourEyes)
	if set == nil {
		set = map[OrganisationID]bool{}
	}
	for org, on := range c.FourEyes {
		if on && !known[org] {
			return refuse(UnknownLink, "organisation", "organisation %s does not exist", org)
		}
		if set[org] = on; !on {
			delete(set, org)
		}
	}
	m.FourEyes = set
	return nil
}

// FourEyes tells whether the organisation demands a second administrator.
func (s *Snapshot) FourEyes(org OrganisationID) bool { return s.model.FourEyes[org] }

// FourEyesOrganisations are those that demand one, in the order of their ids. Core may no longer list some.
func (s *Snapshot) FourEyesOrganisations() []OrganisationID {
	return slices.Sorted(maps.Keys(s.model.FourEyes))
}

// DemandsFourEyes tells whether any organisation does.
func (s *Snapshot) DemandsFourEyes() bool { return len(s.model.FourEyes) > 0 }

// Approving is what makes somebody the maker, or the second administrator, of changes.
var Approving = SetOf(STSRoleCreate, STSRoleEdit, STSRoleDelete, STSIAMRoleCreate, STSIAMRoleEdit, STSIAMRoleDelete)

// Demanding returns the organisations of which a second administrator must approve what leads from s to after: those that demand
// one and no longer would, or in which an IAM role gets other roles, other permissions by them, or another end. Names of roles,
// what ends by itself, and whether Core has the organisation deactivated, do not count. Where an IAM role gets more of Approving it
// is all that demand one: else one administrator alone would make the second.
func (s *Snapshot) Demanding(after *Snapshot) (all []OrganisationID) {
	more := len(s.model.FourEyes) > 0 && s.givesApproving(after)
	for org := range s.model.FourEyes {
		if more || !after.model.FourEyes[org] || !maps.Equal(s.givenIn(org), after.givenIn(org)) {
			all = append(all, org)
		}
	}
	slices.Sort(all)
	return all
}

// givesApproving tells whether an IAM role can do more of Approving in after, or for longer, or under another condition.
func (s *Snapshot) givesApproving(after *Snapshot) bool {
	type grant struct{ iamRole, permission, condition string }
	grants := func(s *Snapshot) map[grant]time.Time { // and until when
		all := map[grant]time.Time{}
		for _, im := range s.model.IAMRoles {
			if im.Held() && !im.Group.Keeps {
				continue
			}
			until := im.Ends[System].At
			if until.IsZero() {
				until = never
			}
			for _, id := range im.SystemRoles {
				role := s.roles[id]
				if role == nil {
					continue
				}
				condition := ""
				if role.Delegation != nil {
					condition = fmt.Sprint("for", role.Delegation.RequiredUserPermissions.Names())
				}
				condition += role.Requires.key()
				for _, permission := range role.Permissions.Intersect(Approving).Names() {
					g := grant{im.Name, permission, condition}
					if all[g].Before(until) {
						all[g] = until
					}
				}
			}
		}
		return all
	}
	before := grants(s)
	for g, until := range grants(after) {
		if before[g].Before(until) {
			return true
		}
	}
	return false
}

// never is the end of what does not end.
var never = time.Unix(1<<40, 0)

// givenIn describes what each IAM role is given there, by its exact name.
func (s *Snapshot) givenIn(org OrganisationID) map[string]string {
	given := map[string]string{}
	for _, im := range s.model.IAMRoles {
		ids := slices.Clone(im.RolesIn(org))
		if len(ids) == 0 {
			continue
		}
		slices.Sort(ids)
		var text strings.Builder
		if im.Held() { // who confirms it gives all of it
			text.WriteString("held")
		}
		if end := im.Ends[org]; !end.At.IsZero() {
			fmt.Fprint(&text, end.At.Unix())
		}
		for _, id := range ids {
			fmt.Fprintf(&text, "|%s", id)
			role := s.roles[id]
			if role == nil {
				continue
			}
			fmt.Fprint(&text, role.Permissions.Intersect(EffectiveIn(org)).Names())
			if role.Delegation != nil {
				fmt.Fprint(&text, "for", role.Delegation.RequiredUserPermissions.Names())
			}
			text.WriteString(role.Requires.key())
		}
		given[im.Name] = text.String()
	}
	return given
}
