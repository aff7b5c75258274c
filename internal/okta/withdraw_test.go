package okta_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/devokta"
	"github.com/portico-iam/portico/internal/okta"
)

// fewer is the setup file after somebody took entries out of it and put others in.
var fewer = strings.NewReplacer("[Acme Issuance, Everyone]", "[Acme Issuance]", "ada@acme.test", "vera@acme.test").Replace(fresh) + "names: false\n"

// idOf finds a group by its name.
func (o *org) idOf(name string) string {
	o.t.Helper()
	for _, g := range o.everything()["/api/v1/groups"].([]any) {
		if g.(map[string]any)["profile"].(map[string]any)["name"] == name {
			return g.(map[string]any)["id"].(string)
		}
	}
	return ""
}

// membersOf lists the logins in a group.
func (o *org) membersOf(group string) (logins []string) {
	o.t.Helper()
	for _, m := range o.everything()["/api/v1/groups/"+o.idOf(group)+"/users"].([]any) {
		logins = append(logins, m.(map[string]any)["profile"].(map[string]any)["login"].(string))
	}
	slices.Sort(logins)
	return logins
}

// removed lists the titles of what a plan takes away.
func removed(p *okta.Plan) (titles []string) {
	for _, s := range p.Steps {
		if s.Action == okta.Remove {
			titles = append(titles, s.Title)
		}
	}
	return titles
}

// TestEntriesTakenOut: what apply added for them goes, and nothing else does; undo still leaves no trace.
func TestEntriesTakenOut(t *testing.T) {
	o := newOrg(t, "fresh-free")
	before := o.everything()
	o.apply(o.setup(fresh))
	s := o.setup(fewer)
	plan := o.plan(s)
	want := []string{
		`Group "Everyone" assigned to the application`, `Claim "family_name" in access tokens`,
		`Claim "given_name" in access tokens`, `ada@acme.test in the group "ONE_STS_ADMIN"`,
	}
	if got := removed(plan); !slices.Equal(got, want) {
		t.Errorf("expected to be removed\n%q\ngot\n%q", want, got)
	}
	if dangers := plan.Dangers(); len(dangers) != 1 || dangers[0].Title != want[0] {
		t.Errorf("expected Everyone's access to be a danger, got %+v", dangers)
	}
	if _, err := okta.Apply(t.Context(), s, o.client(s), nil, func(okta.Step) {}); err == nil {
		t.Error("expected it to wait for somebody to agree")
	}
	o.apply(s)
	if got := o.membersOf("ONE_STS_ADMIN"); !slices.Equal(got, []string{"vera@acme.test"}) {
		t.Errorf("administrators are %q", got)
	}
	if again := o.plan(s); again.Changes() || len(again.Notes) > 0 {
		t.Errorf("expected no changes, got\n%s\n%q", names(again), again.Notes)
	}
	o.apply(o.setup(fresh)) // and back
	if got := o.membersOf("ONE_STS_ADMIN"); !slices.Equal(got, []string{"ada@acme.test"}) {
		t.Errorf("administrators are %q", got)
	}
	o.undo(s)
	sameAs(t, "undo", before, o.everything())
}

// TestLastAdministrator: that nobody would be left is said, and asked.
func TestLastAdministrator(t *testing.T) {
	o := newOrg(t, "fresh-free")
	o.apply(o.setup(fresh))
	s := o.setup(strings.Replace(fresh, "[ada@acme.test]", "[]", 1))
	if dangers := o.plan(s).Dangers(); len(dangers) != 1 || !strings.Contains(dangers[0].Danger, "nobody could administer") {
		t.Errorf("expected a danger, got %+v", dangers)
	}
	vera := o.call("GET", "/api/v1/users/vera@acme.test", "")["id"].(string)
	o.call("PUT", "/api/v1/groups/"+o.idOf("ONE_STS_ADMIN")+"/users/"+vera, "")
	if plan := o.plan(s); len(plan.Dangers()) > 0 || len(removed(plan)) != 1 {
		t.Errorf("expected no danger with somebody else in the group, got\n%s", names(plan))
	}
}

// TestOthersStay: whom apply did not add it does not take away; it says that they are there.
func TestOthersStay(t *testing.T) {
	o := newOrg(t, "fresh-free")
	o.apply(o.setup(fresh))
	vera := o.call("GET", "/api/v1/users/vera@acme.test", "")["id"].(string)
	ada := o.call("GET", "/api/v1/users/ada@acme.test", "")["id"].(string)
	group := "/api/v1/groups/" + o.idOf("ONE_STS_ADMIN") + "/users/"
	o.call("PUT", group+vera, "")
	var app string
	for _, a := range o.everything()["/api/v1/apps"].([]any) {
		app = a.(map[string]any)["id"].(string)
	}
	o.call("PUT", "/api/v1/apps/"+app+"/groups/"+o.idOf("Acme Audit"), "{}")
	plan := o.plan(o.setup(fresh))
	notes := strings.Join(plan.Notes, "\n")
	if plan.Changes() || !strings.Contains(notes, "named in bootstrap.people: vera@acme.test.") || !strings.Contains(notes, "named in application.groups: Acme Audit.") {
		t.Errorf("got\n%s\n%s", names(plan), notes)
	}
	o.call("DELETE", group+ada, "") // by hand, before the file follows
	s := o.setup(strings.Replace(fresh, "ada@acme.test", "ivan@acme.test", 1))
	if plan := o.plan(s); len(removed(plan)) > 0 {
		t.Errorf("expected nothing to remove that is gone, got\n%s", names(plan))
	}
	o.apply(s)
	if got := o.membersOf("ONE_STS_ADMIN"); !slices.Equal(got, []string{"ivan@acme.test", "vera@acme.test"}) {
		t.Errorf("administrators are %q", got)
	}
}

// TestLoginInOtherLetters is the same person, who stays.
func TestLoginInOtherLetters(t *testing.T) {
	o := newOrg(t, "fresh-free")
	o.apply(o.setup(fresh))
	if plan := o.plan(o.setup(strings.Replace(fresh, "ada@", "Ada@", 1))); plan.Changes() {
		t.Errorf("got\n%s", names(plan))
	}
}

// TestAnotherBootstrapGroup: the file says which group is meant. One that is there is used, a missing one is made, and what
// apply added to the former one goes.
func TestAnotherBootstrapGroup(t *testing.T) {
	for name, there := range map[string]bool{"Acme Audit": true, "ONE_OTHER": false} {
		o := newOrg(t, "fresh-free")
		before := o.everything()
		o.apply(o.setup(fresh))
		s := o.setup(strings.Replace(fresh, "bootstrap: {", "bootstrap: {group: "+name+", ", 1))
		plan := o.plan(s)
		want := []string{`Group "ONE_STS_ADMIN" assigned to the application`, `ada@acme.test in the group "ONE_STS_ADMIN"`, `Group "ONE_STS_ADMIN"`}
		if got := removed(plan); !slices.Equal(got, want) || (does(plan, "group") == okta.Keep) != there {
			t.Errorf("%s: removes %q of\n%s", name, got, names(plan))
		}
		applied := o.apply(s)
		if o.idOf("ONE_STS_ADMIN") != "" || applied.Values.AdminRole != name || !slices.Contains(o.membersOf(name), "ada@acme.test") || o.plan(s).Changes() {
			t.Errorf("%s: applied\n%s", name, names(applied))
		}
		o.undo(s)
		sameAs(t, name+": undo", before, o.everything())
	}
}

// TestFormerGroupOfOthers stays, with whom somebody else put into it.
func TestFormerGroupOfOthers(t *testing.T) {
	o := newOrg(t, "fresh-free")
	o.apply(o.setup(fresh))
	vera := o.call("GET", "/api/v1/users/vera@acme.test", "")["id"].(string)
	o.call("PUT", "/api/v1/groups/"+o.idOf("ONE_STS_ADMIN")+"/users/"+vera, "")
	s := o.setup(strings.Replace(fresh, "{people: [ada@acme.test]", "{group: Acme Audit, people: [ada@acme.test, vera@acme.test]", 1))
	applied := o.apply(s)
	if got := o.membersOf("ONE_STS_ADMIN"); !slices.Equal(got, []string{"vera@acme.test"}) || !strings.Contains(strings.Join(applied.Notes, "\n"), "somebody else put people into it (1)") {
		t.Errorf("in the former group are %q; %q", got, applied.Notes)
	}
}

// TestGroupRenamedInOkta is the group that apply made all the same: renamed back, or, where the file follows, kept.
func TestGroupRenamedInOkta(t *testing.T) {
	o := newOrg(t, "fresh-free")
	o.apply(o.setup(fresh))
	o.call("PUT", "/api/v1/groups/"+o.idOf("ONE_STS_ADMIN"), `{"profile":{"name":"ONE_RENAMED"}}`)
	if plan := o.plan(o.setup(fresh)); does(plan, "group") != okta.Alter || len(removed(plan)) > 0 {
		t.Errorf("got\n%s", names(plan))
	}
	s := o.setup(strings.Replace(fresh, "bootstrap: {", "bootstrap: {group: ONE_RENAMED, ", 1))
	if plan := o.plan(s); does(plan, "group") != okta.Keep || len(removed(plan)) > 0 {
		t.Errorf("got\n%s", names(plan))
	}
	o.apply(s)
	if plan := o.plan(s); plan.Changes() {
		t.Errorf("got\n%s", names(plan))
	}
}

// TestChangeInterruptedAnywhere: a changed setup file, carried out over a connection that breaks at any request, comes to
// the same as in one go, and undo leaves no trace of either.
func TestChangeInterruptedAnywhere(t *testing.T) {
	o := newOrg(t, "fresh-free")
	before := o.everything()
	changed := strings.Replace(fewer, "bootstrap: {", "bootstrap: {group: ONE_OTHER, ", 1)
	o.apply(o.setup(fresh))
	requests := 0
	stop := o.Observe(func(devokta.Request) { requests++ })
	s := o.setup(changed)
	planned := o.plan(s)
	looking := requests
	if _, err := okta.Apply(t.Context(), s, o.client(s), planned, func(okta.Step) {}); err != nil {
		t.Fatal(err)
	}
	stop()
	requests -= looking
	o.undo(s)
	for nth := range requests {
		late := nth%2 == 0 // TestInterruptedAnywhere has both for every kind of request
		what := fmt.Sprintf("request %d of %d, answer lost %v", nth+1, requests, late)
		o.apply(o.setup(fresh))
		s := o.setup(changed)
		planned := o.plan(s)
		mend := o.Inject(devokta.Fault{Endpoint: "management", Skip: nth, Drop: true, Late: late})
		if _, err := okta.Apply(t.Context(), s, o.client(s), planned, func(okta.Step) {}); err == nil {
			t.Errorf("%s: expected the run to break", what)
		}
		mend()
		o.apply(s)
		if again := o.plan(s); again.Changes() || o.idOf("ONE_STS_ADMIN") != "" || !slices.Equal(o.membersOf("ONE_OTHER"), []string{"vera@acme.test"}) {
			t.Errorf("%s: after the second run\n%s", what, names(again))
		}
		o.undo(s)
		sameAs(t, what, before, o.everything())
		if t.Failed() {
			return
		}
	}
}

// TestInterruptedAndTakenBack: a change that stopped halfway, and a file that says again what it said before.
func TestInterruptedAndTakenBack(t *testing.T) {
	o := newOrg(t, "fresh-free")
	before := o.everything()
	o.apply(o.setup(fresh))
	there := o.everything()
	for nth := 8; nth < 40; nth += 3 {
		s := o.setup(strings.Replace(fewer, "bootstrap: {", "bootstrap: {group: ONE_OTHER, ", 1))
		planned := o.plan(s)
		mend := o.Inject(devokta.Fault{Endpoint: "management", Skip: nth, Drop: true, Late: true})
		_, _ = okta.Apply(t.Context(), s, o.client(s), planned, func(okta.Step) {})
		mend()
		o.apply(o.setup(fresh))
		now := o.everything()
		if len(there["/api/v1/groups"].([]any)) != len(now["/api/v1/groups"].([]any)) || !slices.Equal(o.membersOf("ONE_STS_ADMIN"), []string{"ada@acme.test"}) || o.plan(o.setup(fresh)).Changes() {
			t.Fatalf("request %d: groups %v", nth+1, now["/api/v1/groups"])
		}
	}
	o.undo(o.setup(fresh))
	sameAs(t, "undo", before, o.everything())
}
