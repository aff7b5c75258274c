package store_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/seal"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

// writerEnv makes the test binary a writer to the file that it names.
const writerEnv = "PORTICO_TEST_WRITE_UNTIL_KILLED"

// killedBox is of both processes.
func killedBox() *seal.Box {
	key, err := seal.NewKey(make([]byte, seal.KeySize))
	if err != nil {
		panic(err)
	}
	return key.Box("history key")
}

// writeUntilKilled stores entries and changes, prints the id of each when it is stored, and seals them.
func writeUntilKilled(path string) {
	ctx := context.Background()
	db, err := store.Open(ctx, sqliteAt(path))
	if err != nil {
		panic(err)
	}
	version, err := db.ModelVersion(ctx)
	if err != nil {
		panic(err)
	}
	logger := slog.New(slog.DiscardHandler)
	signer, err := history.OpenSigner(ctx, db, killedBox(), time.Now(), logger)
	if err != nil {
		panic(err)
	}
	sealer := &history.Sealer{Store: db, Signer: signer, Now: time.Now, Logger: logger}
	for i := 0; ; i++ {
		if i%4 == 3 {
			if err := sealer.Seal(ctx); err != nil {
				panic(err)
			}
		}
		e := history.Entry{ID: uuid.NewString(), CreatedAt: time.Now(), Name: strings.Repeat("x", rand.IntN(2000))}
		if i%3 > 0 {
			err = db.AppendHistory(ctx, e)
		} else {
			r := &access.Role{ID: access.RoleID(e.ID), Name: e.ID}
			im := &access.IAMRole{ID: access.IAMRoleID(e.ID), Name: e.ID, SystemRoles: []access.RoleID{r.ID}}
			err = db.CommitChange(ctx, version, access.Change{PutRoles: []*access.Role{r}, PutIAMRoles: []*access.IAMRole{im}}, []history.Entry{e})
			version++
		}
		if err != nil {
			panic(err)
		}
		fmt.Println(e.ID)
	}
}

// A process that is killed at any moment loses nothing that it answered, and leaves a database that is whole.
func TestKilledWriterLosesNothing(t *testing.T) {
	rounds, err := strconv.Atoi(os.Getenv("KILLS")) // make chaos
	if err != nil {
		rounds = 30
	}
	writes := 0
	for done := 0; done < rounds; done += 100 { // each round looks at all that its file holds
		writes += killWriters(t, min(100, rounds-done))
	}
	t.Logf("%d writes in %d rounds, all there", writes, rounds)
}

func killWriters(t *testing.T, rounds int) (writes int) {
	t.Helper()
	cfg := testdb.Config(t, store.SQLite)
	var stored []string
	for range rounds {
		stored = append(stored, killWriter(t, cfg.DSN)...)
		db, err := store.Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		checkStored(t, db, stored)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		var verdict string
		if err := rawDB(t, cfg).QueryRow(`PRAGMA integrity_check`).Scan(&verdict); err != nil || verdict != "ok" {
			t.Fatalf("integrity: %s, %v", verdict, err)
		}
	}
	return len(stored)
}

// killWriter lets a writer write for a while, kills it, and returns what it says it stored.
func killWriter(t *testing.T, path string) (ids []string) {
	t.Helper()
	writer := exec.Command(os.Args[0])
	writer.Env = append(os.Environ(), writerEnv+"="+path)
	var complaint strings.Builder
	writer.Stderr = &complaint
	out, err := writer.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := writer.Start(); err != nil {
		t.Fatal(err)
	}
	// The moment counts in writes, and then in microseconds from there: while opening, too, in some rounds.
	lines := bufio.NewReader(out)
	for range rand.IntN(40) {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("the writer ended: %v: %s", err, complaint.String())
		}
		ids = append(ids, strings.TrimSuffix(line, "\n"))
	}
	for end := time.Now().Add(rand.N(5 * time.Millisecond)); time.Now().Before(end); {
	}
	if err := writer.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(lines)
	if err != nil {
		t.Fatal(err)
	}
	_ = writer.Wait() // "signal: killed"
	if complaint.Len() > 0 {
		t.Fatal(complaint.String())
	}
	for line := range strings.Lines(string(rest)) {
		if id, whole := strings.CutSuffix(line, "\n"); whole {
			ids = append(ids, id)
		}
	}
	return ids
}

func checkStored(t *testing.T, db *store.DB, ids []string) {
	t.Helper()
	m, err := db.LoadModel(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if _, found, err := db.GetHistory(t.Context(), id); err != nil || !found {
			t.Fatalf("entry %s was answered and is lost (%v)", id, err)
		}
	}
	report, err := history.Verify(t.Context(), history.Verification{Store: db, Box: killedBox()})
	if err != nil || report.Broken != nil {
		t.Fatalf("the chain is broken: %v, %+v", err, report.Broken)
	}
	// A change is there as a whole: its role, its mapping and its entry.
	if int(m.Version) != len(m.Roles) || len(m.Roles) != len(m.IAMRoles) {
		t.Fatalf("version %d does not fit %d roles and %d IAM roles", m.Version, len(m.Roles), len(m.IAMRoles))
	}
	for _, r := range m.Roles {
		if _, found, err := db.GetHistory(t.Context(), string(r.ID)); err != nil || !found {
			t.Fatalf("the change %s has no entry (%v)", r.ID, err)
		}
	}
}
