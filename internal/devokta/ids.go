package devokta

import (
	"crypto/sha256"
	"encoding/base64"
	"io"
	"math/big"
	"strings"
	"sync"
)

const oktaIDLength = 20

// oktaID derives a stable id in Okta's form (prefix and base62, 20 characters) from names.
func oktaID(prefix string, names ...string) string {
	sum := sha256.Sum256([]byte(prefix + "\x00" + strings.Join(names, "\x00")))
	return idFrom(prefix, sum[:])
}

func idFrom(prefix string, entropy []byte) string {
	digits := new(big.Int).SetBytes(entropy).Text(62)
	need := oktaIDLength - len(prefix)
	if len(digits) < need {
		digits = strings.Repeat("0", need-len(digits)) + digits
	}
	return prefix + digits[:need]
}

// random hands out identifiers and secrets. The reader may not be safe for concurrent use, so it is guarded.
type random struct {
	mu     sync.Mutex
	reader io.Reader
}

func (r *random) bytes(n int) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := make([]byte, n)
	if _, err := io.ReadFull(r.reader, b); err != nil {
		panic("development Okta: no randomness: " + err.Error()) // going on would mint guessable secrets
	}
	return b
}

// token is 256 bits in 43 characters.
func (r *random) token() string { return b64(r.bytes(32)) }

// secret has the 64 characters of an Okta client secret.
func (r *random) secret() string { return b64(r.bytes(48)) }

func (r *random) id(prefix string) string { return idFrom(prefix, r.bytes(32)) }

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// digest is how bearer values are kept: whoever reads the state file can't use them.
func digest(value string) string {
	sum := sha256.Sum256([]byte(value))
	return b64(sum[:])
}

func normalLogin(login string) string { return strings.ToLower(strings.TrimSpace(login)) }

func join(list []string) string { return strings.Join(list, ", ") }
