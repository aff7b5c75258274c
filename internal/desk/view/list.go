package view

import (
	"net/url"
	"strconv"

	"github.com/portico-iam/portico/internal/desk/wording"
)

// List is the state of a table, all of it kept in the address: q, sort, dir (asc, desc), page (from 1)
// and the filters of the page at hand.
type List struct {
	Path       string
	Query      string // search text
	Sort       string // column key
	Descending bool
	Page       int // from 1
	PageSize   int
	Total      int        // rows that match
	Filters    url.Values // what else narrows the list
}

func (l List) address(sort string, descending bool, page int) string {
	v := url.Values{}
	for key, values := range l.Filters {
		for _, value := range values {
			if value != "" {
				v.Add(key, value)
			}
		}
	}
	if l.Query != "" {
		v.Set("q", l.Query)
	}
	if sort != "" {
		v.Set("sort", sort)
		v.Set("dir", direction(descending))
	}
	if page > 1 {
		v.Set("page", strconv.Itoa(page))
	}
	if len(v) == 0 {
		return l.Path
	}
	return l.Path + "?" + v.Encode()
}

func direction(descending bool) string {
	if descending {
		return "desc"
	}
	return "asc"
}

func (l List) pages() int {
	if l.PageSize <= 0 || l.Total == 0 {
		return 1
	}
	return (l.Total + l.PageSize - 1) / l.PageSize
}

func (l List) pageHref(page int) string { return l.address(l.Sort, l.Descending, page) }

// sortHref turns the direction round when the list is sorted by that column already.
func (l List) sortHref(key string) string {
	return l.address(key, l.Sort == key && !l.Descending, 1)
}

func (l List) narrowed() bool {
	for _, values := range l.Filters {
		for _, value := range values {
			if value != "" {
				return true
			}
		}
	}
	return l.Query != ""
}

func (l List) extent() wording.Phrase {
	if l.Total == 0 {
		return later("none")
	}
	first := (l.Page-1)*l.PageSize + 1
	last := min(l.Page*l.PageSize, l.Total)
	return later("%d–%d of %d", first, last, l.Total)
}

// column is a table's column; one with a key can be sorted by.
type column struct {
	Label, Key string
	Numeric    bool
	Spare      bool // left out where there is no room
	Hidden     bool // its label is for those who listen
}

func (l List) ariaSort(c column) string {
	switch {
	case c.Key == "" || l.Sort != c.Key:
		return ""
	case l.Descending:
		return "descending"
	}
	return "ascending"
}
