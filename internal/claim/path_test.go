package claim_test

import (
	"slices"
	"testing"

	"github.com/portico-iam/portico/internal/claim"
)

func TestPathSyntax(t *testing.T) {
	for path, ok := range map[string]bool{
		"roles": true, "realm_access.roles": true, "https://acme.test/roles": true, "$['https://acme.test/roles']": true,
		"$.realm_access.roles": true, "$['a']['b']": true,
		"": false, "$": false, "a..b": false, ".a": false, "a.": false, "$.*": false, "$..roles": false, "$.roles[0]": false,
		"$.roles[?(@.x)]": false, "$['a": false,
	} {
		if _, err := claim.Parse(path); (err == nil) != ok {
			t.Errorf("%q: expected ok=%v, got %v", path, ok, err)
		}
	}
}

// TestRoleShapes: what is a role, and what is only odd.
func TestRoleShapes(t *testing.T) {
	for name, test := range map[string]struct {
		path, separator string
		claim           string
		value           any
		roles           []string
		odd             bool
	}{
		"an array":                {"roles", "", "roles", []any{"a", "b", "a"}, []string{"a", "b"}, false},
		"absent":                  {"roles", "", "groups", []any{"a"}, nil, true},
		"one string":              {"roles", "", "roles", "a b,c", []string{"a b,c"}, true},
		"a separated string":      {"roles", ",", "roles", "a,b c,", []string{"a", "b c"}, true},
		"an object":               {"roles", "", "roles", map[string]any{"a": true, "b": map[string]any{}, "c": false, "d": 1}, []string{"a", "b"}, true},
		"NT44 nested arrays":      {"roles", "", "roles", []any{"a", []any{"ONE_STS_ADMIN"}}, []string{"a"}, true},
		"a number":                {"roles", "", "roles", 7, nil, true},
		"null":                    {"roles", "", "roles", []any{nil, "a"}, []string{"a"}, true},
		"blanks count":            {"roles", "", "roles", []any{" ONE_STS_ADMIN", "a "}, []string{" ONE_STS_ADMIN", "a "}, false},
		"nested":                  {"realm_access.roles", "", "realm_access", map[string]any{"roles": []any{"a"}}, []string{"a"}, false},
		"a name that is a URL":    {"https://acme.test/roles", "", "https://acme.test/roles", []any{"a"}, []string{"a"}, false},
		"the same as JSON path":   {"$['https://acme.test/roles']", "", "https://acme.test/roles", []any{"a"}, []string{"a"}, false},
		"a dotted name, unnested": {"realm_access.roles", "", "realm_access.roles", []any{"a"}, nil, true},
	} {
		p, err := claim.Parse(test.path)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		roles, odd := p.Roles(map[string]any{test.claim: test.value}, test.separator)
		if !slices.Equal(roles, test.roles) || (len(odd) > 0) != test.odd {
			t.Errorf("%s: expected %q, odd %v; got %q, %q", name, test.roles, test.odd, roles, odd)
		}
	}
}

func FuzzPath(f *testing.F) {
	for _, seed := range []string{"roles", "a.b", "$['x']", "$.a", "https://a/b", "$..", "$[?(@)]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if p, err := claim.Parse(text); err == nil && p.String() != text {
			t.Errorf("%q became %q", text, p)
		}
	})
}
