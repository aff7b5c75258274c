package sts

import (
	"net/http"
	"slices"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/httpx"
)

// jwksMaxAge is how long a verifier may keep the key set, in seconds. It must stay far below the ring's overlap.
const jwksMaxAge = "300"

// The addresses below the issuer.
const (
	TokenPath         = "/api/sts/token/v1"
	IntrospectionPath = "/api/sts/token/v1/introspect"
	RevocationPath    = "/api/sts/token/v1/revoke"
)

// metadata is the authorization server metadata of RFC 8414 section 2, of everything that there is.
type metadata struct {
	Issuer                string   `json:"issuer"`
	TokenEndpoint         string   `json:"token_endpoint"`
	JWKSURI               string   `json:"jwks_uri"`
	Scopes                []string `json:"scopes_supported"`
	ResponseTypes         []string `json:"response_types_supported"`
	GrantTypes            []string `json:"grant_types_supported"`
	TokenEndpointAuth     []string `json:"token_endpoint_auth_methods_supported"`
	RevocationEndpoint    string   `json:"revocation_endpoint"`
	RevocationAuth        []string `json:"revocation_endpoint_auth_methods_supported"`
	IntrospectionEndpoint string   `json:"introspection_endpoint"`
	IntrospectionAuth     []string `json:"introspection_endpoint_auth_methods_supported"`
}

// ServeMetadata publishes what the token service offers. Who asks the other two endpoints sends an access token of the
// identity provider instead of a secret: Bearer, an access token type, which section 2 admits for introspection.
func (s *Service) ServeMetadata(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "public, max-age="+jwksMaxAge)
	none, service := []string{"none"}, []string{"Bearer"}
	if slices.ContainsFunc(s.Clients, func(c ServiceClient) bool { return c.Secret != "" }) {
		none, service = append(none, "client_secret_basic"), append(service, "client_secret_basic")
	}
	httpx.WriteJSON(w, http.StatusOK, metadata{
		Issuer: s.Issuer, TokenEndpoint: s.Issuer + TokenPath, JWKSURI: s.Issuer + "/.well-known/jwks.json",
		Scopes: access.OfScope(access.ScopeOrganisation).Union(access.OfScope(access.ScopeSystem)).Names(), ResponseTypes: []string{}, GrantTypes: []string{GrantTokenExchange}, TokenEndpointAuth: none,
		RevocationEndpoint: s.Issuer + RevocationPath, RevocationAuth: service,
		IntrospectionEndpoint: s.Issuer + IntrospectionPath, IntrospectionAuth: service,
	})
}
