package e2e

import (
	"net/http"
	"regexp"
	"testing"
)

var figure = regexp.MustCompile(`class="figure"><a href="([^"]+)">([0-9,]+)<`)

// TestOverviewCharts: each figure is the length of the list that it leads to, and who may not see the list sees no figure.
func TestOverviewCharts(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		p := start(t, nil)
		ada := p.browser()
		ada.signIn("/roles", "ada@acme.test") // not the overview: figures stay as they are for a minute
		organisation := ada.create("/api/organisation/v1", map[string]any{"name": "Acme"})
		role := ada.create("/api/sts/role/v1", map[string]any{"name": "Issuer", "permissions": []string{"CREDENTIAL_ISSUE", "HISTORY_LIST"}})
		ada.create("/api/sts/iam-role/v1", map[string]any{"name": "Acme Issuance", "organisationRoles": map[string]any{organisation: []string{role}}})
		ivan, nora := p.browser(), p.browser()
		ivan.signIn("/roles", "ivan@acme.test")
		nora.signIn("/roles", "nora@acme.test")
		for _, path := range []string{"/access", "/organisations", "/people", "/keys"} {
			mustStatus(t, ivan.open(path), http.StatusForbidden)
		}
		mustStatus(t, ivan.in(organisation, "GET", "/api/key/v1"), http.StatusForbidden)

		ada.mustChart(t, map[string]string{"Sign-ins": "3", "Refusals": "7", "Tokens issued": "0"})
		ada.open("/").mustContain(t, "Coming up", "The next key signs app tokens.", "Show as table")
		ivan.mustChart(t, map[string]string{"Refusals": "1", "Tokens issued": "0"})
		ivan.open("/").mustNotContain(t, "Sign-ins", "Coming up")
		nora.open("/").mustNotContain(t, "<svg role", "The last 14 days")
	})
}

// mustChart compares the overview's figures with what is expected, and with the lists they lead to.
func (b *browser) mustChart(t *testing.T, want map[string]string) {
	t.Helper()
	got := figure.FindAllStringSubmatch(b.open("/").body, -1)
	if len(got) != len(want) {
		t.Fatalf("expected %d figures, got %q", len(want), got)
	}
	page := b.open("/")
	for title, n := range want {
		page.mustContain(t, "<title>"+title+" by day", n+`<span class="visually-hidden"> `+title+"<")
	}
	for _, f := range got {
		list := "of " + f[2] + "</p>"
		if f[2] == "0" {
			list = "Nothing matches"
		}
		b.open(unescape(f[1])).mustContain(t, list)
	}
}
