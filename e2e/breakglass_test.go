package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/testdb"
)

var aCode = regexp.MustCompile(`[0-9A-Z]{5}(-[0-9A-Z]{5}){4}`)

// breakGlass makes a file, and returns its path and its unlock code.
func (s *served) breakGlass(t *testing.T, label string) (path, code string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "break-glass.json")
	out := s.told(t, "", 0, "break-glass", "create", "--out", path, "--label", label)
	says(t, out, "counts until", "shown this once", "keep it apart from the file")
	return path, aCode.FindString(out)
}

// uses runs the command that takes no configuration.
func uses(t *testing.T, stdin string, status int, args ...string) string {
	t.Helper()
	cmd := command(t, append([]string{"break-glass", "use"}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	out, _ := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != status {
		t.Fatalf("%v: expected status %d, got %d\n%s", args, status, cmd.ProcessState.ExitCode(), out)
	}
	return string(out)
}

// TestBreakGlass: while the identity provider is away, somebody with the file and its code administers, once, and everybody
// who administers sees it.
func TestBreakGlass(t *testing.T) {
	for _, engine := range testdb.Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			s := serve(t, testdb.Config(t, engine), "")
			ada := browserAt(t, s.publicURL)
			ada.signIn("/", "ada@acme.test")
			acme := ada.create("/api/organisation/v1", map[string]any{"name": "Acme"})
			file, unlock := s.breakGlass(t, "safe in Bern")
			info, err := os.Stat(file)
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("got %v, %v", info.Mode(), err)
			}
			says(t, s.told(t, "", 1, "break-glass", "create", "--out", file, "--label", "x"), "is there already")
			s.okta.stop()

			anna := browserAt(t, s.publicURL)
			says(t, uses(t, "", 1, file), "nothing was spent")
			says(t, uses(t, strings.Repeat("0", 25)+"\n", 1, file), "not the unlock code", "nothing was spent")
			told := uses(t, strings.ToLower(unlock)+"\n", 0, file)
			says(t, told, "safe in Bern", s.publicURL+"/break-glass")
			ticket := aCode.FindString(told)

			page := anna.open("/break-glass")
			page.mustContain(t, "Every use is recorded")
			wrong := anna.submit("/break-glass", url.Values{"code": {"AAAAA-AAAAA-AAAAA-AAAAA-AAAAA"}})
			mustStatus(t, wrong, http.StatusUnauthorized)
			wrong.mustContain(t, "This code is not known")
			mustStatus(t, anna.submit("/break-glass", url.Values{"code": {"x"}}), http.StatusBadRequest)
			anna.submit("/break-glass", url.Values{"code": {strings.ReplaceAll(ticket, "-", " ")}}).mustContain(t, "Break-glass safe in Bern", "You administer by it.")
			role := anna.create("/api/sts/role/v1", map[string]any{"name": "Administrator", "permissions": []string{"STS_ROLE_LIST"}})
			mustStatus(t, anna.in(acme, "GET", "/api/key/v1"), http.StatusForbidden)
			anna.open("/explain?iamRole=x&what=STS_ROLE_LIST").mustContain(t, "Not allowed")

			second := browserAt(t, s.publicURL)
			second.open("/break-glass")
			mustStatus(t, second.submit("/break-glass", url.Values{"code": {ticket}}), http.StatusUnauthorized)
			says(t, uses(t, unlock+"\n", 1, file), "used or revoked")
			ada.open("/roles").mustContain(t, "safe in Bern", "was used")
			ada.open("/people").mustContain(t, "Break-glass safe in Bern")
			mustStatus(t, ada.call("DELETE", "/api/sts/role/v1/"+role, nil, nil), http.StatusNoContent)

			var rows []struct{ ID, UsedAt string }
			if err := json.Unmarshal([]byte(s.told(t, "", 0, "break-glass", "list", "--json")), &rows); err != nil || len(rows) != 1 || rows[0].UsedAt == "" {
				t.Fatalf("got %v, %v", rows, err)
			}
			by := "break-glass:" + rows[0].ID
			ada.open("/history?user="+url.QueryEscape(by)).mustContain(t, "Break-glass file safe in Bern", "Administrator", "Created", "Activated")
			ada.open("/history?entity="+rows[0].ID).mustContain(t, "Refused")
			says(t, s.errors.String(), "BREAK-GLASS: a file was used", "BREAK-GLASS: a session begins", "break-glass refused")
			if logs := s.errors.String(); strings.Contains(logs, ticket) || strings.Contains(logs, unlock) {
				t.Error("a code is in the log")
			}
		})
	}
}

// TestBreakGlassFilesAreKeptInOrder: made, listed and revoked beside the server.
func TestBreakGlassFilesAreKeptInOrder(t *testing.T) {
	t.Parallel()
	s := serve(t, testdb.Config(t, testdb.Engines[0]), "")
	says(t, s.told(t, "", 0, "break-glass", "list"), "There is none.")
	file, unlock := s.breakGlass(t, "safe in Bern")
	list := s.told(t, "", 0, "break-glass", "list")
	says(t, list, "safe in Bern", "command line: ")
	id := regexp.MustCompile(`[0-9a-f-]{36}`).FindString(list)
	says(t, s.told(t, "", 0, "break-glass", "revoke", id), "counts no more")
	says(t, s.told(t, "", 1, "break-glass", "revoke", id), "could still be used")
	says(t, uses(t, unlock+"\n", 1, file), "used or revoked")

	says(t, s.told(t, "", 1, "break-glass", "create", "--out", filepath.Join(t.TempDir(), "no", "where"), "--label", "x"), "can't be written")
	says(t, s.told(t, "", 1, "break-glass", "create", "--out", filepath.Join(t.TempDir(), "f"), "--label", "x", "--valid", "1m"), "an hour to ten years")
	says(t, s.told(t, "", 1, "break-glass", "create", "--out", filepath.Join(t.TempDir(), "f"), "--label", "a\x1bb"), "printable")
	says(t, uses(t, "", 1, filepath.Join(s.folder, "portico.yaml")), "expected a file of portico break-glass create")
	says(t, uses(t, unlock+"\n", 1, file, "--url", "http://one.acme.test"), "expected an https address")
	other, unlockOther := s.breakGlass(t, "other")
	says(t, uses(t, unlockOther+"\n", 1, other, "--url", s.adminURL), "is that a Portico")

	for rule, c := range map[string]struct {
		body   string
		status int
	}{
		"no id": {`{"secret":"x"}`, 400}, "another field": {`{"id":"x","secret":"y","z":1}`, 400}, "no JSON": {`x`, 400},
		"a file that is not known": {`{"id":"11111111-2222-4333-8444-555555555555","ticket":"AAAAA-AAAAA-AAAAA-AAAAA-AAAAA","secret":"` + strings.Repeat("0", 64) + `"}`, 401},
		"an id with an escape":     {`{"id":"\u001b11111111-2222-4333-8444-555555555555\n","ticket":"AAAAA-AAAAA-AAAAA-AAAAA-AAAAA","secret":"` + strings.Repeat("0", 64) + `"}`, 400},
	} {
		if got := browserAt(t, s.publicURL).post("/break-glass/use", "application/json", c.body); got.status != c.status {
			t.Errorf("%s: got %d %s", rule, got.status, got.body)
		}
	}
	// However many strangers try: whoever has the file comes in.
	own, unlockOwn := s.breakGlass(t, "own")
	stranger, anna := browserAt(t, s.publicURL), browserAt(t, s.publicURL)
	anna.open("/break-glass")
	stranger.open("/break-glass")
	for i := range 60 {
		stranger.post("/break-glass/use", "application/json", fmt.Sprintf(`{"id":"11111111-2222-4333-8444-%012d","secret":%q,"ticket":"AAAAA-AAAAA-AAAAA-AAAAA-AAAAA"}`, i, strings.Repeat("0", 64)))
		mustStatus(t, stranger.submit("/break-glass", url.Values{"code": {"AAAAA-AAAAA-AAAAA-AAAAA-AAAAA"}}), http.StatusUnauthorized)
	}
	ticket := aCode.FindString(uses(t, unlockOwn+"\n", 0, own))
	anna.submit("/break-glass", url.Values{"code": {ticket}}).mustContain(t, "You administer by it.")
	first := anna.cookie(sessionCookie)
	mustStatus(t, stranger.submit("/break-glass", url.Values{"code": {ticket}}), http.StatusUnauthorized)
	anna.submit("/break-glass", url.Values{"code": {ticket}}).mustContain(t, "You administer by it.") // as after a lost answer
	mustStatus(t, anna.stolen(first).call("GET", "/api/sts/role/v1", nil, nil), http.StatusUnauthorized)
	mustStatus(t, anna.call("GET", "/api/sts/role/v1", nil, nil), http.StatusOK)
	if n := strings.Count(s.errors.String(), "break-glass refused"); n < 1 || n > 60 {
		t.Errorf("%d refusals are in the log", n)
	}
	withoutCookie := browserAt(t, s.publicURL)
	mustStatus(t, withoutCookie.submit("/break-glass", url.Values{"code": {ticket}}), http.StatusBadRequest)

	// What was used by somebody else is stopped by revoking it.
	stolen, unlockStolen := s.breakGlass(t, "stolen")
	thiefs := aCode.FindString(uses(t, unlockStolen+"\n", 0, stolen))
	id = regexp.MustCompile(`[0-9a-f-]{36}`).FindString(s.told(t, "", 0, "break-glass", "list"))
	says(t, s.told(t, "", 0, "break-glass", "revoke", id), "counts no more")
	mustStatus(t, stranger.submit("/break-glass", url.Values{"code": {thiefs}}), http.StatusUnauthorized)
}
