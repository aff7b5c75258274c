package store_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/google/uuid"

	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

func sqliteAt(path string) store.Config { return store.Config{Driver: store.SQLite, DSN: path} }

func TestSQLiteFilesAreTheOwnersOnly(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	folder := filepath.Join(t.TempDir(), "a", "b")
	db := testdb.OpenConfig(t, sqliteAt(filepath.Join(folder, "portico.db")))
	add(t, db, history.Entry{})
	info, err := os.Stat(folder)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("expected the folder with 0700, got %v, %v", info.Mode(), err)
	}
	files, err := os.ReadDir(folder)
	if err != nil || len(files) != 3 {
		t.Errorf("expected the database, its log and its index, got %v, %v", files, err)
	}
	for _, file := range files {
		if info, err := file.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: expected 0600, got %v, %v", file.Name(), info.Mode(), err)
		}
	}
}

func TestSQLiteWarnsOfAnOpenFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "portico.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	cfg := sqliteAt(path)
	cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	testdb.OpenConfig(t, cfg)
	if !strings.Contains(log.String(), "open to others") {
		t.Errorf("expected a warning, got %q", log.String())
	}
}

func TestSQLiteSettings(t *testing.T) {
	cfg := testdb.Config(t, store.SQLite)
	db := testdb.OpenConfig(t, cfg)
	add(t, db, history.Entry{})
	writing, reading := store.Pools(db)
	for pragma, want := range map[string]string{
		"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000", "journal_size_limit": "67108864",
	} {
		var got string
		if err := writing.QueryRow("PRAGMA " + pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s: expected %s, got %s, %v", pragma, want, got, err)
		}
	}
	if _, err := reading.Exec(`DELETE FROM history`); err == nil {
		t.Error("expected the readers' connections to refuse to write")
	}
}

func TestSQLiteStrangePaths(t *testing.T) {
	for _, name := range []string{"a b", "a?b=c&_pragma=x", "a%20b", "a#b", "ä👩", "a;b", "a+b", "'", `"`, `\`} {
		path := filepath.Join(t.TempDir(), name, name+".db")
		db := testdb.OpenConfig(t, sqliteAt(path))
		e := add(t, db, history.Entry{})
		again := testdb.OpenConfig(t, sqliteAt(path))
		if _, found, err := again.GetHistory(t.Context(), e.ID); err != nil || !found {
			t.Errorf("%s: expected the entry, got %v, %v", name, found, err)
		}
		files, err := os.ReadDir(filepath.Dir(path))
		if err != nil || len(files) != 3 || files[0].Name() != name+".db" {
			t.Errorf("%s: expected the database where it was asked for, got %v, %v", name, files, err)
		}
	}
}

func TestSQLiteRelativePath(t *testing.T) {
	t.Chdir(t.TempDir())
	testdb.OpenConfig(t, sqliteAt("portico.db"))
	if _, err := os.Stat("portico.db"); err != nil {
		t.Error(err)
	}
}

func TestSQLiteRefusesWhatIsNoDatabase(t *testing.T) {
	folder := t.TempDir()
	text := filepath.Join(folder, "text.db")
	if err := os.WriteFile(text, []byte(strings.Repeat("this is no database\n", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	checkRefused(t, sqliteAt(text), "database "+text+": the file is not an SQLite database: restore it from a backup, or move it away")
	checkRefused(t, sqliteAt(folder), "expected a file, found a directory")
	checkRefused(t, sqliteAt("/dev/null"), "expected a file, found something else")
	checkRefused(t, sqliteAt(filepath.Join(text, "x", "portico.db")), "is not a folder")

	foreign := filepath.Join(folder, "foreign.db")
	if _, err := rawDB(t, sqliteAt(foreign)).Exec(`CREATE TABLE bookmarks (url TEXT)`); err != nil {
		t.Fatal(err)
	}
	checkRefused(t, sqliteAt(foreign), "another program's SQLite database")
}

func TestSQLiteRefusesADamagedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "portico.db")
	db, err := store.Open(t.Context(), sqliteAt(path))
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damaged := bytes.Clone(whole)
	for i := 100; i < 4096; i++ { // the table of tables
		damaged[i] = 0xa5
	}
	if err := os.WriteFile(path, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	checkRefused(t, sqliteAt(path), "the file is damaged: restore it from a backup")
	if err := os.WriteFile(path, whole[:len(whole)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	checkRefused(t, sqliteAt(path), "the file is damaged: restore it from a backup")
}

func TestSQLiteUnwritable(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "portico.db")
	db, err := store.Open(t.Context(), sqliteAt(path))
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []struct {
		path string
		mode os.FileMode
	}{{path, 0o444}, {folder, 0o555}, {filepath.Dir(folder), 0o755}} {
		if err := os.Chmod(mode.path, mode.mode); err != nil {
			t.Fatal(err)
		}
	}
	defer os.Chmod(folder, 0o700)
	if os.Geteuid() == 0 {
		// Nothing is closed to root: be nobody in the eyes of the file system, on this thread.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := syscall.Setfsuid(65534); err != nil {
			t.Skipf("can't become nobody: %v", err)
		}
		defer syscall.Setfsuid(0)
		if file, err := os.OpenFile(filepath.Join(folder, "probe"), os.O_CREATE, 0o600); err == nil {
			file.Close()
			t.Skip("this machine lets nobody write where it may not")
		}
	}
	checkRefused(t, sqliteAt(filepath.Join(folder, "new.db")), "may not write in the folder "+folder)
	checkRefused(t, sqliteAt(filepath.Join(folder, "new", "new.db")), "may not write in the folder")
	checkRefused(t, sqliteAt(path), "this user may not")
}

// SQLite allows placeholders in any order and more than once, as PostgreSQL does; the driver must bind them so.
func TestSQLitePlaceholders(t *testing.T) {
	db := rawDB(t, testdb.Config(t, store.SQLite))
	var text string
	err := db.QueryRow(`SELECT $3 || $1 || $3 || $2 || $11 || $10`, "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k").Scan(&text)
	if err != nil || text != "cacbkj" {
		t.Errorf("expected cacbkj, got %s, %v", text, err)
	}
}

func TestSQLiteFoldsItsLogWhenClosed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "portico.db")
	db, err := store.Open(t.Context(), sqliteAt(path))
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		add(t, db, history.Entry{ID: uuid.NewString()})
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) != 1 {
		t.Errorf("expected one file that can be copied, got %v, %v", files, err)
	}
}
