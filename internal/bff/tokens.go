package bff

import (
	"fmt"
	"net/http"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/httpx"
	"github.com/portico-iam/portico/internal/sts"
)

// TokenHandler answers what a service asks about a token.
type TokenHandler func(w http.ResponseWriter, r *http.Request, caller *access.Principal)

// service lets a service through that proves its client by an access token, or by its secret (RFC 7662 section 2.1). A
// session is a person's, and no client.
func (h *Handler) service(next TokenHandler) http.Handler {
	byToken := h.called(func(w http.ResponseWriter, r *http.Request, caller *authn.Caller) error {
		if caller.Session != nil {
			return fault.Unauthenticated.New("expected the service's access token of the identity provider: Authorization: Bearer …")
		}
		if err := h.Services.MustAuthenticate(caller.Principal); err != nil {
			sts.WriteError(w, r, err)
			return nil
		}
		next(w, r, caller.Principal)
		return nil
	})
	bySecret := h.Authn.Gateway.Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		client, err := h.Services.Authenticate(r)
		if err != nil {
			sts.WriteError(w, r, err)
			return
		}
		next(w, r, client)
	}), sts.WriteError)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if _, _, basic := r.BasicAuth(); basic {
			bySecret.ServeHTTP(w, r)
			return
		}
		byToken.ServeHTTP(w, r)
	})
}

// ProtectedResource describes the API to clients: whose tokens it takes (RFC 9728 section 2). Those are the identity
// provider's; the STS's are for Core and the services.
type ProtectedResource struct {
	Resource             string // our public address
	AuthorizationServers []string
}

const protectedResourcePath = "/.well-known/oauth-protected-resource"

func (p ProtectedResource) serve(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "public, max-age=300")
	httpx.WriteJSON(w, http.StatusOK, struct {
		Resource             string   `json:"resource"`
		AuthorizationServers []string `json:"authorization_servers,omitempty"`
		BearerMethods        []string `json:"bearer_methods_supported"`
		Name                 string   `json:"resource_name"`
	}{p.Resource, p.AuthorizationServers, []string{"header"}, "Portico"})
}

// challenge tells who is not authenticated where to learn how (RFC 9728 section 5.1). That a token was refused is told
// only to who sent one (RFC 6750 section 3.1).
func (p ProtectedResource) challenge(r *http.Request) string {
	refused := ""
	if r.Header.Get("Authorization") != "" {
		refused = `, error="invalid_token"`
	}
	return fmt.Sprintf(`Bearer realm="portico"%s, resource_metadata="%s%s"`, refused, p.Resource, protectedResourcePath)
}

// refuse renders an error.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if fault.Unauthenticated.Is(err) {
		w.Header().Set("WWW-Authenticate", h.Resource.challenge(r))
	}
	httpx.WriteError(w, r, err)
}
