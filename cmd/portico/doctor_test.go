package main

import (
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/devokta"
)

// terminal runs commands in a folder of their own, beside a new free organisation that okta apply has set up.
type terminal struct {
	*testing.T
	okta *devokta.Server
	url  string
}

func newTerminal(t *testing.T) *terminal {
	t.Helper()
	return newTerminalOf(t, "fresh-free", "default")
}

// newTerminalOf is one of another kind of organisation, with that authorization server in the setup file.
func newTerminalOf(t *testing.T, profile, serverID string) *terminal {
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
	c.write("okta.yaml", "okta: {url: "+c.url+"}\npublicUrl: http://127.0.0.1:9999\nauthorizationServer: {id: "+serverID+"}\nbootstrap: {people: [ada@acme.test]}\n")
	c.expect(exitFine, "okta", "apply", "--yes")
	return c
}

func (c *terminal) write(name, text string) {
	c.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		c.Fatal(err)
	}
}

// expect runs a command and returns what it printed.
func (c *terminal) expect(status int, args ...string) string {
	c.Helper()
	var stdout, stderr bytes.Buffer
	env := environment{c.Context(), strings.NewReader(""), &stdout, &stderr, []string{"OKTA_API_TOKEN=" + c.okta.World().APIToken}}
	if got := run(env, args); got != status {
		c.Fatalf("portico %s: exit status %d, expected %d\n%s\n%s", strings.Join(args, " "), got, status, stdout.String(), stderr.String())
	}
	return stdout.String()
}

func (c *terminal) breakConfig(old, by string) {
	c.Helper()
	c.breakFile("portico.yaml", old, by)
}

func (c *terminal) breakFile(name, old, by string) {
	c.Helper()
	text, err := os.ReadFile(name)
	if err != nil || !strings.Contains(string(text), old) {
		c.Fatalf("no %q in %s: %v", old, name, err)
	}
	c.write(name, strings.Replace(string(text), old, by, 1))
}

var both = []string{"--config", "portico.yaml", "--okta", "okta.yaml"}

func doctorArgs(more ...string) []string { return append(append([]string{"doctor"}, both...), more...) }

func TestDoctorIsContentWithWhatOktaApplyMakes(t *testing.T) {
	c := newTerminal(t)
	if out := c.expect(exitFine, doctorArgs()...); !strings.Contains(out, "Nothing wrong was found.") {
		t.Errorf("printed %s", out)
	}
}

// TestDoctorMendsWhatIsOurs: a key of our configuration, and an object of okta apply's, in one go.
func TestDoctorMendsWhatIsOurs(t *testing.T) {
	c := newTerminal(t)
	c.breakConfig("aud: api://default", "aud: api://other")
	var report struct{ Findings []struct{ ID string } }
	if err := json.Unmarshal([]byte(c.expect(exitProblem, doctorArgs("--json")...)), &report); err != nil || len(report.Findings) != 1 || report.Findings[0].ID != "audience" {
		t.Fatalf("%v %+v", err, report)
	}
	if err := c.okta.SetUserGroups("ada@acme.test"); err != nil { // out of the bootstrap group
		t.Fatal(err)
	}
	before, _ := os.ReadFile("portico.yaml")
	c.expect(exitProblem, doctorArgs("--fix")...) // nobody agreed
	if after, _ := os.ReadFile("portico.yaml"); !bytes.Equal(before, after) {
		t.Fatal("the configuration was changed although nobody agreed")
	}
	if out := c.expect(exitFine, doctorArgs("--fix", "--yes")...); !strings.Contains(out, "Nothing wrong was found.") {
		t.Errorf("printed %s", out)
	}
}

func TestDoctorRefusesWrongUsage(t *testing.T) {
	c := newTerminal(t)
	for _, args := range [][]string{
		{"doctor"},
		{"doctor", "--user", "ada@acme.test"},
		{"doctor", "--fix", "--error", "x"},
		{"doctor", "--fix", "--offline", "--config", "portico.yaml"},

		{"doctor", "--nonsense"},
	} {
		c.expect(exitUsage, args...)
	}
}

func TestDoctorReadsATokenFromStandardInput(t *testing.T) {
	c := newTerminal(t)
	var stdout, stderr bytes.Buffer
	env := environment{c.Context(), strings.NewReader("not.a.token\n"), &stdout, &stderr, nil}
	if got := run(env, []string{"doctor", "--token", "-", "--offline"}); got != exitProblem || !strings.Contains(stdout.String(), "no JWT") {
		t.Errorf("%d %s %s", got, stdout.String(), stderr.String())
	}
}

// TestDoctorFindsNothingRightInNothing: an empty token is a pipe that broke, and no token that was looked at.
func TestDoctorFindsNothingRightInNothing(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("empty", []byte(" \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"--token", "-"}, {"--token", "empty"}, {"--gateway", "empty"}} {
		var out, errs bytes.Buffer
		status := run(environment{t.Context(), strings.NewReader(""), &out, &errs, nil}, append([]string{"doctor", "--offline"}, args...))
		if status != exitProblem || !strings.Contains(errs.String(), "is empty") || strings.Contains(out.String(), "Nothing wrong") {
			t.Errorf("%v: expected status 1 and to be told, got %d: %s%s", args, status, out.String(), errs.String())
		}
	}
}

// TestDoctorOwnsUpToWhatItDoesNotKnow: an error that it can't explain is no success.
func TestDoctorOwnsUpToWhatItDoesNotKnow(t *testing.T) {
	var out, errs bytes.Buffer
	status := run(environment{t.Context(), strings.NewReader(""), &out, &errs, nil}, []string{"doctor", "--error", "something odd happened"})
	if status != exitProblem || !strings.Contains(out.String(), "none that is known here") || strings.Contains(out.String(), "Nothing wrong") {
		t.Errorf("expected status 1 and to be told, got %d: %s%s", status, out.String(), errs.String())
	}
}
