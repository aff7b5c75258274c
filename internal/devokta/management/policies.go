package management

import (
	"net/http"

	"github.com/portico-iam/portico/internal/devokta/world"
)

const policiesPath = serversPath + "/{server}/policies"

func (c *call) policy() (*world.Policy, error) {
	s, err := c.server()
	if err != nil {
		return nil, err
	}
	return s.Policy(c.r.PathValue("policy"))
}

func policies() collection[*world.Policy] {
	return collection[*world.Policy]{
		path: policiesPath, item: "policy", area: world.AreaServers, created: http.StatusCreated,
		show: func(c *call, p *world.Policy) any {
			href := c.base + serversPath + "/" + c.r.PathValue("server") + "/policies/" + p.ID
			l := self(href)
			l["rules"] = link(href+"/rules", "GET")
			return withLinks(p.PolicyObject, states(l, href, p.Status == world.Active))
		},
		list: func(c *call) ([]*world.Policy, error) {
			s, err := c.server()
			if err != nil {
				return nil, err
			}
			return s.Policies, nil
		},
		find:      (*call).policy,
		create:    func(c *call) (*world.Policy, error) { return within(c, (*call).server, c.World.CreatePolicy) },
		replace:   func(c *call, p *world.Policy) error { return change(c, (*call).server, p, c.World.ReplacePolicy) },
		remove:    func(c *call, p *world.Policy) error { return drop(c, (*call).server, p, c.World.DeletePolicy) },
		lifecycle: usual,
		set:       func(c *call, p *world.Policy, to world.Status) error { return c.World.SetPolicyStatus(p, to) },
	}
}

func rules() collection[*world.Rule] {
	return collection[*world.Rule]{
		path: policiesPath + "/{policy}/rules", item: "rule", area: world.AreaServers, created: http.StatusCreated,
		show: func(c *call, r *world.Rule) any {
			href := c.base + serversPath + "/" + c.r.PathValue("server") + "/policies/" + c.r.PathValue("policy") + "/rules/" + r.ID
			return withLinks(r, states(self(href), href, r.Status == world.Active))
		},
		list: func(c *call) ([]*world.Rule, error) {
			p, err := c.policy()
			if err != nil {
				return nil, err
			}
			return p.Rules, nil
		},
		find: func(c *call) (*world.Rule, error) {
			p, err := c.policy()
			if err != nil {
				return nil, err
			}
			return p.Rule(c.r.PathValue("rule"))
		},
		create: func(c *call) (*world.Rule, error) {
			s, err := c.server()
			if err != nil {
				return nil, err
			}
			return within(c, (*call).policy, func(p *world.Policy, in world.Rule) (*world.Rule, error) { return c.World.CreateRule(s, p, in) })
		},
		replace: func(c *call, r *world.Rule) error {
			s, err := c.server()
			if err != nil {
				return err
			}
			return change(c, (*call).policy, r, func(p *world.Policy, r *world.Rule, in world.Rule) error { return c.World.ReplaceRule(s, p, r, in) })
		},
		remove:    func(c *call, r *world.Rule) error { return drop(c, (*call).policy, r, c.World.DeleteRule) },
		lifecycle: usual,
		set:       func(c *call, r *world.Rule, to world.Status) error { return c.World.SetRuleStatus(r, to) },
	}
}
