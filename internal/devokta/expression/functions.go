package expression

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

type function func(env *Env, args []any) (any, error)

// maxGroups is the largest limit that Groups.* takes.
const maxGroups = 100

var errArguments = errors.New("the arguments do not fit")

var functions = map[string]function{
	"Groups.startsWith": groups(strings.HasPrefix),
	"Groups.contains":   groups(strings.Contains),
	"Groups.endsWith":   groups(strings.HasSuffix),

	"isMemberOfGroupName":           member(func(g Group, want string) bool { return g.Name == want }, 1),
	"isMemberOfGroupNameStartsWith": member(func(g Group, want string) bool { return strings.HasPrefix(g.Name, want) }, 1),
	"isMemberOfGroupNameContains":   member(func(g Group, want string) bool { return strings.Contains(g.Name, want) }, 1),
	"isMemberOfGroup":               member(func(g Group, want string) bool { return g.ID == want }, 1),
	"isMemberOfAnyGroup":            member(func(g Group, want string) bool { return g.ID == want }, 100),
	"getFilteredGroups":             filtered,

	"Arrays.flatten":     flatten,
	"Arrays.isEmpty":     isEmpty,
	"Arrays.toCsvString": toCSV,
	"Arrays.contains":    contains,
	"Arrays.size":        size,
}

// groups is Groups.startsWith and its siblings: source, pattern, limit. No match gives null, not an empty list.
func groups(fits func(name, pattern string) bool) function {
	return func(env *Env, args []any) (any, error) {
		if len(args) != 3 {
			return nil, errArguments
		}
		source, ok1 := args[0].(string)
		pattern, ok2 := args[1].(string)
		limit, ok3 := args[2].(int)
		if !ok1 || !ok2 || !ok3 {
			return nil, errArguments
		}
		if limit < 1 || limit > maxGroups {
			return nil, fmt.Errorf("limit %d, expected 1 to %d", limit, maxGroups)
		}
		var out []any
		for _, g := range env.Groups {
			if g.Source == source && fits(g.Name, pattern) && len(out) < limit {
				out = append(out, g.Name)
			}
		}
		if out == nil {
			return nil, nil
		}
		return out, nil
	}
}

func member(fits func(Group, string) bool, most int) function {
	return func(env *Env, args []any) (any, error) {
		if len(args) == 0 || len(args) > most {
			return nil, errArguments
		}
		found := false
		for _, arg := range args {
			want, ok := arg.(string)
			if !ok {
				return nil, errArguments
			}
			found = found || slices.ContainsFunc(env.Groups, func(g Group) bool { return fits(g, want) })
		}
		return found, nil
	}
}

// filtered is getFilteredGroups(ids, "group.name" or "group.id", limit): those of the listed groups the person is in. Its
// limit has no bound of a hundred.
func filtered(env *Env, args []any) (any, error) {
	if len(args) < 2 || len(args) > 3 {
		return nil, errArguments
	}
	ids, ok := args[0].([]any)
	attribute, ok2 := args[1].(string)
	limit := maxGroups
	if len(args) == 3 {
		n, isNumber := args[2].(int)
		if !isNumber || n < 1 || n > 1<<31-1 {
			return nil, errArguments
		}
		limit = n
	}
	if !ok || !ok2 || attribute != "group.name" && attribute != "group.id" {
		return nil, errArguments
	}
	out := []any{}
	for _, g := range env.Groups {
		if !slices.Contains(ids, any(g.ID)) || len(out) >= limit {
			continue
		}
		if attribute == "group.id" {
			out = append(out, g.ID)
		} else {
			out = append(out, g.Name)
		}
	}
	return out, nil
}

// flatten fails on null: that is why expressions guard it.
func flatten(_ *Env, args []any) (any, error) {
	out := []any{}
	for _, arg := range args {
		switch v := arg.(type) {
		case nil:
			return nil, fmt.Errorf("an argument is null")
		case []any:
			inner, err := flatten(nil, v)
			if err != nil {
				return nil, err
			}
			out = append(out, inner.([]any)...)
		default:
			out = append(out, v)
		}
	}
	return out, nil
}

func isEmpty(_ *Env, args []any) (any, error) {
	if len(args) != 1 {
		return nil, errArguments
	}
	switch v := args[0].(type) {
	case nil:
		return true, nil
	case string:
		return v == "", nil
	case []any:
		return len(v) == 0, nil
	}
	return nil, errArguments
}

// toCSV of null is empty: the guard that goes with isEmpty.
func toCSV(_ *Env, args []any) (any, error) {
	if len(args) != 1 {
		return nil, errArguments
	}
	switch v := args[0].(type) {
	case nil:
		return "", nil
	case []any:
		var out []string
		for _, item := range v {
			out = append(out, written(item))
		}
		return strings.Join(out, ","), nil
	}
	return nil, errArguments
}

func contains(_ *Env, args []any) (any, error) {
	if len(args) != 2 {
		return nil, errArguments
	}
	list, ok := args[0].([]any)
	switch args[1].(type) {
	case string, int, bool:
	default:
		return nil, errArguments
	}
	if !ok {
		return nil, errArguments
	}
	return slices.ContainsFunc(list, func(v any) bool {
		switch v.(type) {
		case string, int, bool:
			return v == args[1]
		}
		return false
	}), nil
}

func size(_ *Env, args []any) (any, error) {
	if len(args) != 1 {
		return nil, errArguments
	}
	list, ok := args[0].([]any)
	if !ok {
		return nil, errArguments
	}
	return len(list), nil
}
