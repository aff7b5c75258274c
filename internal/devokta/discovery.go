package devokta

import (
	"net/http"
	"net/url"
)

// authMethods is what every Okta endpoint that authenticates clients announces.
var authMethods = []string{"client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"}

// requestAlgorithms and the endpoints of disabled features are announced because Okta announces them whether
// or not they can be used.
var requestAlgorithms = []string{"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512"}

func (s *Server) serveOpenID(w http.ResponseWriter, r *http.Request) {
	if !s.knownClientQuery(w, r) {
		return
	}
	doc := s.metadata()
	doc["userinfo_endpoint"] = s.Issuer() + "/v1/userinfo"
	doc["response_types_supported"] = []string{"code", "id_token", "code id_token", "code token", "id_token token", "code id_token token"}
	doc["grant_types_supported"] = []string{grantCode, "implicit", grantRefresh, "password", "urn:ietf:params:oauth:grant-type:device_code"}
	doc["id_token_signing_alg_values_supported"] = []string{"RS256"}
	doc["id_token_encryption_alg_values_supported"] = []string{"RSA-OAEP-256", "RSA-OAEP-384", "RSA-OAEP-512"}
	doc["id_token_encryption_enc_values_supported"] = []string{"A256GCM"}
	doc["claims_supported"] = []string{
		"iss", "ver", "sub", "aud", "iat", "exp", "jti", "auth_time", "amr", "idp", "nonce", "name", "nickname",
		"preferred_username", "given_name", "middle_name", "family_name", "email", "email_verified", "profile",
		"zoneinfo", "locale", "address", "phone_number", "picture", "website", "gender", "birthdate",
		"updated_at", "at_hash", "c_hash",
	}
	s.writeMetadata(w, doc)
}

func (s *Server) serveOAuthMetadata(w http.ResponseWriter, r *http.Request) {
	if !s.knownClientQuery(w, r) {
		return
	}
	doc := s.metadata()
	doc["response_types_supported"] = []string{"code", "token", "id_token", "code id_token", "code token", "id_token token", "code id_token token"}
	// Only this document lists client_credentials; a trap of the real one that is kept.
	doc["grant_types_supported"] = []string{grantCode, "implicit", grantRefresh, "password", grantClient, "urn:ietf:params:oauth:grant-type:device_code"}
	doc["claims_supported"] = []string{"ver", "jti", "iss", "aud", "iat", "exp", "cid", "uid", "scp", "sub"}
	s.writeMetadata(w, doc)
}

// metadata is what both documents share.
func (s *Server) metadata() map[string]any {
	issuer := s.Issuer()
	return map[string]any{
		"issuer":                           issuer,
		"authorization_endpoint":           issuer + "/v1/authorize",
		"token_endpoint":                   issuer + "/v1/token",
		"registration_endpoint":            s.cfg.PublicURL + "/oauth2/v1/clients",
		"jwks_uri":                         issuer + "/v1/keys",
		"response_modes_supported":         []string{"query", "fragment", "form_post", "okta_post_message"},
		"subject_types_supported":          []string{"public"},
		"scopes_supported":                 s.publishedScopes(),
		"code_challenge_methods_supported": []string{"S256"},
		"introspection_endpoint":           issuer + "/v1/introspect",
		"revocation_endpoint":              issuer + "/v1/revoke",
		"end_session_endpoint":             issuer + "/v1/logout",
		"request_parameter_supported":      true,

		"request_object_signing_alg_values_supported":   requestAlgorithms,
		"token_endpoint_auth_methods_supported":         authMethods,
		"introspection_endpoint_auth_methods_supported": authMethods,
		"revocation_endpoint_auth_methods_supported":    authMethods,
		"device_authorization_endpoint":                 issuer + "/v1/device/authorize",
		"pushed_authorization_request_endpoint":         issuer + "/v1/par",
	}
}

func (s *Server) publishedScopes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, sc := range s.org.Server.Scopes {
		if sc.Published {
			names = append(names, sc.Name)
		}
	}
	return names
}

func (s *Server) writeMetadata(w http.ResponseWriter, doc map[string]any) {
	w.Header().Set("Cache-Control", "max-age=86400, must-revalidate")
	w.Header().Set("Access-Control-Allow-Origin", "*")
	writeJSON(w, http.StatusOK, doc)
}

// knownClientQuery checks the optional ?client_id= of the public documents. A bad one is refused in the
// management shape, not OAuth's.
func (s *Server) knownClientQuery(w http.ResponseWriter, r *http.Request) bool {
	w.Header().Del("Pragma") // these may be cached
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		s.apiError(w, apiBadRequest)
		return false
	}
	if !query.Has("client_id") {
		return true
	}
	s.mu.Lock()
	known := s.org.app(query.Get("client_id")) != nil
	s.mu.Unlock()
	if !known {
		s.apiError(w, apiClientID)
	}
	return known
}

// serveOrganization is the probe that tells an Okta org from anything else.
func (s *Server) serveOrganization(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{
		"id": s.org.ID, "cell": "dev1", "pipeline": "idx",
		"_links":   map[string]any{"organization": map[string]string{"href": s.cfg.PublicURL}},
		"settings": map[string]any{"analyticsCollectionEnabled": false, "bugReportingEnabled": false, "omEnabled": false, "pssoEnabled": false},
	})
}
