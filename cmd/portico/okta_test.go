package main

import (
	"bytes"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/devokta"
)

// newOktaTerminal is a folder of its own beside an organisation that nothing was done to.
func newOktaTerminal(t *testing.T, profile string) *terminal {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	c := &terminal{T: t, url: "http://localhost:" + port}
	if c.okta, err = devokta.New(devokta.Config{PublicURL: c.url, Profile: profile}); err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: c.okta.Handler(), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		_ = c.okta.Close()
	})
	t.Chdir(t.TempDir())
	return c
}

// click is what somebody does in the console.
func (c *terminal) click(path, body string) {
	c.Helper()
	request, _ := http.NewRequestWithContext(c.Context(), http.MethodPost, c.url+path, strings.NewReader(body))
	request.Header.Set("Authorization", "SSWS "+c.okta.World().APIToken)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		c.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode >= 300 {
		c.Fatalf("%s: %d", path, response.StatusCode)
	}
}

// TestVerifySeesTheClick: what no API does is left, until somebody did it; and a sign-in proves what Okta does not show.
func TestVerifySeesTheClick(t *testing.T) {
	c := newOktaTerminal(t, devokta.Unlicensed)
	c.write("okta.yaml", "okta: {url: "+c.url+"}\npublicUrl: http://127.0.0.1:9999\nauthorizationServer: {id: org}\napplication: {label: Portico}\nbootstrap: {people: [ada@acme.test]}\n")
	c.write("password", devokta.Password+"\n")
	if out := c.expect(exitFine, "okta", "apply"); !strings.Contains(out, "Left to do by hand") || !strings.Contains(out, "Groups claim filter: groups, Matches regex, .*") {
		t.Errorf("apply printed %s", out)
	}
	if out := c.expect(exitProblem, "okta", "verify"); !strings.Contains(out, "left to you") || strings.Contains(out, "run portico okta apply") {
		t.Errorf("verify printed %s", out)
	}
	out := c.expect(exitProblem, "okta", "verify", "--sign-in", "ada@acme.test", "--password-file", "password")
	if !strings.Contains(out, "failed   Signing in as ada@acme.test: signed in, but may not administer: expected the role ONE_STS_ADMIN") || !strings.Contains(out, "got none") {
		t.Errorf("expected an administrator without the role to be a failure, got %s", out)
	}
	cfg, err := config.LoadFile("portico.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	claim := "/api/v1/internal/apps/" + cfg.IAM.ClientID + "/settings/oauth/idToken"
	c.click(claim, `{"valueType":"GROUPS","groupFilterType":"REGEX","name":"groups","value":".*"}`)
	c.expect(exitFine, "okta", "verify")
	c.okta.Inject(devokta.Fault{Path: claim, Status: http.StatusForbidden, Body: `{"errorCode":"E0000006"}`})
	c.expect(exitProblem, "okta", "verify")
	c.expect(exitFine, "okta", "verify", "--sign-in", "ada@acme.test", "--password-file", "password")
}

// TestOktaExitStatus: 2 is a command line that is wrong by itself, 1 is everything that fails or is refused, for every
// command alike. What is said begins with the command's name once.
func TestOktaExitStatus(t *testing.T) {
	c := newOktaTerminal(t, "fresh-free")
	least := "okta: {url: " + c.url + "}\npublicUrl: http://127.0.0.1:9999\nbootstrap: {people: [ada@acme.test]}\n"
	c.write("okta.yaml", least+"authorizationServer: {id: default}\n")
	c.write("faulty.yaml", least)
	c.write("dangerous.yaml", least+"authorizationServer: {id: default, audience: api://other}\n")
	commands := []string{"plan", "apply", "verify", "undo", "guide", "terraform"}
	for _, command := range commands {
		if said := c.refused(exitProblem, "okta", command, "--file", "nowhere.yaml"); !strings.Contains(said, "portico okta init writes one") {
			t.Errorf("%s: %s", command, said)
		}
		c.refused(exitProblem, "okta", command, "--file", "faulty.yaml")
		c.refused(exitUsage, "okta", command, "--nonsense")
		c.refused(exitUsage, "okta", command, "surplus")
	}
	for _, w := range []struct {
		status int
		args   string
		said   string
	}{
		{exitUsage, "okta", "expected one of"},
		{exitUsage, "okta nonsense", "unexpected argument nonsense"},
		{exitUsage, "okta init --nonsense", "unknown flag --nonsense"},
		{exitProblem, "okta init --file okta.yaml", "is there already"},
		{exitUsage, "okta verify --sign-in ada@acme.test", "portico: okta verify: --sign-in and --password-file belong together"},
		{exitProblem, "okta verify --sign-in ada@acme.test --password-file nowhere", "--password-file: "},
		{exitProblem, "okta verify", "portico okta apply writes it"},
		{exitProblem, "okta apply --file dangerous.yaml", "nothing was changed: read the plan, and agree to it with --yes"},
		{exitUsage, "dev --profile nonsense", `--profile: expected one of licensed, fresh-free, unlicensed, custom-domain, got "nonsense"`},
	} {
		if said := c.refused(w.status, strings.Fields(w.args)...); !strings.Contains(said, w.said) {
			t.Errorf("%s: expected %q, got %s", w.args, w.said, said)
		}
	}
	c.expect(exitFine, "okta", "plan")
	c.expect(exitFine, "okta", "undo")
}

// refused runs a command that does not succeed, and returns what it says of that.
func (c *terminal) refused(status int, args ...string) string {
	c.Helper()
	var stdout, stderr bytes.Buffer
	env := environment{c.Context(), strings.NewReader(""), &stdout, &stderr, []string{"OKTA_API_TOKEN=" + c.okta.World().APIToken}}
	if got := run(env, args); got != status {
		c.Errorf("portico %s: exit status %d, expected %d\n%s\n%s", strings.Join(args, " "), got, status, stdout.String(), stderr.String())
	}
	return stderr.String()
}

// TestVerifyOfAChangedFile: what the setup file does not name any more differs for as long as it is in Okta.
func TestVerifyOfAChangedFile(t *testing.T) {
	c := newOktaTerminal(t, "fresh-free")
	text := "okta: {url: " + c.url + "}\npublicUrl: http://127.0.0.1:9999\nauthorizationServer: {id: default}\nclaim: {startsWith: ONE_}\n"
	c.write("okta.yaml", text+"application: {groups: [Everyone]}\nbootstrap: {people: [ada@acme.test]}\n")
	c.expect(exitFine, "okta", "apply")
	c.expect(exitFine, "okta", "verify")
	c.write("okta.yaml", text+"bootstrap: {people: [vera@acme.test]}\n")
	out := c.expect(exitProblem, "okta", "verify")
	for _, want := range []string{`differs  ada@acme.test in the group "ONE_STS_ADMIN"`, `differs  Group "Everyone" assigned to the application`} {
		if !strings.Contains(out, want) {
			t.Errorf("expected %q in\n%s", want, out)
		}
	}
	c.refused(exitProblem, "okta", "apply")
	if out := c.expect(exitFine, "okta", "plan"); !strings.Contains(out, `- ada@acme.test in the group "ONE_STS_ADMIN"`) || !strings.Contains(out, "DANGER") {
		t.Errorf("plan printed\n%s", out)
	}
	c.expect(exitFine, "okta", "apply", "--yes")
	c.expect(exitFine, "okta", "verify")
}
