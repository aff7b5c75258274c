package config

import "reflect"

// Secrets returns every secret of the configuration that is set, for who makes sure that none of them gets out.
func (c *Config) Secrets() (all []string) {
	secrets(reflect.ValueOf(c).Elem(), func(s Secret) {
		if s != "" {
			all = append(all, s.Reveal())
		}
	})
	headers, _ := c.Observability.Traces.HeaderLines() // where they are wrong, the whole is looked for
	for _, value := range headers {
		all = append(all, value)
	}
	return all
}

func secrets(v reflect.Value, found func(Secret)) {
	switch {
	case v.Type() == reflect.TypeFor[Secret]():
		found(Secret(v.String()))
	case v.Kind() == reflect.Struct && !isLeaf(v.Type()):
		for i := range v.NumField() {
			secrets(v.Field(i), found)
		}
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			secrets(v.Index(i), found)
		}
	}
}
