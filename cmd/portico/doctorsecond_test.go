package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
)

// TestFixAnnouncesWhatItKeeps: the secret that is replaced stays in a file of its own, which is said before anybody agrees.
func TestFixAnnouncesWhatItKeeps(t *testing.T) {
	c := newTerminal(t)
	c.write("client-secret", "wrong\n")
	if found := c.findings(doctorArgs()...); !strings.Contains(fmt.Sprint(found[0].How), "client-secret.old") {
		t.Errorf("found is %+v", found)
	}
	if said := c.says(exitProblem, doctorArgs("--fix")...); !strings.Contains(said[strings.Index(said, "--fix would do this"):], "client-secret.old") {
		t.Errorf("said is %s", said)
	}
}

// TestOnlyANewConfigurationTakesARestart: what is changed in Okta alone counts at once.
func TestOnlyANewConfigurationTakesARestart(t *testing.T) {
	for _, test := range []struct {
		name  string
		spoil func(*terminal)
		anew  bool
	}{
		{"a policy", deactivated((*terminal).policy), false},
		{"a line", func(c *terminal) { c.breakConfig("aud: api://default", "aud: api://other") }, true},
		{"the secret", func(c *terminal) { c.write("client-secret", "wrong\n") }, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newTerminal(t)
			test.spoil(c)
			if said := c.says(exitFine, doctorArgs("--fix", "--yes")...); strings.Contains(said, "started anew") != test.anew {
				t.Errorf("said is %s", said)
			}
		})
	}
}

// TestWhyApplyStopsIsSaidOnce, however many findings it would have mended.
func TestWhyApplyStopsIsSaidOnce(t *testing.T) {
	c := newTerminal(t)
	c.breakFile("okta.yaml", "ada@acme.test", "nobody@acme.test")
	deactivated((*terminal).policy)(c)
	c.alter(server+"/claims", "roles", map[string]any{"status": "INACTIVE"})
	found := c.findings(doctorArgs("--user", "ada@acme.test")...)
	if len(found) != 2 || !strings.Contains(fmt.Sprint(found[0].How), "nobody with the login") || fmt.Sprint(found[1].How) != "[by hand, as portico okta apply stops: see above]" {
		t.Errorf("found is %+v", found)
	}
}

// TestEveryFindingSaysWhoMendsIt, and why it takes a hand.
func TestEveryFindingSaysWhoMendsIt(t *testing.T) {
	for _, test := range []struct {
		name, id, why string
		spoil         func(*terminal)
	}{
		{"somebody is suspended", "user-inactive", "for people to decide", func(c *terminal) {
			c.api(http.MethodPost, "/api/v1/users/vera@acme.test/lifecycle/suspend", nil)
			c.breakFile("okta.yaml", "ada@acme.test", "vera@acme.test")
		}},
		{"the API token is refused", "api-token", "the credential", func(c *terminal) { c.breakFile("okta.yaml", "okta: {", "okta: {apiToken: nonsense, ") }},
		{"an unknown key", "config-invalid", "only its author knows", func(c *terminal) { c.breakConfig("clientId:", "clientID:") }},
		{"the organisation's server", "org-issuer", "for people to decide", func(c *terminal) { c.breakConfig("/oauth2/default\n", "\n") }},
		{"DPoP", "dpop", "may have switched that on", func(c *terminal) {
			settings := c.item("/api/v1/apps", "Procivis One")["settings"].(map[string]any)
			settings["oauthClient"].(map[string]any)["dpop_bound_access_tokens"] = true
			c.alter("/api/v1/apps", "Procivis One", map[string]any{"settings": settings})
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newTerminal(t)
			test.spoil(c)
			found := c.findings(doctorArgs()...)
			if found[0].ID != test.id || !strings.Contains(fmt.Sprint(found[0].How), test.why) {
				t.Errorf("found is %+v", found)
			}
			for _, f := range found {
				if len(f.How) == 0 {
					t.Errorf("%s does not say who mends it", f.ID)
				}
			}
		})
	}
}

// TestASecretsFileThatIsMissingIsOneFinding: the secret that was not read is not called wrong besides.
func TestASecretsFileThatIsMissingIsOneFinding(t *testing.T) {
	for name, spoil := range map[string]func(*terminal){
		"gone":     func(c *terminal) { _ = os.Remove("client-secret") },
		"mistyped": func(c *terminal) { c.breakConfig("/client-secret", "/clientsecret") },
	} {
		t.Run(name, func(t *testing.T) {
			c := newTerminal(t)
			spoil(c)
			found := c.findings(doctorArgs()...)
			if len(found) != 1 || found[0].ID != "secret" || found[0].Fix != "okta apply" || !strings.HasPrefix(found[0].Setting, "iam.clientSecretFile: ") {
				t.Errorf("found is %+v", found)
			}
			c.says(exitFine, doctorArgs("--fix", "--yes")...)
		})
	}
}

// TestAMisspeltKeyIsNamedAsItIsMeant.
func TestAMisspeltKeyIsNamedAsItIsMeant(t *testing.T) {
	c := newTerminal(t)
	c.breakConfig("clientId:", "clientID:")
	if found := c.findings(doctorArgs()...); !strings.HasPrefix(found[0].Setting, "iam.clientId in the place of iam.clientID") {
		t.Errorf("found is %+v", found)
	}
}

// TestFixFollowsTheSetupFile where the configuration has another address, or takes roles from the other token.
func TestFixFollowsTheSetupFile(t *testing.T) {
	for _, test := range []struct{ name, profile, server, old, by, want string }{
		{"the public address", "fresh-free", "default", "publicUrl: http://127.0.0.1:9999", "publicUrl: http://127.0.0.1:9998", "redirect-uri server.publicUrl: http://127.0.0.1:9999, as the setup file has it"},
		{"the token source", "unlicensed", "org", "tokenSource: id_token", "tokenSource: access_token", "token-source iam.tokenSource: id_token"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newTerminalOf(t, test.profile, test.server)
			c.breakConfig(test.old, test.by)
			found := c.findings(doctorArgs()...)
			if got := found[0].ID + " " + found[0].Setting; got != test.want || len(found) != 1 || found[0].Fix == "" {
				t.Errorf("found is %+v", found)
			}
			c.says(exitFine, doctorArgs("--fix", "--yes")...)
		})
	}
}

// TestBothAreListed: an inactive policy stays one when the application is active again.
func TestBothAreListed(t *testing.T) {
	c := newTerminal(t)
	deactivated((*terminal).policy)(c)
	deactivated((*terminal).app)(c)
	if found := c.findings(doctorArgs()...); len(found) != 2 || found[0].ID != "app-inactive" || found[1].ID != "policy-inactive" {
		t.Errorf("found is %+v", found)
	}
}
