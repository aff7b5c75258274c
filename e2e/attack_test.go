package e2e

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/portico-iam/portico/internal/attack"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

// TestOurOwnProductionHolds against all that portico attack knows, with a token and a session that it accepts and without.
func TestOurOwnProductionHolds(t *testing.T) {
	s := serve(t, testdb.Config(t, store.SQLite), "")
	ada := browserAt(t, s.publicURL)
	ada.signIn("/", "ada@acme.test")
	token, cookie := filepath.Join(s.folder, "token"), filepath.Join(s.folder, "cookie")
	write(t, token, s.okta.lastAccessToken(t))
	write(t, cookie, sessionCookie+"="+ada.cookie(sessionCookie)+"\n")
	for _, given := range [][]string{nil, {"--token", token, "--cookie", cookie}} {
		out, err := command(t, append([]string{"attack", "--target", s.publicURL, "--json"}, given...)...).Output()
		var report attack.Report
		if jsonErr := json.Unmarshal(out, &report); jsonErr != nil {
			t.Fatalf("%v, %v: %s", err, jsonErr, out)
		}
		for _, r := range report.Results {
			for _, f := range r.Findings {
				t.Errorf("%s %s: %s (%s)", r.ID, r.Title, f.Weakness, f.Evidence)
			}
			if given != nil && r.Skipped != "" {
				t.Errorf("%s %s was not tried: %s", r.ID, r.Title, r.Skipped)
			}
		}
		if err != nil || len(report.Results) != len(attack.Probes()) {
			t.Errorf("expected status 0 and all probes, got %v and %d", err, len(report.Results))
		}
	}
	s.interrupt(t)
}

// TestAttackAsksFirst: nobody tries it on somebody else's gateway by mistake.
func TestAttackAsksFirst(t *testing.T) {
	for _, target := range []string{"https://desk.example.com", "desk.example.com", "http://localhost.example.com"} {
		err := command(t, "attack", "--target", target).Run()
		if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 2 { //nolint:errorlint // as it comes from exec
			t.Errorf("%s: expected status 2, got %v", target, err)
		}
	}
}
