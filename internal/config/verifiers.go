package config

import (
	"fmt"
	"regexp"
	"slices"
	"time"
)

// Verifier is a service that checks app tokens, and declares for how long it uses the keys that it fetched.
type Verifier struct {
	Name      string        `yaml:"name"`
	JWKSCache time.Duration `yaml:"jwksCache"`
}

const (
	// CoreVerifier is the name of Core among the verifiers.
	CoreVerifier = "core"
	// EmbeddedCoreJWKSRefresh is when the embedded Core fetches anew. It is never idle for longer than 15 seconds.
	EmbeddedCoreJWKSRefresh = time.Minute
	// An external Core uses a set until it expires, by its own default (jwksExpireAfter 86400; platform contract 3.3).
	externalCoreJWKSCache = 24 * time.Hour
	// published is what comes on top of a verifier's own cache: HTTP caches on the way may keep the set for five minutes
	// (its max-age), and clocks differ.
	published = 10 * time.Minute
)

// KnownVerifiers are those declared, and the embedded Core.
func (c *Config) KnownVerifiers() []Verifier {
	if c.Core.API.URL != "" || c.declaresCore() {
		return c.STS.Token.Verifiers
	}
	return append([]Verifier{{CoreVerifier, EmbeddedCoreJWKSRefresh}}, c.STS.Token.Verifiers...)
}

func (c *Config) declaresCore() bool {
	return slices.ContainsFunc(c.STS.Token.Verifiers, func(v Verifier) bool { return v.Name == CoreVerifier })
}

// KeyOverlap is how long a signing key is published before it signs: sts.token.keyOverlap, or longer when a verifier
// keeps keys for longer.
func (c *Config) KeyOverlap() time.Duration {
	_, cache := c.longestCache()
	return max(c.STS.Token.KeyOverlap, cache+published)
}

func (c *Config) longestCache() (name string, longest time.Duration) {
	for _, v := range c.KnownVerifiers() {
		if v.JWKSCache > longest {
			name, longest = v.Name, v.JWKSCache
		}
	}
	if c.Core.API.URL != "" && !c.declaresCore() && longest < externalCoreJWKSCache {
		return CoreVerifier, externalCoreJWKSCache
	}
	return name, longest
}

// verifierName can stand in an address and in a table.
var verifierName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,39}$`)

func (c *Config) validateVerifiers(v *validator) {
	seen := map[string]bool{}
	for i, verifier := range c.STS.Token.Verifiers {
		key := fmt.Sprintf("sts.token.verifiers[%d]", i)
		if !verifierName.MatchString(verifier.Name) {
			v.fail(key+".name", "expected up to 40 of a-z, 0-9, - and . such as bridge, got %q", verifier.Name)
		}
		if seen[verifier.Name] {
			v.fail(key+".name", "%s stands twice", verifier.Name)
		}
		seen[verifier.Name] = true
		v.between(key+".jwksCache", verifier.JWKSCache, time.Second, 30*24*time.Hour)
	}
	token := c.STS.Token
	switch name, cache := c.longestCache(); {
	case token.KeyOverlap > token.KeyRotation:
		v.fail("sts.token.keyOverlap", "expected at most sts.token.keyRotation (%s), got %s", token.KeyRotation, token.KeyOverlap)
	case c.KeyOverlap() > token.KeyRotation && token.KeyRotation >= time.Hour: // less than that is said already
		v.fail("sts.token.keyRotation", "expected at least %s: the verifier %s keeps keys for %s, and a key is published for that and %s before it signs; got %s (where it keeps them for less, declare it: sts.token.verifiers)",
			c.KeyOverlap(), name, cache, published, token.KeyRotation)
	}
	if token.PreviousKeyEncryptionKeyFile != "" && token.PreviousKeyEncryptionKeyFile == token.KeyEncryptionKeyFile {
		v.fail("sts.token.previousKeyEncryptionKeyFile", "expected another file than sts.token.keyEncryptionKeyFile")
	}
}
