package devokta

import (
	"cmp"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"net/http"
	"slices"
	"sync"
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

type signingKey struct {
	kid, status string
	created     time.Time
	private     *rsa.PrivateKey
	signer      jose.Signer
}

func newSigningKey(private *rsa.PrivateKey, status string, created time.Time) (*signingKey, error) {
	public := jose.JSONWebKey{Key: private.Public()}
	thumb, err := public.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	kid := b64(thumb)
	// No WithType: a custom authorization server's tokens carry no typ header (okta.md 0.7).
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: private, KeyID: kid}}, nil)
	if err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	return &signingKey{kid: kid, status: status, created: created, private: private, signer: signer}, nil
}

// keyring owns the goroutines that generate keys. RSA keys take tens of milliseconds, so they are made in
// the background while the server starts; whoever needs one first waits for it.
type keyring struct {
	now     func() time.Time
	changed func() // called without the lock after keys were added

	mu       sync.Mutex
	keys     []*signingKey
	ready    chan struct{} // closed when no key is being generated
	failed   error
	useNext  bool
	rotating sync.Mutex
	wg       sync.WaitGroup
}

func newKeyring(keys []*signingKey, now func() time.Time, changed func()) *keyring {
	k := &keyring{now: now, changed: changed, keys: keys, ready: make(chan struct{})}
	close(k.ready)
	return k
}

// fill starts generating what is missing of ACTIVE and NEXT, both at once.
func (k *keyring) fill() {
	k.mu.Lock()
	defer k.mu.Unlock()
	var missing []string
	for _, status := range []string{keyActive, keyNext} {
		if k.find(status) == nil {
			missing = append(missing, status)
		}
	}
	if len(missing) == 0 {
		return
	}
	ready := make(chan struct{})
	k.ready = ready
	var each sync.WaitGroup
	for _, status := range missing {
		each.Go(func() { k.add(status) })
	}
	k.wg.Go(func() {
		each.Wait()
		close(ready)
		k.changed()
	})
}

func (k *keyring) add(status string) {
	private, err := rsa.GenerateKey(rand.Reader, keyBits)
	var key *signingKey
	if err == nil {
		key, err = newSigningKey(private, status, k.now())
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil {
		k.failed = err
		return
	}
	k.keys = append(k.keys, key)
}

// find needs the lock.
func (k *keyring) find(status string) *signingKey {
	for _, key := range k.keys {
		if key.status == status {
			return key
		}
	}
	return nil
}

// published waits for keys in the making and returns all, in an order that means nothing.
func (k *keyring) published(ctx context.Context) ([]*signingKey, error) {
	k.mu.Lock()
	ready := k.ready
	k.mu.Unlock()
	select {
	case <-ready:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.failed != nil {
		return nil, k.failed
	}
	keys := slices.Clone(k.keys)
	slices.SortFunc(keys, func(a, b *signingKey) int { return cmp.Compare(a.kid, b.kid) })
	return keys, nil
}

// signing is the key that signs now; it waits only on a first start.
func (k *keyring) signing(ctx context.Context) (*signingKey, error) {
	if key := k.current(); key != nil {
		return key, nil
	}
	if _, err := k.published(ctx); err != nil {
		return nil, err
	}
	if key := k.current(); key != nil {
		return key, nil
	}
	return nil, fmt.Errorf("no active signing key")
}

func (k *keyring) current() *signingKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.useNext {
		return k.find(keyNext)
	}
	return k.find(keyActive)
}

func (k *keyring) byID(kid string) *signingKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, key := range k.keys {
		if key.kid == kid {
			return key
		}
	}
	return nil
}

// rotate: ACTIVE becomes EXPIRED, NEXT becomes ACTIVE and signs at once, a new NEXT is made. One EXPIRED key
// stays published, so that tokens it signed can still be checked.
func (k *keyring) rotate() error {
	k.rotating.Lock()
	defer k.rotating.Unlock()
	if _, err := k.published(context.Background()); err != nil {
		return err
	}
	k.mu.Lock()
	rotated := make([]*signingKey, 0, 3)
	for _, key := range k.keys {
		next := *key // readers may hold the old value
		switch key.status {
		case keyExpired:
			continue
		case keyActive:
			next.status = keyExpired
		case keyNext:
			next.status = keyActive
		}
		rotated = append(rotated, &next)
	}
	k.keys = rotated
	k.mu.Unlock()
	k.fill()
	return nil
}

func (k *keyring) forgetExpired() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys = slices.DeleteFunc(slices.Clone(k.keys), func(key *signingKey) bool { return key.status == keyExpired })
}

func (k *keyring) close() { k.wg.Wait() }

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

func (s *Server) serveKeys(w http.ResponseWriter, r *http.Request) {
	if !s.knownClientQuery(w, r) {
		return
	}
	keys, err := s.keys.published(r.Context())
	if err != nil {
		s.internal(w, r, err)
		return
	}
	set := make([]publicKey, 0, len(keys))
	for _, key := range keys {
		set = append(set, publicKey{
			Alg: string(jose.RS256), Kty: "RSA", Use: "sig", Kid: key.kid,
			E: b64(bigEndian(key.private.E)), N: b64(key.private.N.Bytes()),
		})
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
