package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/dev"
)

// TestFromNothing is the guide on an organisation that never heard of Portico, by the commands that the README gives: set
// up, sign in, nothing left to do, and taken back.
func TestFromNothing(t *testing.T) {
	dir := t.TempDir()
	own, oktaAddress := freePorts(t)
	okta := launch(t, "Stop with", "dev", "--profile", "fresh-free", "--data", dir, "--listen", own, "--okta-listen", oktaAddress)
	setup, cfg := filepath.Join(dir, "okta.yaml"), filepath.Join(dir, "portico.yaml")

	run := func(status int, args ...string) string {
		t.Helper()
		out, got := output(t, nil, args...)
		if got != status {
			t.Fatalf("%v: expected status %d, got %d: %s", args, status, got, out)
		}
		return out
	}
	if plan := run(0, "okta", "plan", "--file", setup); !strings.Contains(plan, "13 steps to do") {
		t.Errorf("unexpected plan:\n%s", plan)
	}
	if out := run(0, "okta", "apply", "--file", setup); !strings.Contains(out, "Next: portico serve --config "+cfg) {
		t.Errorf("expected to be told what comes next, got\n%s", out)
	}
	run(0, "config", "check", "--config", cfg)
	password := filepath.Join(dir, "password")
	write(t, password, "portico-dev\n")
	verified := run(0, "okta", "verify", "--file", setup, "--sign-in", "ada@acme.test", "--password-file", password)
	if !strings.Contains(verified, "signed in as Ada Admin and may administer") {
		t.Errorf("expected a trial sign-in, got\n%s", verified)
	}
	write(t, password, "wrong\n")
	if out := run(1, "okta", "verify", "--json", "--file", setup, "--sign-in", "ada@acme.test", "--password-file", password); !strings.Contains(out, "does not take the password") {
		t.Errorf("expected the password to be refused, got\n%s", out)
	}
	run(2, "okta", "verify", "--file", setup, "--sign-in", "ada@acme.test")
	secret, err := os.ReadFile(filepath.Join(dir, "client-secret"))
	if err != nil || len(secret) < 40 {
		t.Fatalf("expected a client secret, got %d bytes, %v", len(secret), err)
	}

	serving := command(t, "serve", "--config", cfg)
	logs := &lockedBuffer{}
	serving.Stderr = logs
	if err := serving.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = serving.Process.Kill(); _ = serving.Wait() }()
	ready(t, "http://"+own+"/.well-known/jwks.json", logs)
	browserAt(t, "http://"+own).signIn("/", "ada@acme.test").mustContain(t, "Ada Admin", "ONE_STS_ADMIN", "Roles")

	var again struct{ Steps []struct{ Action string } }
	if err := json.Unmarshal([]byte(run(0, "okta", "plan", "--json", "--file", setup)), &again); err != nil || len(again.Steps) != 14 {
		t.Fatalf("expected a plan as JSON, got %v, %v", again, err)
	}
	for _, step := range again.Steps {
		if step.Action != "keep" {
			t.Errorf("expected nothing left to do, got %v", again.Steps)
		}
	}
	if out := run(1, "okta", "undo", "--file", setup); !strings.Contains(out, "agree to it with --yes") {
		t.Errorf("expected undo to ask, got\n%s", out)
	}
	run(0, "okta", "undo", "--yes", "--file", setup)
	if out := run(0, "okta", "undo", "--file", setup); !strings.Contains(out, "Nothing") {
		t.Errorf("expected nothing left to undo, got\n%s", out)
	}
	for _, text := range []string{logs.String(), okta.output.String()} {
		if strings.Contains(text, strings.TrimSpace(string(secret))) {
			t.Error("the client secret was printed")
		}
	}
	okta.interrupt(t)
}

// ready waits until an address answers with 200.
func ready(t *testing.T, address string, logs *lockedBuffer) {
	t.Helper()
	for range 400 {
		if resp, err := http.Get(address); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatalf("%s did not answer in 10 s\n%s", address, logs)
}

// TestProfiles: whatever the organisation is like, the same people sign in with the same rights.
func TestProfiles(t *testing.T) {
	for _, profile := range []string{"licensed", "unlicensed", "custom-domain"} {
		t.Run(profile, func(t *testing.T) {
			p := startAs(t, dev.Options{DataDir: t.TempDir(), Profile: profile})
			p.browser().signIn("/", "ada@acme.test").mustContain(t, "Ada Admin", "ONE_STS_ADMIN", "Access control")
			p.browser().signIn("/", "ivan@acme.test").mustContain(t, "Ivan Issuer", "Acme Issuance")
		})
	}
}

// TestSecondWithoutLicence: where there is no API Access Management, the start page says how okta apply is tried, and the
// files that it names are there.
func TestSecondWithoutLicence(t *testing.T) {
	dir := t.TempDir()
	p := startAs(t, dev.Options{DataDir: dir, Profile: "unlicensed"})
	setup := filepath.Join(dir, "second", "okta.yaml")
	var page strings.Builder
	p.Info.Print(&page, dir)
	for _, want := range []string{"portico okta apply --file " + setup, filepath.Join(dir, "second", "okta-token"), "/api/v1/internal/apps/CLIENT_ID/settings/oauth/idToken"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("expected %q in\n%s", want, page.String())
		}
	}
	if out, status := output(t, nil, "okta", "apply", "--file", setup); status != 0 || !strings.Contains(out, "Left to do by hand") {
		t.Errorf("status %d: %s", status, out)
	}
	if out, status := output(t, nil, "config", "check", "--config", filepath.Join(dir, "second", "portico.yaml")); status != 0 {
		t.Errorf("status %d: %s", status, out)
	}
}
