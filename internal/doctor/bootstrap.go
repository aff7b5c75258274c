package doctor

import (
	"slices"
	"strings"

	"github.com/portico-iam/portico/internal/okta"
)

// adminRole is the bootstrap role; "" where it is retired or not known. Blanks around it are a fault of their own, which
// nothing else must follow.
func (e *Evidence) adminRole() string {
	switch {
	case e.Config != nil && !e.Config.STS.IAM.Bootstrap:
		return ""
	case e.Config != nil:
		return strings.TrimSpace(e.Config.STS.IAM.AdminRole)
	case e.Setup != nil:
		return e.Setup.Bootstrap.Group
	}
	return ""
}

// adminGroup is the group whose members have the bootstrap role; nil where there is none of exactly that name.
func (e *Evidence) adminGroup() *okta.GroupFacts {
	role := e.adminRole()
	return e.group(func(g *okta.GroupFacts) bool { return g.Name == role })
}

// nearGroup is that group, or the one that it was meant to be.
func (e *Evidence) nearGroup() *okta.GroupFacts {
	if exact := e.adminGroup(); exact != nil {
		return exact
	}
	return e.group(func(*okta.GroupFacts) bool { return true })
}

func (e *Evidence) group(is func(*okta.GroupFacts) bool) *okta.GroupFacts {
	if e.adminRole() == "" || !e.read("/api/v1/groups") {
		return nil
	}
	for i := range e.Org.Groups {
		if g := &e.Org.Groups[i]; !g.FromDirectory() && is(g) {
			return g
		}
	}
	return nil
}

// madeByExpression tells that the bootstrap role may come out of anything.
func (e *Evidence) madeByExpression() bool {
	c := e.roleClaim()
	return c != nil && c.ValueType != "GROUPS"
}

// lacksGroup is the bootstrap group where the person should be in it and is not. Where the role is made by an expression
// that matters only as far as the group lets people use the application.
func (e *Evidence) lacksGroup() *okta.GroupFacts {
	group := e.nearGroup()
	if group == nil {
		return nil
	}
	u := e.Org.User
	if u == nil || u.In(group.ID) || !e.meantToAdminister(u) && !e.Told.says("told-no-admin") {
		return nil
	}
	if e.madeByExpression() && !e.assigns(group) {
		return nil
	}
	return group
}

// assigns tells that the person may not use the application, and would if they were in the group.
func (e *Evidence) assigns(group *okta.GroupFacts) bool {
	return e.Org.App != nil && !e.Org.App.Assigned && slices.Contains(e.Org.App.Groups, group.ID)
}

// withoutGroup tells that the person is to be in a bootstrap group that is not there.
func (e *Evidence) withoutGroup() bool {
	role := e.adminRole()
	return role != "" && e.read("/api/v1/groups") && !e.madeByExpression() && len(e.Org.Groups) == 0 && e.meantToAdminister(e.Org.User)
}

// member is the person with the bootstrap group where that is what they lack. What they can't do for want of the group is no
// fault of its own: putting them into it mends that too.
func (e *Evidence) member() *okta.UserFacts {
	group := e.lacksGroup()
	if group == nil {
		return e.Org.User
	}
	u := *e.Org.User
	u.Groups = append(slices.Clone(u.Groups), *group)
	return &u
}

func (e *Evidence) meantToAdminister(u *okta.UserFacts) bool {
	return e.Setup != nil && slices.ContainsFunc(e.Setup.Bootstrap.People, func(p string) bool { return strings.EqualFold(p, u.Login) })
}
