package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

// TestPolicyAsCode: out into a file, changed there, looked at, and in again, beside a Portico that runs.
func TestPolicyAsCode(t *testing.T) {
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
			role := ada.create("/api/sts/role/v1", map[string]any{"name": "Issuer", "permissions": []string{"HISTORY_LIST"}})
			ada.create("/api/sts/role/v1", map[string]any{"name": "Deputy", "permissions": []string{"KEY_LIST"}})
			ada.create("/api/sts/iam-role/v1", map[string]any{"name": "Acme Issuance", "organisationRoles": map[string]any{acme: []string{role}}})
			reads := func() int { return ivan.in(acme, "GET", "/api/history/v1?page=0&pageSize=1").status }
			eventually(t, "Ivan reads the history", func() bool { return reads() == http.StatusOK })

			path := filepath.Join(t.TempDir(), "policy.yaml")
			s.told(t, "", 0, "export", "--output", path)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			says(t, string(text), "iamRole: Acme Issuance", "Acme:", "- HISTORY_LIST", "name: Issuer")
			says(t, s.told(t, "", 0, "import", path, "--yes"), "Roles and access are as the file says.")

			// The two roles exchange their names; so Ivan gets the other one.
			swapped := strings.NewReplacer("name: Issuer", "name: Deputy", "name: Deputy", "name: Issuer").Replace(string(text)) + "expect:\n  - ivan@acme.test in Acme may KEY_LIST\n"
			dry := s.told(t, swapped, 0, "import", "-", "--dry-run")
			says(t, dry, "Roles: 2 written, 0 deleted. Access: 1 written, 0 deleted.", "- Ivan Issuer (ivan@acme.test) in Acme: HISTORY_LIST", "+ Ivan Issuer (ivan@acme.test) in Acme: KEY_LIST", `IAM role "Acme Issuance"`)
			if reads() != http.StatusOK {
				t.Error("the dry run changed something")
			}
			says(t, s.told(t, swapped, 1, "import", "-"), "agree to it with --yes")
			says(t, s.told(t, swapped+"  - ivan@acme.test in Acme may HISTORY_LIST\n", 1, "import", "-", "--yes"), "Not met: ivan@acme.test in Acme may HISTORY_LIST", "1 of 2 expectations would not hold")
			says(t, s.told(t, "version: 1\nroles: []\n", 1, "import", "-", "--yes"), "expected both roles and access")
			if reads() != http.StatusOK {
				t.Error("what was refused changed something")
			}
			says(t, s.told(t, swapped, 0, "import", "-", "--yes"), "Done.")
			eventually(t, "the running Portico decides by it", func() bool { return reads() == http.StatusForbidden })
			ada.open("/history?type=STS_ROLE").mustContain(t, "command line")
			if again := s.told(t, "", 0, "export"); !strings.Contains(swapped, strings.Split(again, "access:")[1]) {
				t.Errorf("exported again:\n%s\nexpected\n%s", again, swapped)
			}
			// What wrote beside it does not keep it from writing.
			ada.create("/api/sts/role/v1", map[string]any{"name": "Later", "permissions": []string{"KEY_LIST"}})
		})
	}
}
