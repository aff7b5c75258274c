package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestDelegation(t *testing.T) {
	d := load(t, least, "PORTICO_sts__delegation__maxDepth=3", "PORTICO_sts__delegation__ttl=30s").STS.Delegation
	if d != (Delegation{30 * time.Second, 3}) || load(t, least).STS.Delegation != (Delegation{time.Minute, 2}) {
		t.Errorf("got %+v", d)
	}
	for rule, c := range map[string]struct{ text, why string }{
		"tokens of nothing":           {"sts: { delegation: { ttl: 0s } }", "sts.delegation.ttl: expected a duration from 10s to 10m0s, got 0s"},
		"tokens of hours":             {"sts: { delegation: { ttl: 1h } }", "sts.delegation.ttl: expected"},
		"nobody may act":              {"sts: { delegation: { maxDepth: 0 } }", "sts.delegation.maxDepth: expected 1 to 5"},
		"a long chain":                {"sts: { delegation: { maxDepth: 6 } }", "sts.delegation.maxDepth: expected 1 to 5"},
		"a depth in words":            {"sts: { delegation: { maxDepth: two } }", "sts.delegation.maxDepth: expected a number"},
		"an audience of another's":    {"sts: { token: { clients: [{ audience: x, clientId: y }] } }", `sts.token.clients[0].audience: expected one of sts.token.audiences, got "x"`},
		"a client of another's":       {"sts: { token: { clients: [{ audience: one-core, clientId: y, issuer: 'https://evil.test' }] } }", "sts.token.clients[0].issuer: expected"},
		"a client without an id":      {"sts: { token: { clients: [{ audience: one-core }] } }", "sts.token.clients[0].clientId: required"},
		"a client with something odd": {"sts: { token: { clients: [{ secret: canary }] } }", "unknown key sts.token.clients[0].secret"},
	} {
		_, err := Load([]byte(c.text), nil)
		if err == nil || !strings.Contains(err.Error(), c.why) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: got %v", rule, err)
		}
	}
	if _, err := Load([]byte(least), []string{"PORTICO_sts__delegation__maxDepth=two"}); err == nil || !strings.Contains(err.Error(), "expected a number") {
		t.Errorf("from the environment: %v", err)
	}
}

func TestClientsMayHaveSecrets(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("canary-of-24-characters-x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	with := func(client string) string {
		return strings.Replace(least, "kek }", "kek, clients: [{ audience: one-core, clientId: y"+client+" }] }", 1)
	}
	if c := load(t, with("")).STS.Token.Clients[0]; c.Subject != "y" || c.ClientSecret != "" {
		t.Errorf("got %+v", c)
	}
	for _, client := range []string{", clientSecret: canary-of-24-characters-x", ", clientSecretFile: " + file} {
		c := load(t, with(client+", subject: s"))
		if got := c.STS.Token.Clients[0]; got.ClientSecret.Reveal() != "canary-of-24-characters-x" || got.Subject != "s" {
			t.Errorf("%s: got %+v", client, got)
		}
		if printed := c.Print(); strings.Contains(printed, "canary") || !strings.Contains(printed, "[redacted]") {
			t.Errorf("NT51: printed:\n%s", printed)
		}
	}
	for rule, c := range map[string]struct{ client, why string }{
		"short":              {", clientSecret: canary", "sts.token.clients[0].clientSecret: expected at least 24 characters, got 6"},
		"both":               {", clientSecret: canary-of-24-characters-x, clientSecretFile: " + file, "sts.token.clients[0].clientSecret and sts.token.clients[0].clientSecretFile are both set"},
		"a file that is not": {", clientSecretFile: " + file + "x", "sts.token.clients[0].clientSecretFile: "},
	} {
		if _, err := Load([]byte(with(c.client)), nil); err == nil || !strings.Contains(err.Error(), c.why) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: got %v", rule, err)
		}
	}
}
