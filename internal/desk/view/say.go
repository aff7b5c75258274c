package view

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/portico-iam/portico/internal/desk/wording"
)

// say says a text in the language of ctx: see package wording.
func say(ctx context.Context, format string, args ...any) string {
	if false {
		_ = fmt.Sprintf(format, args...) // so that vet minds the verbs
	}
	return wording.Say(ctx, format, args...)
}

// later is a text to be said later, or within another one.
func later(format string, args ...any) wording.Phrase {
	if false {
		_ = fmt.Sprintf(format, args...) // so that vet minds the verbs
	}
	return wording.Phrase{Format: format, Args: args}
}

// sayKey says a text that was marked as a key.
func sayKey(ctx context.Context, key string) string { return wording.SayKey(ctx, key) }

// key marks a text that is said elsewhere, by what it is called here.
func key(text string) string { return text }

func sayPhrase(ctx context.Context, p wording.Phraser) string { return wording.SayPhrase(ctx, p) }

func number(ctx context.Context, n int) string { return wording.Number(ctx, n) }

func date(ctx context.Context, t time.Time, layout string) string {
	return wording.Date(ctx, t, layout)
}

func language(ctx context.Context) string { return wording.Of(ctx).Code }

// english marks what stays English in every language: what the doctor finds, what was recorded, names in a foreign console.
func english(ctx context.Context) templ.Attributes {
	if language(ctx) == "en" {
		return nil
	}
	return templ.Attributes{"lang": "en"}
}

// slot stands for a component while its sentence is said: a character of private use, one for each.
const slot = '\uE000'

// sentence says a text in which some arguments are components, each where the language puts it. Data comes in components.
func sentence(format string, args ...any) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		said := make([]any, len(args))
		for i, arg := range args {
			said[i] = arg
			if _, ok := arg.(templ.Component); ok {
				said[i] = string(slot + rune(i))
			}
		}
		return fill(ctx, w, wording.Say(ctx, format, said...), args)
	})
}

func fill(ctx context.Context, w io.Writer, text string, args []any) error {
	for text != "" {
		at := strings.IndexFunc(text, func(r rune) bool { return r >= slot && r < slot+rune(len(args)) })
		plain := text
		if at >= 0 {
			plain = text[:at]
		}
		if _, err := io.WriteString(w, templ.EscapeString(plain)); err != nil || at < 0 {
			return err
		}
		for _, r := range text[at:] {
			if c, ok := args[r-slot].(templ.Component); ok {
				if err := c.Render(ctx, w); err != nil {
					return err
				}
			}
			text = text[at+len(string(r)):]
			break
		}
	}
	return nil
}
