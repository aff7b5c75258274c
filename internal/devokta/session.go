package devokta

import (
	"net/http"
	"time"

	"github.com/portico-iam/portico/internal/devokta/world"
)

const (
	sessionIdle = 2 * time.Hour // Okta's default
	sessionMax  = 24 * time.Hour
	sessionStep = time.Minute // how exactly the last use is kept
)

// Cookies of localhost are shared by all its ports, so the names must not meet the application's.
const (
	sessionCookie = "devokta_sid"
	browserCookie = "devokta_browser"
)

// session is a browser that is signed in to Okta. It is stored under the digest of its cookie.
type session struct {
	UserID string `json:"userId"`
	authentication
	LastSeen time.Time `json:"lastSeen"`
}

// authentication is when and how somebody proved who they are.
type authentication struct {
	AuthTime time.Time `json:"authTime"`
	Strong   bool      `json:"strong,omitempty"` // by a second factor too
}

func (a authentication) methods() []string {
	if a.Strong {
		return []string{"mfa", "otp", "pwd"}
	}
	return []string{"pwd"}
}

func (v *session) live(now time.Time) bool {
	return now.Before(v.LastSeen.Add(sessionIdle)) && now.Before(v.AuthTime.Add(sessionMax))
}

// sessionOf finds the browser's live session. It needs the lock.
func (s *Server) sessionOf(r *http.Request) (*session, *world.User) {
	key, ok := cookieDigest(r, sessionCookie)
	if !ok {
		return nil, nil
	}
	v, ok := s.sessions.get(key)
	if !ok {
		return nil, nil
	}
	now := s.now()
	u := s.world.UserByID(v.UserID)
	if !v.live(now) || u == nil || u.Status != world.Active {
		s.sessions.remove(key)
		return nil, nil
	}
	if now.Sub(v.LastSeen) >= sessionStep {
		v.LastSeen = now
		s.touch()
	}
	return v, u
}

// startSession signs the browser in under a new id; one it had before ends (no fixation, NT22). It needs the lock.
func (s *Server) startSession(w http.ResponseWriter, r *http.Request, u *world.User, strong bool) *session {
	if old, ok := cookieDigest(r, sessionCookie); ok {
		s.sessions.remove(old)
	}
	now := s.now()
	id := s.random.token()
	v := &session{UserID: u.ID, authentication: authentication{now, strong}, LastSeen: now}
	s.sessions.put(digest(id), v)
	s.setCookie(w, sessionCookie, id)
	return v
}

// endSession forgets the record first, then the cookie. It needs the lock.
func (s *Server) endSession(w http.ResponseWriter, r *http.Request) {
	if key, ok := cookieDigest(r, sessionCookie); ok {
		s.sessions.remove(key)
	}
	s.cookie(w, sessionCookie, "", -1)
}

// browser returns the digest that binds pending requests to this browser, giving it a cookie if it has none.
func (s *Server) browser(w http.ResponseWriter, r *http.Request) string {
	if key, ok := cookieDigest(r, browserCookie); ok {
		return key
	}
	id := s.random.token()
	s.setCookie(w, browserCookie, id)
	return digest(id)
}

// cookieDigest refuses a cookie that is there twice: which one counts must not depend on the order.
func cookieDigest(r *http.Request, name string) (string, bool) {
	found := r.CookiesNamed(name)
	if len(found) != 1 || len(found[0].Value) != 43 {
		return "", false
	}
	return digest(found[0].Value), true
}

func (s *Server) setCookie(w http.ResponseWriter, name, value string) { s.cookie(w, name, value, 0) }

func (s *Server) cookie(w http.ResponseWriter, name, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true,
		Secure: s.secure(), SameSite: http.SameSiteLaxMode,
	})
}
