package devokta

import (
	"crypto/sha256"
	"encoding/base64"
	"io"
	"strings"
	"sync"

	"github.com/portico-iam/portico/internal/devokta/world"
)

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

func (r *random) id(prefix string) string { return world.IDFrom(prefix, r.bytes(32)) }

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// digest is how bearer values are kept: whoever reads the state file can't use them.
func digest(value string) string {
	sum := sha256.Sum256([]byte(value))
	return b64(sum[:])
}

func join(list []string) string { return strings.Join(list, ", ") }
