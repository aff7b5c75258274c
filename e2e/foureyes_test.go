package e2e

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/store"
)

// second has an administrator let Otto administer mappings too, and signs him in.
func (b *browser) second(browse func() *browser) *browser {
	role := b.create("/api/sts/role/v1", map[string]any{"name": "Administrator", "permissions": []string{
		"STS_ROLE_CREATE", "STS_ROLE_LIST", "STS_ROLE_DETAIL", "STS_ROLE_EDIT", "STS_ROLE_DELETE", "STS_ACCESS_EXPLAIN", "STS_ORGANISATION_LIST", "STS_ORGANISATION_DETAIL",
		"STS_IAM_ROLE_CREATE", "STS_IAM_ROLE_LIST", "STS_IAM_ROLE_DETAIL", "STS_IAM_ROLE_EDIT", "STS_IAM_ROLE_DELETE", "SYSTEM_HISTORY_LIST", "SYSTEM_HISTORY_DETAIL",
	}})
	b.create("/api/sts/iam-role/v1", map[string]any{"name": "Acme Audit", "systemRoles": []string{role}})
	otto := browse()
	otto.signIn("/", "otto@acme.test")
	return otto
}

// TestASecondAdministratorInTheDesk: what one asks for, and the other approves, counts from then on and not before.
func TestASecondAdministratorInTheDesk(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		p := start(t, nil)
		s := seeded(t, p)
		demand := s.ada.open("/organisations/" + s.acme.ID + "/four-eyes/demand")
		demand.mustContain(t, "A request waits for seven days.")
		alone := s.ada.next(demand, "confirm")
		mustStatus(t, alone, http.StatusConflict)
		alone.mustContain(t, "Nobody else who could approve was seen in the last 90 days", "Nothing was changed.")
		otto, vera := s.ada.second(p.browser), p.browser()
		vera.signIn("/", "vera@acme.test")
		reads := func() int { return vera.in(s.acme.ID, "GET", "/api/history/v1?page=0&pageSize=1").status }
		s.ada.next(s.ada.open(demand.url.Path), "confirm").mustContain(t, "From now on a second administrator must approve", "demanded")

		named := s.ada.next(s.ada.open("/access/new"), "next", "name", "Acme Verification")
		review := s.ada.next(named, "next", "addOrganisation", s.acme.ID, "addRole", s.role.ID)
		review.mustContain(t, "Needs a second administrator", "Ask for approval")
		empty := s.ada.next(review, "save", "reason", " ")
		mustStatus(t, empty, http.StatusUnprocessableEntity)
		empty.mustContain(t, "Enter a reason")
		asked := s.ada.next(empty, "save", "reason", "Two new colleagues\nfrom Monday on")
		asked.mustContain(t, "You asked for approval.", "Two new colleagues from Monday on", "You asked for it yourself: somebody else must decide.", "Withdraw")
		asked.mustNotContain(t, "Refuse")
		if reads() != http.StatusForbidden {
			t.Error("it counts already")
		}

		otto.open("/").mustContain(t, "1 request waits for you")
		otto.open("/requests?state=you").mustContain(t, "Acme Verification", "waits for you", asked.url.Path)
		otto.open(asked.url.Path).mustContain(t, "Approve", "Refuse", "Two new colleagues from Monday on", "Issuer in Acme", "2 people who were seen in the last 90 days")
		confirm := otto.open(asked.url.Path + "/approve")
		confirm.mustContain(t, "The change that")
		s.ada.create("/api/sts/role/v1", map[string]any{"name": "Meanwhile", "permissions": []string{"KEY_LIST"}})
		stale := otto.next(confirm, "confirm")
		mustStatus(t, stale, http.StatusConflict)
		stale.mustContain(t, "were changed since you looked")
		otto.next(stale, "confirm").mustContain(t, "The request is approved, and its change made.", "approved")
		if reads() != http.StatusOK {
			t.Error("it does not count")
		}
		otto.next(stale, "confirm").mustContain(t, "The request was no longer open")
		s.ada.open("/history?action=ACCEPTED").mustContain(t, "Acme Verification")
		otto.open("/").mustNotContain(t, "waits for you")

		refused := s.ada.next(s.ada.open("/organisations/"+s.acme.ID+"/four-eyes/release"), "confirm", "reason", "we are few")
		refused.mustContain(t, "You asked for approval.")
		otto.next(otto.open(refused.url.Path+"/refuse"), "confirm", "reason", "we are two").mustContain(t, "The request is refused.", "we are two")
		s.ada.open("/organisations/"+s.acme.ID).mustContain(t, "Demand no second administrator")
	})
}

// TestASecondAdministratorByAPIAndCommands: a change is refused, or asked for and approved; a file is refused, or overrides it and
// is recorded so.
func TestASecondAdministratorByAPIAndCommands(t *testing.T) {
	t.Parallel()
	s := serve(t, store.Config{Driver: store.SQLite, DSN: filepath.Join(t.TempDir(), "portico.db")}, "")
	ada := browserAt(t, s.publicURL)
	ada.signIn("/", "ada@acme.test")
	acme := ada.create("/api/organisation/v1", map[string]any{"name": "Acme"})
	role := ada.create("/api/sts/role/v1", map[string]any{"name": "Issuer", "permissions": []string{"HISTORY_LIST"}})
	mapping := "/api/sts/iam-role/v1/" + ada.create("/api/sts/iam-role/v1", map[string]any{"name": "Acme Issuance", "organisationRoles": map[string]any{acme: []string{role}}})
	otto := ada.second(func() *browser { return browserAt(t, s.publicURL) })
	setting := "/api/sts/four-eyes/v1/" + acme
	mustStatus(t, ada.call("PUT", setting, map[string]any{"demanded": true}, nil), http.StatusNoContent)

	ask := func(reason string) answer {
		req := ada.request("DELETE", mapping, nil)
		req.Header.Set("Sec-Fetch-Site", "same-origin")
		if reason != "" {
			req.Header.Set("x-portico-request", reason)
		}
		return ada.do(req)
	}
	says(t, ask("").body, "PT_0030", "Acme demands that a second administrator approves")
	asked := ask("they left")
	mustStatus(t, asked, http.StatusAccepted)
	one := asked.header.Get("Location")
	var shown struct {
		MayDecide bool
		Preview   struct {
			Mapping int
			Groups  []struct{ IAMRole string }
		}
	}
	otto.call("GET", one, nil, &shown)
	if !shown.MayDecide || len(shown.Preview.Groups) != 1 || shown.Preview.Groups[0].IAMRole != "Acme Issuance" {
		t.Errorf("Otto sees %+v", shown)
	}
	mustStatus(t, ada.call("POST", one+"/withdraw", nil, nil), http.StatusNoContent)
	says(t, otto.call("POST", one+"/approve", nil, nil).body, "PT_0031")
	mustStatus(t, ada.call("GET", mapping, nil, nil), http.StatusOK)

	text := s.told(t, "", 0, "export")
	says(t, text, "fourEyes:\n  - Acme")
	says(t, s.told(t, text, 0, "import", "-", "--yes"), "Roles and access are as the file says.")
	without := strings.Replace(text, "- HISTORY_LIST", "- KEY_LIST", 1)
	for _, change := range []string{without, strings.Replace(text, "fourEyes:\n  - Acme", "fourEyes: []", 1)} {
		says(t, s.told(t, change, 1, "import", "-", "--yes"), "a second administrator must approve it for Acme", "--override-four-eyes")
	}
	says(t, s.told(t, without, 0, "import", "-", "--yes", "--override-four-eyes"), "A second administrator must approve this for: Acme", "Done.")
	var entries struct{ Values []struct{ ID, Name string } }
	ada.call("GET", "/api/history/v1?page=0&pageSize=1&showSystemHistory=true", nil, &entries)
	if len(entries.Values) != 1 || entries.Values[0].Name != "Issuer" {
		t.Fatalf("recorded %+v", entries)
	}
	ada.open("/history/"+entries.Values[0].ID).mustContain(t, "OVERRIDDEN", "command line")
}
