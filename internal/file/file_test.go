package file_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/file"
)

func TestReplace(t *testing.T) {
	for rule, c := range map[string]struct {
		before, asked, after fs.FileMode
	}{
		"a new file gets the mode":         {0, file.Private, 0o600},
		"a new one that others may read":   {0, 0o644, 0o644},
		"what is there keeps its own":      {0o640, file.Private, 0o640},
		"a private one is not opened up":   {0o600, 0o644, 0o600},
		"a read-only one can be replaced":  {0o400, file.Private, 0o400},
		"an executable stays what it was":  {0o755, file.Private, 0o755},
		"a group's file keeps its writers": {0o660, file.Private, 0o660},
	} {
		path := filepath.Join(t.TempDir(), "x")
		if c.before != 0 {
			if err := os.WriteFile(path, []byte("before"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, c.before); err != nil {
				t.Fatal(err)
			}
		}
		if err := file.Replace(path, []byte("after"), c.asked); err != nil {
			t.Errorf("%s: %v", rule, err)
		}
		text, _ := os.ReadFile(path)
		info, err := os.Stat(path)
		if err != nil || string(text) != "after" || info.Mode().Perm() != c.after {
			t.Errorf("%s: got %q, %v, %v", rule, text, info.Mode(), err)
		}
	}
}

// TestReplaceFailsWhole: what was there stays, nothing is left beside it, and the error names what was asked for.
func TestReplaceFailsWhole(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "folder", "with", "content")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for rule, path := range map[string]string{"no such folder": filepath.Join(dir, "missing", "x"), "a folder is in its place": filepath.Join(dir, "folder")} {
		err := file.Replace(path, []byte("x"), file.Private)
		if err == nil || !strings.HasPrefix(err.Error(), path+" can't be written: ") || strings.Contains(err.Error(), ".portico-") {
			t.Errorf("%s: got %v", rule, err)
		}
	}
	if _, err := os.Stat(folder); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".portico-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestCheckWritable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	if err := file.CheckWritable(path); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("checking made the file")
	}
	if err := file.CheckWritable(filepath.Join(path, "y")); err == nil {
		t.Error("a folder that is missing counts as writable")
	}
}

// TestReplaceKeepsTheOwner: a service whose configuration root mends could not read it afterwards.
func TestReplaceKeepsTheOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("optional: only root can give files away")
	}
	path := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(path, 4711, 4712); err != nil {
		t.Fatal(err)
	}
	if err := file.Replace(path, []byte("after"), file.Private); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	owner := reflect.Indirect(reflect.ValueOf(info.Sys()))
	if uid, gid := owner.FieldByName("Uid").Uint(), owner.FieldByName("Gid").Uint(); uid != 4711 || gid != 4712 {
		t.Errorf("it belongs to %d:%d now", uid, gid)
	}
}

func TestWhatIsWrittenHalfReplacesNothing(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "x")
	if err := file.Replace(path, []byte("before"), file.Private); err != nil {
		t.Fatal(err)
	}
	away := errors.New("the store is away")
	err := file.Write(path, file.Private, func(w io.Writer) error {
		_, err := io.WriteString(w, "half")
		return errors.Join(err, away)
	})
	text, _ := os.ReadFile(path)
	left, _ := os.ReadDir(folder)
	if !errors.Is(err, away) || string(text) != "before" || len(left) != 1 {
		t.Errorf("got %v, %q, %v", err, text, left)
	}
}
