package e2e

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/portico-iam/portico/"

var (
	edges    = []string{"login", "bff", "desk", "core", "scim"}
	services = []string{"authn", "breakglass", "cluster", "corecall", "directory", "iam", "policy", "revocation", "session", "sts", "history", "gateway", "okta", "doctor", "explain", "integration", "policyfile", "signal", "support"}
	base     = []string{"access", "claim", "config", "coreapi", "fault", "file", "httpx", "observe", "seal"}
)

// TestImportsPointDownwards holds the rule of docs/architecture.md: cmd -> dev, app -> edges -> services -> base. Edges
// never import each other, services never import edges, only app names the store, only dev and bench name the development Okta.
func TestImportsPointDownwards(t *testing.T) {
	imports := projectImports(t)
	for from, targets := range imports {
		for _, to := range targets {
			if why := forbidden(from, to); why != "" {
				t.Errorf("internal/%s imports internal/%s: %s", from, to, why)
			}
		}
	}
	for _, name := range slices.Concat(edges, services, base, []string{"app", "dev", "devokta", "store"}) {
		if _, ok := imports[name]; !ok {
			t.Errorf("the rule names internal/%s, which does not exist", name)
		}
	}
}

func forbidden(from, to string) string {
	isEdge, isService, isBase := slices.Contains(edges, from), slices.Contains(services, from), slices.Contains(base, from)
	switch {
	case from == to:
	case from == "access" || from == "attack" || from == "devokta":
		return "it imports nothing of the project"
	case to == "devokta" && from != "dev" && from != "bench":
		return "only dev and bench may reach the development Okta"
	case to == "dev" && from != "cmd":
		return "only cmd runs dev"
	case to == "store" && from != "app" && from != "testdb":
		return "only app names the store"
	case to == "observe" && from != "app":
		return "services are told what to count by functions that app hands them"
	case to == "app" && from != "cmd" && from != "dev" && from != "bench":
		return "app is wired from above"
	case isEdge && slices.Contains(edges, to):
		return "edges never import each other"
	case isService && slices.Contains(edges, to):
		return "services never import edges"
	case isBase && (slices.Contains(services, to) || slices.Contains(edges, to)):
		return "the base imports nothing above it"
	case to == "testdb" || to == "testbrowser" || to == "testwire":
		return "it is for tests"
	}
	return ""
}

// projectImports lists, for every package below internal by its first folder (and cmd), what it imports of the project.
func projectImports(t *testing.T) map[string][]string {
	t.Helper()
	imports := map[string][]string{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		parts := strings.Split(filepath.ToSlash(path), "/")
		from := parts[1]
		if from == "internal" {
			from = parts[2]
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		if imports[from] == nil {
			imports[from] = []string{}
		}
		for _, spec := range file.Imports {
			target, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if rest, ok := strings.CutPrefix(target, module+"internal/"); ok {
				to, _, _ := strings.Cut(rest, "/")
				imports[from] = append(imports[from], to)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(imports) < 10 {
		t.Fatalf("only %d packages found in %s", len(imports), mustWd(t))
	}
	return imports
}

func mustWd(t *testing.T) string {
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return wd
}
