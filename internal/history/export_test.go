package history

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// pages is a store of some entries, which may break off.
type pages struct {
	entries []Exported
	breaks  int // after so many pages; 0: never
	read    int
}

func (p *pages) ReadEntries(_ context.Context, _ Filter, after Position, most int) ([]Exported, error) {
	if p.read++; p.breaks > 0 && p.read > p.breaks {
		return nil, errors.New("the store is away")
	}
	begin := 0
	for i, e := range p.entries {
		if after != (Position{}) && e.ID == after.ID {
			begin = i + 1
		}
	}
	return p.entries[begin:min(begin+most, len(p.entries))], nil
}

func many(n int) (entries []Exported) {
	for i := range n {
		entries = append(entries, Exported{Sequence: int64(i + 1), Hash: origin, Record: Record{Entry: Entry{ID: fmt.Sprint("id ", i), CreatedAt: time.UnixMilli(int64(i))}}})
	}
	return entries
}

func TestExportReadsPageByPage(t *testing.T) {
	for _, n := range []int{0, 1, exportPage - 1, exportPage, exportPage + 1, 3 * exportPage} {
		for format, more := range map[string]int{CSV: 1, JSONLines: 0} {
			var out bytes.Buffer
			said := 0
			e := Export{Store: &pages{entries: many(n)}, Format: format, Progress: func(int64, time.Time) { said++ }}
			got, err := e.Write(t.Context(), &out)
			if err != nil || got != int64(n) || strings.Count(out.String(), "\n") != n+more || said != n/exportPage {
				t.Errorf("%s of %d: got %d, %v, %d lines, told %d times", format, n, got, err, strings.Count(out.String(), "\n"), said)
			}
		}
	}
	if _, err := (Export{Store: &pages{entries: many(2000), breaks: 2}, Format: CSV}).Write(t.Context(), &bytes.Buffer{}); err == nil {
		t.Error("the store breaks off, and nothing is said")
	}
	if _, err := (Export{Store: &pages{}, Format: "xml"}).Write(t.Context(), &bytes.Buffer{}); err == nil {
		t.Error("xml is no format")
	}
	if _, err := (Export{Store: &pages{entries: []Exported{{Record: Record{Unreadable: "no time"}}}}, Format: CSV}).Write(t.Context(), &bytes.Buffer{}); err == nil {
		t.Error("an entry that can't be read is left out")
	}
}

// TestCellsAreHarmless, and can be read back.
func TestCellsAreHarmless(t *testing.T) {
	cell := rapid.OneOf(rapid.String(), rapid.StringMatching("[=+\\-@\t'|\n]?[=+\\-@\t']?.*"))
	rapid.Check(t, func(t *rapid.T) {
		e := Exported{Record: Record{Entry: Entry{
			ID: cell.Draw(t, "id"), Name: cell.Draw(t, "name"), User: cell.Draw(t, "user"), Target: cell.Draw(t, "target"), Metadata: json.RawMessage(cell.Draw(t, "metadata")),
		}}}
		var out bytes.Buffer
		if _, err := (Export{Store: &pages{entries: []Exported{e}}, Format: CSV}).Write(t.Context(), &out); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(&out).ReadAll()
		if err != nil || len(rows) != 2 || !reflect.DeepEqual(rows[0], columns) {
			t.Fatalf("%v: %q", err, rows)
		}
		for column, want := range map[int]string{1: e.ID, 6: e.Name, 9: e.Target, 10: e.User, 11: string(e.Metadata)} {
			got := rows[1][column]
			if got != "" && strings.ContainsAny(got[:1], "=+-@\t\r\n") {
				t.Fatalf("a spreadsheet may run %q", got)
			}
			want = strings.ReplaceAll(want, "\r\n", "\n") // as csv.Reader has it
			if strings.TrimPrefix(got, "'") != want {
				t.Fatalf("expected %q, got %q", want, got)
			}
		}
	})
}

func TestJSONLines(t *testing.T) {
	for metadata, want := range map[string]string{
		"":                                ``,
		"{\n  \"a\": 2.50,\n\"b\":\"<\"}": `,"metadata":{"a":2.50,"b":"<"}`,
		"no JSON\n":                       `,"metadata":"no JSON\n"`,
		"\xff":                            `,"metadata":"` + "\uFFFD" + `"`,
	} {
		var out bytes.Buffer
		e := Exported{Record: Record{Entry: Entry{ID: "i", CreatedAt: time.UnixMilli(1), Action: Created, EntityType: Key, Source: SourceSTS, Metadata: json.RawMessage(metadata)}}}
		if _, err := (Export{Store: &pages{entries: []Exported{e}}, Format: JSONLines}).Write(t.Context(), &out); err != nil {
			t.Fatal(err)
		}
		if got := out.String(); got != `{"id":"i","createdDate":"1970-01-01T00:00:00.001Z","action":"CREATED","entityType":"KEY","source":"STS"`+want+"}\n" {
			t.Errorf("got %s", got)
		}
	}
}
