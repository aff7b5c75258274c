package doctor

import (
	"cmp"
	"slices"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/okta"
)

// Finding is one thing that is wrong.
type Finding struct {
	ID       string   `json:"id"`
	Row      int      `json:"row,omitempty"` // of the catalogue in docs/doctor.md
	What     string   `json:"what"`
	Seen     string   `json:"seen"`              // how it was found out
	Near     string   `json:"near,omitempty"`    // what it was nearly
	Setting  string   `json:"setting"`           // what to set, to what
	Console  string   `json:"console,omitempty"` // where Okta's console has it
	Call     string   `json:"call,omitempty"`    // the API call, or the line of a configuration, that mends it
	Explains []string `json:"explains,omitempty"`
	// Fix says who mends it when --fix is given; "" means that nobody but a person does. How is what that changes, or why
	// --fix does not mend what it might have. See remedy.go.
	Fix string   `json:"fix,omitempty"`
	How []string `json:"how,omitempty"`

	settings []config.Setting // of our own configuration; of several only those that are there, else the first
	steps    []step           // of okta apply's, where the catalogue's are not exact enough
	by       []okta.Step      // the plan's that mend it
	hand     string           // why a person mends it, where nobody else does
	also     []string         // explains these too, this time
	covers   []string         // what is explained, for people

	// ifApply are setting and call where okta apply mends it.
	ifApply func([]okta.Step) (setting, call string)
}

// Who can mend a finding.
const (
	fixApply  = "okta apply"
	fixConfig = "configuration"
)

// findings collects.
type findings []Finding

func (f *findings) add(id string, v Finding) {
	row := catalogue[id]
	v.ID, v.Row = id, row.row
	v.Console = cmp.Or(v.Console, row.console)
	if v.steps == nil {
		v.steps = row.steps
	}
	*f = append(*f, v)
}

// explains are the findings that go away with this one.
func (v *Finding) explains() []string { return slices.Concat(catalogue[v.ID].explains, v.also) }

// named says what findings are about; an error text was somebody's own.
func (f findings) named(ids []string) (all []string) {
	for _, v := range f {
		what := v.What
		if catalogue[v.ID].symptom {
			what = "The error that was given."
		}
		if slices.Contains(ids, v.ID) && !slices.Contains(all, what) {
			all = append(all, what)
		}
	}
	return all
}

// ranked puts causes before consequences, and drops what another finding explains. What explains the error that somebody
// came with goes first.
func (f findings) ranked() findings {
	has := func(id string) bool { return slices.ContainsFunc(f, func(v Finding) bool { return v.ID == id }) }
	explained := map[string]bool{}
	for _, v := range f {
		for _, id := range v.explains() {
			explained[id] = true
		}
	}
	var out findings
	for _, v := range f {
		twice := slices.ContainsFunc(out, func(o Finding) bool { return o.ID == v.ID && o.What == v.What })
		if explained[v.ID] || twice {
			continue
		}
		v.Explains = slices.DeleteFunc(v.explains(), func(id string) bool { return !has(id) })
		v.covers = f.named(v.Explains)
		out = append(out, v)
	}
	answers := func(v Finding) bool {
		return catalogue[v.ID].symptom || slices.ContainsFunc(v.Explains, func(id string) bool { return catalogue[id].symptom })
	}
	slices.SortStableFunc(out, func(a, b Finding) int {
		if x, y := answers(a), answers(b); x != y {
			return map[bool]int{true: -1, false: 1}[x]
		}
		return cmp.Compare(catalogue[a.ID].rank, catalogue[b.ID].rank)
	})
	return out
}
