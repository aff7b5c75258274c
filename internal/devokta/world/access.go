package world

import (
	"cmp"
	"slices"
)

// AccessRequest is what the access policies are asked about.
type AccessRequest struct {
	ClientID string
	Grant    string
	User     *User // nil for client_credentials, whose rules ignore people
	Groups   []*Group
	Scopes   []string
}

// Evaluate finds the rule that governs a request: policies by priority, in each its rules by priority, and on to the next
// policy when none of them fits. A rule must cover every requested scope (okta.md, section 4).
func (s *Server) Evaluate(r AccessRequest) (*Rule, *Refusal) {
	for _, p := range byPriority(s.Policies, func(p *Policy) int { return p.Priority }) {
		if !p.covers(r.ClientID) {
			continue
		}
		for _, rule := range byPriority(p.Rules, func(r *Rule) int { return r.Priority }) {
			if rule.matches(r) {
				return rule, nil
			}
		}
	}
	return nil, Refuse(NoMatchingPolicy)
}

// MayUse checks, in Okta's order, assignment and then policy.
func (w *World) MayUse(s *Server, a *App, u *User, scopes []string) (*Rule, *Refusal) {
	if a == nil || u == nil || u.Status != Active || !w.Assigned(a, u) {
		return nil, Refuse(NotAssigned)
	}
	return s.Evaluate(AccessRequest{ClientID: a.ClientID(), Grant: GrantCode, User: u, Groups: w.GroupsOf(u), Scopes: scopes})
}

// byPriority leaves the stored order alone.
func byPriority[T any](list []T, priority func(T) int) []T {
	sorted := slices.Clone(list)
	slices.SortStableFunc(sorted, func(a, b T) int { return cmp.Compare(priority(a), priority(b)) })
	return sorted
}

func (p *Policy) covers(clientID string) bool {
	if p.Status != Active || p.Conditions.Clients == nil {
		return false
	}
	return slices.Contains(p.Conditions.Clients.Include, AllClients) || slices.Contains(p.Conditions.Clients.Include, clientID)
}

func (r *Rule) matches(q AccessRequest) bool {
	return r.Status == Active &&
		slices.Contains(r.Conditions.GrantTypes.Include, q.Grant) &&
		(q.User == nil && q.Grant == GrantClient || r.admits(q.User, q.Groups)) &&
		r.allows(q.Scopes)
}

func (r *Rule) admits(u *User, groups []*Group) bool {
	people := r.Conditions.People
	if u == nil || people == nil {
		return false
	}
	users, of := people.Users, people.Groups
	if users != nil && slices.Contains(users.Exclude, u.ID) || of != nil && anyGroup(of.Exclude, groups) {
		return false
	}
	return users != nil && slices.Contains(users.Include, u.ID) || of != nil && anyGroup(of.Include, groups)
}

func anyGroup(ids []string, groups []*Group) bool {
	if slices.Contains(ids, Everyone) {
		return true
	}
	return slices.ContainsFunc(groups, func(g *Group) bool { return slices.Contains(ids, g.ID) })
}

func (r *Rule) allows(scopes []string) bool {
	return slices.Contains(r.Conditions.Scopes.Include, anyScope) || subset(scopes, r.Conditions.Scopes.Include)
}
