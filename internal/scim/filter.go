package scim

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// The bounds of a filter.
const (
	maxFilter      = 4096 // bytes
	maxDepth       = 20
	maxComparisons = 50
)

// expression is a parsed filter (RFC 7644 section 3.4.2.2). Exactly one of its shapes is meant by op.
type expression struct {
	op    string // "and", "or", "not", "[]", or how the attribute compares: "eq", …, "pr"
	terms []*expression
	attr  name // of a comparison, and of "[]"
	value any  // string, bool, float64 or nil
}

// name is an attribute, perhaps of one of its sub-attributes, in lower case: attribute names have no case (RFC 7643 section 2.1).
type name struct{ attr, sub string }

func (n name) String() string {
	if n.sub == "" {
		return n.attr
	}
	return n.attr + "." + n.sub
}

// parser reads filters and paths. The first fault stays.
type parser struct {
	text        string
	at          int
	schemas     []string // whose URNs may stand before names
	comparisons int
	kind        string // the scimType of faults
	err         error
}

// parseFilter reads a whole filter.
func parseFilter(text string, schemas ...string) (*expression, error) {
	p := &parser{text: text, schemas: schemas, kind: invalidFilter}
	if len(text) > maxFilter || !utf8.ValidString(text) {
		return nil, refuse(invalidFilter, "expected a filter of at most %d bytes of UTF-8", maxFilter)
	}
	e := p.or(0)
	if p.blanks(); p.err == nil && p.at < len(p.text) {
		p.fail("expected the filter to end at %q", clip(p.text[p.at:]))
	}
	if p.err != nil {
		return nil, p.err
	}
	return e, nil
}

// path is what an operation of a PATCH is about (RFC 7644 section 3.5.2).
type path struct {
	name
	filter *expression // nil: all values
}

// parsePath reads attr, attr.sub, attr[filter] or attr[filter].sub.
func parsePath(text string, schemas ...string) (path, error) {
	p := &parser{text: text, schemas: schemas, kind: invalidPath}
	if len(text) > maxFilter || !utf8.ValidString(text) {
		return path{}, refuse(invalidPath, "expected a path of at most %d bytes of UTF-8", maxFilter)
	}
	n := p.name()
	out := path{name: n}
	if p.err == nil && p.at < len(p.text) && p.text[p.at] == '[' {
		if n.sub != "" {
			p.fail("expected no sub-attribute before the brackets")
		}
		p.at++
		out.filter = p.or(1)
		p.blanks()
		p.expect("]")
		if p.err == nil && p.at < len(p.text) && p.text[p.at] == '.' {
			p.at++
			out.sub = p.word()
		}
	}
	if p.err == nil && p.at < len(p.text) {
		p.fail("expected the path to end at %q", clip(p.text[p.at:]))
	}
	return out, p.err
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = refuse(p.kind, format, args...)
	}
}

func (p *parser) blanks() {
	for p.at < len(p.text) && p.text[p.at] == ' ' {
		p.at++
	}
}

func (p *parser) expect(sign string) {
	if p.err != nil {
		return
	}
	if !strings.HasPrefix(p.text[p.at:], sign) {
		p.fail("expected %q at %q", sign, clip(p.text[p.at:]))
		return
	}
	p.at += len(sign)
}

// or joins what binds tighter: first not, then and, then or.
func (p *parser) or(depth int) *expression {
	return p.join("or", depth, func(depth int) *expression { return p.join("and", depth, p.term) })
}

func (p *parser) join(op string, depth int, next func(depth int) *expression) *expression {
	terms := []*expression{next(depth)}
	for p.err == nil && p.keyword(op) {
		terms = append(terms, next(depth))
	}
	if len(terms) == 1 {
		return terms[0]
	}
	return &expression{op: op, terms: terms}
}

// keyword takes a word, in any case, that stands between blanks or before a parenthesis.
func (p *parser) keyword(word string) bool {
	p.blanks()
	end := p.at + len(word)
	if end > len(p.text) || !strings.EqualFold(p.text[p.at:end], word) || end < len(p.text) && p.text[end] != ' ' && p.text[end] != '(' {
		return false
	}
	p.at = end
	return true
}

func (p *parser) term(depth int) *expression {
	if depth > maxDepth {
		p.fail("expected a filter nested at most %d deep", maxDepth)
	}
	p.blanks()
	if p.err != nil {
		return nil
	}
	not := p.keyword("not")
	p.blanks()
	if p.at < len(p.text) && p.text[p.at] == '(' {
		p.at++
		e := p.or(depth + 1)
		p.blanks()
		p.expect(")")
		if not {
			return &expression{op: "not", terms: []*expression{e}}
		}
		return e
	}
	if not {
		p.fail("expected ( after not")
	}
	return p.comparison(depth)
}

var operators = map[string]bool{
	"eq": true, "ne": true, "co": true, "sw": true, "ew": true, "pr": true, "gt": true, "ge": true, "lt": true, "le": true,
}

func (p *parser) comparison(depth int) *expression {
	if p.comparisons++; p.comparisons > maxComparisons {
		p.fail("expected at most %d comparisons", maxComparisons)
	}
	n := p.name()
	if p.err != nil {
		return nil
	}
	if p.at < len(p.text) && p.text[p.at] == '[' {
		p.at++
		inner := p.or(depth + 1)
		p.blanks()
		p.expect("]")
		return &expression{op: "[]", attr: n, terms: []*expression{inner}}
	}
	p.expect(" ")
	p.blanks()
	op := strings.ToLower(p.word())
	if p.err == nil && !operators[op] {
		p.fail("expected eq, ne, co, sw, ew, pr, gt, ge, lt or le, got %q", clip(op))
	}
	e := &expression{op: op, attr: n}
	if p.err == nil && op != "pr" {
		p.expect(" ")
		p.blanks()
		e.value = p.value()
	}
	return e
}

// word takes letters, digits, - and _, and $ as in $ref.
func (p *parser) word() string {
	begin := p.at
	for p.at < len(p.text) && isWord(p.text[p.at]) {
		p.at++
	}
	if begin == p.at {
		p.fail("expected a name at %q", clip(p.text[begin:]))
	}
	return p.text[begin:p.at]
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '$'
}

// name takes attr or attr.sub, perhaps after the URN of a schema (RFC 7644 section 3.10).
func (p *parser) name() (n name) {
	for _, schema := range p.schemas {
		if end := p.at + len(schema) + 1; end <= len(p.text) && strings.EqualFold(p.text[p.at:end], schema+":") {
			p.at = end
			break
		}
	}
	n.attr = strings.ToLower(p.word())
	if p.err == nil && p.at < len(p.text) && p.text[p.at] == '.' {
		p.at++
		n.sub = strings.ToLower(p.word())
	}
	return n
}

// value takes a JSON string, number, true, false or null.
func (p *parser) value() (v any) {
	if p.err != nil {
		return nil
	}
	rest := p.text[p.at:]
	end := strings.IndexAny(rest, " )]")
	if strings.HasPrefix(rest, `"`) {
		end = closing(rest)
	} else if end < 0 {
		end = len(rest)
	}
	if end <= 0 || json.Unmarshal([]byte(rest[:end]), &v) != nil {
		p.fail("expected a value in JSON, such as \"text\" or true, at %q", clip(rest))
		return nil
	}
	switch text := v.(type) {
	case string:
		if hasControl(text) {
			p.fail("expected text without control characters")
		}
	case bool, float64, nil:
	default:
		p.fail("expected a single value, at %q", clip(rest))
	}
	p.at += end
	return v
}

// closing is the length of the string that text begins with; -1 where it does not end.
func closing(text string) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

func hasControl(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r < 0x20 || r == 0x7f || r == utf8.RuneError })
}
