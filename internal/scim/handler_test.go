package scim

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/directory"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

// TestOnlyTheTokenOpensIt: in one header, as Bearer, whole; the one of before too.
func TestOnlyTheTokenOpensIt(t *testing.T) {
	b := newBed(t, testdb.Open(t, store.SQLite), directory.SubjectUserName)
	for rule, c := range map[string]struct {
		authorization string
		status        int
	}{
		"the token":        {"Bearer " + token, 200},
		"without case":     {"bearer " + token, 200},
		"the one before":   {"Bearer " + oldToken, 200},
		"none":             {"", 401},
		"Basic":            {"Basic " + token, 401},
		"bare":             {token, 401},
		"empty":            {"Bearer ", 401},
		"shorter":          {"Bearer " + token[:31], 401},
		"longer":           {"Bearer " + token + "0", 401},
		"in another case":  {"Bearer " + strings.ToUpper(token), 401},
		"blank behind":     {"Bearer " + token + " ", 401},
		"two in one":       {"Bearer " + token + "," + token, 401},
		"both with a null": {"Bearer \x00", 401},
	} {
		for _, path := range []string{"/Users", "/Groups", "/ServiceProviderConfig", "/Nothing", "/Users/x"} {
			r := b.send("GET", path, "", "Authorization", c.authorization)
			if (r.status == 401) != (c.status == 401) {
				t.Errorf("%s, %s: got %d", rule, path, r.status)
			}
			if c.status == 401 && (r.body["status"] != "401" || r.header.Get("WWW-Authenticate") == "" || strings.Contains(r.text, token)) {
				t.Errorf("%s, %s: %v %s", rule, path, r.header, r.text)
			}
		}
	}
	req := func(method string) reply { return b.send(method, "/Users", "", "Authorization", "") }
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
		if r := req(method); r.status != 401 {
			t.Errorf("%s without a token: %d", method, r.status)
		}
	}
}

// TestRefusals is the table of answers of docs/scim.md: what is sent, the status and the scimType.
func TestRefusals(t *testing.T) {
	b := newBed(t, testdb.Open(t, store.SQLite), directory.SubjectUserName)
	ivan := b.user("ivan@acme.test", `"externalId":"1"`)
	b.user("vera@acme.test", "")
	group := b.must(201, "POST", "/Groups", groupBody("Acme", ivan)).id()
	b.must(201, "POST", "/Groups", groupBody("Zeta"))
	op := func(text string) string { return patchBody(text) }
	many := strings.TrimSuffix(strings.Repeat(`{"op":"replace","path":"title","value":"x"},`, maxOperations+1), ",")
	deep := "/Users?filter=" + url.QueryEscape(strings.Repeat("(", 25)+`active eq true`+strings.Repeat(")", 25))
	wide := "/Users?filter=" + url.QueryEscape(strings.Repeat(`active eq true or `, 60)+`active eq true`)
	for rule, c := range map[string]struct {
		method, path, body string
		status             int
		kind               string
	}{
		"no userName":                {"POST", "/Users", `{"schemas":["` + userSchema + `"]}`, 400, invalidValue},
		"no schema":                  {"POST", "/Users", `{"userName":"x"}`, 400, invalidSyntax},
		"another schema":             {"POST", "/Users", groupBody("x"), 400, invalidSyntax},
		"no JSON":                    {"POST", "/Users", `userName=x`, 400, invalidSyntax},
		"empty":                      {"POST", "/Users", ``, 400, invalidSyntax},
		"a list":                     {"POST", "/Users", `[]`, 400, invalidSyntax},
		"a member twice":             {"POST", "/Users", userBody("x", `"active":true,"Active":false`), 400, invalidSyntax},
		"a number as name":           {"POST", "/Users", userBody("x", `"displayName":1`), 400, invalidValue},
		"active as a number":         {"POST", "/Users", userBody("x", `"active":1`), 400, invalidValue},
		"an invisible name":          {"POST", "/Users", userBody("iv\u200ban@acme.test", ""), 400, invalidValue},
		"a control character":        {"POST", "/Users", userBody("x", `"title":"a\u0000b"`), 400, invalidValue},
		"one of our own names":       {"POST", "/Users", userBody("Portico: what became of its group", ""), 400, invalidValue},
		"a long name":                {"POST", "/Users", userBody(strings.Repeat("x", 256), ""), 400, invalidValue},
		"a long title":               {"POST", "/Users", userBody("x", `"title":"`+strings.Repeat("x", 1025)+`"`), 400, invalidValue},
		"two primary addresses":      {"POST", "/Users", userBody("x", `"emails":[{"value":"a","primary":true},{"value":"b","primary":true}]`), 400, invalidValue},
		"many addresses":             {"POST", "/Users", userBody("x", `"emails":[`+strings.Repeat(`{"value":"a"},`, 20)+`{"value":"b"}]`), 400, tooMany},
		"a taken name":               {"POST", "/Users", userBody("IVAN@acme.test", ""), 409, uniqueness},
		"a taken externalId":         {"POST", "/Users", userBody("x", `"externalId":"1"`), 409, uniqueness},
		"a name taken by a change":   {"PUT", "/Users/" + ivan, userBody("vera@acme.test", ""), 409, uniqueness},
		"nobody":                     {"PUT", "/Users/x", userBody("y", ""), 404, ""},
		"by the externalId":          {"GET", "/Users/1", "", 404, ""},
		"by an id in capitals":       {"GET", "/Users/" + strings.ToUpper(ivan), "", 404, ""},
		"by the userName":            {"GET", "/Users/ivan@acme.test", "", 404, ""},
		"delete nobody":              {"DELETE", "/Users/x", "", 404, ""},
		"method":                     {"POST", "/Users/" + ivan, userBody("x", ""), 405, ""},
		"me":                         {"GET", "/Me", "", 501, ""},
		"bulk":                       {"POST", "/Bulk", "{}", 501, ""},
		"patch: no operations":       {"PATCH", "/Users/" + ivan, op(""), 400, invalidSyntax},
		"patch: too many":            {"PATCH", "/Users/" + ivan, op(many), 400, tooMany},
		"patch: no such op":          {"PATCH", "/Users/" + ivan, op(`{"op":"move","path":"title"}`), 400, invalidSyntax},
		"patch: another id":          {"PATCH", "/Users/" + ivan, op(`{"op":"replace","value":{"id":"x"}}`), 400, mutability},
		"patch: remove the name":     {"PATCH", "/Users/" + ivan, op(`{"op":"remove","path":"userName"}`), 400, mutability},
		"patch: remove nothing":      {"PATCH", "/Users/" + ivan, op(`{"op":"remove"}`), 400, noTarget},
		"patch: remove active":       {"PATCH", "/Users/" + ivan, op(`{"op":"remove","path":"active"}`), 400, invalidValue},
		"patch: no such attribute":   {"PATCH", "/Users/" + ivan, op(`{"op":"add","path":"shoeSize","value":"42"}`), 400, invalidPath},
		"patch: no such part":        {"PATCH", "/Users/" + ivan, op(`{"op":"add","path":"name.nick","value":"x"}`), 400, invalidPath},
		"patch: a broken path":       {"PATCH", "/Users/" + ivan, op(`{"op":"add","path":"emails[type eq \"work\"","value":"x"}`), 400, invalidPath},
		"patch: nothing is meant":    {"PATCH", "/Users/" + ivan, op(`{"op":"remove","path":"emails[type eq \"work\"]"}`), 400, noTarget},
		"patch: a part of none":      {"PATCH", "/Users/" + ivan, op(`{"op":"add","path":"emails.value","value":"x"}`), 400, noTarget},
		"patch: brackets of one":     {"PATCH", "/Users/" + ivan, op(`{"op":"add","path":"title[value eq \"x\"]","value":"x"}`), 400, invalidPath},
		"patch: meta":                {"PATCH", "/Users/" + ivan, op(`{"op":"add","path":"meta","value":{}}`), 400, mutability},
		"group: a stranger":          {"POST", "/Groups", groupBody("x", "nobody"), 400, invalidValue},
		"group: a group in it":       {"POST", "/Groups", groupBody("x", group), 400, invalidValue},
		"group: a taken name":        {"POST", "/Groups", groupBody("Acme"), 409, uniqueness},
		"group: taken by a change":   {"PATCH", "/Groups/" + group, op(`{"op":"replace","value":{"displayName":"Zeta"}}`), 409, uniqueness},
		"group: no name":             {"POST", "/Groups", `{"schemas":["` + groupSchema + `"]}`, 400, invalidValue},
		"group: members as text":     {"PATCH", "/Groups/" + group, op(`{"op":"add","path":"members","value":"` + ivan + `"}`), 400, invalidValue},
		"group: by another part":     {"PATCH", "/Groups/" + group, op(`{"op":"remove","path":"members[display eq \"x\"]"}`), 400, invalidFilter},
		"group: no such attribute":   {"PATCH", "/Groups/" + group, op(`{"op":"add","path":"owner","value":"x"}`), 400, invalidPath},
		"list: no index":             {"GET", "/Users?filter=" + url.QueryEscape(`title eq "x"`), "", 400, invalidFilter},
		"list: malformed":            {"GET", "/Users?filter=" + url.QueryEscape(`userName`), "", 400, invalidFilter},
		"list: no such operator":     {"GET", "/Users?filter=" + url.QueryEscape(`userName is "x"`), "", 400, invalidFilter},
		"list: another kind":         {"GET", "/Users?filter=" + url.QueryEscape(`active eq "true"`), "", 400, invalidFilter},
		"list: an order of flags":    {"GET", "/Users?filter=" + url.QueryEscape(`active gt true`), "", 400, invalidFilter},
		"list: no time":              {"GET", "/Users?filter=" + url.QueryEscape(`meta.created gt "yesterday"`), "", 400, invalidFilter},
		"list: deep":                 {"GET", deep, "", 400, invalidFilter},
		"list: wide":                 {"GET", wide, "", 400, invalidFilter},
		"list: text without an end":  {"GET", "/Users?filter=" + url.QueryEscape(`userName eq "x`), "", 400, invalidFilter},
		"list: twice":                {"GET", "/Users?count=1&count=2", "", 400, invalidSyntax},
		"list: no number":            {"GET", "/Users?count=x", "", 400, invalidValue},
		"list: both":                 {"GET", "/Users?attributes=userName&excludedAttributes=name", "", 400, invalidSyntax},
		"list: parts of a value":     {"GET", "/Users?filter=" + url.QueryEscape(`emails[type eq "work"]`), "", 400, invalidFilter},
		"list: members by a pattern": {"GET", "/Groups?filter=" + url.QueryEscape(`members co "x"`), "", 400, invalidFilter},
		"schemas: a filter":          {"GET", "/Schemas?filter=x", "", 403, ""},
		"schemas: none such":         {"GET", "/Schemas/urn:x", "", 404, ""},
	} {
		r := b.send(c.method, c.path, c.body)
		kind, _ := r.body["scimType"].(string)
		detail, _ := r.body["detail"].(string)
		if r.status != c.status || kind != c.kind || detail == "" || r.body["status"] != fmt.Sprint(c.status) {
			t.Errorf("%s: expected %d %s, got %d %s", rule, c.status, c.kind, r.status, r.text)
		}
	}
	if r := b.send("POST", "/Users", userBody("x", ""), "Content-Type", "text/plain"); r.status != http.StatusUnsupportedMediaType {
		t.Errorf("another type: %d", r.status)
	}
	if r := b.send("POST", "/Users", userBody("x", `"title":"`+strings.Repeat("x", 1<<20)+`"`)); r.status != http.StatusRequestEntityTooLarge {
		t.Errorf("too large: %d", r.status)
	}
	if u := b.must(200, "GET", "/Users?count=0", ""); u.body["totalResults"] != 2.0 {
		t.Errorf("something was made: %s", u.text)
	}
}

// TestNT43_ExternalIDsAreNames: they are the client's own. None is an id of ours, and none is another one that looks alike.
func TestNT43_ExternalIDsAreNames(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		b := newBed(t, db, directory.SubjectUserName)
		admin := b.user("ada@acme.test", "")
		names := []string{"1", "01", "1 ", "+1", "１", "a", "A", "é", "e\u0301", "K", "\u212A", "ſ", "S", "s", admin, strings.ToUpper(admin), "ada@acme.test", "0", "null", "true", "../1", "%31"}
		for i, name := range names {
			id := b.user(fmt.Sprintf("person-%d", i), `"externalId":`+quote(name))
			if id == name || id == admin {
				t.Fatalf("%q became an id", name)
			}
			for _, path := range []string{"/Users/" + url.PathEscape(name)} {
				if r := b.send("GET", path, ""); name != admin && !strings.HasPrefix(name, "..") && r.status != 404 {
					t.Errorf("%q finds %s", name, r.text)
				}
			}
			r := b.must(200, "GET", "/Users?filter="+url.QueryEscape(`externalId eq `+quote(name)), "")
			if found, _ := r.body["Resources"].([]any); len(found) != 1 || found[0].(object)["id"] != id {
				t.Errorf("%q finds %s", name, r.text)
			}
		}
		if r := b.must(200, "GET", "/Users/"+admin, ""); r.body["userName"] != "ada@acme.test" {
			t.Errorf("whom an externalId named: %s", r.text)
		}
	})
}

func quote(text string) string { return fmt.Sprintf("%q", text) }

// TestNamesWithoutCase: as far as a letter's case is certain, and not where letters only look alike.
func TestNamesWithoutCase(t *testing.T) {
	b := newBed(t, testdb.Open(t, store.SQLite), directory.SubjectUserName)
	for _, c := range []struct {
		stored, asked string
		same          bool
	}{
		{"Ivan@Acme.test", "iVAN@aCME.TEST", true},
		{"ÄRGER", "ärger", true},
		{"Ωmega", "ωMEGA", true},
		{"e\u0301va", "Éva", true},
		{"\u212Aelvin", "kelvin", true},
		{"mi\u017Fs", "miss", false},
		{"İstanbul", "istanbul", false},
		{"straße", "STRASSE", false},
		{"раypal", "paypal", false},
	} {
		id := b.user(c.stored, "")
		r := b.must(200, "GET", "/Users?filter="+url.QueryEscape(`userName eq `+quote(c.asked)), "")
		if found := r.body["totalResults"] == 1.0; found != c.same {
			t.Errorf("%s and %s: %s", c.stored, c.asked, r.text)
		}
		if r := b.send("POST", "/Users", userBody(c.asked, "")); (r.status == 409) != c.same {
			t.Errorf("%s beside %s: %d", c.asked, c.stored, r.status)
		} else if r.status == 201 {
			b.must(204, "DELETE", "/Users/"+r.id(), "")
		}
		b.must(204, "DELETE", "/Users/"+id, "")
	}
}

// TestBarred: deactivated people are told by one attribute, exactly, of one issuer; whoever is no more is not barred.
func TestBarred(t *testing.T) {
	for _, from := range []string{directory.SubjectUserName, directory.SubjectExternalID} {
		db := testdb.Open(t, store.SQLite)
		b := newBed(t, db, from)
		subject, other := "Ivan@acme.test", "00u1"
		if from == directory.SubjectExternalID {
			subject, other = other, subject
		}
		id := b.user("Ivan@acme.test", `"externalId":"00u1"`)
		barred := func(subject string) bool { return b.dir.Barred(issuer, subject) }
		if barred(subject) {
			t.Fatal("active")
		}
		b.must(200, "PATCH", "/Users/"+id, patchBody(`{"op":"replace","value":{"active":false}}`))
		if !barred(subject) || barred(other) || barred(strings.ToLower(subject)+"x") || from == directory.SubjectUserName && barred(strings.ToLower(subject)) || b.dir.Barred(issuer+"/", subject) || b.dir.Barred("https://other.test", subject) {
			t.Errorf("%s: not exactly them", from)
		}
		if !slices.Equal(b.ended.subjects, []string{subject}) {
			t.Errorf("%s: ended %v", from, b.ended.subjects)
		}
		if again := newBed(t, db, from); !again.dir.Barred(issuer, subject) {
			t.Errorf("%s: forgotten by a restart", from)
		}
		b.must(200, "PATCH", "/Users/"+id, patchBody(`{"op":"replace","value":{"active":false}}`)) // nothing new
		if len(b.ended.subjects) != 1 {
			t.Errorf("%s: ended again: %v", from, b.ended.subjects)
		}
		b.must(200, "PUT", "/Users/"+id, userBody("Ivan@acme.test", `"externalId":"00u1"`)) // silence activates nobody
		if !barred(subject) {
			t.Errorf("%s: activated by silence", from)
		}
		b.must(200, "PUT", "/Users/"+id, userBody("Ivan@acme.test", `"externalId":"00u1","active":true`))
		if barred(subject) {
			t.Errorf("%s: still barred", from)
		}
		b.must(200, "PUT", "/Users/"+id, userBody("new@acme.test", `"externalId":"00u2","active":true`))
		if len(b.ended.subjects) != 2 || b.ended.subjects[1] != subject {
			t.Errorf("%s: who is named otherwise keeps what they held: %v", from, b.ended.subjects)
		}
		b.must(204, "DELETE", "/Users/"+id, "")
		if len(b.ended.subjects) != 3 {
			t.Errorf("%s: who is deleted keeps what they held: %v", from, b.ended.subjects)
		}
		two := b.user("a", `"externalId":"a","active":false`)
		b.must(204, "DELETE", "/Users/"+two, "")
		if barred("a") {
			t.Errorf("%s: who is no more is barred", from)
		}
	}
}

// TestVersions: a lost update is refused, and what is as it was is not sent again.
func TestVersions(t *testing.T) {
	b := newBed(t, testdb.Open(t, store.SQLite), directory.SubjectUserName)
	id := b.user("ivan", "")
	r := b.must(200, "GET", "/Users/"+id, "")
	tag := r.header.Get("ETag")
	if meta, _ := r.body["meta"].(object); tag != `W/"1"` || meta["version"] != tag {
		t.Fatalf("%s %s", tag, r.text)
	}
	b.must(304, "GET", "/Users/"+id, "", "If-None-Match", tag)
	if got := b.must(200, "PATCH", "/Users/"+id, patchBody(`{"op":"add","path":"title","value":"x"}`), "If-Match", tag).header.Get("ETag"); got != `W/"2"` {
		t.Errorf("got %s", got)
	}
	for _, stale := range []string{tag, `W/"3"`, `"x"`, `x`, `W/"0"`, `W/"-1"`} {
		for method, body := range map[string]string{"PATCH": patchBody(`{"op":"add","path":"title","value":"y"}`), "PUT": userBody("ivan", ""), "DELETE": ""} {
			b.must(412, method, "/Users/"+id, body, "If-Match", stale)
		}
	}
	b.must(200, "PATCH", "/Users/"+id, patchBody(`{"op":"add","path":"title","value":"y"}`), "If-Match", "*")
	b.must(200, "PATCH", "/Users/"+id, patchBody(`{"op":"add","path":"title","value":"z"}`), "If-Match", `"3"`)
	group := b.must(201, "POST", "/Groups", groupBody("Acme")).id()
	b.must(204, "PATCH", "/Groups/"+group, patchBody(`{"op":"add","path":"members","value":[{"value":"`+id+`"}]}`), "If-Match", `W/"1"`)
	b.must(412, "DELETE", "/Groups/"+group, "", "If-Match", `W/"1"`)
	b.must(204, "DELETE", "/Groups/"+group, "", "If-Match", `W/"2"`)
}

// TestPatchShapes are those of clients that are about.
func TestPatchShapes(t *testing.T) {
	b := newBed(t, testdb.Open(t, store.SQLite), directory.SubjectUserName)
	for rule, c := range map[string]struct{ before, operations, want string }{
		"Okta's":              {`"active":true`, `{"op":"replace","value":{"active":false}}`, `active=false`},
		"Microsoft's":         {`"active":true`, `{"op":"Replace","path":"active","value":"False"}`, `active=false`},
		"parts as members":    {`"name":{"givenName":"A"}`, `{"op":"Add","value":{"name.familyName":"B","displayName":"AB"}}`, `displayName=AB name.familyName=B name.givenName=A`},
		"a part":              {`"name":{"givenName":"A","familyName":"B"}`, `{"op":"remove","path":"name.givenName"}`, `name.familyName=B`},
		"the whole":           {`"name":{"givenName":"A"}`, `{"op":"remove","path":"name"}`, ``},
		"by its schema":       {``, `{"op":"add","path":"` + userSchema + `:title","value":"x"}`, `title=x`},
		"a value that is not": {``, `{"op":"add","path":"emails[type eq \"work\"].value","value":"a@x"}`, `emails.0.type=work emails.0.value=a@x`},
		"one of several":      {`"emails":[{"type":"work","value":"a"},{"type":"home","value":"b"}]`, `{"op":"replace","path":"emails[type eq \"WORK\"].value","value":"c"}`, `emails.0.type=work emails.0.value=c emails.1.type=home emails.1.value=b`},
		"take one away":       {`"emails":[{"type":"work","value":"a"},{"type":"home","value":"b"}]`, `{"op":"remove","path":"emails[type eq \"work\" and value sw \"a\"]"}`, `emails.0.type=home emails.0.value=b`},
		"another primary":     {`"emails":[{"value":"a","primary":true}]`, `{"op":"add","path":"emails","value":[{"value":"b","primary":true}]}`, `emails.0.primary=false emails.0.value=a emails.1.primary=true emails.1.value=b`},
		"twice the same":      {`"emails":[{"value":"a"}]`, `{"op":"add","path":"emails","value":[{"value":"a"}]}`, `emails.0.value=a`},
		"what is left out":    {``, `{"op":"replace","value":{"phoneNumbers":[{"value":"1"}],"password":"canary","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"x"}}}`, ``},
		"an extension's part": {`"active":true`, `{"op":"Replace","path":"active","value":"False"},{"op":"Add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department","value":"x"},{"op":"remove","path":"urn:x:manager"}`, `active=false`},
		"in order":            {``, `{"op":"add","path":"title","value":"a"},{"op":"replace","path":"title","value":"b"},{"op":"add","path":"locale","value":"de"}`, `locale=de title=b`},
	} {
		id := b.user("somebody", c.before)
		r := b.must(200, "PATCH", "/Users/"+id, patchBody(c.operations))
		if strings.Contains(r.text, "canary") {
			t.Errorf("%s: kept a password", rule)
		}
		for _, name := range []string{"id", "schemas", "meta", "userName"} {
			delete(r.body, name)
		}
		if r.body["active"] == true {
			delete(r.body, "active")
		}
		if got := flat("", r.body); got != c.want {
			t.Errorf("%s: expected %s, got %s", rule, c.want, got)
		}
		b.must(204, "DELETE", "/Users/"+id, "")
	}
}

// flat writes a value as its leaves.
func flat(at string, value any) string {
	var parts []string
	switch v := value.(type) {
	case object:
		for _, key := range sortedKeys(v) {
			parts = append(parts, flat(at+"."+key, v[key]))
		}
	case []any:
		for i, item := range v {
			parts = append(parts, flat(fmt.Sprint(at, ".", i), item))
		}
	default:
		return strings.TrimPrefix(at, ".") + "=" + fmt.Sprint(value)
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " ")
}
