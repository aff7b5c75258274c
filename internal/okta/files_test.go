package okta_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/devokta"
	"github.com/portico-iam/portico/internal/okta"
)

// TestFilesThatCantBeWritten are found out before anything is done in Okta.
func TestFilesThatCantBeWritten(t *testing.T) {
	o := newOrg(t, "fresh-free")
	changed := 0
	o.Observe(func(r devokta.Request) {
		if r.Changes() {
			changed++
		}
	})
	for _, output := range []string{"config: /proc/portico.yaml", "clientSecretFile: missing/secret", "keyEncryptionKeyFile: missing/key"} {
		s := o.setup(fresh + "output: {" + output + "}\n")
		_, err := okta.Apply(t.Context(), s, o.client(s), nil, func(okta.Step) {})
		key, path, _ := strings.Cut(output, ": ")
		if err == nil || !strings.Contains(err.Error(), "output."+key+": "+path+" can't be written") || strings.Contains(err.Error(), ".portico-") || changed > 0 {
			t.Errorf("%s: expected to be told before anything is changed, got %v after %d changes", output, err, changed)
		}
	}
	if left, _ := filepath.Glob(".portico-*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if _, err := os.Stat("missing"); err == nil {
		t.Error("a folder that nobody asked for was made")
	}
}

// TestConfigurationWorksFromAnywhere: its files are found from whatever folder it is read.
func TestConfigurationWorksFromAnywhere(t *testing.T) {
	o := newOrg(t, "fresh-free")
	o.apply(o.setup(fresh))
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	cfg, err := config.LoadFile(filepath.Join(here, "portico.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.IAM.ClientSecret == "" || !filepath.IsAbs(cfg.STS.Token.KeyEncryptionKeyFile) || cfg.Store.DSN.Reveal() != filepath.Join(here, "portico.db") {
		t.Errorf("expected whole paths, got %s, %s", cfg.STS.Token.KeyEncryptionKeyFile, cfg.Store.DSN.Reveal())
	}
}

// TestFromAnotherFolder: relative files of the setup file are beside it, wherever the command runs; those that were written
// where an earlier one ran are still the ones that are meant.
func TestFromAnotherFolder(t *testing.T) {
	o := newOrg(t, "fresh-free")
	if err := os.WriteFile("token", []byte(o.World().APIToken+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o.apply(o.setup(strings.Replace(fresh, "{url: ORG}", "{url: ORG, apiTokenFile: token}", 1)))
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	there := t.TempDir()
	t.Chdir(there)
	s, err := okta.LoadSetup(filepath.Join(here, "okta.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if plan := o.plan(s); plan.Changes() {
		t.Errorf("expected no changes, got\n%s", names(plan))
	}
	for _, file := range []string{"portico.yaml", "client-secret", "key-encryption-key", "token"} {
		if err := os.Rename(filepath.Join(here, file), file); err != nil {
			t.Fatal(err)
		}
	}
	if s, err = okta.LoadSetup(filepath.Join(here, "okta.yaml"), nil); err != nil || s.Output.Config != "portico.yaml" {
		t.Errorf("expected the files of an earlier run, got %v", err)
	}
}
