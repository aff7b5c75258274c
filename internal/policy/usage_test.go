package policy_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/policy"
)

type useRow struct {
	role       access.RoleID
	permission access.Permission
}

// uses keeps rows as the store does; what is known of a role is not forgotten with it.
type uses struct {
	mu     sync.Mutex
	rows   map[useRow]policy.RoleUse
	writes int
	fails  bool
}

func (u *uses) RoleUses(_ context.Context, role access.RoleID) (list []policy.RoleUse, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, row := range u.rows {
		if role == "" || role == row.Role {
			list = append(list, row)
		}
	}
	return list, nil
}

func (u *uses) NoteRoleUses(_ context.Context, list []policy.RoleUse) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.fails {
		return errors.New("the database is away")
	}
	for _, row := range list {
		u.writes++
		key := useRow{row.Role, row.Permission}
		if old, ok := u.rows[key]; ok {
			if old.Since.Before(row.Since) {
				row.Since = old.Since
			}
			if old.Used.After(row.Used) {
				row.Used = old.Used
			}
			if old.HandedOut.After(row.HandedOut) {
				row.HandedOut = old.HandedOut
			}
		}
		u.rows[key] = row
	}
	return nil
}

func (u *uses) ForgetRoleUses(context.Context, time.Time) error { return nil }

func day(n int) time.Time { return begin.UTC().Truncate(24*time.Hour).AddDate(0, 0, n) }

// usageOf is what one replica says of a role.
func usageOf(t *testing.T, s *policy.Service, id access.RoleID) (policy.RoleUsage, map[access.Permission]policy.RoleUse) {
	t.Helper()
	usage, err := s.RoleUsage(t.Context(), admin, id)
	if err != nil {
		t.Fatal(err)
	}
	by := map[access.Permission]policy.RoleUse{}
	for _, use := range usage.Permissions {
		by[use.Permission] = use
	}
	return usage, by
}

func storeUsage(t *testing.T, s *policy.Service) {
	t.Helper()
	if err := s.StoreUsage(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestAUseIsNoticedWhereItIsEnforced(t *testing.T) {
	b := newBench(t)
	role := b.role("Issuer", access.CredentialIssue, access.CredentialList, access.KeyList)
	other := b.role("Reader", access.CredentialList)
	b.iamRole("G", "acme", role.ID)
	b.iamRole("H", "acme", other.ID)
	gil := &access.Principal{Issuer: issuer, Subject: "gil", IAMRoles: []string{"G", "H"}}
	storeUsage(t, b.Service)

	enforce := func(p access.Permission) error { return b.Enforce(t.Context(), gil, "acme", "POST /x", p) }
	if err := enforce(access.CredentialIssue); err != nil {
		t.Fatal(err)
	}
	wantCode(t, "what they may not do", enforce(access.CredentialDelete), fault.Forbidden)
	b.Snapshot().Decide(gil, "acme", access.KeyList) // looking is not using
	if !b.Use(gil, "acme", access.CredentialList) || b.Use(gil, "acme", access.CredentialDelete) {
		t.Error("Use decides otherwise than Enforce")
	}
	check := func(rule string, s *policy.Service) {
		t.Helper()
		usage, by := usageOf(t, s, role.ID)
		if usage.Unused() != access.SetOf(access.KeyList) || !by[access.CredentialIssue].Used.Equal(day(0)) || !by[access.CredentialList].Used.Equal(day(0)) {
			t.Errorf("%s: unused %v, %+v", rule, usage.Unused().Names(), by)
		}
		// H gave the same, but was not asked: without Reader gil would lose nothing.
		if usage, _ := usageOf(t, s, other.ID); usage.Unused() != access.SetOf(access.CredentialList) {
			t.Errorf("%s: it counts for an IAM role that was not needed", rule)
		}
	}
	check("before it is stored", b.Service)
	storeUsage(t, b.Service)
	check("stored", b.Service)
	check("on another replica", b.another())

	writes := b.uses.writes
	for range 1000 {
		if err := enforce(access.CredentialIssue); err != nil {
			t.Fatal(err)
		}
	}
	storeUsage(t, b.Service)
	if b.uses.writes != writes {
		t.Errorf("the same use on the same day was written %d times more", b.uses.writes-writes)
	}
	if _, err := b.RoleUsage(t.Context(), nobody, role.ID); !fault.Forbidden.Is(err) {
		t.Errorf("who may not open the role sees its use: %v", err)
	}
}

// TestReplicasAddUp: each sees some of the requests, at different times.
func TestReplicasAddUp(t *testing.T) {
	b := newBench(t)
	role := b.role("Issuer", access.CredentialIssue, access.CredentialList, access.KeyList)
	b.iamRole("G", "acme", role.ID)
	gil := &access.Principal{Issuer: issuer, Subject: "gil", IAMRoles: []string{"G"}}
	first, second := b.another(), b.another()
	storeUsage(t, first)
	b.clock.advance(10 * 24 * time.Hour)
	first.Use(gil, "acme", access.CredentialIssue)
	storeUsage(t, first)
	b.clock.advance(24 * time.Hour)
	second.Use(gil, "acme", access.CredentialList)
	second.Use(gil, "acme", access.CredentialIssue)
	storeUsage(t, second)
	storeUsage(t, first) // it knows less, and takes nothing back
	for _, s := range []*policy.Service{first, second, b.another()} {
		usage, by := usageOf(t, s, role.ID)
		if !usage.Since.Equal(day(0)) || !by[access.CredentialIssue].Used.Equal(day(11)) || !by[access.CredentialList].Used.Equal(day(11)) || usage.Unused() != access.SetOf(access.KeyList) {
			t.Errorf("%+v", usage)
		}
	}
	b.clock.advance(policy.UsedWithin)
	if usage, _ := usageOf(t, first, role.ID); usage.Unused().Has(access.CredentialIssue) {
		t.Error("the ninetieth day does not count any more")
	}
	b.clock.advance(24 * time.Hour)
	if usage, _ := usageOf(t, first, role.ID); !usage.Unused().Has(access.CredentialIssue) {
		t.Error("what was used longer ago counts")
	}
}

// TestAUseSurvivesAChangeOfThePolicyAndAStoreThatIsAway.
func TestAUseSurvivesAChangeOfThePolicyAndAStoreThatIsAway(t *testing.T) {
	b := newBench(t)
	role := b.role("Issuer", access.CredentialIssue, access.KeyList)
	b.iamRole("G", "acme", role.ID)
	gil := &access.Principal{Issuer: issuer, Subject: "gil", IAMRoles: []string{"G"}}
	b.Use(gil, "acme", access.CredentialIssue)
	b.role("Unrelated", access.KeyList) // another snapshot
	b.uses.fails = true
	if err := b.StoreUsage(t.Context()); err == nil {
		t.Fatal("expected it to fail")
	}
	b.uses.fails = false
	storeUsage(t, b.Service)
	if usage, _ := usageOf(t, b.another(), role.ID); usage.Unused() != access.SetOf(access.KeyList) {
		t.Errorf("lost: %+v", usage)
	}
}

// TestAPermissionIsWatchedSinceTheRoleHasIt.
func TestAPermissionIsWatchedSinceTheRoleHasIt(t *testing.T) {
	b := newBench(t)
	role := b.role("Issuer", access.CredentialIssue)
	storeUsage(t, b.Service)
	b.clock.advance(5 * 24 * time.Hour)
	if _, err := b.UpdateRole(t.Context(), admin, role.ID, policy.Seen{}, func(r *access.Role) error {
		r.Permissions = r.Permissions.Union(access.SetOf(access.KeyList))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	storeUsage(t, b.Service)
	b.clock.advance(2 * 24 * time.Hour)
	usage, by := usageOf(t, b.another(), role.ID)
	if !usage.Since.Equal(day(0)) || !by[access.CredentialIssue].Since.Equal(day(0)) || !by[access.KeyList].Since.Equal(day(5)) {
		t.Errorf("%+v", usage)
	}
}

// TestATokenIsHandedOut: by the user's roles, or by those of the service and what they require of the user.
func TestATokenIsHandedOut(t *testing.T) {
	b := newBench(t)
	role := b.role("Issuer", access.CredentialIssue, access.CredentialList, access.KeyList)
	signer, err := b.CreateRole(t.Context(), admin, access.Role{
		Name: "Signer", Permissions: access.SetOf(access.RegistrationCertificateSign, access.KeyList),
		Delegation: &access.Delegation{RequiredUserPermissions: access.SetOf(access.CredentialIssue)},
	}, policy.Seen{})
	if err != nil {
		t.Fatal(err)
	}
	b.iamRole("G", "acme", role.ID)
	b.iamRole("S", "acme", signer.ID, role.ID)
	gil := &access.Principal{Issuer: issuer, Subject: "gil", IAMRoles: []string{"G"}}
	service := &access.Principal{Issuer: issuer, Subject: "svc", IAMRoles: []string{"S"}}

	b.NoteDelegated(service, gil, "acme", access.SetOf(access.RegistrationCertificateSign))
	if usage, by := usageOf(t, b.Service, signer.ID); usage.Unused() != access.SetOf(access.KeyList) || by[access.RegistrationCertificateSign].HandedOut.IsZero() || !by[access.RegistrationCertificateSign].Used.IsZero() {
		t.Errorf("the service's role: %+v", usage)
	}
	if usage, _ := usageOf(t, b.Service, role.ID); usage.Unused() != access.SetOf(access.CredentialList, access.KeyList) {
		t.Errorf("what the service's role requires of the user: %+v", usage)
	}
	b.NoteToken(gil, "acme", access.SetOf(access.CredentialList))
	if usage, _ := usageOf(t, b.Service, role.ID); usage.Unused() != access.SetOf(access.KeyList) {
		t.Errorf("the user's own token: %+v", usage)
	}
}

// TestUsesAtTheSameTime: nothing is lost between those who use, those who store and those who change.
func TestUsesAtTheSameTime(t *testing.T) {
	b := newBench(t)
	role := b.role("Issuer", access.CredentialIssue, access.CredentialList, access.KeyList)
	b.iamRole("G", "acme", role.ID)
	gil := &access.Principal{Issuer: issuer, Subject: "gil", IAMRoles: []string{"G"}}
	var all sync.WaitGroup
	for _, p := range []access.Permission{access.CredentialIssue, access.CredentialList, access.KeyList} {
		all.Go(func() {
			for range 500 {
				b.Use(gil, "acme", p)
			}
		})
	}
	all.Go(func() {
		for range 50 {
			if err := b.StoreUsage(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
	all.Go(func() {
		for range 10 {
			if _, err := b.RoleUsage(t.Context(), admin, role.ID); err != nil {
				t.Error(err)
			}
		}
	})
	all.Wait()
	storeUsage(t, b.Service)
	if usage, _ := usageOf(t, b.another(), role.ID); !usage.Unused().IsEmpty() {
		t.Errorf("lost: %v", usage.Unused().Names())
	}
}
