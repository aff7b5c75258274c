package wording

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
)

// speaking are the functions that take a key, and which of their arguments it is.
var speaking = map[string]int{"say": 1, "Say": 1, "date": 2, "Date": 2, "later": 0, "Later": 0, "key": 0, "sentence": 0}

// shown are the sources whose refusals and sentences the Desk shows. What others refuse is answered to programs, in English.
var shown = []string{
	"access", "authn", "breakglass", "claim", "coreapi/client.go", "coreapi/client_errors.go", "coreapi/client_organisation.go", "corecall", "desk", "explain",
	"httpx/query.go", "iam/idtoken.go", "integration", "login", "policy", "revocation", "session", "store/away.go", "sts/ring.go", "sts/rotate.go", "sts/turn.go",
}

// keyOfService finds the format of a refusal or a phrase. Formats of nothing but verbs say what others said.
func keyOfService(source string, n ast.Node) (string, bool) {
	key, ok := "", false
	switch n := n.(type) {
	case *ast.CompositeLit:
		key, ok = messageOf(n)
	case *ast.CallExpr:
		switch f := n.Fun.(type) {
		case *ast.Ident:
			i, speaks := map[string]int{"phrase": 0, "refuse": 2}[f.Name]
			if speaks && len(n.Args) > i {
				key, ok = text(n.Args[i])
			}
		case *ast.SelectorExpr:
			if pkg, is := f.X.(*ast.Ident); is && pkg.Name == "fmt" && f.Sel.Name == "Sprintf" && (source == "claim" || source == "iam/idtoken.go") {
				key, ok = text(n.Args[0])
			}
			if code, isCode := f.X.(*ast.SelectorExpr); isCode && f.Sel.Name == "New" && len(n.Args) > 0 {
				if pkg, is := code.X.(*ast.Ident); is && pkg.Name == "fault" {
					key, ok = text(n.Args[0])
				}
			}
		}
	}
	return key, ok && strings.Trim(verbs.ReplaceAllString(key, ""), ": ") != ""
}

// keyOfMessage finds what the sign-in says: every sentence in its sources, and whatever else begins with a capital letter.
func keyOfMessage(n ast.Node, key *string) bool {
	e, ok := n.(ast.Expr)
	if !ok {
		return false
	}
	s, ok := text(e)
	*key = s
	return ok && regexp.MustCompile(`^[A-Z][a-z]+ [a-z]`).MatchString(s)
}

// keyOfOddity finds what the values of a claim are called.
func keyOfOddity(n ast.Node, key *string) bool {
	e, ok := n.(ast.Expr)
	if !ok {
		return false
	}
	s, ok := text(e)
	*key = s
	return ok && regexp.MustCompile(`^(null|an? [a-z]+)$`).MatchString(s)
}

// messageOf finds the format of a Phrase that is written out.
func messageOf(n *ast.CompositeLit) (string, bool) {
	if kind, ok := n.Type.(*ast.SelectorExpr); ok && kind.Sel.Name == "Phrase" && len(n.Elts) > 0 {
		if field, ok := n.Elts[0].(*ast.KeyValueExpr); ok {
			return text(field.Value)
		}
	}
	return "", false
}

// keysOf finds the keys of the Desk, and of what it shows of others: where each stands in the sources.
func keysOf(t *testing.T) map[string]string {
	t.Helper()
	keys := map[string]string{}
	for _, c := range fault.All {
		keys[c.Message] = "fault"
	}
	for _, info := range access.Permissions() {
		keys[info.Title], keys[info.Description], keys[info.Group] = "access", "access", "access"
	}
	for _, name := range []string{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"} {
		keys[name] = "the days"
	}
	for _, source := range shown {
		each(t, "../../"+source, func(file *ast.File, at func(ast.Node) string) {
			ast.Inspect(file, func(n ast.Node) bool {
				if key, ok := keyOfService(source, n); ok || source == "login" && keyOfMessage(n, &key) || source == "claim" && keyOfOddity(n, &key) {
					keys[withoutField(key)] = at(n)
					_, joined := n.(*ast.BinaryExpr)
					return !joined // its parts are no keys
				}
				return true
			})
		})
	}
	each(t, "..", func(file *ast.File, at func(ast.Node) string) {
		ast.Inspect(file, func(n ast.Node) bool {
			if key, ok := keyOf(n); ok {
				keys[key] = at(n)
			}
			return true
		})
	})
	return keys
}

// each parses the sources below a folder, tests left out.
func each(t *testing.T, folder string, visit func(*ast.File, func(ast.Node) string)) {
	t.Helper()
	set := token.NewFileSet()
	at := func(n ast.Node) string { return set.Position(n.Pos()).String() }
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(set, path, nil, 0)
		if err == nil {
			visit(file, at)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func keyOf(n ast.Node) (string, bool) {
	if spec, ok := n.(*ast.ValueSpec); ok { // the sections are named by constants
		if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Section" && len(spec.Values) == 1 {
			return text(spec.Values[0])
		}
	}
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return "", false
	}
	name := ""
	switch f := call.Fun.(type) {
	case *ast.Ident:
		name = f.Name
	case *ast.SelectorExpr:
		name = f.Sel.Name
	}
	i, speaks := speaking[name]
	if !speaks || len(call.Args) <= i {
		return "", false
	}
	return text(call.Args[i])
}

// text is a literal, or several that are joined.
func text(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		return s, err == nil && e.Kind == token.STRING
	case *ast.BinaryExpr:
		left, ok := text(e.X)
		right, also := text(e.Y)
		return left + right, ok && also
	}
	return "", false
}

// Every language has words for every key, with the same verbs, and for nothing else.
func TestEveryLanguageIsWhole(t *testing.T) {
	keys := keysOf(t)
	for _, l := range Languages[1:] {
		for key, at := range keys {
			if !l.knows(key) {
				t.Errorf("%s: %s has no words for %q", at, l.Code, key)
			}
		}
		for key := range l.words {
			if _, used := keys[key]; !used {
				t.Errorf("%s has words that nobody says: %q", l.Code, key)
			}
			if _, twice := l.plurals[key]; twice {
				t.Errorf("%s says %q in two ways", l.Code, key)
			}
		}
		for key := range l.plurals {
			if _, used := keys[key]; !used {
				t.Errorf("%s has forms that nobody says: %q", l.Code, key)
			}
		}
	}
	for key := range englishSingulars {
		if _, used := keys[key]; !used {
			t.Errorf("en has a form that nobody says: %q", key)
		}
	}
}

// What counts something is counted in every language, and numbers that are counted by no form are pages, steps and the like.
func TestWhatCountsHasForms(t *testing.T) {
	for _, l := range Languages[1:] {
		for key := range l.plurals {
			if _, counts := englishPlurals[key]; !counts {
				t.Errorf("%s counts in %q, English does not", l.Code, key)
			}
		}
		for key := range englishPlurals {
			if _, counts := l.plurals[key]; !counts {
				t.Errorf("%s does not count in %q", l.Code, key)
			}
		}
	}
}

// A text says what its key says: every argument, once, as the key has it.
func TestWordsKeepTheVerbs(t *testing.T) {
	for _, l := range Languages[1:] {
		for key := range keysOf(t) {
			args := verbsOf(key)
			for _, n := range []int{1, 2, 1234} {
				numbered := make([]any, len(args))
				for i, verb := range args {
					numbered[i] = probe(verb, i, n)
				}
				got := l.Say(key, numbered...)
				if strings.Contains(got, "%!") || strings.Contains(got, "\ufffd") {
					t.Errorf("%s: %q is said as %q", l.Code, key, got)
				}
				for i, verb := range args {
					if verb != "%d" && !strings.Contains(got, strings.Trim(Languages[0].printer.Sprintf(verb, numbered[i]), `"`)) {
						t.Errorf("%s: %q loses its argument %d: %q", l.Code, key, i+1, got)
					}
				}
			}
		}
	}
}

var verbs = regexp.MustCompile(`%(\[\d+\])?([a-zA-Z%])`)

// verbsOf are the verbs of a key, in the order of its arguments.
func verbsOf(key string) (args []string) {
	for _, v := range verbs.FindAllStringSubmatch(key, -1) {
		if v[2] != "%" {
			args = append(args, "%"+v[2])
		}
	}
	return args
}

// probe is a value for a verb that can be told from the others.
func probe(verb string, i, n int) any {
	if verb == "%d" || verb == "%U" {
		return n
	}
	return "argument" + strconv.Itoa(i+1)
}
