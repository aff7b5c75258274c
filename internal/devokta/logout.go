package devokta

import (
	"net/http"
	"net/url"
	"slices"
)

// serveLogout ends the browser's Okta session. It does not revoke tokens. Everything is checked before the
// session ends, so that a forged link can't sign anybody out.
func (s *Server) serveLogout(w http.ResponseWriter, r *http.Request, as *authServer) {
	p, why := requestParams(w, r)
	if why == nil && p.duplicated() {
		why = refuse(errDuplicate)
	}
	if why == nil {
		why = s.logout(w, r, as, p)
	}
	if why != nil {
		s.errorPage(w, r, why)
		return
	}
	s.touch()
	target := p.get("post_logout_redirect_uri")
	if target == "" {
		s.signedOutPage(w)
		return
	}
	if state := p.get("state"); state != "" {
		target = withAnswer(target, modeQuery, url.Values{"state": {state}})
	}
	redirect(w, r, target)
}

func (s *Server) logout(w http.ResponseWriter, r *http.Request, as *authServer, p params) *refusal {
	if p.get("id_token_hint") == "" {
		return refuse(errHintMissing)
	}
	hint, ok := s.readToken(as, p.get("id_token_hint"), idPrefix) // expired is fine
	if !ok {
		return refuse(errHint)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	app := s.world.Client(hint.Audience)
	if app == nil {
		return refuse(errHint)
	}
	if target := p.get("post_logout_redirect_uri"); target != "" && !slices.Contains(app.OAuth().LogoutURIs, target) {
		return refuse(errPostLogout)
	}
	// No session is no reason to refuse: it may have ended by itself.
	if _, u := s.sessionOf(r); u != nil && u.ID != hint.Subject {
		return refuse(errHintSession)
	}
	s.endSession(w, r)
	return nil
}
