package policy_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/directory"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/policy"
	"github.com/portico-iam/portico/internal/session"
)

// groups are those that are provisioned: names by id.
type groups map[string]string

func (g groups) KnownGroups(_ context.Context, ids, names []string) (all []directory.Group, err error) {
	for id, name := range g {
		if slices.Contains(ids, id) || slices.Contains(names, name) {
			all = append(all, directory.Group{ID: id, Name: name, Members: 1})
		}
	}
	return all, nil
}

func (g groups) DirectoryGroups(context.Context, directory.Query) ([]directory.Group, int, error) {
	return nil, len(g), nil
}

// TestWhichGroupAMappingHas: a new name is tied to the group that has it; what is not renamed keeps the group that it had, whoever
// edits; only a confirmation ties it anew.
func TestWhichGroupAMappingHas(t *testing.T) {
	b := newBench(t)
	role := b.role("Issuer", access.CredentialIssue)
	known := groups{"g1": "Acme Issuance", "g2": "Acme Audit"}
	b.Groups = known
	m := b.iamRole("Acme Issuance", "acme", role.ID)
	typed := b.iamRole("Acme Batch", "acme", role.ID)
	of := func(id access.IAMRoleID) access.Group { return b.Snapshot().IAMRole(id).Group }
	rename := func(name string) {
		t.Helper()
		if _, err := b.UpdateIAMRole(t.Context(), admin, m.ID, policy.Seen{}, func(m *access.IAMRole) error { m.Name = name; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	follow := func() {
		t.Helper()
		if err := b.FollowGroups(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(what string, want access.Group) {
		t.Helper()
		if got := of(m.ID); got != want {
			t.Errorf("%s: %+v, want %+v", what, got, want)
		}
		if got := of(typed.ID); got != (access.Group{}) {
			t.Errorf("%s: a typed name has %+v", what, got)
		}
	}
	expect("new", access.Group{ID: "g1", Name: "Acme Issuance"})
	delete(known, "g1")
	known["g3"], known["g4"] = "Acme Issuance", "Acme Batch"
	follow()
	expect("deleted, and made anew", access.Group{ID: "g1"})
	version := b.Snapshot().Version()
	if follow(); b.Snapshot().Version() != version {
		t.Error("nothing new made a version")
	}
	file := func(now *access.Snapshot) (access.Change, error) { // an import writes rows without groups
		row := now.IAMRole(m.ID).Clone()
		row.Group = access.Group{}
		row.OrganisationRoles["zeta"] = []access.RoleID{role.ID}
		return access.Change{PutIAMRoles: []*access.IAMRole{row}}, nil
	}
	if _, err := b.Import(t.Context(), "somebody", false, file); err != nil {
		t.Fatal(err)
	}
	expect("imported", access.Group{ID: "g1"})
	p, err := b.Preview(t.Context(), admin, access.Change{PutIAMRoles: []*access.IAMRole{b.Snapshot().IAMRole(m.ID)}})
	if err != nil || len(p.Groups) != 0 {
		t.Errorf("an edit is previewed as if it confirmed: %+v, %v", p.Groups, err)
	}
	if err := b.ConfirmGroup(t.Context(), &access.Principal{Issuer: issuer, Subject: "nora", IAMRoles: []string{"x"}}, m.ID, policy.Seen{}); !fault.Forbidden.Is(err) {
		t.Errorf("anybody confirms: %v", err)
	}
	if err := b.ConfirmGroup(t.Context(), admin, m.ID, policy.Seen{Revision: 1}); !fault.LostUpdate.Is(err) {
		t.Errorf("a stale one confirms: %v", err)
	}
	if err := b.ConfirmGroup(t.Context(), admin, m.ID, policy.Seen{}); err != nil {
		t.Fatal(err)
	}
	expect("confirmed", access.Group{ID: "g3", Name: "Acme Issuance"})
	known["g3"] = "Acme Issuers"
	follow()
	expect("renamed", access.Group{ID: "g3", Name: "Acme Issuers"})
	rename("Acme Issuers")
	expect("moved along", access.Group{ID: "g3", Name: "Acme Issuers"})
	rename("Acme Audit")
	expect("moved to another group", access.Group{ID: "g2", Name: "Acme Audit"})
	rename("No Group")
	expect("moved to none", access.Group{})
	b.Groups = nil // provisioning is off
	rename("Acme Audit")
	expect("off", access.Group{})
}

// TestNT54_TheLastAdministratorsGroupIsRenamed: what administers by it goes on to count, that and nothing else, until somebody else
// could administer.
func TestNT54_TheLastAdministratorsGroupIsRenamed(t *testing.T) {
	b, ada, role, mapping := retired(t)
	known := groups{"g1": "Admins", "g2": "Others"}
	b.Groups = known
	b.seen = seen{{Issuer: issuer, Subject: "ada", IAMRoles: ada.IAMRoles}}
	if err := b.ConfirmGroup(t.Context(), ada, mapping.ID, policy.Seen{}); err != nil {
		t.Fatal(err)
	}
	for _, becomes := range []string{"Administrators", ""} {
		if known["g1"] = becomes; becomes == "" {
			delete(known, "g1")
		}
		if err := b.FollowGroups(t.Context()); err != nil {
			t.Fatal(err)
		}
		set, _ := b.Snapshot().Effective(ada, access.System)
		if got := b.Snapshot().IAMRole(mapping.ID); !got.Held() || !got.Group.Keeps || set != access.Administration {
			t.Errorf("%q: %+v gives %v", becomes, got.Group, set.Names())
		}
		entries := b.store.recorded()
		if e := entries[len(entries)-1]; e.Action != history.Updated || e.EntityID != string(mapping.ID) || !strings.HasPrefix(e.User, access.OwnSubject) || !strings.Contains(string(e.Metadata), "without it nobody could administer") {
			t.Errorf("%q: recorded %+v %s", becomes, e, e.Metadata)
		}
	}
	if _, err := b.CreateIAMRole(t.Context(), ada, access.IAMRole{Name: "Others", SystemRoles: []access.RoleID{role.ID}}, policy.Seen{}); err != nil {
		t.Fatal(err)
	}
	if err := b.FollowGroups(t.Context()); err != nil || !b.Snapshot().IAMRole(mapping.ID).Group.Keeps {
		t.Errorf("nobody of the others was seen: %v", err)
	}
	b.seen = append(b.seen, session.Person{Issuer: issuer, Subject: "dora", IAMRoles: []string{"Others"}})
	if err := b.FollowGroups(t.Context()); err != nil {
		t.Fatal(err)
	}
	if set, _ := b.Snapshot().Effective(ada, access.System); !set.IsEmpty() || b.Snapshot().IAMRole(mapping.ID).Group.Keeps {
		t.Errorf("somebody else can administer, and it still gives %v", set.Names())
	}
	// The past is told as it was: who administered then did.
	if s, _, err := b.AsOf(t.Context(), b.clock.Now()); err != nil || s.IAMRole(mapping.ID).Group.ID != "g1" {
		t.Errorf("as of now: %v", err)
	}
}
