package expression

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

type kind int

const (
	end kind = iota
	name
	number
	text
	sign
)

type token struct {
	kind  kind
	value string // of a text, without the quotes
}

// signs, longest first.
var signs = []string{"?:", "==", "!=", "<=", ">=", "&&", "||", "<", ">", "!", "?", ":", "+", ".", ",", "(", ")", "{", "}", "[", "]"}

func lex(source string) ([]token, error) {
	var out []token
	for rest := source; ; {
		rest = strings.TrimLeftFunc(rest, unicode.IsSpace)
		if rest == "" {
			return append(out, token{}), nil
		}
		t, size, err := next(rest)
		if err != nil {
			return nil, err
		}
		out, rest = append(out, t), rest[size:]
	}
}

func next(s string) (token, int, error) {
	switch r, _ := utf8.DecodeRuneInString(s); {
	case r == '"' || r == '\'':
		return quoted(s, byte(r))
	case isLetter(r):
		n := span(s, func(r rune) bool { return isLetter(r) || isDigit(r) })
		return token{name, s[:n]}, n, nil
	case isDigit(r):
		n := span(s, isDigit)
		return token{number, s[:n]}, n, nil
	}
	for _, x := range signs {
		if strings.HasPrefix(s, x) {
			return token{sign, x}, len(x), nil
		}
	}
	return token{}, 0, fmt.Errorf("unexpected %.10q", s)
}

// quoted reads a string; the quote itself is written with a backslash, or twice.
func quoted(s string, quote byte) (token, int, error) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case c == quote && i+1 < len(s) && s[i+1] == quote:
			i++
			b.WriteByte(quote)
		case c == quote:
			return token{text, b.String()}, i + 1, nil
		default:
			b.WriteByte(c)
		}
	}
	return token{}, 0, fmt.Errorf("a string does not end")
}

func isLetter(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_' || r == '$'
}
func isDigit(r rune) bool { return r >= '0' && r <= '9' }

func span(s string, in func(rune) bool) int {
	if i := strings.IndexFunc(s, func(r rune) bool { return !in(r) }); i >= 0 {
		return i
	}
	return len(s)
}
