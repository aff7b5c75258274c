package devokta

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// tokenClaims are the claims this server reads back from its own tokens.
type tokenClaims struct {
	ID       string   `json:"jti"`
	Issuer   string   `json:"iss"`
	Audience string   `json:"aud"`
	Subject  string   `json:"sub"`
	Issued   int64    `json:"iat"`
	Expires  int64    `json:"exp"`
	ClientID string   `json:"cid"`
	UserID   string   `json:"uid"`
	Scopes   []string `json:"scp"`
	Username string   `json:"preferred_username"`
	Bound    *bound   `json:"cnf"`
}

// bound names the key whose proofs an access token needs (RFC 9449, section 6).
type bound struct {
	Thumbprint string `json:"jkt"`
}

func (c tokenClaims) expired(now time.Time) bool { return now.Unix() >= c.Expires }

// Type is the token's type in answers.
func (c tokenClaims) Type() string {
	if c.Bound != nil {
		return schemeDPoP
	}
	return schemeBearer
}

// The jti's prefix tells the kinds of token apart.
const (
	accessPrefix = "AT."
	idPrefix     = "ID."
)

// orgAccessType marks the org authorization server's access tokens, which are nobody's to read.
const orgAccessType = "application/okta-internal-at+jwt"

// signAccess signs an access token, and encrypts it where the server is set to.
func (s *Server) signAccess(as *authServer, claims map[string]any) (string, error) {
	ring, typ := s.keys.of(as.ID), ""
	if as.Org {
		ring, typ = s.keys.of(hiddenRing), orgAccessType
	}
	signed, err := sign(ring.signing(), typ, claims)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	key, encrypted := as.EncryptionKey()
	s.mu.Unlock()
	if !encrypted {
		return signed, nil
	}
	sealed, err := seal(key, as.EncryptionAlgorithm, signed)
	if err == nil {
		s.mu.Lock()
		s.sealed.put(digest(sealed), signed) // we could not open it ourselves
		s.mu.Unlock()
	}
	return sealed, err
}

func seal(key *jose.JSONWebKey, algorithm, token string) (string, error) {
	encrypter, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.KeyAlgorithm(algorithm), Key: key.Key, KeyID: key.KeyID},
		(&jose.EncrypterOptions{}).WithContentType("JWT"))
	if err != nil {
		return "", fmt.Errorf("encrypt token: %w", err)
	}
	sealed, err := encrypter.Encrypt([]byte(token))
	if err != nil {
		return "", fmt.Errorf("encrypt token: %w", err)
	}
	return sealed.CompactSerialize()
}

// readToken checks that a token is this server's and of the given kind. Expiry is the caller's to judge.
func (s *Server) readToken(as *authServer, raw, prefix string) (tokenClaims, bool) {
	s.mu.Lock()
	if inner, ok := s.sealed.get(digest(raw)); ok {
		raw = inner
	}
	s.mu.Unlock()
	var claims tokenClaims
	signed, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return claims, false
	}
	kid := signed.Signatures[0].Header.KeyID
	key := s.keys.of(as.ID).byID(kid)
	if key == nil && as.Org {
		key = s.keys.of(hiddenRing).byID(kid)
	}
	if key == nil {
		return claims, false
	}
	private, err := key.key()
	if err != nil {
		return claims, false
	}
	payload, err := signed.Verify(private.Public())
	if err != nil || json.Unmarshal(payload, &claims) != nil {
		return tokenClaims{}, false
	}
	return claims, s.knownIssuer(as.Server, claims.Issuer) && strings.HasPrefix(claims.ID, prefix)
}

// accessHash is at_hash: the left half of the access token's SHA-256 (OIDC Core 3.1.3.6).
func accessHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return b64(sum[:len(sum)/2])
}
