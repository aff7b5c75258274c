package config

import (
	"net/url"
	"strings"
	"time"
)

// Signals are what other parties may tell about people, so that what those hold here ends (docs/logout.md).
type Signals struct {
	BackchannelLogout     bool                  `yaml:"backchannelLogout"`
	FrontchannelLogout    bool                  `yaml:"frontchannelLogout"`
	GlobalTokenRevocation GlobalTokenRevocation `yaml:"globalTokenRevocation"`
	SharedSignals         SharedSignals         `yaml:"sharedSignals"`
	EventHook             EventHook             `yaml:"eventHook"`
}

// GlobalTokenRevocation is who may ask for it: Okta's org, for Universal Logout.
type GlobalTokenRevocation struct {
	Enabled bool   `yaml:"enabled"`
	Issuer  string `yaml:"issuer"`
	JWKSURI string `yaml:"jwksUri"`
}

// SharedSignals is who sends security event tokens. Without an issuer nobody does.
type SharedSignals struct {
	Issuer   string     `yaml:"issuer"`
	JWKSURI  string     `yaml:"jwksUri"`
	Audience string     `yaml:"audience"`
	Poll     SignalPoll `yaml:"poll"`
}

// SignalPoll is where they are fetched. Without an endpoint they are pushed.
type SignalPoll struct {
	Endpoint string        `yaml:"endpoint"`
	Token    Secret        `yaml:"token"`
	Interval time.Duration `yaml:"interval"`
}

// EventHook is Okta's. Without a secret it is not listened to.
type EventHook struct {
	Secret Secret `yaml:"secret"`
}

func defaultSignals() Signals {
	return Signals{
		BackchannelLogout: true, FrontchannelLogout: true, // they need no trust but that of the sign-in
		SharedSignals: SharedSignals{Poll: SignalPoll{Interval: 30 * time.Second}},
	}
}

const (
	oktaKeys     = "/oauth2/v1/keys" // of the org
	leastSecret  = 32                // characters
	mostSecret   = 1024
	shortestPoll = 5 * time.Second
	longestPoll  = time.Hour
)

func (c *Config) validateSignals(v *validator) {
	s := &c.Signals
	if c.Gateway.Mode != ModeBuiltin {
		for key, set := range map[string]bool{
			"signals.globalTokenRevocation.enabled": s.GlobalTokenRevocation.Enabled,
			"signals.sharedSignals.issuer":          s.SharedSignals.Issuer != "",
			"signals.eventHook.secret":              s.EventHook.Secret != "",
		} {
			if set {
				v.fail(key, "only used with gateway.mode: builtin, got %s: behind another gateway Portico has no sessions", c.Gateway.Mode)
			}
		}
		return
	}
	s.GlobalTokenRevocation.validate(v, c.IAM.Issuer)
	s.SharedSignals.validate(v)
	if secret := s.EventHook.Secret.Reveal(); secret != "" {
		if len(secret) < leastSecret || len(secret) > mostSecret || !visible(secret) {
			v.fail("signals.eventHook.secret", "expected %d to %d visible characters, e.g. from: openssl rand -hex 32", leastSecret, mostSecret)
		}
	}
}

// validate fills in what Okta's org is called, where the sign-in is by one of its authorization servers.
func (g *GlobalTokenRevocation) validate(v *validator, signIn string) {
	const key = "signals.globalTokenRevocation"
	if !g.Enabled {
		if g.Issuer != "" || g.JWKSURI != "" {
			v.fail(key+".enabled", "expected true where issuer or jwksUri are set")
		}
		return
	}
	if u, err := url.Parse(signIn); g.Issuer == "" && err == nil && strings.HasPrefix(u.Path, "/oauth2/") {
		g.Issuer = u.Scheme + "://" + u.Host
	}
	v.required(key+".issuer", g.Issuer, "who asks for the revocation, e.g. the Okta org https://dev-12345.okta.com")
	if g.Issuer == "" || v.url(key+".issuer", g.Issuer) == nil {
		return
	}
	if g.JWKSURI == "" {
		g.JWKSURI = strings.TrimSuffix(g.Issuer, "/") + oktaKeys
	}
	v.optionalURL(key+".jwksUri", g.JWKSURI)
}

func (s *SharedSignals) validate(v *validator) {
	const key = "signals.sharedSignals"
	if s.Issuer == "" {
		if s.JWKSURI != "" || s.Audience != "" || s.Poll.Endpoint != "" || s.Poll.Token != "" {
			v.fail(key+".issuer", "required with the other keys of signals.sharedSignals: the issuer of the security event tokens")
		}
		return
	}
	v.url(key+".issuer", s.Issuer)
	v.required(key+".jwksUri", s.JWKSURI, "where that issuer publishes its keys")
	v.optionalURL(key+".jwksUri", s.JWKSURI)
	v.required(key+".audience", s.Audience, "the audience of the stream; without it tokens for others would be accepted")
	if s.Poll.Endpoint == "" {
		if s.Poll.Token != "" {
			v.fail(key+".poll.endpoint", "required with a token: where the tokens are fetched (RFC 8936)")
		}
		return
	}
	v.url(key+".poll.endpoint", s.Poll.Endpoint)
	v.between(key+".poll.interval", s.Poll.Interval, shortestPoll, longestPoll)
	if !visible(s.Poll.Token.Reveal()) {
		v.fail(key+".poll.token", "expected visible characters only")
	}
}

// visible tells whether a text can stand in a header as it is. Blanks may be in it, not at its ends.
func visible(s string) bool {
	return s == strings.TrimSpace(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r > 0x7e })
}
