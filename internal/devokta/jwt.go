package devokta

import (
	"context"
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
}

func (c tokenClaims) expired(now time.Time) bool { return now.Unix() >= c.Expires }

// The jti's prefix tells the kinds of token apart.
const (
	accessPrefix = "AT."
	idPrefix     = "ID."
)

func (s *Server) sign(ctx context.Context, claims map[string]any) (string, error) {
	key, err := s.keys.signing(ctx)
	if err != nil {
		return "", err
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("token claims: %w", err)
	}
	signed, err := key.signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return signed.CompactSerialize()
}

// readToken checks that a token is ours and of the given kind. Expiry is the caller's to judge.
func (s *Server) readToken(raw, prefix string) (tokenClaims, bool) {
	var claims tokenClaims
	signed, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return claims, false
	}
	key := s.keys.byID(signed.Signatures[0].Header.KeyID)
	if key == nil {
		return claims, false
	}
	payload, err := signed.Verify(key.private.Public())
	if err != nil || json.Unmarshal(payload, &claims) != nil {
		return tokenClaims{}, false
	}
	return claims, claims.Issuer == s.Issuer() && strings.HasPrefix(claims.ID, prefix)
}

// accessHash is at_hash: the left half of the access token's SHA-256 (OIDC Core 3.1.3.6).
func accessHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return b64(sum[:len(sum)/2])
}
