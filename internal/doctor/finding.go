package doctor

import (
	"cmp"
	"slices"

	"github.com/portico-iam/portico/internal/config"
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
	Fix      string   `json:"fix,omitempty"` // who can mend it

	settings []config.Setting // of our own configuration
	byHand   bool             // okta apply would not mend this one
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
	switch {
	case len(v.settings) > 0:
		v.Fix = fixConfig
	case row.apply && !v.byHand:
		v.Fix = fixApply
	}
	*f = append(*f, v)
}

// ranked puts causes before consequences, and drops what another finding explains. What explains the error that somebody
// came with goes first.
func (f findings) ranked() findings {
	has := func(id string) bool { return slices.ContainsFunc(f, func(v Finding) bool { return v.ID == id }) }
	explained := map[string]bool{}
	for _, v := range f {
		for _, id := range catalogue[v.ID].explains {
			explained[id] = true
		}
	}
	var out findings
	for _, v := range f {
		twice := slices.ContainsFunc(out, func(o Finding) bool { return o.ID == v.ID && o.What == v.What })
		if explained[v.ID] || twice {
			continue
		}
		v.Explains = slices.DeleteFunc(slices.Clone(catalogue[v.ID].explains), func(id string) bool { return !has(id) })
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
