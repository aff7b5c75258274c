package desk

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/desk/view"
	"github.com/portico-iam/portico/internal/session"
)

// TestLooseEnds: the list is filtered, sorted and turned over by its address, and what is loose is pointed out elsewhere.
func TestLooseEnds(t *testing.T) {
	b := newBench(t)
	system := b.role("System", access.SetOf(access.CacheDelete))
	b.role("Nobody's", access.SetOf(access.KeyList))
	loose := b.maps("Acme Issuance", acme, system.ID)
	b.maps("Zeta Audit", zeta, b.role("Auditor", access.SetOf(access.HistoryList, access.SystemHistoryList)).ID)
	b.maps("Listers", access.System, b.role("Lister", access.SetOf(access.STSIAMRoleList)).ID)
	if err := b.db.SeePerson(t.Context(), session.Person{Issuer: issuer, Subject: "ivan", IAMRoles: []string{"acme issuance", "Zeta Audit"}, SeenAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile(`(?s)<th role="rowheader".*?<bdi[^>]*>([^<]*)</bdi>.*?<span class="badge \w+">([^<]*)</span>`)
	rows := func(query string) (all []string) {
		t.Helper()
		w := b.open(b.looseEnds, view.LooseEndsPath+query, ada)
		if w.Code != http.StatusOK {
			t.Fatalf("%s: got %d %s", query, w.Code, w.Body)
		}
		for _, m := range row.FindAllStringSubmatch(w.Body.String(), -1) {
			all = append(all, strings.ReplaceAll(m[1], "&#39;", "'")+": "+m[2])
		}
		return all
	}
	nobody, half, idle := "Nobody's: role that nobody has", "Auditor: permissions without effect", "Acme Issuance: role without effect"
	quiet, listers := "Acme Issuance: nobody lately", "Listers: nobody lately"
	for query, want := range map[string][]string{
		"":                      {nobody, half, idle, quiet, listers},
		"?sort=name":            {idle, quiet, half, listers, nobody},
		"?sort=name&dir=desc":   {nobody, listers, half, quiet, idle},
		"?q=system":             {idle},
		"?q=ISSUANCE":           {idle, quiet},
		"?kind=ROLE_NOT_MAPPED": {nobody},
		"?organisation=" + string(acme) + "&sort=kind&dir=desc": {quiet, idle},
		"?organisation=system":                                   {listers},
		"?kind=nonsense&organisation=x&sort=y&page=-1":           {nobody, half, idle, quiet, listers},
		"?kind=ROLE_WITHOUT_EFFECT&organisation=" + string(zeta): nil,
	} {
		if got := rows(query); !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))) || !strings.Contains(query, "dir=desc") && !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", query, got, want)
		}
	}
	page := b.open(b.looseEnds, view.LooseEndsPath+"?sort=kind&dir=desc&kind=IAM_ROLE_NOT_SEEN&q=Acme", ada).Body.String()
	for _, part := range []string{
		`aria-sort="descending"`, `href="/access/loose-ends?dir=asc&amp;kind=IAM_ROLE_NOT_SEEN&amp;q=Acme&amp;sort=name"`, `value="IAM_ROLE_NOT_SEEN" selected`,
		"it differs in case or blanks", "group for emergencies is rightly quiet", view.AccessEditPath(string(loose.ID)),
	} {
		if !strings.Contains(page, part) {
			t.Errorf("the page lacks %s", part)
		}
	}
	if got := b.open(b.accessList, view.AccessPath, ada).Body.String(); !strings.Contains(got, "role without effect") {
		t.Error("the list of accesses does not mark it")
	}
	r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
	if n := b.looseCount(r, ada); n != (view.LooseCount{All: 5, Quiet: 2}) {
		t.Errorf("counted %v", n)
	}
	if n := b.looseNotice(r, ada, "x", func(f *access.Finding) bool { return f.IAMRole == b.Policy.Snapshot().IAMRole(loose.ID) }); n == nil || len(n.Texts) != 2 || n.Quiet {
		t.Errorf("pointed out: %v", n)
	}
	// Who may list mappings alone is told of no role, of no people and of no organisation; who may not is told nothing.
	little := b.open(b.looseEnds, view.LooseEndsPath, as("Listers")).Body.String()
	if !strings.Contains(little, ">nobody lately<") || strings.Contains(little, ">role without effect<") || strings.Contains(little, "differs in case") || strings.Contains(little, string(acme)) {
		t.Errorf("got %s", little)
	}
	if w := b.open(b.looseEnds, view.LooseEndsPath, as("nobody")); w.Code != http.StatusForbidden || b.looseCount(r, as("nobody")).All > 0 {
		t.Errorf("got %d", w.Code)
	}
}
