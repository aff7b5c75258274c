package sts

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
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

// thumbprint names a key by its content (RFC 7638, RFC 8037 appendix A.3): no kid is ever used for other material.
func thumbprint(public ed25519.PublicKey) string {
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + base64.RawURLEncoding.EncodeToString(public) + `"}`))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// check refuses a stored key that verifiers could not use, or would take for another.
func check(k KeyRecord) error {
	if len(k.Public) != ed25519.PublicKeySize {
		return fmt.Errorf("signing key %s: expected a public key of %d bytes, got %d", k.KID, ed25519.PublicKeySize, len(k.Public))
	}
	if thumbprint(k.Public) != k.KID {
		return fmt.Errorf("signing key %s: the stored public key is another one's", k.KID)
	}
	return nil
}
