package scim

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/portico-iam/portico/internal/directory"
)

// FuzzFilter: whatever is sent is refused with a reason, or is a filter that compiles or is refused with a reason.
func FuzzFilter(f *testing.F) {
	for _, seed := range []string{
		`userName eq "bjensen"`, `title pr and userType eq "Employee"`, `emails[type eq "work" and value co "@example.com"]`, `not (active eq true)`,
		`meta.lastModified gt "2011-05-13T04:42:34Z"`, userSchema + `:userName sw "J"`, `((((`, `a eq "\`, `a eq -1e9`, `a.b.c eq 1`, `a eq null`, "a eq \"\\ud800\"",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, filter string) {
		e, err := parseFilter(filter, userSchema)
		if err != nil {
			mustBeRefusal(t, err)
			return
		}
		if compiled, err := userIndex.compile(e); err != nil {
			mustBeRefusal(t, err)
		} else if compiled.Operator == 0 {
			t.Errorf("%q: no operator", filter)
		}
		e.matches(userAttributes, object{"userName": "x", "emails": []any{object{"type": "work"}}})
	})
}

// FuzzPath is the same of the paths of a PATCH.
func FuzzPath(f *testing.F) {
	for _, seed := range []string{`members[value eq "1"]`, `name.familyName`, `emails[type eq "work"].value`, userSchema + `:name.givenName`, `a[b[c eq 1]]`, `a[`, `a].b`, `$ref`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if p, err := parsePath(text, userSchema); err != nil {
			mustBeRefusal(t, err)
		} else if p.attr == "" {
			t.Errorf("%q: no attribute", text)
		}
	})
}

// FuzzPatch: whatever operations somebody sends, a person stays a document that can be stored, and is never half changed into
// something else.
func FuzzPatch(f *testing.F) {
	for _, seed := range []string{
		`{"op":"replace","value":{"active":false}}`, `{"op":"Add","path":"emails[type eq \"work\"].value","value":"a"}`, `{"op":"remove","path":"name"}`,
		`{"op":"replace","path":"emails","value":{"value":"x","primary":true}}`, `{"op":"add","value":{"name.givenName":"x","id":"1"}}`, `{"op":"remove","path":"emails[not (value pr)]"}`,
		`{"op":"replace","path":"name","value":[]}`, `{"op":"add","path":"members","value":[{"value":"1"}]}`, `{"op":"replace","value":{"displayName":"x","members":null}}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var body object
		if json.Unmarshal([]byte(patchBody(text)), &body) != nil {
			return
		}
		operations, err := parseOperations(body, userSchema)
		if err != nil {
			mustBeRefusal(t, err)
			return
		}
		doc := object{"userName": "ivan", "active": true, "emails": []any{object{"value": "a", "type": "work", "primary": true}}}
		group := directory.Group{ID: "1", Name: "Acme"}
		for _, o := range operations {
			if err := patchDocument(doc, "1", o); err != nil {
				mustBeRefusal(t, err)
				break
			}
			if _, err := patchGroup(&group, o); err != nil {
				mustBeRefusal(t, err)
			}
		}
		var u directory.User
		if err := fill(&u, doc); err != nil {
			mustBeRefusal(t, err)
			return
		}
		if _, err := readAll(userAttributes, "", doc); err != nil || u.UserName == "" || group.Name == "" {
			t.Errorf("%s: %v is left, %v", text, doc, err)
		}
	})
}

func mustBeRefusal(t *testing.T, err error) {
	t.Helper()
	var p *problem
	if !errors.As(err, &p) || p.detail == "" || p.status < 400 || p.status >= 500 {
		t.Errorf("no refusal: %v", err)
	}
}
