package devokta

import (
	"net/http"
	"strings"

	"github.com/portico-iam/portico/internal/devokta/world"
)

// authServer is an authorization server, the org's own or a custom one, as one request sees it: its issuer depends on the
// host that the request named.
type authServer struct {
	*world.Server
	base   string // the URL of the org or of its custom domain
	issuer string
}

const orgServerID = "org"

// serverFunc serves an endpoint of an authorization server.
type serverFunc func(http.ResponseWriter, *http.Request, *authServer)

// onServer finds the custom authorization server in the path by its id or as "default"; one that is unknown or inactive is
// not found. Without API Access Management there is none at all.
func (s *Server) onServer(next serverFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		licensed := s.world.HasAuthorizationServers()
		found, err := s.world.Server(r.PathValue("server"))
		if err == nil && found.Status != world.Active {
			found = nil
		}
		var as *authServer
		if err == nil && found != nil {
			as = s.seen(r, found)
		}
		s.mu.Unlock()
		switch {
		case !licensed:
			s.apiError(w, world.ErrLicence)
		case as == nil:
			s.apiError(w, world.NotFound(r.PathValue("server"), "AuthorizationServer"))
		default:
			next(w, r, as)
		}
	}
}

// onOrg serves the same endpoint of the org authorization server.
func (s *Server) onOrg(next serverFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		as := s.seen(r, s.orgServer)
		s.mu.Unlock()
		next(w, r, as)
	}
}

// seen copies the server, so that the request may read it without the lock. It needs the lock.
func (s *Server) seen(r *http.Request, server *world.Server) *authServer {
	base, seen := s.baseOf(r), *server
	return &authServer{&seen, base, s.issuerOf(server, base, nil)}
}

// serverAgain finds the server of a request that was kept. It needs the lock.
func (s *Server) serverAgain(r *http.Request, id string) *authServer {
	if id == orgServerID {
		return s.seen(r, s.orgServer)
	}
	found, err := s.world.Server(id)
	if err != nil {
		return nil
	}
	return s.seen(r, found)
}

// baseOf is under which of its names the org was addressed. Without a custom domain there is one.
func (s *Server) baseOf(r *http.Request) string {
	_, customHost, _ := strings.Cut(s.customURL, "//")
	if s.world.CustomDomain() && strings.EqualFold(r.Host, customHost) {
		return s.customURL
	}
	return s.cfg.PublicURL
}

// issuerOf follows the server's issuer mode. Where that is DYNAMIC, and at the org authorization server, a client may have
// a mode of its own. It needs the lock.
func (s *Server) issuerOf(server *world.Server, base string, app *world.App) string {
	mode := server.IssuerMode
	if app != nil && mode == world.IssuerDynamic {
		mode = app.OAuth().IssuerMode
	}
	switch {
	case mode == world.IssuerOrg:
		base = s.cfg.PublicURL
	case mode == world.IssuerCustom && s.world.CustomDomain():
		base = s.customURL
	}
	return base + server.Path()
}

// forClient is the issuer in a client's tokens. It needs the lock.
func (s *Server) forClient(as *authServer, app *world.App) string {
	return s.issuerOf(as.Server, as.base, app)
}

// knownIssuer tells whether a token's iss is one of a server's names.
func (s *Server) knownIssuer(server *world.Server, issuer string) bool {
	return issuer == s.cfg.PublicURL+server.Path() || s.world.CustomDomain() && issuer == s.customURL+server.Path()
}
