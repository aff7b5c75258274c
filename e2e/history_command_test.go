package e2e

import (
	"bufio"
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

func TestHistoryCommand(t *testing.T) {
	t.Parallel()
	for _, engine := range testdb.Engines {
		t.Run(engine, func(t *testing.T) { historyCommand(t, serve(t, testdb.Config(t, engine), "")) })
	}
}

func historyCommand(t *testing.T, s *served) {
	ada := browserAt(t, s.publicURL)
	ada.signIn("/", "ada@acme.test")
	ada.create("/api/organisation/v1", map[string]any{"name": "Acme"})
	eventually(t, "what was recorded is sealed while Portico runs", func() bool {
		out, _ := s.tool(t, 0, "history", "verify")
		return strings.Contains(out, "entries are as they were sealed") && !strings.Contains(out, "not sealed yet")
	})
	mustStatus(t, ada.call("POST", "/api/sts/role/v1", map[string]any{"name": "=HYPERLINK(\"http://evil.test\")", "permissions": []string{"KEY_LIST"}}, nil), http.StatusCreated)
	s.interrupt(t)
	logged := regexp.MustCompile(`level=INFO msg="history checkpoint".*`).FindAllString(s.errors.String(), -1)
	if len(logged) < 2 { // with the first entries, and at the end
		t.Fatalf("expected checkpoints in the log, got %v", logged)
	}
	kept := filepath.Join(s.folder, "checkpoints")
	write(t, kept, strings.Join(logged, "\n")+"\n")
	report := s.verified(t, 0, "--checkpoint", kept)
	if report.External != len(logged) || report.Sealed < 3 || report.Unsealed != 0 || report.Broken != nil {
		t.Errorf("got %+v", report)
	}
	s.exported(t, report.Sealed)

	for rule, args := range map[string][]string{
		"a file without a checkpoint": {"verify", "--checkpoint", filepath.Join(s.folder, "portico.yaml")},
		"no such file":                {"verify", "--checkpoint", "nowhere"},
		"no format":                   {"export"},
		"another format":              {"export", "--format", "xml"},
		"a day that is none":          {"export", "--format", "csv", "--from", "2026-02-30"},
		"a time before the other":     {"export", "--format", "csv", "--from", "2026-02-02", "--to", "2026-02-01"},
	} {
		if _, errs := s.tool(t, 2, append([]string{"history"}, args...)...); !strings.Contains(errs, "portico: ") {
			t.Errorf("%s: %s", rule, errs)
		}
	}
	s.tampered(t, kept)
}

type verified struct {
	Sealed, Unsealed, Checkpoints, External int
	Broken                                  *struct {
		Kind, ID, Detail string
		Sequence         int
	}
}

func (s *served) verified(t *testing.T, status int, args ...string) (report verified) {
	t.Helper()
	out, _ := s.tool(t, status, append([]string{"history", "verify", "--json"}, args...)...)
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return report
}

// exported: both formats have every entry, and a name that a spreadsheet would run is none in CSV.
func (s *served) exported(t *testing.T, entries int) {
	t.Helper()
	path := filepath.Join(s.folder, "history.csv")
	if _, errs := s.tool(t, 0, "history", "export", "--format", "csv", "--output", path); !strings.Contains(errs, fmt.Sprintf("%d entries are in %s", entries, path)) {
		t.Errorf("got %s", errs)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) != entries+1 {
		t.Fatalf("expected %d rows, got %d, %v", entries+1, len(rows), err)
	}
	lines, _ := s.tool(t, 0, "history", "export", "--format", "jsonl")
	found := false
	scanner := bufio.NewScanner(strings.NewReader(lines))
	for i := 1; scanner.Scan(); i++ {
		var e struct {
			Sequence             int
			ID, Name, Hash, User string
			CreatedDate          string
			Metadata             map[string]any
		}
		if err := json.Unmarshal(scanner.Bytes(), &e); err != nil {
			t.Fatalf("%v: %s", err, scanner.Text())
		}
		if i > entries || rows[i][1] != e.ID || rows[i][2] != e.CreatedDate || rows[i][12] != e.Hash || len(e.Hash) != 64 {
			t.Fatalf("entry %d: %v and %+v", i, rows[i], e)
		}
		if strings.HasPrefix(e.Name, "=HYPERLINK") {
			found = rows[i][6] == "'"+e.Name
		}
	}
	if !found {
		t.Errorf("the name that is a formula is not made harmless:\n%s", lines)
	}
	if out, _ := s.tool(t, 0, "history", "export", "--format", "csv", "--from", "2999-01-01"); strings.Count(out, "\n") != 1 {
		t.Errorf("of the time to come: %s", out)
	}
}

// tampered changes the database by hand, again and again anew.
func (s *served) tampered(t *testing.T, kept string) {
	t.Helper()
	driver := map[string]string{store.SQLite: "sqlite", store.Postgres: "pgx"}[s.database.Driver]
	db, err := sql.Open(driver, s.database.DSN)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	by := func(statement string, args ...any) {
		t.Helper()
		if _, err := db.Exec(statement, args...); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	var id, name string
	if err := db.QueryRow(`SELECT h.id, h.name FROM history h JOIN history_chain c ON c.entry_id = h.id WHERE c.sequence = 2`).Scan(&id, &name); err != nil {
		t.Fatal(err)
	}
	by(`UPDATE history SET name = 'Mallory' WHERE id = $1`, id)
	if _, errs := s.tool(t, 1, "history", "verify"); !strings.Contains(errs, "the history is broken: entry 2, id "+id) || !strings.Contains(errs, "changed after it was sealed") {
		t.Errorf("a changed entry: %s", errs)
	}
	if got := s.verified(t, 1); got.Broken == nil || got.Broken.Sequence != 2 || got.Broken.ID != id || got.Broken.Kind != "changed" || got.Sealed != 1 {
		t.Errorf("a changed entry: %+v", got)
	}
	by(`UPDATE history SET name = $1 WHERE id = $2`, name, id)
	sealed := s.verified(t, 0).Sealed

	by(`INSERT INTO history SELECT 'forged', created_at - 3600000, place, action, entity_type, entity_id, name, organisation_id, source, target, subject, metadata
		FROM history WHERE id = $1`, id)
	if got := s.verified(t, 1); got.Broken == nil || got.Broken.Kind != "unplaced" || got.Broken.ID != "forged" {
		t.Errorf("an entry that was put in: %+v", got)
	}
	by(`DELETE FROM history WHERE id = 'forged'`)

	// The end is cut off, as well as it can be done.
	by(`DELETE FROM history WHERE id = (SELECT entry_id FROM history_chain WHERE sequence = $1)`, sealed)
	if got := s.verified(t, 1); got.Broken == nil || got.Broken.Kind != "missing" || got.Broken.Sequence != sealed {
		t.Errorf("the last entry is gone: %+v", got)
	}
	by(`DELETE FROM history_chain WHERE sequence = $1`, sealed)
	if got := s.verified(t, 1); got.Broken == nil || got.Broken.Kind != "cut" || got.Broken.Sequence != sealed {
		t.Errorf("and its place: %+v", got)
	}
	by(`UPDATE history_head SET sequence = sequence - 1, hash = (SELECT hash FROM history_chain ORDER BY sequence DESC LIMIT 1),
		newest_at = (SELECT MAX(created_at) FROM history)`)
	if got := s.verified(t, 1); got.Broken == nil || got.Broken.Kind != "cut" {
		t.Errorf("and the note of it: %+v", got)
	}
	by(`DELETE FROM history_checkpoint WHERE sequence = $1`, sealed)
	s.tool(t, 0, "history", "verify")
	if _, errs := s.tool(t, 1, "history", "verify", "--checkpoint", kept); !strings.Contains(errs, "the end was cut off") {
		t.Errorf("what was logged tells all the same: %s", errs)
	}

	// A key that can't be opened locks nobody out.
	by(`UPDATE history_key SET sealed = public`)
	s.running = s.start(t)
	if !strings.Contains(s.errors.String(), "the history gets no signed checkpoints") {
		t.Errorf("nothing is said of the key:\n%s", s.errors)
	}
	s.interrupt(t)
	if _, errs := s.tool(t, 1, "history", "verify"); !strings.Contains(errs, "can't be opened") || !strings.Contains(errs, "sts.token.keyEncryptionKeyFile") {
		t.Errorf("a key that was changed: %s", errs)
	}
}
