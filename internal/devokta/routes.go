package devokta

import (
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/portico-iam/portico/internal/devokta/world"
)

// endpoint is a route with the methods it answers to. Its name is what a Fault refers to.
type endpoint struct {
	name    string
	path    string
	methods []string
	serve   http.HandlerFunc
}

var (
	get     = []string{http.MethodGet, http.MethodHead}
	post    = []string{http.MethodPost}
	getPost = []string{http.MethodGet, http.MethodHead, http.MethodPost}
)

// routes: every authorization server has the same endpoints. A custom one has them below its issuer; the org's issuer has no
// path, so its endpoints are below /oauth2 and its metadata at the root.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	for _, e := range []struct {
		name    string
		path    string
		methods []string
		serve   serverFunc
	}{
		{"discovery", "/.well-known/openid-configuration", get, s.serveOpenID},
		{"discovery", "/.well-known/oauth-authorization-server", get, s.serveOAuthMetadata},
		{"keys", "/v1/keys", get, s.serveKeys},
		{"authorize", "/v1/authorize", getPost, s.serveAuthorize},
		{"token", "/v1/token", post, s.serveToken},
		{"userinfo", "/v1/userinfo", getPost, s.serveUserinfo},
		{"introspect", "/v1/introspect", post, s.serveIntrospect},
		{"revoke", "/v1/revoke", post, s.serveRevoke},
		{"logout", "/v1/logout", getPost, s.serveLogout},
		{"par", "/v1/par", post, s.serveDisabled},
		{"device", "/v1/device/authorize", post, s.serveDisabled},
	} {
		s.mount(mux, endpoint{e.name, "/oauth2/{server}" + e.path, e.methods, s.onServer(e.serve)})
		orgPath := e.path
		if e.name != "discovery" {
			orgPath = "/oauth2" + e.path
		}
		s.mount(mux, endpoint{e.name, orgPath, e.methods, s.onOrg(e.serve)})
	}
	for _, e := range []endpoint{
		{"discovery", "/.well-known/oauth-authorization-server/oauth2/{server}", get, s.onServer(s.serveOAuthMetadata)},
		{"organization", "/.well-known/okta-organization", get, s.serveOrganization},
		{"signin", signInPath, getPost, s.serveSignIn},
		{"authn", "/api/v1/authn", post, s.serveAuthn},
		{"assets", "/assets/{file}", get, s.serveAsset},
	} {
		s.mount(mux, e)
	}
	s.mountManagement(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.apiError(w, world.NoPath(r.URL.Path)) })
	return s.guard(mux)
}

func (s *Server) mount(mux *http.ServeMux, e endpoint) {
	serve := s.withFaults(e.name, e.serve)
	mux.HandleFunc(e.path, func(w http.ResponseWriter, r *http.Request) {
		if !slices.Contains(e.methods, r.Method) {
			w.Header().Set("Allow", strings.Join(e.methods, ", "))
			s.apiError(w, world.ErrMethod)
			return
		}
		serve(w, r)
	})
}

// guard refuses what did not come over loopback (NT53). The Host check also stops a foreign site that had
// its name rebound to 127.0.0.1.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Date", s.now().UTC().Format(http.TimeFormat))
		h.Set("X-Okta-Request-Id", s.random.id("req"))
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin") // not no-referrer: that would make form posts carry Origin: null
		h.Set("Cache-Control", "no-cache, no-store")
		h.Set("Pragma", "no-cache")
		if !isLoopback(hostname(r.Host)) || !arrivedOnLoopback(r) {
			s.log.Warn("request from outside refused")
			s.apiError(w, world.ErrPermission)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func hostname(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return strings.Trim(hostport, "[]")
}

// arrivedOnLoopback looks at the address the connection was accepted on.
func arrivedOnLoopback(r *http.Request) bool {
	addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return true // not over a net/http server: a test calling the handler itself
	}
	tcp, ok := addr.(*net.TCPAddr)
	return !ok || tcp.IP.IsLoopback()
}

// serveDisabled answers for endpoints that discovery names, as Okta's does, but this org does not have.
func (s *Server) serveDisabled(w http.ResponseWriter, r *http.Request, _ *authServer) {
	s.oauthError(w, r, refuse(errFeatureDisabled))
}
