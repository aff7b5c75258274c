package desk

import (
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/coreapi"
	"github.com/portico-iam/portico/internal/corecall"
	"github.com/portico-iam/portico/internal/desk/view"
	"github.com/portico-iam/portico/internal/explain"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/httpx"
	"github.com/portico-iam/portico/internal/policy"
	"github.com/portico-iam/portico/internal/revocation"
	"github.com/portico-iam/portico/internal/seal"
	"github.com/portico-iam/portico/internal/session"
	"github.com/portico-iam/portico/internal/sts"
)

const many = pageSize + 10

// fill gives every list more than a page of rows.
func (b *bench) fill() {
	b.t.Helper()
	now := time.Now()
	b.Now = func() time.Time { return now } // or rows would age while they are compared
	var c access.Change
	changed := func(i int) access.Changed {
		at := time.Now().Add(-time.Duration(i) * time.Hour)
		return access.Changed{CreatedAt: at, ModifiedAt: at, ModifiedBy: "test", Revision: 1}
	}
	id := func(kind, i int) string { return fmt.Sprintf("%08x-0000-4000-8000-%012x", kind, i) }
	every := slices.Collect(access.OfScope(access.ScopeOrganisation).All())
	for i := range many {
		c.PutRoles = append(c.PutRoles, &access.Role{ID: access.RoleID(id(1, i)), Name: fmt.Sprintf("Role %02d", i), Permissions: access.SetOf(every[:i%7+1]...), Changed: changed(many - i)})
	}
	for i := range many {
		here := map[access.OrganisationID][]access.RoleID{acme: {c.PutRoles[i%5].ID}}
		if i%2 == 0 {
			here[zeta] = []access.RoleID{c.PutRoles[i%3].ID}
		}
		c.PutIAMRoles = append(c.PutIAMRoles, &access.IAMRole{ID: access.IAMRoleID(id(2, i)), Name: fmt.Sprintf("IAM role %02d", i), OrganisationRoles: here, Changed: changed(i)})
		err := b.db.SeePerson(b.t.Context(), session.Person{Issuer: issuer, Subject: fmt.Sprint("person-", i), Login: fmt.Sprintf("person-%02d@acme.test", i), SeenAt: time.Now().Add(-time.Duration(i) * time.Hour)})
		if err != nil {
			b.t.Fatal(err)
		}
		asked := policy.Request{
			ID: id(4, i), Issuer: issuer, Subject: "asker", Name: "Asker", Reason: "because", At: now.Add(-time.Duration(i) * time.Minute), Until: now.Add(time.Duration(i+1) * time.Hour),
			Organisations: []access.OrganisationID{acme}, Change: access.Change{PutIAMRoles: []*access.IAMRole{{ID: access.IAMRoleID(id(5, i)), Name: fmt.Sprintf("Asked %02d", i)}}},
			Closing: policy.Closing{State: policy.Open},
		}
		if added, err := b.db.AddRequest(b.t.Context(), asked, many, many, b.History.New(history.Entry{Action: history.Requested, EntityType: history.STSIAMRole, Source: history.SourceSTS})); !added || err != nil {
			b.t.Fatal(added, err)
		}
		b.happens(time.Now().Add(-time.Duration(i)*time.Minute), history.Entry{Name: fmt.Sprintf("Entry %02d", i)})
	}
	if err := b.db.CommitChange(b.t.Context(), b.Policy.Version(), c, nil); err != nil {
		b.t.Fatal(err)
	}
	if err := b.Policy.Reload(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}

	all := httpx.List[coreapi.Organisation]{TotalItems: many, TotalPages: 1}
	for i := range many {
		at := coreapi.Time{Time: time.Now().Add(-time.Duration(i) * time.Hour)}
		all.Values = append(all.Values, coreapi.Organisation{ID: access.OrganisationID(id(3, i)), Name: fmt.Sprintf("Organisation %02d", i), CreatedDate: at, LastModified: at})
	}
	core := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { httpx.WriteJSON(w, http.StatusOK, all) }))
	b.t.Cleanup(core.Close)
	base, _ := url.Parse(core.URL)
	b.Organisations = &corecall.Organisations{
		Caller: &corecall.Caller{Mode: config.AuthUnsafeNone}, Client: &coreapi.Client{BaseURL: base, HTTP: core.Client()}, Policy: b.Policy,
	}
	book := &revocation.Book{Store: b.db, Idle: time.Hour, Now: time.Now, Logger: b.Logger}
	b.Revocations = &revocation.Service{Store: b.db, Book: book, Policy: b.Policy, History: b.History, TokenTTL: time.Minute}
	ring, err := sts.OpenRing(b.t.Context(), sts.RingConfig{
		Store: b.db, Box: seal.RandomKey().Box("signing key"), Rotation: time.Hour, Overlap: time.Hour, Keep: time.Hour, Now: time.Now, Logger: b.Logger,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.Keys = &sts.KeyAdministration{Ring: ring, Policy: b.Policy}
	b.Explainer = &explain.Service{Policy: b.Policy, People: b.db, History: b.History, RolePath: "roles", Issuer: issuer, Now: time.Now}
}

// lists are all of them, by what makes them one (listState); TestListsAreAll knows that none lacks.
var lists = map[string]struct {
	path   string
	page   func(*bench) pageHandler
	sorts  []string
	filter string // that narrows it to fewer rows; empty: there is nothing to search for, and one page is enough
}{
	"RolesPath":         {view.RolesPath, func(b *bench) pageHandler { return b.roleList }, []string{"name", "permissions", "mappings", "changed"}, "q=5"},
	"AccessPath":        {view.AccessPath, func(b *bench) pageHandler { return b.accessList }, []string{"name", "organisations", "changed"}, "q=5"},
	"AccessMatrixPath":  {view.AccessMatrixPath, func(b *bench) pageHandler { return b.accessMatrix }, []string{"name"}, "q=5"},
	"LooseEndsPath":     {view.LooseEndsPath, func(b *bench) pageHandler { return b.looseEnds }, []string{"name", "kind", "changed"}, "kind=ROLE_NOT_MAPPED"},
	"OrganisationsPath": {view.OrganisationsPath, func(b *bench) pageHandler { return b.organisationList }, []string{"name", "mappings", "createdDate", "changed"}, "q=5"},
	"RequestsPath":      {view.RequestsPath, func(b *bench) pageHandler { return b.requestList }, []string{"state", "name", "asked", "until"}, "q=5"},
	"PeoplePath":        {view.PeoplePath, func(b *bench) pageHandler { return b.personList }, []string{"name", "sessions", "seen"}, "q=5"},
	// The history is a record: it is read along its time, one way or the other, and any other order would tear apart what belongs together.
	"HistoryPath": {view.HistoryPath, func(b *bench) pageHandler { return b.historyList }, []string{"createdDate"}, "name=5"},
	"KeysPath":    {view.KeysPath, func(b *bench) pageHandler { return b.keyList }, []string{"state", "published", "used"}, ""},
}

func TestListsAreAll(t *testing.T) {
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, source := range sources {
		text, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`listState\(r, view\.(\w+)`).FindAllStringSubmatch(string(text), -1) {
			if found[m[1]] = true; lists[m[1]].path == "" {
				t.Errorf("%s: the list at view.%s stands not in lists: does it sort, filter and keep its state?", source, m[1])
			}
		}
	}
	if len(found) != len(lists) {
		t.Errorf("found %d lists, %d are known", len(found), len(lists))
	}
}

var (
	bodyRows = regexp.MustCompile(`(?s)<tr role="row"[^>]*>\s*<th role="rowheader".*?</tr>`)
	sorted   = regexp.MustCompile(`aria-sort="(\w+)"[^>]*>\s*<a href="([^"]*)"`)
	nextPage = regexp.MustCompile(`rel="next" href="([^"]*)"`)
)

// TestListsSortFilterAndTurn: every list does, says so to those who listen, and has its whole state in its address.
func TestListsSortFilterAndTurn(t *testing.T) {
	b := newBench(t)
	b.fill()
	for name, l := range lists {
		get := func(address string) string {
			t.Helper()
			w := b.open(l.page(b), address, ada)
			if w.Code != http.StatusOK {
				t.Fatalf("%s: got %d %s", address, w.Code, w.Body)
			}
			return w.Body.String()
		}
		// all turns the pages by their own links, and returns the rows of all.
		all := func(address string) (rows []string) {
			t.Helper()
			want, _ := url.Parse(address)
			for page := 1; ; page++ {
				text := get(address)
				rows = append(rows, bodyRows.FindAllString(text, -1)...)
				next := nextPage.FindStringSubmatch(text)
				if next == nil {
					return rows
				}
				address = html.UnescapeString(next[1])
				state := want.Query()
				state.Set("page", fmt.Sprint(page+1))
				got, _ := url.Parse(address)
				for name := range state { // the order may stand in it besides
					if got.Path != want.Path || got.Query().Get(name) != state.Get(name) {
						t.Fatalf("%s: the next page is %s", want, address)
					}
				}
			}
		}
		filtered := ""
		if l.filter != "" {
			filtered = "&" + l.filter
		}
		for _, sort := range l.sorts {
			up, down := l.path+"?sort="+sort+"&dir=asc", l.path+"?sort="+sort+"&dir=desc"
			for address, direction := range map[string]string{up: "ascending", down: "descending"} {
				text := get(address + filtered)
				said := sorted.FindAllStringSubmatch(text, -1)
				if len(said) != 1 || said[0][1] != direction {
					t.Errorf("%s: said is %q", address, said)
					continue
				}
				turned, _ := url.Parse(html.UnescapeString(said[0][2]))
				want, _ := url.ParseQuery("sort=" + sort + "&dir=" + map[string]string{"ascending": "desc", "descending": "asc"}[direction] + filtered)
				if turned.Path != l.path || turned.Query().Encode() != want.Encode() {
					t.Errorf("%s: it is turned round by %s", address, turned)
				}
			}
			rows, back := all(up), all(down)
			slices.Reverse(back)
			switch {
			case l.filter == "":
				if len(rows) < 2 || len(rows) != len(back) {
					t.Errorf("%s by %s: %d rows, and %d the other way", name, sort, len(rows), len(back))
				}
			case len(rows) < many || !slices.Equal(rows, back):
				t.Errorf("%s by %s: %d rows, which are not those of the other way turned round", name, sort, len(rows))
			case len(slices.Compact(slices.Sorted(slices.Values(rows)))) != len(rows):
				t.Errorf("%s by %s: a row stands on two pages", name, sort)
			}
		}
		if l.filter == "" {
			continue
		}
		if fewer := all(l.path + "?" + l.filter); len(fewer) == 0 || len(fewer) >= len(all(l.path)) {
			t.Errorf("%s: %s chooses %d rows", name, l.filter, len(fewer))
		}
	}
}

// post sends a form as ada; id is what the address names.
func (b *bench) post(page pageHandler, target, id string, form url.Values) *httptest.ResponseRecorder {
	b.t.Helper()
	return b.postAs(ada, page, target, id, form)
}

// postAs sends one as somebody.
func (b *bench) postAs(c *authn.Caller, page pageHandler, target, id string, form url.Values) *httptest.ResponseRecorder {
	b.t.Helper()
	w, r := httptest.NewRecorder(), httptest.NewRequestWithContext(b.t.Context(), "POST", target, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetPathValue("id", id)
	if err := readForm(r); err != nil {
		b.t.Fatal(err)
	}
	if err := page(w, r, c); err != nil {
		httpx.WriteError(w, r, err)
	}
	return w
}

// TestFormsKeepWhatWasTyped when something in them is wrong. What has to be typed to confirm is not kept: it is to be typed again.
func TestFormsKeepWhatWasTyped(t *testing.T) {
	b := newBench(t)
	b.fill()
	snapshot := b.Policy.Snapshot()
	role, mapping := snapshot.Roles()[0], snapshot.IAMRoles()[0]
	long := strings.Repeat("x", 256)
	picks := url.Values{"permissions": {"KEY_LIST"}, "restricted": {"true"}, "requiredUserPermissions": {"PROOF_LIST"}, "step": {"1"}, "do": {"next"}, "version": {"1"}}
	places := url.Values{
		"name": {"Typed"}, "acknowledged": {"Typed"}, "organisation": {string(acme)}, "role": {string(role.ID)}, "endPlace": {string(acme)}, "endAt": {"1999-12-31T23:59"},
		"step": {"2"}, "do": {"next"}, "version": {"1"},
	}
	with := func(form url.Values, name, value string) url.Values {
		next := url.Values{name: {value}}
		for k, v := range form {
			if k != name {
				next[k] = v
			}
		}
		return next
	}
	checked := func(value string) string { return `value="` + value + `" checked` }
	for what, c := range map[string]struct {
		got  *httptest.ResponseRecorder
		want []string
	}{
		"a new role":      {b.post(b.roleSubmit, view.RoleNewPath, "", with(picks, "name", long)), []string{`value="` + long, checked("KEY_LIST"), checked("PROOF_LIST"), checked("true")}},
		"a role":          {b.post(b.roleSubmit, view.RoleEditPath(string(role.ID)), string(role.ID), with(picks, "name", long)), []string{`value="` + long, checked("KEY_LIST"), checked("PROOF_LIST")}},
		"a new access":    {b.post(b.accessSubmit, view.AccessNewPath, "", url.Values{"name": {" one_sts_admin"}, "step": {"1"}, "do": {"next"}}), []string{`value=" one_sts_admin"`}},
		"its places":      {b.post(b.accessSubmit, view.AccessNewPath, "", places), []string{`value="Typed"`, `value="1999-12-31T23:59"`, `value="` + string(acme), `value="` + string(role.ID)}},
		"an access":       {b.post(b.accessSubmit, view.AccessEditPath(string(mapping.ID)), string(mapping.ID), places), []string{`value="Typed"`, `value="1999-12-31T23:59"`}},
		"half a place":    {b.post(b.accessSubmit, view.AccessNewPath, "", url.Values{"name": {"Typed"}, "acknowledged": {"Typed"}, "addOrganisation": {string(zeta)}, "step": {"2"}, "do": {"next"}}), []string{`value="` + string(zeta) + `" selected`}},
		"an organisation": {b.post(b.organisationForm, view.OrganisationNewPath, "", url.Values{"name": {long}, "newID": {"typed-id"}}), []string{`value="` + long, `value="typed-id"`}},
		"a question":      {b.post(b.explainAsk, view.ExplainPath, "", url.Values{"iamRoles": {"One\nTwo"}, "what": {"FLY_TO_THE_MOON"}, "organisation": {string(zeta)}, "token": {"x"}}), []string{"One\nTwo", `value="FLY_TO_THE_MOON"`, `value="` + string(zeta) + `" selected`}},
		"a filter":        {b.open(b.historyList, view.HistoryPath+"?from=2026-13-01&user=typed&name=too&action=CREATED", ada), []string{`value="2026-13-01"`, `value="typed"`, `value="too"`, `value="CREATED" selected`}},
		"a timeline's":    {b.open(b.historyList, view.TimelinePath+"?to=never&user=typed", ada), []string{`value="never"`, `value="typed"`}},
	} {
		if c.got.Code != http.StatusUnprocessableEntity && c.got.Code != http.StatusOK || !strings.Contains(c.got.Body.String(), `id="errors"`) {
			t.Errorf("%s: got %d, without a word of what is wrong: %.300s", what, c.got.Code, c.got.Body)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(c.got.Body.String(), want) {
				t.Errorf("%s: %.80q is lost", what, want)
			}
		}
	}
}
