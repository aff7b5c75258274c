package access

import (
	"strings"
	"unicode/utf8"
)

// Names are names among which one is looked for that could be another's after a renaming at the identity provider.
type Names []lowered

type lowered struct {
	name  string
	runes []rune
}

func lower(name string) lowered { return lowered{name, []rune(strings.ToLower(name))} }

// NamesOf prepares names to be looked through.
func NamesOf(names []string) Names {
	all := make(Names, 0, len(names))
	for _, name := range names {
		all = append(all, lower(name))
	}
	return all
}

// maxRenamed bounds the guesses for one name.
const maxRenamed = 3

// Renamed returns the first names that begin or end with half of the longer one's letters, as name does: so does a group look that
// was renamed.
func (all Names) Renamed(name string) (found []string) {
	if utf8.RuneCountInString(name) > MaxNameLength {
		return nil // a longer one was never mapped
	}
	this := lower(name)
	for _, other := range all {
		if !alike(this.runes, other.runes) {
			continue
		}
		if found = append(found, other.name); len(found) == maxRenamed {
			break
		}
	}
	return found
}

func alike(x, y []rune) bool {
	shorter, longer := min(len(x), len(y)), max(len(x), len(y))
	if 2*shorter < longer {
		return false
	}
	front, back := 0, 0
	for front < shorter && x[front] == y[front] {
		front++
	}
	for back < shorter && x[len(x)-1-back] == y[len(y)-1-back] {
		back++
	}
	return 2*max(front, back) >= longer
}
