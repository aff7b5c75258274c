package devokta

import (
	"net/http"

	"github.com/portico-iam/portico/internal/devokta/world"
)

// serveRevoke ends a token of the client's own. What is unknown, expired or somebody else's is answered the
// same, so that nothing can be learnt from it.
func (s *Server) serveRevoke(w http.ResponseWriter, r *http.Request, as *authServer) {
	form, client, ok := s.clientForm(w, r, as)
	if !ok {
		return
	}
	raw := form.get("token")
	if raw == "" {
		s.oauthError(w, r, refuse(errTokenMissing))
		return
	}
	if token, ok := s.readToken(as, raw, accessPrefix); ok && token.ClientID == client.ClientID() {
		s.mu.Lock()
		s.tokens.remove(token.ID)
		s.mu.Unlock()
	}
	if family, _, ok := s.parseRefresh(raw); ok {
		s.revokeGrant(b64(family), client)
	}
	s.touch()
	w.WriteHeader(http.StatusOK)
}

// revokeGrant ends a sign-in's refresh token and with it its access tokens.
func (s *Server) revokeGrant(family string, client *world.App) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g, ok := s.grants.get(family); ok && g.ClientID == client.ClientID() {
		s.grants.remove(family)
	}
}
