package devokta

import (
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/devokta/world"
)

// Config is everything the development Okta needs from outside.
type Config struct {
	// PublicURL is where browsers and clients reach it, e.g. http://localhost:8081. Its host must be loopback.
	PublicURL string
	// StateFile keeps the whole org, keys, tokens and browser sessions; "" keeps them in memory.
	StateFile string
	// Profile is the kind of org, one of Profiles; "" is the state file's, or else the first.
	Profile string
	// WebRedirectURIs and WebLogoutURIs belong to the guide's web application.
	WebRedirectURIs, WebLogoutURIs []string

	Now    func() time.Time // nil = time.Now
	Logger *slog.Logger     // nil = silent
	Rand   io.Reader        // nil = crypto/rand; keys always come from the system's own source
}

// Unlicensed is the profile without custom authorization servers.
const Unlicensed = world.Unlicensed

// Profiles are the kinds of org there are, the default first.
func Profiles() []string { return world.Profiles() }

// withDefaults checks the configuration and fills what was left out.
func (c Config) withDefaults() (Config, error) {
	c.PublicURL = strings.TrimSuffix(c.PublicURL, "/")
	u, err := url.Parse(c.PublicURL)
	if err != nil {
		return c, fmt.Errorf("development Okta: public URL %q: %w", c.PublicURL, err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return c, fmt.Errorf("development Okta: public URL %q is not of the form http://localhost:8081", c.PublicURL)
	}
	if !isLoopback(u.Hostname()) {
		return c, fmt.Errorf("development Okta: public URL %q is not on loopback; its passwords are public, so it answers only on localhost, 127.0.0.0/8 or ::1", c.PublicURL)
	}
	if c.Profile != "" && !slices.Contains(Profiles(), c.Profile) {
		return c, fmt.Errorf("development Okta: there is no profile %q; the profiles are %s", c.Profile, join(Profiles()))
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	return c, nil
}

// customURL is the second name of an org with a custom domain: the other way to write this machine.
func (c Config) customURL() string {
	u, err := url.Parse(c.PublicURL)
	if err != nil {
		return c.PublicURL
	}
	other := "localhost"
	if strings.EqualFold(u.Hostname(), other) {
		other = "127.0.0.1"
	}
	if port := u.Port(); port != "" {
		other = net.JoinHostPort(other, port)
	}
	return u.Scheme + "://" + other
}

// Listen opens a TCP listener and refuses an address that others could reach.
func Listen(addr string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("development Okta: listen address %q: %w", addr, err)
	}
	if !isLoopback(host) {
		return nil, fmt.Errorf("development Okta: listen address %q is not on loopback", addr)
	}
	return net.Listen("tcp", addr)
}

// isLoopback takes names literally: only "localhost" is trusted to be loopback, nothing is resolved.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

func (s *Server) secure() bool { return strings.HasPrefix(s.cfg.PublicURL, "https:") }
