package world

import (
	"crypto/sha256"
	"math/big"
	"strings"
	"time"
)

const idLength = 20

// ID derives a stable id in Okta's form (prefix and base62, 20 characters) from names.
func ID(prefix string, names ...string) string {
	sum := sha256.Sum256([]byte(prefix + "\x00" + strings.Join(names, "\x00")))
	return IDFrom(prefix, sum[:])
}

// IDFrom makes an id of random bytes.
func IDFrom(prefix string, entropy []byte) string {
	digits := new(big.Int).SetBytes(entropy).Text(62)
	need := idLength - len(prefix)
	if len(digits) < need {
		digits = strings.Repeat("0", need-len(digits)) + digits
	}
	return prefix + digits[:need]
}

// Time is written as Okta writes it: UTC, milliseconds that are always .000.
type Time struct{ time.Time }

// At cuts a time to what Okta keeps of it.
func At(t time.Time) Time { return Time{t.UTC().Truncate(time.Second)} }

const timeFormat = "2006-01-02T15:04:05.000Z"

// MarshalJSON writes null for no time.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return []byte(`"` + t.Format(timeFormat) + `"`), nil
}

// Status is the life-cycle state every Okta resource carries.
type Status string

// The states of everything but people, who have Deprovisioned for Inactive.
const (
	Active        Status = "ACTIVE"
	Inactive      Status = "INACTIVE"
	Deprovisioned Status = "DEPROVISIONED"
	Staged        Status = "STAGED"
	Suspended     Status = "SUSPENDED"
)

// statusOf checks what a client may say about a status: nothing, ACTIVE or INACTIVE.
func (c *checks) statusOf(s *Status) {
	if *s == "" {
		*s = Active
	}
	c.that(*s == Active || *s == Inactive, "status", "'status' must be ACTIVE or INACTIVE")
}
