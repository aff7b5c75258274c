package config

import (
	"fmt"
	"strings"
	"testing"
)

const before = `# Portico of Acme
server:
  publicUrl: https://old.example.com # how browsers reach it
iam:
  clientSecret: canary
  scopes: [openid, profile]
store: {driver: postgres, dsn: "postgres://db/x"}
`

// TestEditLeavesTheRest: comments, order and foreign keys stay; a file of a secret takes the place of the secret.
func TestEditLeavesTheRest(t *testing.T) {
	after, changed, err := Edit([]byte(before), []Setting{
		{"server.publicUrl", "https://new.example.com"},
		{"gateway.callbackPath", "/.apisix/redirect"}, // the default: not written
		{"iam.clientSecretFile", "client-secret"},
		{"iam.scopes", []string{"openid", "profile", "email"}},
		{"sts.iam.tokenValidation.aud", "api://one"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"# Portico of Acme\n", "publicUrl: https://new.example.com # how browsers reach it\n", "clientSecretFile: client-secret\n",
		"scopes: [openid, profile, email]\n", "driver: postgres", "aud: api://one\n",
	} {
		if !strings.Contains(string(after), want) {
			t.Errorf("expected %q in\n%s", want, after)
		}
	}
	if text := string(after); strings.Contains(text, "canary") || strings.Contains(text, "callbackPath") {
		t.Errorf("expected neither the secret nor a default in\n%s", text)
	}
	if strings.Contains(fmt.Sprint(changed), "canary") || len(changed) != 4 {
		t.Errorf("expected four changes and no secret among them, got %v", changed)
	}
	if again, changed, err := Edit(after, []Setting{{"server.publicUrl", "https://new.example.com"}, {"iam.clientSecretFile", "client-secret"}}); err != nil || len(changed) != 0 || string(again) != string(after) {
		t.Errorf("expected nothing to change the second time, got %v, %v", changed, err)
	}
}

func TestEditBeginsAFile(t *testing.T) {
	after, _, err := Edit(nil, []Setting{{"server.publicUrl", "https://new.example.com"}})
	if err != nil || string(after) != "server:\n  publicUrl: https://new.example.com\n" {
		t.Errorf("got %q, %v", after, err)
	}
}

func TestEditRefusesWhatItCantRead(t *testing.T) {
	for _, text := range []string{"- a\n", "a: [", "a: &x 1\nb: *x\n", "a: 1\na: 2\n", "just text\n"} {
		if after, _, err := Edit([]byte(text), []Setting{{"server.publicUrl", "https://x.test"}}); err == nil {
			t.Errorf("%q: accepted, became %q", text, after)
		}
	}
}
