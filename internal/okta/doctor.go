package okta

import (
	"cmp"
	"context"
	"fmt"
	"strings"
)

// What the doctor needs of a plan beside what it reads itself.

// Line writes a step in one line.
func (s Step) Line() string {
	var changed []string
	for _, c := range s.Changes {
		switch name := cmp.Or(labels[c.Field], c.Field); {
		case s.Action == Create: // its title says it
		case c.From == nil:
			changed = append(changed, fmt.Sprintf("%s: %s", name, inWords(c.Field, c.To)))
		default:
			changed = append(changed, fmt.Sprintf("%s: %s -> %s", name, inWords(c.Field, c.From), inWords(c.Field, c.To)))
		}
	}
	if len(changed) == 0 {
		return fmt.Sprintf("%s: %s", s.Action, s.Title)
	}
	return fmt.Sprintf("%s: %s (%s)", s.Action, s.Title, strings.Join(changed, "; "))
}

// Does tells whether apply has anything to do.
func (s Step) Does() bool { return s.ours() }

// Holds tells whether a step changes a field, and where a value is given, to what has that.
func (s Step) Holds(field, value string) bool {
	for _, c := range s.Changes {
		if c.Field == field && (value == "" || c.To == any(value) || contains(c.To, value)) {
			return true
		}
	}
	return false
}

// Widened is the filter of a claim of groups that lets one more group through, as apply would write it.
func (c *ClaimFacts) Widened(group string) (kind, value string) {
	return "REGEX", withGroup(c.Filter, c.Value, group)
}

// renamed reads the bootstrap group that apply made, whatever it is called now: by its id, as apply finds it. It is nil where
// apply made none, or it is gone.
func (r *reader) renamed(ctx context.Context, s *Setup) object {
	if s == nil {
		return nil
	}
	rec, err := loadRecord(s)
	if err != nil || rec.of("group") == nil || rec.of("group").ID == "" {
		return nil
	}
	return r.one(ctx, groupsPath+"/"+rec.of("group").ID)
}
