package management

import (
	"net/http/httptest"
	"reflect"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

func TestFilterSyntax(t *testing.T) {
	for raw, want := range map[string][]condition{
		`profile.name eq "X"`:                  {{"profile.name", "eq", "X"}},
		`a EQ "b" and c sw "d"`:                {{"a", "eq", "b"}, {"c", "sw", "d"}},
		`a eq "say \"hi\" and go" AND b co ""`: {{"a", "eq", `say "hi" and go`}, {"b", "co", ""}},
		"":                                     nil, `a`: nil, `a eq`: nil, `a eq b`: nil, `a eq "b`: nil, `a gt "b"`: nil, `a eq "b" or c eq "d"`: nil, `a eq "b" and`: nil, `a eq "b" "c"`: nil,
	} {
		got, err := parseFilter(raw)
		if (err == nil) != (want != nil) || err == nil && !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, %v", raw, got, err)
		}
	}
}

func FuzzFilter(f *testing.F) {
	f.Add(`profile.name eq "X" and type eq "\"Y"`)
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := parseFilter(raw)
		if err == nil && (len(got) == 0 || got[0].attribute == "") {
			t.Fatalf("%q: %v", raw, got)
		}
	})
}

// Whatever the page size, following the links shows every item once and in order, also when an item that was the last of a
// page is deleted before the next page is asked for.
func TestPagesShowEverything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []string
		for i := range rapid.IntRange(0, 30).Draw(t, "items") {
			all = append(all, strconv.Itoa(i))
		}
		limit := rapid.IntRange(1, 10).Draw(t, "limit")
		gone := rapid.Bool().Draw(t, "last one goes")
		var seen []string
		want := append([]string(nil), all...)
		for query := "limit=" + strconv.Itoa(limit); ; {
			r := httptest.NewRequest("GET", "/api/v1/x?"+query, nil)
			c := &call{r: r, query: r.URL.Query(), base: "http://localhost"}
			page, next, err := paged(c, pages{usual: 5, most: 20}, all, func(s string) string { return s })
			if err != nil {
				t.Fatal(err)
			}
			seen = append(seen, page...)
			if next == "" {
				break
			}
			if gone {
				all = without(all, page[len(page)-1])
			}
			query = httptest.NewRequest("GET", next, nil).URL.RawQuery
		}
		if len(seen) != len(want) || len(want) > 0 && !reflect.DeepEqual(seen, want) {
			t.Fatalf("%v", seen)
		}
	})
}

func without(list []string, item string) []string {
	var out []string
	for _, s := range list {
		if s != item {
			out = append(out, s)
		}
	}
	return out
}
