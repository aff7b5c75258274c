package scim

import (
	"strings"

	"github.com/portico-iam/portico/internal/directory"
)

// object is a JSON object.
type object = map[string]any

// The resources' schemas.
const (
	userSchema  = "urn:ietf:params:scim:schemas:core:2.0:User"
	groupSchema = "urn:ietf:params:scim:schemas:core:2.0:Group"
)

// attribute is one of a schema (RFC 7643 section 7). The JSON form is what /Schemas answers.
type attribute struct {
	Name        string      `json:"name"`
	Type        string      `json:"type"`
	Multi       bool        `json:"multiValued"`
	Description string      `json:"description"`
	Required    bool        `json:"required"`
	CaseExact   bool        `json:"caseExact"`
	Mutability  string      `json:"mutability"`
	Returned    string      `json:"returned"`
	Uniqueness  string      `json:"uniqueness"`
	Sub         []attribute `json:"subAttributes,omitempty"`
}

const (
	typeString  = "string"
	typeBoolean = "boolean"
	typeComplex = "complex"
)

func text(name, description string) attribute {
	return attribute{Name: name, Type: typeString, Description: description, Mutability: "readWrite", Returned: "default", Uniqueness: "none"}
}

func with(a attribute, change func(*attribute)) attribute {
	change(&a)
	return a
}

// userAttributes are what is kept of people. externalId is common to all resources and stands in no schema.
var userAttributes = []attribute{
	with(text("userName", "By which they are known to the identity provider; with scim.subjectFrom: userName exactly the subject of their tokens. Two that differ in case only are one."), func(a *attribute) {
		a.Required, a.Uniqueness = true, "server"
	}),
	with(text("name", "Their name, in parts."), func(a *attribute) {
		a.Type, a.Sub = typeComplex, []attribute{
			text("formatted", "The whole name."), text("familyName", "The family name."), text("givenName", "The given name."),
		}
	}),
	text("displayName", "The name by which they are shown."),
	text("title", "What they are, as in Vice President."),
	text("userType", "How they relate to the company, as in Contractor."),
	text("preferredLanguage", "As in Accept-Language."),
	text("locale", "As in en-US."),
	text("timezone", "As in Europe/Zurich."),
	with(text("active", "Whether they may sign in. Who is not loses every session at once."), func(a *attribute) { a.Type = typeBoolean }),
	with(text("emails", "Their addresses. They identify nobody."), func(a *attribute) {
		a.Type, a.Multi, a.Sub = typeComplex, true, []attribute{
			text("value", "The address."), text("display", "How it is shown."), text("type", "As in work."),
			with(text("primary", "Whether it is the one to use; at most one is."), func(a *attribute) { a.Type = typeBoolean }),
		}
	}),
}

// leftOut are attributes that the RFC has of people and nobody here needs: they are taken and not kept. So are extensions.
var leftOut = map[string]bool{
	"nickname": true, "profileurl": true, "password": true, "phonenumbers": true, "ims": true, "photos": true, "addresses": true, "groups": true,
	"entitlements": true, "roles": true, "x509certificates": true,
}

var groupAttributes = []attribute{
	with(text("displayName", "The name of the group, exactly as it stands in tokens: upper and lower case and blanks count."), func(a *attribute) {
		a.Required, a.CaseExact, a.Uniqueness = true, true, "server"
	}),
	with(text("members", "Who is in it: ids of Users."), func(a *attribute) {
		a.Type, a.Multi, a.Sub = typeComplex, true, []attribute{
			with(text("value", "The id of a User."), func(a *attribute) { a.Mutability, a.CaseExact = "immutable", true }),
			with(text("display", "Their userName."), func(a *attribute) { a.Mutability = "readOnly" }),
			with(text("$ref", "Their address here."), func(a *attribute) { a.Type, a.Mutability = "reference", "readOnly" }),
		}
	}),
}

// find returns the attribute of that name, which has no case; nil: there is none.
func find(all []attribute, name string) *attribute {
	for i := range all {
		if strings.EqualFold(all[i].Name, name) {
			return &all[i]
		}
	}
	return nil
}

// maxValues bounds the values of one attribute.
const maxValues = 20

// read returns a value as it is kept; nil: it is none. where is for the fault.
func (a *attribute) read(where string, value any) (any, error) {
	if value == nil {
		return nil, nil
	}
	if !a.Multi {
		return a.readOne(where, value)
	}
	values, ok := value.([]any)
	if !ok {
		values = []any{value} // one of many, as some clients send it
	}
	if len(values) > maxValues {
		return nil, refuse(tooMany, "%s: expected at most %d values", where, maxValues)
	}
	var out []any
	for _, value := range values {
		one, err := a.readOne(where, value)
		if err != nil {
			return nil, err
		}
		if one != nil {
			out = append(out, one)
		}
	}
	if len(out) == 0 {
		return nil, nil
	}
	return out, onePrimary(where, out)
}

func onePrimary(where string, values []any) error {
	primary := 0
	for _, value := range values {
		if o, ok := value.(object); ok && o["primary"] == true {
			primary++
		}
	}
	if primary > 1 {
		return refuse(invalidValue, "%s: expected at most one that is primary", where)
	}
	return nil
}

func (a *attribute) readOne(where string, value any) (any, error) {
	switch a.Type {
	case typeBoolean:
		switch v := value.(type) {
		case bool:
			return v, nil
		case string: // Microsoft's client sends it so
			if strings.EqualFold(v, "true") || strings.EqualFold(v, "false") {
				return strings.EqualFold(v, "true"), nil
			}
		}
		return nil, refuse(invalidValue, "%s: expected true or false", where)
	case typeComplex:
		o, ok := value.(object)
		if !ok {
			return nil, refuse(invalidValue, "%s: expected an object", where)
		}
		return readAll(a.Sub, where+".", o)
	}
	v, ok := value.(string)
	switch {
	case !ok:
		return nil, refuse(invalidValue, "%s: expected text", where)
	case len(v) > directory.MaxAttribute || hasControl(v):
		return nil, refuse(invalidValue, "%s: expected at most %d bytes of text without control characters", where, directory.MaxAttribute)
	case v == "":
		return nil, nil
	}
	return v, nil
}

// readAll reads the attributes of an object; those that are not known are left out. It returns nil where none is left.
func readAll(all []attribute, where string, o object) (any, error) {
	out := object{}
	for name, value := range o {
		a := find(all, name)
		if a == nil {
			continue
		}
		read, err := a.read(where+a.Name, value)
		if err != nil {
			return nil, err
		}
		if read != nil {
			out[a.Name] = read
		}
	}
	if len(out) == 0 {
		return nil, nil
	}
	return out, nil
}

// get returns the member of a client's object whose name has no case.
func get(o object, name string) any {
	if value, ok := o[name]; ok {
		return value
	}
	for key, value := range o {
		if strings.EqualFold(key, name) {
			return value
		}
	}
	return nil
}

// checkSchemas wants the schema of the resource among those that the body names.
func checkSchemas(body object, schema string) error {
	list, ok := get(body, "schemas").([]any)
	if ok {
		for _, s := range list {
			if text, is := s.(string); is && strings.EqualFold(text, schema) {
				return nil
			}
		}
	}
	return refuse(invalidSyntax, "schemas: expected %s among them", schema)
}
