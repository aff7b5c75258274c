package doctor

import (
	"fmt"
	"os"
	"slices"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/file"
)

// Mend is what can be done about a report without touching what is not ours: keys of our own configuration, and what
// portico okta apply owns.
type Mend struct {
	Settings []config.Setting
	Apply    bool
}

// Mend collects it. Of two findings about one key the first counts; the next run has the other.
func (r *Report) Mend() (m Mend) {
	for _, v := range r.Findings {
		m.Apply = m.Apply || v.Fix == fixApply
		for _, s := range v.settings {
			if !slices.ContainsFunc(m.Settings, func(o config.Setting) bool { return o.Key == s.Key }) {
				m.Settings = append(m.Settings, s)
			}
		}
	}
	return m
}

// Nothing tells that there is nothing to do.
func (m Mend) Nothing() bool { return len(m.Settings) == 0 && !m.Apply }

// PlanConfig says what EditConfig would change.
func (m Mend) PlanConfig(path string) ([]config.Edited, error) {
	_, edited, err := m.edit(path)
	return edited, err
}

// EditConfig changes the file at once or not at all.
func (m Mend) EditConfig(path string) error {
	text, edited, err := m.edit(path)
	if err != nil || len(edited) == 0 {
		return err
	}
	return file.Replace(path, text, file.Private)
}

func (m Mend) edit(path string) ([]byte, []config.Edited, error) {
	before, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	after, edited, err := config.Edit(before, m.Settings)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return after, edited, nil
}
