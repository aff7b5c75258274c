package core

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/portico-iam/portico/internal/coreapi"
	"github.com/portico-iam/portico/internal/fault"
)

// routes mounts the whole catalogue: what is served, and what is known but not part of the embedded Core.
func (c *Core) routes() (http.Handler, error) {
	served := c.served()
	mux := http.NewServeMux()
	for _, route := range coreapi.Routes() {
		h, ok := served[route.String()]
		if !ok {
			h = notServed(route)
		}
		delete(served, route.String())
		if route.UnderAPI() {
			mux.Handle(route.String(), c.authorised(route, h))
		} else {
			mux.Handle(route.String(), c.public(h))
		}
	}
	for pattern := range served {
		return nil, fmt.Errorf("core: %s is served but is no route of Core's", pattern)
	}
	mux.HandleFunc("GET /health", health)
	mux.Handle("/", c.public(func(_ http.ResponseWriter, r *http.Request, _ caller) error { return unknown(mux, r) }))
	return mux, nil
}

// served is what this Core does itself.
func (c *Core) served() map[string]handler {
	o, h, s := &organisations{&c.config}, &historyAPI{&c.config}, &server{&c.config, c.keys}
	served := map[string]handler{
		"GET /api/organisation/v1":        o.list,
		"POST /api/organisation/v1":       o.create,
		"GET /api/organisation/v1/{id}":   o.get,
		"PATCH /api/organisation/v1/{id}": o.patch,
		"GET /api/history/v1":             h.list,
		"GET /api/history/v1/{id}":        h.get,
		"GET /api/config/v1":              s.config,
		"GET /api/build-info/v1":          s.buildInfo,
		"DELETE /api/cache/v1":            s.deleteCache,
	}
	if c.config.EnableHistoryCreateEndpoint {
		served["POST /api/history/v1"] = h.create
	}
	return served
}

// notServed answers for a route that Core has and the embedded one has not, to somebody who might use it there.
func notServed(route coreapi.Route) handler {
	return func(http.ResponseWriter, *http.Request, caller) error {
		return fault.NotFound.New("%s is not part of the embedded Core: it needs a full Core, set with core.api.url", route)
	}
}

// public wraps a handler for which nobody needs to be authenticated.
func (c *Core) public(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r, caller{}); err != nil {
			c.refuse(w, r, err)
		}
	})
}

var methods = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

// unknown tells a path that is not there from a method that is not. It is not ServeMux that answers, for its refusals
// are plain text.
func unknown(mux *http.ServeMux, r *http.Request) error {
	var allowed []string
	for _, method := range methods {
		probe := &http.Request{Method: method, Host: r.Host, URL: &url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath}}
		if _, pattern := mux.Handler(probe); pattern != "/" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) > 0 {
		return fault.MethodNotAllowed.New("expected one of the methods %s", strings.Join(allowed, ", "))
	}
	return fault.NotFound.New("Core has no such route")
}
