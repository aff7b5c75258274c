package expression

import (
	"reflect"
	"strings"
	"testing"
)

func env() *Env {
	return &Env{
		Objects: map[string]Object{
			"user":    {"login": "ada@acme.test", "department": nil, "firstName": "Ada", "lastName": "Admin"},
			"appuser": {"userName": "ada@acme.test"},
			"app":     {"clientId": "0oa1"},
		},
		Groups: []Group{
			{"00g1", "ONE_A", "OKTA"}, {"00g2", "ONE_B", "OKTA"}, {"00g3", "ONE_AD", "active_directory"}, {"00g4", "Everyone", "OKTA"},
		},
	}
}

func TestEval(t *testing.T) {
	list := func(v ...any) []any { return append([]any{}, v...) }
	for source, want := range map[string]any{
		`user.login`: "ada@acme.test",
		`(appuser != null) ? appuser.userName : app.clientId`: "ada@acme.test",
		`user.department`:                      nil,
		`user.department ?: "none"`:            "none",
		`user.firstName + " " + user.lastName`: "Ada Admin",
		`"a" + null`:                           "anull",
		`1 + 2 == 3`:                           true,
		`2 < 10 AND "b" > "a"`:                 true,
		`!true OR NOT false`:                   true,
		`true || user.nothing == 1`:            true, // short circuit
		`{"A", "B"}`:                           list("A", "B"),
		`{"A", "B"}[1]`:                        "B",
		`{}`:                                   list(),
		`"it's" + 'a "quote"' + 'it''s' + "a\"b"`:                                 `it'sa "quote"it'sa"b`,
		`Groups.startsWith("OKTA", "ONE_", 100)`:                                  list("ONE_A", "ONE_B"),
		`Groups.startsWith("OKTA", "ONE_", 1)`:                                    list("ONE_A"),
		`Groups.startsWith("active_directory","ONE_",10)`:                         list("ONE_AD"),
		`Groups.endsWith("OKTA", "_B", 100)`:                                      list("ONE_B"),
		`Groups.contains("OKTA", "NE_A", 100)`:                                    list("ONE_A"),
		`Groups.contains("OKTA", "nothing", 100)`:                                 nil,
		`Groups.contains("OKTA", "nothing", 100) ?: {}`:                           list(),
		`isMemberOfGroupName("ONE_A") ? {"ADMIN"} : {}`:                           list("ADMIN"),
		`isMemberOfGroup("00g9") ? {"ADMIN"} : null`:                              nil,
		`isMemberOfAnyGroup("00g9", "00g2")`:                                      true,
		`getFilteredGroups({"00g2","00g9"}, "group.name", 2147483647)`:            list("ONE_B"),
		`Arrays.flatten({"a"}, {"b", {"c"}}, "d")`:                                list("a", "b", "c", "d"),
		`Arrays.isEmpty(Arrays.toCsvString(Groups.contains("OKTA","x",1)))`:       true,
		`Arrays.toCsvString(Groups.startsWith("OKTA", "ONE_", 100))`:              "ONE_A,ONE_B",
		`Arrays.contains({"a"}, "a") AND Arrays.size({"a"}) == 1`:                 true,
		`app.clientId == "0oa1" ? {"Batch"} : app.clientId == "x" ? {"Y"} : null`: list("Batch"),
	} {
		e, err := Parse(source)
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		if got, err := e.Eval(env()); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s = %#v, %v, expected %#v", source, got, err, want)
		}
	}
}

func TestEvalFails(t *testing.T) {
	for name, source := range map[string]string{
		"unknown attribute":     `user.nothing`,
		"unknown object":        `session.amr`,
		"attribute of null":     `user.department.name`,
		"limit over a hundred":  `Groups.startsWith("OKTA", "ONE_", 101)`,
		"limit missing":         `Groups.startsWith("OKTA", "ONE_")`,
		"flattening null":       `Arrays.flatten({"a"}, Groups.contains("OKTA", "nothing", 1))`,
		"condition of text":     `"a" ? 1 : 2`,
		"sum of lists":          `{} + {}`,
		"order of mixed":        `1 < "a"`,
		"index past the end":    `{}[0]`,
		"getFilteredGroups":     `getFilteredGroups("00g1", "group.name", 1)`,
		"attribute of filtered": `getFilteredGroups({"00g1"}, "group.owner", 1)`,
	} {
		e, err := Parse(source)
		if err != nil {
			t.Errorf("%s does not parse: %v", name, err)
			continue
		}
		if got, err := e.Eval(env()); err == nil {
			t.Errorf("%s: %#v", name, got)
		}
	}
}

func TestParseFails(t *testing.T) {
	for name, source := range map[string]string{
		"nothing": ``, "open string": `"a`, "open list": `{"a"`, "no else": `true ? 1`, "two values": `1 2`, "unknown function": `System.exit(1)`,
		"unknown sign": `a # b`, "huge number": `99999999999999999999`, "deep": strings.Repeat("(", 100) + "1" + strings.Repeat(")", 100),
		"large": "1" + strings.Repeat("+1", 600), "long": `"` + strings.Repeat("a", maxSource) + `"`, "method": `user.getGroups()`,
	} {
		if _, err := Parse(source); err == nil {
			t.Errorf("%s parses", name)
		}
	}
}

func FuzzExpression(f *testing.F) {
	for _, seed := range []string{
		`(appuser != null) ? appuser.userName : app.clientId`, `Groups.startsWith("OKTA","ONE_",100) ?: {}`,
		`Arrays.flatten({"a"}, {{}})[0] == null AND !true`, `isMemberOfGroupName('x') ? {"a"} : {}`, `((((`, `a.b.c[1](`, `"\`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		e, err := Parse(source)
		if err != nil {
			return
		}
		got, err := e.Eval(env())
		again, err2 := e.Eval(env())
		if (err == nil) != (err2 == nil) || err == nil && !reflect.DeepEqual(got, again) {
			t.Fatalf("%q gives %v, then %v", source, got, again)
		}
	})
}
