package signal

import (
	"net/http"
	"net/url"

	"github.com/portico-iam/portico/internal/revocation"
)

const (
	channelFront = "front-channel logout"
	maxQuery     = 4096 // bytes
)

// frontchannel ends the session that the identity provider names in a frame of its sign-out page (OpenID Connect Front-Channel Logout
// 1.0 section 2). Browsers send no cookie of ours there, so it goes by issuer and sid alone, both of which must be right. Whoever knows a
// sid can do this, and nothing else by it; whether there was such a session is not told.
func (s *Service) frontchannel(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	noStore(w)
	h.Set("Content-Type", "text/html; charset=utf-8")
	// The one page that may be framed, by the identity provider alone.
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors "+origin(s.SignIn.Issuer)+"; base-uri 'none'; form-action 'none'")
	t := told{channel: channelFront, by: s.SignIn.Issuer, what: "logout"}
	session, err := s.readFront(r.URL.RawQuery)
	if err == nil {
		var d done
		ended, endErr := s.Revocations.EndSessions(r.Context(), revocation.Filter{Person: revocation.Person{Issuer: s.SignIn.Issuer}, SID: session}, nil)
		if err = endErr; err == nil && len(ended) > 0 { // who guesses leaves no trace but the access log's
			d.wereEnded(ended)
			s.record(r.Context(), t, d)
		}
		if err != nil {
			s.refused(r.Context(), t, err)
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	} else {
		s.refused(r.Context(), t, err)
		w.WriteHeader(http.StatusBadRequest)
	}
	_, _ = w.Write([]byte("<!doctype html><html lang=\"en\"><title>Signed out</title></html>\n"))
}

// readFront returns the session of a request for front-channel logout. What else stands in the query is the provider's.
func (s *Service) readFront(raw string) (string, error) {
	if len(raw) > maxQuery {
		return "", malformed("expected a query of at most %d bytes", maxQuery)
	}
	query, err := url.ParseQuery(raw)
	if err != nil {
		return "", malformed("malformed query")
	}
	if len(query["iss"]) != 1 || len(query["sid"]) != 1 {
		return "", malformed("expected iss and sid, each once: have the provider send them (frontchannel_logout_session_required)")
	}
	if got := query.Get("iss"); got != s.SignIn.Issuer {
		return "", malformed("expected the issuer %s, got %s", s.SignIn.Issuer, clip(got))
	}
	session := query.Get("sid")
	if !plain(session) {
		return "", malformed("sid: expected 1 to %d plain characters", maxName)
	}
	return session, nil
}
