package doctor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/portico-iam/portico/internal/okta"
)

// adminRole is the bootstrap role; "" where it is retired or not known.
func (e *Evidence) adminRole() string {
	switch {
	case e.Config != nil && !e.Config.STS.IAM.Bootstrap:
		return ""
	case e.Config != nil:
		return e.Config.STS.IAM.AdminRole
	case e.Setup != nil:
		return e.Setup.Bootstrap.Group
	}
	return ""
}

// checkAdmin: does the bootstrap role reach a token? Only a claim of groups can be judged; an expression may make the role out
// of anything.
func checkAdmin(e *Evidence, f *findings) {
	role, c := e.adminRole(), (*okta.ClaimFacts)(nil)
	if role == "" || !e.read("/api/v1/groups") {
		return
	}
	if e.Org.Server != nil {
		if c = e.roleClaim(); c != nil && c.ValueType != "GROUPS" {
			return
		}
	}
	exact := slices.IndexFunc(e.Org.Groups, func(g okta.GroupFacts) bool { return g.Name == role && !g.FromDirectory() })
	if exact < 0 {
		e.noAdminGroup(f, role)
		return
	}
	group := e.Org.Groups[exact]
	if group.Active == 0 {
		f.add("admin-empty", Finding{
			What: fmt.Sprintf("Nobody who can sign in is in the group %s: nobody can administer.", role), Seen: "0 active members", Setting: "Put somebody into it.",
			Console: atGroups + " > " + role, Call: "PUT /api/v1/groups/" + group.ID + "/users/{userId}", byHand: e.Setup == nil || len(e.Setup.Bootstrap.People) == 0,
		})
	}
	if c != nil {
		if lets, judged := c.Lets(role); judged && !lets {
			f.add("admin-filter", Finding{
				What: fmt.Sprintf("The claim %s leaves the bootstrap role %s out.", c.Name, role), Seen: c.Describe(), Near: nearFilter(c, role),
				byHand:  e.Setup == nil || !e.Setup.Claim.Widen,
				Setting: fmt.Sprintf("A filter that lets it through too, e.g. Matches regex %s", widened(c, role)),
				Call:    fmt.Sprintf("PUT %s/claims/%s with {\"group_filter_type\":\"REGEX\",\"value\":%q}", e.Org.Server.Path(), c.ID, widened(c, role)),
			})
		}
	}
	u := e.Org.User
	if u != nil && (e.meantToAdminister(u) || e.Told.says("told-no-admin")) && !u.In(group.ID) {
		f.add("not-admin", Finding{
			What: fmt.Sprintf("%s is not in the group %s.", u.Login, role), Seen: "their groups: " + clip(groupNames(u.Groups)), Setting: "Put them into it.",
			Console: atGroups + " > " + role, Call: "PUT /api/v1/groups/" + group.ID + "/users/" + u.ID,
		})
	}
}

func (e *Evidence) meantToAdminister(u *okta.UserFacts) bool {
	return e.Setup != nil && slices.ContainsFunc(e.Setup.Bootstrap.People, func(p string) bool { return strings.EqualFold(p, u.Login) })
}

func (e *Evidence) noAdminGroup(f *findings, role string) {
	for _, g := range e.Org.Groups {
		if g.FromDirectory() && g.Name == role {
			f.add("directory-groups", Finding{
				What: fmt.Sprintf("The group %s comes from a directory: a claim of groups does not see those.", role), Seen: "type APP_GROUP",
				Setting: "A group of Okta's own of that name, filled by a group rule; or an expression Groups.startsWith(\"active_directory\",\"ONE_\",100) ?: {}",
			})
			return
		}
		if g.Name != role {
			f.add("admin-name", Finding{
				What: "The bootstrap group's name is nearly right.", Seen: fmt.Sprintf("there is a group %q, expected %q", g.Name, role),
				Near:    cmp.Or(nearMiss(g.Name, role), "They differ in blanks or punctuation."),
				Setting: "The group's name: exactly " + role + "; or sts.iam.adminRole: the group's",
				Call:    "PUT /api/v1/groups/" + g.ID + " with {\"profile\":{\"name\":\"" + role + "\"}}",
			})
			return
		}
	}
	f.add("admin-missing", Finding{
		What: fmt.Sprintf("There is no group %s, so nobody can administer.", role), Seen: "a search of groups by name",
		Setting: "Make the group and put somebody into it.",
		Call:    "POST /api/v1/groups with {\"profile\":{\"name\":\"" + role + "\"}}",
	})
}

// nearFilter says when the filter fails only by case or a blank.
func nearFilter(c *okta.ClaimFacts, role string) string {
	lower := *c
	lower.Value = strings.ToLower(strings.TrimSpace(c.Value))
	if lets, judged := lower.Lets(strings.ToLower(role)); lets && judged {
		return "Without regard to case and blanks it would be let through."
	}
	return ""
}

// widened is a regular expression that lets the filter's names and the role through.
func widened(c *okta.ClaimFacts, role string) string {
	switch c.Filter {
	case "STARTS_WITH":
		return fmt.Sprintf("^(%s.*|%s)$", c.Value, role)
	case "CONTAINS":
		return fmt.Sprintf("^(.*%s.*|%s)$", c.Value, role)
	}
	return fmt.Sprintf("^(%s|%s)$", strings.TrimSuffix(strings.TrimPrefix(c.Value, "^"), "$"), role)
}

// checkDirectory: the person's groups that the filter is after come from a directory, which a claim of groups does not see.
func checkDirectory(e *Evidence, f *findings) {
	c := e.roleClaim()
	if c == nil || c.ValueType != "GROUPS" || e.Org.User == nil {
		return
	}
	var unseen []string
	for _, g := range e.Org.User.Groups {
		lets, judged := c.Lets(g.Name)
		switch {
		case !lets || !judged || g.Name == e.adminRole(): // checkAdmin says so
		case g.FromDirectory():
			unseen = append(unseen, g.Name)
		}
	}
	unseen = slices.DeleteFunc(unseen, func(name string) bool {
		return slices.ContainsFunc(e.Org.User.Groups, func(g okta.GroupFacts) bool { return g.Name == name && !g.FromDirectory() })
	})
	if len(unseen) > 0 {
		f.add("directory-groups", Finding{
			What:    fmt.Sprintf("Groups of %s come from a directory: a claim of groups does not see those.", e.Org.User.Login),
			Seen:    "type APP_GROUP of " + clip(strings.Join(unseen, ", ")),
			Setting: "Value type Expression: Groups.startsWith(\"active_directory\",\"ONE_\",100) ?: {}; or a group rule that fills a group of Okta's own",
			Call:    "PUT " + e.Org.Server.Path() + "/claims/" + c.ID,
		})
	}
}
