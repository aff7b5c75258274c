package devokta

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/portico-iam/portico/internal/devokta/world"
)

// authMethods is what every Okta endpoint that authenticates clients announces.
var authMethods = []string{"client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"}

// requestAlgorithms and the endpoints of disabled features are announced because Okta announces them whether or not they can
// be used.
var (
	requestAlgorithms = []string{"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512"}
	proofAlgorithms   = []string{"RS256", "RS384", "RS512", "ES256", "ES384", "ES512"}
)

func (s *Server) serveOpenID(w http.ResponseWriter, r *http.Request, as *authServer) {
	doc, ok := s.metadata(w, r, as)
	if !ok {
		return
	}
	doc["userinfo_endpoint"] = endpointOf(as, "/v1/userinfo")
	doc["response_types_supported"] = []string{"code", "id_token", "code id_token", "code token", "id_token token", "code id_token token"}
	doc["grant_types_supported"] = []string{world.GrantCode, world.GrantImplicit, world.GrantRefresh, world.GrantPassword, world.GrantDevice}
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

func (s *Server) serveOAuthMetadata(w http.ResponseWriter, r *http.Request, as *authServer) {
	doc, ok := s.metadata(w, r, as)
	if !ok {
		return
	}
	doc["response_types_supported"] = []string{"code", "token", "id_token", "code id_token", "code token", "id_token token", "code id_token token"}
	// Only this document lists client_credentials; a trap of the real one that is kept.
	doc["grant_types_supported"] = []string{world.GrantCode, world.GrantImplicit, world.GrantRefresh, world.GrantPassword, world.GrantClient, world.GrantDevice}
	doc["claims_supported"] = []string{"ver", "jti", "iss", "aud", "iat", "exp", "cid", "uid", "scp", "sub"}
	if as.Org {
		delete(doc, "jwks_uri")
		doc["scopes_supported"] = slices.Concat(doc["scopes_supported"].([]string), world.OrgScopes())
		doc["frontchannel_logout_supported"], doc["frontchannel_logout_session_supported"] = true, true
	}
	s.writeMetadata(w, doc)
}

// endpointOf is below the issuer; the org's issuer has no path of its own.
func endpointOf(as *authServer, path string) string { return endpointAt(as, as.issuer, path) }

func endpointAt(as *authServer, issuer, path string) string {
	if as.Org {
		return issuer + "/oauth2" + path
	}
	return issuer + path
}

// metadata is what both documents share. With ?client_id= the issuer is the one that client sees.
func (s *Server) metadata(w http.ResponseWriter, r *http.Request, as *authServer) (map[string]any, bool) {
	app, ok := s.knownClientQuery(w, r)
	if !ok {
		return nil, false
	}
	s.mu.Lock()
	issuer := s.forClient(as, app)
	scopes := publishedScopes(as)
	s.mu.Unlock()
	at := func(path string) string { return endpointAt(as, issuer, path) }
	doc := map[string]any{
		"issuer":                           issuer,
		"authorization_endpoint":           at("/v1/authorize"),
		"token_endpoint":                   at("/v1/token"),
		"registration_endpoint":            as.base + "/oauth2/v1/clients",
		"jwks_uri":                         at("/v1/keys"),
		"response_modes_supported":         []string{"query", "fragment", "form_post", "okta_post_message"},
		"subject_types_supported":          []string{"public"},
		"scopes_supported":                 scopes,
		"code_challenge_methods_supported": []string{"S256"},
		"introspection_endpoint":           at("/v1/introspect"),
		"revocation_endpoint":              at("/v1/revoke"),
		"end_session_endpoint":             at("/v1/logout"),
		"request_parameter_supported":      true,

		"request_object_signing_alg_values_supported":   requestAlgorithms,
		"token_endpoint_auth_methods_supported":         authMethods,
		"introspection_endpoint_auth_methods_supported": authMethods,
		"revocation_endpoint_auth_methods_supported":    authMethods,
		"dpop_signing_alg_values_supported":             proofAlgorithms,
		"device_authorization_endpoint":                 at("/v1/device/authorize"),
		"pushed_authorization_request_endpoint":         at("/v1/par"),
	}
	if s.odd().IssuerSlash {
		doc["issuer"] = issuer + "/"
	}
	return doc, true
}

// publishedScopes needs the lock.
func publishedScopes(as *authServer) []string {
	names := []string{}
	for _, sc := range as.Scopes {
		if sc.Published() {
			names = append(names, sc.Name)
		}
	}
	if as.Org {
		names = append(names, world.ScopeGroups)
		slices.Sort(names)
		names = slices.Compact(names)
	}
	return names
}

func (s *Server) writeMetadata(w http.ResponseWriter, doc map[string]any) {
	w.Header().Set("Cache-Control", "max-age=86400, must-revalidate")
	w.Header().Set("Access-Control-Allow-Origin", "*")
	writeJSON(w, http.StatusOK, doc)
}

// knownClientQuery checks the optional ?client_id= of the public documents; nil without one. A bad one is refused in the
// management shape, not OAuth's.
func (s *Server) knownClientQuery(w http.ResponseWriter, r *http.Request) (*world.App, bool) {
	w.Header().Del("Pragma") // these may be cached
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		s.apiError(w, world.ErrMalformed)
		return nil, false
	}
	if !query.Has("client_id") {
		return nil, true
	}
	s.mu.Lock()
	app := s.world.Client(query.Get("client_id"))
	s.mu.Unlock()
	if app == nil {
		s.apiError(w, world.ErrClientQuery)
	}
	return app, app != nil
}

// serveOrganization is the probe that tells an Okta org from anything else.
func (s *Server) serveOrganization(w http.ResponseWriter, _ *http.Request) {
	links := map[string]any{"organization": map[string]string{"href": s.cfg.PublicURL}}
	if s.world.CustomDomain() {
		links["alternate"] = map[string]string{"href": s.customURL}
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"id": s.world.OrgID, "cell": "dev1", "pipeline": "idx", "_links": links,
		"settings": map[string]any{"analyticsCollectionEnabled": false, "bugReportingEnabled": false, "omEnabled": false, "pssoEnabled": false},
	})
}
