package devokta

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/portico-iam/portico/internal/devokta/world"
)

// serveUserinfo gives what the thin ID token leaves out.
func (s *Server) serveUserinfo(w http.ResponseWriter, r *http.Request, as *authServer) {
	token, why := s.presented(w, r, as)
	if why == nil && (token.UserID == "" || !slices.Contains(token.Scopes, world.ScopeOpenID)) {
		why = refuse(errAccessScopes)
	}
	if why != nil {
		s.bearerError(w, r, as, why)
		return
	}
	s.mu.Lock()
	claims, why := s.world.Claims(as.Server, world.ClaimInput{
		Type: world.ClaimIdentity, App: s.world.Client(token.ClientID), User: s.world.UserByID(token.UserID), Scopes: token.Scopes,
	})
	s.mu.Unlock()
	if why != nil {
		s.bearerError(w, r, as, why)
		return
	}
	maps.Copy(claims, map[string]any{"sub": token.UserID})
	writeJSON(w, http.StatusOK, claims)
}

// presented is the access token of a request, checked in full, with the proof that a bound token needs.
func (s *Server) presented(w http.ResponseWriter, r *http.Request, as *authServer) (tokenClaims, *refusal) {
	raw, scheme, why := bearer(w, r)
	if why != nil {
		return tokenClaims{}, why
	}
	token, why := s.activeAccess(as, raw)
	switch {
	case why != nil:
	case token.Bound == nil && scheme == schemeDPoP:
		why = refuse(errAccessInvalid)
	case token.Bound != nil && scheme != schemeDPoP:
		why = refuse(errProofMissing)
	case token.Bound != nil:
		var thumb string
		if thumb, why = s.proof(w, r, as.base, raw); why == nil && thumb != token.Bound.Thumbprint {
			why = refuse(errProof, "The DPoP proof JWT key is not the one that the access token is bound to.")
		}
	}
	return token, why
}

// activeAccess checks an access token in full: ours, for this server, not expired, not revoked, of a live user.
func (s *Server) activeAccess(as *authServer, raw string) (tokenClaims, *refusal) {
	token, ok := s.readToken(as, raw, accessPrefix)
	if !ok {
		return token, refuse(errAccessInvalid)
	}
	if token.expired(s.now()) {
		return token, refuse(errAccessExpired)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if token.Audience != as.Audience() {
		return token, refuse(errAccessInvalid)
	}
	entry, ok := s.tokens.get(token.ID)
	if !ok {
		return token, refuse(errAccessRevoked)
	}
	if _, ok := s.grants.get(entry.Grant); entry.Grant != "" && !ok {
		return token, refuse(errAccessRevoked)
	}
	if u := s.world.UserByID(token.UserID); token.UserID != "" && (u == nil || u.Status != world.Active) {
		return token, refuse(errAccessRevoked)
	}
	return token, nil
}

const (
	schemeBearer = "Bearer"
	schemeDPoP   = "DPoP"
)

// bearer reads the access token from the header or the form, never from the URL (RFC 6750).
func bearer(w http.ResponseWriter, r *http.Request) (token, scheme string, why *refusal) {
	if query, why := queryParams(r); why != nil || query.get("access_token") != "" {
		return "", "", refuse(errAccessInQuery)
	}
	var inBody string
	if r.Method == http.MethodPost && isForm(r) {
		form, why := formParams(w, r)
		if why == nil && form.duplicated() {
			why = refuse(errDuplicate)
		}
		if why != nil {
			return "", "", why
		}
		inBody = form.get("access_token")
	}
	header := r.Header.Values("Authorization")
	switch {
	case len(header) > 1 || len(header) == 1 && inBody != "":
		return "", "", refuse(errAccessDuplicate)
	case inBody != "":
		return inBody, schemeBearer, nil
	case len(header) == 0:
		return "", "", refuse(errAccessMissing)
	}
	scheme, token, _ = strings.Cut(header[0], " ")
	switch {
	case token == "":
		return "", "", refuse(errAccessMissing)
	case strings.EqualFold(scheme, schemeBearer):
		scheme = schemeBearer
	case strings.EqualFold(scheme, schemeDPoP):
		scheme = schemeDPoP
	default:
		return "", "", refuse(errAccessMissing)
	}
	if len(token) > maxTokenValue {
		return "", "", refuse(errAccessInvalid)
	}
	return token, scheme, nil
}

// bearerError says why in the header too (RFC 6750, section 3).
func (s *Server) bearerError(w http.ResponseWriter, r *http.Request, as *authServer, why *refusal) {
	challenge := `Bearer authorization_uri="` + endpointOf(as, "/v1/authorize") + `", realm="` + as.issuer + `", scope="openid"`
	if why.Reason != errAccessMissing.Reason {
		challenge += `, error="` + why.Row.Error + `", error_description="` + why.Text + `"`
	}
	w.Header().Set("WWW-Authenticate", challenge)
	s.refused(r, why, nil)
	writeJSON(w, why.Status, map[string]string{"error": why.Row.Error, "error_description": why.Text})
}
