package devokta

import (
	"net/http"
	"net/url"
	"time"
)

// serveAuthorize starts a sign-in, or ends it at once when the browser is signed in already.
func (s *Server) serveAuthorize(w http.ResponseWriter, r *http.Request) {
	p, why := requestParams(w, r)
	if why != nil {
		s.errorPage(w, r, why)
		return
	}
	s.mu.Lock()
	app, target, why := s.org.trustedTarget(p)
	if why != nil {
		s.mu.Unlock()
		s.errorPage(w, r, why)
		return
	}
	req, why := s.org.Server.parseAuthorize(p, app, target)
	s.mu.Unlock()
	if why != nil {
		s.redirectError(w, r, req, why)
		return
	}
	s.authorize(w, r, req)
}

func (s *Server) authorize(w http.ResponseWriter, r *http.Request, req *authorizeRequest) {
	s.mu.Lock()
	v, u := s.sessionOf(r)
	var signedIn time.Time
	if v != nil {
		signedIn = v.AuthTime
	}
	s.mu.Unlock()
	switch {
	case v != nil && !req.Fresh && !req.tooOld(signedIn, s.now()):
		s.finish(w, r, req, u.ID, signedIn)
	case req.Silent && v != nil:
		s.redirectError(w, r, req, refuse(errSignOnRequired))
	case req.Silent:
		s.redirectError(w, r, req, refuse(errLoginRequired))
	default:
		redirect(w, r, s.suspend(w, r, req))
	}
}

// finish answers the authorize request for a user who is known: a code, or why not.
func (s *Server) finish(w http.ResponseWriter, r *http.Request, req *authorizeRequest, userID string, signedIn time.Time) {
	s.mu.Lock()
	value, why := s.newCode(req, userID, signedIn)
	s.mu.Unlock()
	if why != nil {
		s.redirectError(w, r, req, why)
		return
	}
	s.log.Info("code issued", "event", "app.oauth2.as.authorize.code", "client_id", req.ClientID, "user_id", userID)
	s.respond(w, r, req, url.Values{"code": {value}})
}

// mayUse checks, in Okta's order, assignment and then policy. It needs the lock.
func (s *Server) mayUse(app *application, u *user, scopes []string) (rule, *refusal) {
	if app == nil || u == nil || u.Status != active || !s.org.assigned(app, u) {
		return rule{}, refuse(errNotAssigned)
	}
	return s.org.Server.evaluate(accessRequest{
		ClientID: app.ClientID, Grant: grantCode, User: u, Groups: s.org.groupsOf(u), Scopes: scopes,
	})
}
