package store_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/sts"
	"github.com/portico-iam/portico/internal/testdb"
)

// TestAKeyThatIsGoneIsGoneFromTheFilesToo: whoever copies them later has no use of it, nor of the key that sealed it.
func TestAKeyThatIsGoneIsGoneFromTheFilesToo(t *testing.T) {
	config := store.Config{Driver: store.SQLite, DSN: filepath.Join(t.TempDir(), "portico.db")}
	db := testdb.OpenConfig(t, config)
	secret := func() []byte {
		b := make([]byte, 60)
		rand.Read(b)
		return b
	}
	lies := func(secret []byte) bool {
		t.Helper()
		for _, suffix := range []string{"", "-wal"} {
			content, err := os.ReadFile(config.DSN + suffix)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
			if bytes.Contains(content, secret) {
				return true
			}
		}
		return false
	}
	cut, kept, fresh := secret(), secret(), secret()
	save := func(base int64, keys ...sts.KeyRecord) {
		t.Helper()
		if err := db.SaveKeys(t.Context(), base, keys); err != nil {
			t.Fatal(err)
		}
	}
	key := func(kid string, sealed []byte) sts.KeyRecord {
		return sts.KeyRecord{KID: kid, State: sts.KeyActive, Sealed: sealed, Public: make([]byte, 32), CreatedAt: at(1)}
	}
	save(0, key("a", cut), key("b", kept))
	if !lies(cut) || !lies(kept) {
		t.Fatal("the keys are not in the files: the test sees nothing")
	}
	save(1, key("b", fresh))
	if lies(cut) || lies(kept) || !lies(fresh) {
		t.Errorf("still there: the key that was cut: %v, under the old seal: %v; the one that is kept: %v", lies(cut), lies(kept), lies(fresh))
	}

	r := newSession("h")
	r.Sealed = secret()
	insert(t, db, r)
	if !lies(r.Sealed) {
		t.Fatal("the session is not in the files: the test sees nothing")
	}
	if _, err := db.ResealSessions(t.Context(), func(string, []byte) ([]byte, bool) { return secret(), true }); err != nil || lies(r.Sealed) {
		t.Errorf("a session under the old seal is still there; %v", err)
	}
}
