package view

import "context"

// Search is what was found with a text, kind by kind.
type Search struct {
	Page
	Query string
	Kinds []SearchKind // those of which something was found
}

// SearchKind is what was found of one kind, the best first.
type SearchKind struct {
	Name  string
	Hits  []SearchHit
	Total int
	All   string // address of the list that has all of them
}

// SearchHit is one thing that was found.
type SearchHit struct {
	Name, About, Href string
	Exact             bool // the name is one in which case and blanks matter
}

// SearchPath finds (q); with "fragment" it answers the options alone, for the dialog.
const SearchPath = "/search"

// MaxSearch bounds what is searched for, in characters.
const MaxSearch = 200

func (v Search) total() (n int) {
	for _, k := range v.Kinds {
		n += k.Total
	}
	return n
}

// said is the result in words, for those who listen.
func (v Search) said(ctx context.Context) string {
	switch {
	case v.Query == "":
		return say(ctx, "Type to search.")
	case len(v.Kinds) == 0:
		return say(ctx, "Nothing is found.")
	}
	return say(ctx, "%d results", v.total())
}

// more tells whether a list has more than is shown.
func (k SearchKind) more() bool { return k.Total > len(k.Hits) }

// SectionHits are the sections as something to be found.
func SectionHits(ctx context.Context, sections []Section) []SearchHit {
	hits := make([]SearchHit, len(sections))
	for i, s := range sections {
		hits[i] = SearchHit{Name: sayKey(ctx, string(s)), Href: sectionPaths[s]}
	}
	return hits
}

// HistoryHit is an entry that was asked for by its reference.
func HistoryHit(ctx context.Context, r HistoryRow) SearchHit {
	hit := SearchHit{Name: historyTitle(ctx, r), Href: HistoryEntryPath(r.ID), About: r.At.relative(ctx)}
	if r.Name != "" {
		hit.Name += ": " + r.Name
	}
	return hit
}

// PermissionHit is a permission, and how many roles hold it.
func PermissionHit(ctx context.Context, p Permission, roles int) SearchHit {
	return SearchHit{Name: sayKey(ctx, p.Name), About: say(ctx, "%s, in %d roles", p.ID, roles), Href: RolesWithPath(p.ID)}
}

// numbered gives every option of all kinds a number of its own.
func (v Search) numbered() (first []int) {
	n := 0
	for _, k := range v.Kinds {
		first = append(first, n)
		n += len(k.Hits) + 1 // one for all of them
	}
	return first
}
