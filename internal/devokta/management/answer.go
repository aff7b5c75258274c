package management

import (
	"encoding/json"
)

// links is an object's _links.
type links map[string]any

// link is one of them: where, and how to ask.
func link(href string, allow ...string) map[string]any {
	return map[string]any{"href": href, "hints": map[string]any{"allow": allow}}
}

// withLinks is an object as the API shows it. It is encoded at once, so that later changes don't reach the answer.
func withLinks(object any, l links, more ...field) json.RawMessage {
	encoded, err := json.Marshal(object)
	if err != nil {
		panic(err) // our own types always encode
	}
	out := encoded[:len(encoded)-1]
	for _, f := range append(more, field{"_links", l}) {
		value, err := json.Marshal(f.value)
		if err != nil {
			panic(err)
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, '"')
		out = append(out, f.name...)
		out = append(out, '"', ':')
		out = append(out, value...)
	}
	return append(out, '}')
}

// field is added to an object when it is shown.
type field struct {
	name  string
	value any
}

// self is the link that most items have alone.
func self(href string) links { return links{"self": link(href, "GET", "PUT", "DELETE")} }

// states is the link to the life-cycle operation that would change the status.
func states(l links, href string, active bool) links {
	name := "activate"
	if active {
		name = "deactivate"
	}
	l[name] = link(href+"/lifecycle/"+name, "POST")
	return l
}
