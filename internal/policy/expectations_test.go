package policy_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/policy"
	"github.com/portico-iam/portico/internal/policyfile"
)

func TestEveryChangeIsHeldAgainstTheExpectations(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	issuer, key := b.role("Issuer", access.CredentialIssue), b.role("Keys", access.KeyList)
	mapping := b.iamRole("Acme Issuance", "acme", issuer.ID)
	file, err := policyfile.ParseExpectations([]byte("version: 1\nexpect:\n- IAM role Acme Issuance in Acme may CREDENTIAL_ISSUE\n" +
		"- IAM role Acme Issuance in Acme may not KEY_LIST\n- IAM role Acme Audit in Acme may not KEY_LIST\n- nobody@acme.test in Acme may KEY_LIST\n"))
	if err != nil {
		t.Fatal(err)
	}
	b.Expectations = func() (*policyfile.File, error) { return file, err }
	roles := func(ids ...access.RoleID) func(*access.IAMRole) error {
		return func(m *access.IAMRole) error {
			m.OrganisationRoles = map[access.OrganisationID][]access.RoleID{"acme": ids}
			return nil
		}
	}
	for rule, c := range map[string]struct {
		change func() error
		names  string
	}{
		"something is lost": {func() error { return b.DeleteIAMRole(ctx, admin, mapping.ID, policy.Seen{}) }, "may CREDENTIAL_ISSUE"},
		"something is gained": {func() error {
			_, err := b.UpdateIAMRole(ctx, admin, mapping.ID, policy.Seen{}, roles(issuer.ID, key.ID))
			return err
		}, "may not KEY_LIST"},
		"by a role": {func() error {
			_, err := b.UpdateRole(ctx, admin, issuer.ID, policy.Seen{}, func(r *access.Role) error { r.Permissions = access.SetOf(access.KeyList); return nil })
			return err
		}, "may CREDENTIAL_ISSUE; IAM role Acme Issuance in Acme may not KEY_LIST"},
		"by a file": {func() error {
			_, err := b.Import(ctx, "eve", false, func(*access.Snapshot) (access.Change, error) {
				return access.Change{DeleteIAMRoles: []access.IAMRoleID{mapping.ID}}, nil
			})
			return err
		}, "may CREDENTIAL_ISSUE"},
	} {
		before := b.Snapshot().Version()
		f := wantCode(t, rule, c.change(), fault.Expectation)
		if !strings.Contains(f.Detail, c.names) || strings.Contains(f.Detail, "nobody@") || b.Snapshot().Version() != before {
			t.Errorf("%s: got %q", rule, f.Detail)
		}
	}
	preview, err := b.Preview(ctx, admin, access.Change{DeleteIAMRoles: []access.IAMRoleID{mapping.ID}})
	if err != nil || len(preview.Broken) != 1 || preview.Broken[0].Why == "" {
		t.Errorf("the preview says %+v, %v", preview.Broken, err)
	}
	if _, err := b.UpdateIAMRole(ctx, admin, mapping.ID, policy.Seen{}, func(m *access.IAMRole) error { m.SystemRoles = []access.RoleID{key.ID}; return nil }); err != nil {
		t.Errorf("what breaks none: %v", err)
	}
	if err := b.DeleteIAMRole(ctx, admin, b.iamRole("Acme Audit", "acme", issuer.ID).ID, policy.Seen{}); err != nil {
		t.Fatalf("it may not KEY_LIST without a mapping either: %v", err)
	}
	_, err = b.CreateIAMRole(ctx, admin, access.IAMRole{Name: "Acme Audit", OrganisationRoles: map[access.OrganisationID][]access.RoleID{"acme": {key.ID}}}, policy.Seen{})
	if f := wantCode(t, "a mapping made anew", err, fault.Expectation); !strings.Contains(f.Detail, "Acme Audit in Acme may not KEY_LIST") {
		t.Errorf("got %q", f.Detail)
	}
	err = errors.New("gone")
	wantCode(t, "the file can't be read", b.DeleteIAMRole(ctx, admin, mapping.ID, policy.Seen{}), fault.Unavailable)
}

// TestTheWayBackBreaksNoExpectation: a role that only the way back gives must not be widened meanwhile.
func TestTheWayBackBreaksNoExpectation(t *testing.T) {
	b, ada, whole, _ := retired(t)
	ctx := t.Context()
	issuing, err := b.CreateRole(ctx, ada, access.Role{Name: "Issuing", Permissions: access.SetOf(access.CredentialIssue)}, policy.Seen{})
	if err != nil {
		t.Fatal(err)
	}
	made, err := b.CreateIAMRole(ctx, ada, access.IAMRole{
		Name: "Deputies", SystemRoles: []access.RoleID{whole.ID}, OrganisationRoles: map[access.OrganisationID][]access.RoleID{"acme": {issuing.ID}},
	}, policy.Seen{})
	if err != nil {
		t.Fatal(err)
	}
	file, err := policyfile.ParseExpectations([]byte("version: 1\nexpect:\n- IAM role Deputies in Acme may not KEY_LIST\n"))
	if err != nil {
		t.Fatal(err)
	}
	b.Expectations = func() (*policyfile.File, error) { return file, nil }
	both := &access.Principal{Issuer: issuer, Subject: "ada", IAMRoles: []string{"Admins", "Deputies"}}
	if err := b.DeleteIAMRole(ctx, both, made.ID, policy.Seen{}); err != nil || b.Snapshot().Probation() == nil {
		t.Fatalf("expected a probation: %v", err)
	}
	may := func(p access.Permission) error {
		_, err := b.UpdateRole(ctx, ada, issuing.ID, policy.Seen{}, func(r *access.Role) error { r.Permissions = access.SetOf(p); return nil })
		return err
	}
	if f := wantCode(t, "what is forbidden", may(access.KeyList), fault.OnProbation); !strings.Contains(f.Detail, "Deputies in Acme may not KEY_LIST") {
		t.Errorf("got %q", f.Detail)
	}
	if err := may(access.CredentialList); err != nil {
		t.Errorf("what is not: %v", err)
	}
}
