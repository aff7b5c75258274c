package devokta

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// serveUserinfo gives what the thin ID token leaves out.
func (s *Server) serveUserinfo(w http.ResponseWriter, r *http.Request) {
	raw, why := bearer(w, r)
	if why != nil {
		s.bearerError(w, r, why)
		return
	}
	token, why := s.activeAccess(raw)
	if why != nil {
		s.bearerError(w, r, why)
		return
	}
	if token.UserID == "" || !slices.Contains(token.Scopes, scopeOpenID) {
		s.bearerError(w, r, refuse(errAccessScopes))
		return
	}
	s.mu.Lock()
	u := s.org.userByID(token.UserID)
	claims, why := s.org.Server.claimsFor(claimInput{
		Type: claimIdentity, ClientID: token.ClientID, User: u, Groups: s.org.groupsOf(u), Scopes: token.Scopes,
	})
	s.mu.Unlock()
	if why != nil {
		s.bearerError(w, r, why)
		return
	}
	maps.Copy(claims, map[string]any{"sub": token.UserID})
	writeJSON(w, http.StatusOK, claims)
}

// activeAccess checks an access token in full: ours, for this server, not expired, not revoked, of a live user.
func (s *Server) activeAccess(raw string) (tokenClaims, *refusal) {
	token, ok := s.readToken(raw, accessPrefix)
	if !ok || token.Audience != s.org.Server.Audience {
		return token, refuse(errAccessInvalid)
	}
	if token.expired(s.now()) {
		return token, refuse(errAccessExpired)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	entry, ok := s.tokens.get(token.ID)
	if !ok {
		return token, refuse(errAccessRevoked)
	}
	if _, ok := s.grants.get(entry.Grant); entry.Grant != "" && !ok {
		return token, refuse(errAccessRevoked)
	}
	if u := s.org.userByID(token.UserID); token.UserID != "" && (u == nil || u.Status != active) {
		return token, refuse(errAccessRevoked)
	}
	return token, nil
}

// bearer reads the access token from the header or the form, never from the URL (RFC 6750).
func bearer(w http.ResponseWriter, r *http.Request) (string, *refusal) {
	if query, why := queryParams(r); why != nil || query.get("access_token") != "" {
		return "", refuse(errAccessInQuery)
	}
	var inBody string
	if r.Method == http.MethodPost && isForm(r) {
		form, why := formParams(w, r)
		if why == nil && form.duplicated() {
			why = refuse(errDuplicate)
		}
		if why != nil {
			return "", why
		}
		inBody = form.get("access_token")
	}
	header := r.Header.Values("Authorization")
	switch {
	case len(header) > 1 || len(header) == 1 && inBody != "":
		return "", refuse(errAccessDuplicate)
	case inBody != "":
		return inBody, nil
	case len(header) == 0:
		return "", refuse(errAccessMissing)
	}
	scheme, token, _ := strings.Cut(header[0], " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", refuse(errAccessMissing)
	}
	if len(token) > maxTokenValue {
		return "", refuse(errAccessInvalid)
	}
	return token, nil
}

// bearerError says why in the header too (RFC 6750, section 3).
func (s *Server) bearerError(w http.ResponseWriter, r *http.Request, why *refusal) {
	challenge := `Bearer authorization_uri="` + s.Issuer() + `/v1/authorize", realm="` + s.Issuer() + `", scope="openid"`
	if why.Reason != errAccessMissing.Reason {
		challenge += `, error="` + why.errorRow.Error + `", error_description="` + why.Text + `"`
	}
	w.Header().Set("WWW-Authenticate", challenge)
	s.refused(r, why)
	writeJSON(w, why.Status, map[string]string{"error": why.errorRow.Error, "error_description": why.Text})
}
