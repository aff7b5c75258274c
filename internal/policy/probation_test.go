package policy_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/policy"
)

// twoWays is a bench in which ada administers by two mappings, and has just given up one of them.
func twoWays(t *testing.T) (b *bench, ada *access.Principal, gone *access.IAMRole) {
	t.Helper()
	b, ada, role, gone := retired(t)
	if _, err := b.CreateIAMRole(t.Context(), ada, access.IAMRole{Name: "Deputies", SystemRoles: []access.RoleID{role.ID}}, policy.Seen{}); err != nil {
		t.Fatal(err)
	}
	if b.Snapshot().Probation() != nil {
		t.Fatal("a mapping that nobody loses anything by is on probation")
	}
	ada = &access.Principal{Issuer: issuer, Subject: "ada", GivenName: "Ada", FamilyName: "Admin", IAMRoles: []string{"Admins", "Deputies"}}
	b.clock.advance(time.Hour)
	if err := b.DeleteIAMRole(t.Context(), ada, gone.ID, policy.Seen{}); err != nil {
		t.Fatal(err)
	}
	if b.Snapshot().Probation() == nil || b.Snapshot().IAMRole(gone.ID) != nil {
		t.Fatal("expected the change to count, on probation")
	}
	return b, ada, gone
}

func probationOf(t *testing.T, e history.Entry) string {
	t.Helper()
	var details struct{ Probation string }
	if err := json.Unmarshal(e.Metadata, &details); err != nil {
		t.Fatal(err)
	}
	return details.Probation
}

func last(b *bench) history.Entry { all := b.store.recorded(); return all[len(all)-1] }

func TestAChangeOfOnesOwnAdministrationIsUndoneWithoutASignIn(t *testing.T) {
	b, ada, gone := twoWays(t)
	until := b.Snapshot().Probation().Until
	if got := probationOf(t, last(b)); got != "on probation until "+until.Format(time.RFC3339) {
		t.Errorf("the record says %q", got)
	}
	b.Confirm(t.Context(), ada, b.clock.Now().Add(-time.Minute)) // they signed in before
	b.clock.advance(policy.ProbationTime - time.Millisecond)
	if err := b.EndProbation(t.Context()); err != nil || b.Snapshot().Probation() == nil {
		t.Fatalf("it ended before its time: %v", err)
	}
	replica := b.another()
	b.clock.advance(time.Millisecond)
	b.Confirm(t.Context(), ada, b.clock.Now()) // too late
	for _, s := range []*policy.Service{b.Service, replica, b.Service} {
		if err := s.EndProbation(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	back := b.Snapshot().IAMRole(gone.ID)
	if b.Snapshot().Probation() != nil || back == nil || back.Name != gone.Name || len(back.SystemRoles) != 1 {
		t.Fatalf("it is not as it was: %+v", back)
	}
	if e := last(b); e.Action != history.Created || e.EntityID != string(gone.ID) || e.User != "portico: probation is over" ||
		probationOf(t, e) != "undone, since nobody confirmed it by signing in" {
		t.Errorf("the record says %+v", e)
	}
	if err := replica.Reload(t.Context()); err != nil || replica.Snapshot().Probation() != nil || replica.Snapshot().IAMRole(gone.ID) == nil {
		t.Errorf("the other replica: %v", err)
	}
}

func TestASignInConfirms(t *testing.T) {
	b, ada, gone := twoWays(t)
	b.clock.advance(time.Minute)
	version := b.Snapshot().Version()
	for rule, p := range map[string]*access.Principal{
		"another administrator":   {Issuer: issuer, Subject: "bob", IAMRoles: []string{"Deputies"}},
		"without what was left":   {Issuer: issuer, Subject: "ada", IAMRoles: []string{"Admins"}},
		"their name, from abroad": {Issuer: "https://evil.test", Subject: "ada", IAMRoles: []string{"Deputies"}},
	} {
		b.Confirm(t.Context(), p, b.clock.Now())
		if b.Snapshot().Version() != version {
			t.Fatalf("%s confirmed it", rule)
		}
	}
	b.Confirm(t.Context(), ada, b.clock.Now())
	if b.Snapshot().Probation() != nil || b.Snapshot().IAMRole(gone.ID) != nil {
		t.Fatal("it was not confirmed")
	}
	if e := last(b); e.Action != history.Activated || e.Name != gone.Name || e.User != "ada" || probationOf(t, e) != "confirmed by signing in" {
		t.Errorf("the record says %+v", e)
	}
	b.clock.advance(policy.ProbationTime)
	version = b.Snapshot().Version()
	if err := b.EndProbation(t.Context()); err != nil || b.Snapshot().Version() != version {
		t.Error("it was undone although it was confirmed")
	}
}

func TestWhoGaveUpEverythingIsConfirmedByAnotherAdministrator(t *testing.T) {
	b, ada, role, mapping := retired(t)
	if _, err := b.CreateIAMRole(t.Context(), ada, access.IAMRole{Name: "Deputies", SystemRoles: []access.RoleID{role.ID}}, policy.Seen{}); err != nil {
		t.Fatal(err)
	}
	dora := &access.Principal{Issuer: issuer, Subject: "dora", IAMRoles: []string{"Deputies"}}
	b.seen = seen{{Issuer: issuer, Subject: "dora", IAMRoles: dora.IAMRoles}}
	if err := b.DeleteIAMRole(t.Context(), ada, mapping.ID, policy.Seen{}); err != nil {
		t.Fatal(err)
	}
	b.clock.advance(time.Second)
	b.Confirm(t.Context(), ada, b.clock.Now())
	if b.Snapshot().Probation() == nil {
		t.Fatal("somebody who administers nothing confirmed it")
	}
	b.Confirm(t.Context(), dora, b.clock.Now())
	if b.Snapshot().Probation() != nil || b.Snapshot().IAMRole(mapping.ID) != nil {
		t.Error("another administrator did not confirm it")
	}
}

func TestWhatIsOnProbationIsUndoneByHand(t *testing.T) {
	for rule, c := range map[string]struct {
		by   *access.Principal
		code *fault.Code
	}{
		"whoever made it":                            {&access.Principal{Issuer: issuer, Subject: "ada", IAMRoles: []string{"Deputies"}}, nil},
		"whoever made it, put out of the group":      {&access.Principal{Issuer: issuer, Subject: "ada"}, fault.Forbidden},
		"another administrator":                      {&access.Principal{Issuer: issuer, Subject: "bob", IAMRoles: []string{"Deputies"}}, nil},
		"somebody without the rights":                {nobody, fault.Forbidden},
		"the same subject of another issuer":         {&access.Principal{Issuer: "https://evil.test", Subject: "ada"}, fault.Forbidden},
		"the reserved role, which counts no more":    {admin2, fault.Forbidden},
		"who was administrator until it was changed": {&access.Principal{Issuer: issuer, Subject: "bob", IAMRoles: []string{"Admins"}}, fault.Forbidden},
	} {
		b, _, gone := twoWays(t)
		err := b.UndoProbation(t.Context(), c.by)
		if c.code != nil {
			wantCode(t, rule, err, c.code)
			if b.Snapshot().Probation() == nil {
				t.Errorf("%s: it was refused, and undone", rule)
			}
			continue
		}
		if back := b.Snapshot().IAMRole(gone.ID); err != nil || back == nil || back.Changed.Revision <= gone.Changed.Revision {
			t.Errorf("%s: %v, %+v: expected a newer revision, or a form of before could still be saved", rule, err, back)
		}
		if e := last(b); e.User != c.by.Subject || probationOf(t, e) != "undone" {
			t.Errorf("%s: the record says %+v", rule, e)
		}
		wantCode(t, rule+", once more", b.UndoProbation(t.Context(), c.by), fault.NotFound)
	}
}

var admin2 = &access.Principal{Issuer: issuer, Subject: "bob", IAMRoles: []string{reserved}}

func TestNoOtherChangeClosesTheWayBack(t *testing.T) {
	b, ada, gone := twoWays(t)
	wantCode(t, "the role that the mapping needs", b.DeleteRole(t.Context(), ada, gone.SystemRoles[0], policy.Seen{}), fault.StillMapped)
	_, err := b.CreateIAMRole(t.Context(), ada, access.IAMRole{Name: gone.Name}, policy.Seen{})
	wantCode(t, "the name that it needs", err, fault.OnProbation)
	if _, err := b.CreateIAMRole(t.Context(), ada, access.IAMRole{Name: "Others"}, policy.Seen{}); err != nil {
		t.Errorf("another row: %v", err)
	}
}

func TestAStoreThatIsAwayDelaysTheUndoing(t *testing.T) {
	b, _, gone := twoWays(t)
	b.clock.advance(policy.ProbationTime)
	b.store.before = func() error { return errors.New("gone") }
	if err := b.EndProbation(t.Context()); err == nil || b.Snapshot().Probation() == nil {
		t.Fatalf("got %v", err)
	}
	b.store.before = nil
	if err := b.EndProbation(t.Context()); err != nil || b.Snapshot().IAMRole(gone.ID) == nil {
		t.Fatalf("got %v", err)
	}
}

// TestAWayBackThatAnotherConfigurationClosed must not keep everybody from every change for ever.
func TestAWayBackThatAnotherConfigurationClosed(t *testing.T) {
	b, _, gone := twoWays(t)
	b.Service.Bootstrap.Role = gone.Name // no mapping may have that name
	b.clock.advance(policy.ProbationTime)
	if err := b.EndProbation(t.Context()); err != nil || b.Snapshot().Probation() != nil || b.Snapshot().IAMRole(gone.ID) != nil {
		t.Fatalf("got %v", err)
	}
	if got := probationOf(t, last(b)); got != "nobody confirmed it by signing in, yet it can't be undone" {
		t.Errorf("the record says %q", got)
	}
}

// TestAnImportsWordStands: an operator with the store in hand waits for nobody, but may lock nobody out either.
func TestAnImportsWordStands(t *testing.T) {
	b, _, gone := twoWays(t)
	put := func(im *access.IAMRole) error {
		_, err := b.Import(t.Context(), "command line: eve", false, func(*access.Snapshot) (access.Change, error) {
			return access.Change{PutIAMRoles: []*access.IAMRole{im}}, nil
		})
		return err
	}
	if err := put(&access.IAMRole{ID: "other", Name: "Others"}); err != nil || b.Snapshot().Probation() == nil {
		t.Fatalf("another row: %v", err)
	}
	if err := put(&access.IAMRole{ID: gone.ID, Name: "Else"}); err != nil {
		t.Fatal(err)
	}
	if b.Snapshot().Probation() != nil || b.Snapshot().IAMRole(gone.ID).Name != "Else" {
		t.Error("the file's row does not stand")
	}
	if got := probationOf(t, last(b)); got != "what was on probation was replaced" {
		t.Errorf("the record says %q", got)
	}
	b.clock.advance(policy.ProbationTime)
	if err := b.EndProbation(t.Context()); err != nil || b.Snapshot().IAMRole(gone.ID).Name != "Else" {
		t.Errorf("it was undone: %v", err)
	}
}

func TestAnImportFindsAProbationOverThatNobodyEnded(t *testing.T) {
	b, _, gone := twoWays(t)
	b.clock.advance(policy.ProbationTime)
	if _, err := b.Import(t.Context(), "command line: eve", false, func(now *access.Snapshot) (access.Change, error) {
		if now.IAMRole(gone.ID) == nil {
			t.Error("the file is compared with what is to be undone")
		}
		return access.Change{}, nil
	}); err != nil || b.Snapshot().Probation() != nil {
		t.Fatal(err)
	}
}

// TestTheWayBackLeadsToAnAdministrator: a role that only the way back needs must not be emptied meanwhile.
func TestTheWayBackLeadsToAnAdministrator(t *testing.T) {
	b, ada, role, admins := retired(t)
	other, err := b.CreateRole(t.Context(), ada, access.Role{Name: "Whole", Permissions: role.Permissions}, policy.Seen{})
	if err != nil {
		t.Fatal(err)
	}
	maps := func(im *access.IAMRole) error { im.SystemRoles = []access.RoleID{other.ID}; return nil }
	if _, err := b.UpdateIAMRole(t.Context(), ada, admins.ID, policy.Seen{}, maps); err != nil {
		t.Fatal(err)
	}
	if b.Snapshot().Probation() == nil {
		t.Fatal("expected a probation")
	}
	bob := &access.Principal{Issuer: issuer, Subject: "bob", IAMRoles: []string{"Admins"}}
	shrink := func() error {
		_, err := b.UpdateRole(t.Context(), bob, role.ID, policy.Seen{}, func(r *access.Role) error { r.Permissions = access.SetOf(access.STSRoleList); return nil })
		return err
	}
	wantCode(t, "nobody uses the role now", shrink(), fault.OnProbation)
	b.clock.advance(time.Second)
	b.Confirm(t.Context(), ada, b.clock.Now())
	if err := shrink(); err != nil {
		t.Errorf("once it is confirmed: %v", err)
	}
}

func TestNobodyHoldsOthersUpByOneProbationAfterTheOther(t *testing.T) {
	b, ada, gone := twoWays(t)
	if err := b.UndoProbation(t.Context(), &access.Principal{Issuer: issuer, Subject: "bob", IAMRoles: []string{"Deputies"}}); err != nil {
		t.Fatal(err)
	}
	again := func() error { return b.DeleteIAMRole(t.Context(), ada, gone.ID, policy.Seen{}) }
	wantCode(t, "the same once more", again(), fault.OnProbation)
	if b.Snapshot().IAMRole(gone.ID) == nil {
		t.Fatal("it was refused, and made")
	}
	b.clock.advance(policy.ProbationTime)
	if err := again(); err != nil {
		t.Error(err)
	}
	if err := b.UndoProbation(t.Context(), ada); err != nil {
		t.Fatal(err)
	}
	if err := again(); err != nil {
		t.Errorf("whoever undid it themselves: %v", err)
	}
}
