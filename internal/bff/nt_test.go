package bff_test

import (
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/portico-iam/portico/internal/access"
)

// TestNT41_WhatTriesThingsOutTakesItsOwnPermission: looking into roles does not let anybody preview or explain, and whoever is
// refused learns nothing by it, whatever they ask for.
func TestNT41_WhatTriesThingsOutTakesItsOwnPermission(t *testing.T) {
	b := newBench(t, options{})
	everything := access.OfScope(access.ScopeSystem).Minus(access.SetOf(access.STSAccessExplain))
	b.maps("all but that", everything)
	b.maps("secret role", access.SetOf(access.KeyList))
	for _, c := range []struct{ method, path, body string }{
		{"POST", "/api/sts/preview/v1", `{"roles":{"put":[{"name":"x","permissions":["KEY_LIST"]}]}}`},
		{"POST", "/api/sts/explain/v1", `{"iamRoles":["secret role"],"permission":"KEY_LIST"}`},
	} {
		got := b.call("all but that", c.method, c.path, c.body)
		if got.status != http.StatusForbidden || strings.Contains(got.body, "secret") {
			t.Errorf("%s %s: got %d %s", c.method, c.path, got.status, got.body)
		}
	}
}

// aims are names of fields that say where something is written, fetched from or sent to.
var aims = regexp.MustCompile(`(?i)(^|[a-z])(url|uri|endpoint|webhook|sink|path|file|host|target)s?$`)

// TestNT42_NoSinkCanBeSetByTheAPI: where the history and logs go is in the configuration file alone. The document is tested against
// the handlers, which refuse fields that it does not name.
func TestNT42_NoSinkCanBeSetByTheAPI(t *testing.T) {
	var document struct {
		Paths      map[string]map[string]yaml.Node `yaml:"paths"`
		Components yaml.Node                       `yaml:"components"`
	}
	text, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	looked := 0
	var look func(at string, node *yaml.Node)
	look = func(at string, node *yaml.Node) {
		if node.Kind == yaml.MappingNode {
			for i := 0; i+1 < len(node.Content); i += 2 {
				key, value := node.Content[i].Value, node.Content[i+1]
				if key == "properties" {
					for j := 0; j < len(value.Content); j += 2 {
						looked++
						if name := value.Content[j].Value; aims.MatchString(name) && !slices.Contains(harmless, name) {
							t.Errorf("%s: a request may say %q: where something goes is for the file", at, name)
						}
					}
				}
				look(at, value)
			}
			return
		}
		for _, child := range node.Content {
			look(at, child)
		}
	}
	for path, methods := range document.Paths {
		for method, node := range methods {
			for i := 0; i+1 < len(node.Content); i += 2 {
				if node.Content[i].Value == "requestBody" {
					look(method+" "+path, node.Content[i+1])
				}
			}
		}
	}
	look("components", &document.Components)
	if looked < 20 {
		t.Errorf("looked at %d fields only", looked)
	}
}

// harmless are such names that say something else: a route that is asked about, and a claim in a token.
var harmless = []string{"path", "rolePath"}
