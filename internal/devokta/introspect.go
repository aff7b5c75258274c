package devokta

import (
	"net/http"

	"github.com/portico-iam/portico/internal/devokta/world"
)

// serveIntrospect tells whether a token of this server is active. Access tokens are for resource servers, so
// any client of the server may ask; refresh tokens only the client they were issued to.
func (s *Server) serveIntrospect(w http.ResponseWriter, r *http.Request, as *authServer) {
	form, client, ok := s.clientForm(w, r, as)
	if !ok {
		return
	}
	raw := form.get("token")
	if raw == "" {
		s.oauthError(w, r, refuse(errTokenMissing))
		return
	}
	for _, look := range []func(*authServer, string, *world.App) map[string]any{s.introspectAccess, s.introspectIdentity, s.introspectRefresh} {
		if found := look(as, raw, client); found != nil {
			writeJSON(w, http.StatusOK, found)
			return
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"active": false})
}

func (s *Server) introspectAccess(as *authServer, raw string, _ *world.App) map[string]any {
	token, why := s.activeAccess(as, raw)
	if why != nil {
		return nil
	}
	out := map[string]any{
		"active": true, "token_type": token.Type(), "scope": scopeString(token.Scopes), "client_id": token.ClientID,
		"exp": token.Expires, "iat": token.Issued, "sub": token.Subject, "aud": token.Audience, "iss": token.Issuer,
		"jti": token.ID,
	}
	if token.Bound != nil {
		out["cnf"] = token.Bound
	}
	if token.UserID != "" {
		out["uid"], out["username"] = token.UserID, token.Subject
	}
	return out
}

func (s *Server) introspectIdentity(as *authServer, raw string, _ *world.App) map[string]any {
	token, ok := s.readToken(as, raw, idPrefix)
	if !ok || token.expired(s.now()) {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.world.UserByID(token.Subject)
	if u == nil || u.Status != world.Active {
		return nil
	}
	return map[string]any{
		"active": true, "client_id": token.Audience, "username": u.Login(), "exp": token.Expires, "iat": token.Issued,
		"sub": token.Subject, "aud": token.Audience, "iss": token.Issuer, "jti": token.ID, "uid": u.ID,
	}
}

// introspectRefresh does not rotate: a predecessor is inactive even within the leeway.
func (s *Server) introspectRefresh(as *authServer, raw string, client *world.App) map[string]any {
	family, sequence, ok := s.parseRefresh(raw)
	if !ok {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g, why := s.liveGrant(as, b64(family), client)
	if why != nil || sequence < g.Sequence {
		return nil
	}
	u := s.world.UserByID(g.UserID)
	out := map[string]any{
		"active": true, "token_type": "Bearer", "scope": scopeString(g.Scopes), "client_id": g.ClientID,
		"iat": g.LastUsed.Unix(), "sub": u.Login(), "jti": g.ID, "uid": u.ID, "username": u.Login(),
		"exp": g.LastUsed.Add(g.Window).Unix(),
	}
	if !g.Expires.IsZero() {
		out["exp"] = min(g.Expires.Unix(), g.LastUsed.Add(g.Window).Unix())
	}
	return out
}
