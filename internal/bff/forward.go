package bff

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/coreapi"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/httpx"
	"github.com/portico-iam/portico/internal/sts"
)

// forward decides a route of Core's and passes the request on with an app token. The zero route stands for all that
// the catalogue does not know: those go out with the caller's own token, and Core decides.
func (h *Handler) forward(route coreapi.Route) http.Handler {
	name := route.String()
	return h.called(func(w http.ResponseWriter, r *http.Request, caller *authn.Caller) error {
		org, err := h.place(r, caller, route)
		if err != nil {
			return err
		}
		what := r.Method + " " + r.URL.Path // the caller's own path; never its query
		if route.Kind == 0 && h.Core.Mode != config.AuthSTS {
			// There Core allows everything to everybody, so that only what is decided here may pass.
			return fault.Forbidden.New("%s is not in the catalogue, and Core checks nobody in the mode %s", clip(what), h.Core.Mode)
		}
		if route.Kind == coreapi.NeedsPermission {
			what = name
			if err := h.Policy.Enforce(r.Context(), caller.Principal, org, what, route.AnyOf...); err != nil {
				return err
			}
		}
		if route.Kind == 0 {
			h.Policy.NoteToken(caller.Principal, org, access.EffectiveIn(org)) // what it is used for, Core decides
		}
		token, err := h.Core.Bearer(r.Context(), sts.Request{Principal: caller.Principal, Session: caller.SessionRef(), Organisation: org, Route: clip(what)})
		if err != nil {
			return err
		}
		if strings.HasPrefix(name, "GET /api/history/v1") {
			h.Reads.Note(history.Reading(caller.Principal, org, name, readerFilter(r)))
		}
		h.Proxy.Forward(w, withPaging(r, name), token, caller)
		return nil
	})
}

// readerFilter is what a reader of the history chose: the entry, or the filter without its page.
func readerFilter(r *http.Request) string {
	if id := r.PathValue("id"); id != "" {
		return id
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return "" // Core will refuse it
	}
	query.Del("page")
	query.Del("pageSize")
	return query.Encode()
}

// place finds where the request acts: in an organisation, or on the system.
func (h *Handler) place(r *http.Request, caller *authn.Caller, route coreapi.Route) (access.OrganisationID, error) {
	if route.Scope() == coreapi.ScopeSystem {
		return access.System, nil
	}
	if route.Scope() == coreapi.ScopeMixed && coreapi.AsksForSystem(r.URL.RawQuery) {
		return access.System, nil
	}
	snapshot := h.Policy.Snapshot()
	org, err := caller.Organisation(r, snapshot)
	switch {
	case err == nil && route.Scope() == coreapi.ScopeMixed && !snapshot.Decide(caller.Principal, org, route.AnyOf...).Allowed &&
		snapshot.Decide(caller.Principal, access.System, route.AnyOf...).Allowed:
		return access.System, nil // may not here, but may everywhere
	case fault.OrganisationNotChosen.Is(err) && route.Scope() == coreapi.ScopeMixed && len(snapshot.OrganisationsOf(caller.Principal)) > 1 &&
		!snapshot.Decide(caller.Principal, access.System, route.AnyOf...).Allowed:
		return access.System, err // one of theirs may allow it
	case fault.OrganisationNotChosen.Is(err) && route.Scope() != coreapi.ScopeOrganisation:
		return access.System, nil // any valid principal may ask; what needs an organisation, Core refuses
	}
	return org, err
}

// withPaging completes the two lists of Core's that are also ours by the convention of our own lists, where page and
// pageSize may be absent: Core requires them. What the caller sent stays as it is, byte for byte.
func withPaging(r *http.Request, route string) *http.Request {
	if route != "GET /api/organisation/v1" && route != "GET /api/history/v1" {
		return r
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return r // Core will refuse it
	}
	raw := r.URL.RawQuery
	for _, p := range []struct{ name, value string }{{"page", "0"}, {"pageSize", strconv.Itoa(httpx.DefaultPageSize)}} {
		if !query.Has(p.name) {
			raw = strings.TrimPrefix(raw+"&"+p.name+"="+p.value, "&")
		}
	}
	completed := *r
	u := *r.URL
	u.RawQuery, completed.URL = raw, &u
	return &completed
}
