package explain

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/policy"
	"github.com/portico-iam/portico/internal/session"
)

const issuer = "https://acme.okta.test/oauth2/default"

// world is a policy, and who was seen.
type world struct {
	snapshot *access.Snapshot
	people   []session.Person
	err      error
	known    policy.Known
}

func (w *world) Snapshot() *access.Snapshot { return w.snapshot }

func (w *world) AsOf(context.Context, time.Time) (*access.Snapshot, policy.Known, error) {
	return w.snapshot, w.known, w.err
}

func (w *world) Enforce(context.Context, *access.Principal, access.OrganisationID, string, ...access.Permission) error {
	return nil
}

func (w *world) PeopleSeen(context.Context, time.Time, int) ([]session.Person, error) {
	return w.people, w.err
}

func (w *world) service() *Service {
	return &Service{Policy: w, People: w, RolePath: "roles", Issuer: issuer, Now: time.Now}
}

func newWorld() *world {
	model := access.Model{
		Organisations: []*access.Organisation{{ID: "acme", Name: "Acme"}, {ID: "zeta", Name: "Zeta"}, {ID: "closed", Name: "Closed", DeactivatedAt: time.Unix(1, 0)}},
		Roles: []*access.Role{
			{ID: "keys", Name: "Keys", Permissions: access.SetOf(access.KeyList, access.KeyDetail)},
			{ID: "roles", Name: "Roles", Permissions: access.SetOf(access.STSRoleList)},
		},
		IAMRoles: []*access.IAMRole{
			{ID: "1", Name: "Acme Keys", OrganisationRoles: map[access.OrganisationID][]access.RoleID{"acme": {"keys"}, "closed": {"keys"}}},
			{ID: "2", Name: "Acme Admins", SystemRoles: []access.RoleID{"roles"}},
		},
	}
	return &world{snapshot: access.Build(model, access.Bootstrap{Issuer: issuer, Role: "ONE_STS_ADMIN"}, time.Now())}
}

// TestThePathAgreesWithTheDecision: somebody may exactly when one of the lines leads there, whatever was asked.
func TestThePathAgreesWithTheDecision(t *testing.T) {
	w := newWorld()
	rapid.Check(t, func(t *rapid.T) {
		q := Question{
			IAMRoles:     rapid.SliceOfN(rapid.SampledFrom([]string{"Acme Keys", "acme keys", "Acme Admins", "ONE_STS_ADMIN", "Everyone"}), 1, 4).Draw(t, "IAM roles"),
			Organisation: rapid.SampledFrom([]access.OrganisationID{"acme", "zeta", "closed", access.System}).Draw(t, "where"),
			Permission:   rapid.SampledFrom([]string{"", "KEY_LIST", "STS_ROLE_LIST", "CREDENTIAL_ISSUE", "KEY_LIST STS_ROLE_LIST"}).Draw(t, "what"),
		}
		a, err := w.service().Answer(t.Context(), q)
		if fault.InvalidInput.Is(err) {
			return // it needs an organisation
		}
		if err != nil {
			t.Fatal(err)
		}
		leads := slices.ContainsFunc(a.Path, func(s Step) bool { return s.State == Grants })
		if leads != a.Allowed || a.Allowed != (len(a.Suggestions) == 0) || q.Permission == "" && a.Allowed != (len(a.Permissions) > 0) {
			t.Fatalf("%+v", a)
		}
	})
}

func TestAMixedRouteNeedsAnOrganisationWhereTheyHaveSeveral(t *testing.T) {
	w := newWorld()
	model := access.Model{
		Organisations: w.snapshot.Organisations(),
		Roles:         []*access.Role{{ID: "history", Name: "History", Permissions: access.SetOf(access.HistoryList)}},
		IAMRoles:      []*access.IAMRole{{ID: "1", Name: "Readers", OrganisationRoles: map[access.OrganisationID][]access.RoleID{"acme": {"history"}, "zeta": {"history"}}}},
	}
	w.snapshot = access.Build(model, w.snapshot.Bootstrap(), time.Now())
	q := Question{IAMRoles: []string{"Readers"}, Route: "GET /api/history/v1"}
	if _, err := w.service().Answer(t.Context(), q); !fault.InvalidInput.Is(err) {
		t.Errorf("got %v", err)
	}
	q.Organisation = "zeta"
	if a, err := w.service().Answer(t.Context(), q); err != nil || !a.Allowed || a.Organisation.ID != "zeta" {
		t.Errorf("got %+v, %v", a, err)
	}
}

func TestARenamedGroupIsPointedOut(t *testing.T) {
	w := newWorld()
	ask := func(name string) []string {
		a, err := w.service().Answer(t.Context(), Question{IAMRoles: []string{name}, Organisation: "acme", Permission: "KEY_LIST"})
		if err != nil {
			t.Fatal(err)
		}
		return a.Path[0].Renamed
	}
	if got := ask("Acme Key Holders"); !slices.Equal(got, []string{"Acme Keys"}) {
		t.Errorf("nobody carries the old name any more: got %q", got)
	}
	if got := ask("Everyone"); got != nil {
		t.Errorf("nothing is alike: got %q", got)
	}
	w.people = []session.Person{{Issuer: issuer, Subject: "ivan", IAMRoles: []string{"Acme Keys"}}}
	if got := ask("Acme Key Holders"); got != nil {
		t.Errorf("somebody still carries it: got %q", got)
	}
}

func TestAPersonIsFoundByLoginWhereOnlyOneHasIt(t *testing.T) {
	w := newWorld()
	w.people = []session.Person{
		{Issuer: issuer, Subject: "00u1", Login: "Ivan@acme.test", IAMRoles: []string{"Acme Keys"}},
		{Issuer: issuer, Subject: "00u2", Login: "vera@acme.test"},
		{Issuer: "https://other.test", Subject: "00u3", Login: "vera@acme.test"},
	}
	for _, c := range []struct {
		rule    string
		person  Person
		subject string
		code    *fault.Code
	}{
		{"a login in another case", Person{Login: "ivan@acme.test"}, "00u1", nil},
		{"a subject in place of the login", Person{Login: "00u2"}, "00u2", nil},
		{"two have it", Person{Login: "vera@acme.test"}, "", fault.InvalidInput},
		{"one at the issuer", Person{Login: "vera@acme.test", Issuer: issuer}, "00u2", nil},
		{"issuer and subject", Person{Issuer: issuer, Subject: "00u1"}, "00u1", nil},
		{"another's subject", Person{Issuer: "https://other.test", Subject: "00u1"}, "", fault.NotFound},
		{"nobody", Person{}, "", fault.NotFound},
	} {
		a, err := w.service().Answer(t.Context(), Question{Person: &c.person})
		if c.code == nil && (err != nil || a.Who.Subject != c.subject) || c.code != nil && !c.code.Is(err) {
			t.Errorf("%s: got %q, %v", c.rule, a.Who.Subject, err)
		}
	}
	w.err = errors.New("the store is away")
	if _, err := w.service().Answer(t.Context(), Question{Person: &Person{Login: "ivan@acme.test"}}); !errors.Is(err, w.err) {
		t.Errorf("got %v", err)
	}
}

func TestRoutesAreFoundAsTheServerFindsThem(t *testing.T) {
	for _, name := range Routes() {
		found, err := findRoute(name)
		if err != nil || found.name != name {
			t.Errorf("%s: found %q, %v", name, found.name, err)
		}
	}
	for given, want := range map[string]string{
		" get  /api/key/v1?page=3 ": "GET /api/key/v1", "PATCH /api/sts/role/v1/5b26": "PATCH /api/sts/role/v1/{id}",
		"/api/key/v1": "", "GET": "", "GET api/key/v1": "", "GET //x": "", "GET /api/../api/key/v1": "", "G\x00T /api/key/v1": "", "GET /api/%zz": "",
	} {
		if found, err := findRoute(given); found.name != want || (err == nil) != (want != "") {
			t.Errorf("%q: found %q, %v", given, found.name, err)
		}
	}
}

// FuzzRoute: whatever is typed is a route of the catalogue, or refused.
func FuzzRoute(f *testing.F) {
	for _, given := range []string{"GET /api/key/v1", "post /api/credential/v1/{id}?x", "GET //api", " \x00 /%2e", "GET /api/sts/role/v1/é"} {
		f.Add(given)
	}
	f.Fuzz(func(t *testing.T, given string) {
		found, err := findRoute(given)
		if (err == nil) != slices.Contains(Routes(), found.name) {
			t.Errorf("%q: found %q, %v", given, found.name, err)
		}
	})
}

// TestADeactivatedPersonIsNamed: whatever is mapped to them, and only them.
func TestADeactivatedPersonIsNamed(t *testing.T) {
	w := newWorld()
	w.people = []session.Person{{Issuer: issuer, Subject: "ivan", Login: "ivan", IAMRoles: []string{"Acme Keys"}}, {Issuer: issuer, Subject: "vera", Login: "vera", IAMRoles: []string{"Acme Keys"}}}
	s := w.service()
	s.Barred = func(iss, subject string) bool { return iss == issuer && (subject == "ivan" || subject == "somebody") }
	for rule, c := range map[string]struct {
		q       Question
		allowed bool
	}{
		"the person":     {Question{Person: &Person{Login: "ivan"}}, false},
		"somebody else":  {Question{Person: &Person{Login: "vera"}}, true},
		"their group":    {Question{IAMRoles: []string{"Acme Keys"}}, true},
		"as it was then": {Question{Person: &Person{Login: "ivan"}, AsOf: new(time.Time)}, true},
	} {
		c.q.Organisation, c.q.Permission = "acme", "KEY_LIST"
		a, err := s.Answer(t.Context(), c.q)
		if err != nil || a.Allowed != c.allowed || (a.Reason == "DEACTIVATED") == c.allowed {
			t.Errorf("%s: %+v, %v", rule, a, err)
		}
	}
}
