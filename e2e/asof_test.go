package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/explain"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

// TestExplainAsOf: what was taken away since was there then, and what another service writes into the history changes nothing.
func TestExplainAsOf(t *testing.T) {
	for name, database := range map[string]func(t *testing.T) store.Config{
		"sqlite": func(t *testing.T) store.Config {
			return store.Config{Driver: store.SQLite, DSN: filepath.Join(t.TempDir(), "portico.db")}
		},
		"postgres": func(t *testing.T) store.Config { return testdb.NewServer(t).Config() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, database(t), "")
			ada, ivan := browserAt(t, s.publicURL), browserAt(t, s.publicURL)
			ada.signIn("/", "ada@acme.test")
			ivan.signIn("/", "ivan@acme.test")
			acme := ada.create("/api/organisation/v1", map[string]any{"name": "Acme"})
			role := ada.create("/api/sts/role/v1", map[string]any{"name": "Issuer", "permissions": []string{"KEY_LIST"}})
			mapping := ada.mayEverywhere("Acme Issuance", role, acme)

			// Then is the moment of the last change before, as the history has it.
			var list struct {
				Values []struct {
					CreatedDate time.Time
				}
			}
			decode(t, ada.call("GET", "/api/history/v1?page=0&pageSize=1&showSystemHistory=true&entityIds[]="+mapping, nil, nil), &list)
			if len(list.Values) != 1 {
				t.Fatalf("got %+v", list)
			}
			then := list.Values[0].CreatedDate.UTC()
			mustStatus(t, ada.call("DELETE", "/api/sts/iam-role/v1/"+mapping, nil, nil), http.StatusNoContent)
			mustStatus(t, ada.call("DELETE", "/api/sts/role/v1/"+role, nil, nil), http.StatusNoContent)

			ask := func(who *browser, asOf string) (a explain.Answer, got answer) {
				body := map[string]any{"person": map[string]string{"login": "ivan@acme.test"}, "organisationId": acme, "permission": "KEY_LIST"}
				if asOf != "" {
					body["asOf"] = asOf
				}
				got = who.call("POST", "/api/sts/explain/v1", body, nil)
				if got.status == http.StatusOK {
					decode(t, got, &a)
				}
				return a, got
			}
			if a, _ := ask(ada, ""); a.Allowed || a.AsOf != nil {
				t.Errorf("now: got %+v", a)
			}
			if a, _ := ask(ada, then.Format(time.RFC3339Nano)); !a.Allowed || a.AsOf == nil || !a.AsOf.At.Equal(then) || len(a.AsOf.Notes) != 2 || a.Path[0].Roles[0].ID != role {
				t.Errorf("then: got %+v", a)
			}
			if _, got := ask(ivan, then.Format(time.RFC3339Nano)); got.status != http.StatusForbidden {
				t.Errorf("who may not: got %d", got.status)
			}
			for _, c := range [][2]string{
				{then.Add(-time.Hour).Format(time.RFC3339), "nothing is known of then"},
				{time.Now().Add(time.Hour).Format(time.RFC3339), "has passed"},
				{"0001-01-01T00:00:00Z", "nothing is known of then"},
				{"9999-12-31T23:59:59Z", "has passed"},
				{"2026-01-31", "with an offset"},
				{"2026-02-30T00:00:00Z", "with an offset"},
				{"2026-01-31T09:30:00", "with an offset"},
				{"' OR 1=1 --", "with an offset"},
				{strings.Repeat("9", 1000), "with an offset"},
				{"2026-01-31T09:30:00." + strings.Repeat("0", 1000) + "Z", "with an offset"},
			} {
				if _, got := ask(ada, c[0]); got.status != http.StatusBadRequest || !strings.Contains(got.body, c[1]) {
					t.Errorf("%.60s: got %d %s", c[0], got.status, got.body)
				}
			}

			// The Desk, by the form and by the address.
			form := url.Values{"iamRoles": {"Acme Issuance"}, "organisation": {acme}, "what": {"KEY_LIST"}}
			ada.submit("/explain", form).mustContain(t, "Not allowed", "What would grant it", "Create the role")
			form.Set("asOf", then.Format("2006-01-02T15:04:05.000"))
			was := ada.submit("/explain", form)
			was.mustContain(t, "Allowed then", "✓ granted", "As of", "before it nothing is known", "Issuer", `type="datetime-local"`)
			if was.url.Query().Get("asOf") != form.Get("asOf") || strings.Contains(was.body, "/roles/"+role) || strings.Contains(was.body, "/access/"+mapping) {
				t.Errorf("%s: expected the moment in the address, and no link to what is gone", was.url)
			}
			ada.open(was.linkTo(t, "Explain how it is now")).mustContain(t, "Not allowed")
			none := url.Values{"iamRole": {"Acme Issuance"}, "organisation": {acme}, "what": {"CREDENTIAL_ISSUE"}, "asOf": {form.Get("asOf")}}
			refused := ada.open("/explain?" + none.Encode())
			refused.mustContain(t, "Not allowed then", "What would have granted it then")
			if strings.Contains(refused.body, "/edit?") || strings.Contains(refused.body, "/new?") {
				t.Error("a change is offered for the past")
			}
			for _, c := range [][2]string{{"yesterday", "Expected a date and a time"}, {"2026-02-30T00:00", "Expected a date and a time"}, {"0001-01-01T00:00", "Nothing is known of then"}, {"9999-12-31T23:59", "Expected a moment that has passed"}, {`"><script>`, "Expected a date and a time"}} {
				none.Set("asOf", c[0])
				got := ada.open("/explain?" + none.Encode())
				mustStatus(t, got, http.StatusUnprocessableEntity)
				got.mustContain(t, c[1])
			}

			// The command line.
			out := s.told(t, "", 0, "explain", "--person", "ivan@acme.test", "--organisation", "Acme", "--permission", "KEY_LIST", "--as-of", then.Format(time.RFC3339Nano))
			says(t, out, "As of "+then.Format("2006-01-02T15:04:05"), "Yes.", `role "Issuer", which holds it`, "before it nothing is known")
			says(t, s.told(t, "", 0, "explain", "--person", "ivan@acme.test", "--organisation", "Acme", "--permission", "KEY_LIST"), "No.")
			says(t, s.told(t, "", 1, "explain", "--iam-role", "x", "--as-of", "yesterday"), "--as-of: expected a date and time")
			says(t, s.told(t, "", 1, "explain", "--iam-role", "x", "--as-of", "2001-01-01T00:00:00Z"), "--as-of: nothing is known of then")
		})
	}
}

// TestNobodyRewritesThePastByThePostedHistory: entries that look like changes of the policy tell of none.
func TestNobodyRewritesThePastByThePostedHistory(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	s := seeded(t, p)
	var role struct{ ID string }
	mustStatus(t, s.ada.call("POST", "/api/sts/role/v1", map[string]any{"name": "Writer", "permissions": []string{"HISTORY_CREATE"}}, &role), http.StatusCreated)
	s.ada.mayEverywhere("Acme Audit", role.ID, s.acme.ID)
	then := time.Now()
	otto := p.browser()
	otto.signIn("/", "otto@acme.test")
	asks := func() string {
		return s.ada.call("POST", "/api/sts/explain/v1", map[string]any{
			"iamRoles": []string{"Acme Audit"}, "organisationId": s.acme.ID, "permission": "CREDENTIAL_ISSUE", "asOf": then.Format(time.RFC3339Nano),
		}, nil).body
	}
	before := asks()
	forged, err := json.Marshal(map[string]any{
		"action": "UPDATED", "entityType": "STS_ROLE", "entityId": role.ID, "name": "Writer", "source": "STS", "organisationId": s.acme.ID,
		"metadata": map[string]any{"before": map[string]any{"name": "Writer", "permissions": []string{"CREDENTIAL_ISSUE"}}, "after": map[string]any{"name": "Writer", "permissions": []string{}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	req := otto.request(http.MethodPost, "/api/history/v1", strings.NewReader(string(forged)))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	req.Header.Set("X-Organisation-Id", s.acme.ID)
	mustStatus(t, otto.do(req), http.StatusCreated)
	if after := asks(); after != before || !strings.Contains(after, `"allowed":false`) {
		t.Errorf("before %s, after %s", before, after)
	}
}
