package bff

import (
	"net/http"
	"slices"
	"strings"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/coreapi"
	"github.com/portico-iam/portico/internal/corecall"
	"github.com/portico-iam/portico/internal/explain"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/httpx"
	"github.com/portico-iam/portico/internal/policy"
	"github.com/portico-iam/portico/internal/revocation"
	"github.com/portico-iam/portico/internal/session"
	"github.com/portico-iam/portico/internal/sts"
)

// Handler is the edge.
type Handler struct {
	Authn    *authn.Authenticator
	Policy   *policy.Service
	Core     *corecall.Caller
	Exchange http.Handler
	Sessions *session.Manager // nil but in the built-in gateway
	Keys     *sts.KeyAdministration
	Proxy    *Proxy

	Services           *sts.Service // knows clients by their secrets
	Introspect, Revoke TokenHandler
	Revocations        *revocation.Service
	Explainer          *explain.Service
	Reads              *history.Gatherer // records who reads in the history; nil: nothing does
	Resource           ProtectedResource

	// ManagementEndpoints switches on whatever administers.
	ManagementEndpoints bool
}

// Mount puts the edge's addresses on mux.
func (h *Handler) Mount(mux *http.ServeMux) {
	mux.Handle("POST "+sts.TokenPath, h.Exchange)
	mux.Handle("POST "+sts.IntrospectionPath, h.service(h.Introspect))
	mux.Handle("POST "+sts.RevocationPath, h.service(h.Revoke))
	mux.HandleFunc("GET "+protectedResourcePath, h.Resource.serve)
	if h.ManagementEndpoints {
		h.mountRoles(mux)
		h.mountIAMRoles(mux)
		h.mountKeys(mux)
		h.mountSessions(mux)
		h.mountProbation(mux)
		h.mountRequests(mux)
		mux.Handle("GET /api/sts/role/v1/{id}/usage", h.called(h.roleUsage))
		mux.Handle("GET /api/sts/finding/v1", h.called(h.listFindings))
		mux.Handle("POST /api/sts/explain/v1", h.called(h.explain))
		mux.Handle("POST /api/sts/preview/v1", h.called(h.preview))
	}
	mux.Handle("GET /api/sts/permission/v1", h.called(h.listPermissions))
	mux.Handle("GET /api/user/v1/me", h.called(h.me))
	mux.Handle("PUT /api/user/v1/active-organisation", h.called(h.setActiveOrganisation))
	for _, namespace := range []string{"/api/sts/", "/api/user/"} {
		mux.HandleFunc(namespace, notOurs) // ours alone: never forwarded
	}
	for _, route := range coreapi.Routes() {
		if route.UnderAPI() {
			mux.Handle(route.String(), h.forward(route))
		}
	}
	mux.Handle("/api/", h.forward(coreapi.Route{}))
	for _, prefix := range []string{"/ssi/", "/.well-known/openid-credential-issuer/", "/.well-known/oauth-authorization-server/ssi/"} {
		mux.Handle(prefix, h.Proxy.Public())
	}
	mux.HandleFunc("GET /api-docs/openapi.json", serveOpenAPI)
}

// notOurs answers for addresses below our own that do not exist or are switched off, and for wrong methods on those that
// do. It knows them from their document, which is tested against the handlers.
func notOurs(w http.ResponseWriter, r *http.Request) {
	if methods := document.methods(r.URL.Path); len(methods) > 0 && !slices.Contains(methods, r.Method) {
		allowed := strings.Join(methods, ", ")
		w.Header().Set("Allow", allowed)
		httpx.WriteError(w, r, fault.MethodNotAllowed.New("expected one of %s, got %s", allowed, r.Method))
		return
	}
	httpx.WriteError(w, r, fault.NotFound.New("there is nothing at this address"))
}

// handler is a handler that knows who calls and may fail.
type handler func(w http.ResponseWriter, r *http.Request, caller *authn.Caller) error

// called authenticates before the handler runs and renders what it returns.
func (h *Handler) called(next handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, err := h.Authn.Authenticate(w, r)
		if err == nil {
			err = next(w, r, caller)
		}
		if err != nil && !h.asked(w, err) {
			h.refuse(w, r, err)
		}
	})
}

// pathID reads the id of the address.
func pathID[ID ~string](r *http.Request) (ID, error) {
	id, err := httpx.ParseUUID(r.PathValue("id"))
	if err != nil {
		return "", fault.InvalidInput.New("id: %s", fault.Of(err).Detail).At("id")
	}
	return ID(id), nil
}

// noQuery refuses any query parameter.
func noQuery(r *http.Request) error { return httpx.NewQuery(r.URL.RawQuery).Err() }

// permissionSet reads names; an unknown one is refused.
func permissionSet(field string, names []string) (access.PermissionSet, error) {
	set, unknown := access.ParseSet(names)
	if len(unknown) > 0 {
		return set, fault.InvalidInput.New("%s: there is no permission %q; GET /api/sts/permission/v1 lists them", field, clip(unknown[0])).At(field)
	}
	return set, nil
}

func clip(s string) string { return fault.Clip(s, 100) }
