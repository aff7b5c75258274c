package scim

import (
	"time"

	"github.com/portico-iam/portico/internal/directory"
)

// indexed says which attributes a list can be filtered by, and of which kind they are.
type indexed map[string]indexedAttribute

type indexedAttribute struct {
	attribute directory.Attribute
	kind      kind
	exact     bool // its case counts
	only      string
}

type kind uint8

const (
	textKind kind = iota
	boolKind
	timeKind
)

var (
	userIndex = indexed{
		"id":                {directory.AttrID, textKind, true, ""},
		"externalid":        {directory.AttrExternalID, textKind, true, ""},
		"username":          {directory.AttrName, textKind, false, ""},
		"displayname":       {directory.AttrDisplayName, textKind, false, ""},
		"active":            {directory.AttrActive, boolKind, true, ""},
		"meta.created":      {directory.AttrCreated, timeKind, true, ""},
		"meta.lastmodified": {directory.AttrModified, timeKind, true, ""},
	}
	groupIndex = indexed{
		"id":                {directory.AttrID, textKind, true, ""},
		"externalid":        {directory.AttrExternalID, textKind, true, ""},
		"displayname":       {directory.AttrName, textKind, true, ""},
		"members":           {directory.AttrMember, textKind, true, "eq"},
		"members.value":     {directory.AttrMember, textKind, true, "eq"},
		"meta.created":      {directory.AttrCreated, timeKind, true, ""},
		"meta.lastmodified": {directory.AttrModified, timeKind, true, ""},
	}
)

var compiledOps = map[string]directory.Operator{
	"eq": directory.Equal, "ne": directory.NotEqual, "co": directory.Contains, "sw": directory.StartsWith, "ew": directory.EndsWith,
	"pr": directory.Present, "gt": directory.Greater, "ge": directory.GreaterOrEqual, "lt": directory.Less, "le": directory.LessOrEqual,
	"and": directory.And, "or": directory.Or, "not": directory.Not,
}

// compile turns a filter into a query over what has an index. Anything else is refused: it would read everybody.
func (x indexed) compile(e *expression) (*directory.Filter, error) {
	f := &directory.Filter{Operator: compiledOps[e.op]}
	switch e.op {
	case "and", "or", "not":
		for _, term := range e.terms {
			compiled, err := x.compile(term)
			if err != nil {
				return nil, err
			}
			f.Terms = append(f.Terms, compiled)
		}
		return f, nil
	case "[]":
		return nil, refuse(invalidFilter, "%s[…]: lists can't be filtered by parts of a value", e.attr)
	}
	at, known := x[e.attr.String()]
	if !known {
		return nil, refuse(invalidFilter, "lists can't be filtered by %s; docs/scim.md says by what", clip(e.attr.String()))
	}
	f.Attribute = at.attribute
	if e.op == "pr" {
		return f, nil
	}
	if at.only != "" && at.only != e.op {
		return nil, refuse(invalidFilter, "%s can be compared by %s and pr only", e.attr, at.only)
	}
	return f, at.compare(f, e)
}

func (at *indexedAttribute) compare(f *directory.Filter, e *expression) error {
	ordered := e.op == "gt" || e.op == "ge" || e.op == "lt" || e.op == "le"
	equal := e.op == "eq" || e.op == "ne"
	switch value := e.value.(type) {
	case string:
		switch {
		case at.kind == textKind && at.exact:
			f.Text = value
			return nil
		case at.kind == textKind:
			f.Text = directory.Fold(value)
			return nil
		case at.kind == timeKind && (ordered || equal):
			t, err := time.Parse(time.RFC3339Nano, value)
			if err != nil || t.Year() < 1971 || t.Year() > 9999 {
				return refuse(invalidFilter, "%s: expected a time as 2027-01-31T12:00:00Z, got %q", e.attr, clip(value))
			}
			f.At = t.Truncate(time.Millisecond)
			return nil
		}
	case bool:
		if at.kind == boolKind && equal {
			f.Active = value
			return nil
		}
	}
	return refuse(invalidFilter, "%s can't be compared by %s with this value", e.attr, e.op)
}
