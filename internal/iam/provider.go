package iam

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

const (
	fetchTimeout     = 10 * time.Second
	maxMetadata      = 256 << 10 // bytes
	metadataFreshFor = time.Hour
	metadataRetry    = 5 * time.Second
)

// HTTPClient returns a client for calls to the identity provider: bounded in time, never following a redirect, since
// a key set or a token must come from where the operator said.
func HTTPClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 16
	transport.ResponseHeaderTimeout = fetchTimeout
	return &http.Client{
		Transport: transport,
		Timeout:   fetchTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return errors.New("redirects are not followed")
		},
	}
}

// Metadata is what we use of a provider's metadata (OpenID Connect Discovery 1.0 section 3).
type Metadata struct {
	Issuer                string `json:"issuer"`
	AuthorizationEndpoint string `json:"authorization_endpoint"`
	TokenEndpoint         string `json:"token_endpoint"`
	UserinfoEndpoint      string `json:"userinfo_endpoint"`
	JWKSURI               string `json:"jwks_uri"`
	EndSessionEndpoint    string `json:"end_session_endpoint"`
	RevocationEndpoint    string `json:"revocation_endpoint"` // RFC 8414
	// RFC 9207: the provider names itself in the authorization response.
	IssParameterSupported bool `json:"authorization_response_iss_parameter_supported"`
}

// Provider is one authorization server.
type Provider struct {
	Issuer       string // exact
	DiscoveryURL string
	HTTP         *http.Client
	Now          func() time.Time
	Logger       *slog.Logger

	mu       sync.Mutex
	metadata *Metadata
	freshAt  time.Time
	triedAt  time.Time
	lastErr  error
	flight   singleflight.Group
	work     sync.WaitGroup
}

// Metadata returns the provider's metadata: at once when it was ever fetched, else after fetching it. A failed fetch is
// not repeated for some seconds.
func (p *Provider) Metadata(ctx context.Context) (*Metadata, error) {
	p.mu.Lock()
	m, now := p.metadata, p.Now()
	stale := now.Sub(p.freshAt) >= metadataFreshFor
	mayTry := p.triedAt.IsZero() || now.Sub(p.triedAt) >= metadataRetry
	lastErr := p.lastErr
	refresh := m != nil && stale && mayTry
	if refresh {
		p.triedAt = now // one refresh at a time, however long it takes
	}
	p.mu.Unlock()

	if m != nil {
		if refresh {
			p.work.Go(func() {
				if _, err := p.fetch(context.Background()); err != nil {
					p.Logger.Warn("the identity provider's metadata could not be refreshed; the last one stays in use", "error", err)
				}
			})
		}
		return m, nil
	}
	if !mayTry && lastErr != nil {
		return nil, lastErr
	}
	return p.fetch(ctx)
}

// JWKSURI returns where the keys are published; it fits KeySet.URL.
func (p *Provider) JWKSURI(ctx context.Context) (string, error) {
	m, err := p.Metadata(ctx)
	if err != nil {
		return "", err
	}
	return m.JWKSURI, nil
}

// Last tells of the last fetch of the metadata.
func (p *Provider) Last() Fetched {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Fetched{p.freshAt, p.lastErr}
}

// Close waits for a refresh that is under way.
func (p *Provider) Close() { p.work.Wait() }

func (p *Provider) fetch(ctx context.Context) (*Metadata, error) {
	m, err, _ := p.flight.Do("", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
		defer cancel()
		m, err := p.discover(ctx)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.triedAt, p.lastErr = p.Now(), err
		if err != nil {
			return nil, err
		}
		p.metadata, p.freshAt = m, p.triedAt
		return m, nil
	})
	if err != nil {
		return nil, err
	}
	return m.(*Metadata), nil
}

func (p *Provider) discover(ctx context.Context) (*Metadata, error) {
	body, err := getJSON(ctx, p.HTTP, p.DiscoveryURL, maxMetadata)
	if err != nil {
		return nil, err
	}
	var m Metadata
	if err := json.Unmarshal(body, &m); err != nil {
		return nil, fmt.Errorf("%s: expected the provider's metadata as JSON: %w", p.DiscoveryURL, err)
	}
	// Section 4.3: exactly equal, or somebody else speaks for the issuer.
	if m.Issuer != p.Issuer {
		return nil, fmt.Errorf("%s: expected the issuer %s, got %s: set iam.issuer to exactly what the provider says", p.DiscoveryURL, p.Issuer, m.Issuer)
	}
	for name, endpoint := range map[string]string{
		"authorization_endpoint": m.AuthorizationEndpoint, "token_endpoint": m.TokenEndpoint, "jwks_uri": m.JWKSURI,
	} {
		if err := p.sameSecurity(endpoint); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", p.DiscoveryURL, name, err)
		}
	}
	for name, endpoint := range map[string]string{
		"userinfo_endpoint": m.UserinfoEndpoint, "end_session_endpoint": m.EndSessionEndpoint, "revocation_endpoint": m.RevocationEndpoint,
	} {
		if endpoint == "" {
			continue
		}
		if err := p.sameSecurity(endpoint); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", p.DiscoveryURL, name, err)
		}
	}
	return &m, nil
}

// sameSecurity refuses an endpoint without TLS, unless the issuer itself (then on loopback) has none and it is on the
// same host: a secret must not leave the machine in the clear.
func (p *Provider) sameSecurity(endpoint string) error {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" {
		return fmt.Errorf("expected an absolute URL, got %q", endpoint)
	}
	if u.Scheme == "https" {
		return nil
	}
	issuer, err := url.Parse(p.Issuer)
	if err != nil || issuer.Scheme != "http" || u.Scheme != "http" || u.Hostname() != issuer.Hostname() {
		return fmt.Errorf("expected https (http only where the issuer has none either, and on its host), got %q", endpoint)
	}
	return nil
}

// getJSON fetches a small JSON document.
func getJSON(ctx context.Context, client *http.Client, url string, limit int64) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", url, err)
	}
	req.Header.Set("Accept", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return nil, err // it names the URL
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: expected status 200, got %d", url, resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", url, err)
	}
	if int64(len(body)) > limit {
		return nil, fmt.Errorf("%s: expected at most %d bytes", url, limit)
	}
	return body, nil
}
