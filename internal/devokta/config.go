package devokta

import (
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"
)

// Config is everything the development Okta needs from outside.
type Config struct {
	// PublicURL is where browsers and clients reach it, e.g. http://localhost:8081. Its host must be loopback.
	PublicURL string
	// StateFile keeps keys, secrets, tokens and browser sessions; "" keeps them in memory.
	StateFile string
	// WebRedirectURIs and WebLogoutURIs belong to the guide's web application.
	WebRedirectURIs, WebLogoutURIs []string

	Now    func() time.Time // nil = time.Now
	Logger *slog.Logger     // nil = silent
	Rand   io.Reader        // nil = crypto/rand; keys always come from the system's own source
}

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
