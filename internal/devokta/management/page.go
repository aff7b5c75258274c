package management

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/portico-iam/portico/internal/devokta/world"
)

// pages bound a list: how many items a page has when the client does not say, at most, at least. The zero value is a list
// that comes whole.
type pages struct{ usual, most, least int }

// paged cuts one page out of a list and makes the address of the next one.
func paged[T any](c *call, p pages, all []T, id func(T) string) ([]T, string, error) {
	if p.most == 0 {
		return all, "", nil
	}
	limit, err := p.limit(c.query.Get("limit"))
	if err != nil {
		return nil, "", err
	}
	start := 0
	if after := c.query.Get("after"); after != "" {
		if start, err = position(after, all, id); err != nil {
			return nil, "", err
		}
	}
	end := min(start+limit, len(all))
	page := all[start:end]
	if end == len(all) {
		return page, "", nil
	}
	query := c.query
	query.Set("after", cursor(end, id(all[end-1])))
	query.Set("limit", strconv.Itoa(limit))
	return page, c.base + c.r.URL.EscapedPath() + "?" + query.Encode(), nil
}

func (p pages) limit(asked string) (int, error) {
	if asked == "" || asked == "-1" {
		return p.usual, nil
	}
	n, err := strconv.Atoi(asked)
	if err != nil || n < max(p.least, 1) {
		return 0, world.Invalid("limit", fmt.Sprintf("limit: must be %d to %d", max(p.least, 1), p.most))
	}
	return min(n, p.most), nil
}

// cursor is opaque to clients: the last item of the page, and its place in case the item is gone by then.
func cursor(end int, id string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(end) + " " + id))
}

func position[T any](after string, all []T, id func(T) string) (int, error) {
	raw, err := base64.RawURLEncoding.DecodeString(after)
	place, last, ok := strings.Cut(string(raw), " ")
	end, errPlace := strconv.Atoi(place)
	if err != nil || !ok || errPlace != nil || end < 0 {
		return 0, world.Invalid("after", "after: invalid cursor")
	}
	if i := slices.IndexFunc(all, func(item T) bool { return id(item) == last }); i >= 0 {
		return i + 1, nil
	}
	return min(max(end-1, 0), len(all)), nil
}
