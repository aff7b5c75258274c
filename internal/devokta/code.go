package devokta

import (
	"crypto/sha256"
	"crypto/subtle"
	"time"

	"github.com/portico-iam/portico/internal/devokta/world"
)

// codeLifetime: Okta's documents say 300 or 60 seconds; the strict reading is kept.
const codeLifetime = 60 * time.Second

// code is an authorization code, stored under its digest. A used one is remembered, so that using it again
// can revoke what it was exchanged for.
type code struct {
	Server, ClientID, RedirectURI string
	UserID                        string
	Scopes                        []string
	Nonce, Challenge              string
	Class                         string
	authentication
	Expires time.Time
	used    bool
	grant   string
}

// newCode needs the lock.
func (s *Server) newCode(as *authServer, req *authorizeRequest, userID string, signedIn authentication) (string, *refusal) {
	if _, why := s.world.MayUse(as.Server, s.world.Client(req.ClientID), s.world.UserByID(userID), req.Scopes); why != nil {
		return "", why
	}
	value := s.random.token()
	s.codes.put(digest(value), &code{
		Server: as.ID, ClientID: req.ClientID, RedirectURI: req.RedirectURI, UserID: userID, Scopes: req.Scopes,
		Nonce: req.Nonce, Challenge: req.Challenge, Class: req.Class, authentication: signedIn, Expires: s.now().Add(codeLifetime),
	})
	return value, nil
}

// redeem spends a code. A request that merely forgot something leaves the code alone; from a wrong verifier
// on it is spent. It needs the lock.
func (s *Server) redeem(as *authServer, value string, client *world.App, redirectURI, verifier string) (*code, *refusal) {
	c, ok := s.codes.get(digest(value))
	if !ok || c.Server != as.ID {
		return nil, refuse(errCode)
	}
	if c.ClientID != client.ClientID() {
		return nil, refuse(errCodeClient)
	}
	if c.used {
		// RFC 9700, 4.13: the second use means that somebody else has the code.
		s.grants.remove(c.grant)
		s.log.Warn("code used twice, its tokens are revoked", "client_id", c.ClientID)
		return nil, refuse(errCode)
	}
	if !s.now().Before(c.Expires) {
		return nil, refuse(errCode)
	}
	if redirectURI != c.RedirectURI {
		return nil, refuse(errCodeRedirect)
	}
	if why := c.checkVerifier(verifier); why != nil {
		c.used = why.Reason == errVerifier.Reason
		return nil, why
	}
	c.used = true
	return c, nil
}

// checkVerifier also refuses a verifier nobody asked for: a client that sends one believes it is protected,
// so its challenge was stripped on the way (NT24).
func (c *code) checkVerifier(verifier string) *refusal {
	switch {
	case c.Challenge == "" && verifier == "":
		return nil
	case c.Challenge == "":
		return refuse(errVerifierUnasked)
	case verifier == "":
		return refuse(errNoVerifier)
	}
	sum := sha256.Sum256([]byte(verifier))
	if len(verifier) < 43 || len(verifier) > 128 || subtle.ConstantTimeCompare([]byte(b64(sum[:])), []byte(c.Challenge)) != 1 {
		return refuse(errVerifier)
	}
	return nil
}
