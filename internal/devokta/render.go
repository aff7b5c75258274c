package devokta

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/devokta/world"
)

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client went away; there is nobody to tell
}

// refused logs a refusal, here and in the System Log: by reason, never with a credential that was sent.
func (s *Server) refused(r *http.Request, why *refusal, debug map[string]string, about ...world.Target) {
	s.log.Info("request refused", "path", r.URL.Path, "error", why.Row.Error, "reason", why.Reason)
	s.mu.Lock()
	s.world.Note(eventType(r, why), why.Reason, debug, about...)
	s.mu.Unlock()
	s.touch()
}

// eventType is the System Log's name for what was asked.
func eventType(r *http.Request, why *refusal) string {
	prefix := "app.oauth2.as."
	if strings.HasPrefix(r.URL.Path, "/oauth2/v1/") {
		prefix = "app.oauth2."
	}
	switch last := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]; {
	case why != nil && why.Row.Error == "invalid_client":
		return "app.oauth2.invalid_client_credentials"
	case last == "token":
		return prefix + "token.grant"
	case last == "revoke":
		return prefix + "token.revoke"
	}
	return prefix + "authorize"
}

// oauthError is Okta's first shape.
func (s *Server) oauthError(w http.ResponseWriter, r *http.Request, why *refusal, about ...world.Target) {
	s.refused(r, why, nil, about...)
	if why.Row.Error == "invalid_client" && r.Header.Get("Authorization") != "" {
		w.Header().Set("WWW-Authenticate", `Basic realm="`+s.cfg.PublicURL+`"`) // RFC 6749, section 5.2
	}
	writeJSON(w, why.Status, map[string]string{"error": why.Row.Error, "error_description": why.Text})
}

// redirectError is the second shape: back to a redirect URI that has been checked.
func (s *Server) redirectError(w http.ResponseWriter, r *http.Request, req *authorizeRequest, why *refusal, about ...world.Target) {
	s.refused(r, why, map[string]string{"redirectUri": req.RedirectURI, "clientId": req.ClientID}, about...)
	s.respond(w, r, req, url.Values{"error": {why.Row.Error}, "error_description": {why.Text}})
}

// respond sends the authorization response in the mode that was asked for.
func (s *Server) respond(w http.ResponseWriter, r *http.Request, req *authorizeRequest, answer url.Values) {
	if req.State != "" {
		answer.Set("state", req.State)
	}
	if req.Mode == modeFormPost {
		s.formPostPage(w, req.RedirectURI, answer)
		return
	}
	redirect(w, r, withAnswer(req.RedirectURI, req.Mode, answer))
}

// withAnswer keeps the redirect URI's own query, byte for byte.
func withAnswer(target, mode string, answer url.Values) string {
	if mode == modeFragment {
		return target + "#" + answer.Encode()
	}
	if u, err := url.Parse(target); err == nil && u.RawQuery != "" {
		return target + "&" + answer.Encode()
	}
	return target + "?" + answer.Encode()
}

// redirect turns a POST into a GET, so that a password is never replayed to the client (RFC 9700).
func redirect(w http.ResponseWriter, r *http.Request, target string) {
	status := http.StatusFound
	if r.Method == http.MethodPost {
		status = http.StatusSeeOther
	}
	w.Header().Set("Location", target)
	w.WriteHeader(status)
}

// apiError is the third shape, the Management API's.
func (s *Server) apiError(w http.ResponseWriter, e *world.Error) {
	if e.Status == http.StatusTooManyRequests && w.Header().Get("X-Rate-Limit-Reset") == "" {
		s.rateLimitHeaders(w)
	}
	causes := []map[string]string{}
	for _, cause := range e.Causes {
		causes = append(causes, map[string]string{"errorSummary": cause})
	}
	writeJSON(w, e.Status, map[string]any{
		"errorCode": e.Code, "errorSummary": e.Summary, "errorLink": e.Code,
		"errorId": "oae" + s.random.token()[:22], "errorCauses": causes,
	})
}

func (s *Server) rateLimitHeaders(w http.ResponseWriter) {
	h := w.Header()
	h.Set("X-Rate-Limit-Limit", "600")
	h.Set("X-Rate-Limit-Remaining", "0")
	h.Set("X-Rate-Limit-Reset", strconv.FormatInt(s.now().Add(time.Minute).Unix(), 10))
}

// internal hides the cause from the caller and keeps it in the log.
func (s *Server) internal(w http.ResponseWriter, r *http.Request, err error) {
	s.log.Error("request failed", "path", r.URL.Path, "error", err)
	s.apiError(w, world.ErrInternal)
}
