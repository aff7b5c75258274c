package wording

import (
	"context"
	"net/http"
	"slices"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/message/catalog"
)

// Language is one that the Desk speaks.
type Language struct {
	Code    string // BCP 47, as <html lang> and the cookie have it
	Name    string // in its own words
	words   words
	plurals plurals
	printer *message.Printer
}

// words are the texts of a language by their keys; plurals those that count something.
type (
	words   map[string]string
	plurals map[string]catalog.Message
)

// Languages are on offer, in this order. To add one, write its words in a file beside the others and list it here.
var Languages = []*Language{
	newLanguage(language.BritishEnglish, "en", "English", nil, englishPlurals),
	newLanguage(language.German, "de", "Deutsch", german, germanPlurals),
}

// Pseudo is English in marks, for tests. Nobody is offered it; Accept-Language may ask for it, and for nothing else.
var Pseudo = &Language{Code: "en-XA", Name: "Pseudo", plurals: englishPlurals, printer: Languages[0].printer}

// The marks around each text in Pseudo.
const (
	Opening = "⟦"
	Closing = "⟧"
)

var matcher = language.NewMatcher([]language.Tag{language.English, language.German})

func newLanguage(tag language.Tag, code, name string, w words, p plurals) *Language {
	builder := catalog.NewBuilder(catalog.Fallback(tag))
	for key, text := range w {
		must(builder.SetString(tag, key, text))
	}
	for key, forms := range p {
		must(builder.Set(tag, key, forms))
	}
	return &Language{Code: code, Name: name, words: w, plurals: p, printer: message.NewPrinter(tag, message.Catalog(builder))}
}

// must stops the program, and every test, at words that can't be said.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// knows tells whether the language has words of its own for a key. English needs none, but where something is counted.
func (l *Language) knows(key string) bool {
	_, plain := l.words[key]
	_, counted := l.plurals[key]
	return plain || counted
}

// Named finds a language by its code.
func Named(code string) (*Language, bool) {
	i := slices.IndexFunc(Languages, func(l *Language) bool { return l.Code == code })
	if i < 0 {
		return nil, false
	}
	return Languages[i], true
}

// Cookie keeps the language that somebody chose.
const Cookie = "portico_language"

// Choose finds the language of a request: what was chosen counts more than what the browser asks for.
func Choose(r *http.Request) *Language {
	if cookie, err := r.Cookie(Cookie); err == nil {
		if l, found := Named(cookie.Value); found {
			return l
		}
	}
	asked := r.Header.Get("Accept-Language")
	if asked == Pseudo.Code {
		return Pseudo
	}
	wanted, _, err := language.ParseAcceptLanguage(asked)
	if err != nil {
		return Languages[0]
	}
	_, at, _ := matcher.Match(wanted...)
	return Languages[at]
}

type contextKey struct{}

// With has what follows said in a language.
func With(ctx context.Context, l *Language) context.Context {
	return context.WithValue(ctx, contextKey{}, l)
}

// Of is the language to speak; English where none was chosen.
func Of(ctx context.Context) *Language {
	if l, ok := ctx.Value(contextKey{}).(*Language); ok {
		return l
	}
	return Languages[0]
}
