package devokta

import (
	"net/http"
	"slices"
	"time"

	"github.com/portico-iam/portico/internal/devokta/world"
)

// idLifetime is fixed at Okta.
const idLifetime = time.Hour

// grantHandler exchanges one kind of grant. It is called with the lock held.
type grantHandler func(*authServer, params, *world.App) (*issuance, *refusal)

// grantHandlers: one grant, one file.
func (s *Server) grantHandlers() map[string]grantHandler {
	return map[string]grantHandler{
		world.GrantCode:    s.grantCode,
		world.GrantRefresh: s.grantRefresh,
		world.GrantClient:  s.grantClientCredentials,
	}
}

// grantNames in the order error texts list them.
var grantNames = []string{world.GrantCode, world.GrantRefresh, world.GrantClient}

func (s *Server) serveToken(w http.ResponseWriter, r *http.Request, as *authServer) {
	form, app, ok := s.clientForm(w, r, as)
	if !ok {
		return
	}
	handler, why := s.grantFor(form.get("grant_type"), app)
	var thumb string
	if why == nil && (app.OAuth().DPoPBound || r.Header.Get("DPoP") != "") {
		thumb, why = s.proof(w, r, as.base, "")
	}
	if why != nil {
		s.oauthError(w, r, why, world.ClientTarget(app))
		return
	}
	s.mu.Lock()
	out, why := handler(as, form, app)
	if why == nil {
		s.noteTokens(r, out, app)
	}
	s.mu.Unlock()
	s.touch() // a refusal changes the state too: a code may be spent, a family revoked
	if why != nil {
		s.oauthError(w, r, why, world.ClientTarget(app))
		return
	}
	if thumb != "" {
		out.access["cnf"] = bound{thumb}
		out.proven = true
	}
	s.writeTokens(w, r, out)
}

// noteTokens needs the lock.
func (s *Server) noteTokens(r *http.Request, out *issuance, app *world.App) {
	about := []world.Target{world.ClientTarget(app)}
	if id, ok := out.access["uid"].(string); ok {
		if u := s.world.UserByID(id); u != nil {
			about = []world.Target{world.UserTarget(u), about[0]}
		}
	}
	s.world.Note(eventType(r, nil)+".access_token", "", nil, about...)
}

func (s *Server) grantFor(name string, app *world.App) (grantHandler, *refusal) {
	if name == "" {
		return nil, refuse(errGrantMissing, join(grantNames))
	}
	handler, ok := s.grantHandlers()[name]
	if !ok {
		return nil, refuse(errGrantUnsupported, join(grantNames))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(app.OAuth().GrantTypes, name) {
		return nil, refuse(errGrantNotAllowed, join(app.OAuth().GrantTypes))
	}
	return handler, nil
}

// issuance is a decided token answer, ready to be signed without the lock.
type issuance struct {
	as       *authServer
	access   map[string]any
	identity map[string]any // nil = no ID token
	scopes   []string
	lifetime time.Duration
	refresh  string
	proven   bool // bound to a key
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
		TokenType: schemeBearer, ExpiresIn: int64(out.lifetime / time.Second),
		Scope: scopeString(out.scopes), RefreshToken: out.refresh,
	}
	if out.proven {
		answer.TokenType = schemeDPoP
	}
	var err error
	if answer.AccessToken, err = s.signAccess(out.as, out.access); err != nil {
		s.internal(w, r, err)
		return
	}
	if out.identity != nil {
		out.identity["at_hash"] = accessHash(answer.AccessToken)
		if answer.IDToken, err = sign(s.keys.of(out.as.ID).signing(), "", out.identity); err != nil {
			s.internal(w, r, err)
			return
		}
	}
	s.log.Info("tokens issued", "event", "app.oauth2.as.token.grant", "client_id", out.access["cid"])
	writeJSON(w, http.StatusOK, answer)
}
