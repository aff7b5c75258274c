package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

const scimToken = "0123456789abcdef0123456789abcdef"

// scimServed is a Portico that is provisioned.
func scimServed(t *testing.T, database store.Config) *served {
	t.Helper()
	token := filepath.Join(t.TempDir(), "scim")
	write(t, token, scimToken+"\n")
	return serve(t, database, fmt.Sprintf("scim: { tokenFile: %q }\n", token))
}

// scimClient calls as Okta does.
type scimClient struct {
	t     *testing.T
	base  string
	token string
}

type scimAnswer struct {
	status int
	header http.Header
	text   string
	body   map[string]any
}

func (c *scimClient) call(method, path string, body any, headers ...string) scimAnswer {
	c.t.Helper()
	var reader io.Reader = http.NoBody
	if text, raw := body.(string); raw {
		reader = strings.NewReader(text)
	} else if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			c.t.Fatal(err)
		}
		reader = strings.NewReader(string(encoded))
	}
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.base+"/scim/v2"+path, reader)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("User-Agent", "Okta SCIM Client 1.0.0")
	req.Header.Set("Accept", "application/scim+json")
	req.Header.Set("Content-Type", "application/scim+json; charset=utf-8")
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	a := scimAnswer{status: resp.StatusCode, header: resp.Header, text: string(text)}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &a.body); err != nil {
			c.t.Fatalf("%s %s: %v in %s", method, path, err, text)
		}
		if got := resp.Header.Get("Content-Type"); got != "application/scim+json" {
			c.t.Errorf("%s %s: Content-Type %q", method, path, got)
		}
	}
	return a
}

func (a scimAnswer) id() string { id, _ := a.body["id"].(string); return id }

func (a scimAnswer) first() map[string]any {
	if list, _ := a.body["Resources"].([]any); len(list) > 0 {
		first, _ := list[0].(map[string]any)
		return first
	}
	return nil
}

func (a scimAnswer) must(t *testing.T, status int, members ...any) scimAnswer {
	t.Helper()
	if a.status != status {
		t.Fatalf("expected %d, got %d: %s", status, a.status, a.text)
	}
	for i := 0; i+1 < len(members); i += 2 {
		value := any(a.body)
		for _, part := range strings.Split(members[i].(string), ".") {
			o, _ := value.(map[string]any)
			value = o[part]
		}
		want := members[i+1]
		if n, is := want.(int); is {
			want = float64(n)
		}
		if value != want {
			t.Errorf("%s: expected %v, got %v in %s", members[i], members[i+1], value, a.text)
		}
	}
	return a
}

func scimUser(userName string, more ...any) map[string]any {
	u := map[string]any{"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:User"}, "userName": userName}
	for i := 0; i+1 < len(more); i += 2 {
		u[more[i].(string)] = more[i+1]
	}
	return u
}

func scimGroup(name string, members ...string) map[string]any {
	list := []map[string]any{}
	for _, id := range members {
		list = append(list, map[string]any{"value": id})
	}
	return map[string]any{"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:Group"}, "displayName": name, "members": list}
}

func scimPatch(operations ...map[string]any) map[string]any {
	return map[string]any{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:PatchOp"}, "Operations": operations}
}

func op(op, path string, value any) map[string]any {
	o := map[string]any{"op": op}
	if path != "" {
		o["path"] = path
	}
	if value != nil {
		o["value"] = value
	}
	return o
}

func filtered(path, filter string) string { return path + "?filter=" + url.QueryEscape(filter) }

// eachEngine runs a provisioned Portico on each.
func eachEngine(t *testing.T, do func(t *testing.T, s *served, c *scimClient)) {
	for _, engine := range testdb.Engines {
		t.Run(engine, func(t *testing.T) {
			s := scimServed(t, testdb.Config(t, engine))
			do(t, s, &scimClient{t, s.publicURL, scimToken})
			s.interrupt(t)
		})
	}
}

// TestOktaSPEC is Okta's SCIM 2.0 SPEC test, request by request.
func TestOktaSPEC(t *testing.T) {
	eachEngine(t, func(t *testing.T, _ *served, c *scimClient) {
		const listed = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
		c.call("POST", "/Users", scimUser("first@acme.test", "name", map[string]any{"givenName": "First", "familyName": "One"})).must(t, 201)
		schema := func(a scimAnswer, want string) {
			t.Helper()
			if list, _ := a.body["schemas"].([]any); len(list) != 1 || list[0] != want {
				t.Errorf("schemas: expected %s, got %s", want, a.text)
			}
		}
		// 1: the list has the envelope, and somebody in it with names
		page := c.call("GET", "/Users?count=1&startIndex=1", nil).must(t, 200, "itemsPerPage", 1, "startIndex", 1, "totalResults", 1)
		schema(page, listed)
		first := page.first()
		for _, part := range []string{"id", "userName", "name", "active", "schemas", "meta"} {
			if first[part] == nil {
				t.Errorf("1: no %s in %s", part, page.text)
			}
		}
		// 2: one by id
		c.call("GET", "/Users/"+first["id"].(string), nil).must(t, 200, "id", first["id"], "userName", "first@acme.test", "name.familyName", "One")
		// 3: who does not exist, by filter, is an empty list
		none := c.call("GET", filtered("/Users", `userName eq "nobody@example.com"`), nil).must(t, 200, "totalResults", 0)
		schema(none, listed)
		if list, ok := none.body["Resources"].([]any); !ok || len(list) != 0 {
			t.Errorf("3: expected an empty list, got %s", none.text)
		}
		// 4: by an id that there is not
		gone := c.call("GET", "/Users/010101001010101011001010101011", nil).must(t, 404, "status", "404")
		schema(gone, "urn:ietf:params:scim:api:messages:2.0:Error")
		if detail, _ := gone.body["detail"].(string); detail == "" {
			t.Errorf("4: no detail in %s", gone.text)
		}
		// 5: the groups answer
		schema(c.call("GET", "/Groups", nil).must(t, 200, "totalResults", 0), listed)
		// 6: create
		created := scimUser("Runscope300@acme.test", "name", map[string]any{"givenName": "Runscope", "familyName": "300"}, "active", true,
			"emails", []any{map[string]any{"primary": true, "value": "runscope300@acme.test", "type": "work"}}, "displayName", "Runscope 300",
			"locale", "en-US", "externalId", "00ujl29u0le5T6Aj10h7", "groups", []any{}, "password", "1mz050nq")
		made := c.call("POST", "/Users", created).must(t, 201, "active", true, "userName", "Runscope300@acme.test", "name.givenName", "Runscope", "name.familyName", "300", "externalId", "00ujl29u0le5T6Aj10h7")
		if made.id() == "" || made.header.Get("Location") != c.base+"/scim/v2/Users/"+made.id() || strings.Contains(made.text, "1mz050nq") {
			t.Errorf("6: %v %s", made.header, made.text)
		}
		// 7: read it back
		c.call("GET", "/Users/"+made.id(), nil).must(t, 200, "id", made.id(), "userName", "Runscope300@acme.test", "meta.resourceType", "User")
		// 8: once more is a duplicate
		c.call("POST", "/Users", created).must(t, 409, "status", "409", "scimType", "uniqueness")
		// 9: the filter has no case
		page = c.call("GET", filtered("/Users", `userName eq "RUNSCOPE300@ACME.TEST"`), nil).must(t, 200, "totalResults", 1)
		if page.first()["id"] != made.id() {
			t.Errorf("9: %s", page.text)
		}
		// 10: the groups answer quickly; no timing here, but they answer once there are some
		c.call("POST", "/Groups", scimGroup("Everybody", made.id())).must(t, 201, "displayName", "Everybody")
		c.call("GET", "/Groups?count=1&startIndex=1", nil).must(t, 200, "totalResults", 1)
		// 11: without a token
		anonymous := *c
		anonymous.token = ""
		refused := anonymous.call("GET", "/Users?filter="+url.QueryEscape(`userName eq "x"`), nil).must(t, 401, "status", "401")
		schema(refused, "urn:ietf:params:scim:api:messages:2.0:Error")
		// 12: what there is not, below the address
		schema(c.call("GET", "/Nothing", nil).must(t, 404, "status", "404"), "urn:ietf:params:scim:api:messages:2.0:Error")
	})
}

// TestOktaCRUD is Okta's CRUD test as its client sends it, step by step; what Okta does within itself is left out.
func TestOktaCRUD(t *testing.T) {
	eachEngine(t, func(t *testing.T, _ *served, c *scimClient) {
		const login = "ivan@acme.test"
		// 1 to 3: assigned in Okta, which looks first, then creates
		c.call("GET", filtered("/Users", `userName eq "`+login+`"`)+"&startIndex=1&count=100", nil).must(t, 200, "totalResults", 0)
		id := c.call("POST", "/Users", scimUser(login, "name", map[string]any{"givenName": "Ivan", "familyName": "Issuer"}, "externalId", "00u1", "active", true)).must(t, 201).id()
		// 4: it is here
		c.call("GET", filtered("/Users", `userName eq "`+login+`"`), nil).must(t, 200, "totalResults", 1)
		// 5, 6: firstName is updated: Okta reads and puts
		c.call("GET", "/Users/"+id, nil).must(t, 200, "name.givenName", "Ivan")
		c.call("PUT", "/Users/"+id, scimUser(login, "id", id, "name", map[string]any{"givenName": "Iwan", "familyName": "Issuer"}, "externalId", "00u1", "active", true)).must(t, 200, "name.givenName", "Iwan")
		c.call("GET", "/Users/"+id, nil).must(t, 200, "name.givenName", "Iwan", "active", true)
		// 7, 8: deactivated
		c.call("PATCH", "/Users/"+id, scimPatch(op("replace", "", map[string]any{"active": false}))).must(t, 200, "active", false)
		c.call("GET", "/Users/"+id, nil).must(t, 200, "active", false)
		// 9 to 11: reactivated and reassigned
		c.call("GET", filtered("/Users", `userName eq "`+login+`"`), nil).must(t, 200, "totalResults", 1)
		c.call("PUT", "/Users/"+id, scimUser(login, "id", id, "name", map[string]any{"givenName": "Iwan", "familyName": "Issuer"}, "externalId", "00u1", "active", true)).must(t, 200, "active", true)
		c.call("GET", "/Users/"+id, nil).must(t, 200, "active", true)
		// 12, 13: unassigned, which is deactivated and never deleted
		c.call("PATCH", "/Users/"+id, scimPatch(op("replace", "", map[string]any{"active": false}))).must(t, 200)
		c.call("GET", "/Users/"+id, nil).must(t, 200, "active", false, "name.givenName", "Iwan")
	})
}

// TestDeprovisioned: who is deactivated is out at once on every replica, and stays out, by session and by token, until they are
// active again, which brings nothing of before back.
func TestDeprovisioned(t *testing.T) {
	s := scimServed(t, testdb.Config(t, store.Postgres))
	other, own := s.beside(t)
	c := &scimClient{t, s.publicURL, scimToken}
	id := c.call("POST", "/Users", scimUser("ivan@acme.test", "active", true)).must(t, 201).id()
	ivan, ada := browserAt(t, s.publicURL), browserAt(t, s.publicURL)
	ada.signIn("/", "ada@acme.test")
	ivan.signIn("/", "ivan@acme.test").mustContain(t, "Ivan Issuer")
	there := func() int { return ivan.call("GET", "http://"+own+"/api/user/v1/me", nil, nil).status }
	if got := there(); got != http.StatusOK {
		t.Fatalf("the other replica does not know the session: %d", got)
	}
	s.okta.mu.Lock()
	token := ""
	for _, issued := range s.okta.issued { // his access token
		if parts := strings.Split(issued, "."); len(parts) == 3 {
			if claims, err := base64.RawURLEncoding.DecodeString(parts[1]); err == nil && strings.Contains(string(claims), `"cid"`) && strings.Contains(string(claims), "ivan@acme.test") {
				token = issued
			}
		}
	}
	s.okta.mu.Unlock()
	cookie := ivan.cookie(sessionCookie)
	bearer := func(base string) answer {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/api/user/v1/me", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		return browserAt(t, base).do(req)
	}
	mustStatus(t, bearer(s.publicURL), http.StatusOK)

	c.call("PATCH", "/Users/"+id, scimPatch(op("Replace", "active", "False"))).must(t, 200, "active", false)
	mustStatus(t, ivan.call("GET", "/api/user/v1/me", nil, nil), http.StatusUnauthorized)
	refused := bearer(s.publicURL)
	mustStatus(t, refused, http.StatusForbidden)
	if !strings.Contains(refused.body, "deactivated") || !strings.Contains(refused.body, `"reference"`) {
		t.Errorf("told %s", refused.body)
	}
	began := time.Now()
	eventually(t, "the other replica knows", func() bool {
		return there() == http.StatusUnauthorized && bearer("http://"+own).status == http.StatusForbidden
	})
	t.Logf("the other replica knows after %s", time.Since(began).Round(time.Millisecond))
	page := browserAt(t, s.publicURL).signIn("/", "ivan@acme.test")
	page.mustContain(t, "Your account is deactivated", "tell your administrator the reference")
	if page.status != http.StatusForbidden {
		t.Errorf("the sign-in: %d", page.status)
	}
	var why struct{ Reason, Sentence string }
	ada.call("POST", "/api/sts/explain/v1", map[string]any{"person": map[string]any{"login": "ivan@acme.test"}, "permission": "STS_ROLE_LIST"}, &why)
	if why.Reason != "DEACTIVATED" || !strings.Contains(why.Sentence, "deactivated") {
		t.Errorf("explained: %+v", why)
	}
	var found struct {
		Values []struct{ Action, Name, User string }
	}
	mustStatus(t, ada.call("GET", "/api/history/v1?page=0&pageSize=50&showSystemHistory=true", nil, &found), http.StatusOK)
	seen := map[string]bool{}
	for _, e := range found.Values {
		seen[e.Action+" by "+e.User] = true
	}
	if !seen["DEACTIVATED by portico: provisioned by SCIM"] || !seen["REVOKED by portico: provisioned by SCIM"] {
		t.Errorf("recorded %v", found.Values)
	}

	c.call("PATCH", "/Users/"+id, scimPatch(op("replace", "", map[string]any{"active": true}))).must(t, 200, "active", true)
	if got := ivan.stolen(cookie).call("GET", "/api/user/v1/me", nil, nil); got.status != http.StatusUnauthorized {
		t.Errorf("the session of before came back: %d", got.status)
	}
	mustStatus(t, bearer(s.publicURL), http.StatusUnauthorized)
	ivan = browserAt(t, s.publicURL)
	ivan.signIn("/", "ivan@acme.test").mustContain(t, "Ivan Issuer")
	c.call("DELETE", "/Users/"+id, nil).must(t, 204)
	mustStatus(t, ivan.call("GET", "/api/user/v1/me", nil, nil), http.StatusUnauthorized)
	other.interrupt(t)
	s.interrupt(t)
}

// TestNoSCIM: without a token there is no edge, whatever somebody brings.
func TestNoSCIM(t *testing.T) {
	s := serve(t, testdb.Config(t, store.SQLite), "")
	for _, path := range []string{"/scim/v2/", "/scim/v2/Users", "/scim/v2/ServiceProviderConfig"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.publicURL+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+scimToken)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: expected 404, got %d", path, resp.StatusCode)
		}
	}
	s.interrupt(t)
}
