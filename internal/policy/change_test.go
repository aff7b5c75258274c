package policy_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/policy"
)

func TestAChangeIsStoredWithItsEntryAndInForceAtOnce(t *testing.T) {
	b := newBench(t)
	role := b.role("Issuer", access.CredentialIssue)
	mapping := b.iamRole("Acme Issuance", "acme", role.ID)
	ivan := &access.Principal{Issuer: issuer, Subject: "ivan", IAMRoles: []string{"Acme Issuance"}}
	if err := b.Enforce(t.Context(), ivan, "acme", "POST /api/credential/v1", access.CredentialIssue); err != nil {
		t.Error(err)
	}
	if got := role.Changed; got.Revision != 1 || got.ModifiedBy != "ada" || !got.CreatedAt.Equal(begin.Truncate(time.Millisecond)) {
		t.Errorf("got %+v; times are kept to the millisecond, as they are stored", got)
	}
	entries := b.store.recorded()
	if len(entries) != 2 || b.Snapshot().Version() != 3 {
		t.Fatalf("%d entries, version %d", len(entries), b.Snapshot().Version())
	}
	e := entries[1]
	if e.Action != history.Created || e.EntityType != history.STSIAMRole || e.EntityID != string(mapping.ID) || e.Name != "Acme Issuance" || e.User != "ada" || e.Source != history.SourceSTS {
		t.Errorf("got %+v", e)
	}
	want := `{"after":{"name":"Acme Issuance","organisations":[{"id":"acme","name":"Acme","roles":["Issuer"],"roleIds":["` + string(role.ID) + `"]}]}}`
	if string(e.Metadata) != want {
		t.Errorf("got  %s\nwant %s", e.Metadata, want)
	}
	if err := b.DeleteIAMRole(t.Context(), admin, mapping.ID, policy.Seen{Revision: 1}); err != nil {
		t.Fatal(err)
	}
	wantCode(t, "after the mapping went", b.Enforce(t.Context(), ivan, "acme", "POST /api/credential/v1", access.CredentialIssue), fault.Forbidden)
}

func TestHistoryTellsBeforeAndAfter(t *testing.T) {
	b := newBench(t)
	role := b.role("Issuer", access.CredentialIssue)
	_, err := b.UpdateRole(t.Context(), admin, role.ID, policy.Seen{Revision: 1}, func(r *access.Role) error {
		r.Name, r.Permissions, r.Delegation = "Issuers", access.SetOf(access.KeyList), &access.Delegation{}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.DeleteRole(t.Context(), admin, role.ID, policy.Seen{Revision: 2}); err != nil {
		t.Fatal(err)
	}
	entries := b.store.recorded()
	for i, want := range []string{
		`{"after":{"name":"Issuer","permissions":["CREDENTIAL_ISSUE"]}}`,
		`{"before":{"name":"Issuer","permissions":["CREDENTIAL_ISSUE"]},"after":{"name":"Issuers","permissions":["KEY_LIST"],"delegation":{"requiredUserPermissions":[]}}}`,
		`{"before":{"name":"Issuers","permissions":["KEY_LIST"],"delegation":{"requiredUserPermissions":[]}}}`,
	} {
		if got := string(entries[i].Metadata); got != want {
			t.Errorf("entry %d:\n got %s\nwant %s", i, got, want)
		}
	}
}

func TestAChangeIsMadeAgainUponAnotherProcessesChange(t *testing.T) {
	b := newBench(t)
	other := b.another()
	raced := false
	b.store.before = func() error {
		if raced {
			return nil
		}
		raced = true
		_, err := other.CreateRole(t.Context(), admin, access.Role{Name: "Theirs"}, policy.Seen{})
		return err
	}
	b.role("Ours")
	if s := b.Snapshot(); len(s.Roles()) != 2 || s.Version() != 3 {
		t.Errorf("%d roles at version %d", len(s.Roles()), s.Version())
	}
	if n := len(b.store.recorded()); n != 2 {
		t.Errorf("%d history entries: a change that came too late must leave none", n)
	}
	if err := other.Reload(t.Context()); err != nil || len(other.Snapshot().Roles()) != 2 {
		t.Errorf("the other process has %d roles: %v", len(other.Snapshot().Roles()), err)
	}
}

func TestARaceForOneRowIsLostWithACode(t *testing.T) {
	b := newBench(t)
	role := b.role("Issuer")
	other := b.another()
	rename := func(s *policy.Service, name string) error {
		_, err := s.UpdateRole(t.Context(), admin, role.ID, policy.Seen{Revision: 1}, func(r *access.Role) error { r.Name = name; return nil })
		return err
	}
	b.store.before = func() error {
		b.store.before = nil
		return rename(other, "Theirs")
	}
	wantCode(t, "the later of two edits", rename(b.Service, "Ours"), fault.LostUpdate)
	if got := b.Snapshot().Role(role.ID); got.Name != "Theirs" || got.Changed.Revision != 2 {
		t.Errorf("got %+v", got)
	}
}

func TestAChangeGivesUpAfterFiveAttempts(t *testing.T) {
	b := newBench(t)
	attempts := 0
	b.store.before = func() error { attempts++; return fmt.Errorf("wrapped: %w", policy.ErrVersion) }
	_, err := b.CreateRole(t.Context(), admin, access.Role{Name: "New"}, policy.Seen{})
	wantCode(t, "always too late", err, fault.Unavailable)
	if attempts != 5 || len(b.Snapshot().Roles()) != 0 || len(b.store.recorded()) != 0 {
		t.Errorf("%d attempts, %d roles, %d entries", attempts, len(b.Snapshot().Roles()), len(b.store.recorded()))
	}
}

func TestAFailedCommitLeavesTheSnapshotUntouched(t *testing.T) {
	b := newBench(t)
	before := b.Snapshot()
	broken := errors.New("disk full")
	b.store.before = func() error { return broken }
	_, err := b.CreateRole(t.Context(), admin, access.Role{Name: "New"}, policy.Seen{})
	if !errors.Is(err, broken) || fault.Of(err).Code != fault.Internal {
		t.Errorf("got %v", err)
	}
	if b.Snapshot() != before || len(b.store.recorded()) != 0 {
		t.Error("a change that was not stored is in force")
	}
	b.store.before = nil
	b.role("New")
}

func TestChangeCodes(t *testing.T) {
	b := newBench(t)
	role := b.role("Issuer", access.CredentialIssue)
	mapping := b.iamRole("Acme Issuance", "acme", role.ID)
	ctx := t.Context()
	keep := func(*access.Role) error { return nil }
	keepIAM := func(*access.IAMRole) error { return nil }
	for _, c := range []struct {
		rule string
		want *fault.Code
		do   func() error
	}{
		{"a taken name", fault.NameTaken, func() error {
			_, err := b.CreateRole(ctx, admin, access.Role{Name: "Issuer"}, policy.Seen{})
			return err
		}},
		{"a taken IAM role", fault.NameTaken, func() error {
			_, err := b.CreateIAMRole(ctx, admin, access.IAMRole{Name: "Acme Issuance"}, policy.Seen{})
			return err
		}},
		{"an empty name", fault.InvalidInput, func() error { _, err := b.CreateRole(ctx, admin, access.Role{}, policy.Seen{}); return err }},
		{"the reserved name", fault.InvalidInput, func() error {
			_, err := b.CreateIAMRole(ctx, admin, access.IAMRole{Name: "one_sts_admin"}, policy.Seen{})
			return err
		}},
		{"an unknown role", fault.InvalidInput, func() error {
			_, err := b.CreateIAMRole(ctx, admin, access.IAMRole{Name: "X", SystemRoles: []access.RoleID{"gone"}}, policy.Seen{})
			return err
		}},
		{"a lost update of a role", fault.LostUpdate, func() error { _, err := b.UpdateRole(ctx, admin, role.ID, policy.Seen{Revision: 9}, keep); return err }},
		{"a lost update of an IAM role", fault.LostUpdate, func() error {
			_, err := b.UpdateIAMRole(ctx, admin, mapping.ID, policy.Seen{Revision: 9}, keepIAM)
			return err
		}},
		{"a lost deletion of a role", fault.LostUpdate, func() error { return b.DeleteRole(ctx, admin, role.ID, policy.Seen{Revision: 9}) }},
		{"a lost deletion of an IAM role", fault.LostUpdate, func() error { return b.DeleteIAMRole(ctx, admin, mapping.ID, policy.Seen{Revision: 9}) }},
		{"a role that is still mapped", fault.StillMapped, func() error { return b.DeleteRole(ctx, admin, role.ID, policy.Seen{}) }},
		{"no such role, opened", fault.NotFound, func() error { _, err := b.Role(ctx, admin, "gone"); return err }},
		{"no such role, edited", fault.NotFound, func() error { _, err := b.UpdateRole(ctx, admin, "gone", policy.Seen{}, keep); return err }},
		{"no such role, deleted", fault.NotFound, func() error { return b.DeleteRole(ctx, admin, "gone", policy.Seen{}) }},
		{"no such IAM role, opened", fault.NotFound, func() error { _, err := b.IAMRole(ctx, admin, "gone"); return err }},
		{"no such IAM role, edited", fault.NotFound, func() error { _, err := b.UpdateIAMRole(ctx, admin, "gone", policy.Seen{}, keepIAM); return err }},
		{"no such IAM role, deleted", fault.NotFound, func() error { return b.DeleteIAMRole(ctx, admin, "gone", policy.Seen{}) }},
		{"an edit that fails", fault.TooMany, func() error {
			_, err := b.UpdateRole(ctx, admin, role.ID, policy.Seen{}, func(*access.Role) error { return fault.TooMany.New("no") })
			return err
		}},
	} {
		before, entries := b.Snapshot(), len(b.store.recorded())
		wantCode(t, c.rule, c.do(), c.want)
		if b.Snapshot() != before || len(b.store.recorded()) != entries {
			t.Errorf("%s: something was changed or recorded", c.rule)
		}
	}
	if f := fault.Of(b.DeleteRole(ctx, admin, role.ID, policy.Seen{})); !strings.Contains(f.Detail, `"Acme Issuance"`) {
		t.Errorf("a role that is still mapped names its users, got %q", f.Detail)
	}
	for want, code := range map[int]*fault.Code{412: fault.LostUpdate, 409: fault.StillMapped} {
		if code.Status != want {
			t.Errorf("%s has the status %d", code.ID, code.Status)
		}
	}
}

func TestEditorsGetACopyAndKeepTheRowsIdentity(t *testing.T) {
	b := newBench(t)
	role := b.role("Issuer")
	mapping := b.iamRole("Acme Issuance", "acme", role.ID)
	_, err := b.UpdateRole(t.Context(), admin, role.ID, policy.Seen{}, func(r *access.Role) error {
		r.Delegation = &access.Delegation{}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	fails := errors.New("on second thought")
	b.UpdateRole(t.Context(), admin, role.ID, policy.Seen{}, func(r *access.Role) error {
		r.Delegation.RequiredUserPermissions = access.SetOf(access.KeyList)
		return fails
	})
	b.UpdateIAMRole(t.Context(), admin, mapping.ID, policy.Seen{}, func(r *access.IAMRole) error {
		r.OrganisationRoles["acme"][0] = "other"
		r.OrganisationRoles["zeta"] = []access.RoleID{role.ID}
		return fails
	})
	s := b.Snapshot()
	if !s.Role(role.ID).Delegation.RequiredUserPermissions.IsEmpty() {
		t.Error("an edit that failed changed a role of the snapshot")
	}
	if here := s.IAMRole(mapping.ID).OrganisationRoles; len(here) != 1 || here["acme"][0] != role.ID {
		t.Errorf("an edit that failed changed a mapping of the snapshot: %v", here)
	}
	got, err := b.UpdateRole(t.Context(), admin, role.ID, policy.Seen{}, func(r *access.Role) error {
		r.ID, r.Changed = "other", access.Changed{}
		return nil
	})
	if err != nil || got.ID != role.ID || got.Changed.Revision != 3 || got.Changed.CreatedAt != role.Changed.CreatedAt {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestSyncOrganisations(t *testing.T) {
	b := newBench(t)
	day := begin.Truncate(time.Second)
	acme := access.Organisation{ID: "acme", Name: "Acme"}
	with := func(f func(*access.Organisation)) *access.Organisation { o := acme; f(&o); return &o }
	zeta := &access.Organisation{ID: "zeta", Name: "Zeta"}
	for _, c := range []struct {
		rule   string
		list   []*access.Organisation
		writes bool
	}{
		{"equal", []*access.Organisation{&acme, zeta}, false},
		{"equal, in another order", []*access.Organisation{zeta, &acme}, false},
		{"equal, with one twice", []*access.Organisation{zeta, &acme, zeta}, false},
		{"one twice in place of another", []*access.Organisation{&acme, &acme}, true},
		{"renamed", []*access.Organisation{with(func(o *access.Organisation) { o.Name = "ACME" })}, true},
		{"deactivated", []*access.Organisation{with(func(o *access.Organisation) { o.Name, o.DeactivatedAt = "ACME", day })}, true},
		{"equal, in another time zone", []*access.Organisation{with(func(o *access.Organisation) {
			o.Name, o.DeactivatedAt = "ACME", day.In(time.FixedZone("", 3600))
		})}, false},
		{"all gone", nil, true},
		{"none", nil, false},
		{"none, as an empty list", []*access.Organisation{}, false},
		{"back", []*access.Organisation{&acme}, true},
	} {
		b.Organisations = tenants(func(context.Context) ([]*access.Organisation, error) { return c.list, nil })
		before := b.store.committed()
		if err := b.SyncOrganisations(t.Context()); err != nil {
			t.Fatalf("%s: %v", c.rule, err)
		}
		if wrote := b.store.committed() > before; wrote != c.writes {
			t.Errorf("%s: written: %v", c.rule, wrote)
		}
	}
	if n := len(b.store.recorded()); n != 0 {
		t.Errorf("%d entries: Core records its organisations itself", n)
	}
	away := errors.New("Core is away")
	b.Organisations = tenants(func(context.Context) ([]*access.Organisation, error) { return nil, away })
	if err := b.SyncOrganisations(t.Context()); !errors.Is(err, away) || len(b.Snapshot().Organisations()) != 1 {
		t.Errorf("got %v, %d organisations", err, len(b.Snapshot().Organisations()))
	}
}

// An older list must not be stored over a newer one, or a deactivated organisation would come back to life.
func TestSyncsDoNotOvertakeEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		var mu sync.Mutex
		name := "old"
		read, release := make(chan struct{}), make(chan struct{})
		first := true
		b.Organisations = tenants(func(context.Context) ([]*access.Organisation, error) {
			mu.Lock()
			list, wait := []*access.Organisation{{ID: "acme", Name: name}}, first
			first = false
			mu.Unlock()
			if wait {
				close(read)
				<-release
			}
			return list, nil
		})
		results := make(chan error, 3)
		go func() { results <- b.SyncOrganisations(t.Context()) }()
		<-read
		mu.Lock()
		name = "new"
		mu.Unlock()
		go func() { results <- b.SyncOrganisations(t.Context()) }()
		impatient, cancel := context.WithCancel(t.Context())
		go func() { results <- b.SyncOrganisations(impatient) }()
		synctest.Wait()
		cancel()
		if err := <-results; !errors.Is(err, context.Canceled) {
			t.Errorf("who gives up while waiting gets %v", err)
		}
		close(release)
		for range 2 {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
		if got := b.Snapshot().Organisation("acme").Name; got != "new" {
			t.Errorf("the mirror holds the %s list", got)
		}
	})
}

func TestReloadReadsTheModelOnlyWhenItChanged(t *testing.T) {
	b := newBench(t)
	before := b.Snapshot()
	if err := b.Reload(t.Context()); err != nil || b.Snapshot() != before {
		t.Errorf("an unchanged model was built again: %v", err)
	}
	if _, err := b.another().CreateRole(t.Context(), admin, access.Role{Name: "Theirs"}, policy.Seen{}); err != nil {
		t.Fatal(err)
	}
	if err := b.Reload(t.Context()); err != nil || len(b.Snapshot().Roles()) != 1 {
		t.Errorf("%d roles: %v", len(b.Snapshot().Roles()), err)
	}
}

func TestManyChangeAndReadAtOnce(t *testing.T) {
	b := newBench(t)
	processes := []*policy.Service{b.Service, b.another()}
	role := b.role("Issuer", access.CredentialIssue)
	b.iamRole("Acme Issuance", "acme", role.ID)
	ivan := &access.Principal{Issuer: issuer, Subject: "ivan", IAMRoles: []string{"Acme Issuance"}}
	done := make(chan struct{})
	var readers, writers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for last := int64(0); ; {
				select {
				case <-done:
					return
				default:
				}
				rights, err := b.Permissions(t.Context(), ivan, "acme", "read")
				version := rights.Version
				if err != nil || version < last {
					t.Errorf("version %d after %d: %v", version, last, err)
					return
				}
				last = version
				b.Enforce(t.Context(), ivan, "zeta", "read", access.CredentialIssue)
				b.Roles(t.Context(), admin)
			}
		})
	}
	var created sync.Map
	for i := range 8 {
		writers.Go(func() {
			s := processes[i%2]
			for j := range 10 {
				name := fmt.Sprintf("Role %d %d", i, j)
				for {
					r, err := s.CreateRole(t.Context(), admin, access.Role{Name: name}, policy.Seen{})
					if fault.Unavailable.Is(err) {
						continue // five times too late: try again, as it says
					}
					if err != nil || r == nil || r.Name != name {
						t.Errorf("%s: got %+v, %v", name, r, err)
					}
					break
				}
				created.Store(name, true)
			}
		})
	}
	writers.Wait()
	close(done)
	readers.Wait()
	for _, s := range processes {
		if err := s.Reload(t.Context()); err != nil || len(s.Snapshot().Roles()) != 81 || s.Snapshot().Version() != 83 {
			t.Errorf("%d roles at version %d: %v", len(s.Snapshot().Roles()), s.Snapshot().Version(), err)
		}
	}
	changes := 0
	for _, e := range b.store.recorded() {
		if e.Action == history.Created {
			changes++
		}
		if !json.Valid(e.Metadata) {
			t.Errorf("metadata %s", e.Metadata)
		}
	}
	if changes != 82 {
		t.Errorf("%d entries for 82 changes", changes)
	}
}

// TestRefusalsToChangeAreOfWhatIsStored: a replica that has not heard yet must not say that something does not exist which another one
// made. Found by the suite of faults.
func TestRefusalsToChangeAreOfWhatIsStored(t *testing.T) {
	b := newBench(t)
	other := b.another()
	role := b.role("Theirs", access.STSRoleList)
	im := b.iamRole("Group", "acme", role.ID)
	if err := other.DeleteIAMRole(t.Context(), admin, im.ID, policy.Seen{}); err != nil {
		t.Errorf("expected it to be deleted, got %v", err)
	}
	if err := other.DeleteRole(t.Context(), admin, role.ID, policy.Seen{}); err != nil {
		t.Errorf("no longer mapped: %v", err)
	}
	if _, err := b.CreateRole(t.Context(), admin, access.Role{Name: "Theirs"}, policy.Seen{}); err != nil {
		t.Errorf("the name is free again: %v", err)
	}
}
