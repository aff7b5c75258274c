package world

import (
	"cmp"
	"slices"
	"strings"
)

// PolicyObject is an access policy as the API shows one. It says for which clients; its rules say the rest.
type PolicyObject struct {
	ID          string           `json:"id"`
	Type        string           `json:"type"`
	Status      Status           `json:"status"`
	Name        string           `json:"name"`
	Description string           `json:"description"`
	Priority    int              `json:"priority"`
	System      bool             `json:"system"`
	Conditions  PolicyConditions `json:"conditions"`
	Created     Time             `json:"created"`
	LastUpdated Time             `json:"lastUpdated"`
}

// PolicyConditions name clients.
type PolicyConditions struct {
	Clients *Include `json:"clients"`
}

// Include is a list of what is meant.
type Include struct {
	Include []string `json:"include"`
}

// Policy is an access policy with its rules.
type Policy struct {
	PolicyObject
	Rules []*Rule `json:"rules"`
}

const (
	policyType = "OAUTH_AUTHORIZATION_POLICY"
	policyKind = "Policy"
)

// Policy finds a policy by id.
func (s *Server) Policy(id string) (*Policy, error) {
	if p := find(s.Policies, func(p *Policy) bool { return p.ID == id }); p != nil {
		return p, nil
	}
	return nil, NotFound(id, policyKind)
}

// CreatePolicy puts a policy at its priority; without one, last.
func (w *World) CreatePolicy(s *Server, in PolicyObject) (*Policy, error) {
	in.ID, in.System, in.Created, in.LastUpdated = w.newID("00p"), false, w.Now(), w.Now()
	if err := w.checkPolicy(s, &in, nil); err != nil {
		return nil, err
	}
	p := &Policy{PolicyObject: in}
	s.Policies = place(s.Policies, p, in.Priority, func(p *Policy) *int { return &p.Priority })
	return p, nil
}

// ReplacePolicy is a full replace of everything but the rules.
func (w *World) ReplacePolicy(s *Server, p *Policy, in PolicyObject) error {
	in.ID, in.System, in.Created, in.LastUpdated = p.ID, p.System, p.Created, w.Now()
	if in.Priority == 0 {
		in.Priority = p.Priority
	}
	if err := w.checkPolicy(s, &in, p); err != nil {
		return err
	}
	p.PolicyObject = in
	s.Policies = place(s.Policies, p, in.Priority, func(p *Policy) *int { return &p.Priority })
	return nil
}

func (w *World) checkPolicy(s *Server, in *PolicyObject, self *Policy) error {
	var c checks
	c.statusOf(&in.Status)
	if in.Type == "" {
		in.Type = policyType
	}
	c.that(in.Type == policyType, "type", "must be "+policyType)
	c.that(strings.TrimSpace(in.Name) != "", "name", blank)
	c.atMost(255, "name", in.Name)
	other := find(s.Policies, func(p *Policy) bool { return p != self && p.Name == in.Name })
	c.that(other == nil, "name", "Policy name already in use")
	c.that(in.Priority >= 0, "priority", "must be 1 or more")
	c.that(self != nil || len(s.Policies) < maxOfServer, "name", "this development Okta has no room for another policy")
	if in.Conditions.Clients == nil || len(in.Conditions.Clients.Include) == 0 {
		c.that(false, "conditions.clients.include", blank)
		return c.err()
	}
	for _, id := range in.Conditions.Clients.Include {
		c.that(id == AllClients || w.anyClient(id) != nil || self.names(id), "conditions.clients.include", "Invalid client: '"+id+"'")
	}
	return c.err()
}

// names tells whether a policy has a client already: one that was deleted since does not stand in the way of a replace.
func (p *Policy) names(clientID string) bool {
	return p != nil && p.Conditions.Clients != nil && slices.Contains(p.Conditions.Clients.Include, clientID)
}

// SetPolicyStatus activates or deactivates.
func (w *World) SetPolicyStatus(p *Policy, to Status) error {
	p.Status, p.LastUpdated = to, w.Now()
	return nil
}

// DeletePolicy closes the gap in the priorities.
func (w *World) DeletePolicy(s *Server, p *Policy) error {
	s.Policies = renumber(without(s.Policies, p), func(p *Policy) *int { return &p.Priority })
	return nil
}

// place puts one item of a list at a priority (0 = last) and numbers all from 1, as Okta does after every write.
func place[T comparable](list []T, item T, at int, priority func(T) *int) []T {
	list = without(list, item)
	slices.SortStableFunc(list, func(a, b T) int { return cmp.Compare(*priority(a), *priority(b)) })
	index := len(list)
	if at > 0 {
		index = min(at-1, len(list))
	}
	return renumber(slices.Insert(list, index, item), priority)
}

func renumber[T any](list []T, priority func(T) *int) []T {
	for i, item := range list {
		*priority(item) = i + 1
	}
	return list
}
