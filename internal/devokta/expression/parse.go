package expression

import (
	"fmt"
	"slices"
	"strconv"
)

// Bounds on an expression.
const (
	maxSource = 4 << 10
	maxDepth  = 40
	maxNodes  = 500
)

// Expression is a parsed expression. It may be evaluated many times and at once.
type Expression struct{ root node }

// node computes a value: nil, string, bool, int, []any or an Object.
type node func(*Env) (any, error)

// Parse reads an expression.
func Parse(source string) (*Expression, error) {
	if len(source) > maxSource {
		return nil, fmt.Errorf("expression: %d bytes, expected at most %d", len(source), maxSource)
	}
	tokens, err := lex(source)
	if err != nil {
		return nil, fmt.Errorf("expression: %w", err)
	}
	p := &parser{tokens: tokens}
	root := p.ternary()
	if p.err == nil && p.peek().kind != end {
		p.fail("%q after the end", p.peek().value)
	}
	if p.err != nil {
		return nil, fmt.Errorf("expression: %w", p.err)
	}
	return &Expression{root}, nil
}

type parser struct {
	tokens []token
	at     int
	depth  int
	nodes  int
	err    error // the first; afterwards nothing moves
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
}

func (p *parser) peek() token {
	if p.err != nil {
		return token{}
	}
	return p.tokens[p.at]
}

// accept takes one of the given signs or words.
func (p *parser) accept(values ...string) (string, bool) {
	t := p.peek()
	if t.kind != sign && t.kind != name || !slices.Contains(values, t.value) {
		return "", false
	}
	p.at++
	return t.value, true
}

func (p *parser) expect(value string) {
	if _, ok := p.accept(value); !ok {
		p.fail("expected %q, got %q", value, p.peek().value)
	}
}

func (p *parser) ternary() node {
	if p.depth++; p.depth > maxDepth {
		p.fail("nested deeper than %d", maxDepth)
	}
	defer func() { p.depth-- }()
	condition := p.elvis()
	if _, ok := p.accept("?"); !ok {
		return condition
	}
	yes := p.ternary()
	p.expect(":")
	return p.made(choose(condition, yes, p.ternary()))
}

func (p *parser) elvis() node {
	return p.left(p.or, func(_ string, a, b node) node { return fallback(a, b) }, "?:")
}

func (p *parser) or() node {
	return p.left(p.and, func(_ string, a, b node) node { return either(a, b, true) }, "OR", "||")
}

func (p *parser) and() node {
	return p.left(p.equal, func(_ string, a, b node) node { return either(a, b, false) }, "AND", "&&")
}

func (p *parser) equal() node {
	return p.left(p.sum, compare, "==", "!=", "<=", ">=", "<", ">")
}

func (p *parser) sum() node {
	return p.left(p.not, func(_ string, a, b node) node { return add(a, b) }, "+")
}

// left reads operands of the next higher precedence, joined from the left.
func (p *parser) left(operand func() node, join func(op string, a, b node) node, operators ...string) node {
	a := operand()
	for {
		op, ok := p.accept(operators...)
		if !ok {
			return a
		}
		a = p.made(join(op, a, operand()))
	}
}

func (p *parser) not() node {
	negated := false
	for {
		if _, ok := p.accept("!", "NOT"); !ok {
			break
		}
		negated = !negated
		p.made(nil)
	}
	n := p.postfix()
	if negated {
		return negate(n)
	}
	return n
}

func (p *parser) postfix() node {
	n := p.primary()
	for {
		switch op, ok := p.accept(".", "["); {
		case !ok:
			return n
		case op == "[":
			n = p.made(index(n, p.ternary()))
			p.expect("]")
		default:
			n = p.made(property(n, p.word()))
		}
	}
}

func (p *parser) word() string {
	t := p.peek()
	if t.kind != name {
		p.fail("expected a name, got %q", t.value)
		return ""
	}
	p.at++
	return t.value
}

func (p *parser) primary() node {
	t := p.peek()
	switch {
	case t.kind == text:
		p.at++
		return p.made(constant(t.value))
	case t.kind == number:
		p.at++
		n, err := strconv.Atoi(t.value)
		if err != nil {
			p.fail("number %q is too large", t.value)
		}
		return p.made(constant(n))
	case t.kind == name:
		return p.named()
	}
	if _, ok := p.accept("("); ok {
		n := p.ternary()
		p.expect(")")
		return n
	}
	if _, ok := p.accept("{"); ok {
		return p.made(array(p.list("}")))
	}
	p.fail("unexpected %q", t.value)
	return nil
}

// named is a constant, a function (perhaps of Groups or Arrays) or one of the objects.
func (p *parser) named() node {
	first := p.word()
	switch first {
	case "true", "false":
		return p.made(constant(first == "true"))
	case "null":
		return p.made(constant(nil))
	}
	if first == "Groups" || first == "Arrays" || first == "String" {
		p.expect(".")
		first += "." + p.word()
	}
	if _, ok := p.accept("("); !ok {
		return p.made(object(first))
	}
	args := p.list(")")
	f, ok := functions[first]
	if !ok {
		p.fail("there is no function %q", first)
	}
	return p.made(call(first, f, args))
}

func (p *parser) list(closing string) []node {
	var out []node
	if _, ok := p.accept(closing); ok {
		return nil
	}
	for p.err == nil {
		out = append(out, p.ternary())
		if _, ok := p.accept(","); !ok {
			break
		}
	}
	p.expect(closing)
	return out
}

// made counts nodes.
func (p *parser) made(n node) node {
	if p.nodes++; p.nodes > maxNodes {
		p.fail("more than %d parts", maxNodes)
	}
	return n
}
