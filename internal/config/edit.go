package config

import (
	"bytes"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Setting is one key of a configuration file and the value that it shall have: a string, or a list of strings.
type Setting struct {
	Key   string // dotted
	Value any
}

// Edited is a setting that Edit changed. From is nil where there was none.
type Edited struct {
	Key      string
	From, To any
}

// Edit sets keys in the text of a configuration and leaves the rest, comments too, as it is. A key whose value is the
// default stays unwritten. A secret given as file takes the place of one that stands in the text, which is never shown.
func Edit(text []byte, settings []Setting) ([]byte, []Edited, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, nil, Faults{strings.TrimPrefix(err.Error(), "yaml: ")}
	}
	if len(document.Content) == 0 || isNull(document.Content[0]) {
		document = yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{{Kind: yaml.MappingNode}}}
	}
	root := document.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, nil, Faults{"expected a YAML mapping at the top"}
	}
	if faults := plain(root, ""); len(faults) > 0 {
		return nil, nil, faults
	}
	var defaults yaml.Node
	if err := defaults.Encode(Default()); err != nil {
		return nil, nil, err
	}
	var changed []Edited
	for _, s := range settings {
		path := strings.Split(s.Key, ".")
		there := lookup(root, path)
		now := valueOf(there)
		if equal(now, s.Value) || now == nil && equal(valueOf(lookup(&defaults, path)), s.Value) {
			continue
		}
		changed = append(changed, Edited{s.Key, now, s.Value})
		next := node(s.Value)
		if there != nil {
			next.HeadComment, next.LineComment, next.FootComment = there.HeadComment, there.LineComment, there.FootComment
		}
		set(root, path, next)
		if inline, isFile := strings.CutSuffix(path[len(path)-1], "File"); isFile {
			drop(lookup(root, path[:len(path)-1]), inline)
		}
	}
	if len(changed) == 0 {
		return text, nil, nil
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(&document); err != nil {
		return nil, nil, err
	}
	return out.Bytes(), changed, nil
}

func lookup(node *yaml.Node, path []string) *yaml.Node {
	for _, name := range path {
		if node == nil || node.Kind != yaml.MappingNode {
			return nil
		}
		node = get(node, name)
	}
	return node
}

func valueOf(node *yaml.Node) any {
	switch {
	case node == nil || isNull(node):
		return nil
	case node.Kind == yaml.SequenceNode:
		list := []string{}
		for _, item := range node.Content {
			list = append(list, item.Value)
		}
		return list
	}
	return node.Value
}

func equal(a, b any) bool {
	if list, ok := a.([]string); ok {
		other, ok := b.([]string)
		return ok && slices.Equal(list, other)
	}
	return a != nil && a == b
}

func node(value any) *yaml.Node {
	list, ok := value.([]string)
	if !ok {
		text, _ := value.(string)
		return scalar(text)
	}
	sequence := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for _, item := range list {
		sequence.Content = append(sequence.Content, scalar(item))
	}
	return sequence
}
