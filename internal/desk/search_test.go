package desk

import (
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/portico-iam/portico/internal/desk/view"
)

func TestSearchRanks(t *testing.T) {
	f := &found{query: "issuer", list: view.RolesPath}
	for _, name := range []string{"Senior issuer", "Issuers", "Verifier", "ISSUER", "Credential issuer", "Issuer of keys"} {
		f.add(view.SearchHit{Name: name}, name)
	}
	f.add(view.SearchHit{Name: "Ivan"}, "Ivan", "issuer") // by another of its texts
	f.sort()
	var got []string
	for _, hit := range f.kind("issuer", mostHits).Hits {
		got = append(got, hit.Name)
	}
	if want := "ISSUER, Ivan, Issuer of keys, Issuers, Credential issuer, Senior issuer"; strings.Join(got, ", ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, ", "), want)
	}
}

func TestSearchShowsFewAndCountsAll(t *testing.T) {
	f := &found{query: "r&", list: view.RolesPath}
	for i := range 100 {
		f.add(view.SearchHit{Name: fmt.Sprint("R&", i)}, fmt.Sprint("R&", i))
	}
	k := f.kind("r&", mostHits)
	if len(k.Hits) != mostHits || k.Total != 100 || k.All != "/roles?q=r%26" {
		t.Errorf("got %d of %d, all at %s", len(k.Hits), k.Total, k.All)
	}
}

func TestSearchIsBounded(t *testing.T) {
	for text, want := range map[string]int{"": 0, "  ü ": 1, strings.Repeat("ü", 200): 200, strings.Repeat("👩", 70_000): 200, "\xff\xfea": 1} {
		r := httptest.NewRequest("GET", view.SearchPath+"?"+url.Values{"q": {text}}.Encode(), nil)
		if got := queryOf(r); utf8.RuneCountInString(got) != want || !utf8.ValidString(got) {
			t.Errorf("%d bytes became %d characters, want %d", len(text), utf8.RuneCountInString(got), want)
		}
	}
}
