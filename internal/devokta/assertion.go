package devokta

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/portico-iam/portico/internal/devokta/world"
)

const (
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	// maxAssertion is how far in the future an assertion may expire; clockLeeway is for clocks that are a little ahead.
	maxAssertion = time.Hour
	clockLeeway  = 60 * time.Second
	maxReplay    = 10_000
)

var assertionAlgorithms = []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.ES256, jose.ES384, jose.ES512}

// assertionClaims are what private_key_jwt consists of (RFC 7523, section 3).
type assertionClaims struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	Audience audience `json:"aud"`
	Expires  int64    `json:"exp"`
	Issued   int64    `json:"iat"`
	ID       string   `json:"jti"`
}

// audience is a string or a list of them.
type audience []string

// UnmarshalJSON reads both.
func (a *audience) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(a))
}

// authenticateByKey checks a client_assertion: whose it is, then that it is theirs, then that it is for here and now, and
// at last that it is used for the first time.
func (s *Server) authenticateByKey(r *http.Request, as *authServer, form params, raw string) (*world.App, *refusal) {
	if form.get("client_assertion_type") != assertionType {
		return nil, refuse(errAuthMethod)
	}
	signed, err := jose.ParseSignedCompact(raw, assertionAlgorithms)
	if err != nil {
		return nil, refuse(errAssertionSignature)
	}
	var c assertionClaims
	if json.Unmarshal(signed.UnsafePayloadWithoutVerification(), &c) != nil || c.Issuer == "" || c.Issuer != c.Subject {
		return nil, refuse(errAuthMethod)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	app := s.world.Client(c.Subject)
	if id := form.get("client_id"); app == nil || id != "" && id != app.ClientID() {
		return nil, refuse(errClientID)
	}
	if app.AuthMethod() != world.AuthKey {
		return nil, refuse(errAuthMethod)
	}
	key, why := keyOf(app, signed.Signatures[0].Header.KeyID)
	if why != nil {
		return nil, why
	}
	if _, err := signed.Verify(key); err != nil {
		return nil, refuse(errAssertionSignature)
	}
	if why := s.checkAssertion(c, as, r); why != nil {
		return nil, why
	}
	return app, nil
}

// keyOf finds the client's key; without a kid there must be one alone.
func keyOf(app *world.App, kid string) (*jose.JSONWebKey, *refusal) {
	set := app.OAuth().JWKS
	if set == nil || len(set.Keys) == 0 {
		return nil, refuse(errAssertionKeys)
	}
	for _, raw := range set.Keys {
		var key jose.JSONWebKey
		if key.UnmarshalJSON(raw) == nil && (key.KeyID == kid || kid == "" && len(set.Keys) == 1) {
			return &key, nil
		}
	}
	return nil, refuse(errAssertionKid)
}

// checkAssertion needs the lock.
func (s *Server) checkAssertion(c assertionClaims, as *authServer, r *http.Request) *refusal {
	now := s.now()
	expires := time.Unix(c.Expires, 0)
	switch {
	case !slices.Contains(c.Audience, as.base+r.URL.Path) && !slices.Contains(c.Audience, s.cfg.PublicURL+r.URL.Path):
		return refuse(errAssertionAudience)
	case c.Expires == 0 || !now.Before(expires):
		return refuse(errAssertionExpired)
	case expires.After(now.Add(maxAssertion)):
		return refuse(errAssertionTooLong)
	case c.Issued != 0 && time.Unix(c.Issued, 0).After(now.Add(clockLeeway)):
		return refuse(errAssertionFuture)
	case c.ID != "" && !s.firstUse("assertion "+c.Subject+" "+c.ID, expires):
		return refuse(errAssertionUsed)
	}
	return nil
}

// firstUse remembers what may be used only once, for as long as it would be good. It needs the lock.
func (s *Server) firstUse(what string, until time.Time) bool {
	key := digest(what)
	if good, ok := s.used.get(key); ok && s.now().Before(good) {
		return false
	}
	s.used.put(key, until)
	return true
}
