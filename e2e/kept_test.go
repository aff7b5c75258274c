package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// gone is somebody whose session has ended while they had a page open.
func (p *portico) gone(login, path string) (*browser, answer) {
	b := p.browser()
	form := b.signIn(path, login)
	b.submit("/logout", nil)
	return b, form
}

// signInAndGoOn follows the page's way back.
func (b *browser) signInAndGoOn(p answer, login string) answer {
	b.t.Helper()
	_, rest, found := strings.Cut(p.body, `href="/login?return=`)
	if !found {
		b.t.Fatalf("no way to sign in: %s", said(p.body))
	}
	back, _, _ := strings.Cut(rest, `"`)
	return b.signIn("/login?return="+back, login)
}

// TestAFormOutlivesItsSession: sent after the session had ended, it is shown again to whoever sent it, filled in; nothing
// is saved before they send it.
func TestAFormOutlivesItsSession(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		p := start(t, nil)
		s := seeded(t, p)
		for what, c := range map[string]struct {
			path string
			form []string // what is typed
			do   string
			kept url.Values // what the form shows
			said string     // what is there only once it is saved
			list string
		}{
			"a new role": {
				"/roles/new",
				[]string{"name", "Kept role", "permissions", "KEY_LIST,STS_ROLE_LIST", "step", "2"},
				"save",
				url.Values{"name": {"Kept role"}, "permissions": {"KEY_LIST", "STS_ROLE_LIST"}},
				"Kept role", "/roles",
			},
			"a role": {
				"/roles/" + s.role.ID + "/edit",
				[]string{"name", "Renamed role", "step", "2"},
				"save",
				url.Values{"name": {"Renamed role"}},
				"Renamed role", "/roles",
			},
			"new access": {
				"/access/new",
				[]string{"name", "Kept group", "organisation", s.acme.ID, "role", s.role.ID, "step", "3", "acknowledged", "Kept group"},
				"save",
				url.Values{"name": {"Kept group"}, "organisation": {s.acme.ID}, "role": {s.role.ID}},
				"Kept group", "/access",
			},
			"access": {
				"/access/" + s.access.ID + "/edit",
				[]string{"name", "Renamed group", "step", "3", "acknowledged", "Renamed group"},
				"save",
				url.Values{"name": {"Renamed group"}},
				"Renamed group", "/access",
			},
			"a new organisation": {
				"/organisations/new",
				[]string{"name", "Kept & <b>organisation</b>", "newID", "7d0c3b32-9a52-4c58-8a30-5f2b0f0c8c11"},
				"save",
				url.Values{"name": {"Kept & <b>organisation</b>"}, "newID": {"7d0c3b32-9a52-4c58-8a30-5f2b0f0c8c11"}},
				"Kept &amp;", "/organisations",
			},
			"an organisation": {
				"/organisations/" + s.acme.ID + "/edit",
				[]string{"name", "Renamed organisation"},
				"save",
				url.Values{"name": {"Renamed organisation"}},
				"Renamed organisation", "/organisations",
			},
		} {
			t.Run(what, func(t *testing.T) {
				b, form := p.gone("ada@acme.test", c.path)
				late := b.next(form, c.do, c.form...)
				mustStatus(t, late, http.StatusUnauthorized)
				late.mustContain(t, "You are no longer signed in", "nothing is lost")
				again := b.signInAndGoOn(late, "ada@acme.test")
				mustStatus(t, again, http.StatusOK)
				again.mustContain(t, "You are signed in again", "nothing of it is saved yet")
				fields := again.fields()
				for field, want := range c.kept {
					if got := fields[field]; strings.Join(got, ",") != strings.Join(want, ",") {
						t.Errorf("%s: expected %q, got %q", field, want, got)
					}
				}
				b.open(c.list).mustNotContain(t, c.said)
				reloaded := b.open(again.url.RequestURI()) // a second look does not lose it
				if reloaded.fields().Get("name") != c.kept.Get("name") {
					t.Error("lost by a reload")
				}
				b.next(reloaded, c.do, c.form...) // the steps of the wizards are walked elsewhere
				b.open(again.url.RequestURI()).mustContain(t, "is not kept any more")
			})
		}
	})
}

func TestAKeptFormIsItsSendersAlone(t *testing.T) {
	m := startMinistry(t, start)
	m.grant("Acme Issuance", "STS_ROLE_CREATE", "STS_ROLE_LIST")
	p := m.portico

	b, form := p.gone("ada@acme.test", "/roles/new")
	late := b.next(form, "next", "name", "Canary role", "permissions", "KEY_LIST")
	other := b.signInAndGoOn(late, "ivan@acme.test") // may make roles too, in the same browser
	mustStatus(t, other, http.StatusOK)
	other.mustContain(t, "is not kept any more")
	other.mustNotContain(t, "Canary role")
	if other.fields().Has("form") {
		t.Error("somebody else's form may be dropped by them")
	}

	// What ada had opened is not sent as ivan.
	opened := b.next(form, "next", "name", "Canary role", "permissions", "KEY_LIST")
	mustStatus(t, opened, http.StatusBadRequest)
	opened.mustContain(t, "Somebody else had opened this form", "Nothing was changed")

	b.submit("/logout", nil)
	b.signInAndGoOn(late, "ada@acme.test").mustContain(t, "Canary role", "You are signed in again")

	// In another browser, or without permission, there is nothing to see.
	elsewhere := p.browser()
	elsewhere.signInAndGoOn(late, "ada@acme.test").mustNotContain(t, "Canary role")
	nora := p.browser()
	mustStatus(t, nora.signInAndGoOn(late, "nora@acme.test"), http.StatusForbidden)
}

// TestNobodyElsePlantsAForm: what another site sends is not kept, nor what none of our pages made.
func TestNobodyElsePlantsAForm(t *testing.T) {
	p := start(t, nil)
	b, form := p.gone("ada@acme.test", "/roles/new")
	values := form.fields()
	values.Set("name", "Planted role")
	values.Set("permissions", "KEY_LIST")
	for rule, c := range map[string]struct {
		site, origin string
		change       func(url.Values)
	}{
		"another site":          {"cross-site", "https://evil.test", nil},
		"a neighbour":           {"same-site", p.Info.PublicURL, nil},
		"an origin alone":       {"", "https://evil.test", nil},
		"a hidden origin":       {"", "null", nil},
		"not from a page":       {"", "", nil},
		"without a mark":        {"same-origin", p.Info.PublicURL, func(v url.Values) { v.Del("owner") }},
		"a mark of another one": {"same-origin", p.Info.PublicURL, func(v url.Values) { v.Set("owner", v.Get("owner")[1:]) }},
	} {
		sent := url.Values{}
		for field := range values {
			sent[field] = append([]string(nil), values[field]...)
		}
		if c.change != nil {
			c.change(sent)
		}
		req := b.request("POST", "/roles/new", strings.NewReader(sent.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Accept", "text/html")
		for name, value := range map[string]string{"Sec-Fetch-Site": c.site, "Origin": c.origin} {
			if value != "" {
				req.Header.Set(name, value)
			}
		}
		got := b.do(req)
		if got.status != http.StatusUnauthorized || strings.Contains(got.body, "nothing is lost") || strings.Contains(got.header.Get("Set-Cookie"), "form") {
			t.Errorf("%s: got %d, %q: %s", rule, got.status, got.header.Get("Set-Cookie"), said(got.body))
		}
		b.signInAndGoOn(got, "ada@acme.test").mustNotContain(t, "Planted role")
		b.submit("/logout", nil)
	}
}

// TestALargeFormWaitsInItsPage: what no cookie holds is carried by the page itself.
func TestALargeFormWaitsInItsPage(t *testing.T) {
	p := start(t, nil)
	seeded(t, p)
	b, form := p.gone("ada@acme.test", "/explain")
	var names strings.Builder
	for i := range 4000 {
		names.WriteString(strings.Repeat(string(rune('a'+i%26)), 3+i*7%11) + string(rune('a'+i*i%23)) + string(rune('a'+i*i*i%17)) + "\n")
	}
	late := b.next(form, "enter", "iamRoles", strings.ReplaceAll(names.String(), ",", ""), "token", "canary")
	mustStatus(t, late, http.StatusUnauthorized)
	late.mustContain(t, "as long as this page stays open", "Show my form again")
	still := b.next(late, "")
	mustStatus(t, still, http.StatusUnauthorized)
	b.signIn("/", "ada@acme.test")
	again := b.next(still, "")
	mustStatus(t, again, http.StatusOK)
	again.mustContain(t, "You are signed in again", "aaaaaaa")
	again.mustNotContain(t, "canary")
	other := p.browser()
	other.signIn("/", "ivan@acme.test")
	if got := other.next(still, ""); strings.Contains(got.body, "aaaaaaa") {
		t.Errorf("somebody else sees it: %d", got.status)
	}
}

// TestWhatIsNotKeptLeadsBack: a confirmation is asked again, and a sign-in leads to where it is asked.
func TestWhatIsNotKeptLeadsBack(t *testing.T) {
	p := start(t, nil)
	s := seeded(t, p)
	b, form := p.gone("ada@acme.test", "/organisations/"+s.acme.ID+"/deactivate")
	late := b.next(form, "confirm", "confirm", "Acme")
	late.mustContain(t, "was not saved")
	again := b.signInAndGoOn(late, "ada@acme.test")
	if again.url.Path != "/organisations/"+s.acme.ID+"/deactivate" || again.fields().Get("confirm") != "" {
		t.Errorf("got %s, %q", again.url, again.fields())
	}
	b.submit("/logout", nil)
	if got := b.signInAndGoOn(b.submit("/session/theme", url.Values{"theme": {"dark"}}), "ada@acme.test"); got.url.Path != "/" {
		t.Errorf("got %s", got.url)
	}
}
