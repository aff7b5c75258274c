// Package seal encrypts what is kept at rest or handed to a browser: signing keys, IAM tokens, the state of a sign-in.
//
// One root key, the key-encryption key, is given by the operator; beside it another one may be at hand while it is being
// replaced (Keys). Every purpose gets a key of its own by HKDF, so that what was sealed for one purpose never opens for
// another. AES-256-GCM; the additional data binds a box to its place.
package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
)

// KeySize is the size of a root key in bytes.
const KeySize = 32

// ErrOpen is returned for everything that does not open: altered, cut, sealed by another key, for another purpose or place.
var ErrOpen = errors.New("sealed data does not open with this key")

// Key is a root key. It prints as redacted. The zero Key is none: it derives nothing.
type Key struct {
	// A function, for a struct that holds a Key in a field of its own: fmt calls no method on it, and follows pointers.
	reveal func() []byte
}

// NewKey makes a root key of 32 bytes.
func NewKey(b []byte) (Key, error) {
	if len(b) != KeySize {
		return Key{}, fmt.Errorf("expected a key of %d bytes, got %d", KeySize, len(b))
	}
	own := bytes.Clone(b)
	return Key{reveal: func() []byte { return own }}, nil
}

// RandomKey makes a fresh root key.
func RandomKey() Key {
	b := make([]byte, KeySize)
	rand.Read(b) // never fails: crypto/rand
	return Key{reveal: func() []byte { return b }}
}

// Encode returns the key as it is kept in its file: base64 and a line end.
func (k Key) Encode() string { return base64.StdEncoding.EncodeToString(k.reveal()) + "\n" }

func (k Key) String() string { return "[redacted]" }

// Format keeps the key out of every verb.
func (k Key) Format(f fmt.State, _ rune) { io.WriteString(f, k.String()) }

// LogValue keeps the key out of logs.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// ReadKeyFile reads a root key: 32 random bytes, base64. A file that others have access to, or that a
// group may write to, is refused.
func ReadKeyFile(path string) (Key, error) {
	f, err := os.Open(path)
	if err != nil {
		return Key{}, fmt.Errorf("key-encryption key: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Key{}, fmt.Errorf("key-encryption key: %w", err)
	}
	switch mode := info.Mode().Perm(); {
	case mode&0o007 != 0:
		return Key{}, fmt.Errorf("key-encryption key %s: everybody on this machine has access to it (mode %04o): chmod 600 it", path, mode)
	case mode&0o020 != 0:
		return Key{}, fmt.Errorf("key-encryption key %s: its group may write to it (mode %04o): chmod 640 or 600 it", path, mode)
	}
	text, err := io.ReadAll(io.LimitReader(f, 1024))
	if err != nil {
		return Key{}, fmt.Errorf("key-encryption key: %w", err)
	}
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(b) != KeySize {
		return Key{}, fmt.Errorf("key-encryption key %s: expected %d random bytes in base64, e.g. from: openssl rand -base64 32", path, KeySize)
	}
	return NewKey(b)
}

// Derive returns 32 bytes for a purpose, for use as an HMAC key.
func (k Key) Derive(purpose string) []byte {
	out, err := hkdf.Key(sha256.New, k.reveal(), nil, "portico "+purpose, KeySize)
	if err != nil {
		panic(err) // only for lengths that HKDF can't give
	}
	return out
}

// Box seals for one purpose.
type Box struct {
	keys  *Keys
	aeads []cipher.AEAD // of each key
}

// Box returns the box of a purpose, e.g. "signing key".
func (k Key) Box(purpose string) *Box { return NewKeys(k).Box(purpose) }

func (k Key) aead(purpose string) cipher.AEAD {
	block, err := aes.NewCipher(k.Derive(purpose))
	if err != nil {
		panic(err) // the key is 32 bytes
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return aead
}

// Keys returns the root keys that the box is of.
func (b *Box) Keys() *Keys { return b.keys }

// Seal encrypts. place is what the box belongs to, e.g. a key's id: it must be the same for Open.
func (b *Box) Seal(plain []byte, place string) []byte {
	return b.aeads[b.keys.sealing.Load()].Seal(nil, nil, plain, []byte(place))
}

// Open decrypts with whichever key fits, or returns ErrOpen.
func (b *Box) Open(sealed []byte, place string) ([]byte, error) {
	plain, _, err := b.open(sealed, place)
	return plain, err
}

func (b *Box) open(sealed []byte, place string) (plain []byte, by int32, err error) {
	first := b.keys.sealing.Load()
	if plain, err := b.aeads[first].Open(nil, nil, sealed, []byte(place)); err == nil {
		return plain, first, nil
	}
	for i, aead := range b.aeads {
		if int32(i) == first {
			continue
		}
		if plain, err := aead.Open(nil, nil, sealed, []byte(place)); err == nil {
			return plain, int32(i), nil
		}
	}
	return nil, 0, ErrOpen
}

// Sealer names the key at hand that opens it; empty: none does.
func (b *Box) Sealer(sealed []byte, place string) string {
	_, by, err := b.open(sealed, place)
	if err != nil {
		return ""
	}
	return b.keys.all[by].ID()
}

// Reseal seals anew what another key than the one that seals had sealed. What is under the right key already comes back
// as it is, with false.
func (b *Box) Reseal(sealed []byte, place string) (_ []byte, changed bool, err error) {
	plain, by, err := b.open(sealed, place)
	if err != nil || by == b.keys.sealing.Load() {
		return sealed, false, err
	}
	return b.Seal(plain, place), true, nil
}

// MAC authenticates parts under a key of Derive's. Each part is prefixed by its length, so that none runs into the next.
func MAC(key []byte, parts ...string) []byte {
	h := hmac.New(sha256.New, key)
	for _, part := range parts {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return h.Sum(nil)
}
