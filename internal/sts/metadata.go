package sts

import (
	"net/http"

	"github.com/portico-iam/portico/internal/httpx"
)

// jwksMaxAge is how long a verifier may keep the key set, in seconds. It must stay far below the ring's overlap.
const jwksMaxAge = "300"

// ServeJWKS publishes the keys.
func (s *Service) ServeJWKS(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/jwk-set+json") // RFC 7517 section 8.5
	w.Header().Set("Cache-Control", "public, max-age="+jwksMaxAge)
	_, _ = w.Write(s.Ring.JWKS())
}

// metadata is the authorization server metadata of RFC 8414 section 2.
type metadata struct {
	Issuer                 string   `json:"issuer"`
	TokenEndpoint          string   `json:"token_endpoint"`
	JWKSURI                string   `json:"jwks_uri"`
	ResponseTypes          []string `json:"response_types_supported"`
	GrantTypes             []string `json:"grant_types_supported"`
	TokenEndpointAuthModes []string `json:"token_endpoint_auth_methods_supported"`
}

// ServeMetadata publishes what the token service offers.
func (s *Service) ServeMetadata(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "public, max-age="+jwksMaxAge)
	httpx.WriteJSON(w, http.StatusOK, metadata{
		Issuer: s.Issuer, TokenEndpoint: s.Issuer + "/api/sts/token/v1", JWKSURI: s.Issuer + "/.well-known/jwks.json",
		ResponseTypes: []string{}, GrantTypes: []string{GrantTokenExchange}, TokenEndpointAuthModes: []string{"none"},
	})
}
