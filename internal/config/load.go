package config

import (
	"bytes"
	"cmp"
	"encoding"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

const envPrefix = "PORTICO_"

// maxFile bounds a configuration or secret file, in bytes.
const maxFile = 1 << 20

// Faults are everything that is wrong with a file.
type Faults []string

func (f Faults) Error() string { return "the configuration has " + f.List() }

// List counts and names the faults.
func (f Faults) List() string { return count(len(f)) + ":\n  - " + strings.Join(f, "\n  - ") }

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
	cfg := Default()
	cfg.IAM.Scopes = nil // filled by validate, which needs to know whether the file speaks of them
	decoded, faults := decode(text, environ, &cfg)
	if decoded {
		faults = append(faults, cfg.validate()...)
	}
	if len(faults) > 0 {
		return nil, faults
	}
	return &cfg, nil
}

// Decode reads a YAML file of another kind as strictly as the configuration, into a struct that holds the defaults. A
// Secret may be given as xFile. The error is Faults where the content is to blame.
func Decode[T any](path string, value *T) error {
	text, err := readFile(path)
	if err != nil {
		return err
	}
	if _, faults := decode(text, nil, value); len(faults) > 0 {
		return faults
	}
	return nil
}

// decode fills value. Where it could not, its values are not all there: judging them would mislead.
func decode[T any](text []byte, environ []string, value *T) (decoded bool, faults Faults) {
	if len(text) > maxFile {
		return false, Faults{fmt.Sprintf("expected at most %d bytes", maxFile)}
	}
	root, faults := parse(text)
	if len(faults) > 0 {
		return false, faults
	}
	// The text is judged before the environment is put into it, so that lines are those of the file.
	if faults = plain(root, ""); len(faults) > 0 {
		return false, faults
	}
	shape := reflect.TypeFor[T]()
	faults = append(faults, applyEnvironment(root, shape, environ)...)
	faults = append(faults, applySecretFiles(root, shape, "", "")...)
	if misfits := fit(root, shape, ""); len(misfits) > 0 {
		return false, append(faults, misfits...)
	}
	if err := root.Decode(value); err != nil {
		return false, append(faults, err.Error())
	}
	return true, faults
}

// parse reads one YAML document that is a mapping, or empty.
func parse(text []byte) (*yaml.Node, Faults) {
	var document, more yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(&document); err != nil && !errors.Is(err, io.EOF) {
		return nil, Faults{strings.TrimPrefix(err.Error(), "yaml: ")}
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, Faults{"expected one YAML document, got more behind it"}
	}
	if len(document.Content) == 0 || isNull(document.Content[0]) {
		return &yaml.Node{Kind: yaml.MappingNode}, nil
	}
	if root := document.Content[0]; root.Kind == yaml.MappingNode {
		return root, nil
	}
	return nil, Faults{"expected a YAML mapping at the top"}
}

func isNull(node *yaml.Node) bool { return node.Kind == yaml.ScalarNode && node.Tag == "!!null" }

// plain refuses what makes YAML mean something else than it looks like, and what readers disagree on.
func plain(node *yaml.Node, path string) (faults Faults) {
	if node.Kind == yaml.AliasNode || node.Anchor != "" {
		return Faults{fmt.Sprintf("line %d: %s: expected no anchors and aliases", node.Line, cmp.Or(path, "the top"))}
	}
	if node.Style&yaml.TaggedStyle != 0 {
		return Faults{fmt.Sprintf("line %d: %s: expected no explicit tags", node.Line, cmp.Or(path, "the top"))}
	}
	if node.Kind != yaml.MappingNode {
		for i, item := range node.Content {
			faults = append(faults, plain(item, fmt.Sprintf("%s[%d]", path, i))...)
		}
		return faults
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		switch name := join(path, key.Value); {
		case key.Kind != yaml.ScalarNode || key.Tag != "!!str" || key.Anchor != "":
			faults = append(faults, fmt.Sprintf("line %d: %s: expected plain text as key", key.Line, cmp.Or(path, "the top")))
		case seen[key.Value]:
			faults = append(faults, fmt.Sprintf("line %d: the key %s stands twice", key.Line, name))
		default:
			seen[key.Value] = true
			faults = append(faults, plain(value, name)...)
		}
	}
	return faults
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// fit compares the text with the shape of the configuration: every key must be known, every value be of its type.
func fit(node *yaml.Node, t reflect.Type, path string) (faults Faults) {
	if isNull(node) {
		return nil // a key without a value is silent
	}
	switch {
	case t.Kind() == reflect.Struct && !isLeaf(t):
		if node.Kind != yaml.MappingNode {
			return Faults{misfit(node, path, "a section")}
		}
		keys := map[string]reflect.Type{}
		for i := range t.NumField() {
			keys[t.Field(i).Tag.Get("yaml")] = t.Field(i).Type
		}
		for i := 0; i+1 < len(node.Content); i += 2 {
			name := node.Content[i].Value
			if field, known := keys[name]; known {
				faults = append(faults, fit(node.Content[i+1], field, join(path, name))...)
			} else {
				faults = append(faults, at(node.Content[i])+"unknown key "+join(path, name)+meant(name, slices.Sorted(maps.Keys(keys))))
			}
		}
	case t.Kind() == reflect.Slice:
		if node.Kind != yaml.SequenceNode {
			return Faults{misfit(node, path, "a list")}
		}
		for i, item := range node.Content {
			if isNull(item) { // the decoder would leave it out
				faults = append(faults, fmt.Sprintf("%s%s[%d]: expected a value, got none", at(item), path, i))
				continue
			}
			faults = append(faults, fit(item, t.Elem(), fmt.Sprintf("%s[%d]", path, i))...)
		}
	case node.Kind != yaml.ScalarNode || node.Decode(reflect.New(t).Interface()) != nil:
		return Faults{misfit(node, path, leafKind(t))}
	}
	return faults
}

// isLeaf tells of a struct that is written as one value.
func isLeaf(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

func leafKind(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "a duration, e.g. 30m"
	case t == reflect.TypeFor[netip.Prefix]():
		return "a network, e.g. 10.0.0.0/8"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.Int:
		return "a number, e.g. 2"
	case t.Kind() == reflect.Float64:
		return "a number, e.g. 0.1"
	}
	return "text"
}

// misfit never quotes what stands where a secret may: only durations, networks and truth values are.
func misfit(node *yaml.Node, path, expected string) string {
	switch node.Kind {
	case yaml.MappingNode:
		return at(node) + path + ": expected " + expected + ", got a section"
	case yaml.SequenceNode:
		return at(node) + path + ": expected " + expected + ", got a list"
	}
	if expected == "a section" || expected == "a list" || expected == "text" {
		return at(node) + path + ": expected " + expected + ", got a single value"
	}
	return at(node) + path + ": expected " + expected + fmt.Sprintf(", got %q", node.Value)
}

// at says where a node stands in the file; those of the environment stand nowhere.
func at(node *yaml.Node) string {
	if node.Line == 0 {
		return ""
	}
	return fmt.Sprintf("line %d: ", node.Line)
}

// meant finds the key that differs in case only.
func meant(name string, keys []string) string {
	for _, key := range keys {
		if strings.EqualFold(key, name) {
			return fmt.Sprintf("; did you mean %s?", key)
		}
	}
	return ""
}

// eachKey calls f for every key of the configuration, sections included.
func eachKey(t reflect.Type, prefix string, f func(path string, t reflect.Type)) {
	for i := range t.NumField() {
		path, field := prefix+t.Field(i).Tag.Get("yaml"), t.Field(i).Type
		f(path, field)
		if field.Kind() == reflect.Struct {
			eachKey(field, path+".", f)
		}
	}
}

// serviceLink matches what Kubernetes puts into every container beside a service whose name begins with "portico".
// No key of ours is all capitals.
var serviceLink = regexp.MustCompile(`^([A-Z0-9_]+_)?(SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

// applyEnvironment sets PORTICO_a__b for a.b. Lists are separated by commas.
func applyEnvironment(root *yaml.Node, shape reflect.Type, environ []string) (faults Faults) {
	types := map[string]reflect.Type{}
	eachKey(shape, "", func(path string, t reflect.Type) {
		types[path] = t
		if t == reflect.TypeFor[Secret]() {
			types[path+"File"] = reflect.TypeFor[string]()
		}
	})
	environ = slices.Sorted(slices.Values(environ))
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		key, ours := strings.CutPrefix(name, envPrefix)
		if !ours || strings.HasPrefix(key, "TEST_") || serviceLink.MatchString(key) && !strings.Contains(key, "__") {
			continue
		}
		path := strings.ReplaceAll(key, "__", ".")
		t, known := types[path]
		switch {
		case !known:
			faults = append(faults, fmt.Sprintf("environment %s: there is no key %s%s", name, path, meant(path, slices.Sorted(maps.Keys(types)))))
		case t.Kind() == reflect.Struct:
			faults = append(faults, fmt.Sprintf("environment %s: %s is a section; set its keys", name, path))
		case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct && !isLeaf(t.Elem()):
			faults = append(faults, fmt.Sprintf("environment %s: %s is a list of sections, which only the file can hold", name, path))
		case t.Kind() == reflect.Slice:
			list := &yaml.Node{Kind: yaml.SequenceNode}
			for item := range strings.SplitSeq(value, ",") {
				if item = strings.TrimSpace(item); item != "" {
					list.Content = append(list.Content, scalar(item))
				}
			}
			set(root, strings.Split(path, "."), list)
		case t.Kind() == reflect.Bool:
			set(root, strings.Split(path, "."), &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: value})
		case t.Kind() == reflect.Int:
			set(root, strings.Split(path, "."), &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: value})
		case t.Kind() == reflect.Float64:
			set(root, strings.Split(path, "."), &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!float", Value: value})
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

// applySecretFiles replaces every xFile by x with the file's content, less the line end. Relative paths are those of the file
// that names them (from), or of the folder that the command runs in where that is "".
func applySecretFiles(node *yaml.Node, t reflect.Type, prefix, from string) (faults Faults) {
	for i := range t.NumField() {
		name, field := t.Field(i).Tag.Get("yaml"), t.Field(i).Type
		if field.Kind() == reflect.Struct {
			if child := get(node, name); child != nil && child.Kind == yaml.MappingNode {
				faults = append(faults, applySecretFiles(child, field, prefix+name+".", from)...)
			}
			continue
		}
		if field.Kind() == reflect.Slice && field.Elem().Kind() == reflect.Struct {
			if list := get(node, name); list != nil && list.Kind == yaml.SequenceNode {
				for n, item := range list.Content {
					if item.Kind == yaml.MappingNode {
						faults = append(faults, applySecretFiles(item, field.Elem(), fmt.Sprintf("%s%s[%d].", prefix, name, n), from)...)
					}
				}
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
		drop(node, name+"File")
		secret, err := readSecret(file, from)
		if err != nil {
			faults = append(faults, fmt.Sprintf("%s%sFile: %v", prefix, name, err))
			secret = unreadable // said once: it is not missing
		}
		set(node, []string{name}, scalar(secret))
	}
	return faults
}

// unreadable stands for a secret whose file can't be read.
const unreadable = "unreadable"

func readSecret(file *yaml.Node, from string) (string, error) {
	if file.Kind != yaml.ScalarNode || file.Value == "" {
		return "", errors.New("expected the path of a file")
	}
	content, err := readFile(Beside(from, file.Value))
	secret := strings.TrimRight(string(content), "\r\n")
	switch {
	case err != nil:
		return "", err
	case secret == "":
		return "", fmt.Errorf("%s is empty", file.Value)
	case !utf8.ValidString(secret):
		return "", fmt.Errorf("%s: expected UTF-8 text", file.Value)
	}
	return secret, nil
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
