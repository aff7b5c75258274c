package httpx

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/portico-iam/portico/internal/fault"
)

// readAll reads a query as a list's handler does.
func readAll(raw string) (Page, []string, time.Time, error) {
	q := NewQuery(raw)
	q.Text("name")
	q.AllOf("actions", "CREATED", "DELETED")
	q.Strings("users")
	q.Bool("system")
	q.String("note", "")
	ids := q.UUIDs("ids")
	after := q.Time("after")
	p := q.Page("name", "createdDate")
	return p, ids, after, q.Err()
}

func TestStrictQuery(t *testing.T) {
	for _, c := range []struct{ rule, raw, want string }{
		{"nothing", "", ""},
		{"everything", "name=acme&exact[]=name&actions[]=CREATED&actions[]=DELETED&users[]=ada&system=true&note=&page=2&pageSize=1000&sort=name&sortDirection=DESC&after=2026-01-31T09:30:00Z", ""},
		{"encoded", "na%6De=a%26b&exact%5B%5D=name", ""},
		{"unknown", "x=1&b=2&name=a", "Unknown query params: b, x"},
		{"unknown, without a value", "x", "Unknown query params: x"},
		{"an array without brackets", "users=ada", "Unknown query params: users"},
		{"brackets on a single value", "page[]=1", "Unknown query params: page[]"},
		{"other case", "Page=1", "Unknown query params: Page"},
		{"an empty name", "=1", "Unknown query params: "},
		{"repeated", "page=1&page=2", "page: expected one value, got 2"},
		{"repeated alike", "sort=name&sort=name", "sort: expected one value, got 2"},
		{"semicolon", "page=1;pageSize=2", "malformed query"},
		{"bad escape", "name=%zz", "malformed query"},
		{"cut escape", "name=%4", "malformed query"},
		{"invalid UTF-8", "name=%ff", "expected UTF-8 text"},
		{"invalid UTF-8 in a name", "%ff=1", "expected UTF-8 text"},
		{"zero byte", "note=a%00b", "without NUL"},
		{"zero byte in an array", "users[]=%00", "without NUL"},
		{"too long", "note=" + strings.Repeat("x", 8192), "at most 8192 bytes"},
		{"too many values", strings.Repeat("&users[]=a", 101)[1:], "users[]: expected at most 100 values, got 101"},
		{"not one of", "sort=password", `sort: expected one of name, createdDate, got "password"`},
		{"not one of, empty", "sort=", `sort: expected one of name, createdDate, got ""`},
		{"not one of, other case", "sortDirection=desc", `sortDirection: expected one of ASC, DESC, got "desc"`},
		{"not among", "actions[]=CREATED&actions[]=x", `actions[]: expected one of CREATED, DELETED, got "x"`},
		{"not among, empty", "actions[]=", `actions[]: expected one of`},
		{"exact on another field", "exact[]=id", `exact[]: expected one of name`},
		{"no truth value", "system=1", `system: expected one of true, false, got "1"`},
		{"no truth value, empty", "system=", `system: expected one of true, false, got ""`},
		{"no number", "page=x", `page: expected a whole number from 0 to 1000000, got "x"`},
		{"no number, empty", "page=", `got ""`},
		{"negative", "page=-1", `got "-1"`},
		{"with a sign", "page=%2B1", `got "+1"`},
		{"fraction", "page=1.0", `got "1.0"`},
		{"hexadecimal", "page=0x1", `got "0x1"`},
		{"blank", "page=1%20", `got "1 "`},
		{"other digits", "page=%D9%A1", `got "١"`},
		{"overflow", "page=99999999999999999999", "whole number"},
		{"page too high", "page=1000001", "whole number"},
		{"page size of none", "pageSize=0", "from 1 to 1000"},
		{"page size too high", "pageSize=1001", "from 1 to 1000"},
		{"no UUID", "ids[]=1", `ids[]: expected a UUID, got "1"`},
		{"no time", "after=yesterday", `after: expected a time as 2026-01-31T09:30:00Z, got "yesterday"`},
		{"no time, empty", "after=", "expected a time"},
		{"a time without a zone", "after=2026-01-31T09:30:00", "expected a time"},
		{"a date", "after=2026-01-31", "expected a time"},
		{"no such day", "after=2026-02-30T00:00:00Z", "expected a time"},
		{"a plus that is not encoded", "after=2026-01-31T09:30:00+01:00", "expected a time"},
		{"an encoded plus", "after=2026-01-31T09:30:00%2B01:00", ""},
	} {
		_, _, _, err := readAll(c.raw)
		if c.want == "" && err != nil {
			t.Errorf("%s: refused: %v", c.rule, err)
		}
		if c.want != "" && (!fault.InvalidInput.Is(err) || !strings.Contains(fault.Of(err).Detail, c.want)) {
			t.Errorf("%s: got %v, want %q", c.rule, err, c.want)
		}
	}
}

func TestTheFirstFaultStays(t *testing.T) {
	_, _, _, err := readAll("actions[]=x&page=x&zzz=1")
	if !strings.Contains(fault.Of(err).Detail, "actions[]") {
		t.Errorf("got %v", err)
	}
	long := strings.Repeat("y", 5000)
	if _, _, _, err = readAll(long + "=1"); len(fault.Of(err).Detail) > 300 {
		t.Errorf("the detail quotes %d bytes of the caller's", len(fault.Of(err).Detail))
	}
}

func TestPaging(t *testing.T) {
	for raw, want := range map[string]Page{
		"":                                   {0, 30, "createdDate", true},
		"page=3&pageSize=7":                  {3, 7, "createdDate", true},
		"sortDirection=ASC":                  {0, 30, "createdDate", false},
		"sortDirection=DESC":                 {0, 30, "createdDate", true},
		"sort=name":                          {0, 30, "name", false},
		"sort=name&sortDirection=DESC":       {0, 30, "name", true},
		"sort=createdDate&sortDirection=ASC": {0, 30, "createdDate", false},
		"page=1000000&pageSize=1000":         {1_000_000, 1000, "createdDate", true},
	} {
		if got, _, _, err := readAll(raw); err != nil || got != want {
			t.Errorf("%q: got %+v, %v", raw, got, err)
		}
	}
	q := NewQuery("")
	if q.Int("page", -1, 0, 10); q.Err() == nil {
		t.Error("a required number may be missing")
	}
}

func TestPagesCoverTheList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := make([]int, rapid.IntRange(0, 50).Draw(t, "length"))
		for i := range all {
			all[i] = i
		}
		size := rapid.IntRange(1, 12).Draw(t, "size")
		list := NewList(Slice(all, Page{Size: size}), len(all), size)
		var got []int
		for n := range list.TotalPages {
			page := Slice(all, Page{Number: n, Size: size})
			if len(page) == 0 || len(page) > size {
				t.Fatalf("page %d has %d values", n, len(page))
			}
			got = append(got, page...)
		}
		if fmt.Sprint(got) != fmt.Sprint(all) || list.TotalItems != len(all) {
			t.Fatalf("the pages hold %v", got)
		}
		if beyond := Slice(all, Page{Number: list.TotalPages, Size: size}); len(beyond) != 0 {
			t.Fatalf("behind the last page: %v", beyond)
		}
	})
	if got := NewList[int](nil, 0, 0); got.Values == nil || got.TotalPages != 0 {
		t.Errorf("got %+v; values must be [] in JSON", got)
	}
}

func TestTextFilters(t *testing.T) {
	for _, c := range []struct {
		raw, name string
		want      bool
	}{
		{"", "anything", true},
		{"name=", "anything", true},
		{"name=acme", "Acme Issuance", true},
		{"name=%C3%A9", "Équipe", true},
		{"name=cme", "Acme Issuance", false},
		{"name=Acme&exact[]=name", "Acme", true},
		{"name=acme&exact[]=name", "Acme", false},
		{"name=Acme&exact[]=name", "Acme Issuance", false},
		{"name=%25", "Acme", false},
		{"name=_", "Acme", false},
	} {
		q := NewQuery(c.raw)
		if got := q.Text("name")(c.name); got != c.want || q.Err() != nil {
			t.Errorf("%q on %q: %v, %v", c.raw, c.name, got, q.Err())
		}
	}
}

func TestUUIDs(t *testing.T) {
	const plain = "6a3c0f0e-0000-4000-8000-00000000000f"
	for s, ok := range map[string]bool{
		plain:                                  true,
		strings.ToUpper(plain):                 true,
		"":                                     false,
		"1":                                    false,
		"urn:uuid:" + plain:                    false,
		"{" + plain + "}":                      false,
		"6a3c0f0e00004000800000000000000f":     false,
		"6a3c0f0e00004000800000000000000f0000": false,
		" " + plain[1:]:                        false,
		plain + "\n":                           false,
		plain[:35] + "g":                       false,
		plain[:35] + "\x00":                    false,
		"6a3c0f0e_0000_4000_8000_00000000000f": false,
		"6a3c0f0e-0000-4000-80000-0000000000f": false,
		"／" + plain[3:]:                        false,
	} {
		got, err := ParseUUID(s)
		if (err == nil) != ok || ok && got != plain {
			t.Errorf("%q: got %q, %v", s, got, err)
		}
	}
	_, ids, _, err := readAll(url.Values{"ids[]": {strings.ToUpper(plain)}}.Encode())
	if err != nil || len(ids) != 1 || ids[0] != plain {
		t.Errorf("got %v, %v", ids, err)
	}
}

func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"page=1", "name=a&exact[]=name", "ids[]=6a3c0f0e-0000-4000-8000-00000000000f", "a=1;b=2", "%ff", "after=2026-01-31T09:30:00Z"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		p, _, _, err := readAll(raw)
		if err != nil && !fault.InvalidInput.Is(err) {
			t.Fatalf("got %v", err)
		}
		if p.Number < 0 || p.Number > maxPage || p.Size < 1 || p.Size > MaxPageSize {
			t.Fatalf("got %+v", p)
		}
	})
}
