package world

import (
	"slices"
	"strings"
	"time"
)

// Rule is a rule of an access policy.
type Rule struct {
	ID          string         `json:"id"`
	Type        string         `json:"type"`
	Status      Status         `json:"status"`
	Name        string         `json:"name"`
	Priority    int            `json:"priority"`
	System      bool           `json:"system"`
	Created     Time           `json:"created"`
	LastUpdated Time           `json:"lastUpdated"`
	Conditions  RuleConditions `json:"conditions"`
	Actions     RuleActions    `json:"actions"`
}

// RuleConditions: who, by which grant, for which scopes.
type RuleConditions struct {
	People     *RulePeople `json:"people,omitempty"`
	GrantTypes *Include    `json:"grantTypes"`
	Scopes     *Include    `json:"scopes"`
}

// RulePeople are ids; EVERYONE for groups.
type RulePeople struct {
	Users  *People `json:"users"`
	Groups *People `json:"groups"`
}

// People are included and excluded by id.
type People struct {
	Include []string `json:"include,omitempty"`
	Exclude []string `json:"exclude"`
}

// RuleActions say what the tokens are like.
type RuleActions struct {
	Token TokenAction `json:"token"`
}

// TokenAction in minutes. A refresh lifetime of 0 is unlimited.
type TokenAction struct {
	AccessMinutes  int      `json:"accessTokenLifetimeMinutes"`
	RefreshMinutes int      `json:"refreshTokenLifetimeMinutes"`
	WindowMinutes  int      `json:"refreshTokenWindowMinutes"`
	InlineHook     *HookRef `json:"inlineHook,omitempty"`
}

// HookRef names a token inline hook.
type HookRef struct {
	ID string `json:"id"`
}

const (
	ruleType = "RESOURCE_ACCESS"
	ruleKind = "PolicyRule"
	anyScope = "*"

	defaultAccess, minAccess, maxAccess = 60, 5, 1440
	defaultWindow, minWindow, maxWindow = 10_080, 10, 2_628_000
)

// ruleGrants are the grants a rule may name. refresh_token is governed by the rule of the original grant.
var ruleGrants = []string{
	GrantCode, GrantImplicit, GrantPassword, GrantClient, GrantDevice, GrantExchange, "interaction_code",
	"urn:ietf:params:oauth:grant-type:saml2-bearer", "urn:openid:params:grant-type:ciba", "urn:ietf:params:oauth:grant-type:jwt-bearer",
}

// AccessLifetime is how long an access token lives.
func (r *Rule) AccessLifetime() time.Duration { return minutes(r.Actions.Token.AccessMinutes) }

// RefreshLifetime ends a sign-in for good; 0 = never.
func (r *Rule) RefreshLifetime() time.Duration { return minutes(r.Actions.Token.RefreshMinutes) }

// RefreshWindow ends a refresh token that is not used.
func (r *Rule) RefreshWindow() time.Duration { return minutes(r.Actions.Token.WindowMinutes) }

func minutes(n int) time.Duration { return time.Duration(n) * time.Minute }

// Rule finds a rule by id.
func (p *Policy) Rule(id string) (*Rule, error) {
	if r := find(p.Rules, func(r *Rule) bool { return r.ID == id }); r != nil {
		return r, nil
	}
	return nil, NotFound(id, ruleKind)
}

// CreateRule puts a rule at its priority; without one, last.
func (w *World) CreateRule(s *Server, p *Policy, in Rule) (*Rule, error) {
	in.ID, in.System, in.Created, in.LastUpdated = w.newID("0pr"), false, w.Now(), w.Now()
	if err := w.checkRule(s, p, &in, nil); err != nil {
		return nil, err
	}
	p.Rules = place(p.Rules, &in, in.Priority, func(r *Rule) *int { return &r.Priority })
	return &in, nil
}

// ReplaceRule is a full replace.
func (w *World) ReplaceRule(s *Server, p *Policy, r *Rule, in Rule) error {
	in.ID, in.System, in.Created, in.LastUpdated = r.ID, r.System, r.Created, w.Now()
	if in.Priority == 0 {
		in.Priority = r.Priority
	}
	if err := w.checkRule(s, p, &in, r); err != nil {
		return err
	}
	*r = in
	p.Rules = place(p.Rules, r, in.Priority, func(r *Rule) *int { return &r.Priority })
	return nil
}

func (w *World) checkRule(s *Server, p *Policy, in, self *Rule) error {
	in.defaults()
	var c checks
	c.statusOf(&in.Status)
	c.that(in.Type == ruleType, "type", "must be "+ruleType)
	c.that(strings.TrimSpace(in.Name) != "", "name", blank)
	c.atMost(255, "name", in.Name)
	other := find(p.Rules, func(r *Rule) bool { return r != self && r.Name == in.Name })
	c.that(other == nil, "name", "Policy rule name already in use")
	c.that(in.Priority >= 0, "priority", "must be 1 or more")
	c.that(self != nil || len(p.Rules) < maxOfServer, "name", "this development Okta has no room for another rule")
	c.that(in.Conditions.GrantTypes != nil && len(in.Conditions.GrantTypes.Include) > 0, "conditions.grantTypes", blank)
	c.that(in.Conditions.Scopes != nil && len(in.Conditions.Scopes.Include) > 0, "conditions.scopes", blank)
	if in.Conditions.GrantTypes != nil {
		c.that(subset(in.Conditions.GrantTypes.Include, ruleGrants), "conditions.grantTypes", "a grant type is not supported")
	}
	w.checkPeople(&c, in.Conditions.People, self)
	t := in.Actions.Token
	c.that(t.AccessMinutes >= minAccess && t.AccessMinutes <= maxAccess, "accessTokenLifetimeMinutes", "must be 5 to 1440 minutes")
	c.that(t.RefreshMinutes == 0 || t.RefreshMinutes >= t.AccessMinutes, "refreshTokenLifetimeMinutes", "must be 0 or at least the access token's lifetime")
	c.that(t.WindowMinutes >= minWindow && t.WindowMinutes <= maxWindow, "refreshTokenWindowMinutes", "must be 10 to 2628000 minutes")
	if t.InlineHook != nil && t.InlineHook.ID != "" {
		c.that(s.hook(t.InlineHook.ID) != nil, "actions.token.inlineHook", "there is no such inline hook")
	}
	return c.err()
}

// defaults fills what was left out and writes the rest as Okta answers it.
func (r *Rule) defaults() {
	if r.Type == "" {
		r.Type = ruleType
	}
	t := &r.Actions.Token
	if t.AccessMinutes == 0 {
		t.AccessMinutes = defaultAccess
	}
	if t.WindowMinutes == 0 {
		t.WindowMinutes = defaultWindow
	}
	if t.InlineHook != nil && t.InlineHook.ID == "" {
		t.InlineHook = nil
	}
	people := r.Conditions.People
	if people == nil {
		return
	}
	for _, p := range []**People{&people.Users, &people.Groups} {
		if *p == nil {
			*p = &People{}
		}
		if (*p).Exclude == nil {
			(*p).Exclude = []string{}
		}
	}
}

// checkPeople lets stay what the rule had: a group that was deleted since does not stand in the way of a replace.
func (w *World) checkPeople(c *checks, p *RulePeople, self *Rule) {
	if p == nil {
		return
	}
	var had []string
	if self != nil {
		had = self.Conditions.People.ids()
	}
	for _, id := range slices.Concat(p.Groups.Include, p.Groups.Exclude) {
		_, err := w.Group(id)
		c.that(id == Everyone || err == nil || slices.Contains(had, id), "conditions.people.groups", "there is no group '"+id+"'")
	}
	for _, id := range slices.Concat(p.Users.Include, p.Users.Exclude) {
		c.that(w.UserByID(id) != nil || slices.Contains(had, id), "conditions.people.users", "there is no user '"+id+"'")
	}
}

func (p *RulePeople) ids() []string {
	var out []string
	if p == nil {
		return nil
	}
	for _, list := range []*People{p.Users, p.Groups} {
		if list != nil {
			out = slices.Concat(out, list.Include, list.Exclude)
		}
	}
	return out
}

// SetRuleStatus activates or deactivates.
func (w *World) SetRuleStatus(r *Rule, to Status) error {
	r.Status, r.LastUpdated = to, w.Now()
	return nil
}

// DeleteRule closes the gap in the priorities.
func (w *World) DeleteRule(p *Policy, r *Rule) error {
	p.Rules = renumber(without(p.Rules, r), func(r *Rule) *int { return &r.Priority })
	return nil
}
