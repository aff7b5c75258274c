package history

import (
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// Checkpoint tells, signed, which hash the chain had at an entry. It stands for all entries up to that one.
type Checkpoint struct {
	Sequence  int64
	Hash      Hash
	At        time.Time // to the millisecond
	KID       string    // names the key
	Signature []byte    // Ed25519 (RFC 8032)
}

// signed is the text that the signature is of. Its first line tells versions apart.
func (c Checkpoint) signed() []byte {
	return fmt.Appendf(nil, "portico history checkpoint 1\n%d\n%s\n%d\n%s\n", c.Sequence, c.Hash, millis(c.At), c.KID)
}

// Signer signs checkpoints.
type Signer struct {
	kid     string
	private ed25519.PrivateKey
}

// checkpoint signs the chain as it is at a head.
func (s *Signer) checkpoint(head Head, at time.Time) Checkpoint {
	c := Checkpoint{Sequence: head.Sequence, Hash: head.Hash, At: at, KID: s.kid}
	c.Signature = ed25519.Sign(s.private, c.signed())
	return c
}

// by tells whether a checkpoint was signed by a key.
func (c Checkpoint) by(public ed25519.PublicKey) bool {
	return ed25519.Verify(public, c.signed(), c.Signature)
}

// String is a checkpoint in one word, as it stands in the log: version, sequence, milliseconds since 1970, hash, key, signature.
func (c Checkpoint) String() string {
	return fmt.Sprintf("portico-history-1.%d.%d.%s.%s.%x", c.Sequence, millis(c.At), c.Hash, c.KID, c.Signature)
}

// MarshalText is String.
func (c Checkpoint) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

var checkpointWord = regexp.MustCompile(`portico-history-1\.(\d{1,18})\.(\d{1,18})\.([0-9a-f]{64})\.([\w-]{43})\.([0-9a-f]{128})(?:[^\w.-]|$)`)

// FindCheckpoints returns the checkpoints that stand in a text, such as lines of a log in any format.
func FindCheckpoints(text []byte) (found []Checkpoint) {
	for _, m := range checkpointWord.FindAllSubmatch(text, -1) {
		sequence, _ := strconv.ParseInt(string(m[1]), 10, 64) // the expression lets nothing else pass
		at, _ := strconv.ParseInt(string(m[2]), 10, 64)
		hash, _ := hex.DecodeString(string(m[3]))
		signature, _ := hex.DecodeString(string(m[5]))
		found = append(found, Checkpoint{Sequence: sequence, Hash: Hash(hash), At: time.UnixMilli(at).UTC(), KID: string(m[4]), Signature: signature})
	}
	return found
}
