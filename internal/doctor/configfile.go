package doctor

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/portico-iam/portico/internal/config"
)

// configFile is what was examined; nil where that is nobody's to change.
func (e *Evidence) configFile() *configFile {
	if e.ConfigPath == "" {
		return nil
	}
	text, err := os.ReadFile(e.ConfigPath)
	if err != nil {
		return nil
	}
	return &configFile{path: e.ConfigPath, text: text, environ: e.Environ}
}

// configFile is our configuration as it stands.
type configFile struct {
	path    string
	text    []byte
	environ []string
}

// try says what a finding's keys would change, or why they can't be set.
func (c *configFile) try(settings []config.Setting) (edited []config.Edited, why string) {
	if c == nil || len(settings) == 0 {
		return nil, ""
	}
	_, edited, err := c.edit(c.there(settings))
	if err != nil {
		return nil, "by hand: " + err.Error()
	}
	return edited, ""
}

// edit sets keys in a copy. What the environment says goes before the file, and a configuration that was taken is not made
// one that is refused.
func (c *configFile) edit(settings []config.Setting) ([]byte, []config.Edited, error) {
	for _, s := range settings {
		if name := variable(s.Key); inEnvironment(c.environ, name) {
			return nil, nil, fmt.Errorf("%s in the environment goes before %s: change it there", name, c.path)
		}
	}
	after, edited, err := config.Edit(c.text, settings)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", c.path, err)
	}
	if fault := newFault(c.text, after, c.environ); fault != "" {
		return nil, nil, fmt.Errorf("with that alone the configuration would be refused: %s", fault)
	}
	return after, edited, nil
}

// there are the keys that the file has, where one thing may be said by several; else the first.
func (c *configFile) there(settings []config.Setting) []config.Setting {
	if len(settings) < 2 {
		return settings
	}
	_, edited, _ := config.Edit(c.text, settings)
	has := slices.DeleteFunc(slices.Clone(settings), func(s config.Setting) bool {
		return !slices.ContainsFunc(edited, func(c config.Edited) bool { return c.Key == s.Key && c.From != nil })
	})
	if len(has) == 0 {
		return settings[:1]
	}
	return has
}

// variable is a key's name in the environment.
func variable(key string) string { return "PORTICO_" + strings.ReplaceAll(key, ".", "__") }

func inEnvironment(environ []string, name string) bool {
	return slices.ContainsFunc(environ, func(entry string) bool { return strings.HasPrefix(entry, name+"=") })
}

var lineOf = regexp.MustCompile(`^line \d+: `)

// newFault is the first fault of a text that the one before did not have.
func newFault(before, after []byte, environ []string) string {
	_, errBefore := config.Load(before, environ)
	_, errAfter := config.Load(after, environ)
	var had, has config.Faults
	errors.As(errBefore, &had)
	errors.As(errAfter, &has)
	for _, fault := range has {
		text := lineOf.ReplaceAllString(fault, "") // lines may move
		if !slices.ContainsFunc(had, func(old string) bool { return lineOf.ReplaceAllString(old, "") == text }) {
			return fault
		}
	}
	return ""
}

// lines write what was edited, a key each.
func lines(edited []config.Edited) (out []string) {
	for _, c := range edited {
		out = append(out, fmt.Sprintf("%s: %s -> %s", c.Key, written(c.From), written(c.To)))
	}
	return out
}

// written is a value as the file has it.
func written(v any) string {
	switch v := v.(type) {
	case nil:
		return "(default)"
	case []string:
		return "[" + strings.Join(v, ", ") + "]"
	case string:
		if v != strings.TrimSpace(v) { // else nobody would see the difference
			return strconv.Quote(v)
		}
	}
	return fmt.Sprint(v)
}
