package app_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/app"
	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/seal"
)

// TestAKeyFileThatIsNoneIsOneSentence wherever it is named; nothing is opened then, neither by a command nor by the server.
func TestAKeyFileThatIsNoneIsOneSentence(t *testing.T) {
	folder := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		t.Helper()
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil { // whatever the umask
			t.Fatal(err)
		}
		return path
	}
	good := file("good", seal.RandomKey().Encode(), 0o600)
	for rule, c := range map[string]struct{ path, want string }{
		"absent":                {filepath.Join(folder, "none"), "no such file"},
		"junk":                  {file("junk", "junk", 0o600), "expected 32 random bytes in base64"},
		"readable by everybody": {file("0644", seal.RandomKey().Encode(), 0o644), "mode 0644"},
		"writable by everybody": {file("0666", seal.RandomKey().Encode(), 0o666), "mode 0666"},
		"writable by the group": {file("0660", seal.RandomKey().Encode(), 0o660), "mode 0660"},
	} {
		for place, paths := range map[string][3]string{ // the key, the previous one, and the command's new one
			"the key": {c.path}, "the key beside a previous one": {c.path, good}, "the previous key": {good, c.path}, "the new key": {good, "", c.path},
		} {
			cfg := &config.Config{Server: config.Server{Listen: "127.0.0.1:0"}}
			cfg.STS.Token.KeyEncryptionKeyFile, cfg.STS.Token.PreviousKeyEncryptionKeyFile = paths[0], paths[1]
			mustBe := func(err error) {
				t.Helper()
				if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.path) || strings.Contains(err.Error(), "\n") {
					t.Errorf("%s, %s: got %v", place, rule, err)
				}
			}
			_, err := app.OpenKeyring(t.Context(), cfg, paths[2], time.Now, slog.New(slog.DiscardHandler))
			mustBe(err)
			if paths[2] == "" {
				_, err = app.New(t.Context(), cfg, app.Options{Logger: slog.New(slog.DiscardHandler)})
				mustBe(err)
			}
		}
	}
}
