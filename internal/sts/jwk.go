package sts

import (
	"crypto/ed25519"
	"fmt"

	"github.com/portico-iam/portico/internal/seal"
)

type joseHeader struct {
	Alg string `json:"alg"`
	Kid string `json:"kid"`
	Typ string `json:"typ"`
}

type jwkSet struct {
	Keys []jwk `json:"keys"`
}

type jwk struct {
	Kty string `json:"kty"`
	Crv string `json:"crv"`
	Use string `json:"use"`
	Alg string `json:"alg"`
	Kid string `json:"kid"`
	X   string `json:"x"`
}

// check refuses a stored key that verifiers could not use, or would take for another.
func check(k KeyRecord) error {
	if len(k.Public) != ed25519.PublicKeySize {
		return fmt.Errorf("signing key %s: expected a public key of %d bytes, got %d", k.KID, ed25519.PublicKeySize, len(k.Public))
	}
	if seal.Thumbprint(k.Public) != k.KID {
		return fmt.Errorf("signing key %s: the stored public key is another one's", k.KID)
	}
	return nil
}
