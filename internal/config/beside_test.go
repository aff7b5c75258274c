package config

import (
	"os"
	"path/filepath"
	"testing"
)

// TestBeside: a relative path is that of the file that names it; what is only where the command runs is found there.
func TestBeside(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(t.TempDir())
	for _, path := range []string{filepath.Join(folder, "both"), "both", "here"} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir("folder", 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "okta.yaml")
	for name, want := range map[string]string{
		"both": filepath.Join(folder, "both"), "neither": filepath.Join(folder, "neither"), "here": "here", "folder/new": "folder/new",
		"nowhere/new": filepath.Join(folder, "nowhere/new"), "/whole": "/whole", "": "",
	} {
		if got := Beside(file, name); got != want {
			t.Errorf("%q: expected %q, got %q", name, want, got)
		}
	}
	if got := Beside("okta.yaml", "both"); got != "both" {
		t.Errorf("in the same folder: got %q", got)
	}
}
