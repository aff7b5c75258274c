package wording

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// longestRecall bounds what is compared with the sentences that could have been recorded, in bytes.
const longestRecall = 4096

// Recall says in the language of ctx what was recorded in English: it finds the sentence of which it was made, and what
// belongs in it. Only what makes the very same English again is taken; other words stay as they are, and ok is false.
func Recall(ctx context.Context, recorded string) (said string, ok bool) {
	l := Of(ctx)
	if l == Languages[0] {
		return recorded, true
	}
	if len(recorded) > longestRecall {
		return recorded, false
	}
	p, ok := recall(recorded, nested)
	if !ok {
		return recorded, false
	}
	return l.Say(p.Format, p.Args...), true
}

// nested is how deep sentences stand within sentences.
const nested = 4

func recall(text string, deep int) (Phrase, bool) {
	if _, known := recallable()[text]; known && !strings.Contains(text, "%") {
		return Phrase{Format: text}, true
	}
	if deep == 0 {
		return Phrase{}, false
	}
	for _, p := range patterns() {
		found := p.shape.FindStringSubmatch(text)
		if found == nil {
			continue
		}
		args, ok := arguments(p.verbs, found[1:], deep)
		phrase := Phrase{p.format, args}
		if ok && phrase.String() == text {
			return phrase, true
		}
	}
	return Phrase{}, false
}

func arguments(verbs []string, found []string, deep int) (args []any, ok bool) {
	for i, verb := range verbs {
		switch text := found[i]; verb {
		case "%q":
			plain, err := strconv.Unquote(text)
			if err != nil {
				return nil, false
			}
			args = append(args, plain)
		case "%d":
			n, err := strconv.Atoi(text)
			if err != nil {
				return nil, false
			}
			args = append(args, n)
		default:
			if p, known := recall(text, deep-1); known {
				args = append(args, p)
			} else {
				args = append(args, text)
			}
		}
	}
	return args, true
}

// recallable are the sentences that are recorded: those that explain decisions, and the names within them.
var recallable = sync.OnceValue(func() words { return joined(germanExplain, germanPermissions) })

// pattern is the shape of a sentence with arguments.
type pattern struct {
	format string
	shape  *regexp.Regexp
	verbs  []string
}

var (
	verb   = regexp.MustCompile(`%[sqd]`)
	shapes = map[string]string{"%s": `(.+?)`, "%q": `("(?:[^"\\]|\\.)*")`, "%d": `(\d+)`}
)

var joining = regexp.MustCompile(`^%s [A-Z]`)

// joins is 1 for a sentence that follows another one: what is within the other is found afterwards.
func (p pattern) joins() int {
	if joining.MatchString(p.format) {
		return 1
	}
	return 0
}

// patterns are the shapes of all of them: those that join others first, then those that say the most themselves.
var patterns = sync.OnceValue(func() (all []pattern) {
	for format := range recallable() {
		verbs := verb.FindAllString(format, -1)
		if len(verbs) == 0 {
			continue
		}
		shape := regexp.QuoteMeta(format)
		for v, s := range shapes {
			shape = strings.ReplaceAll(shape, v, s)
		}
		all = append(all, pattern{format, regexp.MustCompile(`(?s)^` + shape + `$`), verbs})
	}
	slices.SortFunc(all, func(a, b pattern) int {
		return cmp.Or(-cmp.Compare(a.joins(), b.joins()), cmp.Compare(len(b.format), len(a.format)))
	})
	return all
})
