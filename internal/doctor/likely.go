package doctor

import (
	"slices"
	"strings"
)

// likely finds what was meant: a variant that answers, or a server of nearly that name.
func (e *Evidence) likely(issuer string) (right, why string) {
	if e.Org != nil {
		for _, s := range e.Org.Servers {
			if distance(strings.ToLower(s.Issuer), strings.ToLower(strings.TrimSuffix(issuer, "/"))) <= 2 {
				return s.Issuer, "There is a server with nearly that address."
			}
		}
	}
	for _, v := range e.Probes.Variants {
		if strings.HasPrefix(strings.TrimSuffix(issuer, "/"), v.Issuer) || nearMiss(issuer, v.Issuer) != "" {
			return v.Issuer, "There is more behind the issuer than belongs to it."
		}
	}
	if len(e.Probes.Variants) > 0 && !isBare(e.Probes.Variants[0].Issuer) {
		return e.Probes.Variants[0].Issuer, guessed
	}
	return "", ""
}

// guessed is an issuer that need not be the one that was meant: it is named, and never set.
const guessed = "This one answers."

// distance is how many letters differ between two words (Levenshtein), up to a few.
func distance(a, b string) int {
	if max(len(a), len(b)) > 300 || max(len(a)-len(b), len(b)-len(a)) > 3 {
		return 100
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], slices.Min([]int{row[j+1] + 1, row[j] + 1, diagonal + cost})
		}
	}
	return row[len(b)]
}
