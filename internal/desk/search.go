package desk

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/desk/view"
	"github.com/portico-iam/portico/internal/httpx"
)

// search finds what the caller may see anyway. It enforces nothing and so refuses nobody: what they may not see is not
// looked at.
func (h *Handler) search(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
	v := view.Search{Query: queryOf(r)}
	kinds, err := h.find(r, c, v.Query)
	if err != nil {
		return err
	}
	only := r.URL.Query().Get("all")
	for _, f := range kinds {
		switch {
		case only == f.name || v.Query == "":
			v.Kinds = append(v.Kinds, f.kind(v.Query, len(f.hits)))
		case only == "":
			v.Kinds = append(v.Kinds, f.kind(v.Query, mostHits))
		}
	}
	if r.URL.Query().Has("fragment") {
		w.Header().Set("Cache-Control", "no-store")
		h.render(w, r, http.StatusOK, view.SearchOptions(v))
		return nil
	}
	v.Page = h.frame(r, c)
	h.render(w, r, http.StatusOK, view.SearchPage(v))
	return nil
}

func queryOf(r *http.Request) string {
	text := strings.TrimSpace(strings.ToValidUTF8(r.URL.Query().Get("q"), ""))
	n := 0
	for i := range text {
		if n == view.MaxSearch {
			return text[:i]
		}
		n++
	}
	return text
}

// find looks through one kind after the other. Without a query it offers the pages.
func (h *Handler) find(r *http.Request, c *authn.Caller, query string) ([]*found, error) {
	finders := []func(*http.Request, *authn.Caller, *found) error{h.findPages}
	if query != "" {
		finders = append(finders, h.findRoles, h.findAccess, h.findOrganisations, h.findPeople, h.findPermissions, h.findEntry)
	}
	var all []*found
	for _, find := range finders {
		f := &found{query: strings.ToLower(query)}
		if err := find(r, c, f); err != nil {
			return nil, err
		}
		if len(f.hits) > 0 {
			f.sort()
			all = append(all, f)
		}
	}
	// What matches best leads, so that Enter opens it.
	slices.SortStableFunc(all, func(a, b *found) int { return cmp.Compare(a.hits[0].rank, b.hits[0].rank) })
	return all, nil
}

// found collects what matches of one kind.
type found struct {
	query string // in lower case
	name  string
	list  string // path of the list that is searched by the same query
	hits  []ranked
}

// ranked is a hit and how well it matches: what is sought, or begins with it, or has it within.
type ranked struct {
	view.SearchHit
	rank int
}

const (
	exact = iota
	prefix
	within
)

// add takes what matches in any of its texts.
func (f *found) add(hit view.SearchHit, texts ...string) {
	best := within + 1
	for _, text := range texts {
		text = strings.ToLower(text)
		switch {
		case text == f.query:
			best = exact
		case strings.HasPrefix(text, f.query):
			best = min(best, prefix)
		case strings.Contains(text, f.query):
			best = min(best, within)
		}
	}
	if best <= within {
		f.hits = append(f.hits, ranked{hit, best})
	}
}

// sort orders by rank, then by name. Without a query the pages stay in the order of the navigation.
func (f *found) sort() {
	if f.query == "" {
		return
	}
	slices.SortStableFunc(f.hits, func(a, b ranked) int { return cmp.Or(cmp.Compare(a.rank, b.rank), byName(a.Name, b.Name)) })
}

// mostHits is how many of one kind are shown beside others.
const mostHits = 8

// kind shows the first hits. All of them are in the list of their kind, or else on the search page by themselves.
func (f *found) kind(query string, most int) view.SearchKind {
	k := view.SearchKind{Name: f.name, Total: len(f.hits), All: view.SearchPath + "?" + url.Values{"q": {query}, "all": {f.name}}.Encode()}
	if f.list != "" {
		k.All = searched(f.list, query)
	}
	for _, hit := range f.hits[:min(len(f.hits), most)] {
		k.Hits = append(k.Hits, hit.SearchHit)
	}
	return k
}

func searched(list, query string) string { return list + "?" + url.Values{"q": {query}}.Encode() }

// opened is where a thing is shown: on a page of its own for who may open it, else in its list.
func opened(may bool, path, list, name string) string {
	if may {
		return path
	}
	return searched(list, name)
}

func (h *Handler) findPages(r *http.Request, c *authn.Caller, f *found) error {
	f.name = key("Pages")
	pages := view.SectionHits(r.Context(), h.nav(r, c))
	for _, p := range []struct {
		name, href string
		needs      access.Permission
	}{
		{key("New access"), view.AccessNewPath, access.STSIAMRoleCreate},
		{key("Loose ends"), view.LooseEndsPath, access.STSIAMRoleList},
		{key("Requests"), view.RequestsPath, access.STSIAMRoleList},
		{key("New role"), view.RoleNewPath, access.STSRoleCreate},
		{key("New organisation"), view.OrganisationNewPath, access.STSOrganisationCreate},
	} {
		if h.may(c, p.needs) {
			pages = append(pages, view.SearchHit{Name: sayKey(r.Context(), p.name), Href: p.href})
		}
	}
	if h.mayMatrix(c) {
		pages = append(pages, view.SearchHit{Name: say(r.Context(), "Access matrix"), Href: view.AccessMatrixPath})
	}
	for _, p := range pages {
		f.add(p, p.Name)
	}
	return nil
}

func (h *Handler) findRoles(_ *http.Request, c *authn.Caller, f *found) error {
	f.name, f.list = key("Roles"), view.RolesPath
	if !h.may(c, access.STSRoleList) {
		return nil
	}
	may := h.may(c, access.STSRoleDetail)
	for _, role := range h.Policy.Snapshot().Roles() {
		f.add(view.SearchHit{Name: role.Name, Href: opened(may, view.RolePath(string(role.ID)), view.RolesPath, role.Name)}, role.Name)
	}
	return nil
}

func (h *Handler) findAccess(_ *http.Request, c *authn.Caller, f *found) error {
	f.name, f.list = key("IAM roles"), view.AccessPath
	if !h.may(c, access.STSIAMRoleList) {
		return nil
	}
	may := h.may(c, access.STSIAMRoleDetail)
	for _, m := range h.Policy.Snapshot().IAMRoles() {
		f.add(view.SearchHit{Name: m.Name, Exact: true, Href: opened(may, view.AccessItemPath(string(m.ID)), view.AccessPath, m.Name)}, m.Name)
	}
	return nil
}

// findOrganisations finds every organisation for who may list them, and for others their own, which the overview shows.
func (h *Handler) findOrganisations(r *http.Request, c *authn.Caller, f *found) error {
	f.name = key("Organisations")
	snapshot := h.Policy.Snapshot()
	if !h.may(c, access.STSOrganisationList) {
		for _, o := range snapshot.OrganisationsOf(c.Principal) {
			f.add(view.SearchHit{Name: o.Name, Href: view.OverviewPath + "#organisations"}, o.Name)
		}
		return nil
	}
	f.list = view.OrganisationsPath
	may := h.may(c, access.STSOrganisationDetail)
	for _, o := range snapshot.Organisations() {
		hit := view.SearchHit{Name: o.Name, Href: opened(may, view.OrganisationPath(string(o.ID)), view.OrganisationsPath, o.Name)}
		if !o.Active() {
			hit.About = say(r.Context(), "deactivated")
		}
		f.add(hit, o.Name)
	}
	return nil
}

func (h *Handler) findPeople(r *http.Request, c *authn.Caller, f *found) error {
	f.name, f.list = key("People"), view.PeoplePath
	if !h.may(c, access.STSSessionList) {
		return nil
	}
	people, err := h.Revocations.People(r.Context(), c.Principal)
	if err != nil {
		return err
	}
	for _, p := range people {
		who := who(p)
		f.add(view.SearchHit{Name: who.Name, About: p.Login, Href: who.Path()}, append([]string{who.Name, p.Login, p.Subject}, p.IAMRoles...)...)
	}
	return nil
}

// findPermissions leads to the roles that hold a permission, for who may list them.
func (h *Handler) findPermissions(r *http.Request, c *authn.Caller, f *found) error {
	f.name = key("Permissions")
	if !h.may(c, access.STSRoleList) {
		return nil
	}
	roles := h.Policy.Snapshot().Roles()
	for p, info := range access.Permissions() {
		n := 0
		for _, role := range roles {
			if role.Permissions.Has(p) {
				n++
			}
		}
		f.add(view.PermissionHit(r.Context(), viewPermission(info), n), sayKey(r.Context(), info.Title), info.Name)
	}
	return nil
}

// findEntry finds a history entry by its reference, and nothing where there is none that the caller may read.
func (h *Handler) findEntry(r *http.Request, c *authn.Caller, f *found) error {
	f.name = key("History")
	id, err := httpx.ParseUUID(f.query)
	if err != nil {
		return nil // it is no reference
	}
	e, known, err := h.History.Get(r.Context(), id)
	if err != nil {
		return err
	}
	if known && h.canRead(c, e.OrganisationID) {
		f.add(view.HistoryHit(r.Context(), h.historyRow(e)), e.ID)
	}
	return nil
}
