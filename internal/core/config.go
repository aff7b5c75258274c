package core

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/portico-iam/portico/internal/history"
)

// Mode says how a caller of /api is authenticated.
type Mode string

// The modes, named as in Core's configuration.
const (
	ModeSTS          Mode = "STS"
	ModeUnsafeStatic Mode = "UNSAFE_STATIC" // one token for everybody: no organisation, no user
	ModeUnsafeNone   Mode = "UNSAFE_NONE"   // everybody may do everything
)

// Secret prints as nothing.
type Secret string

func (Secret) String() string       { return "[redacted]" }
func (Secret) GoString() string     { return "[redacted]" }
func (Secret) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// Auth is Core's app.auth. There is no default mode.
type Auth struct {
	Mode        Mode
	StaticToken Secret          // UNSAFE_STATIC
	STS         TokenValidation // STS
}

// TokenValidation is Core's app.auth.stsTokenValidation.
type TokenValidation struct {
	Issuer           string        // iss, compared exactly
	Audience         string        // aud must contain it
	JWKSURI          string        // https unless AllowInsecureHTTPTransport
	JWKSRefreshAfter time.Duration // a request that finds the keys older has them fetched behind it
	JWKSExpireAfter  time.Duration // keys older are no longer trusted; 0: they are, without limit
	Leeway           time.Duration // allowed clock difference
}

// Config is all that the embedded Core needs.
type Config struct {
	Auth          Auth
	Organisations OrganisationStore
	History       history.Store
	HTTP          *http.Client // fetches the key set; its redirect policy is ignored: none is followed

	AllowInsecureHTTPTransport  bool
	EnableHistoryCreateEndpoint bool
	HideErrorResponseCause      bool
	WalletProviders             []string // names that an organisation may choose; the embedded Core has no other use for them

	Logger *slog.Logger                               // nil: slog's default
	Now    func() time.Time                           // nil: time.Now
	Wait   func(context.Context, time.Duration) error // between attempts to fetch the keys; nil: a timer
}

func (c *Config) setDefaults() {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Wait == nil {
		c.Wait = pause
	}
}

// validate reports every fault at once.
func (c *Config) validate() error {
	var faults []error
	if c.Organisations == nil || c.History == nil {
		faults = append(faults, errors.New("expected a store for organisations and one for history"))
	}
	switch c.Auth.Mode {
	case ModeSTS:
		faults = append(faults, c.validateSTS()...)
	case ModeUnsafeStatic:
		// An empty token would be one that everybody knows.
		if c.Auth.StaticToken == "" {
			faults = append(faults, errors.New("auth.staticToken: expected a token in mode UNSAFE_STATIC"))
		}
	case ModeUnsafeNone:
	default:
		faults = append(faults, fmt.Errorf("auth.mode: expected STS, UNSAFE_STATIC or UNSAFE_NONE, got %q", c.Auth.Mode))
	}
	return errors.Join(faults...)
}

func (c *Config) validateSTS() (faults []error) {
	v := c.Auth.STS
	fail := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("auth.stsTokenValidation."+format, args...))
	}
	if v.Issuer == "" {
		fail("iss: expected the issuer of the tokens")
	}
	if v.Audience == "" { // an empty audience would accept tokens meant for others (RFC 8725 section 3.9)
		fail("aud: expected the audience of this Core")
	}
	if u, err := url.Parse(v.JWKSURI); err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && c.AllowInsecureHTTPTransport) {
		fail("jwksUri: expected an https URL, got %q", v.JWKSURI)
	}
	if v.JWKSRefreshAfter <= 0 {
		fail("jwksRefreshAfter: expected more than zero, got %s", v.JWKSRefreshAfter)
	}
	if v.JWKSExpireAfter != 0 && v.JWKSExpireAfter < v.JWKSRefreshAfter {
		fail("jwksExpireAfter: expected at least jwksRefreshAfter (%s), got %s", v.JWKSRefreshAfter, v.JWKSExpireAfter)
	}
	if v.Leeway < 0 || v.Leeway > 10*time.Minute {
		fail("leeway: expected from 0 to 10m, got %s", v.Leeway)
	}
	if c.HTTP == nil {
		faults = append(faults, errors.New("expected an HTTP client to fetch the key set with"))
	}
	return faults
}

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
