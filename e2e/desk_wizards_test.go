package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

func TestDeskRoleWizard(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		m := startMinistry(t, start)
		ada := m.ada
		p := ada.next(ada.open("/roles/new"), "next")
		mustStatus(t, p, http.StatusUnprocessableEntity)
		p.mustContain(t, "2 things need your attention", "Enter a name.", "Choose at least one permission.")

		// Filter, select what it shows, filter anew: what is hidden stays chosen.
		p = ada.next(p, "filter:permissions", "name", "Issuer", "permissionsFilter", "proof_list")
		mustStatus(t, p, http.StatusOK)
		group := regexp.MustCompile(`value="all:permissions:([a-z-]+)"`)
		for _, g := range group.FindAllStringSubmatch(p.body, -1) {
			p = ada.next(p, "all:permissions:"+g[1])
		}
		p = ada.next(p, "enter", "permissionsFilter", "credential_issue")
		if got := p.fields()["permissions"]; len(got) != 1 || got[0] != "PROOF_LIST" || p.fields().Get("name") != "Issuer" {
			t.Fatalf("expected the one that the filter showed, and the name kept, got %q", got)
		}
		p = ada.next(p, "none:permissions:proofs")
		if got := p.fields()["permissions"]; len(got) != 1 {
			t.Errorf("clearing clears what the filter hides: %q", got)
		}
		p = ada.next(p, "next", "permissions", "PROOF_LIST,CREDENTIAL_ISSUE")
		p.mustContain(t, "The new role", "CREDENTIAL_ISSUE")
		p = ada.next(p, "back")
		if got := p.fields(); len(got["permissions"]) != 2 || got.Get("name") != "Issuer" {
			t.Errorf("going back loses %v", got)
		}
		p = ada.next(ada.next(p, "enter"), "save")
		p.mustContain(t, "The role is created.")
		issuer := strings.TrimPrefix(p.url.Path, "/roles/")

		for name, want := range map[string]string{
			"Issuer": "Another role has this name already.", "ONE_STS_ADMIN": "reserved", " one_sts_admin ": "reserved", "   ": "Enter a name.",
			"a\x00b": "control", "a\u202eb": "invisible", strings.Repeat("ü", 256): "255",
		} {
			p := ada.next(ada.open("/roles/new"), "next", "name", name, "permissions", "PROOF_LIST")
			if p.status != http.StatusUnprocessableEntity {
				t.Errorf("%q: expected 422, got %d", name, p.status)
			}
			p.mustContain(t, want)
			if len(p.fields()["permissions"]) != 1 {
				t.Errorf("%q: what was ticked is lost", name)
			}
		}
		ada.next(ada.open("/roles/new"), "next", "name", "x", "permissions", "NO_SUCH").mustContain(t, "There is no permission NO_SUCH.")

		// A condition that nobody can meet where the role would be mapped.
		for _, c := range []struct {
			permissions, required string
			system, organisation  bool // is it warned of
		}{
			{"CREDENTIAL_ISSUE", "STS_ROLE_LIST", false, true},
			{"CREDENTIAL_ISSUE", "PROOF_LIST", false, false},
			{"CREDENTIAL_ISSUE", "PROOF_LIST,STS_ROLE_LIST", false, false},
			{"CREDENTIAL_ISSUE", "", false, false},
			{"STS_ROLE_LIST", "PROOF_LIST", true, false},
			{"CREDENTIAL_ISSUE,STS_ROLE_LIST", "PROOF_LIST", true, false},
			{"CREDENTIAL_ISSUE,STS_ROLE_LIST", "STS_ROLE_LIST", false, true},
		} {
			p := ada.next(ada.open("/roles/new"), "next", "name", "bridge", "permissions", c.permissions, "restricted", "true", "requiredUserPermissions", c.required)
			mustStatus(t, p, http.StatusOK)
			for text, want := range map[string]bool{"Mapped as a system role, the role never counts": c.system, "Mapped in an organisation, the role never counts": c.organisation} {
				if got := strings.Contains(p.body, text); got != want {
					t.Errorf("%+v: %q: got %t", c, text, got)
				}
			}
		}

		// A lost update keeps what was typed; a second save wins deliberately.
		mine := ada.next(ada.open("/roles/"+issuer+"/edit"), "next", "name", "Mine")
		theirs := ada.next(ada.next(ada.open("/roles/"+issuer+"/edit"), "next", "name", "Theirs"), "save")
		theirs.mustContain(t, "The role is saved.")
		lost := ada.next(mine, "save")
		mustStatus(t, lost, http.StatusConflict)
		lost.mustContain(t, "Somebody changed this role", "Mine", "was <bdi>Theirs")
		ada.next(lost, "save").mustContain(t, "The role is saved.", "Mine")

		// Gone while it is edited; still mapped when it is to be deleted.
		edit := ada.open("/roles/" + issuer + "/edit")
		ada.next(ada.open("/roles/"+issuer+"/delete"), "confirm").mustContain(t, "The role is deleted.")
		mustStatus(t, ada.next(edit, "next"), http.StatusNotFound)
		mapped := ada.open("/roles/" + m.role + "/delete")
		mapped.mustContain(t, "cannot be deleted", "Acme Verification", "Ministry of Mobility")
		if p := ada.submit("/roles/"+m.role+"/delete", url.Values{"version": {"1"}}); p.status != http.StatusConflict || !strings.Contains(p.body, "Acme Verification") {
			t.Errorf("expected the mappings named, got %d", p.status)
		}
	})
}

func TestDeskAccessWizard(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		m := startMinistry(t, start)
		ada := m.ada
		other := m.create("/api/organisation/v1", map[string]any{"name": "City"})
		second := m.create("/api/sts/role/v1", map[string]any{"name": "Second", "permissions": []string{"KEY_LIST"}})
		system := m.create("/api/sts/role/v1", map[string]any{"name": "Keeper", "permissions": []string{"STS_ROLE_LIST"}})

		for name, want := range map[string]string{
			"": "Enter a name.", "Acme Verification": "mapped already. Edit its access instead", "ONE_STS_ADMIN": "reserved", "one_sts_admin": "reserved", "a\nb": "control",
		} {
			p := ada.next(ada.open("/access/new"), "next", "name", name)
			if p.status != http.StatusUnprocessableEntity {
				t.Errorf("%q: expected 422, got %d", name, p.status)
			}
			p.mustContain(t, want)
		}
		// A near miss is pointed out once, for that very name.
		near := ada.next(ada.open("/access/new"), "next", "name", "acme verification")
		near.mustContain(t, "Is this the name you mean?", "Acme Verification")
		if p := ada.next(near, "next", "name", "acme  verification"); !strings.Contains(p.body, "Is this the name you mean?") {
			t.Error("another near miss goes unnoticed")
		}
		// The steps can't be skipped by a form of one's own.
		skipped := ada.submit("/access/new", url.Values{"step": {"3"}, "do": {"save"}, "name": {"acme verification"}, "organisation": {other}, "role": {m.role}})
		skipped.mustContain(t, "Is this the name you mean?")
		ada.submit("/access/new", url.Values{"step": {"3"}, "do": {"save"}, "name": {"Nothing"}}).mustContain(t, "Choose an organisation and a role")

		// Blanks at the ends are pointed out, and kept.
		const name = " ONE_blank  "
		p := ada.next(ada.open("/access/new"), "enter", "name", name)
		p.mustContain(t, "begins or ends with a blank")
		p = ada.next(p, "enter")
		if p.fields().Get("name") != name || p.fields().Get("step") != "2" {
			t.Fatalf("expected step 2 with the name as typed, got %v", p.fields())
		}
		mustStatus(t, ada.next(p, "next"), http.StatusUnprocessableEntity)
		half := ada.next(p, "next", "addOrganisation", other)
		mustStatus(t, half, http.StatusUnprocessableEntity)
		half.mustContain(t, "Choose a role.")
		if half.fields().Get("addOrganisation") != other {
			t.Error("half a row is lost")
		}
		for _, row := range [][2]string{{"nonsense", m.role}, {other, "nonsense"}} {
			mustStatus(t, ada.next(p, "add", "addOrganisation", row[0], "addRole", row[1]), http.StatusUnprocessableEntity)
		}
		p = ada.next(p, "add", "addOrganisation", other, "addRole", second)
		p = ada.next(p, "add", "addOrganisation", m.organisation, "addRole", m.role)
		p = ada.next(p, "add", "addOrganisation", m.organisation, "addRole", m.role) // twice counts once
		p = ada.next(p, "enter", "addSystemRole", system)
		if got := p.fields(); len(got["role"]) != 2 || len(got["systemRole"]) != 1 {
			t.Fatalf("expected two rows and a system role, got %v", got)
		}
		p = ada.next(p, "removeSystem:0")
		p = ada.next(ada.next(p, "remove:0"), "remove:99")
		if got := p.fields(); len(got["role"]) != 1 || got.Get("role") != m.role || len(got["systemRole"]) != 0 {
			t.Fatalf("expected the second row only, got %v", got)
		}
		p = ada.next(ada.next(p, "back"), "next")
		review := ada.next(p, "next", "addOrganisation", other, "addRole", second) // what was chosen and not added counts
		review.mustContain(t, "will be able to", "PROOF_LIST", "KEY_LIST")

		// A role deleted and an organisation deactivated between the steps.
		mustStatus(t, ada.call("DELETE", "/api/sts/role/v1/"+second, nil, nil), http.StatusNoContent)
		mustStatus(t, ada.call("PATCH", "/api/organisation/v1/"+m.organisation, map[string]any{"deactivate": true}, nil), http.StatusNoContent)
		p = ada.next(review, "save")
		p.mustContain(t, "Something is gone.", "1 row was left out", "is deactivated: nothing counts there", "will be able to")
		p = ada.next(p, "save")
		p.mustContain(t, "The access is saved.")
		id := strings.TrimPrefix(p.url.Path, "/access/")
		var row struct{ Name string }
		ada.call("GET", "/api/sts/iam-role/v1/"+id, nil, &row)
		if row.Name != name {
			t.Errorf("expected the name %q exactly, got %q", name, row.Name)
		}
		mustStatus(t, ada.call("PATCH", "/api/organisation/v1/"+m.organisation, map[string]any{"deactivate": false}, nil), http.StatusNoContent)

		// Lost update.
		mine := ada.next(ada.open("/access/"+id+"/edit"), "next", "addSystemRole", system)
		ada.next(ada.next(ada.open("/access/"+id+"/edit"), "next", "addOrganisation", other, "addRole", m.role), "save").mustContain(t, "The access is saved.")
		lost := ada.next(mine, "save")
		mustStatus(t, lost, http.StatusConflict)
		lost.mustContain(t, "Somebody changed this access", "Verifier in City")
		ada.next(lost, "save").mustContain(t, "The access is saved.")

		mustStatus(t, ada.submit("/access/new", url.Values{"step": {"2"}, "name": {"x"}, "organisation": {other}}), http.StatusBadRequest)

		// Deleting: typed when many are affected.
		big := map[string]any{}
		for i := range 4 {
			big[m.create("/api/organisation/v1", map[string]any{"name": fmt.Sprintf("Canton %d", i)})] = []string{m.role}
		}
		many := m.create("/api/sts/iam-role/v1", map[string]any{"name": " Many ", "organisationRoles": big})
		confirm := ada.open("/access/" + many + "/delete")
		confirm.mustContain(t, "4 organisations", "Canton 3", "To confirm, type")
		wrong := ada.next(confirm, "confirm", "confirm", "Many")
		mustStatus(t, wrong, http.StatusUnprocessableEntity)
		wrong.mustContain(t, "This is not the name")
		ada.next(wrong, "confirm", "confirm", " Many ").mustContain(t, "The access is deleted.")
		stale := ada.open("/access/" + m.access + "/delete")
		ada.next(ada.next(ada.open("/access/"+m.access+"/edit"), "next", "addSystemRole", system), "save")
		if p := ada.next(stale, "confirm"); p.status != http.StatusConflict || !strings.Contains(p.body, "changed in the meantime") {
			t.Errorf("expected to be asked again, got %d", p.status)
		}
	})
}
