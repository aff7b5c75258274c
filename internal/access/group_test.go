package access

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// bound is the world in which "Acme Issuance" was made for the group g1, which is called now otherwise or not.
func bound(now string, keeps bool) Model {
	m := world()
	m.Roles = append(m.Roles, &Role{ID: "admin", Name: "Administrator", Permissions: Administration.Union(SetOf(CacheDelete)), Changed: changed(1)})
	m.IAMRoles[0].SystemRoles = []RoleID{"admin"}
	m.IAMRoles[0].Group = Group{ID: "g1", Name: now, Keeps: keeps}
	return m
}

// TestNT46_AHeldMappingGivesNothing: whoever carries the name of a group that was renamed or deleted is somebody else.
func TestNT46_AHeldMappingGivesNothing(t *testing.T) {
	p := person("Acme Issuance")
	for rule, c := range map[string]struct {
		model               Model
		inside, administers bool
		whole               bool // the role too that is no administration
	}{
		"the group of the name":      {bound("Acme Issuance", false), true, true, true},
		"renamed":                    {bound("Acme Issuers", false), false, false, false},
		"renamed in case only":       {bound("acme issuance", false), false, false, false},
		"deleted":                    {bound("", false), false, false, false},
		"the last who administer by": {bound("", true), false, true, false},
	} {
		s := Build(c.model, Bootstrap{}, day)
		if got := s.Decide(p, acme, CredentialIssue); got.Allowed != c.inside {
			t.Errorf("%s: inside %+v", rule, got)
		}
		if got := s.Decide(p, System, STSRoleEdit); got.Allowed != c.administers {
			t.Errorf("%s: administration %+v", rule, got)
		}
		set, _ := s.Effective(p, System)
		if set.Has(CacheDelete) != c.whole || c.administers != Administration.Minus(set).IsEmpty() {
			t.Errorf("%s: effective %v", rule, set.Names())
		}
		if got := s.OrganisationsOf(p); (len(got) == 1) != c.inside {
			t.Errorf("%s: organisations %v", rule, got)
		}
		e := s.Explain(p, acme, CredentialIssue)
		if held := strings.Contains(e.Sentence().String(), "does not count"); held == c.inside || e.Matched[0].Held == c.inside {
			t.Errorf("%s: explained %s", rule, e.Sentence())
		}
		if !c.inside && !strings.Contains(e.Remedy().String(), "confirm its access") {
			t.Errorf("%s: remedy %s", rule, e.Remedy())
		}
	}
	service := bound("", true)
	service.IAMRoles[2].Group = Group{ID: "g2"}
	if set, _ := Build(service, Bootstrap{}, day).Delegated(person("Acme Service"), SetOf(CredentialList), acme); !set.IsEmpty() {
		t.Errorf("delegated: %v", set.Names())
	}
}

// TestNT46_NothingButTheGroupsDecides: a mapping counts exactly as one without a group, or not at all; and nobody else gains or
// loses by what became of a group.
func TestNT46_NothingButTheGroupsDecides(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m, b := drawModel(rt)
		for _, im := range m.IAMRoles {
			im.Group = Group{}
		}
		plain := Build(m, b, day)
		held := m
		held.IAMRoles = nil
		names := map[string]bool{}
		for _, im := range m.IAMRoles {
			row := im.Clone()
			switch rapid.IntRange(0, 3).Draw(rt, "group") {
			case 1:
				row.Group = Group{ID: "g", Name: im.Name}
			case 2:
				row.Group, names[im.Name] = Group{ID: "g", Name: "otherwise"}, true
			case 3:
				row.Group, names[im.Name] = Group{ID: "g"}, true
			}
			held.IAMRoles = append(held.IAMRoles, row)
		}
		s := Build(held, b, day)
		p := person(rapid.SliceOfN(rapid.SampledFrom(someIAMRoles), 0, 4).Draw(rt, "IAM roles")...)
		free := *p
		free.IAMRoles = slices.DeleteFunc(slices.Clone(p.IAMRoles), func(name string) bool { return names[name] })
		for _, org := range append(slices.Clone(someOrgs), System) {
			got, _ := s.Effective(p, org)
			want, _ := plain.Effective(&free, org)
			if got != want {
				rt.Errorf("%s: %v instead of %v", org, got.Names(), want.Names())
			}
			got, _ = s.Delegated(p, SetOf(somePerms...), org)
			if want, _ = plain.Delegated(&free, SetOf(somePerms...), org); got != want {
				rt.Errorf("%s, delegated: %v instead of %v", org, got.Names(), want.Names())
			}
		}
	})
}

// TestFollowingIsNoEdit: what became of a group changes no revision, touches no other mapping, and is not applied to one that has
// another group or none.
func TestFollowingIsNoEdit(t *testing.T) {
	m := bound("Acme Issuance", false)
	next, stored, err := m.Apply(Change{Groups: []GroupState{{"1", Group{ID: "g1", Name: "x"}}}, At: day}, adminRole)
	if err != nil || len(stored.Groups) != 1 || !next.iamRole("1").Held() || next.iamRole("1").Changed != m.iamRole("1").Changed || next.Version != m.Version+1 {
		t.Errorf("got %+v, %v", next.iamRole("1"), err)
	}
	if m.iamRole("1").Held() {
		t.Error("the model of before was changed")
	}
	for rule, state := range map[string]GroupState{
		"another group": {"1", Group{ID: "g2", Name: "x"}}, "no group": {"2", Group{ID: "g1"}}, "none such": {"9", Group{ID: "g1"}}, "nothing": {"2", Group{}},
	} {
		if _, _, err := m.Apply(Change{Groups: []GroupState{state}, At: day}, adminRole); err == nil {
			t.Errorf("%s: applied", rule)
		}
	}
}

// TestASecondAdministratorConfirmsToo: what a confirmation gives is demanded like what an edit gives.
func TestASecondAdministratorConfirmsToo(t *testing.T) {
	m := bound("", false)
	m.FourEyes = map[OrganisationID]bool{acme: true}
	s := Build(m, bootstrap, day)
	row := m.iamRole("1").Clone()
	row.Group = Group{ID: "g9", Name: row.Name}
	after, err := s.After(Change{PutIAMRoles: []*IAMRole{row}, Confirms: []IAMRoleID{"1"}, At: day})
	if err != nil || !slices.Equal(s.Demanding(after), []OrganisationID{acme}) {
		t.Errorf("demands %v, %v", s.Demanding(after), err)
	}
}

// TestGroupFindings: each kind in its words.
func TestGroupFindings(t *testing.T) {
	for want, c := range map[string]struct {
		model Model
		known Followed
	}{
		`The group "Acme Issuance" is called "Acme Issuers" in the directory now. The access does not count.`: {bound("Acme Issuers", false), Followed{}},
		`The group "Acme Issuance" is called "Acme Issuers" in the directory now, and another group has its name. The access does not count, for either of them.`: {
			bound("Acme Issuers", false), Followed{Taken: map[string]bool{"Acme Issuance": true}},
		},
		`The group "Acme Issuance" was deleted in the directory. The access does not count.`: {bound("", false), Followed{}},
		`The group "Acme Issuance" was deleted in the directory, and another one has its name. The access does not count for that one until an administrator confirms it.`: {
			bound("", false), Followed{Taken: map[string]bool{"Acme Issuance": true}},
		},
		`The group "Acme Issuance" was deleted in the directory. Its access does not count, but for the administration: without it nobody could administer.`: {bound("", true), Followed{}},
		`The group "Acme Issuance" has no members in the directory.`:                                                                                         {bound("Acme Issuance", false), Followed{Members: map[string]int{"g1": 0}}},
		``: {bound("Acme Issuance", false), Followed{Members: map[string]int{"g1": 1}}},
	} {
		s := Build(c.model, bootstrap, day)
		var n Nowhere
		n.AddGroups(s, c.known)
		got := ""
		for i := range n.Findings {
			got += n.Findings[i].Sentence(TheSystem).String()
		}
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
