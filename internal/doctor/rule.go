package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/portico-iam/portico/internal/okta"
)

// signIn is what the access policies are asked about.
type signIn struct {
	client string
	scopes []string
	user   *okta.UserFacts // nil: anybody
	// through is the group by which the person is to come in; nil where no particular one is.
	through *okta.GroupFacts
}

func (e *Evidence) signIn() signIn {
	q := signIn{client: e.Client.ID, scopes: e.Client.Scopes, user: e.member()}
	if e.Org.App != nil {
		q.client = e.Org.App.ClientID
	}
	if group := e.nearGroup(); group != nil && q.user != nil && q.user.In(group.ID) && e.meantToAdminister(q.user) {
		q.through = group
	}
	return q
}

const (
	codeGrant = "authorization_code"
	everyUser = "EVERYONE" // stands in a rule for all who are assigned the application
)

// miss is why a rule does not let a sign-in through, and what of the rule that is, in the console and in a call.
type miss struct{ why, set, field string }

// misses lists them as Okta evaluates the rule (okta.md 4).
func (q signIn) misses(r *okta.RuleFacts) (all []miss) {
	if !r.Active() {
		all = append(all, miss{why: "it is INACTIVE", set: "Activate the rule"})
	}
	if !slices.Contains(r.Grants, codeGrant) {
		all = append(all, miss{
			fmt.Sprintf("its grant types are %s, without %s", orNone(r.Grants), codeGrant), "Grant type: add Authorization Code",
			include("grantTypes.include", r.Grants, codeGrant),
		})
	}
	if !slices.Contains(r.Scopes, "*") {
		missing := slices.DeleteFunc(slices.Clone(q.scopes), func(s string) bool { return slices.Contains(r.Scopes, s) })
		if len(missing) > 0 {
			names := strings.Join(missing, ", ")
			all = append(all, miss{"its scopes lack " + names, "Scopes requested: add " + names, include("scopes.include", r.Scopes, missing...)})
		}
	}
	if !q.admitted(r) {
		all = append(all, q.leftOut(r))
	}
	return all
}

// leftOut says by which of the rule's lists somebody is left out.
func (q signIn) leftOut(r *okta.RuleFacts) miss {
	if q.user == nil {
		return miss{"it is for nobody", "User is: any user assigned the app", include("people.groups.include", nil, everyUser)}
	}
	why := "its people leave " + q.user.Login + " out"
	if slices.Contains(r.NoUsers, q.user.ID) {
		is := func(id string) bool { return id == q.user.ID }
		return miss{why + " by name", "Exclude users: take " + q.user.Login + " out", exclude("people.users.exclude", r.NoUsers, is)}
	}
	in := func(id string) bool { return id == everyUser || q.user.In(id) }
	if slices.ContainsFunc(r.NoGroups, in) {
		return miss{why + " by a group", "Exclude groups: take " + q.groups(r.NoGroups) + " out", exclude("people.groups.exclude", r.NoGroups, in)}
	}
	if q.through != nil {
		return miss{why, "User is: add the group " + q.through.Name, include("people.groups.include", r.Groups, q.through.ID)}
	}
	return miss{why, "User is: add " + q.user.Login + ", or a group of theirs", include("people.users.include", r.Users, q.user.ID)}
}

// groups names those of a list that the person is in.
func (q signIn) groups(ids []string) string {
	if slices.Contains(ids, everyUser) {
		return "everybody"
	}
	return groupNames(slices.DeleteFunc(slices.Clone(q.user.Groups), func(g okta.GroupFacts) bool { return !slices.Contains(ids, g.ID) }))
}

// include and exclude write a list of a rule as it is to be: a PUT replaces it.
func include(field string, has []string, more ...string) string {
	return "conditions." + field + " [" + quoteAll(slices.Concat(has, more)) + "]"
}

func exclude(field string, has []string, who func(string) bool) string {
	return "conditions." + field + " [" + quoteAll(slices.DeleteFunc(slices.Clone(has), who)) + "]"
}

func each(misses []miss, part func(miss) string) string {
	var out []string
	for _, m := range misses {
		out = append(out, part(m))
	}
	return strings.Join(out, "; ")
}

// ruleCall are the requests that mend a rule: its status has one of its own.
func ruleCall(path string, misses []miss) string {
	var calls, fields []string
	for _, m := range misses {
		if m.field == "" {
			calls = append(calls, "POST "+path+"/lifecycle/activate")
			continue
		}
		fields = append(fields, m.field)
	}
	if len(fields) > 0 {
		calls = append(calls, "PUT "+path+" with "+strings.Join(fields, ", "))
	}
	return strings.Join(calls, "; ")
}

// admitted gives the benefit of the doubt where nobody in particular is meant.
func (q signIn) admitted(r *okta.RuleFacts) bool {
	if q.user == nil {
		return len(r.Groups)+len(r.Users) > 0
	}
	in := func(ids []string) bool {
		return slices.Contains(ids, everyUser) || slices.ContainsFunc(ids, q.user.In)
	}
	if in(r.NoGroups) || slices.Contains(r.NoUsers, q.user.ID) {
		return false
	}
	return in(r.Groups) || slices.Contains(r.Users, q.user.ID)
}
