package e2e

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// seed is a Portico in which Ivan may issue in Acme, and a second organisation in which he may nothing.
type seed struct {
	ada                       *browser
	acme, other, role, access created
}

func seeded(t *testing.T, p *portico) seed {
	t.Helper()
	s := seed{ada: p.browser()}
	s.ada.signIn("/", "ada@acme.test")
	mustStatus(t, s.ada.call("POST", "/api/organisation/v1", map[string]any{"name": "Acme"}, &s.acme), http.StatusCreated)
	mustStatus(t, s.ada.call("POST", "/api/organisation/v1", map[string]any{"name": "Other"}, &s.other), http.StatusCreated)
	mustStatus(t, s.ada.call("POST", "/api/sts/role/v1", map[string]any{"name": "Issuer", "permissions": []string{"CREDENTIAL_ISSUE", "HISTORY_LIST"}}, &s.role), http.StatusCreated)
	mustStatus(t, s.ada.call("POST", "/api/sts/iam-role/v1", map[string]any{
		"name": "Acme Issuance", "organisationRoles": map[string]any{s.acme.ID: []string{s.role.ID}},
	}, &s.access), http.StatusCreated)
	return s
}

// TestBadInput: each kind of nonsense has its status, and nothing of it is stored.
func TestBadInput(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		p := start(t, nil)
		s := seeded(t, p)
		role := "/api/sts/role/v1"
		for name, test := range map[string]struct {
			method, path, contentType, body string
			status                          int
			says                            string
		}{
			"unknown field":           {"POST", role, "application/json", `{"name":"x","permissions":[],"colour":"blue"}`, 400, "colour"},
			"unknown permission":      {"POST", role, "application/json", `{"name":"x","permissions":["FLY"]}`, 400, "FLY"},
			"member twice":            {"POST", role, "application/json", `{"name":"x","name":"y","permissions":[]}`, 400, "twice"},
			"control character":       {"POST", role, "application/json", `{"name":"a\u0007b","permissions":[]}`, 400, "control"},
			"no name":                 {"POST", role, "application/json", `{"permissions":[]}`, 400, "name"},
			"name too long":           {"POST", role, "application/json", `{"name":"` + strings.Repeat("x", 256) + `","permissions":[]}`, 400, "255"},
			"reserved name":           {"POST", role, "application/json", `{"name":"one_sts_admin","permissions":[]}`, 400, "reserved"},
			"reserved IAM role":       {"POST", "/api/sts/iam-role/v1", "application/json", `{"name":"ONE_STS_ADMIN"}`, 400, "reserved"},
			"malformed JSON":          {"POST", role, "application/json", `{"name":`, 400, "JSON"},
			"wrong kind":              {"POST", role, "application/json", `{"name":7,"permissions":[]}`, 400, "string"},
			"NT47 text/plain":         {"POST", role, "text/plain", `{"name":"x","permissions":[]}`, 415, "application/json"},
			"more than a mebibyte":    {"POST", role, "application/json", `{"name":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "bytes"},
			"duplicate name":          {"POST", role, "application/json", `{"name":"Issuer","permissions":[]}`, 409, "already"},
			"duplicate IAM role":      {"POST", "/api/sts/iam-role/v1", "application/json", `{"name":"Acme Issuance"}`, 409, "already"},
			"unknown organisation":    {"POST", "/api/sts/iam-role/v1", "application/json", `{"name":"n","organisationRoles":{"11111111-2222-3333-4444-555555555555":["` + s.role.ID + `"]}}`, 400, "does not exist"},
			"unknown role":            {"POST", "/api/sts/iam-role/v1", "application/json", `{"name":"n","organisationRoles":{"` + s.acme.ID + `":["11111111-2222-3333-4444-555555555555"]}}`, 400, "does not exist"},
			"id that is no UUID":      {"GET", role + "/1", "", "", 400, "UUID"},
			"id that is unknown":      {"GET", role + "/11111111-2222-3333-4444-555555555555", "", "", 404, ""},
			"unknown parameter":       {"GET", role + "?colour=blue", "", "", 400, "colour"},
			"page size":               {"GET", role + "?pageSize=1001", "", "", 400, "1000"},
			"unknown address of ours": {"GET", "/api/sts/colour/v1", "", "", 404, ""},
			"wrong method":            {"PUT", role, "", "", 405, "GET, POST"},
			"role still mapped":       {"DELETE", role + "/" + s.role.ID, "", "", 409, "Acme Issuance"},
			"ambiguous path":          {"GET", "/api/sts/role/v1/%2e%2e/x", "", "", 400, "path"},
			"encoded slash":           {"GET", "/api/credential%2fv1", "", "", 400, "path"},
			"unknown page":            {"GET", "/nowhere", "", "", 404, ""},
		} {
			t.Run(name, func(t *testing.T) {
				req := s.ada.request(test.method, test.path, bytes.NewReader([]byte(test.body)))
				req.Header.Set("Sec-Fetch-Site", "same-origin")
				if test.contentType != "" {
					req.Header.Set("Content-Type", test.contentType)
				}
				got := s.ada.do(req)
				if got.status != test.status || !strings.Contains(got.body, test.says) {
					t.Errorf("expected %d and %q, got %d: %.300s", test.status, test.says, got.status, got.body)
				}
			})
		}
		var roles struct{ TotalItems int }
		s.ada.call("GET", role, nil, &roles)
		if roles.TotalItems != 1 {
			t.Errorf("expected one role still, got %d", roles.TotalItems)
		}
	})
}

// TestLostUpdateIsRefused by the API and in the Desk's form, where what was typed stays.
func TestLostUpdateIsRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		p := start(t, nil)
		s := seeded(t, p)
		address := "/api/sts/role/v1/" + s.role.ID
		tag := s.ada.call("GET", address, nil, nil).header.Get("ETag")
		patch := func(tag, name string) answer {
			req := s.ada.request("PATCH", address, strings.NewReader(`{"name":"`+name+`"}`))
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("Sec-Fetch-Site", "same-origin")
			req.Header.Set("If-Match", tag)
			return s.ada.do(req)
		}
		mustStatus(t, patch(tag, "Issuer two"), http.StatusNoContent)
		mustStatus(t, patch(tag, "Issuer three"), http.StatusPreconditionFailed)
		form := url.Values{"name": {"Issuer four"}, "permissions": {"KEY_LIST"}, "version": {"1"}, "step": {"2"}, "do": {"save"}}
		got := s.ada.submit("/roles/"+s.role.ID+"/edit", form)
		if got.status != http.StatusConflict {
			t.Errorf("expected 409, got %d", got.status)
		}
		got.mustContain(t, "Issuer four", "Somebody changed this role")
	})
}

// TestAnotherOrganisationIsRefused whatever names it.
func TestAnotherOrganisationIsRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		p := start(t, nil)
		s := seeded(t, p)
		ivan := p.browser()
		ivan.signIn("/", "ivan@acme.test")
		for organisation, status := range map[string]int{
			s.acme.ID: 200, s.other.ID: 403, "11111111-2222-3333-4444-555555555555": 403, "1": 400, "": 400,
		} {
			req := ivan.request("GET", "/api/history/v1", nil)
			req.Header.Set("X-Organisation-Id", organisation)
			if got := ivan.do(req); got.status != status {
				t.Errorf("organisation %q: expected %d, got %d %s", organisation, status, got.status, got.body)
			}
		}
		mustStatus(t, ivan.call("PUT", "/api/user/v1/active-organisation", map[string]any{"organisationId": s.other.ID}, nil), http.StatusForbidden)
		mustStatus(t, ivan.call("PUT", "/api/user/v1/active-organisation", map[string]any{"organisationId": s.acme.ID}, nil), http.StatusNoContent)

		// Deactivated: nothing there any more, and it is back after reactivation.
		mustStatus(t, s.ada.call("PATCH", "/api/organisation/v1/"+s.acme.ID, map[string]any{"deactivate": true}, nil), http.StatusNoContent)
		mustStatus(t, ivan.call("GET", "/api/history/v1", nil, nil), http.StatusForbidden)
		mustStatus(t, s.ada.call("PATCH", "/api/organisation/v1/"+s.acme.ID, map[string]any{"deactivate": false}, nil), http.StatusNoContent)
		mustStatus(t, ivan.call("GET", "/api/history/v1", nil, nil), http.StatusOK)
	})
}

// TestNT08_TestNT09_NoSession: junk is never a caller.
func TestNT08_NT09_JunkIsNobody(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		p := start(t, nil)
		ada := p.browser()
		ada.signIn("/", "ada@acme.test")
		base, _ := url.Parse(p.Info.PublicURL)
		var good string
		for _, c := range ada.client.Jar.Cookies(base) {
			if c.Name == "portico_session" {
				good = c.Value
			}
		}
		flipped := "A" + good[1:]
		if good[0] == 'A' {
			flipped = "B" + good[1:]
		}
		for name, header := range map[string]http.Header{
			"nothing":                   {},
			"junk bearer":               {"Authorization": {"Bearer junk"}},
			"junk bearer, good cookie":  {"Authorization": {"Bearer junk"}, "Cookie": {"portico_session=" + good}},
			"basic, good cookie":        {"Authorization": {"Basic YTpi"}, "Cookie": {"portico_session=" + good}},
			"flipped cookie":            {"Cookie": {"portico_session=" + flipped}},
			"cut cookie":                {"Cookie": {"portico_session=" + good[:20]}},
			"cookie twice":              {"Cookie": {"portico_session=" + good + "; portico_session=" + good}},
			"NT10 identity by a header": {"X-Userinfo": {"eyJzdWIiOiJhZGEifQ"}, "X-Access-Token": {"junk"}, "X-Forwarded-User": {"ada@acme.test"}},
			"NT14 a health check":       {"User-Agent": {"kube-probe/1.30"}},
		} {
			req, _ := http.NewRequest("GET", p.Info.PublicURL+"/api/user/v1/me", nil)
			req.Header = header
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s: expected 401, got %d", name, resp.StatusCode)
			}
		}
	})
}

// TestNT18_NT21_SignIn: back to where one wanted to go, never elsewhere; and only in the browser that began.
func TestNT18_NT21_SignIn(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		p := start(t, nil)
		for _, evil := range []string{"//evil.test", `/\evil.test`, "https://evil.test/", "/%09/evil.test", "/%2f/evil.test", "javascript:alert(1)", "/a\r\nb"} {
			b := p.browser()
			if got := b.signIn("/login?return="+url.QueryEscape(evil), "nora@acme.test"); got.url.Host != strings.TrimPrefix(p.Info.PublicURL, "http://") || got.url.Path != "/" {
				t.Errorf("%q led to %s", evil, got.url)
			}
		}
		// The callback of one browser, opened in another.
		victim := p.browser()
		var callback string
		victim.client.CheckRedirect = func(req *http.Request, _ []*http.Request) error {
			if strings.Contains(req.URL.Path, "/.apisix/redirect") {
				callback = req.URL.String()
				return http.ErrUseLastResponse
			}
			return nil
		}
		victim.signIn("/", "ivan@acme.test")
		other := p.browser()
		got := other.open(callback)
		if got.status != http.StatusBadRequest {
			t.Errorf("expected 400 in another browser, got %d", got.status)
		}
		got.mustContain(t, "another browser")
		mustStatus(t, other.call("GET", "/api/user/v1/me", nil, nil), http.StatusUnauthorized)
	})
}

// TestNT47_ForeignSites can't change anything by somebody's session.
func TestNT47_ForeignSites(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		p := start(t, nil)
		ada := p.browser()
		ada.signIn("/", "ada@acme.test")
		for name, header := range map[string]http.Header{
			"no word of the browser": {},
			"another site":           {"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.test"}},
			"another origin only":    {"Origin": {"https://evil.test"}},
			"hidden origin":          {"Origin": {"null"}},
			"same site only":         {"Sec-Fetch-Site": {"same-site"}},
		} {
			req := ada.request("POST", "/api/sts/role/v1", strings.NewReader(`{"name":"x","permissions":[]}`))
			req.Header = header.Clone()
			req.Header.Set("Content-Type", "application/json")
			if got := ada.do(req); got.status != http.StatusForbidden {
				t.Errorf("%s: expected 403, got %d", name, got.status)
			}
		}
	})
}
