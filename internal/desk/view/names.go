package view

import (
	"context"
	"fmt"
	"strings"
	"unicode"
)

// segment is a piece of a name; an odd one is a character that the eye would miss.
type segment struct{ Text, Odd string }

// said is what an odd character is called.
func (s segment) said(ctx context.Context) string {
	if s.Odd == blank {
		return sayKey(ctx, blank)
	}
	return s.Odd
}

var blank = key("blank")

// segments splits a name that is compared exactly, so that what cannot be seen can be told: blanks at
// the ends, more than one blank in a row, other kinds of space, and characters without a shape, such as
// those that turn the direction of writing round.
func segments(name string) []segment {
	runes := []rune(name)
	var out []segment
	var plain strings.Builder
	flush := func() {
		if plain.Len() > 0 {
			out = append(out, segment{Text: plain.String()})
			plain.Reset()
		}
	}
	for i, r := range runes {
		if odd := oddity(runes, i); odd != "" {
			flush()
			out = append(out, segment{Odd: odd})
			continue
		}
		plain.WriteRune(r)
	}
	flush()
	return out
}

func oddity(runes []rune, i int) string {
	r := runes[i]
	switch {
	case r == ' ':
		edge := strings.TrimSpace(string(runes[:i])) == "" || strings.TrimSpace(string(runes[i+1:])) == ""
		if edge || runes[i-1] == ' ' || runes[i+1] == ' ' {
			return blank
		}
		return ""
	case r == '\u200d' && i > 0 && runes[i-1] > 0x2190: // joins emoji into one
		return ""
	case unicode.IsSpace(r), unicode.Is(unicode.Cf, r), unicode.IsControl(r), r == unicode.ReplacementChar:
		return fmt.Sprintf("U+%04X", r)
	}
	return ""
}
