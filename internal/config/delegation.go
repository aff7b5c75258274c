package config

import (
	"fmt"
	"slices"
	"time"
)

// Delegation bounds the tokens by which a service acts for a user.
type Delegation struct {
	TTL      time.Duration `yaml:"ttl"`
	MaxDepth int           `yaml:"maxDepth"`
}

// ServiceClient says which client of the identity provider runs the service behind an audience. It may ask what tokens
// for that audience are worth, and act for the users whose tokens for that audience it is handed.
type ServiceClient struct {
	Audience string `yaml:"audience"`
	Issuer   string `yaml:"issuer"` // of the identity provider; empty: the first one
	ClientID string `yaml:"clientId"`
	// Subject is what the client's own tokens are about, by which they differ from those of users who signed in through
	// it; empty: the client id, as at Okta.
	Subject string `yaml:"subject"`
	// ClientSecret is one of ours for the client, by which it authenticates here (RFC 6749 section 2.3.1); empty: it proves
	// itself by its token alone.
	ClientSecret Secret `yaml:"clientSecret"`
}

// minClientSecret bounds a secret from below, in bytes: nobody is to guess one.
const minClientSecret = 24

func defaultDelegation() Delegation { return Delegation{TTL: time.Minute, MaxDepth: 2} }

// validateDelegation also fills in the issuers and subjects that are left out.
func (s *STS) validateDelegation(v *validator) {
	v.between("sts.delegation.ttl", s.Delegation.TTL, 10*time.Second, 10*time.Minute)
	if n := s.Delegation.MaxDepth; n < 1 || n > 5 {
		v.fail("sts.delegation.maxDepth", "expected 1 to 5 services that act one behind the other, got %d", n)
	}
	issuers := []string{s.IAM.TokenValidation.Iss}
	for _, a := range s.IAM.Additional {
		issuers = append(issuers, a.TokenValidation.Iss)
	}
	for i := range s.Token.Clients {
		c, key := &s.Token.Clients[i], fmt.Sprintf("sts.token.clients[%d]", i)
		if c.Issuer == "" {
			c.Issuer = issuers[0]
		}
		if c.Subject == "" {
			c.Subject = c.ClientID
		}
		if n := len(c.ClientSecret.Reveal()); n > 0 && n < minClientSecret {
			v.fail(key+".clientSecret", "expected at least %d characters, got %d", minClientSecret, n)
		}
		if !slices.Contains(s.Token.Audiences, c.Audience) {
			v.fail(key+".audience", "expected one of sts.token.audiences, got %q", c.Audience)
		}
		if !slices.Contains(issuers, c.Issuer) {
			v.fail(key+".issuer", "expected sts.iam.tokenValidation.iss or an issuer of sts.iam.additional, got %q", c.Issuer)
		}
		v.required(key+".clientId", c.ClientID, "the id of the service's client at the identity provider")
	}
}
