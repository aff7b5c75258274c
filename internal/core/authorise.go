package core

import (
	"net/http"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/coreapi"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/httpx"
)

// require lets a caller pass who holds at least one of the permissions. An empty list is a mistake in the program, and
// refuses everybody, those with every permission too.
func (c caller) require(anyOf []access.Permission) error {
	if len(anyOf) == 0 {
		return fault.Forbidden.New("the route names no permission")
	}
	if c.everything {
		return nil
	}
	for _, p := range anyOf {
		if c.permissions.Has(p) {
			return nil
		}
	}
	return fault.Forbidden.New("expected one of the permissions %v", anyOf)
}

// holds tells whether the caller has a permission.
func (c caller) holds(p access.Permission) bool { return c.everything || c.permissions.Has(p) }

// handler answers a request of a caller who may make it.
type handler func(w http.ResponseWriter, r *http.Request, who caller) error

// authorised puts the route's demand before its handler. Nothing of the request is read before it is met.
func (c *Core) authorised(route coreapi.Route, h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, ok := callerOf(r.Context())
		if !ok { // can't be: the guard is in front of everything under /api
			c.refuse(w, r, fault.Unauthenticated.New("no caller"))
			return
		}
		if route.Kind != coreapi.Authenticated {
			if err := who.require(route.AnyOf); err != nil {
				c.refuse(w, r, err)
				return
			}
		}
		if err := h(w, r, who); err != nil {
			c.refuse(w, r, err)
		}
	})
}

// refuse renders an error as Core does: 401 and 403 have an empty body, whatever is wrong with the input is BR_0084.
func (c *Core) refuse(w http.ResponseWriter, r *http.Request, err error) {
	f := *fault.Of(err)
	switch {
	case f.Code.Status == http.StatusUnauthorized || f.Code.Status == http.StatusForbidden:
		httpx.Logger(r.Context()).InfoContext(r.Context(), "refused", "status", f.Code.Status, "detail", f.Detail, "method", r.Method, "path", r.URL.Path)
		w.WriteHeader(f.Code.Status)
		return
	case f.Code == fault.NotJSON || f.Code == fault.TooLarge:
		f.Code = fault.InvalidInput
	}
	if c.config.HideErrorResponseCause {
		f.Detail = ""
	}
	httpx.WriteError(w, r, &f)
}
