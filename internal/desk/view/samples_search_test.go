package view

import (
	"context"
	"fmt"
	"io"

	"github.com/a-h/templ"
)

// found is what the samples' search finds.
func found(ctx context.Context, query string) Search {
	some := Search{Page: admin(SearchPath), Query: "issu", Kinds: []SearchKind{
		{"Roles", []SearchHit{{Name: "Issuer", Href: RolePath(roleID)}, {Name: "Credential issuer", Href: RolePath("2")}}, 2, RolesPath + "?q=issu"},
		{"IAM roles", []SearchHit{{Name: "Acme Issuance", Href: AccessItemPath(iamID), Exact: true}}, 1, AccessPath + "?q=issu"},
		{"Organisations", []SearchHit{{Name: "Issuers of Acme", About: "deactivated", Href: OrganisationPath(orgID)}}, 1, OrganisationsPath + "?q=issu"},
		{"People", []SearchHit{{Name: "Ivan Issuer", About: "ivan@acme.test", Href: PersonPath}}, 1, PeoplePath + "?q=issu"},
		{"Permissions", []SearchHit{PermissionHit(ctx, one("CREDENTIAL_ISSUE"), 3)}, 1, ""},
	}}
	large := Search{Page: crowded(SearchPath), Query: hostile[1][:200]}
	for i, kind := range []string{"Pages", "Roles", "IAM roles", "Organisations", "People", "Permissions"} {
		k := SearchKind{Name: kind, Total: 1234, All: fmt.Sprint("/x", i)}
		for j := range 8 {
			k.Hits = append(k.Hits, SearchHit{hostile[j%len(hostile)], hostile[(i+j)%len(hostile)], "/", i == 2})
		}
		large.Kinds = append(large.Kinds, k)
	}
	switch query {
	case "":
		return Search{Page: member(SearchPath), Kinds: []SearchKind{{"Pages", SectionHits(ctx, allSections[:2]), 2, ""}}}
	case some.Query:
		return some
	case "hostile":
		return large
	}
	return Search{Page: admin(SearchPath), Query: hostile[2]}
}

// searching finds in the language of whoever renders it.
func searching(find func(context.Context) Search) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error { return SearchPage(find(ctx)).Render(ctx, w) })
}

func searchSamples() []sample {
	refused := HistoryRow{ID: roleID, At: at(day), Action: "REJECTED", Type: "STS_TOKEN", Name: "POST /api/credential/v1", Refused: true}
	entry := func(ctx context.Context) Search {
		return Search{Page: admin(SearchPath), Query: roleID, Kinds: []SearchKind{{"History", []SearchHit{HistoryHit(ctx, refused)}, 1, ""}}}
	}
	return []sample{
		{"search", searching(func(ctx context.Context) Search { return found(ctx, "issu") })},
		{"search-pages", searching(func(ctx context.Context) Search { return found(ctx, "") })},
		{"search-entry", searching(entry)},
		{"search-nothing-found", searching(func(ctx context.Context) Search { return found(ctx, "no such") })},
		{"search-large", searching(func(ctx context.Context) Search { return found(ctx, "hostile") })},
	}
}
