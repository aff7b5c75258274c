package okta

import (
	"fmt"
	"slices"
	"strings"
)

// first is the priority of our own policy, and of our rule in it: Okta takes the first that fits.
const first = float64(1)

// ahead names what Okta asks before live (before anything, where live is still to be made) and what concerns our sign-in,
// so that it decides in its place. What is switched off, or is for other clients, does no harm where it is.
func ahead(all []object, live object, concerns func(object) bool) (names []string) {
	for _, o := range byPriority(slices.Clone(all)) {
		earlier := live == nil || o.number("priority") < live.number("priority")
		if earlier && o.id() != live.id() && o.text("status") == active && concerns(o) {
			names = append(names, quoted(clip(o.text("name"))))
		}
	}
	return names
}

// forUs tells of a policy that it is for our application too.
func (r *run) forUs(policy object) bool {
	facts := policyFacts(policy)
	return facts.Covers(r.plan.Values.ClientID)
}

// forSignIn tells of a rule that it is about our grant.
func forSignIn(rule object) bool {
	return slices.Contains(ruleFacts(rule).Grants, "authorization_code")
}

// overtaking says what it means to move ahead of others, for a plan's reader to agree to. It is asked of our own objects
// too: whoever put something before them may have meant it.
func overtaking(kind string, others []string, changed []Change) string {
	if !slices.ContainsFunc(changed, func(c Change) bool { return c.Field == "priority" }) {
		return ""
	}
	return fmt.Sprintf("Okta asks %s first now, and this %s would move ahead. Somebody may have put it there on purpose: what it says would no longer hold for this application. Other applications are decided as before.", strings.Join(others, ", "), kind)
}
