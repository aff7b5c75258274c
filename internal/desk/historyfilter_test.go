package desk

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/desk/view"
	"github.com/portico-iam/portico/internal/history"
)

// TestNothingMoreThanAskedForIsSent: a filter that can't be used is named, on the page and to whoever wants a file or follows; it
// is never left out, for then there would be more.
func TestNothingMoreThanAskedForIsSent(t *testing.T) {
	b := newBench(t)
	b.Export = b.db
	long := strings.Repeat("x", access.MaxNameLength+1)
	for name, c := range map[string]struct{ query, field, says string }{
		"a name with NUL":              {"name=a%00b", "name", "UTF-8 without NUL"},
		"a name in another encoding":   {"name=%ff", "name", "UTF-8 without NUL"},
		"half a character":             {"name=%e2%82", "name", "UTF-8 without NUL"},
		"a name too long":              {"name=" + long, "name", "at most 255 characters"},
		"a name much too long":         {"name=" + strings.Repeat("%e2%82%ac", 5000), "name", "at most 255 characters"},
		"a user with NUL":              {"user=%00", "user", "UTF-8 without NUL"},
		"a user too long":              {"user=" + long, "user", "at most 255 characters"},
		"two users":                    {"user=ivan&user=vera", "user", "one value, got several"},
		"an organisation with NUL":     {"organisation=%00", "organisation", "UTF-8 without NUL"},
		"an entity in no encoding":     {"entity=%c0%80", "entity", "UTF-8 without NUL"},
		"an unknown action":            {"action=EXPLODED", "action", "one of the list, got"},
		"an action in another case":    {"action=created", "action", "one of the list, got"},
		"an unknown type":              {"type=SPACESHIP", "type", "one of the list, got"},
		"no day":                       {"from=yesterday", "from", "a day such as"},
		"a day with NUL":               {"to=2026-01-31%00", "to", "UTF-8 without NUL"},
		"the second of two at fault":   {"user=ivan&type=SPACESHIP", "type", "one of the list"},
		"a second page, as links have": {"page=2&name=%ff", "name", "UTF-8 without NUL"},
	} {
		t.Run(name, func(t *testing.T) {
			page := b.open(b.historyList, view.HistoryPath+"?"+c.query, ada)
			body := page.Body.String()
			if page.Code != http.StatusOK || !strings.Contains(body, `href="#`+c.field+`"`) || !strings.Contains(body, `id="`+c.field+`"`) || !strings.Contains(body, c.says) {
				t.Errorf("the page says nothing of %s: %d", c.field, page.Code)
			}
			if strings.Contains(body, view.HistoryExportPath) || strings.Contains(body, view.HistoryTailPath) || len(body) > 200_000 {
				t.Errorf("the page offers what would be refused, or is large: %d bytes", len(body))
			}
			export := b.open(b.historyExport, view.HistoryExportPath+"?format=jsonl&"+c.query, ada)
			tail := b.open(b.historyTail, view.HistoryTailPath+"?"+c.query, ada)
			for what, w := range map[string]*httptest.ResponseRecorder{"export": export, "tail": tail} {
				if said := w.Body.String(); w.Code != http.StatusBadRequest || !strings.Contains(said, c.field+": ") || !strings.Contains(said, c.says) || strings.ContainsAny(said, "\x00") {
					t.Errorf("%s: got %d %.300s", what, w.Code, said)
				}
			}
		})
	}
	for _, query := range []string{"user=iv%zzan", "user=ivan;x=y", "%user=ivan"} { // the parser would leave these out
		for what, page := range map[string]pageHandler{view.HistoryPath: b.historyList, view.HistoryExportPath: b.historyExport, view.HistoryTailPath: b.historyTail} {
			if w := b.open(page, what+"?format=csv&"+query, ada); w.Code != http.StatusBadRequest {
				t.Errorf("%s?%s: got %d", what, query, w.Code)
			}
		}
	}
}

// TestFiltersNarrowOrAreNamed: whatever is given narrows the list to exactly that, or is an error, which every link repeats.
func TestFiltersNarrowOrAreNamed(t *testing.T) {
	fields := []string{"action", "type", "user", "organisation", "from", "to", "entity", "name"}
	rapid.Check(t, func(t *rapid.T) {
		field := rapid.SampledFrom(fields).Draw(t, "field")
		value := rapid.OneOf(rapid.String(), rapid.StringN(200, 300, -1), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
			rapid.SampledFrom(append(recordedActions, recordedTypes...)), rapid.SampledFrom([]string{"2026-01-31", "2026-02-30", "\x00"})).Draw(t, "value")
		query := url.Values{field: {value}}
		narrow := func(query url.Values) (view.HistoryList, history.Filter) {
			var v view.HistoryList
			f, err := historyFilter(httptest.NewRequestWithContext(t.Context(), "GET", "/history?"+query.Encode(), nil), &v)
			if err != nil {
				t.Fatal(err)
			}
			return v, f
		}
		v, f := narrow(query)
		set := len(f.Actions)+len(f.EntityTypes)+len(f.Users)+len(f.OrganisationIDs)+len(f.EntityIDs) > 0 || f.Name != "" || !f.After.IsZero() || !f.Before.IsZero()
		if given := strings.TrimSpace(value) != ""; given != (set != (len(v.Errors) > 0)) && (given || set || len(v.Errors) > 0) {
			t.Fatalf("%s=%q: narrowed %v, errors %v", field, value, set, v.Errors)
		}
		if again, _ := narrow(v.List.Filters); len(again.Errors) != len(v.Errors) {
			t.Fatalf("%s=%q: its links say %v, not %v", field, value, again.Errors, v.Errors)
		}
	})
}
