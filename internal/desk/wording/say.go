package wording

import (
	"context"
	"fmt"
	"strings"
	"time"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/message/catalog"
)

// Phraser is a text that can be said later: its format and what belongs in it.
type Phraser interface {
	Phrase() (format string, args []any)
}

// Phrase is a text to be said later, or within another one. As a string it is English.
type Phrase struct {
	Format string
	Args   []any
}

// Later makes a Phrase.
func Later(format string, args ...any) Phrase {
	if false {
		_ = fmt.Sprintf(format, args...) // so that vet minds the verbs
	}
	return Phrase{format, args}
}

// Phrase makes it a Phraser.
func (p Phrase) Phrase() (string, []any) { return p.Format, p.Args }

func (p Phrase) String() string { return Languages[0].Say(p.Format, p.Args...) }

// Say says a text in the language of ctx. Arguments that are a Phraser are said in it too.
func Say(ctx context.Context, format string, args ...any) string {
	if false {
		_ = fmt.Sprintf(format, args...) // so that vet minds the verbs
	}
	return Of(ctx).Say(format, args...)
}

// SayKey says a text without arguments whose words stand elsewhere, marked as a key.
func SayKey(ctx context.Context, key string) string {
	l := Of(ctx)
	text, found := l.words[key]
	if !found {
		text = key
	}
	if l == Pseudo && everyLanguageKnows(key) {
		return Opening + text + Closing
	}
	return text
}

// SayPhrase says what was to be said later.
func SayPhrase(ctx context.Context, p Phraser) string {
	format, args := p.Phrase()
	return Of(ctx).Say(format, args...)
}

// Say says a text. One that the language has no words for stays English.
func (l *Language) Say(format string, args ...any) string {
	text := l.text(format, args)
	if l == Pseudo && everyLanguageKnows(format) {
		return Opening + text + Closing
	}
	return text
}

func (l *Language) text(format string, args []any) string {
	if len(args) == 0 && !strings.Contains(format, "%") { // the usual case, for which no printer is needed
		if text, found := l.words[format]; found {
			return text
		}
		return format
	}
	said := make([]any, len(args))
	for i, arg := range args {
		said[i] = arg
		if p, ok := arg.(Phraser); ok {
			inner, innerArgs := p.Phrase()
			said[i] = l.Say(inner, innerArgs...)
		}
	}
	return l.printer.Sprintf(format, said...)
}

func everyLanguageKnows(key string) bool {
	for _, l := range Languages[1:] {
		if !l.knows(key) {
			return false
		}
	}
	return true
}

// Number writes a number, for people.
func Number(ctx context.Context, n int) string { return Of(ctx).printer.Sprintf("%d", n) }

// Date writes a moment in UTC by a layout of package time, which is a key: languages order and name its parts in their own way.
func Date(ctx context.Context, t time.Time, layout string) string {
	l := Of(ctx)
	own, found := l.words[layout]
	if !found {
		own = layout
	}
	var b strings.Builder
	for own != "" {
		at, name := firstName(own)
		b.WriteString(t.UTC().Format(own[:at]))
		if name != "" {
			b.WriteString(l.text(t.UTC().Format(name), nil))
		}
		own = own[at+len(name):]
	}
	if l == Pseudo && everyLanguageKnows(layout) {
		return Opening + b.String() + Closing
	}
	return b.String()
}

// firstName finds the first name of a day or a month in a layout; without one, its end.
func firstName(layout string) (at int, name string) {
	at = len(layout)
	for _, n := range []string{"Mon", "Jan"} {
		if i := strings.Index(layout, n); i >= 0 && i < at {
			at, name = i, n
		}
	}
	return at, name
}

// by has the forms of a text chosen by its argument of that number, from 1: by(1, "one", "%d role", "other", "%d roles").
func by(arg int, forms ...any) catalog.Message { return plural.Selectf(arg, "%d", forms...) }
