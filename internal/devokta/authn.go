package devokta

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/portico-iam/portico/internal/devokta/world"
)

const (
	sessionTokenLife = 5 * time.Minute
	maxAuthn         = 4 << 10 // bytes of a request
)

// sessionToken proves a password once, to be exchanged for a session at the authorize endpoint.
type sessionToken struct {
	userID  string
	created time.Time
}

// serveAuthn is primary authentication (POST /api/v1/authn): how a program proves a person's password.
func (s *Server) serveAuthn(w http.ResponseWriter, r *http.Request) {
	var credentials struct{ Username, Password string }
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxAuthn))
	if err := decoder.Decode(&credentials); err != nil {
		s.apiError(w, world.ErrMalformed)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u, limited := s.checkPassword(credentials.Username, credentials.Password)
	switch {
	case limited:
		s.apiError(w, world.ErrRate)
	case u == nil:
		s.apiError(w, world.ErrAuthn)
	default:
		value, now := s.random.token(), s.now()
		s.sessionTokens.put(digest(value), &sessionToken{u.ID, now})
		writeJSON(w, http.StatusOK, map[string]any{
			"status": "SUCCESS", "sessionToken": value, "expiresAt": world.At(now.Add(sessionTokenLife)),
			"_embedded": map[string]any{"user": map[string]any{"id": u.ID, "profile": map[string]string{
				"login": u.Login(), "firstName": u.Profile.FirstName, "lastName": u.Profile.LastName,
			}}},
		})
	}
}

// redeemSessionToken signs the browser in by a session token, once. It needs the lock.
func (s *Server) redeemSessionToken(w http.ResponseWriter, r *http.Request, value string) (*session, *world.User) {
	key := digest(value)
	t, ok := s.sessionTokens.get(key)
	s.sessionTokens.remove(key)
	if !ok || !s.now().Before(t.created.Add(sessionTokenLife)) {
		return nil, nil
	}
	u := s.world.UserByID(t.userID)
	if u == nil || u.Status != world.Active {
		return nil, nil
	}
	return s.startSession(w, r, u, false), u
}
