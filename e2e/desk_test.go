package e2e

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

func TestDeskDirectVisits(t *testing.T) {
	m := startMinistry(t, start)
	entry := m.anEntry("type=STS_ROLE")
	pages := map[string]string{ // and what they need
		"/roles": "STS_ROLE_LIST", "/roles/new": "STS_ROLE_CREATE", "/roles/" + m.role: "STS_ROLE_DETAIL",
		"/roles/" + m.role + "/edit": "STS_ROLE_EDIT", "/roles/" + m.role + "/delete": "STS_ROLE_DELETE",
		"/access": "STS_IAM_ROLE_LIST", "/access/matrix": "STS_IAM_ROLE_LIST", "/access/loose-ends": "STS_IAM_ROLE_LIST", "/requests": "STS_IAM_ROLE_LIST", "/access/new": "STS_IAM_ROLE_CREATE", "/access/" + m.access: "STS_IAM_ROLE_DETAIL",
		"/access/" + m.access + "/edit": "STS_IAM_ROLE_EDIT", "/access/" + m.access + "/delete": "STS_IAM_ROLE_DELETE",
		"/organisations": "STS_ORGANISATION_LIST", "/organisations/new": "STS_ORGANISATION_CREATE", "/organisations/" + m.organisation: "STS_ORGANISATION_DETAIL",
		"/organisations/" + m.organisation + "/edit":             "STS_ORGANISATION_EDIT",
		"/organisations/" + m.organisation + "/deactivate":       "STS_ORGANISATION_EDIT",
		"/organisations/" + m.organisation + "/reactivate":       "STS_ORGANISATION_EDIT",
		"/organisations/" + m.organisation + "/four-eyes/demand": "STS_IAM_ROLE_EDIT",
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

// TestDeskPartialPermissions: a page about one kind of thing does not tell about others that the person may not see.
func TestDeskPartialPermissions(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		m := startMinistry(t, start)
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
	})
}

func TestDeskOrganisations(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		m := startMinistry(t, start)
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
	})
}

func TestDeskHistory(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		m := startMinistry(t, start)
		ada := m.ada
		ada.open("/history?from=yesterday&to=2026-99-01").mustContain(t, "2 things need your attention", "Expected a day")
		ada.open("/history?from=1999-01-01&to=1999-01-02").mustContain(t, "Nothing matches")
		ada.open("/history?entity="+m.role).mustContain(t, "Only entries about", "Role created")
		ada.open("/history/timeline?entity="+m.role).mustContain(t, `class="timeline"`, "Role created", `href="/history?dir=desc&amp;entity=`+m.role)
		ada.open("/roles/"+m.role).mustContain(t, "/history/timeline?entity="+m.role)
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
		vera.open("/history/timeline?entity="+m.role).mustContain(t, "Nothing matches")
		for _, path := range []string{"/history", "/history/timeline"} { // an address names no other organisation's history
			vera.open(path+"?organisation=00000000-0000-4000-8000-000000000000").mustNotContain(t, "Only entries in", "Nothing matches")
		}

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
	})
}

func TestDeskSwitches(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		m := startMinistry(t, start)
		second := m.create("/api/organisation/v1", map[string]any{"name": "City"})
		m.mapTo("Acme Audit", second, m.role)
		foreign := m.create("/api/organisation/v1", map[string]any{"name": "Foreign affairs"})
		otto := m.as("otto@acme.test")
		otto.open("/").mustContain(t, "Choose an organisation")
		for _, target := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "/\t/evil.example", "javascript:alert(1)", "", "http:evil", "/%0d%0aSet-Cookie:x=y"} {
			for path, values := range map[string]url.Values{"/session/organisation": {"organisation": {second}}, "/session/theme": {"theme": {"dark"}}, "/session/language": {"language": {"en"}}} {
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
	})
}

func TestDeskHostileRequests(t *testing.T) {
	m := startMinistry(t, start)
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
	p.mustContain(t, "You are no longer signed in", "Nothing is saved, and nothing is lost")
}
