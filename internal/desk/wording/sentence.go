package wording

import (
	"context"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Sentence says what went wrong as a sentence of its own. The field of a form that it may begin with is left out: the
// sentence stands at the field.
func Sentence(ctx context.Context, p Phraser) string {
	format, args := p.Phrase()
	for format == "%s" && len(args) == 1 {
		inner, ok := args[0].(Phraser)
		if !ok {
			break
		}
		format, args = inner.Phrase()
	}
	text := Capital(Of(ctx).Say(withoutField(format), args...))
	if strings.HasSuffix(strings.TrimSuffix(text, Closing), ".") {
		return text
	}
	return text + "."
}

var leadingField = regexp.MustCompile(`^[a-z]\w*: `)

func withoutField(format string) string { return leadingField.ReplaceAllString(format, "") }

// Capital begins a text with a capital letter.
func Capital(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	if first == utf8.RuneError {
		return s
	}
	return string(unicode.ToUpper(first)) + s[size:]
}
