package scim

import (
	"net/http"
	"slices"
	"strings"
)

// maxOperations bounds a PATCH.
const maxOperations = 1000

// operation is one of a PATCH (RFC 7644 section 3.5.2).
type operation struct {
	op    string // add, remove or replace, in lower case: Microsoft's client sends Add
	path  *path  // nil: the value says what
	value any
}

func readOperations(w http.ResponseWriter, r *http.Request, schema string) ([]operation, error) {
	body, err := readBody(w, r)
	if err != nil {
		return nil, err
	}
	return parseOperations(body, schema)
}

func parseOperations(body object, schema string) ([]operation, error) {
	if err := checkSchemas(body, patchSchema); err != nil {
		return nil, err
	}
	list, ok := get(body, "Operations").([]any)
	if !ok || len(list) == 0 {
		return nil, refuse(invalidSyntax, "Operations: expected a list of 1 to %d operations", maxOperations)
	}
	if len(list) > maxOperations {
		return nil, refuse(tooMany, "Operations: expected at most %d, got %d", maxOperations, len(list))
	}
	out, skipped := make([]operation, len(list)), []int(nil)
	for i, item := range list {
		o, ok := item.(object)
		if !ok {
			return nil, refuse(invalidSyntax, "Operations[%d]: expected an object", i)
		}
		op, _ := get(o, "op").(string)
		out[i] = operation{op: strings.ToLower(op), value: get(o, "value")}
		switch out[i].op {
		case "add", "remove", "replace":
		default:
			return nil, refuse(invalidSyntax, "Operations[%d].op: expected add, remove or replace, got %q", i, clip(op))
		}
		switch text := get(o, "path").(type) {
		case nil:
		case string:
			if text == "" {
				break
			}
			if ofAnotherSchema(text, schema) { // an extension's attribute: taken and not kept, as in a new resource
				skipped = append(skipped, i)
				break
			}
			path, err := parsePath(text, schema)
			if err != nil {
				return nil, err
			}
			out[i].path = &path
		default:
			return nil, refuse(invalidPath, "Operations[%d].path: expected text", i)
		}
		if out[i].path == nil && out[i].op == "remove" && !slices.Contains(skipped, i) {
			return nil, refuse(noTarget, "Operations[%d]: expected a path of what to remove", i)
		}
	}
	for _, i := range slices.Backward(skipped) {
		out = slices.Delete(out, i, i+1)
	}
	return out, nil
}

// ofAnotherSchema tells whether a path begins with the name of a schema that is not kept here (RFC 7644 section 3.5.2).
func ofAnotherSchema(path, schema string) bool {
	const urn = "urn:"
	return len(path) > len(urn) && strings.EqualFold(path[:len(urn)], urn) &&
		!(len(path) >= len(schema) && strings.EqualFold(path[:len(schema)], schema))
}

// each calls do with the path and the value of every attribute that an operation is about: without a path the value is an object
// whose members are paths. Names that are not known there are left alone, as in a new resource.
func (o *operation) each(schema string, do func(p path, value any, said bool) error) error {
	if o.path != nil {
		return do(*o.path, o.value, true)
	}
	members, ok := o.value.(object)
	if !ok {
		return refuse(invalidValue, "value: expected an object where there is no path")
	}
	for _, key := range sortedKeys(members) {
		p, err := parsePath(key, schema)
		if err != nil { // the URN of an extension
			continue
		}
		if err := do(p, members[key], false); err != nil {
			return err
		}
	}
	return nil
}

// patchDocument changes a person's document by one operation.
func patchDocument(doc object, id string, o operation) error {
	return o.each(userSchema, func(p path, value any, said bool) error {
		switch p.attr {
		case "id":
			return sameID(id, o.op, value)
		case "schemas", "meta":
			if said {
				return refuse(mutability, "%s can't be changed", p.attr)
			}
			return nil
		case "externalid":
			if o.op == "remove" {
				value = nil
			}
			return setExternalID(doc, value)
		}
		a := find(userAttributes, p.attr)
		switch {
		case a == nil && (!said || leftOut[p.attr]):
			return nil
		case a == nil:
			return refuse(invalidPath, "there is no attribute %s", clip(p.attr))
		case a.Multi:
			return patchValues(doc, a, p, o.op, value)
		case p.filter != nil:
			return refuse(invalidPath, "%s has one value only: expected no brackets", a.Name)
		}
		return patchValue(doc, a, p, o.op, value)
	})
}

// sameID lets a client send the id along, as Okta does, but not another one.
func sameID(id, op string, value any) error {
	if op != "remove" && value == id {
		return nil
	}
	return refuse(mutability, "id can't be changed")
}

func patchValue(doc object, a *attribute, p path, op string, value any) error {
	if p.sub == "" {
		if op == "remove" {
			value = nil
		}
		read, err := a.read(a.Name, value)
		if err != nil {
			return err
		}
		return set(doc, a, merged(doc[a.Name], read, op))
	}
	sub := find(a.Sub, p.sub)
	if sub == nil {
		return refuse(invalidPath, "there is no attribute %s.%s", a.Name, clip(p.sub))
	}
	if op == "remove" {
		value = nil
	}
	read, err := sub.read(a.Name+"."+sub.Name, value)
	if err != nil {
		return err
	}
	whole, _ := doc[a.Name].(object)
	return set(doc, a, withMember(whole, sub.Name, read))
}

// merged adds the parts of a complex value to those that are there: both add and replace leave alone what they do not name
// (RFC 7644 sections 3.5.2.1 and 3.5.2.3).
func merged(old, read any, op string) any {
	have, isObject := old.(object)
	add, isToo := read.(object)
	if op == "remove" || !isObject || !isToo {
		return read
	}
	whole := object{}
	for name, value := range have {
		whole[name] = value
	}
	for name, value := range add {
		whole[name] = value
	}
	return whole
}

// withMember returns a copy in which the member has that value; nil takes it away.
func withMember(o object, name string, value any) any {
	out := object{}
	for key, old := range o {
		out[key] = old
	}
	if out[name] = value; value == nil {
		delete(out, name)
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

func set(doc object, a *attribute, value any) error {
	switch {
	case value != nil:
		doc[a.Name] = value
	case a.Required:
		return refuse(mutability, "%s is required and can't be removed", a.Name)
	case a.Name == "active":
		return refuse(invalidValue, "active: expected true or false")
	default:
		delete(doc, a.Name)
	}
	return nil
}

// patchValues changes an attribute of several values.
func patchValues(doc object, a *attribute, p path, op string, value any) error {
	have, _ := doc[a.Name].([]any)
	var sub *attribute
	if p.sub != "" {
		if sub = find(a.Sub, p.sub); sub == nil {
			return refuse(invalidPath, "there is no attribute %s.%s", a.Name, clip(p.sub))
		}
	}
	if op == "remove" {
		value = nil
	} else if value == nil {
		return refuse(invalidValue, "%s: expected a value", a.Name)
	}
	if p.filter == nil && sub == nil {
		return replaceValues(doc, a, have, op, value)
	}
	var out []any
	found := false
	for _, item := range have {
		one, _ := item.(object)
		if p.filter != nil && !p.filter.matches(a.Sub, one) {
			out = append(out, item)
			continue
		}
		found = true
		changed, err := changeOne(a, sub, one, op, value)
		if err != nil {
			return err
		}
		if changed != nil {
			out = append(out, changed)
		}
	}
	switch {
	case found || op == "remove" && p.filter == nil:
	case op == "remove", op == "replace" && (sub == nil || p.filter == nil):
		return refuse(noTarget, "%s: nothing there is meant by the path", a.Name)
	case p.filter == nil:
		return refuse(noTarget, "%s: there is no value whose part could be changed; add the whole value", a.Name)
	default: // a value that the filter describes is made, as Microsoft's client expects
		one, ok := p.filter.described(a.Sub)
		if !ok {
			return refuse(noTarget, "%s: nothing there is meant by the path", a.Name)
		}
		changed, err := changeOne(a, sub, one, op, value)
		if err != nil {
			return err
		}
		out = append(out, changed)
	}
	return setValues(doc, a, out)
}

// changeOne returns one of several values changed; nil: it goes.
func changeOne(a, sub *attribute, one object, op string, value any) (any, error) {
	if sub != nil {
		read, err := sub.read(a.Name+"."+sub.Name, value)
		if err != nil {
			return nil, err
		}
		return withMember(one, sub.Name, read), nil
	}
	if op == "remove" {
		return nil, nil
	}
	read, err := a.readOne(a.Name, value)
	if err != nil {
		return nil, err
	}
	return merged(one, read, op), nil
}

func replaceValues(doc object, a *attribute, have []any, op string, value any) error {
	read, err := a.read(a.Name, value)
	if err != nil {
		return err
	}
	fresh, _ := read.([]any)
	if op != "add" {
		return setValues(doc, a, fresh)
	}
	out := append([]any{}, have...)
	for _, item := range fresh {
		if !contains(out, item) {
			out = append(out, item)
		}
	}
	// A new primary value is the only one (RFC 7644 section 3.5.2).
	if primaryIn(fresh) {
		for i := range have {
			if one, _ := out[i].(object); one["primary"] == true && !contains(fresh, one) {
				out[i] = withMember(one, "primary", false)
			}
		}
	}
	return setValues(doc, a, out)
}

func setValues(doc object, a *attribute, values []any) error {
	if len(values) == 0 {
		delete(doc, a.Name)
		return nil
	}
	read, err := a.read(a.Name, values)
	if err != nil {
		return err
	}
	doc[a.Name] = read
	return nil
}
