package world

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"slices"
)

// maxSecrets lets one secret follow another.
const maxSecrets = 2

// Secret is a client secret as the API shows one.
type Secret struct {
	ID           string `json:"id"`
	Created      Time   `json:"created"`
	LastUpdated  Time   `json:"lastUpdated"`
	Status       Status `json:"status"`
	ClientSecret string `json:"client_secret"`
	SecretHash   string `json:"secret_hash"`
}

func (w *World) secretOf(value string) *Secret {
	sum := sha256.Sum256([]byte(value))
	return &Secret{
		ID: w.newID("ocs"), Created: w.Now(), LastUpdated: w.Now(), Status: Active,
		ClientSecret: value, SecretHash: base64.RawURLEncoding.EncodeToString(sum[:16]),
	}
}

// HasSecret compares in constant time with every active secret.
func (a *App) HasSecret(value string) bool {
	given := sha256.Sum256([]byte(value))
	found := 0
	for _, s := range a.Secrets {
		want := sha256.Sum256([]byte(s.ClientSecret))
		if s.Status == Active {
			found |= subtle.ConstantTimeCompare(given[:], want[:])
		}
	}
	return found == 1
}

// Secret is the newest active one, or "".
func (a *App) Secret() string {
	for _, s := range slices.Backward(a.Secrets) {
		if s.Status == Active {
			return s.ClientSecret
		}
	}
	return ""
}

// FindSecret finds one of an application's secrets.
func (a *App) FindSecret(id string) (*Secret, error) {
	if s := find(a.Secrets, func(s *Secret) bool { return s.ID == id }); s != nil {
		return s, nil
	}
	return nil, NotFound(id, "OAuth2ClientSecret")
}

// CreateSecret adds a second secret: the old one works until it is deactivated.
func (w *World) CreateSecret(a *App, in Secret) (*Secret, error) {
	var c checks
	c.that(a.NeedsSecret(), "client_secret", "The client does not use a secret")
	c.that(len(a.Secrets) < maxSecrets, "client_secret", "You've reached the maximum number of client secrets per client.")
	c.that(in.ClientSecret == "" || len(in.ClientSecret) >= 14 && len(in.ClientSecret) <= 100, "client_secret", "must be 14 to 100 characters")
	c.statusOf(&in.Status)
	if err := c.err(); err != nil {
		return nil, err
	}
	if in.ClientSecret == "" {
		in.ClientSecret = w.newSecret()
	}
	s := w.secretOf(in.ClientSecret)
	s.Status = in.Status
	a.Secrets = append(a.Secrets, s)
	return s, nil
}

// SetSecretStatus activates or deactivates; one secret stays active.
func (w *World) SetSecretStatus(a *App, s *Secret, to Status) error {
	other := find(a.Secrets, func(o *Secret) bool { return o != s && o.Status == Active })
	if to == Inactive && s.Status == Active && other == nil {
		return Invalid("client_secret", "You can't deactivate the only active client secret.")
	}
	s.Status, s.LastUpdated = to, w.Now()
	return nil
}

// DeleteSecret removes a secret that is INACTIVE.
func (w *World) DeleteSecret(a *App, s *Secret) error {
	if s.Status != Inactive {
		return Invalid("client_secret", "You can't delete an active client secret. Deactivate it first.")
	}
	a.Secrets = without(a.Secrets, s)
	return nil
}
