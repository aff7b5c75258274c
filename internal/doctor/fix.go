package doctor

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/file"
	"github.com/portico-iam/portico/internal/okta"
)

// Mend is what can be done about a report without touching what is not ours: keys of our own configuration, and what
// portico okta apply owns.
type Mend struct {
	Lines []string    // of the configuration: key, value, and the new one
	Path  string      // of it
	Asked []okta.Step // okta apply's, that findings are mended by
	Along []okta.Step // its further ones: apply does all that the setup file says, or nothing
	Plan  *okta.Plan  // those together; nil where apply has nothing to mend
	Notes []string    // of the plan, about files that are kept
	// Restart tells that a Portico that runs has read what is changed here.
	Restart bool

	file     *configFile
	settings []config.Setting
	text     []byte // of the configuration then
	err      error  // each line can be set by itself, and all of them can't
}

// Mend collects it. Of two findings about one key the first counts; the next run has the other. What okta apply writes into
// the same configuration is left to it.
func (r *Report) Mend() (m Mend) {
	for _, v := range r.Findings {
		if v.Fix == fixApply {
			m.Plan = r.plan
		}
	}
	if m.Plan != nil {
		m.split(r)
	}
	for _, v := range r.Findings {
		if v.Fix != fixConfig {
			continue
		}
		for _, s := range r.file.there(v.settings) {
			twice := slices.ContainsFunc(m.settings, func(o config.Setting) bool { return o.Key == s.Key })
			if !twice && !(r.filesAreOurs && m.applies(s.Key)) {
				m.settings = append(m.settings, s)
			}
		}
	}
	m.Restart = m.Restart || len(m.settings) > 0
	if len(m.settings) > 0 {
		m.file, m.Path = r.file, r.file.path
		text, edited, err := m.file.edit(m.settings)
		m.Lines, m.text, m.err = lines(edited), text, err
	}
	return m
}

func (m *Mend) split(r *Report) {
	for _, s := range m.Plan.Steps {
		asked := slices.ContainsFunc(r.Findings, func(v Finding) bool {
			sets := func(k config.Setting) bool {
				return v.Fix == fixConfig && s.Part == ourConfig && r.filesAreOurs && s.Holds(k.Key, "")
			}
			return slices.ContainsFunc(v.by, func(o okta.Step) bool { return o.Part == s.Part }) || slices.ContainsFunc(v.settings, sets)
		})
		if s.Does() && (s.Part == ourConfig || s.Part == secretPart) {
			m.Restart = m.Restart || r.filesAreOurs
		}
		if s.Does() && s.Part == secretPart {
			m.Notes = m.Plan.AboutSecret(r.setup)
		}
		switch {
		case !s.Does():
		case asked:
			m.Asked = append(m.Asked, s)
		default:
			m.Along = append(m.Along, s)
		}
	}
}

// applies tells whether okta apply sets that key of the configuration.
func (m *Mend) applies(key string) bool {
	return slices.ContainsFunc(slices.Concat(m.Asked, m.Along), func(s okta.Step) bool { return s.Part == ourConfig && s.Holds(key, "") })
}

// Nothing tells that there is nothing to do.
func (m Mend) Nothing() bool { return len(m.Lines) == 0 && m.Plan == nil && m.err == nil }

// Unasked are the steps that would go along and may break something for others: nobody asked for that.
func (m Mend) Unasked() []okta.Step {
	return slices.DeleteFunc(slices.Clone(m.Along), func(s okta.Step) bool { return s.Danger == "" })
}

// EditConfig changes the file at once or not at all. A link to it stays one.
func (m Mend) EditConfig() error {
	if m.err != nil || len(m.Lines) == 0 {
		return m.err
	}
	path, err := filepath.EvalSymlinks(m.Path)
	if err != nil {
		return err
	}
	if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, m.file.text) {
		return errors.Join(fmt.Errorf("%s has changed meanwhile: run the doctor again", m.Path), err)
	}
	return file.Replace(path, m.text, file.Private)
}
