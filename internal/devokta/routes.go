package devokta

import (
	"net"
	"net/http"
	"slices"
	"strings"
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

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	for _, e := range []endpoint{
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
		e.serve = s.onServer(e.serve)
		e.path = "/oauth2/{server}" + e.path
		mux.HandleFunc(e.path, s.mount(e))
	}
	for _, e := range []endpoint{
		{"discovery", "/.well-known/oauth-authorization-server/oauth2/{server}", get, s.onServer(s.serveOAuthMetadata)},
		{"organization", "/.well-known/okta-organization", get, s.serveOrganization},
		{"signin", signInPath, getPost, s.serveSignIn},
		{"assets", "/assets/{file}", get, s.serveAsset},
	} {
		mux.HandleFunc(e.path, s.mount(e))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.apiError(w, apiNotFound(r.URL.Path)) })
	return s.guard(mux)
}

func (s *Server) mount(e endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !slices.Contains(e.methods, r.Method) {
			w.Header().Set("Allow", strings.Join(e.methods, ", "))
			s.apiError(w, apiMethod)
			return
		}
		if s.faulty(w, r, e.name) {
			return
		}
		e.serve(w, r)
	}
}

// onServer admits the authorization server's id and its alias "default"; another is not found.
func (s *Server) onServer(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if id := r.PathValue("server"); id != "default" && id != s.org.Server.ID {
			s.apiError(w, apiNotFound(id+" (AuthorizationServer)"))
			return
		}
		next(w, r)
	}
}

// guard refuses what did not come over loopback (NT53). The Host check also stops a foreign site that had
// its name rebound to 127.0.0.1.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Okta-Request-Id", s.random.id("req"))
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin") // not no-referrer: that would make form posts carry Origin: null
		h.Set("Cache-Control", "no-cache, no-store")
		h.Set("Pragma", "no-cache")
		if !isLoopback(hostname(r.Host)) || !arrivedOnLoopback(r) {
			s.log.Warn("request from outside refused")
			s.apiError(w, apiForbidden)
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
func (s *Server) serveDisabled(w http.ResponseWriter, r *http.Request) {
	s.oauthError(w, r, refuse(errFeatureDisabled))
}
