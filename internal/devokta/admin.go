package devokta

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/portico-iam/portico/internal/devokta/management"
	"github.com/portico-iam/portico/internal/devokta/world"
)

// mountManagement puts the Management API on the mux.
func (s *Server) mountManagement(mux *http.ServeMux) {
	s.api = &management.Handler{
		World: s.world, Lock: &s.mu, Save: s.save, Now: s.now, Keys: apiKeys{s.keys}, OAuth: s.administrator,
		Base: s.baseOf, Fail: s.apiError, Clients: s.clientsOf, Ended: s.endUser,
		Issuer: func(r *http.Request, as *world.Server) string { return s.issuerOf(as, s.baseOf(r), nil) },
		Gate: func(area string, next http.HandlerFunc) http.HandlerFunc {
			served := s.withFaults(managementEndpoint+"/"+area, next)
			return func(w http.ResponseWriter, r *http.Request) {
				s.observers.tell(Request{r.Method, r.URL.Path, r.URL.RawQuery, area})
				served(w, r)
			}
		},
	}
	s.api.Mount(mux)
}

// administrator judges an access token of the org authorization server at the Management API: the token, its proof, and the
// roles of its client. A person's token has the roles of that person, which only the org's administrator has.
func (s *Server) administrator(w http.ResponseWriter, r *http.Request) (management.Caller, bool) {
	s.mu.Lock()
	as := s.seen(r, s.orgServer)
	s.mu.Unlock()
	token, why := s.presented(w, r, as)
	if why != nil {
		s.apiChallenge(w, r, as, why)
		return management.Caller{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	caller := management.Caller{OAuth: true, Scopes: token.Scopes}
	if app := s.world.Client(token.ClientID); app != nil && token.UserID == "" {
		caller.Roles = app.RoleTypes()
	}
	if token.UserID != "" && token.UserID == s.world.Admin {
		caller.Roles = []string{world.SuperAdmin}
	}
	return caller, true
}

// apiChallenge is the refusal of a token: Okta's error object, and OAuth's reason in the header.
func (s *Server) apiChallenge(w http.ResponseWriter, r *http.Request, as *authServer, why *refusal) {
	scheme := schemeBearer
	if strings.Contains(why.Row.Error, "dpop") {
		scheme = `DPoP algs="` + strings.Join(proofAlgorithms, " ") + `",`
	}
	w.Header().Set("WWW-Authenticate", fmt.Sprintf(`%s authorization_uri=%q, realm=%q, error=%q, error_description=%q, resource=%q`,
		scheme, endpointOf(as, "/v1/authorize"), as.base, why.Row.Error, why.Text, r.URL.Path))
	s.refused(r, why, nil)
	s.apiError(w, world.ErrToken)
}

// clientsOf are the clients that hold refresh tokens of a server. It needs the lock.
func (s *Server) clientsOf(serverID string) []string {
	var ids []string
	seen := map[string]bool{}
	for _, g := range s.grants.all {
		if g.Server == serverID && g.Refresh && g.live(s.now()) && !seen[g.ClientID] {
			seen[g.ClientID] = true
			ids = append(ids, g.ClientID)
		}
	}
	return ids
}
