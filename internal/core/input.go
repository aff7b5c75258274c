package core

import (
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/httpx"
)

// maxPage is the last page that can be asked for; beyond it no list reaches.
const maxPage = 1<<31 - 1

// listQuery begins to read a list's query. In Core page and pageSize are required, so there is always one.
func listQuery(r *http.Request) (*httpx.Query, error) {
	if r.URL.RawQuery == "" {
		return nil, fault.InvalidInput.New("Query extraction error: Query missing")
	}
	return httpx.NewQuery(r.URL.RawQuery), nil
}

// page reads which part of a list is asked for. Without a sort the newest come first, whatever the direction says.
func page(q *httpx.Query, sorts []string) httpx.Page {
	const required = -1
	p := httpx.Page{
		Number: q.Int("page", required, 0, maxPage),
		Size:   q.Int("pageSize", required, 1, httpx.MaxPageSize),
		Sort:   q.OneOf("sort", "", sorts...),
	}
	p.Descending = q.OneOf("sortDirection", "", "ASC", "DESC") == "DESC"
	if p.Sort == "" {
		p.Sort, p.Descending = "createdDate", true
	}
	return p
}

// pathID reads the id of a path.
func pathID(r *http.Request) (string, error) {
	id, err := httpx.ParseUUID(r.PathValue("id"))
	if err != nil {
		return "", fault.InvalidInput.New("Path extraction error: %s", fault.Of(err).Detail)
	}
	return id, nil
}

// optionalUUID reads an id of a body, where there may be none.
func optionalUUID(field, s string) (string, error) {
	if s == "" {
		return "", nil
	}
	id, err := httpx.ParseUUID(s)
	if err != nil {
		return "", fault.InvalidInput.New("%s: %s", field, fault.Of(err).Detail).At(field)
	}
	return id, nil
}

// text checks a value that is stored: present, bounded, and without control characters, for which neither people nor
// databases have a use.
func text(field, s string, most int) error {
	if strings.TrimSpace(s) == "" || len(s) > most {
		return fault.InvalidInput.New("%s: expected text of at most %d bytes, not blank", field, most).At(field)
	}
	return plain(field, s)
}

// plain checks a value that a database is asked for: some refuse NUL and broken UTF-8, which is not their caller's
// mistake.
func plain(field string, values ...string) error {
	for _, s := range values {
		if !utf8.ValidString(s) {
			return fault.InvalidInput.New("%s: expected UTF-8", field).At(field)
		}
		for _, r := range s {
			if unicode.IsControl(r) {
				return fault.InvalidInput.New("%s: expected text without control characters", field).At(field)
			}
		}
	}
	return nil
}
