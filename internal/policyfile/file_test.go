package policyfile

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/portico-iam/portico/internal/access"
)

const issuer = "https://acme.okta.test/oauth2/default"

var (
	day   = time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC)
	perms = []access.Permission{access.CredentialIssue, access.KeyList, access.STSRoleEdit, access.SystemHistoryList}
	names = []string{"Acme", "acme", " Acme", "yes", "null", "0x1", "a: b", "# no", "- x", "“Ünïcode” 🚀", `"quoted"`, "Acme\u00a0Issuance", "true"}
)

func id(kind, n int) string { return fmt.Sprintf("6a3c0000-0000-4000-8000-%04d%08d", kind, n) }

// drawSnapshot draws a policy that could be stored: names unique and, of roles, without blanks at their ends.
func drawSnapshot(t *rapid.T) *access.Snapshot {
	changed := access.Changed{CreatedAt: day, ModifiedAt: day, Revision: 3}
	m := access.Model{Version: 4}
	for i := range rapid.IntRange(0, 3).Draw(t, "organisations") {
		m.Organisations = append(m.Organisations, &access.Organisation{ID: access.OrganisationID(id(1, i)), Name: rapid.SampledFrom(names).Draw(t, "organisation")})
	}
	for _, o := range m.Organisations {
		if rapid.Bool().Draw(t, "four eyes") {
			if m.FourEyes == nil {
				m.FourEyes = map[access.OrganisationID]bool{}
			}
			m.FourEyes[o.ID] = true
		}
	}
	distinct := rapid.SliceOfNDistinct(rapid.SampledFrom(names), 0, 5, rapid.ID[string])
	for i, name := range distinct.Draw(t, "roles") {
		if name != strings.TrimSpace(name) {
			continue
		}
		r := &access.Role{ID: access.RoleID(id(2, i)), Name: name, Changed: changed, Permissions: access.SetOf(rapid.SliceOfN(rapid.SampledFrom(perms), 0, 3).Draw(t, "permissions")...)}
		if rapid.Bool().Draw(t, "restricted") {
			r.Delegation = &access.Delegation{RequiredUserPermissions: access.SetOf(rapid.SliceOfN(rapid.SampledFrom(perms), 0, 2).Draw(t, "any of")...)}
		} else if rapid.Bool().Draw(t, "step-up") {
			r.Requires = &access.Requirement{MaxAge: rapid.SampledFrom([]time.Duration{time.Minute, 90 * time.Second, 8 * time.Hour, 61 * time.Minute, 0}).Draw(t, "age")}
			if r.Requires.MaxAge == 0 || rapid.Bool().Draw(t, "class") {
				r.Requires.Classes = []string{"urn:okta:loa:2fa:any", "phr"}
			}
		}
		m.Roles = append(m.Roles, r)
	}
	some := func(label string) (ids []access.RoleID) {
		for _, r := range m.Roles {
			if rapid.Bool().Draw(t, label) {
				ids = append(ids, r.ID)
			}
		}
		return ids
	}
	for i, name := range distinct.Draw(t, "IAM roles") {
		row := &access.IAMRole{ID: access.IAMRoleID(id(3, i)), Name: name, Changed: changed, SystemRoles: some("system"), OrganisationRoles: map[access.OrganisationID][]access.RoleID{}}
		for _, o := range m.Organisations {
			if ids := some("mapped"); len(ids) > 0 {
				row.OrganisationRoles[o.ID] = ids
			}
		}
		for _, org := range append(row.OrganisationIDs(), access.System) {
			if len(row.RolesIn(org)) > 0 && rapid.Bool().Draw(t, "ends") {
				if row.Ends == nil {
					row.Ends = map[access.OrganisationID]access.End{}
				}
				end := day.AddDate(0, 0, rapid.IntRange(-3, 3).Draw(t, "days"))
				row.Ends[org] = access.End{At: end, Recorded: rapid.Bool().Draw(t, "recorded")}
			}
		}
		m.IAMRoles = append(m.IAMRoles, row)
	}
	return access.Build(m, access.Bootstrap{Issuer: issuer, Role: "ONE_STS_ADMIN"}, day)
}

type fataler interface{ Fatal(...any) }

func textOf(t fataler, s *access.Snapshot) string {
	var text bytes.Buffer
	if err := Write(&text, s); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func written(t fataler, s *access.Snapshot) *File {
	f, err := Parse([]byte(textOf(t, s)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestRoundTrip: what was written changes nothing, and another policy becomes exactly that one by it, all renames and
// exchanges of names included.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSnapshot(t)
		f := written(t, s)
		if c, err := f.Change(s); err != nil || !Empty(c) {
			t.Fatalf("upon itself: %+v, %v", c, err)
		}
		other := drawSnapshot(t)
		model := access.Model{Version: 9, Organisations: s.Organisations(), Roles: other.Roles(), FourEyes: map[access.OrganisationID]bool{}}
		for _, org := range append(other.FourEyesOrganisations(), access.OrganisationID(id(1, 9))) { // one of which Core knows nothing any more
			model.FourEyes[org] = true
		}
		for _, m := range other.IAMRoles() { // its organisations are those of the file, or gone
			row := m.Clone()
			for org := range row.OrganisationRoles {
				if s.Organisation(org) == nil {
					delete(row.OrganisationRoles, org)
				}
			}
			model.IAMRoles = append(model.IAMRoles, row)
		}
		other = access.Build(model, s.Bootstrap(), day)
		c, err := f.Change(other)
		if err != nil {
			t.Fatal(err)
		}
		c.At = day
		after, err := other.After(c)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := textOf(t, after), textOf(t, s); got != want {
			t.Fatalf("got\n%s\nwant\n%s", got, want)
		}
	})
}

// TestAFileThatSaysNothingOfFourEyes leaves them as they are: one of before they were known must not let them go.
func TestAFileThatSaysNothingOfFourEyes(t *testing.T) {
	acme := access.OrganisationID(id(1, 1))
	s, err := small().After(access.Change{FourEyes: map[access.OrganisationID]bool{acme: true}, At: day})
	if err != nil {
		t.Fatal(err)
	}
	text := textOf(t, s)
	for fourEyes, want := range map[string]int{"": 0, "fourEyes:\n  - Acme\n": 0, "fourEyes: ~\n": 0, "fourEyes: []\n": 1, "fourEyes: [" + id(1, 3) + "]\n": 2} {
		f, err := Parse([]byte(strings.Replace(text, "fourEyes:\n  - Acme\n", fourEyes, 1)))
		if err != nil {
			t.Fatal(err)
		}
		c, err := f.Change(s)
		if _, put := c.FourEyes[acme]; err != nil || len(c.FourEyes) != want || put && c.FourEyes[acme] {
			t.Errorf("%q: got %v, %v", fourEyes, c.FourEyes, err)
		}
	}
}

func small() *access.Snapshot {
	m := access.Model{
		Version:       1,
		Organisations: []*access.Organisation{{ID: access.OrganisationID(id(1, 1)), Name: "Acme"}, {ID: access.OrganisationID(id(1, 2)), Name: "Twin"}, {ID: access.OrganisationID(id(1, 3)), Name: "Twin"}},
		Roles:         []*access.Role{{ID: access.RoleID(id(2, 1)), Name: "A", Permissions: access.SetOf(access.KeyList), Changed: access.Changed{Revision: 1}}, {ID: access.RoleID(id(2, 2)), Name: "B", Changed: access.Changed{Revision: 1}}},
		IAMRoles:      []*access.IAMRole{{ID: access.IAMRoleID(id(3, 1)), Name: "Acme Keys", OrganisationRoles: map[access.OrganisationID][]access.RoleID{access.OrganisationID(id(1, 1)): {access.RoleID(id(2, 1))}}, Changed: access.Changed{Revision: 1}}},
	}
	return access.Build(m, access.Bootstrap{Issuer: issuer, Role: "ONE_STS_ADMIN"}, day)
}

func TestWhatIsWrongIsTold(t *testing.T) {
	for _, c := range []struct{ rule, text, says string }{
		{"nothing", "", "the file is empty"},
		{"no YAML", "a: [", "yaml"},
		{"an unknown key", "version: 1\nroles: []\naccess: []\npeople: []", "people not found"},
		{"another version", "version: 2\nroles: []\naccess: []", "expected 1, got 2"},
		{"half of it is missing", "version: 1\nroles: []", "expected both roles and access"},
		{"two documents", "version: 1\nroles: []\naccess: []\n---\nversion: 1", "one document"},
		{"an unknown permission", "version: 1\nroles: [{name: A, permissions: [FLY]}]\naccess: []", `roles[0] "A": there is no permission "FLY"`},
		{"a delegation that lost its lines", "version: 1\nroles: [{name: A, permissions: [], delegation: }]\naccess: []", "delegation: expected a value"},
		{"permissions that are nothing", "version: 1\nroles: [{name: A, permissions: ~}]\naccess: []", "permissions: expected a value"},
		{"an unknown key of a role", "version: 1\nroles: [{name: A, permissions: [], note: x}]\naccess: []", "note not found"},
		{"an end that lost its time", "version: 1\nroles: []\naccess: [{iamRole: A, ends: }]", "ends: expected a value"},
		{"an end of the system that lost its time", "version: 1\nroles: []\naccess: [{iamRole: A, systemEnd: ~}]", "systemEnd: expected a value"},
		{"an end that is no time", "version: 1\nroles: [{name: A, permissions: []}]\naccess: [{iamRole: A, organisations: {Acme: [A]}, ends: {Acme: tomorrow}}]", `access[0] "A": ends: "Acme": expected a time as 2027-01-31T12:00:00Z, got "tomorrow"`},
		{"an end of nothing", "version: 1\nroles: []\naccess: [{iamRole: A, ends: {Acme: 2027-01-31T12:00:00Z}}]", "nothing is mapped there that could end"},
		{"an unknown organisation that demands", "version: 1\nroles: []\naccess: []\nfourEyes: [Acme, Nowhere]", `fourEyes[1]: there is no organisation "Nowhere"`},
		{"one that demands twice", "version: 1\nroles: []\naccess: []\nfourEyes: [Acme, " + id(1, 1) + "]", "stands there twice"},
		{"a role twice", "version: 1\nroles: [{name: A, permissions: []}, {name: A, permissions: []}]\naccess: []", `roles[1] "A": stands there twice`},
		{"one id for two", "version: 1\nroles: [{name: A, permissions: []}, {name: C, id: " + id(2, 1) + ", permissions: []}]\naccess: []", "another role of the file"},
		{"an id that is none", "version: 1\nroles: [{name: C, id: x, permissions: []}]\naccess: []", "expected a UUID"},
		{"an unknown role", "version: 1\nroles: []\naccess: [{iamRole: X, system: [A]}]", `there is no role "A" in the file`},
		{"an unknown organisation", "version: 1\nroles: []\naccess: [{iamRole: X, organisations: {Nowhere: []}}]", `there is no organisation "Nowhere"`},
		{"a name that two organisations have", "version: 1\nroles: []\naccess: [{iamRole: X, organisations: {Twin: []}}]", "use the id"},
		{"an organisation twice", "version: 1\nroles: [{name: A, permissions: []}]\naccess: [{iamRole: X, organisations: {Acme: [A], " + id(1, 1) + ": [A]}}]", "by name and by id"},
		{"a role twice in one place", "version: 1\nroles: [{name: A, permissions: []}]\naccess: [{iamRole: X, system: [A, A]}]", "stands there twice"},
		{"an IAM role twice", "version: 1\nroles: []\naccess: [{iamRole: Acme Keys}, {iamRole: Acme Keys}]", "another access of the file"},
		{"too large", strings.Repeat("#", MaxSize+1), "at most"},
	} {
		f, err := Parse([]byte(c.text))
		if err == nil {
			_, err = f.Change(small())
		}
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, expected %q", c.rule, err, c.says)
		}
	}
}

func TestExpectations(t *testing.T) {
	people := []*access.Principal{
		{Issuer: issuer, Subject: "1", Login: "ivan@acme.test", IAMRoles: []string{"Acme Keys"}},
		{Issuer: issuer, Subject: "2", Login: "twin@acme.test"},
		{Issuer: "https://other.test", Subject: "3", Login: "twin@acme.test"},
	}
	for text, why := range map[string]string{
		"Ivan@acme.test in Acme may KEY_LIST":                   "",
		"1 in " + id(1, 1) + " may KEY_LIST":                    "",
		"ivan@acme.test may not STS_ROLE_EDIT":                  "",
		"IAM role Acme Keys in Acme may KEY_LIST":               "",
		"IAM role acme keys in Acme may not KEY_LIST":           "mapped to nothing",
		"IAM role Acme Keys may not KEY_LIST":                   "name one",
		"IAM role Acme Keys in Acme may not STS_ROLE_EDIT":      "leave the organisation out",
		"ivan@acme.test in Acme may CREDENTIAL_ISSUE":           "Their roles in Acme do not include",
		"ivan@acme.test in Acme may not KEY_LIST":               "is allowed by",
		"eve@acme.test in Acme may KEY_LIST":                    "nobody like this",
		"twin@acme.test in Acme may KEY_LIST":                   "several people",
		"ivan@acme.test in Twin may KEY_LIST":                   "several organisations",
		"ivan@acme.test in Nowhere may KEY_LIST":                "no such organisation",
		"ivan@acme.test in Acme may FLY":                        "! there is no permission FLY",
		"ivan@acme.test can KEY_LIST":                           "! expected",
		"IAM role in the middle in Acme may not KEY_LIST":       "mapped to nothing",
		"IAM role ONE_STS_ADMIN may STS_ROLE_EDIT":              "",
		"IAM role ONE_STS_ADMIN in Acme may not KEY_LIST":       "",
		"ivan@acme.test in Acme may not KEY_LIST ":              "! expected",
		"ivan@acme.test in Acme may KEY_LIST and STS_ROLE_EDIT": "! expected",
	} {
		unmet, err := (&File{Expect: []string{text}}).Check(small(), people, issuer)
		got := ""
		if len(unmet) == 1 {
			got = unmet[0].Why
		}
		if err != nil {
			got = "! " + strings.TrimPrefix(err.Error(), fmt.Sprintf("expect: %q: ", text))
		}
		if why == "" && got != "" || !strings.HasPrefix(got, why) && !strings.Contains(got, why) {
			t.Errorf("%s: got %q, expected %q", text, got, why)
		}
	}
}

// FuzzParse: whatever a file says, it is refused with words or is a policy that writes back as it was read.
func FuzzParse(f *testing.F) {
	var text bytes.Buffer
	_ = Write(&text, small())
	f.Add(text.Bytes())
	f.Add([]byte("version: 1\nroles: [{name: A, permissions: [KEY_LIST], delegation: {anyOf: []}}]\naccess: [{iamRole: X, organisations: {Acme: [A]}}]\nexpect: [x may KEY_LIST]"))
	f.Add([]byte("version: 1\nroles: &a []\naccess: *a"))
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := Parse(text)
		if err != nil {
			return
		}
		s := small()
		c, err := file.Change(s)
		if err != nil {
			return
		}
		after, err := s.After(c)
		if err != nil {
			return // names that may not be, for instance
		}
		if c, err := written(t, after).Change(after); err != nil || !Empty(c) {
			t.Errorf("%q: %+v, %v", text, c, err)
		}
		again, err := file.Change(after)
		if err != nil || !Empty(again) && !slices.ContainsFunc(append(file.Roles, Role{}), func(r Role) bool { return r.ID == "" }) {
			t.Errorf("%q: applied, it still changes %+v, %v", text, again, err)
		}
	})
}

func TestExpectationsAlone(t *testing.T) {
	if f, err := ParseExpectations([]byte("version: 1\nexpect: [ada may STS_ROLE_EDIT]\n")); err != nil || len(f.Expect) != 1 {
		t.Errorf("got %+v, %v", f, err)
	}
	for text, says := range map[string]string{
		"version: 1\nroles: []\naccess: []\n":           "at least one",
		"version: 1\nexpect: []\n":                      "at least one",
		"version: 1\nexpect: [ada can fly]\n":           "may [not] PERMISSION",
		"version: 1\nexpect: [ada may FLY]\n":           "no permission FLY",
		"version: 2\nexpect: [ada may STS_ROLE_EDIT]\n": "expected 1",
		"expectations: []\n":                            "expectations",
		"":                                              "empty",
	} {
		if _, err := ParseExpectations([]byte(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: got %v", text, err)
		}
	}
}
