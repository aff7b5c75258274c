package policy_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/policy"
	"github.com/portico-iam/portico/internal/session"
)

// retired is a bench in which the bootstrap role counts no more and "Admins" administer; ada is one of them.
func retired(t *testing.T) (b *bench, ada *access.Principal, role *access.Role, mapping *access.IAMRole) {
	t.Helper()
	b = newBench(t)
	role = b.role("Administrator", slices.Collect(access.OfScope(access.ScopeSystem).All())...)
	var err error
	if mapping, err = b.CreateIAMRole(t.Context(), admin, access.IAMRole{Name: "Admins", SystemRoles: []access.RoleID{role.ID}}, policy.Seen{}); err != nil {
		t.Fatal(err)
	}
	b.retired = true
	b.Service = b.another()
	return b, &access.Principal{Issuer: issuer, Subject: "ada", IAMRoles: []string{"Admins"}}, role, mapping
}

func TestNT54_TheLastAdministratorCannotLockEverybodyOut(t *testing.T) {
	b, ada, role, mapping := retired(t)
	ctx := t.Context()
	changes := map[string]func() error{
		"deleting the mapping": func() error { return b.DeleteIAMRole(ctx, ada, mapping.ID, policy.Seen{}) },
		"renaming the mapping": func() error {
			_, err := b.UpdateIAMRole(ctx, ada, mapping.ID, policy.Seen{}, func(m *access.IAMRole) error { m.Name = "admins"; return nil })
			return err
		},
		"taking the role out": func() error {
			_, err := b.UpdateIAMRole(ctx, ada, mapping.ID, policy.Seen{}, func(m *access.IAMRole) error { m.SystemRoles = nil; return nil })
			return err
		},
		"taking one permission": func() error {
			_, err := b.UpdateRole(ctx, ada, role.ID, policy.Seen{}, func(r *access.Role) error {
				r.Permissions = r.Permissions.Minus(access.SetOf(access.STSIAMRoleEdit))
				return nil
			})
			return err
		},
		"restricting the role to delegation": func() error {
			_, err := b.UpdateRole(ctx, ada, role.ID, policy.Seen{}, func(r *access.Role) error { r.Delegation = &access.Delegation{}; return nil })
			return err
		},
	}
	for rule, change := range changes {
		before := b.Snapshot().Version()
		wantCode(t, rule, change(), fault.LastAdministrator)
		if b.Snapshot().Version() != before {
			t.Errorf("%s: it was refused, and made", rule)
		}
	}
	// Somebody who was seen and could go on makes each of them possible, also for the one who loses by it.
	if _, err := b.CreateIAMRole(ctx, ada, access.IAMRole{Name: "Others", OrganisationRoles: map[access.OrganisationID][]access.RoleID{"acme": {role.ID}}}, policy.Seen{}); err != nil {
		t.Fatal(err)
	}
	other, err := b.CreateIAMRole(ctx, ada, access.IAMRole{Name: "Deputies", SystemRoles: []access.RoleID{role.ID}}, policy.Seen{})
	if err != nil {
		t.Fatal(err)
	}
	b.seen = seen{{Issuer: issuer, Subject: "ivan", IAMRoles: []string{"Others"}}} // in an organisation it counts for nothing
	wantCode(t, "nobody who was seen has the other mapping", changes["deleting the mapping"](), fault.LastAdministrator)
	b.seen = append(b.seen, session.Person{Issuer: issuer, Subject: "dora", IAMRoles: []string{other.Name}})
	if err := changes["deleting the mapping"](); err != nil {
		t.Error(err)
	}
	if _, err := b.CheckAdministrators(ctx); err != nil {
		t.Error(err)
	}
	b.seen = b.seen[:1]
	if n, err := b.CheckAdministrators(ctx); n != 1 || !fault.LastAdministrator.Is(err) {
		t.Errorf("got %d, %v", n, err)
	}
}

// TestWhoCameByAFileIsNoAdministratorThatStays: they can't come again.
func TestWhoCameByAFileIsNoAdministratorThatStays(t *testing.T) {
	b, ada, _, mapping := retired(t)
	glass := &access.Principal{Issuer: access.BreakGlassIssuer, Subject: "break-glass:1", IAMRoles: []string{access.BreakGlassRole}}
	b.seen = seen{{Issuer: issuer, Subject: "ada", IAMRoles: ada.IAMRoles}, {Issuer: glass.Issuer, Subject: glass.Subject, IAMRoles: glass.IAMRoles}}
	wantCode(t, "they take the last mapping", b.DeleteIAMRole(t.Context(), glass, mapping.ID, policy.Seen{}), fault.LastAdministrator)
	wantCode(t, "ada does, while they are there", b.DeleteIAMRole(t.Context(), ada, mapping.ID, policy.Seen{}), fault.LastAdministrator)
	b.seen = b.seen[1:]
	if n, err := b.CheckAdministrators(t.Context()); n != 0 || !fault.LastAdministrator.Is(err) {
		t.Errorf("got %d, %v", n, err)
	}
	if _, err := b.CreateIAMRole(t.Context(), glass, access.IAMRole{Name: access.BreakGlassRole}, policy.Seen{}); !fault.InvalidInput.Is(err) {
		t.Errorf("their role was mapped: %v", err)
	}
	if _, err := b.CreateIAMRole(t.Context(), glass, access.IAMRole{Name: "Deputies"}, policy.Seen{}); err != nil {
		t.Errorf("they can't mend anything: %v", err)
	}
}

// TestWhereNobodyIsSeenTheMappingsAreKept: behind another gateway nobody signs in here.
func TestWhereNobodyIsSeenTheMappingsAreKept(t *testing.T) {
	b, ada, role, mapping := retired(t)
	deleter, err := b.CreateRole(t.Context(), ada, access.Role{Name: "Deleter", Permissions: access.SetOf(access.STSIAMRoleDelete)}, policy.Seen{})
	if err == nil {
		_, err = b.CreateIAMRole(t.Context(), ada, access.IAMRole{Name: "Deleters", SystemRoles: []access.RoleID{deleter.ID}}, policy.Seen{})
	}
	if err != nil {
		t.Fatal(err)
	}
	dave := &access.Principal{Issuer: issuer, Subject: "dave", IAMRoles: []string{"Deleters"}}
	wantCode(t, "the last mapping", b.DeleteIAMRole(t.Context(), dave, mapping.ID, policy.Seen{}), fault.LastAdministrator)
	_, err = b.Import(t.Context(), "command line: eve", false, func(*access.Snapshot) (access.Change, error) {
		return access.Change{DeleteIAMRoles: []access.IAMRoleID{mapping.ID}}, nil
	})
	wantCode(t, "by a file", err, fault.LastAdministrator)
	if _, err := b.CreateIAMRole(t.Context(), ada, access.IAMRole{Name: "Deputies", SystemRoles: []access.RoleID{role.ID}}, policy.Seen{}); err != nil {
		t.Fatal(err)
	}
	if err := b.DeleteIAMRole(t.Context(), dave, mapping.ID, policy.Seen{}); err != nil {
		t.Errorf("another one is left: %v", err)
	}
}

// TestSomebodyCanAlwaysAdminister draws whatever administrators do to roles and mappings.
func TestSomebodyCanAlwaysAdminister(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b, ada, role, mapping := retired(t)
		b.seen = seen{{Issuer: issuer, Subject: "ada", IAMRoles: ada.IAMRoles}}
		for i := range rapid.IntRange(1, 3).Draw(rt, "others") {
			b.seen = append(b.seen, session.Person{Issuer: issuer, Subject: fmt.Sprint(i), IAMRoles: []string{fmt.Sprintf("G%d", i)}})
		}
		ids := []access.IAMRoleID{mapping.ID}
		for range rapid.IntRange(1, 8).Draw(rt, "changes") {
			var by *access.Principal
			for _, p := range b.seen {
				who := &access.Principal{Issuer: issuer, Subject: p.Subject, IAMRoles: p.IAMRoles}
				if set, _ := b.Snapshot().Effective(who, access.System); access.Administration.Minus(set).IsEmpty() {
					by = who
				}
			}
			if by == nil {
				rt.Fatal("nobody can administer any more")
			}
			switch id := rapid.SampledFrom(ids).Draw(rt, "mapping"); rapid.IntRange(0, 3).Draw(rt, "what") {
			case 0:
				b.DeleteIAMRole(t.Context(), by, id, policy.Seen{})
			case 1:
				name := rapid.SampledFrom([]string{"Admins", "G0", "G1", "G2", "Nobody"}).Draw(rt, "name")
				if made, err := b.CreateIAMRole(t.Context(), by, access.IAMRole{Name: name, SystemRoles: []access.RoleID{role.ID}}, policy.Seen{}); err == nil {
					ids = append(ids, made.ID)
				}
			case 2:
				b.UpdateIAMRole(t.Context(), by, id, policy.Seen{}, func(m *access.IAMRole) error { m.SystemRoles = nil; return nil })
			case 3:
				set := rapid.SampledFrom([]access.PermissionSet{access.OfScope(access.ScopeSystem), access.Administration, access.SetOf(access.STSRoleEdit)}).Draw(rt, "permissions")
				b.UpdateRole(t.Context(), by, role.ID, policy.Seen{}, func(r *access.Role) error { r.Permissions = set; return nil })
			}
		}
	})
}

func TestAStalePreviewIsRefused(t *testing.T) {
	b := newBench(t)
	role := b.role("Issuer", access.CredentialIssue)
	mapping := b.iamRole("Acme Issuance", "acme", role.ID)
	b.seen = seen{{Issuer: issuer, Subject: "ivan", IAMRoles: []string{"Acme Issuance"}}, {Issuer: issuer, Subject: "vera", IAMRoles: []string{"Other"}}}
	wider := role.Clone()
	wider.Permissions = access.SetOf(access.CredentialIssue, access.KeyList)
	p, err := b.Preview(t.Context(), admin, access.Change{PutRoles: []*access.Role{wider}})
	if err != nil || len(p.People) != 1 || p.People[0].Person.Subject != "ivan" || len(p.Groups) != 1 || p.Groups[0].IAMRole != "Acme Issuance" ||
		p.People[0].Effects[0].Gained != access.SetOf(access.KeyList) || p.LastAdministrator {
		t.Fatalf("got %+v, %v", p, err)
	}
	if b.Snapshot().Role(role.ID).Permissions != role.Permissions {
		t.Error("the preview changed the role")
	}
	b.role("Something else", access.KeyList)
	edit := func(r *access.Role) error { r.Permissions = wider.Permissions; return nil }
	_, err = b.UpdateRole(t.Context(), admin, role.ID, policy.Seen{Revision: 1, Mapping: p.Version}, edit)
	wantCode(t, "another change came between", err, fault.StalePreview)
	wantCode(t, "so for a deletion", b.DeleteIAMRole(t.Context(), admin, mapping.ID, policy.Seen{Mapping: p.Version}), fault.StalePreview)
	_, err = b.CreateIAMRole(t.Context(), admin, access.IAMRole{Name: "New"}, policy.Seen{Mapping: p.Version})
	wantCode(t, "and for a new one", err, fault.StalePreview)
	if _, err = b.UpdateRole(t.Context(), admin, role.ID, policy.Seen{Revision: 1, Mapping: b.Snapshot().Version()}, edit); err != nil {
		t.Error(err)
	}
	_, err = b.Preview(t.Context(), admin, access.Change{PutRoles: []*access.Role{wider}})
	wantCode(t, "what can't be saved has no preview", err, fault.LostUpdate)
}
