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

// initWith answers through a pipe, in the questions' order, and returns the file that was written.
func initWith(t *testing.T, answers ...string) (status int, file, said string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "okta.yaml")
	var out, errs bytes.Buffer
	in := strings.NewReader(strings.Join(answers, "\n") + "\n")
	status = run(environment{context.Background(), in, &out, &errs, nil}, []string{"okta", "init", "--file", file})
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
		"an organisation without custom servers": {[]string{oktaURL, publicURL, "3", "", "", "", ""}, func(s *okta.Setup) bool {
			return s.AuthorizationServer == okta.AuthorizationServer{ID: "org"}
		}},
		"nothing where there is a usual answer": {[]string{oktaURL, publicURL, "2", "", "", "", "", ""}, func(s *okta.Setup) bool {
			return s.AuthorizationServer.Audience == "api://procivis-one" && s.Bootstrap.Group == "ONE_STS_ADMIN" && s.Claim == okta.Claim{}
		}},
		"better answers the second time": {[]string{
			"https://dev-1-admin.okta.com", oktaURL, "desk.example.com", publicURL + "/x", publicURL, "4", "default", "1", "x", "2", "", "ONE_",
			"Everyone", "", "a@b.test, a@b.test", "a@b.test", "",
		}, func(s *okta.Setup) bool {
			return s.Okta.URL == oktaURL && s.PublicURL == publicURL && s.Claim.StartsWith == "ONE_" && len(s.Bootstrap.People) == 1
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

// TestInitAsksAgainWithTheReason: at once, and with what an empty line would mean.
func TestInitAsksAgainWithTheReason(t *testing.T) {
	status, file, said := initWith(t, "https://dev-1-admin.okta.com", "https://dev-1.okta.com", "http://desk.example.com")
	if _, err := os.Stat(file); status != exitProblem || err == nil {
		t.Errorf("expected status 1 and no file, got %d, %v", status, err)
	}
	at := 0
	for _, want := range []string{
		"Your Okta organisation's address", "expected the organisation's own address https://dev-1.okta.com, got https://dev-1-admin.okta.com",
		"How browsers reach Portico", "expected how browsers reach Portico", "nothing was written: the answers ended at \"How browsers reach Portico\"",
	} {
		i := strings.Index(said[at:], want)
		if i < 0 {
			t.Fatalf("expected %q after\n%s\nin\n%s", want, said[:at], said)
		}
		at += i + len(want)
	}
	if n := strings.Count(said, "expected how browsers reach Portico"); n != 1 {
		t.Errorf("said %d times what was wrong, in\n%s", n, said)
	}
	if _, _, said := initWith(t, "https://dev-1.okta.com", "https://desk.example.com"); !strings.Contains(said, "[1] > ") {
		t.Errorf("expected the usual answer to be shown, got %s", said)
	}
}
