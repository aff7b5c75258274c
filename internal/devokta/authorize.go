package devokta

import (
	"net/http"
	"net/url"

	"github.com/portico-iam/portico/internal/devokta/world"
)

// serveAuthorize starts a sign-in, or ends it at once when the browser is signed in already.
func (s *Server) serveAuthorize(w http.ResponseWriter, r *http.Request, as *authServer) {
	p, why := requestParams(w, r)
	if why != nil {
		s.errorPage(w, r, why)
		return
	}
	s.mu.Lock()
	app, target, why := trustedTarget(s.world, p)
	if why != nil {
		s.mu.Unlock()
		s.targetRefused(w, r, p, why)
		return
	}
	req, why := parseAuthorize(as.Server, p, app, target)
	s.mu.Unlock()
	if why != nil {
		s.redirectError(w, r, req, why, world.ClientTarget(app))
		return
	}
	s.authorize(w, r, as, req)
}

// targetRefused shows the page, and notes for the administrator which URI it was about.
func (s *Server) targetRefused(w http.ResponseWriter, r *http.Request, p params, why *refusal) {
	s.errorPageAbout(w, r, why, map[string]string{"redirectUri": p.get("redirect_uri"), "clientId": p.get("client_id")})
}

func (s *Server) authorize(w http.ResponseWriter, r *http.Request, as *authServer, req *authorizeRequest) {
	s.mu.Lock()
	v, u := s.sessionOf(r)
	if req.SessionToken != "" {
		v, u = s.redeemSessionToken(w, r, req.SessionToken)
	}
	var signedIn authentication
	if v != nil {
		signedIn = v.authentication
	}
	s.mu.Unlock()
	switch {
	case v != nil && !req.Fresh && !req.tooOld(signedIn.AuthTime, s.now()) && (signedIn.Strong || !req.strong()):
		s.finish(w, r, as, req, u.ID, signedIn)
	case req.Silent && v != nil:
		s.redirectError(w, r, req, refuse(errSignOnRequired))
	case req.Silent:
		s.redirectError(w, r, req, refuse(errLoginRequired))
	default:
		redirect(w, r, s.suspend(w, r, req))
	}
}

// finish answers the authorize request for a user who is known: a code, or why not.
func (s *Server) finish(w http.ResponseWriter, r *http.Request, as *authServer, req *authorizeRequest, userID string, signedIn authentication) {
	s.mu.Lock()
	var about []world.Target
	if app, u := s.world.Client(req.ClientID), s.world.UserByID(userID); app != nil && u != nil {
		about = []world.Target{world.UserTarget(u), world.ClientTarget(app)}
	}
	value, why := s.newCode(as, req, userID, signedIn)
	if why == nil {
		s.world.Note(eventType(r, nil)+".code", "", nil, about...)
	}
	s.mu.Unlock()
	if why != nil {
		s.redirectError(w, r, req, why, about...)
		return
	}
	s.log.Info("code issued", "event", "app.oauth2.as.authorize.code", "client_id", req.ClientID, "user_id", userID)
	s.respond(w, r, req, url.Values{"code": {value}})
}
