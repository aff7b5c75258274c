package main

import (
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
