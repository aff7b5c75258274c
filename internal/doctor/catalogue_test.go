package doctor

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestACauseRanksBeforeWhatItExplains: otherwise two findings could drop each other, and nothing would be left.
func TestACauseRanksBeforeWhatItExplains(t *testing.T) {
	for id, entry := range catalogue {
		for _, other := range entry.explains {
			consequence, known := catalogue[other]
			switch {
			case !known:
				t.Errorf("%s explains %s, which is no finding", id, other)
			case consequence.rank <= entry.rank:
				t.Errorf("%s (rank %d) explains %s (rank %d)", id, entry.rank, other, consequence.rank)
			}
		}
	}
}

// TestEveryFindingIsInTheCatalogue: one that is not would have neither rank nor row.
func TestEveryFindingIsInTheCatalogue(t *testing.T) {
	files, err := filepath.Glob("check_*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	used := map[string]bool{"dns": true, "tls": true, "unreachable": true} // by the kind of a failure
	call := regexp.MustCompile(`\b(?:f\.add|add)\("([a-z-]+)"`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range call.FindAllStringSubmatch(string(text), -1) {
			used[m[1]] = true
		}
	}
	for id := range used {
		if _, known := catalogue[id]; !known {
			t.Errorf("%s is not in the catalogue", id)
		}
	}
	for id := range hands {
		if _, known := catalogue[id]; !known {
			t.Errorf("%s takes a hand and is not in the catalogue", id)
		}
	}
	for id, entry := range catalogue {
		if !entry.symptom && !used[id] {
			t.Errorf("nothing finds %s", id)
		}
	}
}

// TestASymptomIsWordedAsTextsAreCompared: a capital or a contraction in the table would never match.
func TestASymptomIsWordedAsTextsAreCompared(t *testing.T) {
	for _, s := range symptoms {
		for _, text := range s.texts {
			if plainText(text) != text {
				t.Errorf("%s: %q is compared as %q", s.id, text, plainText(text))
			}
		}
	}
}

// TestEveryRowIsDocumented holds docs/doctor.md to the catalogue.
func TestEveryRowIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/doctor.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[int][]string{}
	for id, entry := range catalogue {
		rows[entry.row] = append(rows[entry.row], id)
	}
	line := regexp.MustCompile(`(?m)^\| (\d+) \| .* \| ([a-z0-9, -]+) \|$`)
	documented := map[string]bool{}
	for _, m := range line.FindAllStringSubmatch(string(text), -1) {
		for id := range strings.SplitSeq(m[2], ", ") {
			documented[m[1]+" "+id] = true
		}
	}
	for row, ids := range rows {
		slices.Sort(ids)
		for _, id := range ids {
			if row > 0 && !documented[itoa(row)+" "+id] {
				t.Errorf("row %d does not name %s", row, id)
			}
		}
	}
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + itoa(n%10)
}

// TestRanking: causes first, consequences dropped, and what somebody asked about before everything.
func TestRanking(t *testing.T) {
	for _, c := range []struct {
		name      string
		ids, want []string
	}{
		{"by rank", []string{"claim-missing", "secret", "dns"}, []string{"dns", "secret", "claim-missing"}},
		{"consequences go", []string{"token-refused", "audience"}, []string{"audience"}},
		{"a symptom with its cause goes", []string{"told-policy", "policy-missing"}, []string{"policy-missing"}},
		{"what was asked about goes first", []string{"told-no-roles", "claim-missing", "secret"}, []string{"claim-missing", "secret"}},
		{"a symptom without its cause goes first", []string{"told-no-roles", "secret"}, []string{"told-no-roles", "secret"}},
		{"twice is once", []string{"secret", "secret"}, []string{"secret"}},
	} {
		var f findings
		for _, id := range c.ids {
			f.add(id, Finding{What: id})
		}
		var got []string
		for _, v := range f.ranked() {
			got = append(got, v.ID)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, expected %v", c.name, got, c.want)
		}
	}
}
