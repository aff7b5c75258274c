package httpx

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/portico-iam/portico/internal/fault"
)

// The bounds of a page.
const (
	DefaultPageSize = 30
	MaxPageSize     = 1000
	maxPage         = 1_000_000
)

// Query reads a request's query strictly: each parameter once, arrays as name[]=a&name[]=b, and nothing unknown.
// Read what is expected, then ask Err. The first fault stays.
type Query struct {
	values url.Values
	known  map[string]bool
	err    error
}

// NewQuery parses a raw query.
func NewQuery(raw string) *Query {
	q := &Query{known: map[string]bool{}}
	if len(raw) > 8192 {
		q.err = fault.InvalidInput.New("expected a query of at most 8192 bytes, got %d", len(raw))
		return q
	}
	var err error
	if q.values, err = url.ParseQuery(raw); err != nil {
		q.fail("malformed query")
	}
	for name, values := range q.values {
		for _, text := range append(values, name) {
			if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
				q.fail("expected UTF-8 text without NUL")
			}
		}
	}
	return q
}

// String returns a parameter, or def.
func (q *Query) String(name, def string) string {
	q.known[name] = true
	switch values := q.values[name]; len(values) {
	case 0:
		return def
	case 1:
		return values[0]
	default:
		q.fail("%s: expected one value, got %d", name, len(values))
		return def
	}
}

// Strings returns an array parameter: every name[].
func (q *Query) Strings(name string) []string {
	name += "[]"
	q.known[name] = true
	values := q.values[name]
	if len(values) > 100 {
		q.fail("%s: expected at most 100 values, got %d", name, len(values))
		return nil
	}
	return values
}

// OneOf returns a parameter that must be one of the values, or def.
func (q *Query) OneOf(name, def string, values ...string) string {
	s := q.String(name, def)
	if len(q.values[name]) > 0 && !slices.Contains(values, s) {
		q.fail("%s: expected one of %s, got %q", name, strings.Join(values, ", "), clip(s))
		return def
	}
	return s
}

// AllOf returns an array parameter whose values must all be among the allowed.
func (q *Query) AllOf(name string, allowed ...string) []string {
	values := q.Strings(name)
	for _, v := range values {
		if !slices.Contains(allowed, v) {
			q.fail("%s[]: expected one of %s, got %q", name, strings.Join(allowed, ", "), clip(v))
		}
	}
	return values
}

// Bool returns a parameter that must be true or false.
func (q *Query) Bool(name string) bool { return q.OneOf(name, "false", "true", "false") == "true" }

// Int returns a whole number from low to high, or def; a negative def makes the parameter required.
func (q *Query) Int(name string, def, low, high int) int {
	s := q.String(name, "")
	if s == "" && def >= 0 && len(q.values[name]) == 0 {
		return def
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < low || n > high || s[0] == '+' {
		q.fail("%s: expected a whole number from %d to %d, got %q", name, low, high, clip(s))
		return low
	}
	return n
}

// UUIDs returns an array parameter of UUIDs in their lower-case form.
func (q *Query) UUIDs(name string) []string {
	values := slices.Clone(q.Strings(name))
	for i, v := range values {
		id, err := ParseUUID(v)
		if err != nil {
			q.fail("%s[]: %s", name, fault.Of(err).Detail)
			return nil
		}
		values[i] = id
	}
	return values
}

// Time returns an RFC 3339 time, or the zero time.
func (q *Query) Time(name string) time.Time {
	s := q.String(name, "")
	if len(q.values[name]) == 0 {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		q.fail("%s: expected a time as 2026-01-31T09:30:00Z, got %q", name, clip(s))
	}
	return t
}

// Text returns the filter of a text field: a prefix without regard to case, or the very text where exact[]=field asks
// for that.
func (q *Query) Text(field string) func(string) bool {
	wanted := q.String(field, "")
	exact := slices.Contains(q.AllOf("exact", field), field)
	switch {
	case wanted == "":
		return func(string) bool { return true }
	case exact:
		return func(s string) bool { return s == wanted }
	}
	wanted = strings.ToLower(wanted)
	return func(s string) bool { return strings.HasPrefix(strings.ToLower(s), wanted) }
}

// Page is the part of a list that is asked for.
type Page struct {
	Number, Size int // Number is 0-based
	Sort         string
	Descending   bool
}

// Window reads page and pageSize alone, of what has one order only.
func (q *Query) Window() Page {
	return Page{Number: q.Int("page", 0, 0, maxPage), Size: q.Int("pageSize", DefaultPageSize, 1, MaxPageSize)}
}

// Page reads page, pageSize, sort (one of sorts) and sortDirection. Without a sort the newest come first.
func (q *Query) Page(sorts ...string) Page {
	p := q.Window()
	p.Sort = q.OneOf("sort", "", sorts...)
	direction := q.OneOf("sortDirection", "", "ASC", "DESC")
	p.Descending = direction == "DESC" || p.Sort == "" && direction == ""
	if p.Sort == "" {
		p.Sort = "createdDate"
	}
	return p
}

// Err returns the first fault, or one that names every parameter that nobody read.
func (q *Query) Err() error {
	if q.err != nil {
		return q.err
	}
	var unknown []string
	for name := range q.values {
		if !q.known[name] {
			unknown = append(unknown, clip(name))
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		return fault.InvalidInput.New("Query extraction error: Unknown query params: %s", strings.Join(unknown, ", "))
	}
	return nil
}

func (q *Query) fail(format string, args ...any) {
	if q.err == nil {
		q.err = fault.InvalidInput.New("Query extraction error: "+format, args...)
	}
}

// List is a page of results as every list answers.
type List[T any] struct {
	Values     []T `json:"values"`
	TotalItems int `json:"totalItems"`
	TotalPages int `json:"totalPages"`
}

// NewList makes the answer of a list. values is the page; total counts all.
func NewList[T any](values []T, total, size int) List[T] {
	if values == nil {
		values = []T{}
	}
	size = max(size, 1)
	return List[T]{Values: values, TotalItems: total, TotalPages: (total + size - 1) / size}
}

// Slice cuts the page out of everything.
func Slice[T any](all []T, p Page) []T {
	from := min(p.Number*p.Size, len(all))
	return all[from:min(from+p.Size, len(all))]
}

// ParseUUID returns an id in its lower-case form. Only the form with four dashes is one.
func ParseUUID(s string) (string, error) {
	if len(s) == 36 {
		if id, err := uuid.Parse(s); err == nil {
			return id.String(), nil
		}
	}
	return "", fault.InvalidInput.New("expected a UUID, got %q", clip(s))
}
