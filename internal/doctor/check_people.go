package doctor

import (
	"fmt"
	"slices"

	"github.com/portico-iam/portico/internal/okta"
)

// checkAssigned: may this person use the application at all?
func checkAssigned(e *Evidence, f *findings) {
	if e.Login == "" && e.read(appsPath) && e.Org.App != nil && e.Org.App.Unused {
		f.add("not-assigned", Finding{
			What: "Nobody is assigned to the application, so nobody can sign in.", Seen: "neither a group nor a person is assigned",
			Setting: "Assign the groups whose people shall sign in.", Call: "PUT " + e.appPath() + "/groups/{groupId} with {}", steps: []step{{part: "assignment of "}},
		})
	}
	if !e.read("/api/v1/users") || e.Login == "" {
		return
	}
	u := e.Org.User
	switch {
	case u == nil:
		f.add("user-inactive", Finding{
			What: fmt.Sprintf("Okta has nobody with the login %s.", clip(e.Login)), Seen: "404 for that login", Setting: "The login exactly as Okta has it, usually an e-mail address.",
			Call: fmt.Sprintf("GET /api/v1/users?search=profile.login eq %q", clip(e.Login)),
		})
		return
	case u.Status != "ACTIVE":
		f.add("user-inactive", Finding{
			What: fmt.Sprintf("%s can't sign in: the account is %s.", u.Login, u.Status), Seen: fmt.Sprintf("the status of %s is %s", u.Login, u.Status),
			Setting: "The person's status, by the menu More Actions: " + lifecycle(u.Status), Console: atPeople + " > " + u.Login,
			Call: "POST /api/v1/users/" + u.ID + "/lifecycle/" + lifecycle(u.Status),
		})
		return
	}
	if app := e.Org.App; app != nil && !app.Assigned && e.read(appsPath) {
		e.notAssigned(f, app)
	}
}

// lifecycle is the request that ends a status (okta.md 6).
func lifecycle(status string) string {
	switch status {
	case "SUSPENDED":
		return "unsuspend"
	case "LOCKED_OUT":
		return "unlock"
	}
	return "activate"
}

// notAssigned names the group that lacks: for who shall administer, the bootstrap group's assignment; being in it is another
// matter (checkAdmin), which comes first.
func (e *Evidence) notAssigned(f *findings, app *okta.AppFacts) {
	u, member := e.Org.User, e.member()
	if slices.ContainsFunc(app.Groups, member.In) || e.withoutGroup() {
		return // once they are in the bootstrap group they are assigned
	}
	finding := Finding{
		What:    fmt.Sprintf("Neither %s nor a group of theirs is assigned to the application, so they can't sign in.", u.Login),
		Seen:    fmt.Sprintf("they are in %s; %s", clip(groupNames(u.Groups)), assignedTo(app)),
		Setting: "Put them into a group that is assigned, or assign one of theirs (Everyone only if everybody shall sign in).",
		Call:    "PUT " + e.appPath() + "/groups/{groupId} with {}",
	}
	for _, g := range u.Groups {
		if e.Setup != nil && slices.Contains(e.Setup.Application.Groups, g.Name) {
			finding.steps = append(finding.steps, step{part: "assignment of " + g.Name})
		}
	}
	if group := e.nearGroup(); group != nil && member.In(group.ID) {
		finding.What = fmt.Sprintf("The group %s is not assigned to the application, so %s can't sign in.", group.Name, u.Login)
		finding.Setting = fmt.Sprintf("Assign the group %s to the application.", group.Name)
		finding.Call = "PUT " + e.appPath() + "/groups/" + group.ID + " with {}"
		finding.steps = append(finding.steps, step{part: "assignment of " + group.Name})
	}
	f.add("not-assigned", finding)
}

func assignedTo(app *okta.AppFacts) string {
	switch n := len(app.Groups); n {
	case 0:
		return "no group is assigned"
	case 1:
		return "the one group that is assigned is another"
	default:
		return fmt.Sprintf("the %d groups that are assigned are others", n)
	}
}
