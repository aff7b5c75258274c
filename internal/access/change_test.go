package access

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// copyOf copies everything a model points to, so that it can be compared afterwards.
func copyOf(m Model) Model {
	c := Model{Version: m.Version, Organisations: m.Organisations[:0:0], Roles: m.Roles[:0:0], IAMRoles: m.IAMRoles[:0:0]}
	for _, o := range m.Organisations {
		row := *o
		c.Organisations = append(c.Organisations, &row)
	}
	for _, r := range m.Roles {
		c.Roles = append(c.Roles, r.Clone())
	}
	for _, im := range m.IAMRoles {
		c.IAMRoles = append(c.IAMRoles, im.Clone())
	}
	return c
}

// edit returns a copy of a role of the world as an editor sends it.
func edit(m Model, id RoleID, f func(*Role)) *Role {
	i := slices.IndexFunc(m.Roles, func(r *Role) bool { return r.ID == id })
	row := m.Roles[i].Clone()
	f(row)
	return row
}

func editIAM(m Model, id IAMRoleID, f func(*IAMRole)) *IAMRole {
	i := slices.IndexFunc(m.IAMRoles, func(r *IAMRole) bool { return r.ID == id })
	row := m.IAMRoles[i].Clone()
	f(row)
	return row
}

func links(org OrganisationID, ids ...RoleID) map[OrganisationID][]RoleID {
	return map[OrganisationID][]RoleID{org: ids}
}

func TestRefusedChanges(t *testing.T) {
	m := world()
	fresh := func(name string) *Role { return &Role{ID: RoleID("new " + name), Name: name} }
	freshIAM := func(name string, here map[OrganisationID][]RoleID, system ...RoleID) *IAMRole {
		return &IAMRole{ID: IAMRoleID("new " + name), Name: name, OrganisationRoles: here, SystemRoles: system}
	}
	for _, c := range []struct {
		rule   string
		change Change
		fault  ChangeFault
		field  string
	}{
		{"a role's name is taken", Change{PutRoles: []*Role{fresh("Role proof")}}, Duplicate, "name"},
		{"a role is renamed to a taken name", Change{PutRoles: []*Role{edit(m, "issuer", func(r *Role) { r.Name = "Role proof" })}}, Duplicate, "name"},
		{"two new roles share a name", Change{PutRoles: []*Role{{ID: "a", Name: "Same"}, {ID: "b", Name: "Same"}}}, Duplicate, "name"},
		{"an IAM role's name is taken", Change{PutIAMRoles: []*IAMRole{freshIAM("Acme Audit", nil)}}, Duplicate, "name"},
		{"two new IAM roles share a name", Change{PutIAMRoles: []*IAMRole{{ID: "a", Name: "Same"}, {ID: "b", Name: "Same"}}}, Duplicate, "name"},
		{"a role that is gone is edited", Change{PutRoles: []*Role{{ID: "gone", Name: "Gone", Changed: changed(1)}}}, Missing, "id"},
		{"a role that is gone is deleted", Change{DeleteRoles: []RoleID{"gone"}}, Missing, "id"},
		{"an IAM role that is gone is edited", Change{PutIAMRoles: []*IAMRole{{ID: "gone", Name: "Gone", Changed: changed(2)}}}, Missing, "id"},
		{"an IAM role that is gone is deleted", Change{DeleteIAMRoles: []IAMRoleID{"gone"}}, Missing, "id"},
		{"an old revision of a role", Change{PutRoles: []*Role{edit(m, "issuer", func(r *Role) { r.Changed.Revision = 2 })}}, Stale, ""},
		{"a new role with the id of another", Change{PutRoles: []*Role{{ID: "issuer", Name: "New"}}}, Stale, ""},
		{"an old revision of an IAM role", Change{PutIAMRoles: []*IAMRole{editIAM(m, "1", func(r *IAMRole) { r.Changed.Revision = 9 })}}, Stale, ""},
		{"a mapped role is deleted", Change{DeleteRoles: []RoleID{"issuer"}}, InUse, "id"},
		{"a role of the system is deleted", Change{DeleteRoles: []RoleID{"auditor"}}, InUse, "id"},
		{"one of two mappings is deleted with the role", Change{DeleteRoles: []RoleID{"proof"}, PutIAMRoles: []*IAMRole{freshIAM("New", links(acme, "proof"))}}, UnknownLink, "organisationRoles"},
		{"a mapping names no role", Change{PutIAMRoles: []*IAMRole{freshIAM("New", links(acme, "gone"))}}, UnknownLink, "organisationRoles"},
		{"a system mapping names no role", Change{PutIAMRoles: []*IAMRole{freshIAM("New", nil, "gone")}}, UnknownLink, "organisationRoles"},
		{"a mapping names no organisation", Change{PutIAMRoles: []*IAMRole{freshIAM("New", links("nowhere", "proof"))}}, UnknownLink, "organisationRoles"},
		{"the system is no organisation", Change{PutIAMRoles: []*IAMRole{freshIAM("New", links(System, "proof"))}}, UnknownLink, "organisationRoles"},
		{"a mapping names the organisation that the change takes away", Change{Organisations: []*Organisation{}, PutIAMRoles: []*IAMRole{freshIAM("New", links(acme, "proof"))}}, UnknownLink, "organisationRoles"},
		{"a role is put and deleted", Change{PutRoles: []*Role{edit(m, "proof", func(*Role) {})}, DeleteRoles: []RoleID{"proof"}}, Malformed, "id"},
		{"a role is deleted and made anew", Change{PutRoles: []*Role{{ID: "proof", Name: "New"}}, DeleteRoles: []RoleID{"proof"}}, Malformed, "id"},
		{"a role is put twice", Change{PutRoles: []*Role{{ID: "a", Name: "A"}, {ID: "a", Name: "B"}}}, Malformed, "id"},
		{"a role is deleted twice", Change{DeleteRoles: []RoleID{"proof", "proof"}}, Malformed, "id"},
		{"an IAM role is put and deleted", Change{PutIAMRoles: []*IAMRole{editIAM(m, "1", func(*IAMRole) {})}, DeleteIAMRoles: []IAMRoleID{"1"}}, Malformed, "id"},
		{"an IAM role is put twice", Change{PutIAMRoles: []*IAMRole{{ID: "a", Name: "A"}, {ID: "a", Name: "B"}}}, Malformed, "id"},
	} {
		before := copyOf(m)
		next, stored, err := m.Apply(c.change, adminRole)
		if fault := faultOf(err); fault != c.fault || err.(*ChangeError).Field != c.field || err.Error() == "" {
			t.Errorf("%s: got fault %d, %+v; want %d at %q", c.rule, fault, err, c.fault, c.field)
		}
		if !reflect.DeepEqual(next, m) || !reflect.DeepEqual(stored, c.change) || !reflect.DeepEqual(before, m) {
			t.Errorf("%s: the model was touched", c.rule)
		}
	}
}

func TestAcceptedChanges(t *testing.T) {
	m := world()
	for _, c := range []struct {
		rule   string
		change Change
	}{
		{"nothing", Change{}},
		{"a role and the mapping to it", Change{
			PutRoles:    []*Role{{ID: "new", Name: "New"}},
			PutIAMRoles: []*IAMRole{{ID: "new", Name: "New", OrganisationRoles: links(acme, "new"), SystemRoles: []RoleID{"new"}}},
		}},
		{"a role goes with its last mapping", Change{DeleteRoles: []RoleID{"auditor"}, DeleteIAMRoles: []IAMRoleID{"2"}}},
		{"a role goes as its mapping is edited", Change{
			DeleteRoles: []RoleID{"auditor"}, PutIAMRoles: []*IAMRole{editIAM(m, "2", func(r *IAMRole) { r.SystemRoles = nil })},
		}},
		{"a role's name is free when it goes", Change{DeleteRoles: []RoleID{"proof"}, PutRoles: []*Role{{ID: "new", Name: "Role proof"}}}},
		{"an IAM role's name is free when it goes", Change{DeleteIAMRoles: []IAMRoleID{"1"}, PutIAMRoles: []*IAMRole{{ID: "new", Name: "Acme Issuance"}}}},
		{"two roles swap names", Change{PutRoles: []*Role{
			edit(m, "issuer", func(r *Role) { r.Name = "Role proof" }), edit(m, "proof", func(r *Role) { r.Name = "Role issuer" }),
		}}},
		{"two IAM roles swap names", Change{PutIAMRoles: []*IAMRole{
			editIAM(m, "1", func(r *IAMRole) { r.Name = "Acme Audit" }), editIAM(m, "2", func(r *IAMRole) { r.Name = "Acme Issuance" }),
		}}},
		{"names differ in case", Change{PutRoles: []*Role{{ID: "new", Name: "ROLE PROOF"}}}},
		{"a new organisation and a mapping in it", Change{
			Organisations: []*Organisation{{ID: "new", Name: "New"}}, PutIAMRoles: []*IAMRole{{ID: "new", Name: "New", OrganisationRoles: links("new", "proof")}},
		}},
		{"a deactivated organisation may be mapped", Change{PutIAMRoles: []*IAMRole{{ID: "new", Name: "New", OrganisationRoles: links(closed, "proof")}}}},
		{"an organisation without roles is left out", Change{PutIAMRoles: []*IAMRole{{ID: "new", Name: "New", OrganisationRoles: links("nowhere")}}}},
	} {
		before := copyOf(m)
		next, _, err := m.Apply(c.change, adminRole)
		if err != nil {
			t.Errorf("%s: %v", c.rule, err)
			continue
		}
		if next.Version != m.Version+1 || !reflect.DeepEqual(before, m) {
			t.Errorf("%s: version %d, the old model touched: %v", c.rule, next.Version, !reflect.DeepEqual(before, m))
		}
		if err := sound(next); err != nil {
			t.Errorf("%s: %v", c.rule, err)
		}
	}
}

func TestChangesCountRevisionsAndNameTheirAuthor(t *testing.T) {
	m, later := world(), day.AddDate(0, 0, 1)
	c := Change{
		PutRoles: []*Role{edit(m, "issuer", func(r *Role) { r.Name = "Renamed" }), {ID: "new", Name: "New", Delegation: &Delegation{}}},
		PutIAMRoles: []*IAMRole{editIAM(m, "1", func(r *IAMRole) {
			r.SystemRoles = []RoleID{"new", "auditor", "new"}
		})},
		By: "ivan", At: later,
	}
	next, stored, err := m.Apply(c, adminRole)
	if err != nil {
		t.Fatal(err)
	}
	s := Build(next, bootstrap, day)
	if got, want := s.Role("issuer").Changed, (Changed{CreatedAt: day, ModifiedAt: later, ModifiedBy: "ivan", Revision: 2}); got != want {
		t.Errorf("edited: got %+v, want %+v", got, want)
	}
	if got, want := s.Role("new").Changed, (Changed{CreatedAt: later, ModifiedAt: later, ModifiedBy: "ivan", Revision: 1}); got != want {
		t.Errorf("new: got %+v, want %+v", got, want)
	}
	row := s.IAMRole("1")
	if row.Changed.Revision != 2 || !slices.Equal(row.SystemRoles, []RoleID{"new", "auditor"}) {
		t.Errorf("the mapping is %+v; each role counts once", row)
	}
	if next.Roles[0].ID != "new" {
		t.Errorf("the newest comes first, got %s", next.Roles[0].ID)
	}
	if len(stored.PutRoles) != 2 || stored.PutRoles[0] != s.Role("issuer") || stored.PutIAMRoles[0] != row {
		t.Error("what is to be stored is not what the model holds")
	}
	if c.PutRoles[0].Changed.Revision != 1 || c.PutRoles[1].Changed.Revision != 0 || len(c.PutIAMRoles[0].SystemRoles) != 3 {
		t.Error("the change itself was touched")
	}
	c.PutRoles[1].Delegation.RequiredUserPermissions = SetOf(KeyList)
	c.PutIAMRoles[0].OrganisationRoles[acme][0] = "proof"
	if !s.Role("new").Delegation.RequiredUserPermissions.IsEmpty() || row.OrganisationRoles[acme][0] != "issuer" {
		t.Error("the model shares what the editor goes on to change")
	}
}

func TestMappingsInAnOrganisationThatCoreLostStayEditable(t *testing.T) {
	m, _, err := world().Apply(Change{Organisations: []*Organisation{{ID: zeta, Name: "Zeta"}}}, adminRole)
	if err != nil {
		t.Fatal(err)
	}
	if d := Build(m, bootstrap, day).Decide(person("Acme Issuance"), acme, CredentialIssue); d.Reason != OrganisationUnknown {
		t.Errorf("got %+v", d)
	}
	next, _, err := m.Apply(Change{PutIAMRoles: []*IAMRole{editIAM(m, "1", func(r *IAMRole) {
		r.OrganisationRoles[zeta] = []RoleID{"issuer"}
		r.OrganisationRoles[acme] = []RoleID{"issuer", "proof"}
	})}}, adminRole)
	if err != nil {
		t.Fatalf("with the lost organisation: %v", err)
	}
	next, _, err = next.Apply(Change{PutIAMRoles: []*IAMRole{editIAM(next, "1", func(r *IAMRole) { delete(r.OrganisationRoles, acme) })}}, adminRole)
	if err != nil {
		t.Fatalf("without it: %v", err)
	}
	_, _, err = next.Apply(Change{PutIAMRoles: []*IAMRole{editIAM(next, "1", func(r *IAMRole) { r.OrganisationRoles[acme] = []RoleID{"issuer"} })}}, adminRole)
	if faultOf(err) != UnknownLink {
		t.Errorf("once taken out it does not come back: got %v", err)
	}
}

func TestNames(t *testing.T) {
	const both, onlyIAM, neither = "both", "only IAM roles", "neither"
	for _, c := range []struct{ rule, name, want string }{
		{"plain", "Acme Issuance", both},
		{"accents", "Équipe d'été", both},
		{"decomposed accents", "E\u0301quipe", both},
		{"other scripts", "発行者", both},
		{"look-alikes are names of their own", "ONE_STS_ADMI\u039d", both},
		{"an emoji", "Developers 👩\u200d💻", both},
		{"an emoji with its style", "❤\ufe0f\u200d🔥", both},
		{"an emoji of a tone", "👩🏽\u200d💻", both},
		{"a quote, a comma, a slash", `A "b", c/d\e`, both},
		{"255 characters", strings.Repeat("é", 255), both},
		{"256 characters", strings.Repeat("e", 256), neither},
		{"empty", "", neither},
		{"blanks", " \t ", neither},
		{"no-break blank", "\u00a0", neither},
		{"a blank before", " Acme", onlyIAM},
		{"a blank behind", "Acme\u00a0", onlyIAM},
		{"line end", "Acme\n", neither},
		{"zero byte", "Ac\x00me", neither},
		{"escape", "Ac\x1bme", neither},
		{"C1 control", "Ac\u0085me", neither},
		{"soft hyphen", "Ac\u00adme", neither},
		{"zero-width space", "Ac\u200bme", neither},
		{"zero-width non-joiner", "Ac\u200cme", neither},
		{"zero-width joiner in a word", "Ac\u200dme", neither},
		{"zero-width joiner at the start", "\u200dAcme", neither},
		{"variation selector in a word", "Ac\ufe0fme", neither},
		{"combining grapheme joiner", "Ac\u034fme", neither},
		{"Hangul filler", "\u3164", neither},
		{"word joiner", "Ac\u2060me", neither},
		{"byte order mark", "\ufeffAcme", neither},
		{"bidi override", "Acme\u202eecnaussI", neither},
		{"bidi isolate", "Acme\u2066x\u2069", neither},
		{"tag characters", "Acme\U000e0041", neither},
		{"line separator", "Ac\u2028me", neither},
		{"private use", "Ac\ue000me", neither},
		{"invalid UTF-8", "Ac\xffme", neither},
		{"overlong UTF-8", "Ac\xc0\xafme", neither},
		{"reserved", adminRole, neither},
		{"reserved in lower case", "one_sts_admin", neither},
		{"reserved between blanks", "\tONE_STS _ADMIN ", neither},
		{"reserved and more", "ONE_STS_ADMINS", both},
	} {
		_, _, role := Model{}.Apply(Change{PutRoles: []*Role{{ID: "1", Name: c.name}}}, adminRole)
		_, _, iam := Model{}.Apply(Change{PutIAMRoles: []*IAMRole{{ID: "1", Name: c.name}}}, adminRole)
		if ok := role == nil; ok != (c.want == both) || !ok && faultOf(role) != Malformed {
			t.Errorf("%s: as a role's name: %v", c.rule, role)
		}
		if ok := iam == nil; ok != (c.want != neither) || !ok && faultOf(iam) != Malformed {
			t.Errorf("%s: as an IAM role's name: %v", c.rule, iam)
		}
	}
}

func TestARoleInUseNamesItsUsers(t *testing.T) {
	m := Model{Roles: []*Role{role("r")}}
	for i := range 13 {
		m.IAMRoles = append(m.IAMRoles, iamRole(fmt.Sprint(i), fmt.Sprintf("Group %02d", i), []RoleID{"r"}, nil))
	}
	_, _, err := m.Apply(Change{DeleteRoles: []RoleID{"r"}}, "")
	if err == nil || !strings.Contains(err.Error(), `"Group 00", "Group 01"`) || !strings.Contains(err.Error(), `"Group 09" and 3 more`) {
		t.Errorf("got %v", err)
	}
	if uses := Build(m, bootstrap, day).RoleUses("r"); len(uses) != 13 {
		t.Errorf("got %d uses", len(uses))
	}
}

// sound checks what must hold of every model that changes have made.
func sound(m Model) error {
	roles, names, iamNames := map[RoleID]bool{}, map[string]bool{}, map[string]bool{}
	for i, r := range m.Roles {
		if roles[r.ID] || names[r.Name] || r.Changed.Revision < 1 {
			return fmt.Errorf("role %+v: its id or name stands twice, or it has no revision", r)
		}
		if i > 0 && newestFirst(m.Roles[i-1].Changed, r.Changed, string(m.Roles[i-1].ID), string(r.ID)) >= 0 {
			return fmt.Errorf("role %s is out of order", r.ID)
		}
		roles[r.ID], names[r.Name] = true, true
	}
	for _, im := range m.IAMRoles {
		if iamNames[im.Name] || im.Changed.Revision < 1 {
			return fmt.Errorf("IAM role %+v: its name stands twice, or it has no revision", im)
		}
		iamNames[im.Name] = true
		for org, ids := range im.OrganisationRoles {
			if len(ids) == 0 {
				return fmt.Errorf("IAM role %s: nothing is mapped in %s", im.ID, org)
			}
		}
		for _, id := range im.RoleIDs() {
			if !roles[id] {
				return fmt.Errorf("IAM role %s: role %s does not exist", im.ID, id)
			}
		}
	}
	return nil
}

func TestRandomChangesKeepTheModelSound(t *testing.T) {
	names := rapid.SampledFrom([]string{"A", "B", "C", "a", "D ", ""})
	rapid.Check(t, func(t *rapid.T) {
		m := Model{Organisations: world().Organisations}
		accepted := 0
		for range rapid.IntRange(1, 12).Draw(t, "changes") {
			c := drawChange(t, m, names)
			before := copyOf(m)
			next, stored, err := m.Apply(c, "B")
			if !reflect.DeepEqual(m, before) {
				t.Fatal("the old model was touched")
			}
			if err != nil {
				if faultOf(err) == 0 {
					t.Fatalf("a refusal without a fault: %v", err)
				}
				continue
			}
			accepted++
			if err := sound(next); err != nil {
				t.Fatal(err)
			}
			if got := replay(before, stored); !reflect.DeepEqual(got, next) {
				t.Fatalf("a store that follows the stored change holds\n%+v\nthe model\n%+v", got, next)
			}
			m = next
		}
		if m.Version != int64(accepted) {
			t.Fatalf("version %d after %d changes", m.Version, accepted)
		}
	})
}

func drawChange(t *rapid.T, m Model, names *rapid.Generator[string]) Change {
	ids := rapid.SampledFrom([]RoleID{"1", "2", "3"})
	revision := func(old Changed) int64 { // mostly the right one
		return old.Revision - int64(rapid.SampledFrom([]int{0, 0, 0, 1}).Draw(t, "behind"))
	}
	c := Change{By: "ada", At: day.AddDate(0, 0, rapid.IntRange(0, 3).Draw(t, "day"))}
	s := Build(m, bootstrap, day)
	for range rapid.IntRange(0, 2).Draw(t, "roles") {
		r := &Role{ID: ids.Draw(t, "id"), Name: names.Draw(t, "name")}
		if old := s.Role(r.ID); old != nil {
			r.Changed.Revision = revision(old.Changed)
		}
		c.PutRoles = append(c.PutRoles, r)
	}
	for range rapid.IntRange(0, 2).Draw(t, "IAM roles") {
		im := &IAMRole{ID: IAMRoleID(ids.Draw(t, "id")), Name: names.Draw(t, "name"), OrganisationRoles: map[OrganisationID][]RoleID{}}
		im.SystemRoles = rapid.SliceOfN(ids, 0, 2).Draw(t, "system")
		im.OrganisationRoles[rapid.SampledFrom([]OrganisationID{acme, acme, "nowhere"}).Draw(t, "org")] = rapid.SliceOfN(ids, 0, 2).Draw(t, "here")
		if old := s.IAMRole(im.ID); old != nil {
			im.Changed.Revision = revision(old.Changed)
		}
		c.PutIAMRoles = append(c.PutIAMRoles, im)
	}
	c.DeleteRoles = rapid.SliceOfN(ids, 0, 1).Draw(t, "deleted roles")
	for _, id := range rapid.SliceOfN(ids, 0, 1).Draw(t, "deleted IAM roles") {
		c.DeleteIAMRoles = append(c.DeleteIAMRoles, IAMRoleID(id))
	}
	return c
}

// replay does what a store does with a change: delete, then insert or replace by id.
func replay(m Model, c Change) Model {
	next := Model{Version: m.Version + 1, Organisations: m.Organisations, Roles: []*Role{}, IAMRoles: []*IAMRole{}}
	gone := func(id RoleID) bool {
		return slices.Contains(c.DeleteRoles, id) || slices.ContainsFunc(c.PutRoles, func(r *Role) bool { return r.ID == id })
	}
	goneIAM := func(id IAMRoleID) bool {
		return slices.Contains(c.DeleteIAMRoles, id) || slices.ContainsFunc(c.PutIAMRoles, func(r *IAMRole) bool { return r.ID == id })
	}
	for _, r := range m.Roles {
		if !gone(r.ID) {
			next.Roles = append(next.Roles, r)
		}
	}
	for _, im := range m.IAMRoles {
		if !goneIAM(im.ID) {
			next.IAMRoles = append(next.IAMRoles, im)
		}
	}
	next.Roles, next.IAMRoles = append(next.Roles, c.PutRoles...), append(next.IAMRoles, c.PutIAMRoles...)
	slices.SortFunc(next.Roles, func(a, b *Role) int { return newestFirst(a.Changed, b.Changed, string(a.ID), string(b.ID)) })
	slices.SortFunc(next.IAMRoles, func(a, b *IAMRole) int { return newestFirst(a.Changed, b.Changed, string(a.ID), string(b.ID)) })
	return next
}
