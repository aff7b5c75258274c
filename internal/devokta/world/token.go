package world

import (
	"crypto/sha256"
	"crypto/subtle"
)

// APIToken is an SSWS token: whoever has it may do what its owner may.
type APIToken struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Value   string `json:"value"`
	Owner   string `json:"owner"` // user id; the token dies with the owner
	Role    string `json:"role"`
	Expires Time   `json:"expires"` // zero = never
}

// AddAPIToken makes a token of the org's administrator.
func (w *World) AddAPIToken(name, role string, expires Time) *APIToken {
	t := &APIToken{ID: w.newID("00T"), Name: name, Value: w.newTokenValue(), Owner: w.Admin, Role: role, Expires: expires}
	w.Tokens = append(w.Tokens, t)
	return t
}

// FindAPIToken returns the live token of that value, or nil.
func (w *World) FindAPIToken(value string) *APIToken {
	given := sha256.Sum256([]byte(value))
	var found *APIToken
	for _, t := range w.Tokens {
		want := sha256.Sum256([]byte(t.Value))
		if subtle.ConstantTimeCompare(given[:], want[:]) == 1 {
			found = t
		}
	}
	if found == nil || !found.Expires.IsZero() && !w.now().Before(found.Expires.Time) {
		return nil
	}
	if owner := w.UserByID(found.Owner); owner == nil || owner.Status != Active {
		return nil
	}
	return found
}
