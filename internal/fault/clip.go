package fault

import (
	"strings"
	"unicode"
)

// Clip bounds what is quoted of somebody's own words, in bytes, and keeps it on one line: a terminal acts upon control characters,
// U+009B as upon ESC [. What is no UTF-8 is marked.
func Clip(text string, most int) string {
	cut := len(text) > most
	if cut {
		text = text[:most]
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	if cut {
		text += "…"
	}
	return text
}
