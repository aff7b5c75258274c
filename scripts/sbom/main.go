// Command sbom writes what a binary of Go is made of as a software bill of materials, CycloneDX 1.6 in JSON. It reads what the
// linker put into the binary (debug/buildinfo), so it names what is inside, not what go.mod would allow; and it holds neither a
// time nor anything random, so that the same binary has the same bill.
package main

import (
	"cmp"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"
)

type bom struct {
	Schema       string       `json:"$schema"`
	Format       string       `json:"bomFormat"`
	Spec         string       `json:"specVersion"`
	Version      int          `json:"version"`
	Metadata     metadata     `json:"metadata"`
	Components   []component  `json:"components"`
	Dependencies []dependency `json:"dependencies"`
}

type metadata struct {
	Component component `json:"component"`
}

type component struct {
	Ref        string     `json:"bom-ref"`
	Type       string     `json:"type"`
	Name       string     `json:"name"`
	Version    string     `json:"version,omitempty"`
	Scope      string     `json:"scope,omitempty"`
	Hashes     []hash     `json:"hashes,omitempty"`
	PURL       string     `json:"purl,omitempty"`
	Properties []property `json:"properties,omitempty"`
}

type hash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type dependency struct {
	Ref string   `json:"ref"`
	On  []string `json:"dependsOn,omitempty"`
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: sbom BINARY VERSION")
		os.Exit(2)
	}
	if err := write(os.Stdout, os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func write(w io.Writer, path, version string) error {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return err
	}
	info.Main.Version = version // the linker leaves it out where paths are trimmed
	b, err := describe(info, hex.EncodeToString(sum.Sum(nil)))
	if err != nil {
		return err
	}
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	return out.Encode(b)
}

// describe makes the bill.
func describe(info *debug.BuildInfo, sum string) (bom, error) {
	if info.Main.Path == "" {
		return bom{}, errors.New("the binary does not say what it is made of: expected one that was built as a module")
	}
	main := component{
		Ref: info.Main.Path, Type: "application", Name: info.Main.Path, Version: info.Main.Version, PURL: purl(&info.Main),
		Hashes: []hash{{"SHA-256", sum}},
	}
	for _, s := range info.Settings {
		main.Properties = append(main.Properties, property{"go:build:" + s.Key, s.Value})
	}
	goVersion := strings.TrimPrefix(info.GoVersion, "go")
	std := component{Ref: "std", Type: "library", Name: "std", Version: goVersion, Scope: "required", PURL: "pkg:golang/std@" + goVersion}
	b := bom{
		Schema: "http://cyclonedx.org/schema/bom-1.6.schema.json", Format: "CycloneDX", Spec: "1.6", Version: 1,
		Metadata: metadata{main}, Components: []component{std},
	}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		c := component{Ref: purl(m), Type: "library", Name: m.Path, Version: m.Version, Scope: "required", PURL: purl(m)}
		if m.Sum != "" { // of the module's files, as go.sum has it (golang.org/ref/mod, "go.sum files")
			c.Properties = []property{{"go:module:h1", m.Sum}}
		}
		b.Components = append(b.Components, c)
	}
	slices.SortFunc(b.Components, func(x, y component) int { return cmp.Compare(x.Ref, y.Ref) })
	uses := dependency{Ref: main.Ref}
	for _, c := range b.Components {
		uses.On = append(uses.On, c.Ref)
	}
	b.Dependencies = []dependency{uses}
	return b, nil
}

func purl(m *debug.Module) string {
	if m.Version == "" || m.Version == "(devel)" {
		return "pkg:golang/" + m.Path
	}
	return "pkg:golang/" + m.Path + "@" + strings.ReplaceAll(m.Version, "+", "%2B")
}
