package devokta

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/devokta/world"
)

// grant is what a user let a client have at one sign-in. Its access tokens live only as long as it does.
// It is stored under its family, the public part of its refresh tokens.
type grant struct {
	ID       string   `json:"id"` // oar…
	Server   string   `json:"server"`
	ClientID string   `json:"clientId"`
	UserID   string   `json:"userId"`
	Scopes   []string `json:"scopes"`
	Class    string   `json:"class,omitempty"` // acr, where the client asked for it
	authentication
	Refresh bool `json:"refresh"`
	// Sequence counts rotations; Recent are the ones that may still be within the leeway.
	Sequence uint32     `json:"sequence"`
	Recent   []rotation `json:"recent,omitempty"`

	Expires  time.Time     `json:"expires"` // zero = unlimited
	Window   time.Duration `json:"window"`
	LastUsed time.Time     `json:"lastUsed"`
}

type rotation struct {
	Sequence uint32    `json:"sequence"`
	At       time.Time `json:"at"`
}

func (g *grant) live(now time.Time) bool {
	return (g.Expires.IsZero() || now.Before(g.Expires)) && now.Before(g.LastUsed.Add(g.Window))
}

// tokenEntry records an access token that was issued. What is not recorded is not active.
type tokenEntry struct {
	Grant   string    `json:"grant,omitempty"` // "" for client_credentials
	Expires time.Time `json:"expires"`
}

// issueInput says for whom tokens are made.
type issueInput struct {
	as     *authServer
	client *world.App
	user   *world.User // nil for client_credentials
	grant  *grant
	family string // the grant's key
	scopes []string
	rule   *world.Rule
	nonce  string
}

// issue evaluates the claims and records the access token. It needs the lock.
func (s *Server) issue(in issueInput) (*issuance, *refusal) {
	now := s.now()
	claims := world.ClaimInput{Type: world.ClaimResource, App: in.client, User: in.user, Scopes: in.scopes}
	access, why := s.world.Claims(in.as.Server, claims)
	if why == nil {
		why = s.world.ApplyHook(in.as.Server, in.rule, claims, access)
	}
	if why != nil {
		return nil, why
	}
	out := &issuance{as: in.as, scopes: in.scopes, lifetime: s.world.Lifetime(in.rule)}
	issuer := s.forClient(in.as, in.client)
	if in.user != nil && slices.Contains(in.scopes, world.ScopeOpenID) {
		// An access token always comes along here, so the ID token of a custom server is thin. The org's own is not, or
		// nobody without API Access Management would ever see a group.
		claims.Type, claims.Thin = world.ClaimIdentity, !in.as.Org
		if out.identity, why = s.world.Claims(in.as.Server, claims); why != nil {
			return nil, why
		}
		maps.Copy(out.identity, s.identityClaims(in, issuer, now))
	}
	id := accessPrefix + s.random.token()
	if in.grant != nil && in.grant.Refresh {
		id += "." + in.grant.ID
	}
	expires := now.Add(out.lifetime)
	subject, named := access["sub"]
	maps.Copy(access, s.accessClaims(in, issuer, id, now, expires))
	if named { // the server's editable claim
		access["sub"] = subject
	}
	out.access = access
	s.tokens.put(id, &tokenEntry{Grant: in.family, Expires: expires})
	return out, nil
}

// accessClaims are the fixed claims; they win over configured ones, whose names Okta reserves.
func (s *Server) accessClaims(in issueInput, issuer, id string, now, expires time.Time) map[string]any {
	out := map[string]any{
		"ver": 1, "jti": id, "iss": issuer, "aud": in.as.Audience(),
		"iat": now.Unix(), "exp": expires.Unix(), "cid": in.client.ClientID(), "scp": in.scopes,
		"sub": in.client.ClientID(),
	}
	if in.user != nil {
		out["sub"], out["uid"] = in.user.Login(), in.user.ID
		out["auth_time"] = in.grant.AuthTime.Unix()
		if in.grant.Class != "" {
			out["acr"] = in.grant.Class
		}
	}
	return out
}

func (s *Server) identityClaims(in issueInput, issuer string, now time.Time) map[string]any {
	out := map[string]any{
		"ver": 1, "jti": idPrefix + s.random.token(), "iss": issuer, "aud": in.client.ClientID(),
		"sub": in.user.ID, "iat": now.Unix(), "exp": now.Add(idLifetime).Unix(),
		"auth_time": in.grant.AuthTime.Unix(), "amr": in.grant.methods(), "idp": s.world.OrgID,
		"sid": sessionID(in.grant),
	}
	if in.grant.Class != "" {
		out["acr"] = in.grant.Class
	}
	if in.nonce != "" {
		out["nonce"] = in.nonce
	}
	return out
}

func scopeString(scopes []string) string { return strings.Join(scopes, " ") }
