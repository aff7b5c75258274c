package bff

import (
	_ "embed"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

//go:embed openapi.yaml
var openAPIText []byte

// openAPI is the document of our own addresses.
type openAPI struct {
	json  []byte
	paths map[string][]string // methods, upper case, by path
}

var document = func() openAPI {
	var tree map[string]any
	if err := yaml.Unmarshal(openAPIText, &tree); err != nil {
		panic("openapi.yaml: " + err.Error()) // a mistake in the program, shown by every test
	}
	doc := openAPI{paths: map[string][]string{}}
	doc.json, _ = json.Marshal(tree)
	for path, item := range tree["paths"].(map[string]any) {
		for key := range item.(map[string]any) {
			if method := strings.ToUpper(key); slices.Contains([]string{"GET", "POST", "PUT", "PATCH", "DELETE"}, method) {
				doc.paths[path] = append(doc.paths[path], method)
			}
		}
		slices.Sort(doc.paths[path])
	}
	return doc
}()

// methods returns the methods of a concrete path; none for a path that is not ours.
func (d openAPI) methods(path string) []string {
	if methods, plain := d.paths[path]; plain {
		return methods // a pattern may match it too
	}
	segments := strings.Split(path, "/")
	for pattern, methods := range d.paths {
		parts := strings.Split(pattern, "/")
		if len(parts) == len(segments) && slices.EqualFunc(parts, segments, func(part, segment string) bool {
			return part == segment || strings.HasPrefix(part, "{") && segment != ""
		}) {
			return methods
		}
	}
	return nil
}

func serveOpenAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(document.json)
}
