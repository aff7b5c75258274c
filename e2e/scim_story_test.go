package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

// provisioned is a Portico to which its Okta pushes.
type provisioned struct {
	*served
	t      *testing.T
	ada    *browser
	scim   *scimClient
	push   func()
	people map[string]*browser
}

func newProvisioned(t *testing.T, database store.Config) *provisioned {
	s := scimServed(t, database)
	p := &provisioned{served: s, t: t, ada: browserAt(t, s.publicURL), scim: &scimClient{t, s.publicURL, scimToken}, people: map[string]*browser{}}
	okta := s.okta.NewProvisioner(s.publicURL+"/scim/v2", scimToken)
	p.push = func() {
		t.Helper()
		if err := okta.Push(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	p.push()
	p.ada.signIn("/", "ada@acme.test")
	return p
}

// as is a fresh sign-in.
func (p *provisioned) as(login string) *browser {
	b := browserAt(p.t, p.publicURL)
	b.signIn("/", login)
	return b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestProvisionedGroups is the story of a group: pushed, mapped by name in the Desk, renamed in Okta, found among the loose ends,
// moved to its new name; and of somebody who leaves.
func TestProvisionedGroups(t *testing.T) {
	for _, engine := range testdb.Engines {
		t.Run(engine, func(t *testing.T) {
			p := newProvisioned(t, testdb.Config(t, engine))
			organisation := p.ada.create("/api/organisation/v1", map[string]any{"name": "Acme"})
			role := p.ada.create("/api/sts/role/v1", map[string]any{"name": "Issuer", "permissions": []string{"CREDENTIAL_LIST", "HISTORY_LIST"}})

			wizard := p.ada.open("/access/new")
			wizard.mustContain(t, `list="provisioned-groups"`, `<option value="Acme Issuance">1 member</option>`, `<option value="Acme Verification">2 members</option>`, "groups are provisioned from the directory")
			assign := p.ada.next(wizard, "next", "name", "Acme Issuance")
			review := p.ada.next(assign, "next", "addOrganisation", organisation, "addRole", role)
			p.ada.next(review, "save").mustContain(t, "The access is saved")
			detail := p.ada.open(p.ada.loose("Acme Issuance"))
			detail.mustContain(t, "Group in the directory", "1 member")
			p.ada.open("/access/loose-ends?kind=GROUP_RENAMED").mustContain(t, "group renamed (0)")

			ivan := p.as("ivan@acme.test")
			reads := func(b *browser) int { return b.in(organisation, "GET", "/api/history/v1").status }
			if got := reads(ivan); got != http.StatusOK {
				t.Fatalf("he may read: %d", got)
			}

			must(t, p.okta.RenameGroup("Acme Issuance", "Acme Issuers"))
			p.push()
			if got := reads(ivan); got != http.StatusForbidden {
				t.Errorf("with a token of before the renaming: %d", got)
			}
			list := p.ada.open("/access/loose-ends")
			list.mustContain(t, "group renamed", "is called", "Acme Issuers", "Move to the new name")
			move := p.ada.link(list, "Move to the new name")
			move.mustContain(t, "Acme Issuers")
			review = p.ada.next(move, "next")
			p.ada.next(review, "save").mustContain(t, "The access is saved")
			p.ada.open("/access/loose-ends").mustNotContain(t, "Move to the new name")
			moved := p.as("ivan@acme.test")
			if got := reads(moved); got != http.StatusOK {
				t.Errorf("by the new name: %d", got)
			}

			must(t, p.okta.SetUserGroups("ivan@acme.test"))
			p.push()
			p.ada.open("/access/loose-ends?q=Acme+Issuers").mustContain(t, "group without members")

			must(t, p.okta.SetUserActive("ivan@acme.test", false))
			p.push()
			mustStatus(t, moved.call("GET", "/api/user/v1/me", nil, nil), http.StatusUnauthorized)
			p.interrupt(t)
		})
	}
}

// loose finds the page of an access.
func (b *browser) loose(name string) string {
	b.t.Helper()
	var found struct {
		Values []struct{ ID, Name string }
	}
	mustStatus(b.t, b.call("GET", "/api/sts/iam-role/v1", nil, &found), http.StatusOK)
	for _, v := range found.Values {
		if v.Name == name {
			return "/access/" + v.ID
		}
	}
	b.t.Fatalf("there is no access %s", name)
	return ""
}

// link follows the first link of that text.
func (b *browser) link(p answer, text string) answer {
	b.t.Helper()
	at := strings.Index(p.body, ">"+text)
	if at < 0 {
		b.t.Fatalf("there is no link %q", text)
	}
	before := p.body[:at]
	_, address, _ := strings.Cut(before[strings.LastIndex(before, "<a "):], `href="`)
	address, _, _ = strings.Cut(address, `"`)
	return b.open(strings.ReplaceAll(address, "&amp;", "&"))
}

// TestNT46_ARecreatedGroupDoesNotInherit: neither one that is made anew by the name of a deleted one, nor one that takes the name of
// a renamed one; until an administrator confirms it, which the history tells. A mapping that was made for a name alone stays.
func TestNT46_ARecreatedGroupDoesNotInherit(t *testing.T) {
	for _, engine := range testdb.Engines {
		t.Run(engine, func(t *testing.T) {
			p := newProvisioned(t, testdb.Config(t, engine))
			organisation := p.ada.create("/api/organisation/v1", map[string]any{"name": "Acme"})
			role := p.ada.create("/api/sts/role/v1", map[string]any{"name": "Reader", "permissions": []string{"CREDENTIAL_LIST", "HISTORY_LIST"}})
			mapping := p.ada.mayEverywhere("Acme Issuance", role, organisation)
			typed := p.ada.mayEverywhere("Acme Batch", role, organisation) // of a name that is no group
			reads := func(b *browser) int { return b.in(organisation, "GET", "/api/history/v1").status }
			if got := reads(p.as("ivan@acme.test")); got != http.StatusOK {
				t.Fatalf("he may read: %d", got)
			}

			must(t, p.okta.DeleteGroup("Acme Issuance"))
			p.push()
			must(t, p.okta.SetUserGroups("vera@acme.test", "Acme Issuance")) // made anew, for somebody else
			p.push()
			vera := p.as("vera@acme.test")
			if got := reads(vera); got != http.StatusForbidden {
				t.Fatalf("the new group inherits: %d", got)
			}
			p.ada.open("/access/loose-ends").mustContain(t, "group deleted", "another one has its name", "Confirm access")
			p.ada.open("/access/"+mapping).mustContain(t, "deleted", "Confirm access")
			var findings struct {
				Values []struct{ Kind, Sentence string }
			}
			mustStatus(t, p.ada.call("GET", "/api/sts/finding/v1?kind[]=GROUP_DELETED", nil, &findings), http.StatusOK)
			if len(findings.Values) != 1 {
				t.Errorf("found %+v", findings)
			}
			var why struct{ Sentence, Reason string }
			p.ada.call("POST", "/api/sts/explain/v1", map[string]any{"iamRoles": []string{"Acme Issuance"}, "permission": "CREDENTIAL_LIST", "organisationId": organisation}, &why)
			if !strings.Contains(why.Sentence, "does not count") {
				t.Errorf("explained: %+v", why)
			}
			var row struct {
				Group *struct {
					ID, Name string
					Counts   bool
				}
			}
			mustStatus(t, p.ada.call("GET", "/api/sts/iam-role/v1/"+mapping, nil, &row), http.StatusOK)
			if row.Group == nil || row.Group.Counts || row.Group.Name != "" {
				t.Errorf("shown: %+v", row.Group)
			}
			// An edit of something else is no confirmation, by the Desk, the API or a file.
			p.ada.mustPatch(mapping, map[string]any{"organisationRoles": map[string]any{organisation: []string{role}}})
			if got := reads(vera); got != http.StatusForbidden {
				t.Errorf("after an edit: %d", got)
			}

			confirm := p.ada.open("/access/" + mapping + "/confirm")
			confirm.mustContain(t, "whichever group it was made for", "gain")
			p.ada.next(confirm, "").mustContain(t, "The access is saved")
			if got := reads(vera); got != http.StatusOK {
				t.Errorf("confirmed: %d", got)
			}
			var history struct {
				Values []struct{ ID, Action, User string }
			}
			p.ada.call("GET", "/api/history/v1?page=0&pageSize=50&showSystemHistory=true&entityIds[]="+mapping, nil, &history)
			told := ""
			for _, e := range history.Values {
				told += p.ada.call("GET", "/api/history/v1/"+e.ID, nil, nil).body
			}
			for _, part := range []string{"its group was deleted in the directory", "confirmed: it counts for whoever carries the name", "what became of its group"} {
				if !strings.Contains(told, part) {
					t.Errorf("the history does not say %q: %s", part, told)
				}
			}

			// The name of a renamed group, taken by another one.
			must(t, p.okta.RenameGroup("Acme Issuance", "Acme Old"))
			must(t, p.okta.SetUserGroups("otto@acme.test", "Acme Issuance"))
			p.push()
			if got := reads(p.as("otto@acme.test")); got != http.StatusForbidden {
				t.Errorf("who took the name of a renamed one inherits: %d", got)
			}
			mustStatus(t, p.ada.call("GET", "/api/sts/iam-role/v1/"+typed, nil, &row), http.StatusOK)
			p.ada.open("/access/"+typed).mustContain(t, "None of this name is provisioned")
			p.interrupt(t)
		})
	}
}

// mustPatch changes a mapping by its present revision.
func (b *browser) mustPatch(mapping string, body map[string]any) {
	b.t.Helper()
	path := "/api/sts/iam-role/v1/" + mapping
	resp, err := b.client.Do(b.request("GET", path, nil))
	if err != nil {
		b.t.Fatal(err)
	}
	resp.Body.Close()
	encoded, err := json.Marshal(body)
	if err != nil {
		b.t.Fatal(err)
	}
	req := b.request("PATCH", path, strings.NewReader(string(encoded)))
	req.Header.Set("If-Match", resp.Header.Get("ETag"))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	mustStatus(b.t, b.do(req), http.StatusNoContent)
}
