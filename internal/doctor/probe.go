package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/iam"

	"github.com/portico-iam/portico/internal/config"
)

// Probes are what the issuer answers to somebody without credentials.
type Probes struct {
	Net          *Failure // why it can't be reached
	RateLimited  string   // the address that said 429
	Organisation bool     // its host is an Okta organisation's
	Main         Discovery
	ByClient     Discovery   // the same with ?client_id=
	Variants     []Discovery // tried where Main was not found: those that were
	JWKSURI      string
	Keys         []string // key ids; nil: not had
	Algorithms   []string // of those keys, where they say
	ClientKeys   []string // with ?client_id=
	OrgKeys      []string // of the organisation's own server
	Authorize    *Reaction
	Registered   string   // a redirect URI much like ours that is registered
	BadScopes    []string // that authorize refuses
	Code         *Reaction
	OtherAuth    *Reaction // the same by the other method, where the first was refused
	TrimmedOK    bool      // the secret is right without the blanks at its ends
	Refresh      *Reaction
	Skew         time.Duration // of our clock, positive: ahead
	HasSkew      bool
}

// Discovery is the answer of one discovery address.
type Discovery struct {
	URL    string
	Status int // 0: not asked
	Issuer string
	Code   string // of an error, e.g. E0000015
	Scopes []string
	iam.Metadata
}

// Failure is why a host could not be reached.
type Failure struct {
	Kind string // dns, tls, unreachable
	Text string
}

const (
	probeTime = 4 * time.Second // of one request
	maxAnswer = 512 << 10
)

// prober asks the issuer's host and the organisation's, nobody else.
type prober struct {
	http  *http.Client
	hosts []string
	now   func() time.Time
	out   *Probes
	token *Token
}

// consoleHost matches the console's host in every cell of Okta's.
var consoleHost = regexp.MustCompile(`(?i)-admin(\.(?:okta|oktapreview|okta-emea|okta-gov)\.com)$`)

func newProber(in Input, e *Evidence) *prober {
	p := &prober{now: in.Now, token: e.Token}
	places := []string{e.Client.Issuer, e.Client.Discovery}
	if e.Setup != nil {
		places = append(places, e.Setup.Okta.URL)
	}
	if e.Config != nil {
		places = append(places, e.Config.IAM.Issuer, e.Config.IAM.DiscoveryURL, e.Config.STS.IAM.TokenValidation.JWKSURI)
		for _, a := range e.Config.STS.IAM.Additional {
			places = append(places, a.TokenValidation.JWKSURI)
		}
	}
	for _, place := range places {
		if host := hostOf(place); host != "" {
			p.hosts = append(p.hosts, host, withoutAdmin(host))
		}
	}
	base := http.DefaultTransport
	if in.HTTP != nil && in.HTTP.Transport != nil {
		base = in.HTTP.Transport
	}
	patience := time.Duration(probeTime)
	if in.HTTP != nil && in.HTTP.Timeout > 0 {
		patience = in.HTTP.Timeout
	}
	p.http = &http.Client{
		Transport: &guard{p, base}, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return p
}

func (p *prober) allowed(address string) bool { return slices.Contains(p.hosts, hostOf(address)) }

// guard lets requests through to the allowed hosts only, whatever a discovery document says.
type guard struct {
	p    *prober
	next http.RoundTripper
}

func (g *guard) RoundTrip(r *http.Request) (*http.Response, error) {
	if !g.p.allowed(r.URL.String()) {
		return nil, fmt.Errorf("%s is neither the issuer's host nor the organisation's", r.URL.Host)
	}
	return g.next.RoundTrip(r)
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a request. A failure of the network, or a rate limit, ends all probing: the rest would only say it again.
func (p *prober) do(r *http.Request) *answer {
	if p.out.Net != nil || p.out.RateLimited != "" {
		return nil
	}
	r.Header.Set("User-Agent", "portico-doctor")
	response, err := p.http.Do(r)
	if err != nil {
		p.out.Net = failureOf(r.URL.Host, err)
		return nil
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		p.out.Net = failureOf(r.URL.Host, err)
		return nil
	}
	if response.StatusCode == http.StatusTooManyRequests || response.Header.Get("X-Rate-Limit-Remaining") == "0" {
		p.out.RateLimited = r.URL.Scheme + "://" + r.URL.Host + r.URL.Path
	}
	if at, err := http.ParseTime(response.Header.Get("Date")); err == nil && !p.out.HasSkew {
		p.out.Skew, p.out.HasSkew = p.now().Sub(at), true
	}
	return &answer{response.StatusCode, response.Header, string(body)}
}

func (p *prober) get(ctx context.Context, address string) *answer {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil
	}
	return p.do(r)
}

// failureOf tells the kinds apart that are mended in different places.
func failureOf(host string, err error) *Failure {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	text := strings.ToLower(err.Error())
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		return &Failure{"dns", clip(fmt.Sprintf("%s: %v", host, err))}
	case strings.Contains(text, "x509") || strings.Contains(text, "tls") || strings.Contains(text, "certificate") || strings.Contains(text, "server gave http response"):
		return &Failure{"tls", clip(fmt.Sprintf("%s: %v", host, err))}
	}
	return &Failure{"unreachable", clip(fmt.Sprintf("%s: %v", host, err))}
}

// probe asks everything, the cheap and telling things first.
func (p *prober) probe(ctx context.Context, c Client) *Probes {
	p.out = &Probes{}
	base := hostOf(c.Issuer)
	if a := p.get(ctx, withoutAdmin(base)+"/.well-known/okta-organization"); a != nil {
		p.out.Organisation = a.status == http.StatusOK && strings.Contains(a.body, `"pipeline"`)
	}
	if p.out.Main = p.discover(ctx, c.Discovery); p.out.Main.Status != http.StatusOK {
		for _, issuer := range variants(c.Issuer) {
			if d := p.discover(ctx, issuer+discoverySuffix); d.Status == http.StatusOK && d.Issuer != "" {
				p.out.Variants = append(p.out.Variants, d)
			}
		}
		return p.out
	}
	if c.ID != "" {
		p.out.ByClient = p.discover(ctx, c.Discovery+"?client_id="+url.QueryEscape(c.ID))
	}
	p.keys(ctx, c)
	if c.ID != "" && c.RedirectURI != "" {
		p.authorize(ctx, c)
	}
	// A secret goes nowhere in the clear, however wrong the configuration is that we were called for.
	endpoint := p.endpoint(p.out.Main.TokenEndpoint, c, "/v1/token")
	if c.ID != "" && c.Secret != "" && (strings.HasPrefix(endpoint, "https://") || config.IsLoopback(endpoint)) {
		p.tokens(ctx, c)
	}
	return p.out
}

func (p *prober) discover(ctx context.Context, address string) Discovery {
	d := Discovery{URL: address}
	a := p.get(ctx, address)
	if a == nil {
		return d
	}
	var body struct {
		ErrorCode string   `json:"errorCode"`
		Scopes    []string `json:"scopes_supported"`
	}
	d.Status = a.status
	if json.Unmarshal([]byte(a.body), &body) == nil {
		d.Code, d.Scopes = clip(body.ErrorCode), body.Scopes
	}
	if a.status == http.StatusOK && json.Unmarshal([]byte(a.body), &d.Metadata) == nil {
		d.Issuer = d.Metadata.Issuer
	}
	return d
}

// variants are what people mean when an issuer is not found, the likeliest first.
func variants(issuer string) (all []string) {
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" {
		return nil
	}
	base := withoutAdmin(u.Scheme + "://" + u.Host)
	path := strings.TrimSuffix(strings.TrimRight(u.Path, "/ "), discoverySuffix)
	cut, _, _ := strings.Cut(path, "/v1")
	for _, candidate := range []string{
		base + strings.TrimSpace(path), base + path, base + cut, base + strings.ToLower(cut), base + "/oauth2" + cut, base + "/oauth2/default",
	} {
		if candidate != issuer && !slices.Contains(all, candidate) {
			all = append(all, candidate)
		}
	}
	return all
}

// keys reads the key ids, and looks elsewhere for a token's key that is not among them.
func (p *prober) keys(ctx context.Context, c Client) {
	p.out.JWKSURI = p.out.Main.JWKSURI
	if !p.allowed(p.out.JWKSURI) {
		p.out.JWKSURI = strings.TrimSuffix(c.Issuer, "/") + "/v1/keys"
	}
	p.out.Keys, p.out.Algorithms = p.keySet(ctx, p.out.JWKSURI)
	if p.token == nil || p.token.KID == "" || slices.Contains(p.out.Keys, p.token.KID) {
		return
	}
	if client := p.token.text("cid"); client != "" {
		p.out.ClientKeys = p.kids(ctx, p.out.JWKSURI+"?client_id="+url.QueryEscape(client))
	}
	p.out.OrgKeys = p.kids(ctx, hostOf(c.Issuer)+"/oauth2/v1/keys")
}

func (p *prober) kids(ctx context.Context, address string) []string {
	kids, _ := p.keySet(ctx, address)
	return kids
}

func (p *prober) keySet(ctx context.Context, address string) (kids, algorithms []string) {
	a := p.get(ctx, address)
	var set struct {
		Keys []struct {
			KID string `json:"kid"`
			Alg string `json:"alg"`
		} `json:"keys"`
	}
	if a == nil || a.status != http.StatusOK || json.Unmarshal([]byte(a.body), &set) != nil {
		return nil, nil
	}
	kids = []string{}
	for _, key := range set.Keys {
		kids = append(kids, key.KID)
		if key.Alg != "" {
			algorithms = append(algorithms, key.Alg)
		}
	}
	return kids, algorithms
}
