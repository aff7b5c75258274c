package doctor

import (
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/portico-iam/portico/internal/fault"
)

// maxText bounds an error text.
const maxText = 256 << 10

// Told is an error that somebody saw: a page, a log line, an address, or words.
type Told struct {
	text     string // plain, see plainText
	symptoms []symptom
	// What the text quotes: an audience or issuer that came instead of the expected one, a redirect URI, a scope parameter.
	expected, got, redirectURI, scope string
}

// symptom is an error of which it is known what it means. Okta has worded many twice, so what counts is a part of the
// sentence, or the reason that the System Log has (okta.md 2).
type symptom struct {
	id      string
	row     int
	console string
	texts   []string // any of these; "a & b" is both
	what    string
	setting string
	call    string

	explains []string
	vague    bool // it has many causes, and says nothing beside a symptom that has one
}

var (
	tags   = regexp.MustCompile(`(?s)<(script|style)\b.*?</(script|style)>|<[^>]*>`)
	blanks = regexp.MustCompile(`\s+`)
	// wordings are one thing said in two ways.
	quotes   = strings.NewReplacer("’", "'", "‘", "'", "“", "'", "”", "'", "`", "'", `"`, "'")
	wordings = strings.NewReplacer("isn't", "is not", "aren't", "are not", "doesn't", "does not", "can't", "cannot",
		"couldn't", "could not", "weren't", "were not", "hasn't", "has not", "don't", "do not")

	quotedExpected = regexp.MustCompile(`(?i)\bexpected (?:the )?(?:issuer |audience )?[\["'(]*([^\s"'\]),;]+)`)
	quotedGot      = regexp.MustCompile(`(?i)\b(?:got|received|value|actual)[:=]?\s*[\["'(]*([^\s"'\]),;]+)`)
	quotedRedirect = regexp.MustCompile(`(?i)(?:^|[?&\s"'{,(])redirect_?uri["']?\s*[=:]\s*["']?([^&\s"'<>,})]+)`)
	quotedScope    = regexp.MustCompile(`(?i)[?&]scope=([^&\s"']+)`)
)

// readText takes an error text apart.
func readText(text string) *Told {
	if text = strings.TrimSpace(text); text == "" {
		return nil
	}
	text = strings.ToValidUTF8(text[:min(len(text), maxText)], "?")
	told := &Told{text: plainText(text)}
	told.symptoms = match(told.text)
	for _, quote := range []struct {
		pattern *regexp.Regexp
		into    *string
	}{{quotedExpected, &told.expected}, {quotedGot, &told.got}, {quotedScope, &told.scope}} {
		if m := quote.pattern.FindStringSubmatch(html.UnescapeString(text)); m != nil {
			*quote.into = clip(unescape(m[1]))
		}
	}
	told.redirectURI = redirectIn(html.UnescapeString(text))
	return told
}

// redirectIn is the redirect URI that a text quotes: the parameter of that name of an authorize address, which may stand in
// another address, or the field of a log. Any other address may be another thing: Okta's page has a link to the application in
// the console right behind the sentence.
func redirectIn(text string) string {
	for _, form := range []string{text, unescape(text)} {
		for _, m := range quotedRedirect.FindAllStringSubmatch(form, -1) {
			value := unescape(m[1])
			if u, err := url.Parse(value); err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http") {
				return clip(value)
			}
		}
	}
	return ""
}

// plainText makes one line of HTML, an address or a log, in lower case and with one wording for each thing.
func plainText(text string) string {
	text = html.UnescapeString(tags.ReplaceAllString(text, " "))
	if strings.Contains(text, "%20") || strings.Contains(text, "error_description=") || strings.Contains(text, "%27") {
		text += " " + unescape(text)
	}
	return wordings.Replace(quotes.Replace(blanks.ReplaceAllString(strings.ToLower(text), " ")))
}

// unescape undoes what an address does to its parameters; what is none stays.
func unescape(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) {
			if part, err := url.QueryUnescape(text[i : i+3]); err == nil {
				b.WriteString(part)
				i += 2
				continue
			}
		}
		if text[i] == '+' {
			b.WriteByte(' ')
			continue
		}
		b.WriteByte(text[i])
	}
	return strings.ToValidUTF8(b.String(), "?")
}

// match finds every symptom that a plain text speaks of. Of two about the same thing the first, the more exact one, counts.
func match(plain string) (found []symptom) {
	rows := map[int]bool{}
	for _, s := range symptoms {
		if s.row > 0 && rows[s.row] || !s.in(plain) {
			continue
		}
		rows[s.row] = true
		found = append(found, s)
	}
	if exact := slices.DeleteFunc(slices.Clone(found), func(s symptom) bool { return s.vague }); len(exact) > 0 {
		return exact
	}
	return found[:min(len(found), 1)]
}

func (s *symptom) in(plain string) bool {
	for _, text := range s.texts {
		all := true
		for part := range strings.SplitSeq(text, " & ") {
			all = all && strings.Contains(plain, part)
		}
		if all {
			return true
		}
	}
	return false
}

// says tells whether the text speaks of that symptom.
func (t *Told) says(id string) bool {
	if t == nil {
		return false
	}
	for _, s := range t.symptoms {
		if s.id == id {
			return true
		}
	}
	return false
}

// clip bounds what is quoted of others, on one line.
func clip(text string) string { return fault.Clip(text, 200) }
