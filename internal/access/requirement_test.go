package access

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestWhatARoleMayRequire(t *testing.T) {
	for rule, c := range map[string]struct {
		requires *Requirement
		field    string // that is wrong; empty: it is stored
		stored   *Requirement
	}{
		"nothing":                    {nil, "", nil},
		"nothing, said at length":    {&Requirement{}, "", nil},
		"a class":                    {&Requirement{Classes: []string{"urn:okta:loa:2fa:any"}}, "", &Requirement{Classes: []string{"urn:okta:loa:2fa:any"}}},
		"a class twice":              {&Requirement{Classes: []string{"phr", "phr"}}, "", &Requirement{Classes: []string{"phr"}}},
		"an age":                     {&Requirement{MaxAge: time.Minute}, "", &Requirement{MaxAge: time.Minute}},
		"too many classes":           {&Requirement{Classes: strings.Split("a b c d e f g h i", " ")}, "signIn.acr", nil},
		"an empty class":             {&Requirement{Classes: []string{""}}, "signIn.acr", nil},
		"a class with a blank":       {&Requirement{Classes: []string{"a b"}}, "signIn.acr", nil},
		"a class that ends a string": {&Requirement{Classes: []string{`a", scope="x`}}, "signIn.acr", nil},
		"a class with a backslash":   {&Requirement{Classes: []string{`a\`}}, "signIn.acr", nil},
		"a class with a line":        {&Requirement{Classes: []string{"a\r\nX: y"}}, "signIn.acr", nil},
		"a class beyond ASCII":       {&Requirement{Classes: []string{"é"}}, "signIn.acr", nil},
		"a long class":               {&Requirement{Classes: []string{strings.Repeat("a", MaxClassLength+1)}}, "signIn.acr", nil},
		"less than a minute":         {&Requirement{MaxAge: 59 * time.Second}, "signIn.maxAge", nil},
		"a negative age":             {&Requirement{MaxAge: -time.Hour}, "signIn.maxAge", nil},
		"half seconds":               {&Requirement{MaxAge: time.Minute + time.Millisecond}, "signIn.maxAge", nil},
		"more than a month":          {&Requirement{MaxAge: MostAge + time.Second}, "signIn.maxAge", nil},
	} {
		row := role("new", KeyList)
		row.Requires, row.Changed = c.requires, Changed{}
		_, stored, err := world().Apply(Change{PutRoles: []*Role{row}, At: day}, adminRole)
		if field, _ := row.CheckRequirement(); field != c.field || (err == nil) != (c.field == "") {
			t.Errorf("%s: got %v at %q", rule, err, field)
		}
		if err == nil && !stored.PutRoles[0].Requires.Equal(c.stored) {
			t.Errorf("%s: stored %+v", rule, stored.PutRoles[0].Requires)
		}
	}
	row := restricted("new", KeyList)
	row.Requires, row.Changed = &Requirement{MaxAge: time.Hour}, Changed{}
	if _, _, err := world().Apply(Change{PutRoles: []*Role{row}}, adminRole); faultOf(err) != Malformed {
		t.Errorf("a service can't sign in: got %v", err)
	}
}

// TestASignInThatDoesNotTellIsNotMet: what is not told, or looks like what is required, is not met.
func TestASignInThatDoesNotTellIsNotMet(t *testing.T) {
	q := &Requirement{Classes: []string{"urn:okta:loa:2fa:any", "phr"}, MaxAge: time.Hour}
	fresh := day.Unix()
	for rule, c := range map[string]struct {
		in  SignIn
		met bool
	}{
		"as required":                {SignIn{At: fresh, Class: "phr"}, true},
		"a moment before its end":    {SignIn{At: fresh - 3599, Class: "phr"}, true},
		"at its end":                 {SignIn{At: fresh - 3600, Class: "phr"}, false},
		"of an issuer's clock ahead": {SignIn{At: fresh + 120, Class: "phr"}, true},
		"of the future":              {SignIn{At: fresh + 121, Class: "phr"}, false},
		"of the far future":          {SignIn{At: 1<<63 - 1, Class: "phr"}, false},
		"before there was time":      {SignIn{At: -1, Class: "phr"}, false},
		"no auth_time":               {SignIn{Class: "phr"}, false},
		"no acr":                     {SignIn{At: fresh, Methods: []string{"mfa", "phr"}}, false},
		"another acr":                {SignIn{At: fresh, Class: "urn:okta:loa:1fa:any"}, false},
		"an acr that begins so":      {SignIn{At: fresh, Class: "urn:okta:loa:2fa:any:ifpossible"}, false},
		"an acr in other letters":    {SignIn{At: fresh, Class: "PHR"}, false},
		"an acr with a blank":        {SignIn{At: fresh, Class: "phr "}, false},
		"both of them as one":        {SignIn{At: fresh, Class: "urn:okta:loa:2fa:any phr"}, false},
		"nothing at all":             {SignIn{}, false},
	} {
		if got := q.MetBy(&c.in, day); got != c.met {
			t.Errorf("%s: got %v", rule, got)
		}
	}
}

func TestStepUpIsAskedForByWhatTakesLeast(t *testing.T) {
	m := world()
	strong, aged := role("strong", KeyList), role("aged", KeyList)
	strong.Requires, aged.Requires = &Requirement{Classes: []string{"phr"}}, &Requirement{MaxAge: time.Hour}
	m.Roles = append(m.Roles, strong, aged)
	m.IAMRoles = append(m.IAMRoles, iamRole("9", "Both", nil, map[OrganisationID][]RoleID{acme: {"strong", "aged"}}))
	s := Build(m, bootstrap, day)
	p := person("Both")
	if d := s.Decide(p, acme, KeyList); d.Requires != aged.Requires || d.Reason != SignInInsufficient {
		t.Errorf("got %+v", d)
	}
	e := s.Explain(p, acme, KeyList)
	if len(e.Requiring) != 2 || len(e.Suggestions) != 0 || !strings.Contains(e.Sentence().String(), "takes a sign-in not older than 1 h") ||
		!strings.Contains(e.Remedy().String(), "sign in again") {
		t.Errorf("got %q, %q and %+v", e.Sentence(), e.Remedy(), e)
	}
	// Another role that requires nothing is enough.
	m.IAMRoles = append(m.IAMRoles, iamRole("10", "Plain", nil, map[OrganisationID][]RoleID{acme: {"proof"}}))
	m.Roles[3].Permissions = SetOf(KeyList)
	if d := Build(m, bootstrap, day).Decide(person("Both", "Plain"), acme, KeyList); !d.Allowed || d.Role != "proof" || d.Requires != nil {
		t.Errorf("got %+v", d)
	}
}

// TestWhatASignInGivesEndsWithIt: whatever a sign-in gives ends no later than it is met, and the clock of a live snapshot goes on.
func TestWhatASignInGivesEndsWithIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, b := drawModel(t)
		p, org := drawPrincipal(t), drawPlace(t)
		s := Build(m, b, day)
		until := s.Until(p, org)
		if until.IsZero() {
			return
		}
		set, _ := s.Effective(p, org)
		before, _ := s.At(until.Add(-time.Second)).Effective(p, org)
		if !until.After(day) || !set.Minus(before).IsEmpty() {
			t.Fatalf("%v is lost before %s", set.Minus(before).Names(), until)
		}
	})
	now := day
	m := world()
	m.Roles[0].Requires = &Requirement{MaxAge: time.Hour}
	live := Build(m, bootstrap, day).Live(func() time.Time { return now })
	p := person("Acme Issuance")
	p.SignIn.At = day.Unix()
	for _, c := range []struct {
		after time.Duration
		want  bool
	}{{0, true}, {time.Hour - time.Second, true}, {time.Hour, false}} {
		now = day.Add(c.after)
		if got := live.Decide(p, acme, CredentialIssue).Allowed; got != c.want {
			t.Errorf("after %s: got %v", c.after, got)
		}
	}
	if got := live.Until(p, acme); !got.IsZero() {
		t.Errorf("what is over ends at %s", got)
	}
}

// TestRequiringASignInNarrowsTheAdministration: only a sign-in shows that it can be had. Requiring less takes nothing away.
func TestRequiringASignInNarrowsTheAdministration(t *testing.T) {
	m := world()
	m.Roles = append(m.Roles, role("admin", STSRoleEdit, STSIAMRoleEdit))
	m.IAMRoles = append(m.IAMRoles, iamRole("9", "Admins", []RoleID{"admin"}, map[OrganisationID][]RoleID{}))
	free := Build(m, bootstrap, day)
	c := m.Roles[len(m.Roles)-1].Clone()
	c.Requires = &Requirement{Classes: []string{"phr"}}
	bound, err := free.After(Change{PutRoles: []*Role{c}, At: day})
	if err != nil {
		t.Fatal(err)
	}
	p := person("Admins")
	if !free.NarrowsAdministration(p, bound) || bound.NarrowsAdministration(p, free) {
		t.Error("whose own administration takes another sign-in must show that they have it")
	}
	effects := free.EffectsOn(p, bound)
	if len(effects) != 1 || effects[0].Bound != SetOf(STSRoleEdit, STSIAMRoleEdit) || !effects[0].Lost.IsEmpty() || !effects[0].Gained.IsEmpty() {
		t.Errorf("got %+v", effects)
	}
	if effects = bound.EffectsOn(p, free); len(effects) != 1 || effects[0].Freed != SetOf(STSRoleEdit, STSIAMRoleEdit) {
		t.Errorf("got %+v", effects)
	}
}
