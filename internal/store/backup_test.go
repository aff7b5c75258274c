package store_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

// TestBackupIsOfOneMoment: beside a Portico that writes as fast as it can, each copy is whole, holds what was stored when it
// began, and never half of a change; nobody but its owner reads it, and nothing is left on the way.
func TestBackupIsOfOneMoment(t *testing.T) {
	cfg := testdb.Config(t, store.SQLite)
	db := testdb.OpenConfig(t, cfg)
	ctx, stop := context.WithCancel(t.Context())
	var stored []string // in order
	var mu sync.Mutex
	var writer sync.WaitGroup
	writer.Go(func() {
		version, err := db.ModelVersion(ctx)
		for err == nil {
			id := uuid.NewString()
			r := &access.Role{ID: access.RoleID(id), Name: id}
			e := history.Entry{ID: id, CreatedAt: time.Now(), Name: strings.Repeat("x", 500)}
			if err = db.CommitChange(ctx, version, access.Change{PutRoles: []*access.Role{r}}, []history.Entry{e}); err == nil {
				version++
				mu.Lock()
				stored = append(stored, id)
				mu.Unlock()
			}
		}
		if ctx.Err() == nil {
			t.Error(err)
		}
	})
	count := func() int { mu.Lock(); defer mu.Unlock(); return len(stored) }
	folder := t.TempDir()
	for i := range 5 {
		if !eventually(func() bool { return count() >= 10*(i+1) }) {
			t.Fatal("nothing is written")
		}
		before := count()
		output := filepath.Join(folder, uuid.NewString())
		size, err := store.Backup(t.Context(), cfg.DSN, output)
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(output)
		if err != nil || info.Mode().Perm() != 0o600 || info.Size() != size {
			t.Fatalf("%v, %v, %d", info, err, size)
		}
		copied := testdb.OpenConfig(t, store.Config{Driver: store.SQLite, DSN: output})
		model, err := copied.LoadModel(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		entries, total, err := copied.ListHistory(t.Context(), history.Filter{Size: 1})
		if err != nil || total != len(model.Roles) || total < before || len(entries) != 1 {
			t.Errorf("%d roles, %d entries, %d were stored before: %v", len(model.Roles), total, before, err)
		}
		if err := copied.Close(); err != nil {
			t.Error(err)
		}
	}
	stop()
	writer.Wait()
	if left, _ := filepath.Glob(filepath.Join(folder, ".portico-*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// TestBackupRefuses to overwrite, and what is no database of Portico's; what is there stays as it was.
func TestBackupRefuses(t *testing.T) {
	cfg := testdb.Config(t, store.SQLite)
	testdb.OpenConfig(t, cfg)
	folder := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	link := filepath.Join(folder, "link")
	if err := os.Symlink(filepath.Join(folder, "nowhere"), link); err != nil {
		t.Fatal(err)
	}
	there, text, empty := file("there", "mine"), file("text", strings.Repeat("no database\n", 100)), file("empty", "")
	for rule, c := range map[string]struct{ from, to, says string }{
		"a file is there":        {cfg.DSN, there, "something is there already"},
		"itself":                 {cfg.DSN, cfg.DSN, "something is there already"},
		"a link that leads away": {cfg.DSN, link, "something is there already"},
		"no folder":              {cfg.DSN, filepath.Join(folder, "a", "b"), "can't be written"},
		"no database":            {filepath.Join(folder, "missing"), filepath.Join(folder, "1"), "no such file"},
		"another file":           {text, filepath.Join(folder, "2"), "not an SQLite database"},
		"nothing in it":          {empty, filepath.Join(folder, "3"), "nothing of Portico's"},
	} {
		_, err := store.Backup(t.Context(), c.from, c.to)
		if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), ".portico-") {
			t.Errorf("%s: got %v", rule, err)
		}
	}
	if kept, err := os.ReadFile(there); string(kept) != "mine" {
		t.Errorf("got %q, %v", kept, err)
	}
	if names, _ := filepath.Glob(filepath.Join(folder, "*")); len(names) != 4 {
		t.Errorf("there is more than before: %v", names)
	}
}

// eventually looks until it is so.
func eventually(is func() bool) bool {
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if is() {
			return true
		}
	}
	return false
}
