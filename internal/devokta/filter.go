package devokta

import (
	"fmt"
	"regexp"
	"strings"
)

// groupFilter tells whether a group's name is in a GROUPS claim.
type groupFilter func(name string) bool

// compileFilter builds a filter of one of Okta's four kinds. A blank value includes all groups, as Okta's
// help has it. REGEX must match the whole name; Go's syntax stands for Java's, so a look-around is an error.
func compileFilter(kind, value string) (groupFilter, error) {
	if value == "" {
		return func(string) bool { return true }, nil
	}
	switch kind {
	case filterStartsWith:
		return func(name string) bool { return strings.HasPrefix(name, value) }, nil
	case filterEquals:
		return func(name string) bool { return name == value }, nil
	case filterContains:
		return func(name string) bool { return strings.Contains(name, value) }, nil
	case filterRegex:
		// Compiled alone first: "a)(b" must not become valid through our own parentheses.
		if _, err := regexp.Compile(value); err != nil {
			return nil, fmt.Errorf("group filter %q: %w", value, err)
		}
		whole, err := regexp.Compile(`\A(?:` + value + `)\z`)
		if err != nil {
			return nil, fmt.Errorf("group filter %q: %w", value, err)
		}
		return whole.MatchString, nil
	}
	return nil, fmt.Errorf("group filter kind %q is none of STARTS_WITH, EQUALS, CONTAINS, REGEX", kind)
}
