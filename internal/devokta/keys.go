package devokta

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Key states as the Management API names them.
const (
	keyActive  = "ACTIVE"
	keyNext    = "NEXT"
	keyExpired = "EXPIRED"
)

const keyBits = 2048

// signingKey is a published key. It has its kid at once; the RSA key itself takes tens of milliseconds, so it is made in the
// background and whoever needs it first waits for it.
type signingKey struct {
	kid, status string
	created     time.Time
	made        *madeKey // shared by the copies that a rotation makes
}

type madeKey struct {
	once    sync.Once
	private atomic.Pointer[rsa.PrivateKey]
	err     error
}

// key waits for the RSA key.
func (k *signingKey) key() (*rsa.PrivateKey, error) {
	m := k.made
	m.once.Do(func() {
		if m.private.Load() != nil { // it came from the state file
			return
		}
		private, err := rsa.GenerateKey(rand.Reader, keyBits)
		if err != nil {
			m.err = fmt.Errorf("signing key: %w", err)
			return
		}
		m.private.Store(private)
	})
	return m.private.Load(), m.err
}

// sign signs a token. No typ for a custom authorization server's (okta.md 0.7).
func (k *signingKey) sign(payload []byte, typ string) (string, error) {
	private, err := k.key()
	if err != nil {
		return "", err
	}
	options := &jose.SignerOptions{}
	if typ != "" {
		options = options.WithType(jose.ContentType(typ))
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: private, KeyID: k.kid}}, options)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return signed.CompactSerialize()
}

// keysMaxAge is how long a client may keep the key set. Okta sends a figure but does not document it.
const keysMaxAge = 3600

type publicKey struct {
	Alg string `json:"alg"`
	E   string `json:"e"`
	N   string `json:"n"`
	Kid string `json:"kid"`
	Kty string `json:"kty"`
	Use string `json:"use"`
}

func publicOf(k *signingKey) (publicKey, error) {
	private, err := k.key()
	if err != nil {
		return publicKey{}, err
	}
	return publicKey{Alg: string(jose.RS256), Kty: "RSA", Use: "sig", Kid: k.kid, E: b64(bigEndian(private.E)), N: b64(private.N.Bytes())}, nil
}

func (s *Server) serveKeys(w http.ResponseWriter, r *http.Request, as *authServer) {
	if _, ok := s.knownClientQuery(w, r); !ok {
		return
	}
	set := []publicKey{}
	if !s.odd().EmptyKeySet {
		for _, key := range s.keys.of(as.ID).published() {
			public, err := publicOf(key)
			if err != nil {
				s.internal(w, r, err)
				return
			}
			set = append(set, public)
		}
	}
	w.Header().Set("Cache-Control", fmt.Sprintf("max-age=%d, must-revalidate", keysMaxAge))
	w.Header().Set("Access-Control-Allow-Origin", "*")
	writeJSON(w, http.StatusOK, map[string]any{"keys": set})
}

// bigEndian is the public exponent without leading zeros.
func bigEndian(e int) []byte {
	var out []byte
	for ; e > 0; e >>= 8 {
		out = append([]byte{byte(e)}, out...)
	}
	return out
}

func marshalKey(private *rsa.PrivateKey) ([]byte, error) { return x509.MarshalPKCS8PrivateKey(private) }

func parseKey(der []byte) (*rsa.PrivateKey, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	private, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("got a %T, expected an RSA key", parsed)
	}
	return private, nil
}

var errNoKey = errors.New("no active signing key")

func sign(key *signingKey, typ string, claims map[string]any) (string, error) {
	if key == nil {
		return "", errNoKey
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("token claims: %w", err)
	}
	return key.sign(payload, typ)
}
