package breakglass

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/seal"
)

// File is what is kept in a safe. Without its unlock code it is of no use.
type File struct {
	Format     string    `json:"format"`
	ID         string    `json:"id"`
	Label      string    `json:"label"`
	URL        string    `json:"url"` // of the Portico that it opens
	CreatedAt  time.Time `json:"createdAt"`
	ValidUntil time.Time `json:"validUntil"`
	Sealed     []byte    `json:"sealed"`
}

const format = "portico break-glass 1"

// MaxFile bounds a file, in bytes.
const MaxFile = 16 << 10

const sealedSecret = "break-glass secret"

// ErrCode says that a code does not open the file.
var ErrCode = errors.New("this is not the unlock code of this file, or the file was altered")

// ParseFile reads a file.
func ParseFile(text []byte) (f File, err error) {
	if err := json.Unmarshal(text, &f); err != nil || f.Format != format {
		return File{}, fmt.Errorf("expected a file of portico break-glass create, whose format is %q", format)
	}
	return f, nil
}

// Open returns the secret that the file seals.
func (f *File) Open(code string) (secret string, err error) {
	key, err := unlock(code)
	if err != nil {
		return "", err
	}
	plain, err := key.Box(sealedSecret).Open(f.Sealed, f.place())
	if err != nil {
		return "", ErrCode
	}
	return string(plain), nil
}

// place is what the secret is sealed with: a file whose address was altered must not open, or the secret would be sent there.
func (f *File) place() string {
	return fmt.Sprintf("%q %q %q %d %d", f.ID, f.Label, f.URL, f.CreatedAt.UnixMilli(), f.ValidUntil.UnixMilli())
}

// codeLength is the length of a code in characters: 5 bits each, so 125, or a little more than any key needs that nobody chose.
const codeLength = 25

// newCode makes a code for people to type.
func newCode() string {
	b := make([]byte, 16)
	rand.Read(b) // never fails
	return grouped(alphabet.EncodeToString(b)[:codeLength])
}

// alphabet has no letter that is mistaken for another or for a digit (Crockford's).
var alphabet = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

func grouped(code string) string {
	var groups []string
	for i := 0; i < len(code); i += 5 {
		groups = append(groups, code[i:min(i+5, len(code))])
	}
	return strings.Join(groups, "-")
}

// normal is a code as it was made, however it was typed; false where it can't be one.
func normal(typed string) (string, bool) {
	typed = strings.ToUpper(typed)
	typed = strings.Map(func(r rune) rune {
		switch r {
		case ' ', '-', '\t', '\r', '\n':
			return -1
		case 'O':
			return '0'
		case 'I', 'L':
			return '1'
		}
		return r
	}, typed)
	return grouped(typed), len(typed) == codeLength
}

func unlock(code string) (seal.Key, error) {
	code, ok := normal(code)
	if !ok {
		return seal.Key{}, fmt.Errorf("expected an unlock code of %d letters and digits", codeLength)
	}
	key, err := hkdf.Key(sha256.New, []byte(code), nil, sealedSecret, 32)
	if err != nil {
		return seal.Key{}, err
	}
	return seal.NewKey(key)
}
