package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func decode(t *testing.T, a answer, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), into); err != nil {
		t.Fatalf("%s: %v in %.300s", a.url, err, a.body)
	}
}

// TestDeskForms: every mistake in a form is named at the form, what was typed stays, and nothing is stored.
func TestDeskForms(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		p := start(t, nil)
		s := seeded(t, p)
		role, access := "/roles/"+s.role.ID, "/access/"+s.access.ID
		values := func(pairs ...string) string {
			v := url.Values{}
			for i := 0; i < len(pairs); i += 2 {
				v.Add(pairs[i], pairs[i+1])
			}
			return v.Encode()
		}
		const form = "application/x-www-form-urlencoded"
		for name, test := range map[string]struct {
			path, contentType, body string
			status                  int
			says                    string
		}{
			"role without a name":              {"/roles/new", form, values("permissions", "KEY_LIST", "do", "next"), 422, "field-error"},
			"role without permissions":         {"/roles/new", form, values("name", "typed name", "do", "next"), 422, "Choose at least one permission"},
			"role keeps what was typed":        {"/roles/new", form, values("name", "typed name", "do", "next"), 422, `value="typed name"`},
			"role with a control character":    {"/roles/new", form, values("name", "a\x07b", "permissions", "KEY_LIST", "do", "next"), 422, "control"},
			"role with bytes that are no text": {"/roles/new", form, "name=a%ff%feb&permissions=KEY_LIST&do=next", 400, "UTF-8"},
			"role with a long name":            {"/roles/new", form, values("name", strings.Repeat("x", 256), "permissions", "KEY_LIST", "do", "next"), 422, "255"},
			"role with a reserved name":        {"/roles/new", form, values("name", "one_sts_admin", "permissions", "KEY_LIST", "do", "next"), 422, "reserved"},
			"role with a name that is taken":   {"/roles/new", form, values("name", "Issuer", "permissions", "KEY_LIST", "do", "next"), 422, "Another role has this name"},
			"role with an unknown permission":  {"/roles/new", form, values("name", "x", "permissions", "FLY", "do", "next"), 422, "FLY"},
			"role saved without a review":      {"/roles/new", form, values("name", "x", "permissions", "KEY_LIST", "do", "save"), 200, "The new role"},
			"NT51 markup in a name":            {"/roles/new", form, values("name", `<b onclick="x">`, "do", "next"), 422, `value="&lt;b onclick=&#34;x&#34;&gt;"`},
			"role that is not there":           {"/roles/" + acmeID + "/edit", form, values("name", "x"), 404, ""},
			"role whose id is no id":           {"/roles/7/edit", form, values("name", "x"), 404, ""},
			"a mapped role is not deleted":     {role + "/delete", form, values("version", "1"), 409, "Acme Issuance"},
			"access without a name":            {"/access/new", form, values("step", "1"), 422, "field-error"},
			"access with a control character":  {"/access/new", form, values("step", "1", "name", "a\nb"), 422, "control"},
			"access that is there already":     {"/access/new", form, values("step", "1", "name", "Acme Issuance"), 422, "mapped already"},
			"access for the reserved role":     {"/access/new", form, values("step", "1", "name", "ONE_STS_ADMIN"), 422, "reserved"},
			"NT46 a near miss is warned of":    {"/access/new", form, values("step", "1", "name", "acme issuance"), 200, "differs only in case or blanks"},
			"NT46 a blank is warned of":        {"/access/new", form, values("step", "1", "name", "Acme Audit "), 200, "blank"},
			"access to nothing":                {"/access/new", form, values("step", "2", "name", "X", "do", "next"), 422, "Choose an organisation and a role"},
			"access with half a row":           {"/access/new", form, values("step", "2", "name", "X", "addOrganisation", s.acme.ID, "do", "next"), 422, "Choose a role"},
			"access with an unknown place":     {"/access/new", form, values("step", "2", "name", "X", "addOrganisation", acmeID, "addRole", s.role.ID, "do", "add"), 422, "Choose an organisation"},
			"access with uneven rows":          {"/access/new", form, values("step", "2", "name", "X", "organisation", s.acme.ID), 400, "as many organisations as roles"},
			"access that is not there":         {"/access/" + acmeID + "/edit", form, values("step", "2"), 404, ""},
			"organisation without a name":      {"/organisations/new", form, values("name", " "), 422, "field-error"},
			"organisation whose id is no id":   {"/organisations/new", form, values("name", "typed name", "newID", "7"), 422, "typed name"},
			"organisation whose id is taken":   {"/organisations/new", form, values("name", "Acme 2", "newID", s.acme.ID), 422, "field-error"},
			"organisation, control character":  {"/organisations/new", form, values("name", "a\x00b"), 422, "control"},
			"organisation that is not there":   {"/organisations/" + acmeID + "/edit", form, values("name", "x"), 404, ""},
			"theme that is none":               {"/session/theme", form, values("theme", "pink"), 400, "theme"},
			"language that is none":            {"/session/language", form, values("language", "tlh"), 400, "Expected one that is offered"},
			"text/plain is no form":            {"/roles/new", "text/plain", "name=x", 422, "field-error"},
			"JSON is no form":                  {"/roles/new", "application/json", `{"name":"x"}`, 422, "field-error"},
			"malformed form":                   {"/roles/new", form, "name=%zz", 400, "could not be read"},
			"more than a mebibyte":             {"/roles/new", form, "name=" + strings.Repeat("x", 1<<20), 413, "1 MiB"},
			"a page that takes no form":        {role, form, "", 405, ""},
			"an old version is not deleted":    {access + "/delete", form, values("version", "-7"), 409, "changed in the meantime"},
		} {
			t.Run(name, func(t *testing.T) {
				got := s.ada.post(test.path, test.contentType, test.body)
				if got.status != test.status || !strings.Contains(got.body, test.says) {
					t.Errorf("expected %d and %q, got %d: %s", test.status, test.says, got.status, said(got.body))
				}
			})
		}
		var roles, mappings, organisations struct{ TotalItems int }
		s.ada.call("GET", "/api/sts/role/v1", nil, &roles)
		s.ada.call("GET", "/api/sts/iam-role/v1", nil, &mappings)
		s.ada.call("GET", "/api/organisation/v1", nil, &organisations)
		if roles.TotalItems != 1 || mappings.TotalItems != 1 || organisations.TotalItems != 2 {
			t.Errorf("something was stored: %d roles, %d mappings, %d organisations", roles.TotalItems, mappings.TotalItems, organisations.TotalItems)
		}
	})
}

// said is the middle of a page, where it says what is wrong.
func said(body string) string {
	if _, main, ok := strings.Cut(body, "<main"); ok {
		body = main
	}
	return fmt.Sprintf("%.1500s", body)
}

// TestTwoPeopleEditOneAccess: the second is told, sees what they typed, and may insist.
func TestTwoPeopleEditOneAccess(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		p := start(t, nil)
		s := seeded(t, p)
		path := "/access/" + s.access.ID + "/edit"
		version := hiddenValue(t, s.ada.open(path).body, "version")
		tag := s.ada.call("GET", "/api/sts/iam-role/v1/"+s.access.ID, nil, nil).header.Get("ETag")
		for _, status := range []int{http.StatusNoContent, http.StatusPreconditionFailed} {
			req := s.ada.request("PATCH", "/api/sts/iam-role/v1/"+s.access.ID, strings.NewReader(`{"systemRoles":[]}`))
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("Sec-Fetch-Site", "same-origin")
			req.Header.Set("If-Match", tag)
			mustStatus(t, s.ada.do(req), status)
		}
		mine := url.Values{
			"name": {"Acme Issuance"}, "acknowledged": {"Acme Issuance"}, "version": {version}, "step": {"3"}, "do": {"save"},
			"organisation": {s.other.ID}, "role": {s.role.ID},
		}
		got := s.ada.submit(path, mine)
		if got.status != http.StatusConflict {
			t.Errorf("expected 409, got %d", got.status)
		}
		got.mustContain(t, "Somebody changed this access", "Other")
		mine.Set("version", hiddenValue(t, got.body, "version"))
		mine.Set("mapping", hiddenValue(t, got.body, "mapping"))
		s.ada.submit(path, mine).mustContain(t, "The access is saved.", "Other")
	})
}

func hiddenValue(t *testing.T, body, name string) string {
	t.Helper()
	for _, input := range hiddenInput.FindAllString(body, -1) {
		if n := nameAttr.FindStringSubmatch(input); n != nil && n[1] == name {
			if v := valueAttr.FindStringSubmatch(input); v != nil {
				return unescape(v[1])
			}
		}
	}
	t.Fatalf("there is no hidden %s in %s", name, said(body))
	return ""
}

// pages are the Desk's addresses, and who may open them.
func (s seed) pages() map[string]bool { // true: administrators only
	return map[string]bool{
		"/": false, "/search": false, "/roles": true, "/roles/new": true, "/roles/" + s.role.ID: true, "/roles/" + s.role.ID + "/edit": true,
		"/roles/" + s.role.ID + "/delete": true, "/access": true, "/access/matrix": true, "/access/loose-ends": true, "/requests": true, "/access/new": true, "/access/" + s.access.ID: true,
		"/access/" + s.access.ID + "/edit": true, "/access/" + s.access.ID + "/delete": true, "/organisations": true,
		"/organisations/new": true, "/organisations/" + s.acme.ID: true, "/organisations/" + s.acme.ID + "/edit": true,
		"/organisations/" + s.acme.ID + "/deactivate": true, "/organisations/" + s.acme.ID + "/reactivate": true, "/history": false,
		"/keys": true, "/keys/rotation": true, "/explain": true, "/people": true, "/people/revoke": true, "/organisations/" + s.acme.ID + "/revoke": true,
		"/organisations/" + s.acme.ID + "/four-eyes/demand": true, "/organisations/" + s.acme.ID + "/four-eyes/release": true,
	}
}

// TestEveryPageByItsAddress as nobody, as a member and as the administrator.
func TestEveryPageByItsAddress(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		p := start(t, nil)
		s := seeded(t, p)
		ivan, nobody, script := p.browser(), p.browser(), p.browser()
		ivan.signIn("/", "ivan@acme.test")
		for path, administrators := range s.pages() {
			mustStatus(t, s.ada.open(path), http.StatusOK)
			got := ivan.open(path)
			if want := map[bool]int{true: 403, false: 200}[administrators]; got.status != want {
				t.Errorf("%s as Ivan: expected %d, got %d", path, want, got.status)
			}
			if administrators {
				got.mustContain(t, "You may not do this")
			}
			if got := nobody.open(path); !strings.Contains(got.body, `name="password"`) || got.url.Host == strings.TrimPrefix(p.Info.PublicURL, "http://") {
				t.Errorf("%s as nobody: expected Okta's sign-in, got %d at %s", path, got.status, got.url)
			}
			// A script that lost its session is told so; it can't sign in.
			if got := script.call("GET", path, nil, nil); got.status != http.StatusUnauthorized || got.header.Get("Content-Type") != "application/json" {
				t.Errorf("%s by a script without a session: expected 401 in JSON, got %d %s", path, got.status, got.header.Get("Content-Type"))
			}
			if got := nobody.submit(path, url.Values{"name": {"x"}}); got.status != http.StatusUnauthorized {
				t.Errorf("%s posted by nobody: expected 401, got %d", path, got.status)
			}
			if got := ivan.submit(path, url.Values{"name": {"x"}, "do": {"save"}, "step": {"2"}}); got.status != http.StatusForbidden && got.status != http.StatusMethodNotAllowed {
				t.Errorf("%s posted by Ivan: expected 403, or 405 where no form is taken, got %d", path, got.status)
			}
		}
		for _, path := range []string{"/nowhere", "/roles/" + acmeID, "/roles/7", "/access/" + acmeID, "/access/7", "/organisations/" + acmeID, "/organisations/7", "/history/" + acmeID, "/history/7", "/roles/" + s.role.ID + "/fly"} {
			if got := s.ada.open(path); got.status != http.StatusNotFound {
				t.Errorf("%s as Ada: expected 404, got %d", path, got.status)
			}
		}
	})
}
