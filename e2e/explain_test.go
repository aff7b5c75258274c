package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/explain"
	"github.com/portico-iam/portico/internal/store"
)

// linkTo finds the address of the last link with that text: those of the navigation stand first.
func (a answer) linkTo(t *testing.T, label string) string {
	t.Helper()
	found := regexp.MustCompile(`<a [^>]*href="([^"]+)"[^>]*>`+regexp.QuoteMeta(label)+`<`).FindAllStringSubmatch(a.body, -1)
	if found == nil {
		t.Fatalf("%s: no link %q in %.3000s", a.url, label, a.body)
	}
	return strings.ReplaceAll(found[len(found)-1][1], "&amp;", "&")
}

// TestExplainLeadsToTheChange: from the refusal over its explanation to the change that grants it, by links alone.
func TestExplainLeadsToTheChange(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		p := start(t, nil)
		s := seeded(t, p)
		otto := p.browser()
		otto.signIn("/", "otto@acme.test")
		attempt := func() answer { return otto.in(s.acme.ID, "GET", "/api/history/v1?page=0&pageSize=1") }
		var why refusal
		decode(t, attempt(), &why)
		entry := s.ada.open("/history/" + why.Reference)
		page := s.ada.open(entry.linkTo(t, "Explain how it is now"))
		page.mustContain(t, "Not allowed", "HISTORY_LIST", "Acme Audit", "Acme Verification", "not mapped", "It was refused", "Any one of these is enough")

		wizard := s.ada.open(page.linkTo(t, "Map it"))
		wizard.mustContain(t, "Acme Verification", "Issuer")
		saved := s.ada.next(s.ada.next(wizard, "next"), "save")
		saved.mustContain(t, "The access is saved.")
		mustStatus(t, attempt(), http.StatusOK)
		s.ada.open(page.url.RequestURI()).mustContain(t, "Allowed", "✓ granted")

		s.ada.open("/people").mustContain(t, "Otto Auditor")
		person := s.ada.open(personPage(p, "otto@acme.test"))
		s.ada.open(person.linkTo(t, "Explain")).mustContain(t, "Otto Auditor", "Nothing is allowed", "the whole system")

		role := s.ada.open("/explain?iamRole=Acme+Issuance&what=KEY_LIST&organisation=" + s.acme.ID)
		edited := s.ada.open(role.linkTo(t, "Edit the role"))
		s.ada.next(s.ada.next(edited, "next"), "save").mustContain(t, "The role is saved.")
		s.ada.open("/explain?iamRole=Acme+Issuance&what=get+/api/key/v1%3Fpage=0&organisation="+s.acme.ID).mustContain(t, "Allowed", "GET /api/key/v1")

		fresh := s.ada.open("/explain?iamRole=Acme+Issuance&what=DID_LIST&organisation=" + s.acme.ID)
		form := s.ada.open(fresh.linkTo(t, "Create the role"))
		back := s.ada.next(s.ada.next(form, "next", "name", "DIDs"), "save")
		back.mustContain(t, "The role is created.", "Acme Issuance")
	})
}

func TestExplainPage(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	s := seeded(t, p)
	ivan := p.browser()
	ivan.signIn("/", "ivan@acme.test")
	mustStatus(t, ivan.open("/explain?iamRole=x"), http.StatusForbidden)

	asked := s.ada.submit("/explain", url.Values{"iamRoles": {"acme issuance\r\nAcme Issuance \r\n"}, "organisation": {s.acme.ID}, "what": {"CREDENTIAL_ISSUE"}})
	asked.mustContain(t, "Not allowed", "differ in case or blanks", ">blank</mark>")
	if got := asked.url.Query()["iamRole"]; len(got) != 2 || got[1] != "Acme Issuance " {
		t.Errorf("the address asks about %q", got)
	}
	token := serviceToken(t, p, 0)
	for _, c := range []struct{ rule, token, says string }{{"one that holds", token, "Acme Batch"}, {"one that does not", token[:len(token)-8], "does not count"}} {
		got := s.ada.submit("/explain", url.Values{"token": {c.token}, "organisation": {s.acme.ID}, "what": {"CREDENTIAL_ISSUE"}})
		got.mustContain(t, c.says)
		if strings.Contains(got.body, c.token[:40]) || strings.Contains(got.url.String(), "ey") || strings.Contains(p.logs.String(), c.token[:40]) {
			t.Errorf("%s: the token is repeated", c.rule)
		}
	}
	inAddress := s.ada.open("/explain?organisation=" + s.acme.ID + "&token=" + token)
	if inAddress.mustContain(t, "Whose access?"); strings.Contains(inAddress.body, "Acme Batch") {
		t.Error("a token is taken from the address")
	}
	s.ada.submit("/explain", url.Values{"what": {"KEY_LIST"}}).mustContain(t, "Whose access?")
	s.ada.open("/explain?iamRole=x&what=FLY").mustContain(t, "There is no permission FLY.", `value="FLY"`)
	s.ada.open("/explain?iamRole=x&what=KEY_LIST").mustContain(t, "Expected one, for this acts in an organisation.")
	s.ada.open("/explain?iamRole=%3Cscript%3Ealert(1)%3C/script%3E&organisation="+s.acme.ID).mustContain(t, "&lt;script&gt;")
}

// told is all that a command says.
func (s *served) told(t *testing.T, stdin string, status int, args ...string) string {
	t.Helper()
	out, errs := s.piped(t, stdin, status, args...)
	return out + errs
}

func says(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("expected %q in\n%s", part, text)
		}
	}
}

// TestExplainCommand runs beside the server, on its store.
func TestExplainCommand(t *testing.T) {
	t.Parallel()
	s := serve(t, store.Config{Driver: store.SQLite, DSN: filepath.Join(t.TempDir(), "portico.db")}, "")
	ada := browserAt(t, s.publicURL)
	ada.signIn("/", "ada@acme.test")
	run := func(status int, args ...string) string {
		return s.told(t, "", status, append([]string{"explain"}, args...)...)
	}
	says(t, run(0, "--person", "ada@acme.test"), "Yes. Their IAM roles give access to the system.", "ONE_STS_ADMIN", "STS_ROLE_CREATE")
	says(t, run(0, "--iam-role", "one_sts_admin", "--permission", "STS_ROLE_EDIT"), "No. None of the groups", `"ONE_STS_ADMIN" is, which differs`, "Any one of these would grant it:")
	var a explain.Answer
	if err := json.Unmarshal([]byte(run(0, "--iam-role", "a, b", "--iam-role", "c", "--route", "POST /api/sts/role/v1", "--json")), &a); err != nil {
		t.Fatal(err)
	}
	if a.Allowed || fmt.Sprint(a.AnyOf) != "[STS_ROLE_CREATE]" || len(a.Who.IAMRoles) != 2 {
		t.Errorf("got %+v", a)
	}
	for _, c := range [][]string{
		{"1", "whose access"},
		{"1", "nobody like this", "--person", "eve"},
		{"1", "there is no organisation", "--iam-role", "a", "--organisation", "Nowhere"},
		{"1", "--organisation: expected one", "--iam-role", "a", "--permission", "KEY_LIST"},
		{"1", "there is no permission", "--iam-role", "a", "--permission", "FLY"},
		{"1", "no such file", "--token", "/nowhere"},
		{"1", "expected", "--reference", "x"},
	} {
		says(t, run(1, c[2:]...), c[1])
	}
	says(t, run(2, "--permission", "KEY_LIST", "--route", "GET /api/key/v1"), "can't be used together")
}

// TestReviewsSayWhoGainsAndWhoLoses, and a review that is no longer true is not saved.
func TestReviewsSayWhoGainsAndWhoLoses(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		p := start(t, nil)
		s := seeded(t, p)
		ivan := p.browser()
		ivan.signIn("/", "ivan@acme.test")
		review := s.ada.next(s.ada.open("/roles/"+s.role.ID+"/edit"), "next", "permissions", "CREDENTIAL_ISSUE,KEY_LIST")
		review.mustContain(t, "Who gains and who loses", "Ivan Issuer", "List keys", "Loses", "Gains", "in Acme", "Whoever carries")
		s.ada.create("/api/sts/role/v1", map[string]any{"name": "Between", "permissions": []string{"KEY_LIST"}})
		again := s.ada.next(review, "save")
		mustStatus(t, again, http.StatusConflict)
		again.mustContain(t, "were changed while you were at it", "Ivan Issuer")
		if ivan.in(s.acme.ID, "GET", "/api/key/v1?page=0&pageSize=1").status != http.StatusForbidden {
			t.Error("what was refused was saved")
		}
		s.ada.next(again, "save").mustContain(t, "The role is saved.")

		mapping := s.ada.next(s.ada.open("/access/"+s.access.ID+"/edit"), "add", "addOrganisation", s.other.ID, "addRole", s.role.ID)
		step := s.ada.next(mapping, "next")
		step.mustContain(t, "Who gains and who loses", "Ivan Issuer", "in Other")
		s.ada.open("/access/"+s.access.ID+"/delete").mustContain(t, "Ivan Issuer", "loses 2 permissions in Acme")
		s.ada.open("/organisations/"+s.acme.ID+"/deactivate").mustContain(t, "Ivan Issuer", "loses 2 permissions in Acme")
		gone := s.ada.open("/organisations/" + s.acme.ID + "/deactivate")
		s.ada.create("/api/sts/role/v1", map[string]any{"name": "Between again", "permissions": []string{"KEY_LIST"}})
		mustStatus(t, s.ada.next(gone, "confirm", "confirm", "Acme"), http.StatusUnprocessableEntity)
		mustStatus(t, s.ada.next(s.ada.open("/organisations/"+s.acme.ID+"/deactivate"), "confirm", "confirm", "Acme"), http.StatusOK)
	})
}
