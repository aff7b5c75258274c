package e2e

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// TestHistoryIsExported from the page: what the list is narrowed to, whole, of what its reader may open.
func TestHistoryIsExported(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	s := seeded(t, p)
	s.ada.create("/api/sts/role/v1", map[string]any{"name": "Exported 100%", "permissions": []string{"KEY_LIST"}})
	gone := s.ada.create("/api/sts/role/v1", map[string]any{"name": "Exported 100", "permissions": []string{"KEY_LIST"}})
	mustStatus(t, s.ada.call("DELETE", "/api/sts/role/v1/"+gone, nil, nil), http.StatusNoContent)
	s.ada.open("/history?name=exported+100%25").mustContain(t, "Exported 100%", `href="/history/export?format=csv&amp;name=exported+100%25"`)

	got := s.ada.open("/history/export?format=csv&name=exported")
	mustStatus(t, got, http.StatusOK)
	rows, err := csv.NewReader(strings.NewReader(got.body)).ReadAll()
	if err != nil || len(rows) != 4 || rows[1][6] != "Exported 100%" || rows[3][3] != "DELETED" {
		t.Errorf("expected a heading and three entries, got %v %q", err, rows)
	}
	if d := got.header.Get("Content-Disposition"); !strings.HasPrefix(d, `attachment; filename="history-`) || !strings.HasSuffix(d, `.csv"`) || got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("got %q and %v", d, got.header)
	}
	got = s.ada.open("/history/export?format=jsonl&name=exported&action=CREATED")
	for i, line := range strings.Split(strings.TrimSuffix(got.body, "\n"), "\n") {
		var e struct{ Name, Action string }
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Action != "CREATED" || i > 1 {
			t.Errorf("line %d: %v %s", i, err, line)
		}
	}
	mustStatus(t, s.ada.open("/history/export?format=xml"), http.StatusBadRequest)
	mustStatus(t, s.ada.open("/history/export?format=csv&from=yesterday"), http.StatusBadRequest)
	s.ada.open("/history/export?format=jsonl").mustContain(t, `"read":"Desk: history export"`, `"filter":"name=exported"`)

	// A member sees the organisation's part, if anything; what is asked for beyond that is not given.
	ivan := p.browser()
	ivan.signIn("/", "ivan@acme.test")
	list, export := ivan.open("/history"), ivan.open("/history/export?format=jsonl")
	if list.status != http.StatusOK || export.status != http.StatusOK && export.status != http.StatusForbidden || strings.Contains(export.body, "Exported 100") {
		t.Errorf("got %d and %d: %.500s", list.status, export.status, export.body)
	}
	if offered := strings.Contains(list.body, "/history/export"); offered != (export.status == http.StatusOK) {
		t.Errorf("offered %v, answered %d", offered, export.status)
	}
}
