package coreapi

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/httpx"
)

// MaxOrganisations bounds how many organisations ListOrganisations reads.
const MaxOrganisations = 100_000

var organisationPath = []string{"api", "organisation", "v1"}

// ListOrganisations reads every page. The oldest come first, so that one which is created meanwhile moves none from
// a page that is still to be read to one that was.
func (c *Client) ListOrganisations(ctx context.Context, token string) ([]Organisation, error) {
	var all []Organisation
	for page := 0; ; page++ {
		var list httpx.List[Organisation]
		err := c.do(ctx, call{
			method: http.MethodGet, path: organisationPath, token: token, status: http.StatusOK, into: &list,
			query: url.Values{
				"page": {strconv.Itoa(page)}, "pageSize": {strconv.Itoa(httpx.MaxPageSize)},
				"sort": {"createdDate"}, "sortDirection": {"ASC"},
			},
		})
		if err != nil {
			return nil, err
		}
		// An answer that only looks like an empty list would take every organisation away from everybody.
		if list.Values == nil || len(list.Values) == 0 && list.TotalItems > page*httpx.MaxPageSize {
			return nil, fault.CoreUnavailable.New("expected a list of organisations from Core, got one without values")
		}
		all = append(all, list.Values...)
		if len(all) > MaxOrganisations || list.TotalItems > MaxOrganisations {
			return nil, fault.CoreUnavailable.New("expected at most %d organisations from Core", MaxOrganisations)
		}
		if len(list.Values) == 0 || page+1 >= list.TotalPages {
			return all, nil
		}
	}
}

// GetOrganisation reads one; an unknown id is fault.OrganisationMissing.
func (c *Client) GetOrganisation(ctx context.Context, token string, id access.OrganisationID) (Organisation, error) {
	var o Organisation
	path, err := pathID("id", id)
	if err != nil {
		return o, err
	}
	err = c.do(ctx, call{method: http.MethodGet, path: sub(organisationPath, path), token: token, status: http.StatusOK, into: &o})
	return o, err
}

// CreateOrganisation creates one; an id or name that exists is fault.OrganisationExists.
func (c *Client) CreateOrganisation(ctx context.Context, token string, o OrganisationCreate) (access.OrganisationID, error) {
	var created Created
	err := c.do(ctx, call{method: http.MethodPost, path: organisationPath, body: o, token: token, status: http.StatusCreated, into: &created})
	return access.OrganisationID(created.ID), err
}

// PatchOrganisation changes one, or creates it where the id is unknown.
func (c *Client) PatchOrganisation(ctx context.Context, token string, id access.OrganisationID, p OrganisationPatch) error {
	path, err := pathID("id", id)
	if err != nil {
		return err
	}
	return c.do(ctx, call{method: http.MethodPatch, path: sub(organisationPath, path), body: p, token: token, status: http.StatusNoContent})
}

func sub(path []string, id string) []string { return append(path[:len(path):len(path)], id) }
