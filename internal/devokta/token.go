package devokta

import (
	"net/http"
	"slices"
	"time"
)

// idLifetime is fixed at Okta.
const idLifetime = time.Hour

// grantHandler exchanges one kind of grant. It is called with the lock held.
type grantHandler func(params, *application) (*issuance, *refusal)

// grantHandlers: one grant, one file.
func (s *Server) grantHandlers() map[string]grantHandler {
	return map[string]grantHandler{
		grantCode:    s.grantCode,
		grantRefresh: s.grantRefresh,
		grantClient:  s.grantClientCredentials,
	}
}

// grantNames in the order error texts list them.
var grantNames = []string{grantCode, grantRefresh, grantClient}

func (s *Server) serveToken(w http.ResponseWriter, r *http.Request) {
	form, app, ok := s.clientForm(w, r)
	if !ok {
		return
	}
	handler, why := s.grantFor(form.get("grant_type"), app)
	if why != nil {
		s.oauthError(w, r, why)
		return
	}
	s.mu.Lock()
	out, why := handler(form, app)
	s.mu.Unlock()
	s.touch() // a refusal changes the state too: a code may be spent, a family revoked
	if why != nil {
		s.oauthError(w, r, why)
		return
	}
	s.writeTokens(w, r, out)
}

func (s *Server) grantFor(name string, app *application) (grantHandler, *refusal) {
	if name == "" {
		return nil, refuse(errGrantMissing, join(grantNames))
	}
	handler, ok := s.grantHandlers()[name]
	if !ok {
		return nil, refuse(errGrantUnsupported, join(grantNames))
	}
	if !slices.Contains(app.GrantTypes, name) {
		return nil, refuse(errGrantNotAllowed, join(app.GrantTypes))
	}
	return handler, nil
}

// issuance is a decided token answer, ready to be signed without the lock.
type issuance struct {
	access   map[string]any
	identity map[string]any // nil = no ID token
	scopes   []string
	lifetime time.Duration
	refresh  string
}

// tokenAnswer is the token endpoint's answer.
type tokenAnswer struct {
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"`
	AccessToken  string `json:"access_token"`
	Scope        string `json:"scope"`
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
}

func (s *Server) writeTokens(w http.ResponseWriter, r *http.Request, out *issuance) {
	answer := tokenAnswer{
		TokenType: "Bearer", ExpiresIn: int64(out.lifetime / time.Second),
		Scope: scopeString(out.scopes), RefreshToken: out.refresh,
	}
	var err error
	if answer.AccessToken, err = s.sign(r.Context(), out.access); err != nil {
		s.internal(w, r, err)
		return
	}
	if out.identity != nil {
		out.identity["at_hash"] = accessHash(answer.AccessToken)
		if answer.IDToken, err = s.sign(r.Context(), out.identity); err != nil {
			s.internal(w, r, err)
			return
		}
	}
	s.log.Info("tokens issued", "event", "app.oauth2.as.token.grant", "client_id", out.access["cid"])
	writeJSON(w, http.StatusOK, answer)
}
