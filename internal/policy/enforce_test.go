package policy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/policy"
)

// Every method of every kind of row needs the permission that is named after it, and no other does.
func TestEveryMethodEnforcesItsPermission(t *testing.T) {
	b := newBench(t)
	role := b.role("Issuer", access.CredentialIssue)
	mapping := b.iamRole("Acme Issuance", "acme", role.ID)
	spare := b.role("Spare")
	ctx := t.Context()
	methods := map[access.Permission]func(by *access.Principal) error{
		access.STSRoleList:   func(by *access.Principal) error { _, err := b.Roles(ctx, by); return err },
		access.STSRoleDetail: func(by *access.Principal) error { _, err := b.Role(ctx, by, role.ID); return err },
		access.STSRoleCreate: func(by *access.Principal) error {
			_, err := b.CreateRole(ctx, by, access.Role{Name: "New"}, policy.Seen{})
			return err
		},
		access.STSRoleEdit: func(by *access.Principal) error {
			_, err := b.UpdateRole(ctx, by, role.ID, policy.Seen{}, func(r *access.Role) error { r.Name = "Renamed"; return nil })
			return err
		},
		access.STSRoleDelete:    func(by *access.Principal) error { return b.DeleteRole(ctx, by, spare.ID, policy.Seen{}) },
		access.STSIAMRoleList:   func(by *access.Principal) error { _, err := b.IAMRoles(ctx, by); return err },
		access.STSIAMRoleDetail: func(by *access.Principal) error { _, err := b.IAMRole(ctx, by, mapping.ID); return err },
		access.STSIAMRoleCreate: func(by *access.Principal) error {
			_, err := b.CreateIAMRole(ctx, by, access.IAMRole{Name: "New"}, policy.Seen{})
			return err
		},
		access.STSIAMRoleEdit: func(by *access.Principal) error {
			_, err := b.UpdateIAMRole(ctx, by, mapping.ID, policy.Seen{}, func(r *access.IAMRole) error { r.Name = "Renamed"; return nil })
			return err
		},
		access.STSIAMRoleDelete: func(by *access.Principal) error { return b.DeleteIAMRole(ctx, by, mapping.ID, policy.Seen{}) },
	}
	everythingBut := access.PermissionSet{}
	for p := range access.Permissions() {
		everythingBut = everythingBut.Union(access.SetOf(p))
	}
	order := []access.Permission{ // deletions last
		access.STSRoleList, access.STSRoleDetail, access.STSRoleCreate, access.STSRoleEdit, access.STSIAMRoleList, access.STSIAMRoleDetail,
		access.STSIAMRoleCreate, access.STSIAMRoleEdit, access.STSIAMRoleDelete, access.STSRoleDelete,
	}
	for _, p := range order {
		without := b.systemRole(fmt.Sprintf("all but %s", p), everythingBut.Minus(access.SetOf(p)))
		only := b.systemRole(fmt.Sprintf("only %s", p), access.SetOf(p))
		before, commits := b.Snapshot(), b.store.committed()
		f := wantCode(t, p.String(), methods[p](without), fault.Forbidden)
		if f.Reference == "" || b.Snapshot() != before || b.store.committed() != commits {
			t.Errorf("%s: reference %q, or something changed", p, f.Reference)
		}
		wantCode(t, p.String(), methods[p](nil), fault.Unauthenticated)
		if b.Snapshot() != before {
			t.Errorf("%s: nobody changed something", p)
		}
		if err := methods[p](only); err != nil {
			t.Errorf("with %s alone: %v", p, err)
		}
	}
}

// systemRole returns somebody who holds these permissions on the system.
func (b *bench) systemRole(name string, set access.PermissionSet) *access.Principal {
	b.t.Helper()
	role, err := b.CreateRole(b.t.Context(), admin, access.Role{Name: name, Permissions: set}, policy.Seen{})
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.CreateIAMRole(b.t.Context(), admin, access.IAMRole{Name: name, SystemRoles: []access.RoleID{role.ID}}, policy.Seen{}); err != nil {
		b.t.Fatal(err)
	}
	return &access.Principal{Issuer: issuer, Subject: name, IAMRoles: []string{name}}
}

func refusals(b *bench) (found []history.Entry) {
	for _, e := range b.store.recorded() {
		if e.Action == history.Rejected {
			found = append(found, e)
		}
	}
	return found
}

func TestARefusalIsRecordedOnceAMinute(t *testing.T) {
	b := newBench(t)
	b.role("Issuer", access.CredentialIssue)
	refuse := func(p *access.Principal, org access.OrganisationID, asked ...access.Permission) string {
		t.Helper()
		f := wantCode(t, "refused", b.Enforce(t.Context(), p, org, "POST /api/credential/v1", asked...), fault.Forbidden)
		if f.Detail == "" || f.Reference == "" {
			t.Errorf("got %+v", f)
		}
		return f.Reference
	}
	first := refuse(nobody, "acme", access.CredentialIssue)
	b.clock.advance(59 * time.Second)
	if again := refuse(nobody, "acme", access.CredentialIssue); again != first || len(refusals(b)) != 1 {
		t.Errorf("the same refusal within a minute has the reference %s after %s; %d entries", again, first, len(refusals(b)))
	}
	seen := map[string]string{first: "first"}
	fresh := func(rule, reference string) {
		t.Helper()
		if seen[reference] != "" {
			t.Errorf("%s: has the reference of %s", rule, seen[reference])
		}
		seen[reference] = rule
		if len(refusals(b)) != len(seen) {
			t.Errorf("%s: %d entries for %d refusals", rule, len(refusals(b)), len(seen))
		}
	}
	somebody := func(f func(*access.Principal)) *access.Principal { p := *nobody; f(&p); return &p }
	fresh("another permission", refuse(nobody, "acme", access.KeyList))
	fresh("another organisation", refuse(nobody, "zeta", access.CredentialIssue))
	fresh("the system", refuse(nobody, access.System, access.STSRoleList))
	fresh("an unknown organisation", refuse(nobody, "nowhere", access.CredentialIssue))
	fresh("another subject", refuse(somebody(func(p *access.Principal) { p.Subject = "vera" }), "acme", access.CredentialIssue))
	fresh("another issuer", refuse(somebody(func(p *access.Principal) { p.Issuer = "https://other.test" }), "acme", access.CredentialIssue))
	fresh("other IAM roles", refuse(somebody(func(p *access.Principal) { p.IAMRoles = []string{"a", "b"} }), "acme", access.CredentialIssue))
	fresh("IAM roles that join to the same text", refuse(somebody(func(p *access.Principal) { p.IAMRoles = []string{"a\x00b"} }), "acme", access.CredentialIssue))
	b.role("Another")
	fresh("another model", refuse(nobody, "acme", access.CredentialIssue))
	b.clock.advance(time.Minute)
	fresh("a minute later", refuse(nobody, "acme", access.CredentialIssue))
	if refuse(nobody, "nowhere", access.CredentialIssue) == "" || len(refusals(b)) != len(seen)+1 {
		t.Errorf("%d entries", len(refusals(b)))
	}
	n := len(refusals(b))
	for i := range 100 {
		refuse(nobody, access.OrganisationID(fmt.Sprintf("made up %d", i)), access.CredentialIssue)
	}
	if len(refusals(b)) != n {
		t.Errorf("made-up organisations filled the history with %d entries", len(refusals(b))-n)
	}
}

func TestIdenticalRefusalsAtOnceAreOneEntry(t *testing.T) {
	b := newBench(t)
	// All of them find no earlier refusal: each asks for the time of its entry, and waits there for the others.
	const n = 32
	var all, together sync.WaitGroup
	together.Add(n)
	var asked atomic.Int32
	b.clock.gate = func() {
		if asked.Add(1) <= n {
			together.Done()
			together.Wait()
		}
	}
	var references sync.Map
	for range n {
		all.Go(func() {
			references.Store(fault.Of(b.Enforce(t.Context(), nobody, "acme", "GET /", access.KeyList)).Reference, true)
		})
	}
	all.Wait()
	distinct := 0
	references.Range(func(any, any) bool { distinct++; return true })
	if distinct != 1 || len(refusals(b)) != 1 {
		t.Errorf("%d references, %d entries", distinct, len(refusals(b)))
	}
}

func TestARefusalsRecordHoldsTheWholeReason(t *testing.T) {
	b := newBench(t)
	issue := b.role("Issuer", access.CredentialIssue)
	b.iamRole("Acme Issuance", "acme", issue.ID)
	b.iamRole("Acme Verification", "zeta", b.role("Verifier", access.CredentialShare).ID)
	p := &access.Principal{
		Issuer: issuer, Subject: "ivan", IAMRoles: []string{"acme issuance", "Acme Verification", "Other"},
		Odd: []string{"one role was a number"}, Login: "ivan@acme.test", GivenName: "Ivan",
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // who hangs up is recorded all the same
	f := wantCode(t, "refused", b.Enforce(ctx, p, "acme", "POST /api/credential/v1", access.CredentialIssue, access.CredentialShare), fault.Forbidden)
	e, found, _ := b.store.GetHistory(t.Context(), f.Reference)
	if !found || e.Action != history.Rejected || e.EntityType != history.STSToken || e.User != "ivan" || e.OrganisationID != "acme" || e.Source != history.SourceBFF {
		t.Fatalf("found: %v, %+v", found, e)
	}
	var got policy.RefusalRecord
	if err := json.Unmarshal(e.Metadata, &got); err != nil {
		t.Fatal(err)
	}
	want := policy.RefusalRecord{
		Route: "POST /api/credential/v1", AnyOf: []string{"CREDENTIAL_ISSUE", "CREDENTIAL_SHARE"}, Reason: "NOT_MAPPED_HERE",
		Sentence: "Your groups are not mapped to any role in Acme.",
		Remedy:   `The token carries "acme issuance", and "Acme Issuance" would be allowed. They differ in case or blanks: make them the same.`,
		Issuer:   issuer, IAMRoles: p.IAMRoles, Odd: p.Odd, Version: b.Snapshot().Version(),
		Matched:   []policy.RecordedMatch{{IAMRole: "Acme Verification", Roles: []string{}}},
		Unmatched: []policy.RecordedMiss{{IAMRole: "acme issuance", Near: []string{"Acme Issuance"}}, {IAMRole: "Other"}},
		GrantedBy: got.GrantedBy, Elsewhere: []string{"Zeta"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
	if slices.Sort(got.GrantedBy); !slices.Equal(got.GrantedBy, []string{"Issuer", "Verifier"}) {
		t.Errorf("granted by %v", got.GrantedBy)
	}
	// Somebody without a role there learns nothing of the organisation, not even its name.
	if f.Detail != "You have no access to this organisation." {
		t.Errorf("the person is told %q", f.Detail)
	}
}

func TestPermissions(t *testing.T) {
	b := newBench(t)
	b.iamRole("Acme Issuance", "acme", b.role("Issuer", access.CredentialIssue, access.STSRoleEdit).ID)
	ivan := &access.Principal{Issuer: issuer, Subject: "ivan", IAMRoles: []string{"Acme Issuance"}}
	for _, c := range []struct {
		rule string
		p    *access.Principal
		org  access.OrganisationID
		want access.PermissionSet
		code *fault.Code
	}{
		{"mapped", ivan, "acme", access.SetOf(access.CredentialIssue), nil},
		{"the system, where nothing is mapped", ivan, access.System, access.PermissionSet{}, nil},
		{"another organisation", ivan, "zeta", access.PermissionSet{}, fault.Forbidden},
		{"no organisation", ivan, "nowhere", access.PermissionSet{}, fault.Forbidden},
		{"nobody", nil, "acme", access.PermissionSet{}, fault.Unauthenticated},
		{"nobody, on the system", nil, access.System, access.PermissionSet{}, fault.Unauthenticated},
		{"no subject", &access.Principal{Issuer: issuer, IAMRoles: []string{reserved}}, access.System, access.PermissionSet{}, fault.Unauthenticated},
		{"no issuer", &access.Principal{Subject: "x", IAMRoles: []string{reserved}}, access.System, access.PermissionSet{}, fault.Unauthenticated},
	} {
		rights, err := b.Permissions(t.Context(), c.p, c.org, "token")
		if rights.Permissions != c.want {
			t.Errorf("%s: got %v", c.rule, rights.Permissions.Names())
		}
		if c.code == nil && (err != nil || rights.Version != b.Snapshot().Version()) || c.code != nil && !c.code.Is(err) {
			t.Errorf("%s: got version %d, %v", c.rule, rights.Version, err)
		}
	}
}

func TestEnforcingWhatIsAllowedAllocatesNothing(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() {
		if b.Enforce(ctx, admin, access.System, "GET /", access.STSRoleList, access.STSRoleDetail) != nil {
			t.Fail()
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
