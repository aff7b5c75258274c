package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

const envPrefix = "PORTICO_"

// maxFile bounds a configuration or secret file, in bytes.
const maxFile = 1 << 20

// Faults are everything that is wrong with a configuration.
type Faults []string

func (f Faults) Error() string {
	return fmt.Sprintf("the configuration has %s:\n  - %s", count(len(f)), strings.Join(f, "\n  - "))
}

func count(n int) string {
	if n == 1 {
		return "1 fault"
	}
	return fmt.Sprintf("%d faults", n)
}

// LoadFile reads the configuration from a file and the environment (as os.Environ gives it) and validates it.
// The error is Faults where the content is to blame.
func LoadFile(path string, environ []string) (*Config, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	return Load(text, environ)
}

// Load is LoadFile on a text.
func Load(text []byte, environ []string) (*Config, error) {
	var faults Faults
	root := &yaml.Node{Kind: yaml.MappingNode}
	var document yaml.Node
	if err := yaml.NewDecoder(bytes.NewReader(text)).Decode(&document); err != nil && !errors.Is(err, io.EOF) {
		return nil, Faults{strings.TrimPrefix(err.Error(), "yaml: ")}
	}
	if len(document.Content) > 0 && document.Content[0].Tag != "!!null" {
		root = document.Content[0]
	}
	if root.Kind != yaml.MappingNode {
		return nil, Faults{"expected a YAML mapping at the top"}
	}
	faults = append(faults, applyEnvironment(root, environ)...)
	faults = append(faults, applySecretFiles(root, reflect.TypeFor[Config](), "")...)

	merged, err := yaml.Marshal(root)
	if err != nil {
		return nil, Faults{err.Error()}
	}
	cfg := Default()
	decoder := yaml.NewDecoder(bytes.NewReader(merged))
	decoder.KnownFields(true)
	if err := decoder.Decode(&cfg); err != nil && !errors.Is(err, io.EOF) {
		faults = append(faults, decodeFaults(err)...)
		return nil, faults // the values are not all there: judging them would mislead
	}
	cfg.fillAdditional()
	if faults = append(faults, cfg.validate()...); len(faults) > 0 {
		return nil, faults
	}
	return &cfg, nil
}

// fillAdditional gives further issuers the same defaults as the first.
func (c *Config) fillAdditional() {
	for i := range c.STS.IAM.Additional {
		a, d := &c.STS.IAM.Additional[i], defaultTokenValidation()
		if len(a.TokenValidation.Algorithms) == 0 {
			a.TokenValidation.Algorithms = d.Algorithms
		}
		a.TokenValidation.Leeway = or(a.TokenValidation.Leeway, d.Leeway)
		a.TokenValidation.JWKSRefreshAfter = or(a.TokenValidation.JWKSRefreshAfter, d.JWKSRefreshAfter)
		a.TokenValidation.JWKSExpireAfter = or(a.TokenValidation.JWKSExpireAfter, d.JWKSExpireAfter)
		a.RolePath = or(a.RolePath, "roles")
		a.SubjectPath = or(a.SubjectPath, "sub")
	}
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

var unknownField = regexp.MustCompile(`^line \d+: field (\S+) not found in type config\.(\w+)$`)

// decodeFaults puts the decoder's words into ours. Line numbers are those of the merged text, so they are left out.
func decodeFaults(err error) Faults {
	var typeError *yaml.TypeError
	if !errors.As(err, &typeError) {
		return Faults{strings.TrimPrefix(err.Error(), "yaml: ")}
	}
	var faults Faults
	for _, message := range typeError.Errors {
		if m := unknownField.FindStringSubmatch(message); m != nil {
			faults = append(faults, fmt.Sprintf("unknown key %s%s", m[1], inSection(m[2])))
			continue
		}
		_, rest, _ := strings.Cut(message, ": ")
		faults = append(faults, rest)
	}
	return faults
}

func inSection(typeName string) string {
	if typeName == "Config" {
		return " at the top"
	}
	var paths []string
	eachKey(reflect.TypeFor[Config](), "", func(path string, t reflect.Type) {
		if t.Kind() == reflect.Struct && t.Name() == typeName {
			paths = append(paths, path)
		}
	})
	return " in " + strings.Join(paths, " or ")
}

// eachKey calls f for every key of the configuration, sections included.
func eachKey(t reflect.Type, prefix string, f func(path string, t reflect.Type)) {
	for i := range t.NumField() {
		name := t.Field(i).Tag.Get("yaml")
		if name == "-" {
			continue
		}
		path, field := prefix+name, t.Field(i).Type
		f(path, field)
		if field.Kind() == reflect.Struct {
			eachKey(field, path+".", f)
		}
	}
}

// applyEnvironment sets PORTICO_a__b for a.b. Lists are separated by commas.
func applyEnvironment(root *yaml.Node, environ []string) (faults Faults) {
	types := map[string]reflect.Type{}
	eachKey(reflect.TypeFor[Config](), "", func(path string, t reflect.Type) {
		types[path] = t
		if t == reflect.TypeFor[Secret]() {
			types[path+"File"] = reflect.TypeFor[string]()
		}
	})
	environ = slices.Sorted(slices.Values(environ))
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		key, ours := strings.CutPrefix(name, envPrefix)
		if !ours || strings.HasPrefix(key, "TEST_") {
			continue
		}
		path := strings.ReplaceAll(key, "__", ".")
		t, known := types[path]
		switch {
		case !known:
			faults = append(faults, fmt.Sprintf("environment %s: there is no key %s", name, path))
		case t.Kind() == reflect.Struct || t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct && t.Elem().PkgPath() == reflect.TypeFor[Config]().PkgPath():
			faults = append(faults, fmt.Sprintf("environment %s: %s is a section; set its keys", name, path))
		case t.Kind() == reflect.Slice:
			list := &yaml.Node{Kind: yaml.SequenceNode}
			for item := range strings.SplitSeq(value, ",") {
				if item = strings.TrimSpace(item); item != "" {
					list.Content = append(list.Content, scalar(item))
				}
			}
			set(root, strings.Split(path, "."), list)
		case t.Kind() == reflect.Bool:
			set(root, strings.Split(path, "."), &yaml.Node{Kind: yaml.ScalarNode, Value: value})
		default:
			set(root, strings.Split(path, "."), scalar(value))
		}
	}
	return faults
}

func scalar(value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
}

func set(node *yaml.Node, path []string, value *yaml.Node) {
	child := get(node, path[0])
	if len(path) == 1 {
		if child != nil {
			*child = *value
			return
		}
		node.Content = append(node.Content, scalar(path[0]), value)
		return
	}
	if child == nil || child.Kind != yaml.MappingNode {
		section := &yaml.Node{Kind: yaml.MappingNode}
		if child != nil {
			*child = *section
		} else {
			node.Content = append(node.Content, scalar(path[0]), section)
			child = section
		}
	}
	set(child, path[1:], value)
}

func get(node *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return node.Content[i+1]
		}
	}
	return nil
}

// applySecretFiles replaces every xFile by x with the file's content, less the line end.
func applySecretFiles(node *yaml.Node, t reflect.Type, prefix string) (faults Faults) {
	for i := range t.NumField() {
		name, field := t.Field(i).Tag.Get("yaml"), t.Field(i).Type
		if field.Kind() == reflect.Struct {
			if child := get(node, name); child != nil && child.Kind == yaml.MappingNode {
				faults = append(faults, applySecretFiles(child, field, prefix+name+".")...)
			}
			continue
		}
		if field != reflect.TypeFor[Secret]() {
			continue
		}
		file := get(node, name+"File")
		if file == nil {
			continue
		}
		if get(node, name) != nil {
			faults = append(faults, fmt.Sprintf("%s%s and %s%sFile are both set; keep one", prefix, name, prefix, name))
		}
		content, err := readFile(file.Value)
		if err != nil {
			faults = append(faults, fmt.Sprintf("%s%sFile: %v", prefix, name, err))
		}
		drop(node, name+"File")
		set(node, []string{name}, scalar(strings.TrimRight(string(content), "\r\n")))
	}
	return faults
}

func drop(node *yaml.Node, key string) {
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			node.Content = slices.Delete(node.Content, i, i+2)
			return
		}
	}
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(b) > maxFile {
		err = fmt.Errorf("%s: expected at most %d bytes", path, maxFile)
	}
	return b, err
}

// Print returns the effective configuration as YAML, secrets masked.
func (c *Config) Print() string {
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(c); err != nil {
		return "# " + err.Error() + "\n"
	}
	return b.String()
}
