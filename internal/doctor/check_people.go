package doctor

import "fmt"

// checkAssigned: may this person use the application at all?
func checkAssigned(e *Evidence, f *findings) {
	if e.Login == "" && e.read(appsPath) && e.Org.App != nil && e.Org.App.Unused {
		f.add("not-assigned", Finding{
			What: "Nobody is assigned to the application.", Seen: "neither a group nor a person", Setting: "Assign a group.",
			Call: "PUT " + e.appPath() + "/groups/{groupId} with {}",
		})
	}
	if !e.read("/api/v1/users") || e.Login == "" {
		return
	}
	u := e.Org.User
	switch {
	case u == nil:
		f.add("user-inactive", Finding{
			What: "There is nobody of that login.", Seen: "404 for " + clip(e.Login), Setting: "The login as Okta has it", Call: "GET /api/v1/users/{login}",
		})
		return
	case u.Status != "ACTIVE":
		f.add("user-inactive", Finding{
			What: "The person can't sign in.", Seen: fmt.Sprintf("status %s of %s", u.Status, u.Login), Setting: "Activate, unsuspend or unlock them.",
			Call: "POST /api/v1/users/" + u.ID + "/lifecycle/activate",
		})
		return
	}
	if app := e.Org.App; app != nil && !app.Assigned && e.read(appsPath) {
		group := "{groupId}"
		for _, g := range e.Org.Groups {
			if u.In(g.ID) {
				group = g.ID
			}
		}
		inBootstrap := group != "{groupId}" || e.meantToAdminister(u)
		f.add("not-assigned", Finding{
			What:    "Neither " + u.Login + " nor a group of theirs is assigned to the application.",
			Seen:    fmt.Sprintf("%s is in %d groups, none of the %d that are assigned", u.Login, len(u.Groups), len(app.Groups)),
			Setting: "Put them into a group that is assigned, or assign a group of theirs (not Everyone, unless everybody shall sign in).", Call: "PUT " + e.appPath() + "/groups/" + group + " with {}", byHand: !inBootstrap,
		})
	}
}
