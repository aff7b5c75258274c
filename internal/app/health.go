package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/config"
)

// The addresses on server.adminListen at which a Portico tells how it is.
const (
	LivePath  = "/health/live"
	ReadyPath = "/health/ready"
)

const (
	healthPatience = 5 * time.Second
	maxHealth      = 4 << 10 // bytes of a reason that are read
)

// AdminURL is where this machine reaches server.adminListen.
func AdminURL(cfg *config.Config) (string, error) {
	if cfg.Server.AdminListen == "" {
		return "", errors.New("server.adminListen is not set: there is nobody to ask; expected an address such as 127.0.0.1:9090")
	}
	host, port, err := net.SplitHostPort(cfg.Server.AdminListen)
	if err != nil {
		return "", fmt.Errorf("server.adminListen: %w", err)
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() { // every address of this machine
		host = "127.0.0.1"
		if ip.Is6() {
			host = "::1"
		}
	}
	return "http://" + net.JoinHostPort(host, port), nil
}

// AskHealth asks a Portico at an address how it is; the error is what it says, or that it does not answer.
func AskHealth(ctx context.Context, base, path string) error {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("expected an address such as http://127.0.0.1:9090, got %q", base)
	}
	ctx, cancel := context.WithTimeout(ctx, healthPatience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.JoinPath(path).String(), nil)
	if err != nil {
		return err
	}
	client := http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true}, // and no proxy of the environment: it is asked directly
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("it does not answer: %w", err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNoContent:
		return nil
	case resp.StatusCode == http.StatusServiceUnavailable:
		reason, _ := io.ReadAll(io.LimitReader(resp.Body, maxHealth))
		return fmt.Errorf("not ready: %s", strings.TrimSpace(string(reason)))
	}
	return fmt.Errorf("%s answered %d: that is no Portico's server.adminListen", u.Host, resp.StatusCode)
}
