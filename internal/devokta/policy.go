package devokta

import (
	"cmp"
	"slices"
)

// accessRequest is what an access policy is asked about.
type accessRequest struct {
	ClientID string
	Grant    string
	User     *user // nil for client_credentials, whose rules ignore people
	Groups   []*group
	Scopes   []string
}

// evaluate finds the rule that governs the request: policies by priority, in each its rules by priority, and
// on to the next policy when none of them fits. A rule must cover every requested scope (okta.md 4).
func (as *authServer) evaluate(r accessRequest) (rule, *refusal) {
	for _, p := range byPriority(as.Policies, func(p accessPolicy) int { return p.Priority }) {
		if !p.covers(r.ClientID) {
			continue
		}
		for _, rl := range byPriority(p.Rules, func(r rule) int { return r.Priority }) {
			if rl.matches(r) {
				return rl, nil
			}
		}
	}
	return rule{}, refuse(errNoMatchingPolicy)
}

// byPriority leaves the stored order alone: it is the administrator's.
func byPriority[T any](list []T, priority func(T) int) []T {
	sorted := slices.Clone(list)
	slices.SortStableFunc(sorted, func(a, b T) int { return cmp.Compare(priority(a), priority(b)) })
	return sorted
}

func (p accessPolicy) covers(clientID string) bool {
	return p.Status == active && (slices.Contains(p.Clients, anyClient) || slices.Contains(p.Clients, clientID))
}

func (rl rule) matches(r accessRequest) bool {
	return rl.Status == active &&
		slices.Contains(rl.GrantTypes, r.Grant) &&
		(r.Grant == grantClient || rl.admits(r.User, r.Groups)) &&
		rl.allows(r.Scopes)
}

func (rl rule) admits(u *user, groups []*group) bool {
	if u == nil || slices.Contains(rl.Users.Exclude, u.ID) || rl.Groups.excludes(groups) {
		return false
	}
	return slices.Contains(rl.Users.Include, u.ID) || rl.Groups.includes(groups)
}

func (p people) includes(groups []*group) bool { return anyGroup(p.Include, groups) }
func (p people) excludes(groups []*group) bool { return anyGroup(p.Exclude, groups) }

func anyGroup(ids []string, groups []*group) bool {
	if slices.Contains(ids, everyone) {
		return true
	}
	return slices.ContainsFunc(groups, func(g *group) bool { return slices.Contains(ids, g.ID) })
}

func (rl rule) allows(scopes []string) bool {
	if slices.Contains(rl.Scopes, anyScope) {
		return true
	}
	for _, s := range scopes {
		if !slices.Contains(rl.Scopes, s) {
			return false
		}
	}
	return true
}
