package okta

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Change is one field of an object that differs from what is wanted.
type Change struct {
	Field string `json:"field"` // dotted
	From  any    `json:"from,omitempty"`
	To    any    `json:"to"`
}

// at reads a value by its dotted path.
func (o object) at(path string) any {
	var value any = map[string]any(o)
	for name := range strings.SplitSeq(path, ".") {
		switch v := value.(type) {
		case map[string]any:
			value = v[name]
		case object:
			value = v[name]
		default:
			return nil
		}
	}
	return value
}

func (o object) text(path string) string {
	s, _ := o.at(path).(string)
	return s
}

func (o object) texts(path string) []string {
	list, _ := o.at(path).([]any)
	var out []string
	for _, item := range list {
		if s, ok := item.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

func (o object) id() string { return o.text("id") }

// set writes a value at its dotted path.
func (o object) set(path string, value any) {
	name, rest, nested := strings.Cut(path, ".")
	if !nested {
		o[name] = value
		return
	}
	child, ok := o[name].(map[string]any)
	if !ok {
		child = map[string]any{}
		o[name] = child
	}
	object(child).set(rest, value)
}

// copyOf is deep.
func copyOf(o object) object {
	text, err := json.Marshal(o)
	if err != nil {
		panic(fmt.Sprintf("an object of JSON that is none: %v", err)) // it came from JSON, or from literals of ours
	}
	var out object
	if err := json.Unmarshal(text, &out); err != nil {
		panic(fmt.Sprintf("JSON of ours that is none: %v", err))
	}
	return out
}

// fields are the values of an object that we own, by dotted path; a list is one value.
type fields map[string]any

func (f fields) paths() []string { return slices.Sorted(maps.Keys(f)) }

// list turns texts into what JSON decodes to, so that the two can be compared.
func list(texts ...string) []any {
	out := make([]any, 0, len(texts))
	for _, text := range texts {
		out = append(out, text)
	}
	return out
}

// union keeps what is there, in its order, and adds what is missing.
func union(have []string, want ...string) []any {
	all := slices.Clone(have)
	for _, w := range want {
		if !slices.Contains(all, w) {
			all = append(all, w)
		}
	}
	return list(all...)
}

// changes compares an object with what is wanted of it.
func changes(live object, want fields) (out []Change) {
	for _, path := range want.paths() {
		if from := live.at(path); !reflect.DeepEqual(from, want[path]) {
			out = append(out, Change{Field: path, From: from, To: want[path]})
		}
	}
	return out
}

// with returns a copy of the object that has the wanted values.
func (o object) with(want fields) object {
	next := copyOf(o)
	for path, value := range want {
		next.set(path, value)
	}
	return next
}

// of reads the present values of the wanted fields.
func (f fields) of(live object) fields {
	now := fields{}
	for path := range f {
		now[path] = live.at(path)
	}
	return now
}

// revert says which values undo a change from before to after, given what is there now. Of a list only what was added goes;
// a value that somebody has changed since is theirs and stays (kept).
func revert(live object, before, after fields) (back fields, kept []string) {
	back = fields{}
	for _, path := range after.paths() {
		was, set, now := before[path], after[path], live.at(path)
		if nowList, ok := now.([]any); ok {
			wasList, _ := was.([]any)
			setList, _ := set.([]any)
			back[path] = withoutAdded(nowList, wasList, setList)
			continue
		}
		if !reflect.DeepEqual(now, set) {
			if !reflect.DeepEqual(now, was) {
				kept = append(kept, path)
			}
			continue
		}
		back[path] = was
	}
	return back, kept
}

func withoutAdded(now, was, set []any) []any {
	has := func(list []any, item any) bool {
		return slices.ContainsFunc(list, func(other any) bool { return reflect.DeepEqual(other, item) })
	}
	out := []any{}
	for _, item := range now {
		if !has(set, item) || has(was, item) {
			out = append(out, item)
		}
	}
	for _, item := range was { // what we took away comes back
		if !has(set, item) && !has(out, item) {
			out = append(out, item)
		}
	}
	return out
}

// display writes a value for people.
func display(v any) string {
	switch v := v.(type) {
	case nil:
		return "nothing"
	case string:
		return clip(v)
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case []string:
		return strings.Join(v, ", ")
	case map[string]any:
		parts := make([]string, 0, len(v))
		for _, name := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, name+" "+display(v[name]))
		}
		return strings.Join(parts, ", ")
	case []any:
		if len(v) == 0 {
			return "nothing"
		}
		parts := make([]string, 0, len(v))
		for _, item := range v {
			parts = append(parts, display(item))
		}
		return strings.Join(parts, ", ")
	}
	return fmt.Sprint(v)
}
