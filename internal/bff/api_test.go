package bff_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestCoresAnswersAreNoPagesOfOurs(t *testing.T) {
	b := newBench(t, options{})
	b.maps("all", everything())
	b.core.answer = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, "<script>")
	}
	for _, path := range []string{"/api/key/v1", "/ssi/x"} {
		got := b.call("all", "GET", path, "")
		if !strings.Contains(got.header.Get("Content-Security-Policy"), "sandbox") || got.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: got %v", path, got.header)
		}
		if want := map[bool]string{true: "no-store"}[path == "/api/key/v1"]; got.header.Get("Cache-Control") != want {
			t.Errorf("%s: Cache-Control %q", path, got.header.Get("Cache-Control"))
		}
	}
}

const noID = "6a3c0000-0000-4000-8000-00000000dead"

func TestConventionsOfOurOwnAPI(t *testing.T) {
	b := newBench(t, options{})
	const ada = "ONE_STS_ADMIN"
	created := b.call(ada, "POST", "/api/sts/role/v1", `{"name":"Issuer","permissions":["CREDENTIAL_ISSUE"]}`)
	id, _ := created.object(t)["id"].(string)
	if created.status != 201 || created.header.Get("ETag") != `"1"` || len(id) != 36 {
		t.Fatalf("got %d %s", created.status, created.body)
	}
	role := "/api/sts/role/v1/" + id
	b.call(ada, "POST", "/api/sts/iam-role/v1", fmt.Sprintf(`{"name":"Acme Issuance","organisationRoles":{%q:[%q]}}`, acme, id))
	for _, c := range []struct {
		rule, method, path, body string
		headers                  []string
		status                   int
		code, why                string
	}{
		{"read", "GET", role, "", nil, 200, "", ""},
		{"changed on what was seen", "PATCH", role, `{"name":"Issuers"}`, []string{"If-Match", `"1"`}, 204, "", ""},
		{"a lost update", "PATCH", role, `{"name":"X"}`, []string{"If-Match", `"1"`}, 412, "PT_0006", ""},
		{"a lost deletion", "DELETE", role, "", []string{"If-Match", `"1"`}, 412, "PT_0006", ""},
		{"any revision", "PATCH", role, `{"name":"Issuer"}`, []string{"If-Match", "*"}, 204, "", ""},
		{"a weak ETag", "PATCH", role, `{}`, []string{"If-Match", `W/"3"`}, 400, "BR_0084", "If-Match"},
		{"an unquoted ETag", "PATCH", role, `{}`, []string{"If-Match", "3"}, 400, "BR_0084", "If-Match"},
		{"two ETags", "PATCH", role, `{}`, []string{"If-Match", `"3", "4"`}, 400, "BR_0084", "If-Match"},
		{"still mapped", "DELETE", role, "", nil, 409, "PT_0005", "Acme Issuance"},
		{"a taken name", "POST", "/api/sts/role/v1", `{"name":"Issuer","permissions":[]}`, nil, 409, "PT_0004", ""},
		{"NT44 the reserved name", "POST", "/api/sts/role/v1", `{"name":"ONE_STS_ADMIN","permissions":[]}`, nil, 400, "BR_0084", ""},
		{"NT44 as an IAM role", "POST", "/api/sts/iam-role/v1", `{"name":"one_sts_admin"}`, nil, 400, "BR_0084", ""},
		{"no name", "POST", "/api/sts/role/v1", `{"permissions":[]}`, nil, 400, "BR_0084", ""},
		{"an unknown field", "POST", "/api/sts/role/v1", `{"name":"x","admin":true}`, nil, 400, "BR_0084", "admin"},
		{"an id of one's own", "POST", "/api/sts/role/v1", `{"id":"x","name":"x"}`, nil, 400, "BR_0084", "id"},
		{"an unknown permission", "POST", "/api/sts/role/v1", `{"name":"x","permissions":["ROOT"]}`, nil, 400, "BR_0084", "ROOT"},
		{"a repeated field", "POST", "/api/sts/role/v1", `{"name":"x","name":"y"}`, nil, 400, "BR_0084", "twice"},
		{"an organisation twice", "POST", "/api/sts/iam-role/v1", fmt.Sprintf(`{"name":"x","organisationRoles":{%q:[],%q:[]}}`, acme, strings.ToUpper(string(acme))), nil, 400, "BR_0084", ""},
		{"an organisation that is no id", "POST", "/api/sts/iam-role/v1", `{"name":"x","organisationRoles":{"":[]}}`, nil, 400, "BR_0084", "organisationRoles"},
		{"a role that does not exist", "POST", "/api/sts/iam-role/v1", `{"name":"x","systemRoles":["` + noID + `"]}`, nil, 400, "BR_0084", ""},
		{"an unknown parameter", "GET", "/api/sts/role/v1?pagesize=3", "", nil, 400, "BR_0084", "pagesize"},
		{"a parameter where none may be", "GET", role + "?x=1", "", nil, 400, "BR_0084", ""},
		{"a parameter beside a body", "POST", "/api/sts/role/v1?x=1", `{"name":"x"}`, nil, 400, "BR_0084", ""},
		{"a page that is too large", "GET", "/api/sts/role/v1?pageSize=1001", "", nil, 400, "BR_0084", "pageSize"},
		{"an id that is none", "GET", "/api/sts/role/v1/1", "", nil, 400, "BR_0084", "id"},
		{"an id that does not exist", "GET", "/api/sts/role/v1/" + noID, "", nil, 404, "PT_0002", ""},
		{"NT47 text", "POST", "/api/sts/role/v1", `{"name":"x"}`, []string{"Content-Type", "text/plain"}, 415, "PT_0008", ""},
		{"NT47 a form", "POST", "/api/sts/role/v1", `{"name":"x"}`, []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "PT_0008", ""},
		{"1 MiB and more", "POST", "/api/sts/role/v1", `{"name":"` + strings.Repeat("x", 1<<20) + `"}`, nil, 413, "PT_0007", ""},
		{"a wrong method", "PUT", role, `{}`, nil, 405, "PT_0003", "DELETE, GET, PATCH"},
		{"an address that is none", "GET", "/api/sts/nothing/v1", "", nil, 404, "PT_0002", ""},
		{"a slash at the end", "GET", "/api/sts/role/v1/", "", nil, 404, "PT_0002", ""},
		{"a session's organisation by bearer", "PUT", "/api/user/v1/active-organisation", `{"organisationId":"` + string(acme) + `"}`, nil, 403, "BR_0178", ""},
	} {
		got := b.call(ada, c.method, c.path, c.body, c.headers...)
		if got.status != c.status || c.code != "" && (got.object(t)["code"] != c.code || !strings.Contains(got.body, c.why)) {
			t.Errorf("%s: got %d %s", c.rule, got.status, got.body)
		}
		if len(b.core.take()) > 0 {
			t.Errorf("%s: was passed on to Core", c.rule)
		}
	}
	off := newBench(t, options{unmanaged: true})
	for _, c := range [][2]string{{"GET", "/api/sts/role/v1"}, {"POST", "/api/sts/iam-role/v1"}, {"DELETE", role}} {
		if got := off.call(ada, c[0], c[1], ""); got.status != 404 || len(off.core.take()) > 0 {
			t.Errorf("switched off: %s: got %d %s", c, got.status, got.body)
		}
	}
}

// document is as much of OpenAPI as ours uses.
type document struct {
	Paths      map[string]map[string]json.RawMessage
	Components struct {
		Schemas   map[string]*schema
		Responses map[string]response
	}
}

type operation struct{ Responses map[string]response }

type response struct {
	Ref     string `json:"$ref"`
	Content map[string]struct{ Schema *schema }
}

type schema struct {
	Ref        string `json:"$ref"`
	Type       string
	Const      any
	Enum       []any
	Pattern    string
	Required   []string
	Properties map[string]*schema
	Items      *schema
	Additional json.RawMessage `json:"additionalProperties"`
}

func (d *document) check(at string, s *schema, v any) error {
	if s == nil {
		return nil
	}
	if s.Ref != "" {
		return d.check(at, d.Components.Schemas[s.Ref[strings.LastIndex(s.Ref, "/")+1:]], v)
	}
	if s.Const != nil && s.Const != v || s.Enum != nil && !slices.Contains(s.Enum, v) {
		return fmt.Errorf("%s: got %v", at, v)
	}
	switch x := v.(type) {
	case map[string]any:
		if s.Type != "object" {
			return fmt.Errorf("%s: an object, expected %s", at, s.Type)
		}
		for _, name := range s.Required {
			if _, ok := x[name]; !ok {
				return fmt.Errorf("%s: lacks %s", at, name)
			}
		}
		for name, value := range x {
			member, known := s.Properties[name]
			if !known {
				var others schema
				if json.Unmarshal(s.Additional, &others) != nil { // false
					return fmt.Errorf("%s: %s is not documented", at, name)
				}
				member = &others
			}
			if err := d.check(at+"."+name, member, value); err != nil {
				return err
			}
		}
	case []any:
		if s.Type != "array" {
			return fmt.Errorf("%s: an array, expected %s", at, s.Type)
		}
		for _, item := range x {
			if err := d.check(at+"[]", s.Items, item); err != nil {
				return err
			}
		}
	case string:
		if s.Type != "string" && s.Const == nil && s.Enum == nil || s.Pattern != "" && !regexp.MustCompile(s.Pattern).MatchString(x) {
			return fmt.Errorf("%s: got %q, expected %s %s", at, x, s.Type, s.Pattern)
		}
	case float64:
		if s.Type != "integer" || x != float64(int64(x)) {
			return fmt.Errorf("%s: got %v, expected %s", at, x, s.Type)
		}
	case bool:
		if s.Type != "boolean" {
			return fmt.Errorf("%s: got %v, expected %s", at, x, s.Type)
		}
	case nil:
		return fmt.Errorf("%s: null", at)
	}
	return nil
}

func (b *bench) document(t *testing.T) *document {
	t.Helper()
	var d document
	if err := json.Unmarshal([]byte(b.call("", "GET", "/api-docs/openapi.json", "").body), &d); err != nil {
		t.Fatal(err)
	}
	return &d
}

func TestTheDocumentListsWhatIsMounted(t *testing.T) {
	b := newBench(t, options{})
	d := b.document(t)
	methods := []string{"GET", "POST", "PUT", "PATCH", "DELETE"}
	for path, item := range d.Paths {
		for _, method := range methods {
			_, documented := item[strings.ToLower(method)]
			_, pattern := b.mux.Handler(httptest.NewRequest(method, concrete(path), nil))
			if mounted := pattern == method+" "+path; mounted != documented {
				t.Errorf("%s %s: documented: %v, mounted as %q", method, path, documented, pattern)
			}
		}
	}
	if len(d.Paths) < 8 {
		t.Errorf("only %d paths", len(d.Paths))
	}
}

func TestAnswersAreAsDocumented(t *testing.T) {
	b := newBench(t, options{})
	d := b.document(t)
	const ada = "ONE_STS_ADMIN"
	verify := func(path, method string, got answer) {
		t.Helper()
		var op operation
		if err := json.Unmarshal(d.Paths[path][method], &op); err != nil {
			t.Fatal(path, method, err)
		}
		r, ok := op.Responses[fmt.Sprint(got.status)]
		if !ok {
			if got.status < 400 {
				t.Errorf("%s %s: the status %d is not documented", method, path, got.status)
				return
			}
			r = op.Responses["default"]
		}
		if r.Ref != "" {
			r = d.Components.Responses[r.Ref[strings.LastIndex(r.Ref, "/")+1:]]
		}
		content, ok := r.Content["application/json"]
		if !ok {
			if got.body != "" {
				t.Errorf("%s %s: a body that is not documented: %s", method, path, got.body)
			}
			return
		}
		if err := d.check("", content.Schema, any(got.object(t))); err != nil {
			t.Errorf("%s %s: %v in %s", method, path, err, got.body)
		}
	}
	for _, kind := range []struct{ path, body, patch string }{
		{"/api/sts/role/v1", `{"name":"A","permissions":["KEY_LIST"],"delegation":{"restricted":true,"requiredUserPermissions":["KEY_LIST"]}}`, `{"delegation":{"restricted":false}}`},
		{"/api/sts/iam-role/v1", fmt.Sprintf(`{"name":"B","organisationRoles":{%q:[]},"systemRoles":[]}`, acme), `{"name":"C"}`},
	} {
		created := b.call(ada, "POST", kind.path, kind.body)
		verify(kind.path, "post", created)
		verify(kind.path, "post", b.call(ada, "POST", kind.path, kind.body))
		verify(kind.path, "post", b.call("nobody", "POST", kind.path, kind.body))
		one := kind.path + "/" + created.object(t)["id"].(string)
		verify(kind.path, "get", b.call(ada, "GET", kind.path+"?sort=name&sortDirection=DESC&page=0&pageSize=5", ""))
		verify(kind.path+"/{id}", "get", b.call(ada, "GET", one, ""))
		verify(kind.path+"/{id}", "patch", b.call(ada, "PATCH", one, kind.patch))
		verify(kind.path+"/{id}", "get", b.call(ada, "GET", one, ""))
	}
	b.maps("all", everything())
	for _, who := range []string{"all", ada, "nobody", ""} {
		verify("/api/user/v1/me", "get", b.call(who, "GET", "/api/user/v1/me", ""))
		verify("/api/sts/permission/v1", "get", b.call(who, "GET", "/api/sts/permission/v1", ""))
	}
	verify("/api/sts/finding/v1", "get", b.call(ada, "GET", "/api/sts/finding/v1?pageSize=100", ""))
	form := "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token_type=urn:ietf:params:oauth:token-type:jwt&subject_token="
	for _, token := range []string{b.token("all"), b.token("all") + "x", ""} {
		verify("/api/sts/token/v1", "post", b.call("", "POST", "/api/sts/token/v1", form+token, "Content-Type", formType))
	}
	verify("/.well-known/oauth-protected-resource", "get", b.call("", "GET", "/.well-known/oauth-protected-resource", ""))
	app := b.call("", "POST", "/api/sts/token/v1", form+b.token("all"), "Content-Type", formType).object(t)["access_token"].(string)
	for _, end := range []string{"introspect", "revoke"} {
		for _, body := range []string{"token=" + app, "token=junk", "x=y"} {
			for _, client := range []string{"core", "stranger", ""} {
				verify("/api/sts/token/v1/"+end, "post", b.as(client, "POST", "/api/sts/token/v1/"+end, body))
			}
		}
	}
	for _, change := range []string{`{}`, `{"roles":{"put":[{"name":"New","permissions":["KEY_LIST"]}],"delete":["` + noID + `"]}}`, `{"iamRoles":{"put":[{"name":"nobody","systemRoles":[]}]}}`} {
		verify("/api/sts/preview/v1", "post", b.call(ada, "POST", "/api/sts/preview/v1", change))
	}
	refused := b.call("nobody", "GET", "/api/key/v1", "", "x-organisation-id", string(acme)).object(t)["reference"].(string)
	for _, question := range []string{
		`{"iamRoles":["ALL"," all","gone"],"permission":"KEY_LIST","organisationId":"` + string(acme) + `"}`, `{"iamRoles":["all"],"organisationId":"` + string(acme) + `"}`,
		`{"reference":"` + refused + `"}`, `{"token":"` + b.token("all") + `","route":"GET /api/key/v1/1","organisationId":"` + string(zeta) + `"}`, `{}`,
	} {
		verify("/api/sts/explain/v1", "post", b.call(ada, "POST", "/api/sts/explain/v1", question))
	}
	b.verifyRequests(t, verify)
	for path, item := range d.Paths {
		if _, deletes := item["delete"]; deletes && strings.HasSuffix(path, "/{id}") {
			verify(path, "delete", b.call(ada, "DELETE", strings.Replace(path, "{id}", noID, 1), ""))
		}
	}
}
