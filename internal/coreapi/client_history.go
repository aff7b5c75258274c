package coreapi

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/httpx"
)

var historyPath = []string{"api", "history", "v1"}

// HistoryQuery chooses a page of the history. Zero values do not filter.
type HistoryQuery struct {
	Page, Size      int    // 0-based; Size 0 is the default
	Sort            string // one of HistorySorts; empty: the newest first
	Descending      bool   // with Sort only
	Actions         []string
	EntityTypes     []string
	EntityIDs       []string
	Users           []string
	Sources         []string
	OrganisationIDs []access.OrganisationID
	After, Before   time.Time // inclusive
	System          bool      // every organisation and the system; needs SYSTEM_HISTORY_LIST
}

func (q HistoryQuery) values() url.Values {
	size := q.Size
	if size == 0 {
		size = httpx.DefaultPageSize
	}
	v := url.Values{"page": {strconv.Itoa(q.Page)}, "pageSize": {strconv.Itoa(size)}}
	if q.Sort != "" {
		v.Set("sort", q.Sort)
		v.Set("sortDirection", "ASC")
		if q.Descending {
			v.Set("sortDirection", "DESC")
		}
	}
	for name, values := range map[string][]string{
		"actions[]": q.Actions, "entityTypes[]": q.EntityTypes, "entityIds[]": q.EntityIDs,
		"users[]": q.Users, "sources[]": q.Sources,
	} {
		if len(values) > 0 {
			v[name] = values
		}
	}
	for _, id := range q.OrganisationIDs {
		v.Add("organisationIds[]", string(id))
	}
	if !q.After.IsZero() {
		v.Set("createdDateAfter", httpx.Timestamp(q.After))
	}
	if !q.Before.IsZero() {
		v.Set("createdDateBefore", httpx.Timestamp(q.Before))
	}
	if q.System {
		v.Set("showSystemHistory", "true")
	}
	return v
}

// ListHistory reads one page.
func (c *Client) ListHistory(ctx context.Context, token string, q HistoryQuery) (httpx.List[HistoryEntry], error) {
	var list httpx.List[HistoryEntry]
	err := c.do(ctx, call{method: http.MethodGet, path: historyPath, query: q.values(), token: token, status: http.StatusOK, into: &list})
	return list, err
}

// GetHistory reads one entry; an unknown id is fault.HistoryEntryMissing.
func (c *Client) GetHistory(ctx context.Context, token, id string) (HistoryDetail, error) {
	var e HistoryDetail
	path, err := pathID("id", id)
	if err != nil {
		return e, err
	}
	err = c.do(ctx, call{method: http.MethodGet, path: sub(historyPath, path), token: token, status: http.StatusOK, into: &e})
	return e, err
}

// CreateHistory appends an entry; its user is the token's.
func (c *Client) CreateHistory(ctx context.Context, token string, e HistoryCreate) (id string, err error) {
	var created Created
	err = c.do(ctx, call{method: http.MethodPost, path: historyPath, body: e, token: token, status: http.StatusCreated, into: &created})
	return created.ID, err
}
