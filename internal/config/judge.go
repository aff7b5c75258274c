package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Fail notes what is wrong with the value of a key.
type Fail func(key, format string, args ...any)

// Judge is Decode, and has check judge the values, so that every fault of the file is told at once: those of the text, and
// those that check finds, with the line that their key stands at. What is left out is what follows from a fault of the text:
// a key that could not be read has no value to be judged.
func Judge[T any](path string, value *T, check func(Fail)) error {
	text, err := readFile(path)
	if err != nil {
		return err
	}
	root, faults := parse(text)
	if len(faults) == 0 {
		faults = plain(root, "")
	}
	if len(faults) > 0 {
		return faults
	}
	lines := map[string]int{}
	linesOf(root, "", lines)
	shape := reflect.TypeFor[T]()
	faults = append(faults, applySecretFiles(root, shape, "", path)...)
	faults = append(faults, fit(root, shape, "")...)
	misread := prune(root, shape, "")
	if err := root.Decode(value); err != nil {
		return append(faults, err.Error())
	}
	check(func(key, format string, args ...any) {
		if !slices.ContainsFunc(misread, func(bad string) bool { return within(key, bad) || within(bad, key) }) {
			faults = append(faults, lineOf(lines, key)+key+": "+fmt.Sprintf(format, args...))
		}
	})
	if len(faults) > 0 {
		return faults
	}
	return nil
}

// linesOf notes where every key stands.
func linesOf(node *yaml.Node, path string, lines map[string]int) {
	for i := 0; node.Kind == yaml.MappingNode && i+1 < len(node.Content); i += 2 {
		name := join(path, node.Content[i].Value)
		lines[name] = node.Content[i].Line
		linesOf(node.Content[i+1], name, lines)
	}
}

// lineOf says where a key stands or, where it is missing, the section that lacks it.
func lineOf(lines map[string]int, key string) string {
	for ; key != ""; key, _ = parent(key) {
		for _, form := range []string{key, key + "File"} { // a secret may be given as either
			if line, ok := lines[form]; ok {
				return fmt.Sprintf("line %d: ", line)
			}
		}
	}
	return ""
}

func parent(key string) (string, bool) {
	i := strings.LastIndexByte(key, '.')
	if i < 0 {
		return "", false
	}
	return key[:i], true
}

// within tells whether a key is in a section, or is it.
func within(key, section string) bool { return key == section || strings.HasPrefix(key, section+".") }

// prune takes out what does not fit, and says which keys that were, or were meant to be.
func prune(node *yaml.Node, t reflect.Type, path string) (misread []string) {
	kept := node.Content[:0:0]
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, value := node.Content[i].Value, node.Content[i+1]
		field, known := fieldOf(t, name)
		full := join(path, field.Tag.Get("yaml"))
		switch {
		case !known && full != path:
			misread = append(misread, full) // in other letters
		case !known:
		case field.Type.Kind() == reflect.Struct && !isLeaf(field.Type) && value.Kind == yaml.MappingNode:
			misread = append(misread, prune(value, field.Type, full)...)
			kept = append(kept, node.Content[i], value)
		case len(fit(value, field.Type, full)) > 0:
			misread = append(misread, full)
		default:
			kept = append(kept, node.Content[i], value)
		}
	}
	node.Content = kept
	return misread
}

// fieldOf finds a key of a section, or the one that differs in case only (not known, but meant).
func fieldOf(t reflect.Type, name string) (meant reflect.StructField, known bool) {
	for i := range t.NumField() {
		switch key := t.Field(i).Tag.Get("yaml"); {
		case key == name:
			return t.Field(i), true
		case strings.EqualFold(key, name):
			meant = t.Field(i)
		}
	}
	return meant, false
}

// Beside is where a file is that another one names by a relative path: beside that one. Where that can't be, or there is none,
// but could be or is from the folder that the command runs in, that is meant: so it was, before there was this rule.
func Beside(path, name string) string {
	here, err := filepath.Abs(name)
	if name == "" || filepath.IsAbs(name) || err != nil {
		return name
	}
	there := filepath.Join(filepath.Dir(path), name)
	whole, err := filepath.Abs(there)
	if err != nil || whole == here || !exists(there) && exists(here) || !exists(filepath.Dir(there)) && exists(filepath.Dir(here)) {
		return name
	}
	return there
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
