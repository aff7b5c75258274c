package policy_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/policy"
)

// TestARefusalThatASignInLifts says which one would, keeps the whole reason, and forgets nothing of it for a minute: whoever signed in
// anew, and not as required, is not told of the sign-in before.
func TestARefusalThatASignInLifts(t *testing.T) {
	b := newBench(t)
	careful, err := b.CreateRole(t.Context(), admin, access.Role{
		Name: "Careful", Permissions: access.SetOf(access.CredentialIssue), Requires: &access.Requirement{Classes: []string{"phr"}, MaxAge: time.Hour},
	}, policy.Seen{})
	if err != nil {
		t.Fatal(err)
	}
	b.iamRole("Acme Issuance", "acme", careful.ID)
	p := &access.Principal{Issuer: issuer, Subject: "ivan", IAMRoles: []string{"Acme Issuance"}, SignIn: access.SignIn{At: begin.Unix(), Class: "pwd"}}

	refused := func(err error) *fault.Fault {
		t.Helper()
		f := fault.Of(err)
		if f.Code != fault.StepUp || !f.SignIn.Equal(careful.Requires) || f.Reference == "" {
			t.Fatalf("got %v for %+v", err, f.SignIn)
		}
		return f
	}
	first := refused(b.Enforce(t.Context(), p, "acme", "POST /api/credential/v1", access.CredentialIssue))
	_, err = b.Permissions(t.Context(), p, "acme", "a token")
	refused(err)
	entry, found, err := b.History.Get(t.Context(), first.Reference)
	var record policy.RefusalRecord
	if err != nil || !found || json.Unmarshal(entry.Metadata, &record) != nil {
		t.Fatalf("got %v, %v", found, err)
	}
	if s := record.SignIn; s == nil || s.ACR != "pwd" || s.AuthTime == "" || len(s.Required) != 1 || s.Required[0].Role != "Careful" || s.Required[0].MaxAge != 3600 {
		t.Errorf("recorded %+v", s)
	}
	p.SignIn.Class = "2fa"
	if again := refused(b.Enforce(t.Context(), p, "acme", "POST /api/credential/v1", access.CredentialIssue)); again.Reference == first.Reference {
		t.Error("another sign-in is told by the record of the one before")
	}

	p.SignIn.Class = "phr"
	if err := b.Enforce(t.Context(), p, "acme", "POST /api/credential/v1", access.CredentialIssue); err != nil {
		t.Error(err)
	}
	rights, err := b.Permissions(t.Context(), p, "acme", "a token")
	if err != nil || !rights.Until.Equal(time.Unix(begin.Unix(), 0).Add(time.Hour)) {
		t.Errorf("what it gives ends at %s (%v)", rights.Until, err)
	}
	b.clock.now = begin.Add(time.Hour)
	refused(b.Enforce(t.Context(), p, "acme", "POST /api/credential/v1", access.CredentialIssue))
}

// TestNT54_ASignInThatNobodyHas: whoever requires it of their own administration loses it again, unless they show that they have it.
func TestNT54_ASignInThatNobodyHas(t *testing.T) {
	b := newBench(t)
	p := b.systemRole("Admins", access.Administration)
	var own *access.Role
	for _, r := range b.Snapshot().Roles() {
		if r.Permissions == access.Administration {
			own = r
		}
	}
	require := func(q *access.Requirement) error {
		_, err := b.UpdateRole(t.Context(), p, own.ID, policy.Seen{}, func(r *access.Role) error { r.Requires = q; return nil })
		return err
	}
	if err := require(&access.Requirement{Classes: []string{"never"}}); err != nil {
		t.Fatal(err)
	}
	if b.Snapshot().Probation() == nil {
		t.Fatal("it is not on probation")
	}
	b.Confirm(t.Context(), p, b.clock.now.Add(time.Second)) // signed in anew, and not so
	if b.Snapshot().Probation() == nil {
		t.Fatal("another sign-in confirmed it")
	}
	b.clock.now = b.clock.now.Add(policy.ProbationTime)
	if err := b.EndProbation(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.Enforce(t.Context(), p, access.System, "administer", access.STSRoleEdit); err != nil {
		t.Errorf("it was not undone: %v", err)
	}
}
