package devokta

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// setupKey is the key pair with which the setup application proves itself to the org authorization server.
type setupKey struct {
	der    []byte // PKCS #8
	public json.RawMessage
}

const setupKeyID = "portico-setup"

func newSetupKey() (*setupKey, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("development Okta: setup key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("development Okta: setup key: %w", err)
	}
	return parseSetupKey(der)
}

func parseSetupKey(der []byte) (*setupKey, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("setup key: %w", err)
	}
	private, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("setup key: got a %T, expected an EC key", parsed)
	}
	public, err := jose.JSONWebKey{Key: private.Public(), KeyID: setupKeyID, Algorithm: string(jose.ES256), Use: "sig"}.MarshalJSON()
	return &setupKey{der, public}, err
}

func (k *setupKey) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: k.der}))
}
