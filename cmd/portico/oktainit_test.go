package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/okta"
)

// initWith answers the plain questions, in their order, and returns the file that was written.
func initWith(t *testing.T, answers ...string) (status int, file, said string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "okta.yaml")
	var out, errs bytes.Buffer
	in := strings.NewReader(strings.Join(answers, "\n") + "\n")
	status = run(environment{context.Background(), in, &out, &errs, nil}, []string{"okta", "init", "--accessible", "--file", file})
	return status, file, out.String() + errs.String()
}

// TestInitWritesWhatPlanTakes: whatever is answered, the file is one that the other commands accept.
func TestInitWritesWhatPlanTakes(t *testing.T) {
	const oktaURL, publicURL = "https://dev-1.okta.com", "https://desk.example.com"
	for rule, c := range map[string]struct {
		answers []string
		want    func(*okta.Setup) bool
	}{
		"the default server, all groups": {[]string{oktaURL, publicURL, "1", "1", "", "ada@acme.test", ""}, func(s *okta.Setup) bool {
			return s.AuthorizationServer.ID == "default" && s.Claim == okta.Claim{} && s.Bootstrap.Group == "ONE_STS_ADMIN" && len(s.Application.Groups) == 0
		}},
		"a new server, a prefix that leaves the administrators out": {[]string{oktaURL, publicURL, "2", "api://x", "2", "Acme", "", "ada@acme.test, b@c.test", "Everyone"}, func(s *okta.Setup) bool {
			return s.AuthorizationServer.Audience == "api://x" && s.Claim.Regex == "(?:Acme.*)|(?:ONE_STS_ADMIN)" && len(s.Bootstrap.People) == 2
		}},
		"a prefix that they have, too": {[]string{oktaURL, publicURL, "1", "2", "ONE_", "", "", ""}, func(s *okta.Setup) bool { return s.Claim.StartsWith == "ONE_" }},
	} {
		status, file, said := initWith(t, c.answers...)
		if status != exitFine {
			t.Errorf("%s: status %d: %s", rule, status, said)
			continue
		}
		s, err := okta.LoadSetup(file, nil)
		if err != nil || !c.want(s) {
			t.Errorf("%s: got %+v, %v", rule, s, err)
		}
	}
}

func TestInitRefuses(t *testing.T) {
	for rule, answers := range map[string][]string{
		"the console's address": {"https://dev-1-admin.okta.com", "https://desk.example.com", "1", "1", "", "", ""},
		"nothing":               {},
	} {
		status, file, said := initWith(t, answers...)
		if _, err := os.Stat(file); status != exitProblem || err == nil {
			t.Errorf("%s: expected status 1 and no file, got %d, %v: %s", rule, status, err, said)
		}
	}
}
