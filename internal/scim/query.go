package scim

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/portico-iam/portico/internal/directory"
)

// defaultCount is how many results a page has when the client does not say.
const defaultCount = 100

// maxQuery bounds the query of a request, in bytes.
const maxQuery = 8192

// parameters reads a query. Parameters that are not known are left alone (RFC 7644 section 3.4.2); those that are stand once.
func parameters(r *http.Request) (url.Values, error) {
	if len(r.URL.RawQuery) > maxQuery {
		return nil, refuse(invalidSyntax, "expected a query of at most %d bytes", maxQuery)
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, refuse(invalidSyntax, "malformed query")
	}
	for _, known := range []string{"filter", "startIndex", "count", "attributes", "excludedAttributes"} {
		if len(values[known]) > 1 {
			return nil, refuse(invalidSyntax, "%s: expected once", known)
		}
	}
	return values, nil
}

// listing is what a request for a list asks for.
type listing struct {
	directory.Query
	start int
	shown projection
}

func readList(r *http.Request, x indexed, schema string) (l listing, err error) {
	values, err := parameters(r)
	if err != nil {
		return l, err
	}
	if l.shown, err = projectionOf(values, schema); err != nil {
		return l, err
	}
	if l.start, err = number(values, "startIndex", 1); err != nil {
		return l, err
	}
	if l.Limit, err = number(values, "count", defaultCount); err != nil {
		return l, err
	}
	l.start = max(l.start, 1) // RFC 7644 section 3.4.2.4
	l.Offset, l.Limit = l.start-1, min(max(l.Limit, 0), directory.MaxPage)
	if !values.Has("filter") {
		return l, nil
	}
	e, err := parseFilter(values.Get("filter"), schema)
	if err != nil {
		return l, err
	}
	l.Filter, err = x.compile(e)
	return l, err
}

func number(values url.Values, name string, silent int) (int, error) {
	if !values.Has(name) {
		return silent, nil
	}
	n, err := strconv.ParseInt(values.Get(name), 10, 32)
	if err != nil {
		return 0, refuse(invalidValue, "%s: expected a whole number, got %q", name, clip(values.Get(name)))
	}
	return int(n), nil
}

// projection is which attributes an answer has (RFC 7644 section 3.9).
type projection struct {
	only, without []name // of the two at most one
}

// maxNames bounds the attributes that a request names.
const maxNames = 50

func projectionOf(values url.Values, schema string) (p projection, err error) {
	if values.Get("attributes") != "" && values.Get("excludedAttributes") != "" {
		return p, refuse(invalidSyntax, "expected attributes or excludedAttributes, not both")
	}
	if p.only, err = names(values.Get("attributes"), schema); err != nil {
		return p, err
	}
	p.without, err = names(values.Get("excludedAttributes"), schema)
	return p, err
}

func names(list, schema string) (all []name, err error) {
	if list == "" {
		return nil, nil
	}
	for text := range strings.SplitSeq(list, ",") {
		path, err := parsePath(strings.TrimSpace(text), schema)
		if err != nil || path.filter != nil {
			return nil, refuse(invalidSyntax, "expected names of attributes, got %q", clip(text))
		}
		if all = append(all, path.name); len(all) > maxNames {
			return nil, refuse(invalidSyntax, "expected at most %d names of attributes", maxNames)
		}
	}
	return all, nil
}

// shows tells whether an attribute is in the answer, at least in part.
func (p *projection) shows(attr string) bool {
	if p.only != nil {
		return slices.ContainsFunc(p.only, func(n name) bool { return n.attr == attr })
	}
	return !slices.Contains(p.without, name{attr: attr})
}

// apply takes from a resource what was not asked for. Its id and its schemas always stay.
func (p *projection) apply(o object) object {
	if p.only == nil && p.without == nil {
		return o
	}
	out := object{}
	for key, value := range o {
		attr := strings.ToLower(key)
		switch {
		case attr == "id" || attr == "schemas":
			out[key] = value
		case p.shows(attr):
			out[key] = p.parts(attr, value)
		}
	}
	return out
}

// parts takes sub-attributes out of a value.
func (p *projection) parts(attr string, value any) any {
	keep := func(sub string) bool {
		sub = strings.ToLower(sub)
		if p.only != nil {
			return slices.Contains(p.only, name{attr: attr}) || slices.Contains(p.only, name{attr, sub})
		}
		return !slices.Contains(p.without, name{attr, sub})
	}
	switch v := value.(type) {
	case object:
		out := object{}
		for sub, value := range v {
			if keep(sub) {
				out[sub] = value
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = p.parts(attr, item)
		}
		return out
	}
	return value
}

// list is the envelope of a page.
type list struct {
	Schemas      []string `json:"schemas"`
	TotalResults int      `json:"totalResults"`
	StartIndex   int      `json:"startIndex"`
	ItemsPerPage int      `json:"itemsPerPage"`
	Resources    []object `json:"Resources"`
}

func (l *listing) write(w http.ResponseWriter, total int, resources []object) {
	page := list{[]string{listSchema}, total, l.start, len(resources), []object{}}
	for _, o := range resources {
		page.Resources = append(page.Resources, l.shown.apply(o))
	}
	write(w, http.StatusOK, page)
}
