package scim

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/portico-iam/portico/internal/directory"
)

func sortedKeys(o object) []string { return slices.Sorted(maps.Keys(o)) }

func sortedNames(all map[string]object) []string { return slices.Sorted(maps.Keys(all)) }

func contains(values []any, value any) bool {
	return slices.ContainsFunc(values, func(v any) bool { return reflect.DeepEqual(v, value) })
}

func primaryIn(values []any) bool {
	return slices.ContainsFunc(values, func(v any) bool { o, _ := v.(object); return o["primary"] == true })
}

// matches tells whether a filter in brackets means a value.
func (e *expression) matches(all []attribute, one object) bool {
	switch e.op {
	case "and":
		return !slices.ContainsFunc(e.terms, func(t *expression) bool { return !t.matches(all, one) })
	case "or":
		return slices.ContainsFunc(e.terms, func(t *expression) bool { return t.matches(all, one) })
	case "not":
		return !e.terms[0].matches(all, one)
	}
	a := find(all, e.attr.attr)
	if a == nil || e.attr.sub != "" || e.op == "[]" {
		return false
	}
	has := one[a.Name]
	switch e.op {
	case "pr":
		return has != nil
	case "ne":
		return !same(a, has, e.value)
	case "eq":
		return same(a, has, e.value)
	}
	text, isText := has.(string)
	value, isToo := e.value.(string)
	if !isText || !isToo {
		return false
	}
	if !a.CaseExact {
		text, value = directory.Fold(text), directory.Fold(value)
	}
	switch e.op {
	case "co":
		return strings.Contains(text, value)
	case "sw":
		return strings.HasPrefix(text, value)
	case "ew":
		return strings.HasSuffix(text, value)
	case "gt":
		return text > value
	case "ge":
		return text >= value
	case "lt":
		return text < value
	}
	return text <= value
}

func same(a *attribute, has, value any) bool {
	text, isText := has.(string)
	other, isToo := value.(string)
	if isText && isToo && !a.CaseExact {
		return directory.Fold(text) == directory.Fold(other)
	}
	return has == value
}

// described is the value that a filter of equalities describes, as in emails[type eq "work"].
func (e *expression) described(all []attribute) (object, bool) {
	o := object{}
	terms := []*expression{e}
	if e.op == "and" {
		terms = e.terms
	}
	for _, t := range terms {
		a := find(all, t.attr.attr)
		if t.op != "eq" || a == nil || t.attr.sub != "" {
			return nil, false
		}
		read, err := a.read(a.Name, t.value)
		if err != nil || read == nil {
			return nil, false
		}
		o[a.Name] = read
	}
	return o, true
}
