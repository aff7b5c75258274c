package store_test

import (
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/policy"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

func role(name string, permissions ...access.Permission) *access.Role {
	return &access.Role{ID: access.RoleID(uuid.NewString()), Name: name, Permissions: access.SetOf(permissions...)}
}

func iamRole(name string, organisations map[access.OrganisationID][]access.RoleID, system ...access.RoleID) *access.IAMRole {
	return &access.IAMRole{ID: access.IAMRoleID(uuid.NewString()), Name: name, OrganisationRoles: organisations, SystemRoles: system}
}

// commit applies a change to m, stores it, and returns the new model.
func commit(t *testing.T, db *store.DB, m access.Model, c access.Change, entries ...history.Entry) access.Model {
	t.Helper()
	next, stored, err := m.Apply(c, "")
	if err != nil {
		t.Fatalf("apply: %v", err)
	}
	if err := db.CommitChange(t.Context(), m.Version, stored, entries); err != nil {
		t.Fatalf("commit: %v", err)
	}
	return next
}

// checkModel compares what the store holds with what was put there, as Apply has it.
func checkModel(t *testing.T, db *store.DB, want access.Model) {
	t.Helper()
	got, err := db.LoadModel(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	version, err := db.ModelVersion(t.Context())
	if err != nil || version != want.Version || got.Version != want.Version {
		t.Errorf("expected version %d, got %d in the model, %d alone (%v)", want.Version, got.Version, version, err)
	}
	if len(got.Organisations) != len(want.Organisations) || len(got.Roles) != len(want.Roles) || len(got.IAMRoles) != len(want.IAMRoles) {
		t.Fatalf("expected %d organisations, %d roles, %d IAM roles; got %d, %d, %d", len(want.Organisations), len(want.Roles),
			len(want.IAMRoles), len(got.Organisations), len(got.Roles), len(got.IAMRoles))
	}
	same(t, want.Organisations, got.Organisations)
	same(t, want.Roles, got.Roles)
	for i := range want.IAMRoles {
		w, g := *want.IAMRoles[i], *got.IAMRoles[i]
		if len(w.SystemRoles) == 0 && len(g.SystemRoles) == 0 {
			w.SystemRoles, g.SystemRoles = nil, nil
		}
		if !reflect.DeepEqual(w, g) {
			t.Errorf("IAM role %d: expected %+v, got %+v", i, w, g)
		}
	}
}

func same[T any](t *testing.T, want, got []*T) {
	t.Helper()
	for i := range want {
		if !reflect.DeepEqual(want[i], got[i]) {
			t.Errorf("row %d: expected %+v, got %+v", i, *want[i], *got[i])
		}
	}
}

func TestModelIsEmptyAtFirst(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) { checkModel(t, db, access.Model{}) })
}

func TestModelRoundTrip(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		issue := role("Issuer", access.CredentialIssue, access.CredentialList)
		none := role("Nothing")
		delegated := role("Delegated", access.ProofIssue)
		delegated.Delegation = &access.Delegation{RequiredUserPermissions: access.SetOf(access.ProofList, access.ProofDetail)}
		anyUser := role("For any user", access.ProofIssue)
		anyUser.Delegation = &access.Delegation{}
		admin := role("Admin", access.STSRoleList)
		admin.Requires = &access.Requirement{Classes: []string{"phr", "urn:okta:loa:2fa:any"}, MaxAge: 15 * time.Minute}
		ended := at(10).Add(time.Hour).Truncate(time.Second)
		zurich := &access.Organisation{ID: access.OrganisationID(uuid.NewString()), Name: "Zürich", CreatedAt: at(1)}
		bern := &access.Organisation{ID: access.OrganisationID(uuid.NewString()), Name: "Bern", CreatedAt: at(2), DeactivatedAt: at(3)}
		m := commit(t, db, access.Model{}, access.Change{
			Organisations: []*access.Organisation{zurich, bern},
			PutRoles:      []*access.Role{issue, none, delegated, anyUser, admin},
			PutIAMRoles: []*access.IAMRole{
				iamRole("Acme Issuance", map[access.OrganisationID][]access.RoleID{
					zurich.ID: {none.ID, issue.ID, delegated.ID}, bern.ID: {issue.ID, anyUser.ID},
				}),
				iamRole("Acme Admin", nil, admin.ID, none.ID),
				iamRole("Acme Nothing", nil),
				{
					ID: access.IAMRoleID(uuid.NewString()), Name: "Acme Contractors", SystemRoles: []access.RoleID{admin.ID},
					OrganisationRoles: map[access.OrganisationID][]access.RoleID{zurich.ID: {issue.ID}, bern.ID: {issue.ID}},
					Ends:              map[access.OrganisationID]access.End{zurich.ID: {At: ended}, access.System: {At: ended.Add(time.Hour)}},
				},
			},
			By: "ada", At: at(10),
		})
		checkModel(t, db, m)

		// An end is recorded, which is no edit of its row; then the row is edited, and keeps it.
		i := slices.IndexFunc(m.IAMRoles, func(im *access.IAMRole) bool { return im.Name == "Acme Contractors" })
		id := m.IAMRoles[i].ID
		m = commit(t, db, m, access.Change{RecordEnds: []access.Placement{{IAMRole: id, Organisation: zurich.ID}}, At: at(20)})
		checkModel(t, db, m)
		prolonged := m.IAMRoles[i].Clone()
		prolonged.Ends[access.System] = access.End{At: ended.Add(2 * time.Hour)}
		m = commit(t, db, m, access.Change{PutIAMRoles: []*access.IAMRole{prolonged}, By: "ada", At: at(20)})
		checkModel(t, db, m)
		if !m.IAMRoles[i].Ends[zurich.ID].Recorded {
			t.Error("an edit forgot that an end is recorded")
		}

		// An edit, a second one by somebody else, and a mapping that loses and gains roles.
		edited := *m.Roles[0]
		edited.Name, edited.Permissions = "Edited", access.SetOf(access.KeyList)
		mapped := *m.IAMRoles[0]
		mapped.OrganisationRoles, mapped.SystemRoles = map[access.OrganisationID][]access.RoleID{bern.ID: {issue.ID}}, []access.RoleID{admin.ID}
		m = commit(t, db, m, access.Change{PutRoles: []*access.Role{&edited}, PutIAMRoles: []*access.IAMRole{&mapped}, By: "otto", At: at(20)})
		checkModel(t, db, m)

		// Core no longer lists an organisation: the mirror follows, the mapping stays.
		m = commit(t, db, m, access.Change{Organisations: []*access.Organisation{}, At: at(30)})
		checkModel(t, db, m)

		// Mappings and the roles that they used go together.
		var mappings []access.IAMRoleID
		for _, im := range m.IAMRoles {
			mappings = append(mappings, im.ID)
		}
		var roles []access.RoleID
		for _, r := range m.Roles {
			roles = append(roles, r.ID)
		}
		m = commit(t, db, m, access.Change{DeleteIAMRoles: mappings, DeleteRoles: roles, At: at(40)})
		checkModel(t, db, m)
	})
}

func TestModelNames(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		var c access.Change
		for i, name := range names {
			r := role(name, access.KeyList)
			r.Changed = access.Changed{CreatedAt: at(int64(-i)), ModifiedAt: at(1), ModifiedBy: name, Revision: 1}
			im := iamRole(name, map[access.OrganisationID][]access.RoleID{access.OrganisationID("org " + name): {r.ID}})
			im.Changed = r.Changed
			c.PutRoles, c.PutIAMRoles = append(c.PutRoles, r), append(c.PutIAMRoles, im)
			c.Organisations = append(c.Organisations, &access.Organisation{ID: access.OrganisationID("org " + name), Name: name, CreatedAt: at(1)})
		}
		if err := db.CommitChange(t.Context(), 0, c, nil); err != nil {
			t.Fatal(err)
		}
		checkModel(t, db, access.Model{Version: 1, Organisations: c.Organisations, Roles: c.PutRoles, IAMRoles: c.PutIAMRoles})
	})
}

func TestModelNamesAreUnique(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		for _, c := range []access.Change{
			{PutRoles: []*access.Role{role("Straße"), role("Straße")}},
			{PutIAMRoles: []*access.IAMRole{iamRole("Straße", nil), iamRole("Straße", nil)}},
		} {
			if err := db.CommitChange(t.Context(), 0, c, []history.Entry{{ID: uuid.NewString()}}); err == nil {
				t.Errorf("expected the second name to be refused: %+v", c)
			}
		}
		checkModel(t, db, access.Model{})
		if _, total, err := db.ListHistory(t.Context(), history.Filter{Size: 1}); err != nil || total != 0 {
			t.Errorf("expected no entry of what did not happen, got %d, %v", total, err)
		}
	})
}

func TestModelNamesCanBeExchanged(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		a, b := role("A"), role("B")
		m := commit(t, db, access.Model{}, access.Change{PutRoles: []*access.Role{a, b}, PutIAMRoles: []*access.IAMRole{
			iamRole("X", nil, a.ID), iamRole("Y", nil, b.ID),
		}, At: at(1)})
		swap := access.Change{At: at(2)}
		for i := range 2 {
			r, im := *m.Roles[i], *m.IAMRoles[i]
			r.Name, im.Name = m.Roles[1-i].Name, m.IAMRoles[1-i].Name
			swap.PutRoles, swap.PutIAMRoles = append(swap.PutRoles, &r), append(swap.PutIAMRoles, &im)
		}
		checkModel(t, db, commit(t, db, m, swap))
	})
}

func TestModelRefusesDanglingMappings(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		r := role("A")
		dangling := access.Change{PutIAMRoles: []*access.IAMRole{iamRole("X", nil, r.ID)}}
		if err := db.CommitChange(t.Context(), 0, dangling, nil); err == nil {
			t.Error("expected a mapping to a role that isn't there to be refused")
		}
		dangling.PutRoles = []*access.Role{r}
		if err := db.CommitChange(t.Context(), 0, dangling, nil); err != nil {
			t.Fatal(err)
		}
		if err := db.CommitChange(t.Context(), 1, access.Change{DeleteRoles: []access.RoleID{r.ID}}, nil); err == nil {
			t.Error("expected the deletion of a mapped role to be refused")
		}
		if version, err := db.ModelVersion(t.Context()); err != nil || version != 1 {
			t.Errorf("expected version 1, got %d, %v", version, err)
		}
	})
}

func TestModelRefusesWhatOneEngineCouldNotStore(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		for _, bad := range []string{"a\x00b", "\x00", "a\xffb", "\xed\xa0\x80"} {
			if err := db.CommitChange(t.Context(), 0, access.Change{PutRoles: []*access.Role{role(bad)}}, nil); err == nil {
				t.Errorf("role %q: expected an error", bad)
			}
			if err := db.CommitChange(t.Context(), 0, access.Change{PutIAMRoles: []*access.IAMRole{iamRole(bad, nil)}}, nil); err == nil {
				t.Errorf("IAM role %q: expected an error", bad)
			}
			if err := db.AppendHistory(t.Context(), history.Entry{ID: uuid.NewString(), Name: bad}); err == nil {
				t.Errorf("history %q: expected an error", bad)
			}
		}
		checkModel(t, db, access.Model{})
	})
}

func TestCommitChangeVersion(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		for _, base := range []int64{-1, 1, 7} {
			err := db.CommitChange(t.Context(), base, access.Change{PutRoles: []*access.Role{role("A")}}, []history.Entry{{ID: uuid.NewString()}})
			if !errors.Is(err, policy.ErrVersion) {
				t.Errorf("base %d: expected ErrVersion, got %v", base, err)
			}
		}
		checkModel(t, db, access.Model{})
		if _, total, err := db.ListHistory(t.Context(), history.Filter{Size: 1}); err != nil || total != 0 {
			t.Errorf("expected no entry of what did not happen, got %d, %v", total, err)
		}
	})
}

// Of writers that build upon one version exactly one wins; who starts over loses nothing.
func TestCommitChangeRace(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		const writers, rounds = 4, 10
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := range rounds {
					for {
						base, err := db.ModelVersion(t.Context())
						if err != nil {
							t.Error(err)
							return
						}
						err = db.CommitChange(t.Context(), base, access.Change{PutRoles: []*access.Role{role(fmt.Sprint(w, "/", i))}},
							[]history.Entry{{ID: uuid.NewString(), CreatedAt: at(base)}})
						if err == nil {
							break
						}
						if !errors.Is(err, policy.ErrVersion) {
							t.Error(err)
							return
						}
					}
				}
			})
		}
		wg.Wait()
		m, err := db.LoadModel(t.Context())
		if err != nil || m.Version != writers*rounds || len(m.Roles) != writers*rounds {
			t.Errorf("expected version and roles %d, got %d and %d, %v", writers*rounds, m.Version, len(m.Roles), err)
		}
		// Every commit saw a version of its own.
		entries, _, err := db.ListHistory(t.Context(), history.Filter{Size: 1000})
		if err != nil || len(entries) != writers*rounds {
			t.Fatalf("expected %d entries, got %d, %v", writers*rounds, len(entries), err)
		}
		for i, e := range entries {
			if !e.CreatedAt.Equal(at(int64(i))) {
				t.Errorf("entry %d: expected the version %d, got %v", i, i, e.CreatedAt.Sub(at(0)).Milliseconds())
			}
		}
	})
}

// LoadModel sees one moment: never a mapping without its role, never rows of another version.
func TestLoadModelWhileItChanges(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		done := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			defer close(done)
			m := access.Model{}
			for i := range 40 {
				r := role(fmt.Sprint(i))
				c := access.Change{PutRoles: []*access.Role{r}, PutIAMRoles: []*access.IAMRole{iamRole(fmt.Sprint(i), nil, r.ID)}}
				for _, old := range m.Roles {
					c.DeleteRoles = append(c.DeleteRoles, old.ID)
				}
				for _, old := range m.IAMRoles {
					c.DeleteIAMRoles = append(c.DeleteIAMRoles, old.ID)
				}
				next, stored, err := m.Apply(c, "")
				if err == nil {
					err = db.CommitChange(t.Context(), m.Version, stored, nil)
				}
				if err != nil {
					t.Error(err)
					return
				}
				m = next
			}
		})
		for running := true; running; {
			select {
			case <-done:
				running = false
			default:
			}
			m, err := db.LoadModel(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if m.Version == 0 {
				continue
			}
			name := fmt.Sprint(m.Version - 1)
			if len(m.Roles) != 1 || len(m.IAMRoles) != 1 || m.Roles[0].Name != name || m.IAMRoles[0].Name != name ||
				len(m.IAMRoles[0].SystemRoles) != 1 || m.IAMRoles[0].SystemRoles[0] != m.Roles[0].ID {
				t.Fatalf("version %d is mixed with another: %+v", m.Version, m)
			}
		}
		wg.Wait()
	})
}

func TestUnknownPermissionsAreKept(t *testing.T) {
	for _, engine := range testdb.Engines {
		t.Run(engine, func(t *testing.T) {
			var log strings.Builder
			cfg := testdb.Config(t, engine)
			cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
			db := testdb.OpenConfig(t, cfg)
			r, other := role("A", access.KeyList), role("B", access.KeyList)
			r.Delegation = &access.Delegation{}
			m := commit(t, db, access.Model{}, access.Change{PutRoles: []*access.Role{r, other}, At: at(1)})
			// A newer version adds to the role.
			raw := rawDB(t, cfg)
			const newer = `UPDATE role SET permissions = '["FROM_TOMORROW","KEY_LIST"]', delegation = '{"requiredUserPermissions":["ALSO_NEW"]}' WHERE id = $1`
			if _, err := raw.Exec(newer, string(r.ID)); err != nil {
				t.Fatal(err)
			}
			checkModel(t, db, m) // ignored for deciding
			if !strings.Contains(log.String(), "FROM_TOMORROW ALSO_NEW") {
				t.Errorf("expected a warning that names the permissions, got %q", log.String())
			}
			permissions := func() (text string) {
				if err := raw.QueryRow(`SELECT permissions FROM role WHERE id = $1`, string(r.ID)).Scan(&text); err != nil {
					t.Fatal(err)
				}
				return text
			}
			// Changes of other rows leave it alone; saving the role stores exactly what its editor saw.
			edit := func(id access.RoleID) {
				for _, row := range m.Roles {
					if row.ID == id {
						edited := *row
						m = commit(t, db, m, access.Change{PutRoles: []*access.Role{&edited}, At: at(2)})
						return
					}
				}
			}
			edit(other.ID)
			if got := permissions(); got != `["FROM_TOMORROW","KEY_LIST"]` {
				t.Errorf("expected the row as it was, got %s", got)
			}
			edit(r.ID)
			if got := permissions(); got != `["KEY_LIST"]` {
				t.Errorf("expected what was saved, got %s", got)
			}
			checkModel(t, db, m)
		})
	}
}
