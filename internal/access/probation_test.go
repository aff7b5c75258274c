package access

import (
	"cmp"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// rowsOf is a model without what counts its writes.
func rowsOf(m Model) (rows []any) {
	for _, r := range slices.SortedFunc(slices.Values(m.Roles), func(a, b *Role) int { return cmp.Compare(a.ID, b.ID) }) {
		rows = append(rows, roleAt(r, 0))
	}
	for _, im := range slices.SortedFunc(slices.Values(m.IAMRoles), func(a, b *IAMRole) int { return cmp.Compare(a.ID, b.ID) }) {
		row := iamRoleAt(im, 0)
		row.SystemRoles = append([]RoleID{}, row.SystemRoles...)
		rows = append(rows, row)
	}
	return rows
}

// TestWhatIsOnProbationCanAlwaysBeUndone whatever else is changed meanwhile: then its rows are as they were, and nobody
// else's are touched.
func TestWhatIsOnProbationCanAlwaysBeUndone(t *testing.T) {
	names := rapid.SampledFrom([]string{"A", "B", "C", "D"})
	rapid.Check(t, func(t *rapid.T) {
		m := Model{Organisations: []*Organisation{{ID: acme, Name: "Acme"}}}
		for range rapid.IntRange(0, 4).Draw(t, "before") {
			if next, _, err := m.Apply(drawChange(t, m, names), ""); err == nil {
				m = next
			}
		}
		tried := drawChange(t, m, names)
		tried.Probation = &Probation{Subject: "ada", Name: "Ada", At: day, Until: day.Add(time.Minute)}
		now, _, err := m.Apply(tried, "")
		if err != nil {
			t.Skip("not a change")
		}
		before, others := m, 0
		for range rapid.IntRange(0, 4).Draw(t, "meanwhile") {
			c := drawChange(t, now, names)
			next, stored, err := now.Apply(c, "")
			if err != nil {
				continue
			}
			others++
			if rapid.Bool().Draw(t, "Core takes the organisation away") {
				if next, _, err = next.Apply(Change{Organisations: []*Organisation{}}, ""); err != nil {
					t.Fatalf("a list of Core's was refused: %v", err)
				}
			}
			before = replay(before, stored) // what would be, had there been no probation
			now = next
		}
		undone, _, err := now.Apply(now.UndoProbation(), "")
		if err != nil {
			t.Fatalf("it can't be undone: %v", err)
		}
		if undone.Probation != nil {
			t.Fatal("it is still on probation")
		}
		if len(now.Organisations) > 0 && !reflect.DeepEqual(rowsOf(undone), rowsOf(before)) {
			t.Fatalf("after %d other changes:\n got %v\nwant %v", others, rowsOf(undone), rowsOf(before))
		}
	})
}

func TestProbationRules(t *testing.T) {
	admins, deputies := role("admin", slices.Collect(Administration.All())...), role("deputy", STSRoleList)
	m := Model{
		Organisations: []*Organisation{{ID: acme, Name: "Acme"}},
		Roles:         []*Role{admins, deputies},
		IAMRoles:      []*IAMRole{iamRole("1", "Admins", []RoleID{"admin"}, nil), iamRole("2", "Others", []RoleID{"deputy"}, map[OrganisationID][]RoleID{acme: {"deputy"}})},
	}
	probation := &Probation{Issuer: issuer, Subject: "ada", Name: "Ada", At: day, Until: day.Add(time.Minute)}
	now, stored, err := m.Apply(Change{DeleteIAMRoles: []IAMRoleID{"1"}, Probation: probation, At: day}, "")
	if err != nil {
		t.Fatal(err)
	}
	if stored.Probation == nil || now.Probation == nil || len(stored.Probation.Undo.PutIAMRoles) != 1 {
		t.Fatalf("got %+v", stored.Probation)
	}
	others := iamRoleAt(now.iamRole("2"), 1)
	for rule, c := range map[string]Change{
		"another probation":                         {Probation: probation, DeleteIAMRoles: []IAMRoleID{"2"}},
		"the role that the way back maps":           {DeleteRoles: []RoleID{"admin"}},
		"the name that the way back needs":          {PutIAMRoles: []*IAMRole{iamRoleAt(iamRole("3", "Admins", nil, nil), 0)}},
		"the row itself, stored anew by a file":     {PutIAMRoles: []*IAMRole{iamRoleAt(iamRole("1", "Else", nil, nil), 0)}},
		"another row that takes the name by rename": {PutIAMRoles: []*IAMRole{{ID: "2", Name: "Admins", OrganisationRoles: others.OrganisationRoles, Changed: others.Changed}}},
	} {
		if _, _, err := now.Apply(c, ""); faultOf(err) != OnProbation {
			t.Errorf("%s: got %v", rule, err)
		}
	}
	for rule, c := range map[string]Change{
		"another row":           {PutIAMRoles: []*IAMRole{others}},
		"Core's list":           {Organisations: []*Organisation{}},
		"it is confirmed":       {EndsProbation: true},
		"it is undone":          now.UndoProbation(),
		"a role mapped nowhere": {PutRoles: []*Role{roleAt(role("new", STSRoleList), 0)}},
	} {
		if _, _, err := now.Apply(c, ""); err != nil {
			t.Errorf("%s: got %v", rule, err)
		}
	}
}

func TestWhoNarrowsTheirOwnAdministration(t *testing.T) {
	admins, lists := role("admin", slices.Collect(Administration.All())...), role("lists", STSRoleList, STSKeyList)
	base := Model{
		Organisations: []*Organisation{{ID: acme, Name: "Acme"}},
		Roles:         []*Role{admins, lists, role("issue", CredentialIssue)},
		IAMRoles:      []*IAMRole{iamRole("1", "Admins", []RoleID{"admin"}, nil), iamRole("2", "Both", []RoleID{"admin", "lists"}, map[OrganisationID][]RoleID{acme: {"issue"}})},
	}
	ada := &Principal{Issuer: issuer, Subject: "ada", IAMRoles: []string{"Admins", "Both"}}
	with := func(edit func(m *Model)) Model {
		m := base
		m.Roles, m.IAMRoles = slices.Clone(m.Roles), nil
		for _, im := range base.IAMRoles {
			m.IAMRoles = append(m.IAMRoles, im.Clone())
		}
		edit(&m)
		return m
	}
	for rule, c := range map[string]struct {
		after   Model
		narrows bool
	}{
		"nothing":                                        {base, false},
		"one of two ways is taken":                       {with(func(m *Model) { m.IAMRoles[0].SystemRoles = nil }), true},
		"an IAM role is renamed":                         {with(func(m *Model) { m.IAMRoles[0].Name = "admins" }), true},
		"a role loses a permission of theirs":            {with(func(m *Model) { m.Roles[0] = role("admin", STSRoleList) }), true},
		"a role is restricted to delegation":             {with(func(m *Model) { r := admins.Clone(); r.Delegation = &Delegation{}; m.Roles[0] = r }), true},
		"a role loses what is no administration":         {with(func(m *Model) { m.Roles[1] = role("lists", STSRoleList) }), false},
		"a role of an organisation is taken":             {with(func(m *Model) { m.IAMRoles[1].OrganisationRoles = nil }), false},
		"they get more":                                  {with(func(m *Model) { m.IAMRoles[0].SystemRoles = []RoleID{"admin", "lists"} }), false},
		"somebody else's mapping goes":                   {with(func(m *Model) { m.IAMRoles = append(m.IAMRoles, iamRole("3", "Carl's", []RoleID{"admin"}, nil)) }), false},
		"an organisation goes, which administers nobody": {with(func(m *Model) { m.Organisations = nil }), false},
	} {
		if got := Build(base, bootstrap, day).NarrowsAdministration(ada, Build(c.after, bootstrap, day)); got != c.narrows {
			t.Errorf("%s: got %v", rule, got)
		}
	}
	first := &Principal{Issuer: issuer, Subject: "ada", IAMRoles: []string{bootstrap.Role}}
	if Build(base, bootstrap, day).NarrowsAdministration(first, Build(Model{}, bootstrap, day)) {
		t.Error("the bootstrap role rests on no mapping")
	}
	if !Build(base, bootstrap, day).NarrowsAdministration(first, Build(base, Bootstrap{Issuer: issuer, Role: bootstrap.Role, Retired: true}, day)) {
		t.Error("the bootstrap role was retired")
	}
}

func TestWhoConfirms(t *testing.T) {
	m := Model{
		Roles:    []*Role{role("admin", slices.Collect(Administration.All())...), role("lists", STSRoleList)},
		IAMRoles: []*IAMRole{iamRole("1", "Admins", []RoleID{"admin"}, nil), iamRole("2", "Readers", []RoleID{"lists"}, nil)},
	}
	s := Build(m, bootstrap, day)
	as := func(subject string, names ...string) *Principal {
		return &Principal{Issuer: issuer, Subject: subject, IAMRoles: names}
	}
	byFile := &Principal{Issuer: BreakGlassIssuer, Subject: "break-glass:1", IAMRoles: []string{BreakGlassRole}}
	all, some := Administration, SetOf(STSRoleList)
	for rule, c := range map[string]struct {
		left PermissionSet
		by   *Principal
		want bool
	}{
		"they themselves with all of it":                     {all, as("ada", "Admins"), true},
		"they themselves with more than was left":            {some, as("ada", "Admins"), true},
		"they themselves with what was left":                 {some, as("ada", "Readers"), true},
		"they themselves with less":                          {all, as("ada", "Readers"), false},
		"they themselves with nothing":                       {all, as("ada"), false},
		"somebody else, though they administer":              {all, as("bob", "Admins"), false},
		"their subject at another issuer":                    {all, &Principal{Issuer: elsewhere, Subject: "ada", IAMRoles: []string{"Admins"}}, false},
		"they gave it up: another administrator":             {PermissionSet{}, as("bob", "Admins"), true},
		"they gave it up: somebody with a part of it":        {PermissionSet{}, as("bob", "Readers"), false},
		"they gave it up: they themselves, who have nothing": {PermissionSet{}, as("ada"), false},
		"they gave it up: somebody by a break-glass file":    {PermissionSet{}, byFile, false},
		"what was left was taken: another administrator":     {SetOf(HistoryList), as("bob", "Admins"), true},
		"what was left was taken: somebody with a part":      {SetOf(HistoryList), as("bob", "Readers"), false},
		"what was left was taken: by a break-glass file":     {SetOf(HistoryList), byFile, false},
	} {
		p := &Probation{Issuer: issuer, Subject: "ada", IAMRoles: []string{"Admins", "Readers"}, Left: c.left}
		if got := p.Confirms(s, c.by); got != c.want {
			t.Errorf("%s: got %v", rule, got)
		}
	}
}

func TestWhoMayUndoWhatTheyMade(t *testing.T) {
	m := Model{
		Roles:    []*Role{role("admin", slices.Collect(Administration.All())...), role("lists", STSRoleList)},
		IAMRoles: []*IAMRole{iamRole("1", "Admins", []RoleID{"admin"}, nil), iamRole("2", "Readers", []RoleID{"lists"}, nil)},
	}
	s := Build(m, bootstrap, day)
	ada := &Principal{Issuer: issuer, Subject: "ada", IAMRoles: []string{"Readers"}}
	for rule, c := range map[string]struct {
		left PermissionSet
		by   *Principal
		want bool
	}{
		"they hold what was left":                         {SetOf(STSRoleList), ada, true},
		"nothing was left":                                {PermissionSet{}, ada, true},
		"it was taken from the IAM roles that they had":   {SetOf(STSRoleEdit), ada, false},
		"their sign-in has the IAM role no more":          {SetOf(STSRoleList), &Principal{Issuer: issuer, Subject: "ada"}, false},
		"they came into another IAM role meanwhile":       {SetOf(STSRoleEdit), &Principal{Issuer: issuer, Subject: "ada", IAMRoles: []string{"Admins"}}, false},
		"somebody else, who holds more":                   {SetOf(STSRoleList), &Principal{Issuer: issuer, Subject: "bob", IAMRoles: []string{"Admins"}}, false},
		"their subject, of another issuer than they have": {PermissionSet{}, &Principal{Issuer: elsewhere, Subject: "ada"}, false},
	} {
		p := &Probation{Issuer: issuer, Subject: "ada", IAMRoles: []string{"Readers"}, Left: c.left}
		if got := p.MayUndo(s, c.by); got != c.want {
			t.Errorf("%s: got %v", rule, got)
		}
	}
}
