// Package claim finds values in the claims of a token: the one reading of rolePath and subjectPath for the configuration,
// the validation of tokens and the doctor.
package claim

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ohler55/ojg/jp"
)

// Path is the place of a value in a token's claims: a chain of member names. It is written as a plain claim name
// ("roles", also "https://acme.test/roles"), dotted ("realm_access.roles"), or as a JSON path ("$['acme.test']['roles']").
// Nothing else of JSON path is admitted: no wildcard, filter, script or index.
type Path struct {
	text    string
	members []string
}

func (p Path) String() string { return p.text }

// Parse reads a path.
func Parse(text string) (Path, error) {
	p := Path{text: text}
	switch {
	case text == "":
		return p, errors.New("expected a claim name or a JSON path, got nothing")
	case len(text) > 255:
		return p, fmt.Errorf("expected at most 255 characters, got %d", len(text))
	case strings.HasPrefix(text, "$"):
		expr, err := jp.ParseString(text)
		if err != nil {
			return p, fmt.Errorf("expected a JSON path such as $['https://acme.test/roles'], got %q: %w", text, err)
		}
		for i, fragment := range expr {
			switch f := fragment.(type) {
			case jp.Root:
				if i != 0 {
					return p, fmt.Errorf("%q: $ stands at the beginning only", text)
				}
			case jp.Bracket: // how it is written, not a step
			case jp.Child:
				p.members = append(p.members, string(f))
			default:
				return p, fmt.Errorf("%q: expected member names only, no index, wildcard or filter", text)
			}
		}
	case strings.Contains(text, "://"):
		p.members = []string{text} // the usual form of a namespaced claim; its dots are part of the name
	case strings.ContainsAny(text, "[]*?()"):
		// It would be taken for a claim of that very name, which no token has.
		return p, fmt.Errorf("%q: expected member names only, no index, wildcard or filter; a claim whose name has such characters is written $['...']", text)
	default:
		p.members = strings.Split(text, ".")
	}
	if len(p.members) == 0 || slices.Contains(p.members, "") {
		return p, fmt.Errorf("%q: expected a name between the dots", text)
	}
	return p, nil
}

// Find returns the value at the path.
func (p Path) Find(claims map[string]any) (any, bool) {
	var value any = claims
	for _, member := range p.members {
		object, ok := value.(map[string]any)
		if !ok {
			return nil, false
		}
		if value, ok = object[member]; !ok {
			return nil, false
		}
	}
	return value, true
}

// maxRole bounds the length of a role name, in bytes; longer ones can't be mapped.
const maxRole = 1024

// Roles reads the IAM roles at the path: of an array its strings; of a string that one role, or its parts where a
// separator is configured; of an object the members whose value is true or an object; of anything else nothing.
// odd tells, in plain words, what was there and did not count.
func (p Path) Roles(claims map[string]any, separator string) (roles, odd []string) {
	value, found := p.Find(claims)
	if !found || value == nil {
		return nil, []string{fmt.Sprintf("the token has no claim at %q", p.text)}
	}
	var candidates []string
	switch v := value.(type) {
	case string:
		if separator != "" {
			candidates = strings.Split(v, separator)
		} else {
			candidates = []string{v}
			odd = append(odd, fmt.Sprintf("%q is one string, not an array: it counts as one role", p.text))
		}
	case []any:
		for _, item := range v {
			if s, ok := item.(string); ok {
				candidates = append(candidates, s)
			} else {
				odd = append(odd, fmt.Sprintf("%q holds %s, which is no role", p.text, kindOf(item)))
			}
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			switch member := v[name].(type) {
			case bool:
				if member {
					candidates = append(candidates, name)
				}
			case map[string]any:
				candidates = append(candidates, name)
			default:
				odd = append(odd, fmt.Sprintf("the member %q of %q is %s: neither true nor an object, so no role", name, p.text, kindOf(member)))
			}
		}
	default:
		return nil, []string{fmt.Sprintf("%q is %s: expected an array of strings", p.text, kindOf(value))}
	}
	for _, role := range candidates {
		switch {
		case strings.TrimSpace(role) == "":
			odd = append(odd, fmt.Sprintf("%q holds an empty role", p.text))
		case len(role) > maxRole:
			odd = append(odd, fmt.Sprintf("%q holds a role of %d bytes: at most %d count", p.text, len(role), maxRole))
		case !slices.Contains(roles, role):
			roles = append(roles, role)
		}
	}
	return roles, slices.Compact(odd)
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case string:
		return "a string"
	case []any:
		return "an array"
	case map[string]any:
		return "an object"
	}
	return "a number"
}
