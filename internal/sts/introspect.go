package sts

import (
	"net/http"
	"strings"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/httpx"
)

// introspection is the answer of RFC 7662 section 2.2.
type introspection struct {
	Active         bool                  `json:"active"`
	Scope          string                `json:"scope,omitempty"`
	ClientID       string                `json:"client_id,omitempty"`
	TokenType      string                `json:"token_type,omitempty"`
	ExpiresAt      int64                 `json:"exp,omitempty"`
	IssuedAt       int64                 `json:"iat,omitempty"`
	Subject        string                `json:"sub,omitempty"`
	Audience       []string              `json:"aud,omitempty"`
	Issuer         string                `json:"iss,omitempty"`
	ID             string                `json:"jti,omitempty"`
	Actor          *actorClaim           `json:"act,omitempty"`
	OrganisationID access.OrganisationID `json:"organisationId,omitempty"`
	AuthTime       int64                 `json:"auth_time,omitempty"`
	ACR            string                `json:"acr,omitempty"`
	AMR            []string              `json:"amr,omitempty"`
}

// Introspect says what a token of ours is worth now (RFC 7662), to the services in its audience. To everybody else every
// token is inactive, so that none learns anything of a token that was not meant for them (section 4).
func (s *Service) Introspect(w http.ResponseWriter, r *http.Request, caller *access.Principal) {
	neverCached(w)
	raw, err := readToken(w, r)
	if err != nil {
		WriteError(w, r, err)
		return
	}
	var answer introspection
	t, err := s.open(r.Context(), raw)
	if fault.Unavailable.Is(err) {
		WriteError(w, r, err)
		return
	}
	if err == nil && s.isBehind(caller, t.Audience) {
		answer = introspection{
			Active: true, Scope: strings.Join(t.permissions.Names(), " "), ClientID: t.ClientID, TokenType: "Bearer",
			ExpiresAt: t.ExpiresAt, IssuedAt: t.IssuedAt, Subject: t.Subject, Audience: t.Audience, Issuer: t.Issuer, ID: t.ID,
			Actor: t.Actor, OrganisationID: t.OrganisationID, AuthTime: t.AuthTime, ACR: t.ACR, AMR: t.AMR,
		}
	}
	httpx.WriteJSON(w, http.StatusOK, answer)
}

// readToken reads the one parameter of introspection and revocation. The hint beside it tells nothing that is needed.
func readToken(w http.ResponseWriter, r *http.Request) (string, error) {
	f, err := readForm(w, r)
	if err != nil {
		return "", err
	}
	if f.get("token") == "" {
		return "", refuse(InvalidRequest, "token: required")
	}
	return f.get("token"), nil
}
