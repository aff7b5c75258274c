package devokta

import (
	"crypto/subtle"
	"net/http"
	"net/url"
	"time"

	"github.com/portico-iam/portico/internal/devokta/world"
)

const (
	signInPath  = "/signin"
	pendingLife = 10 * time.Minute
	// maxLogin is the longest login Okta takes.
	maxLogin = 100
)

// pendingRequest waits for its user to sign in. It belongs to the browser that started it.
type pendingRequest struct {
	request *authorizeRequest
	browser string // digest of the browser's cookie
	created time.Time
}

// suspend keeps the request and returns where to sign in.
func (s *Server) suspend(w http.ResponseWriter, r *http.Request, req *authorizeRequest) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := s.random.token()
	s.pending.put(digest(id), &pendingRequest{request: req, browser: s.browser(w, r), created: s.now()})
	return signInPath + "?" + url.Values{"tx": {id}}.Encode()
}

// resume finds a pending request for this browser. Knowing its id is not enough (NT52).
func (s *Server) resume(r *http.Request, id string) (*pendingRequest, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.pending.get(digest(id))
	if !ok || !s.now().Before(p.created.Add(pendingLife)) {
		return nil, refuse(errSignInGone)
	}
	browser, ok := cookieDigest(r, browserCookie)
	if !ok || subtle.ConstantTimeCompare([]byte(browser), []byte(p.browser)) != 1 {
		return nil, refuse(errSignInForeign)
	}
	return p, nil
}

func (s *Server) serveSignIn(w http.ResponseWriter, r *http.Request) {
	query, why := queryParams(r)
	if why != nil {
		s.errorPage(w, r, why)
		return
	}
	p, why := s.resume(r, query.get("tx"))
	if why != nil {
		s.errorPage(w, r, why)
		return
	}
	if r.Method == http.MethodPost {
		s.submitSignIn(w, r, query.get("tx"), p)
		return
	}
	login := p.request.LoginHint
	if hint := query.get("login_hint"); hint != "" {
		login = hint
	}
	s.signInPage(w, p.request, signInForm{Status: http.StatusOK, Transaction: query.get("tx"), Login: login})
}

func (s *Server) submitSignIn(w http.ResponseWriter, r *http.Request, tx string, p *pendingRequest) {
	if !sameOrigin(r) || !isForm(r) {
		s.errorPage(w, r, refuse(errSignInCrossSite))
		return
	}
	form, why := formParams(w, r)
	if why != nil {
		s.errorPage(w, r, why)
		return
	}
	page := signInForm{Status: http.StatusUnauthorized, Transaction: tx, Login: form.get("username"), Error: unableToSignIn}
	s.mu.Lock()
	u, limited := s.checkPassword(form.get("username"), form.get("password"))
	if u == nil {
		s.mu.Unlock()
		if limited {
			page.Status, page.Error = http.StatusTooManyRequests, tooManyAttempts
			s.rateLimitHeaders(w)
		}
		s.log.Info("sign-in refused", "event", "user.session.start", "rate_limited", limited)
		s.signInPage(w, p.request, page)
		return
	}
	if p.request.strong() && form.get("passcode") != Passcode {
		s.mu.Unlock()
		s.log.Info("sign-in refused", "event", "user.authentication.auth_via_mfa")
		page.Error = wrongPasscode
		s.signInPage(w, p.request, page)
		return
	}
	if _, still := s.pending.get(digest(tx)); !still { // a double click was faster
		s.mu.Unlock()
		s.errorPage(w, r, refuse(errSignInGone))
		return
	}
	s.pending.remove(digest(tx))
	v := s.startSession(w, r, u, p.request.strong())
	signedIn := v.authentication
	u.LastLogin = s.world.Now()
	s.world.Note("user.session.start", "", nil, world.UserTarget(u))
	as := s.serverAgain(r, p.request.Server)
	s.mu.Unlock()
	s.touch()
	if as == nil { // deleted while the page was open
		s.errorPage(w, r, refuse(errSignInGone))
		return
	}
	s.finish(w, r, as, p.request, u.ID, signedIn)
}

// sameOrigin: the browser says where a form came from; a client that is not a browser says nothing.
func sameOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" {
		return false
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host == r.Host
}

const (
	unableToSignIn  = "Unable to sign in"
	wrongPasscode   = "Invalid code. Try again."
	tooManyAttempts = "Unable to sign in. Too many attempts; wait a few minutes."

	maxFailures   = 5
	failureWindow = 5 * time.Minute
)

// attempts counts failed passwords for one login, existing or not.
type attempts struct {
	failures int
	since    time.Time
}

// checkPassword returns the user, or nil and whether it was the rate limit. It needs the lock.
func (s *Server) checkPassword(login, password string) (*world.User, bool) {
	login = world.NormalLogin(login)
	if login == "" || len(login) > maxLogin {
		return nil, false
	}
	now := s.now()
	tries, ok := s.attempts.get(login)
	if !ok || !now.Before(tries.since.Add(failureWindow)) {
		tries = &attempts{since: now}
	}
	if tries.failures >= maxFailures {
		return nil, true
	}
	u := s.world.UserByLogin(login)
	want := Password // compared for an unknown login too, so that both take the same time
	if u != nil {
		want = u.Password
	}
	right := subtle.ConstantTimeCompare([]byte(digest(password)), []byte(digest(want))) == 1
	if u != nil && u.Status == world.Active && right {
		s.attempts.remove(login)
		return u, false
	}
	tries.failures++
	s.attempts.put(login, tries)
	return nil, false
}
