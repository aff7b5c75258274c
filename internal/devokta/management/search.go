package management

import (
	"slices"
	"strings"

	"github.com/portico-iam/portico/internal/devokta/world"
)

// condition is one comparison of a filter: attribute, operator, value.
type condition struct{ attribute, operator, value string }

var errSearch = &world.Error{Status: 400, Code: "E0000031", Summary: "Invalid search criteria."}

const maxFilter = 2 << 10

// parseFilter reads `attribute op "value"`, several of them joined by "and": the part of SCIM filters that clients use here.
func parseFilter(raw string) ([]condition, error) {
	var out []condition
	if len(raw) > maxFilter {
		return nil, errSearch
	}
	for rest := strings.TrimSpace(raw); rest != ""; {
		attribute, tail, ok := strings.Cut(rest, " ")
		operator, tail, ok2 := strings.Cut(strings.TrimSpace(tail), " ")
		value, tail, ok3 := quotedValue(strings.TrimSpace(tail))
		operator = strings.ToLower(operator)
		if !ok || !ok2 || !ok3 || !slices.Contains([]string{"eq", "sw", "co"}, operator) {
			return nil, errSearch
		}
		out = append(out, condition{attribute, operator, value})
		rest = strings.TrimSpace(tail)
		if rest == "" {
			return out, nil
		}
		if word, more, ok := strings.Cut(rest, " "); ok && strings.EqualFold(word, "and") {
			rest = strings.TrimSpace(more)
			continue
		}
		return nil, errSearch
	}
	return nil, errSearch
}

func quotedValue(s string) (value, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		return "", "", false
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case s[i] == '"':
			return b.String(), s[i+1:], true
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", false
}

// selected keeps the items that fit a filter. attributes gives an item's values of an attribute, nil for one that can't be
// searched by.
func selected[T any](raw string, all []T, attributes func(T, string) []string) ([]T, error) {
	if raw == "" {
		return all, nil
	}
	conditions, err := parseFilter(raw)
	if err != nil {
		return nil, err
	}
	var out []T
	for _, item := range all {
		fits := true
		for _, c := range conditions {
			values := attributes(item, c.attribute)
			if values == nil {
				return nil, errSearch
			}
			fits = fits && slices.ContainsFunc(values, c.holds)
		}
		if fits {
			out = append(out, item)
		}
	}
	return out, nil
}

// holds ignores case, as Okta's search does.
func (c condition) holds(value string) bool {
	have, want := strings.ToLower(value), strings.ToLower(c.value)
	switch c.operator {
	case "sw":
		return strings.HasPrefix(have, want)
	case "co":
		return strings.Contains(have, want)
	}
	return have == want
}

// startingWith keeps the items one of whose texts starts with q.
func startingWith[T any](q string, all []T, texts func(T) []string) []T {
	if q == "" {
		return all
	}
	var out []T
	for _, item := range all {
		if slices.ContainsFunc(texts(item), func(text string) bool { return strings.HasPrefix(strings.ToLower(text), strings.ToLower(q)) }) {
			out = append(out, item)
		}
	}
	return out
}
