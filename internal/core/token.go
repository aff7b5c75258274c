package core

import (
	"crypto/ed25519"
	"slices"
	"time"

	"github.com/portico-iam/portico/internal/access"
)

// validator checks STS tokens as Core v1.74.2 does.
type validator struct {
	issuer   string
	audience string
	leeway   time.Duration
	now      func() time.Time
	keys     keySource
}

// keySource finds the key of a kid.
type keySource interface {
	key(kid string) (ed25519.PublicKey, bool)
}

// validate runs the checks in Core's order; the error is a reason. Nothing of the token is used before its signature
// is verified, save to refuse it. There is no cache of verified tokens: each call is checked anew.
func (v *validator) validate(token string) (caller, error) {
	if token == "" {
		return caller{}, emptyToken
	}
	t, err := parseToken(token)
	if err != nil {
		return caller{}, failedToDecodeJWT
	}
	// The algorithm is fixed, never chosen by the token (RFC 8725 section 3.1).
	if t.alg != "EdDSA" {
		return caller{}, unsupportedAlgorithm
	}
	if t.kid == nil {
		return caller{}, missingKid
	}
	if err := v.checkClaims(t); err != nil {
		return caller{}, err
	}
	key, ok := v.keys.key(*t.kid)
	if !ok {
		return caller{}, noMatchingKey
	}
	if !ed25519.Verify(key, []byte(t.signed), t.signature) {
		return caller{}, failedToVerifySignature
	}
	if t.subject == nil || *t.subject == "" {
		return caller{}, missingSubject
	}
	// Names that the catalogue does not know are tolerated: they grant nothing.
	permissions, _ := access.ParseSet(t.permissions)
	return caller{
		permissions: permissions,
		session:     &session{user: *t.subject, organisation: t.organisation, actor: t.actor},
	}, nil
}

func (v *validator) checkClaims(t *parsedToken) error {
	now := v.now()
	switch {
	case t.issuer == nil:
		return missingIssuer
	case *t.issuer != v.issuer:
		return incorrectIssuer
	case t.audience == nil:
		return missingAudience
	case !slices.Contains(t.audience, v.audience):
		return incorrectAudience
	case t.expires == nil:
		return missingExpirationDate
	case t.expires.Before(now.Add(-v.leeway)):
		return expiredToken
	case t.notBefore != nil && t.notBefore.After(now.Add(v.leeway)):
		return notBeforeToken
	}
	return nil
}
