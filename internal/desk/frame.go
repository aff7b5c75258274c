package desk

import (
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/desk/view"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/httpx"
)

// frame is what surrounds every page: who is there, and where they may go.
func (h *Handler) frame(r *http.Request, c *authn.Caller) view.Page {
	snapshot := h.Policy.Snapshot()
	active, _ := c.Organisation(r, snapshot)
	page := view.Page{
		Person: view.Person{GivenName: c.Principal.GivenName, FamilyName: c.Principal.FamilyName, Login: c.Principal.Login},
		Nav:    h.nav(r, c), Path: r.URL.RequestURI(), Theme: theme(r), Probation: h.probation(c),
	}
	page.BreakGlass = h.breakGlass(c)
	page.Waiting = h.waiting(r, c)
	h.markForms(r, c, &page)
	if page.Person.Login == "" {
		page.Person.Login = c.Principal.Subject
	}
	if r.Method != http.MethodGet {
		page.Path = r.URL.Path
	}
	for _, o := range snapshot.OrganisationsOf(c.Principal) {
		page.Organisations = append(page.Organisations, view.OrganisationChoice{ID: string(o.ID), Name: o.Name, Active: o.ID == active})
	}
	done := outcome(r.URL.Query().Get("done"))
	if done == signedInAgain && page.Probation != nil { // it did not confirm
		done = ""
	}
	if text, ok := outcomes[done]; ok && r.Method == http.MethodGet {
		page.Notices = append(page.Notices, view.Notice{Kind: view.Success, Text: sayKey(r.Context(), text)})
	}
	return page
}

// nav offers only the sections that the person may use, be it after another sign-in.
func (h *Handler) nav(r *http.Request, c *authn.Caller) []view.Section {
	nav := []view.Section{view.SectionOverview}
	for _, s := range []struct {
		section view.Section
		needs   access.Permission
	}{
		{view.SectionAccess, access.STSIAMRoleList},
		{view.SectionExplain, access.STSAccessExplain},
		{view.SectionRoles, access.STSRoleList},
		{view.SectionOrganisations, access.STSOrganisationList},
	} {
		if h.offers(c, s.needs) {
			nav = append(nav, s.section)
		}
	}
	if h.offers(c, access.STSSessionList) {
		nav = append(nav, view.SectionPeople)
	}
	if _, err := h.historyScope(r, c); err == nil {
		nav = append(nav, view.SectionHistory)
	}
	if h.offers(c, access.STSAccessExplain) {
		nav = append(nav, view.SectionIntegration)
	}
	if h.offers(c, access.STSKeyList) {
		nav = append(nav, view.SectionKeys)
	}
	return nav
}

const themeCookie = "portico_theme"

func theme(r *http.Request) view.Theme {
	if cookie, err := r.Cookie(themeCookie); err == nil {
		switch t := view.Theme(cookie.Value); t {
		case view.ThemeLight, view.ThemeDark:
			return t
		}
	}
	return view.ThemeSystem
}

func (h *Handler) switchTheme(w http.ResponseWriter, r *http.Request, _ *authn.Caller) error {
	choice := view.Theme(r.PostFormValue("theme"))
	maxAge := int((365 * 24 * time.Hour).Seconds())
	switch choice {
	case view.ThemeLight, view.ThemeDark:
	case view.ThemeSystem:
		maxAge = -1
	default:
		return fault.InvalidInput.New("theme: expected light, dark or nothing")
	}
	http.SetCookie(w, &http.Cookie{
		Name: themeCookie, Value: string(choice), Path: "/", MaxAge: maxAge, HttpOnly: true, Secure: h.Secure, SameSite: http.SameSiteLaxMode,
	})
	http.Redirect(w, r, httpx.LocalPath(r.PostFormValue("return")), http.StatusSeeOther)
	return nil
}

func (h *Handler) switchOrganisation(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
	id, err := httpx.ParseUUID(r.PostFormValue("organisation"))
	if err != nil {
		return fault.InvalidInput.New("choose one of your organisations")
	}
	org := access.OrganisationID(id)
	// Whether an organisation exists is not for everybody to know: one without access is answered like one that is not.
	if org == access.System || h.Policy.Snapshot().Reachable(c.Principal, org).IsEmpty() {
		return fault.InvalidInput.New("you have no access to that organisation, or it is deactivated")
	}
	if c.Session != nil {
		if _, err := h.Sessions.SetOrganisation(w, r, c.Session, org); err != nil {
			return err
		}
	} else {
		http.SetCookie(w, &http.Cookie{
			Name: authn.OrganisationCookie, Value: id, Path: "/", HttpOnly: true, Secure: h.Secure, SameSite: http.SameSiteLaxMode,
		})
	}
	http.Redirect(w, r, httpx.LocalPath(r.PostFormValue("return")), http.StatusSeeOther)
	return nil
}

// groupsOf shows a set by the groups of the catalogue.
func groupsOf(set access.PermissionSet) []view.PermissionGroup {
	var groups []view.PermissionGroup
	at := map[string]int{}
	for p, info := range access.Permissions() {
		if !set.Has(p) {
			continue
		}
		i, known := at[info.Group]
		if !known {
			i = len(groups)
			at[info.Group] = i
			groups = append(groups, view.PermissionGroup{ID: slug(info.Group), Name: info.Group})
		}
		groups[i].Permissions = append(groups[i].Permissions, viewPermission(info))
	}
	return groups
}

func viewPermission(info access.PermissionInfo) view.Permission {
	return view.Permission{ID: info.Name, Name: info.Title, About: info.Description, System: info.Scope == access.ScopeSystem}
}

func permissionNamed(name string) view.Permission {
	if p, ok := access.ParsePermission(name); ok {
		return viewPermission(p.Info())
	}
	return view.Permission{ID: name, Name: name}
}

func slug(s string) string { return strings.ReplaceAll(strings.ToLower(s), " ", "-") }

// everything is the whole catalogue.
var everything = groupsOf(access.OfScope(access.ScopeOrganisation).Union(access.OfScope(access.ScopeSystem)))

func (h *Handler) when(t time.Time) view.When { return view.When{At: t, Now: h.Now()} }

func (h *Handler) changed(c access.Changed) view.Stamp {
	return view.Stamp{When: h.when(c.ModifiedAt), By: c.ModifiedBy}
}

func (h *Handler) created(c access.Changed) view.Stamp { return view.Stamp{When: h.when(c.CreatedAt)} }

const pageSize = 50

// listState reads a list's state from the address. What is malformed there counts as absent: an address can be edited
// by hand, and the page shows what came of it.
func listState(r *http.Request, path, defaultSort string, sorts ...string) view.List {
	query := r.URL.Query()
	list := view.List{Path: path, Query: searchText(r, "q"), Page: pageOf(r, "page"), PageSize: pageSize, Sort: defaultSort}
	for _, s := range sorts {
		if query.Get("sort") == s {
			list.Sort, list.Descending = s, query.Get("dir") == "desc"
		}
	}
	return list
}

// searchText is a text to search for, none where it is longer than any name.
func searchText(r *http.Request, field string) string {
	text := strings.TrimSpace(strings.ToValidUTF8(r.URL.Query().Get(field), ""))
	if utf8.RuneCountInString(text) > access.MaxNameLength {
		return ""
	}
	return text
}

func pageOf(r *http.Request, field string) int {
	if n, err := strconv.Atoi(r.URL.Query().Get(field)); err == nil && n > 1 && n < 1_000_000 {
		return n
	}
	return 1
}

// cut takes the list's page out of all rows and notes how many there are.
func cut[T any](list *view.List, rows []T) []T {
	list.Total = len(rows)
	if last := max(1, (len(rows)+pageSize-1)/pageSize); list.Page > last {
		list.Page = last
	}
	return httpx.Slice(rows, httpx.Page{Number: list.Page - 1, Size: pageSize})
}

// contains finds a search text in a name, without regard to case.
func contains(name, query string) bool {
	return query == "" || strings.Contains(strings.ToLower(name), strings.ToLower(query))
}
