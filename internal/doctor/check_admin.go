package doctor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/okta"
)

// checkAdmin: does the bootstrap role reach a token?
func checkAdmin(e *Evidence, f *findings) {
	role := e.adminRole()
	if role == "" || !e.read("/api/v1/groups") {
		return
	}
	if group := e.nearGroup(); group != nil {
		e.checkMembers(f, group)
	}
	if e.madeByExpression() {
		return
	}
	if e.adminGroup() == nil {
		e.noAdminGroup(f, role)
		return
	}
	if c := e.roleClaim(); c != nil {
		if lets, judged := c.Lets(role); judged && !lets {
			e.leftOut(f, c, role)
		}
	}
}

func (e *Evidence) checkMembers(f *findings, group *okta.GroupFacts) {
	console := atGroups + " > " + group.Name + " > Assign people"
	if group.Active == 0 && !e.madeByExpression() {
		f.add("admin-empty", Finding{
			What:    fmt.Sprintf("Nobody who can sign in is in the group %s, so nobody can administer Portico.", group.Name),
			Seen:    "the group has no active member",
			Setting: fmt.Sprintf("Put the first administrator into the group %s.", group.Name),
			Console: console, Call: "PUT /api/v1/groups/" + group.ID + "/users/{userId}", also: e.forWantOf(group),
		})
	}
	if e.lacksGroup() == nil {
		return
	}
	u, can := e.Org.User, "can't administer Portico"
	if e.assigns(group) {
		can = "can neither sign in nor administer Portico"
	}
	f.add("not-admin", Finding{
		What:    fmt.Sprintf("%s is not in the group %s, so they %s.", u.Login, group.Name, can),
		Seen:    "their groups are " + clip(groupNames(u.Groups)),
		Setting: fmt.Sprintf("Put %s into the group %s.", u.Login, group.Name),
		Console: console, Call: "PUT /api/v1/groups/" + group.ID + "/users/" + u.ID,
		steps: []step{{part: "member " + u.Login}}, also: e.forWantOf(group),
	})
}

// forWantOf are the errors that the person meets only because they are not in the group.
func (e *Evidence) forWantOf(group *okta.GroupFacts) (also []string) {
	if e.lacksGroup() == nil {
		return nil
	}
	if e.assigns(group) {
		also = append(also, "told-assigned", "told-denied")
	}
	if e.Org.Server != nil {
		q := e.signIn()
		_, rule, why := q.winner(e.Org.Server.Policies)
		q.user = e.Org.User
		if _, _, misses := q.winner(e.Org.Server.Policies); rule != nil && len(why) == 0 && len(misses) > 0 {
			also = append(also, "told-policy", "told-denied")
		}
	}
	return also
}

// leftOut says what okta plan says of the same claim.
func (e *Evidence) leftOut(f *findings, c *okta.ClaimFacts, role string) {
	if e.claimOfApp() {
		f.add("admin-filter", Finding{
			What: fmt.Sprintf("The application's groups claim leaves the bootstrap role %s out, so nobody can administer Portico.", role),
			Seen: "its filter is " + c.Describe(), Near: nearFilter(c, role), Setting: e.appFilter(c.Name),
			Console: atSignOnTokens, steps: []step{}, hand: noClaimAPI,
		})
		return
	}
	kind, value := c.Widened(role)
	call := func(kind, value string) string {
		return e.claimCall(c, fmt.Sprintf("{\"group_filter_type\":%q,\"value\":%q}", kind, value))
	}
	finding := Finding{
		What:    fmt.Sprintf("The claim %s leaves the bootstrap role %s out, so nobody can administer Portico.", c.Name, role),
		Seen:    "its filter is " + c.Describe(),
		Near:    nearFilter(c, role),
		Setting: fmt.Sprintf("Filter: Matches regex %s (the claim is in the tokens of every application of this authorization server). Or a group that it lets through as sts.iam.adminRole.", value),
		Call:    call(kind, value),
		Console: atClaims + " > " + c.Name,
	}
	finding.ifApply = func(steps []okta.Step) (string, string) {
		for _, s := range steps {
			if kind, value := s.Filter(); value != "" {
				kind = cmp.Or(kind, c.Filter)
				return fmt.Sprintf("Filter: %s, which portico okta apply sets by the setup file.", okta.InWords(kind, value)), call(kind, value)
			}
		}
		return finding.Setting, finding.Call
	}
	if e.Setup != nil {
		finding.Setting = fmt.Sprintf("Filter: Matches regex %s, or with claim.widen: true in the setup file portico okta apply sets it (the claim is in the tokens of every application of this authorization server). Or a group that it lets through as bootstrap.group there; sts.iam.adminRole follows.", value)
	}
	f.add("admin-filter", finding)
}

// noAdminGroup: there is no group of exactly the role's name that a claim would see.
func (e *Evidence) noAdminGroup(f *findings, role string) {
	imported := slices.ContainsFunc(e.Org.Groups, func(g okta.GroupFacts) bool { return g.FromDirectory() && g.Name == role })
	g := e.nearGroup()
	switch {
	case imported:
		f.add("directory-groups", Finding{
			What: fmt.Sprintf("The group %s comes from a directory: a claim of the type Groups does not see those.", role), Seen: "its type is APP_GROUP",
			Setting: "A group of Okta's own of that name, filled by a group rule (Directory > Groups > Rules); or as the claim's value the expression Groups.startsWith(\"active_directory\",\"" + role + "\",100) ?: {}",
		})
	case g == nil:
		e.noGroupAtAll(f, role)
	case e.roleIsWrong(g.Name):
		f.add("admin-name", Finding{
			What: "sts.iam.adminRole is not the name of the bootstrap group.", Seen: fmt.Sprintf("the group is called %q, sts.iam.adminRole is %q", g.Name, role),
			Near: nameMiss(g.Name, role), Setting: "sts.iam.adminRole: " + g.Name, Console: atGroups + " > " + g.Name,
			settings: []config.Setting{{Key: "sts.iam.adminRole", Value: g.Name}}, steps: []step{},
		})
	default:
		f.add("admin-name", e.groupIsWrong(g, role))
	}
}

func (e *Evidence) noGroupAtAll(f *findings, role string) {
	finding := Finding{
		What: fmt.Sprintf("There is no group %s, so nobody can administer Portico.", role), Seen: "no group has that name, nor nearly",
		Setting: fmt.Sprintf("Make the group %s, put the first administrator into it, and assign it to the application.", role), Console: atGroups + " > Add group",
		Call: "POST /api/v1/groups with {\"profile\":{\"name\":\"" + role + "\"}}, PUT /api/v1/groups/{id}/users/{userId}, PUT " + e.appPath() + "/groups/{id}",
	}
	if e.Org.User != nil && e.withoutGroup() && e.Org.App != nil && !e.Org.App.Assigned {
		finding.also = []string{"told-assigned", "told-denied"}
	}
	f.add("admin-missing", finding)
}

// roleIsWrong tells which of two names is to be changed: ours, where the setup file calls the group what it is called.
func (e *Evidence) roleIsWrong(group string) bool {
	return e.Config != nil && e.Setup != nil && e.Setup.Bootstrap.Group == group
}

func (e *Evidence) groupIsWrong(g *okta.GroupFacts, role string) Finding {
	key := "sts.iam.adminRole"
	if e.Config == nil {
		key = "bootstrap.group"
	}
	finding := Finding{
		What: "The bootstrap group's name is not exactly the bootstrap role.", Seen: fmt.Sprintf("there is a group %q, %s is %q", g.Name, key, role),
		Near: nameMiss(g.Name, role), Setting: "The group's name: exactly " + role, Console: atGroups + " > " + g.Name + " > Edit",
		Call: "PUT /api/v1/groups/" + g.ID + " with {\"profile\":{\"name\":\"" + role + "\"}}",
	}
	switch {
	case g.Made && okta.Plain(g.Name) != okta.Plain(role):
		finding.What, finding.Near = fmt.Sprintf("The bootstrap group that portico okta apply made as %s was renamed.", role), ""
	case e.Setup == nil && g.Name == strings.TrimSpace(g.Name): // a name that we could have too
		finding.Setting += "; or, if the group is meant to be called so, sts.iam.adminRole: " + g.Name
	}
	return finding
}

// nameMiss says in what two names differ that are nearly the same.
func nameMiss(got, want string) string {
	if okta.Plain(got) != okta.Plain(want) {
		return ""
	}
	return cmp.Or(nearMiss(got, want), "They differ in blanks or punctuation.")
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
