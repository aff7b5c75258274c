package view

import (
	"encoding/xml"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// element is a start tag with what the checks need of it.
type element struct {
	tag        string
	attributes map[string]string
	inLabel    bool
	inImage    bool
}

// parse reads a page strictly: every element that is opened is closed, in order, and every attribute is
// quoted. That is more than HTML demands, and it finds what a browser would silently mend.
func parse(t *testing.T, html string) []element {
	t.Helper()
	decoder := xml.NewDecoder(strings.NewReader(html))
	decoder.Strict = false // bare attributes and HTML's entities; the nesting is checked here
	decoder.Entity = xml.HTMLEntity
	void := []string{"meta", "link", "input", "br", "img"}
	var open []string
	var elements []element
	for {
		token, err := decoder.RawToken()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("not well formed: %v", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			e := element{tag: token.Name.Local, attributes: map[string]string{}, inLabel: slices.Contains(open, "label"), inImage: slices.Contains(open, "svg")}
			for _, a := range token.Attr {
				if _, twice := e.attributes[a.Name.Local]; twice {
					t.Errorf("<%s> has %s twice", e.tag, a.Name.Local)
				}
				e.attributes[a.Name.Local] = a.Value
			}
			elements = append(elements, e)
			if !slices.Contains(void, e.tag) {
				open = append(open, e.tag)
			}
		case xml.EndElement:
			if slices.Contains(void, token.Name.Local) {
				continue
			}
			if len(open) == 0 || open[len(open)-1] != token.Name.Local {
				t.Fatalf("</%s> does not close %v", token.Name.Local, open)
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		t.Fatalf("never closed: %v", open)
	}
	return elements
}

func render(t *testing.T, s sample) string {
	t.Helper()
	var b strings.Builder
	if err := s.page.Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestEveryPageInEveryState(t *testing.T) {
	for _, s := range samples() {
		t.Run(s.name, func(t *testing.T) {
			html := render(t, s)
			elements := parse(t, html)
			checkSecurity(t, html, elements)
			checkStructure(t, elements)
			checkControls(t, elements)
		})
	}
}

// checkSecurity: nothing that the Content-Security-Policy would have to allow, no name taken as markup.
func checkSecurity(t *testing.T, html string, elements []element) {
	t.Helper()
	for _, e := range elements {
		if e.tag == "style" || e.tag == "img" || e.tag == "iframe" || e.tag == "b" || e.tag == "i" {
			t.Errorf("a page has no <%s>", e.tag)
		}
		if e.tag == "script" && (!strings.HasPrefix(e.attributes["src"], "/assets/desk.")) {
			t.Error("a script of one's own only")
		}
		for name, value := range e.attributes {
			if name == "style" || strings.HasPrefix(name, "on") {
				t.Errorf("<%s %s>", e.tag, name)
			}
			if (name == "href" || name == "action" || name == "formaction") && !regexp.MustCompile(`^[/#]`).MatchString(value) {
				t.Errorf("<%s %s=%q> leaves the site", e.tag, name, value)
			}
		}
	}
	if strings.Contains(html, "<script>") || strings.Contains(html, "<img") {
		t.Error("a name became markup")
	}
}

func checkStructure(t *testing.T, elements []element) {
	t.Helper()
	ids, counts, rank := map[string]bool{}, map[string]int{}, 1
	for _, e := range elements {
		if n := e.attributes["maxlength"] + e.attributes["rows"]; strings.Trim(n, "0123456789") != "" {
			t.Errorf("<%s>: %q is no number to a browser", e.tag, n)
		}
		if e.tag != "title" || !e.inImage { // that one names an image
			counts[e.tag]++
		}
		if id, ok := e.attributes["id"]; ok {
			if ids[id] || id == "" || strings.Contains(id, " ") {
				t.Errorf("id %q is not unique or not an id", id)
			}
			ids[id] = true
		}
	}
	inMain := false
	for _, e := range elements {
		inMain = inMain || e.tag == "main"
		if inMain && regexp.MustCompile(`^h[1-6]$`).MatchString(e.tag) {
			level := int(e.tag[1] - '0')
			if level > rank+1 {
				t.Errorf("<%s> follows <h%d>", e.tag, rank)
			}
			rank = level
		}
		for _, name := range []string{"aria-labelledby", "aria-describedby", "for", "popovertarget"} {
			for _, id := range strings.Fields(e.attributes[name]) {
				if !ids[id] {
					t.Errorf("<%s %s> points to %q, which is not there", e.tag, name, id)
				}
			}
		}
		if fragment, ok := strings.CutPrefix(e.attributes["href"], "#"); ok && !ids[fragment] {
			t.Errorf("link to #%s, which is not there", fragment)
		}
	}
	if counts["h1"] != 1 || counts["main"] != 1 || counts["title"] != 1 {
		t.Errorf("h1, main, title: %d, %d, %d; want one each", counts["h1"], counts["main"], counts["title"])
	}
	if counts["table"] != counts["caption"] {
		t.Error("a table without a caption")
	}
}

func checkControls(t *testing.T, elements []element) {
	t.Helper()
	labelled := map[string]bool{}
	for _, e := range elements {
		if e.tag == "label" {
			labelled[e.attributes["for"]] = true
		}
	}
	for _, e := range elements {
		switch e.tag {
		case "input", "select", "textarea":
			if e.attributes["type"] != "hidden" && !e.inLabel && !labelled[e.attributes["id"]] {
				t.Errorf("<%s name=%q> has no label", e.tag, e.attributes["name"])
			}
		case "button":
			if e.attributes["type"] == "" {
				t.Error("a button without a type submits by accident")
			}
		case "form":
			if m := e.attributes["method"]; m != "post" && m != "get" {
				t.Errorf("form method %q", m)
			}
		}
	}
}

func TestNavigationOffersOnlyWhatIsAllowed(t *testing.T) {
	html := render(t, sample{page: NotFoundPage(NotFound{member("/")})})
	if strings.Contains(html, `href="/roles"`) || !strings.Contains(html, `href="/history"`) {
		t.Error("the sidebar does not follow Page.Nav")
	}
}

func TestOddCharactersOfNamesAreShown(t *testing.T) {
	for name, want := range map[string][]segment{
		"Acme Issuance":   {{Text: "Acme Issuance"}},
		" Acme":           {{Odd: "blank"}, {Text: "Acme"}},
		"Acme  x ":        {{Text: "Acme"}, {Odd: "blank"}, {Odd: "blank"}, {Text: "x"}, {Odd: "blank"}},
		"a\u00a0b\u202ec": {{Text: "a"}, {Odd: "U+00A0"}, {Text: "b"}, {Odd: "U+202E"}, {Text: "c"}},
		"   ":             {{Odd: "blank"}, {Odd: "blank"}, {Odd: "blank"}},
		"👩‍💻":             {{Text: "👩‍💻"}},
		"a\xffb":          {{Text: "a"}, {Odd: "U+FFFD"}, {Text: "b"}},
	} {
		if got := segments(name); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	}
}

func TestWizardsLoseNothing(t *testing.T) {
	for _, name := range []string{"role-review-delegation", "access-assign", "access-review"} {
		i := slices.IndexFunc(samples(), func(s sample) bool { return s.name == name })
		carried := map[string]int{}
		for _, e := range parse(t, render(t, samples()[i])) {
			if e.attributes["type"] == "hidden" {
				carried[e.attributes["name"]]++
			}
		}
		want := map[string]int{"name": 1, "organisation": 2, "role": 2}
		if name == "role-review-delegation" {
			want = map[string]int{"name": 1, "permissions": 2, "restricted": 1, "requiredUserPermissions": 1}
		}
		for field, n := range want {
			if carried[field] != n {
				t.Errorf("%s carries %d of %s, want %d", name, carried[field], field, n)
			}
		}
	}
}

func TestListAddresses(t *testing.T) {
	l := List{Path: RolesPath, Query: "a&b", Sort: "name", Page: 2, PageSize: 30, Total: 61}
	for got, want := range map[string]string{
		l.pageHref(3):       "/roles?dir=asc&page=3&q=a%26b&sort=name",
		l.sortHref("name"):  "/roles?dir=desc&q=a%26b&sort=name",
		l.sortHref("other"): "/roles?dir=asc&q=a%26b&sort=other",
		l.extent().String(): "31–60 of 61",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if l.pages() != 3 {
		t.Errorf("%d pages, want 3", l.pages())
	}
}

func TestRelativeTime(t *testing.T) {
	for want, w := range map[string]When{
		"just now": at(3e9), "1 minute ago": at(60e9), "23 hours ago": at(day - 1), "29 days ago": at(30*day - 1), "18 Apr 2026": at(30 * day),
		"2026-05-18 14:33:07 UTC": at(-60e9),
	} {
		if got := w.relative(t.Context()); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
