package e2e

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// ministry is a Portico with one organisation, one role and one mapping, and its administrator.
type ministry struct {
	*portico
	ada                        *browser
	organisation, role, access string // ids
}

func startMinistry(t *testing.T) *ministry {
	t.Helper()
	p := start(t, nil)
	m := &ministry{portico: p, ada: p.browser()}
	m.ada.signIn("/", "ada@acme.test")
	m.organisation = m.create("/api/organisation/v1", map[string]any{"name": "Ministry of Mobility"})
	m.role = m.create("/api/sts/role/v1", map[string]any{"name": "Verifier", "permissions": []string{"PROOF_LIST", "HISTORY_LIST"}})
	m.access = m.mapTo("Acme Verification", m.organisation, m.role)
	return m
}

func (m *ministry) create(path string, body map[string]any) string {
	m.t.Helper()
	var c created
	mustStatus(m.t, m.ada.call("POST", path, body, &c), http.StatusCreated)
	return c.ID
}

func (m *ministry) mapTo(iamRole, organisation, role string) string {
	m.t.Helper()
	return m.create("/api/sts/iam-role/v1", map[string]any{"name": iamRole, "organisationRoles": map[string]any{organisation: []string{role}}})
}

// grant gives an IAM role permissions in the whole system.
func (m *ministry) grant(iamRole string, permissions ...string) {
	m.t.Helper()
	role := m.create("/api/sts/role/v1", map[string]any{"name": "System of " + iamRole, "permissions": permissions})
	m.create("/api/sts/iam-role/v1", map[string]any{"name": iamRole, "systemRoles": []string{role}})
}

func (m *ministry) as(login string) *browser {
	m.t.Helper()
	b := m.browser()
	b.signIn("/", login)
	return b
}

func (p answer) mustNotContain(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(p.body, text) {
			t.Errorf("%s (%d): did not expect %q in the page", p.url, p.status, text)
		}
	}
}

// fields reads what a form carries to its next step, as a browser sends it: hidden inputs, texts, ticked boxes and
// chosen options.
func (p answer) fields() url.Values {
	values := url.Values{}
	for _, input := range inputTag.FindAllString(p.body, -1) {
		name, value := nameAttr.FindStringSubmatch(input), valueAttr.FindStringSubmatch(input)
		if name == nil || value == nil || strings.Contains(input, `type="checkbox"`) && !strings.Contains(input, " checked") {
			continue
		}
		values.Add(html.UnescapeString(name[1]), html.UnescapeString(value[1]))
	}
	for _, s := range selectTag.FindAllStringSubmatch(p.body, -1) {
		if chosen := chosenOption.FindStringSubmatch(s[2]); chosen != nil {
			values.Add(s[1], html.UnescapeString(chosen[1]))
		}
	}
	values.Del("return") // of the frame's menus
	return values
}

var (
	inputTag     = regexp.MustCompile(`<input[^>]*>`)
	selectTag    = regexp.MustCompile(`(?s)<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>`)
	chosenOption = regexp.MustCompile(`<option value="([^"]*)" selected>`)
)

// next sends the form on the page with some of its fields changed, and presses a button.
func (b *browser) next(p answer, do string, changes ...string) answer {
	b.t.Helper()
	values := p.fields()
	for i := 0; i < len(changes); i += 2 {
		values[changes[i]] = nil
		for _, value := range strings.Split(changes[i+1], ",") {
			if value != "" {
				values.Add(changes[i], value)
			}
		}
	}
	values.Set("do", do)
	return b.submit(p.url.Path, values)
}

func TestDeskDirectVisits(t *testing.T) {
	m := startMinistry(t)
	entry := m.anEntry("type=STS_ROLE")
	pages := map[string]string{ // and what they need
		"/roles": "STS_ROLE_LIST", "/roles/new": "STS_ROLE_CREATE", "/roles/" + m.role: "STS_ROLE_DETAIL",
		"/roles/" + m.role + "/edit": "STS_ROLE_EDIT", "/roles/" + m.role + "/delete": "STS_ROLE_DELETE",
		"/access": "STS_IAM_ROLE_LIST", "/access/new": "STS_IAM_ROLE_CREATE", "/access/" + m.access: "STS_IAM_ROLE_DETAIL",
		"/access/" + m.access + "/edit": "STS_IAM_ROLE_EDIT", "/access/" + m.access + "/delete": "STS_IAM_ROLE_DELETE",
		"/organisations": "STS_ORGANISATION_LIST", "/organisations/new": "STS_ORGANISATION_CREATE", "/organisations/" + m.organisation: "STS_ORGANISATION_DETAIL",
		"/organisations/" + m.organisation + "/edit":       "STS_ORGANISATION_EDIT",
		"/organisations/" + m.organisation + "/deactivate": "STS_ORGANISATION_EDIT",
		"/organisations/" + m.organisation + "/reactivate": "STS_ORGANISATION_EDIT",
		"/history/" + entry: "SYSTEM_HISTORY_DETAIL",
	}
	nora, vera := m.as("nora@acme.test"), m.as("vera@acme.test")
	for path, permission := range pages {
		mustStatus(t, m.ada.open(path), http.StatusOK)
		if p := m.browser().open(path); !strings.Contains(p.body, `name="password"`) {
			t.Errorf("%s, nobody: expected Okta's sign-in page, got %d at %s", path, p.status, p.url)
		}
		for who, b := range map[string]*browser{"nora": nora, "vera": vera} {
			p := b.open(path)
			if p.status != http.StatusForbidden {
				t.Errorf("%s, %s: expected 403, got %d", path, who, p.status)
			}
			p.mustContain(t, "You may not do this", permission)
			if who == "nora" {
				p.mustNotContain(t, "Ministry of Mobility", "Acme Verification")
			}
			if strings.HasSuffix(path, "/edit") || strings.HasSuffix(path, "/delete") || strings.HasSuffix(path, "ate") || strings.HasSuffix(path, "/new") {
				if p := b.submit(path, url.Values{"do": {"save"}, "step": {"2"}, "name": {"x"}}); p.status != http.StatusForbidden {
					t.Errorf("POST %s, %s: expected 403, got %d", path, who, p.status)
				}
			}
		}
	}
	mustStatus(t, vera.open("/history"), http.StatusOK)
	mustStatus(t, nora.open("/history"), http.StatusForbidden)
	nora.open("/").mustContain(t, "may not do anything yet", "The token has no claim")
	for _, path := range []string{"/nowhere", "/roles/x", "/access/x/edit", "/organisations/x", "/organisations/00000000-0000-4000-8000-000000000000", "/history/x", "/roles/x/delete"} {
		if p := m.ada.open(path); p.status != http.StatusNotFound || !strings.Contains(p.body, "There is nothing here") {
			t.Errorf("%s: expected a page that says that nothing is there, got %d", path, p.status)
		}
	}
}

// anEntry finds an entry of the history.
func (m *ministry) anEntry(query string) string {
	m.t.Helper()
	found := regexp.MustCompile(`href="/history/([0-9a-f-]{36})"`).FindStringSubmatch(m.ada.open("/history?" + query).body)
	if found == nil {
		m.t.Fatalf("no entry with %s", query)
	}
	return found[1]
}

// TestDeskPartialPermissions: a page about one kind of thing does not tell about others that the person may not see.
func TestDeskPartialPermissions(t *testing.T) {
	m := startMinistry(t)
	m.grant("Acme Issuance", "STS_ROLE_DETAIL", "STS_ROLE_EDIT", "STS_ORGANISATION_CREATE", "STS_ORGANISATION_EDIT")
	m.grant("Acme Audit", "STS_IAM_ROLE_CREATE", "STS_IAM_ROLE_EDIT", "STS_IAM_ROLE_DETAIL")
	ivan := m.as("ivan@acme.test")
	ivan.open("/roles/"+m.role).mustNotContain(t, "Acme Verification", "Ministry of Mobility", "Nobody has this role")
	review := ivan.next(ivan.open("/roles/"+m.role+"/edit"), "next")
	review.mustContain(t, "The role as it will be", "1 IAM role")
	review.mustNotContain(t, "Acme Verification", "Ministry of Mobility")
	// What they saved they may not see: the page after that says that it is saved all the same.
	p := ivan.next(ivan.open("/organisations/new"), "save", "name", "Ivan’s")
	if p.status != http.StatusOK || p.url.Path != "/" {
		t.Errorf("expected to land on the overview, got %d at %s", p.status, p.url)
	}
	p.mustContain(t, "The organisation is created.")

	secret := m.create("/api/organisation/v1", map[string]any{"name": "Secret service"})
	hidden := m.mapTo("ONE_HIDDEN", secret, m.role)
	otto := m.as("otto@acme.test") // works in the ministry, too
	for _, path := range []string{"/access/new", "/access/" + m.access, "/access/" + hidden, "/access/" + hidden + "/edit"} {
		p := otto.open(path)
		mustStatus(t, p, http.StatusOK)
		p.mustNotContain(t, "Secret service", ">Verifier<")
	}
	p = otto.next(otto.open("/access/"+hidden+"/edit"), "next")
	p.mustContain(t, "will be able to", secret)
	p.mustNotContain(t, "Secret service", ">Verifier<")
	p = otto.next(p, "save")
	p.mustContain(t, "The access is saved.")
}

func TestDeskRoleWizard(t *testing.T) {
	m := startMinistry(t)
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
}

func TestDeskAccessWizard(t *testing.T) {
	m := startMinistry(t)
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
}

func TestDeskOrganisations(t *testing.T) {
	m := startMinistry(t)
	ada := m.ada
	for what, c := range map[string]struct{ name, id, want string }{
		"no name":         {"", "", "Enter a name."},
		"a name used":     {"Ministry of Mobility", "", "this name already"},
		"no UUID":         {"X", "nonsense", "UUID"},
		"an id used":      {"Y", m.organisation, "this identifier already"},
		"a name too long": {strings.Repeat("x", 256), "", "255"},
		"control":         {"a\x07b", "", "control"},
	} {
		p := ada.next(ada.open("/organisations/new"), "save", "name", c.name, "newID", c.id)
		if p.status != http.StatusUnprocessableEntity || !strings.Contains(strings.ToLower(p.body), strings.ToLower(c.want)) {
			t.Errorf("%s: expected %q at the field, got %d: %s", what, c.want, p.status, regexp.MustCompile(`class="field-error"[^>]*>[^<]*`).FindString(p.body))
		}
		if got := p.fields(); got.Get("name") != c.name && !strings.Contains(c.name, "\x07") || got.Get("newID") != c.id {
			t.Errorf("%s: what was typed is lost: %q", what, got)
		}
	}
	const id = "7d0c3b32-9a52-4c58-8a30-5f2b0f0c8c11"
	ada.next(ada.open("/organisations/new"), "save", "name", "Health", "newID", id).mustContain(t, "The organisation is created.", id)
	taken := ada.next(ada.open("/organisations/"+id+"/edit"), "save", "name", "Ministry of Mobility")
	mustStatus(t, taken, http.StatusUnprocessableEntity)
	ada.next(taken, "save", "name", "Health & Sport").mustContain(t, "The organisation is saved.", "Health &amp; Sport")

	wrong := ada.next(ada.open("/organisations/"+m.organisation+"/deactivate"), "confirm", "confirm", "ministry of mobility")
	mustStatus(t, wrong, http.StatusUnprocessableEntity)
	ada.next(wrong, "confirm", "confirm", "Ministry of Mobility").mustContain(t, "The organisation is deactivated.", "Reactivate")
	vera := m.as("vera@acme.test")
	vera.open("/").mustContain(t, "mapped, but to nothing that counts at the moment")
	ada.next(ada.open("/organisations/"+m.organisation+"/reactivate"), "confirm").mustContain(t, "active again", "Deactivate")
	vera.open("/").mustContain(t, "PROOF_LIST")
	for _, unknown := range []string{"x", "00000000-0000-4000-8000-000000000000"} {
		for _, page := range []string{"", "/edit", "/deactivate", "/reactivate"} {
			mustStatus(t, ada.open("/organisations/"+unknown+page), http.StatusNotFound)
		}
	}
}

func TestDeskHistory(t *testing.T) {
	m := startMinistry(t)
	ada := m.ada
	ada.open("/history?from=yesterday&to=2026-99-01").mustContain(t, "2 things need your attention", "Expected a day")
	ada.open("/history?from=1999-01-01&to=1999-01-02").mustContain(t, "Nothing matches")
	ada.open("/history?entity="+m.role).mustContain(t, "Only entries about", "Role created")
	ada.open("/history?action=EXPLODED&type=%00&user=%ff&page=-3&sort=x").mustContain(t, "Role created")
	mustStatus(t, ada.open("/history?page=99999"), http.StatusOK)

	// Vera may list her organisation's entries, and open none.
	vera, nora := m.as("vera@acme.test"), m.as("nora@acme.test")
	mustStatus(t, nora.open("/roles"), http.StatusForbidden)
	mustStatus(t, vera.call("GET", "/api/key/v1", nil, nil), http.StatusForbidden)
	list := vera.open("/history")
	list.mustContain(t, "Refused", "GET /api/key/v1")
	list.mustNotContain(t, "Role created", "Signed in", "nora@acme.test", "see the list of roles")
	vera.open("/history?entity="+m.role).mustContain(t, "Nothing matches")

	// Who may not read an entry can't tell whether it exists.
	known, unknown := vera.open("/history/"+m.anEntry("type=STS_ROLE")), vera.open("/history/00000000-0000-4000-8000-000000000000")
	if mask := regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`); known.status != http.StatusForbidden || unknown.status != known.status ||
		mask.ReplaceAllString(known.body, "") != mask.ReplaceAllString(unknown.body, "") {
		t.Errorf("an entry that exists is answered unlike one that does not: %d, %d", known.status, unknown.status)
	}
	own := regexp.MustCompile(`href="(/history/[0-9a-f-]{36})"`).FindStringSubmatch(list.body)
	p := vera.open(own[1])
	mustStatus(t, p, http.StatusForbidden)
	p.mustContain(t, "HISTORY_DETAIL", "in Ministry of Mobility")
}

func TestDeskSwitches(t *testing.T) {
	m := startMinistry(t)
	second := m.create("/api/organisation/v1", map[string]any{"name": "City"})
	m.mapTo("Acme Audit", second, m.role)
	foreign := m.create("/api/organisation/v1", map[string]any{"name": "Foreign affairs"})
	otto := m.as("otto@acme.test")
	otto.open("/").mustContain(t, "Choose an organisation")
	for _, target := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "/\t/evil.example", "javascript:alert(1)", "", "http:evil", "/%0d%0aSet-Cookie:x=y"} {
		for path, values := range map[string]url.Values{"/session/organisation": {"organisation": {second}}, "/session/theme": {"theme": {"dark"}}} {
			values.Set("return", target)
			if p := otto.submit(path, values); p.url.Scheme+"://"+p.url.Host != m.Info.PublicURL {
				t.Errorf("%s with %q leads to %s", path, target, p.url)
			}
		}
	}
	otto.submit("/session/organisation", url.Values{"organisation": {second}, "return": {"/history?page=2"}}).mustContain(t, "History", "City")
	otto.open("/").mustContain(t, `data-theme="dark"`, "you work here")
	otto.submit("/session/theme", url.Values{"theme": {""}, "return": {"/"}}).mustContain(t, `data-theme=""`)
	mustStatus(t, otto.submit("/session/theme", url.Values{"theme": {"pink"}}), http.StatusBadRequest)

	// An organisation that is not theirs is answered like one that does not exist.
	bodies := map[string]bool{}
	for _, id := range []string{foreign, "00000000-0000-4000-8000-000000000000"} {
		p := otto.submit("/session/organisation", url.Values{"organisation": {id}})
		mustStatus(t, p, http.StatusBadRequest)
		p.mustNotContain(t, "Foreign affairs", "our fault")
		bodies[p.body] = true
	}
	if len(bodies) != 1 {
		t.Error("the answers differ")
	}
	mustStatus(t, otto.submit("/session/organisation", url.Values{"organisation": {"nonsense"}}), http.StatusBadRequest)
}

func TestDeskHostileRequests(t *testing.T) {
	m := startMinistry(t)
	ada := m.ada
	big := ada.submit("/roles/new", url.Values{"name": {strings.Repeat("x", 1<<20)}})
	mustStatus(t, big, http.StatusRequestEntityTooLarge)
	big.mustContain(t, "too large", "Nothing was changed.")
	big.mustNotContain(t, "our fault")

	raw := func(body string, header ...string) answer {
		req := ada.request("POST", "/roles/new", strings.NewReader(body))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Accept", "text/html")
		req.Header.Set("Sec-Fetch-Site", "same-origin")
		for i := 0; i < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		return ada.do(req)
	}
	for _, body := range []string{"name=%ff&do=next", "name=%zz&do=next", "name=a;b=c&do=next"} {
		if p := raw(body); p.status != http.StatusBadRequest || !strings.Contains(p.body, "Nothing was changed.") {
			t.Errorf("%s: expected 400 in plain words, got %d", body, p.status)
		}
	}
	for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Sec-Fetch-Site", "", "Origin", "null"}} {
		p := raw("name=x&permissions=PROOF_LIST&do=save&step=2", header...)
		mustStatus(t, p, http.StatusForbidden)
		p.mustContain(t, "This came from another site", "Nothing was changed.")
	}
	ada.open("/roles").mustNotContain(t, ">x<")

	// An address puts no words into our mouth, and markup in one is text.
	ada.open("/roles?done=You+are+fired").mustNotContain(t, "You are fired")
	ada.open("/roles?done=role-deleted").mustContain(t, "The role is deleted.")
	ada.open("/roles?q=%3Cscript%3Ealert(1)%3C/script%3E").mustNotContain(t, "<script>alert")
	script := m.create("/api/sts/role/v1", map[string]any{"name": `<script>alert(1)</script>"'`, "permissions": []string{"KEY_LIST"}})
	for _, path := range []string{"/roles", "/roles/" + script, "/roles/" + script + "/edit", "/roles/" + script + "/delete", "/access/new", "/history"} {
		p := ada.open(path)
		p.mustNotContain(t, "<script>alert")
		if csp := p.header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", path, csp)
		}
	}

	// A session that ended while a form was filled in.
	gone := m.as("ada@acme.test")
	form := gone.open("/roles/new")
	gone.submit("/logout", nil)
	p := gone.next(form, "next", "name", "x")
	mustStatus(t, p, http.StatusUnauthorized)
	p.mustContain(t, "You are no longer signed in", "was not saved")
}
