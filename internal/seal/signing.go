package seal

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
)

// SigningKey is an Ed25519 key as it is stored.
type SigningKey struct {
	KID      string // Thumbprint of Public
	Public   []byte // 32 bytes
	Sealed   []byte // the private key's seed, encrypted, bound to KID
	SealedBy string // names the key-encryption key
}

// NewSigningKey makes a key, sealed in the box.
func (b *Box) NewSigningKey() SigningKey {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		panic(err) // crypto/rand does not fail
	}
	kid := Thumbprint(public)
	if kid[0] == '-' { // commands would take it for a flag
		return b.NewSigningKey()
	}
	return SigningKey{KID: kid, Public: public, Sealed: b.Seal(private.Seed(), kid), SealedBy: b.keys.Sealing().ID()}
}

// OpenSigningKey opens a key and sees that its public half is the stored one. ErrOpen: it does not open with a key at hand.
func (b *Box) OpenSigningKey(k SigningKey) (ed25519.PrivateKey, error) {
	seed, err := b.Open(k.Sealed, k.KID)
	if err != nil {
		return nil, err
	}
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("expected a seed of %d bytes, got %d", ed25519.SeedSize, len(seed))
	}
	private := ed25519.NewKeyFromSeed(seed)
	if !private.Public().(ed25519.PublicKey).Equal(ed25519.PublicKey(k.Public)) {
		return nil, errors.New("the stored public key is not that of the private one")
	}
	return private, nil
}

// Thumbprint names a key by its content (RFC 7638, RFC 8037 appendix A.3): no kid is ever used for other material.
func Thumbprint(public ed25519.PublicKey) string {
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + base64.RawURLEncoding.EncodeToString(public) + `"}`))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
