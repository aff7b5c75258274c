package bff

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/httpx"
)

// Proxy is the reverse proxy to Core.
type Proxy struct {
	target *url.URL
	// public is our own address: what Core is told of scheme and host comes from here, not from the request.
	public *url.URL
	// trusted are the proxies whose X-Forwarded-For is passed on.
	trusted []netip.Prefix
	// changed is called after Core accepted a change of an organisation, before the caller learns of it.
	changed func(context.Context) error
	proxy   *httputil.ReverseProxy
}

// ProxyConfig is what a Proxy needs.
type ProxyConfig struct {
	Target               *url.URL // Core
	Transport            http.RoundTripper
	Public               *url.URL
	TrustedProxies       []netip.Prefix
	OrganisationsChanged func(context.Context) error
	Logger               *slog.Logger
}

// NewProxy returns a proxy to Core.
func NewProxy(cfg ProxyConfig) *Proxy {
	p := &Proxy{target: cfg.Target, public: cfg.Public, trusted: cfg.TrustedProxies, changed: cfg.OrganisationsChanged}
	p.proxy = &httputil.ReverseProxy{
		Rewrite:        p.rewrite,
		Transport:      cfg.Transport,
		ModifyResponse: p.afterwards,
		ErrorHandler:   p.failed,
		ErrorLog:       slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelDebug),
		BufferPool:     newBuffers(),
	}
	return p
}

type outgoingKey struct{}

// outgoing is what a request leaves with.
type outgoing struct {
	token   string // empty: public
	session string // its name, for Core's log
}

// Forward passes a decided request on with its token.
func (p *Proxy) Forward(w http.ResponseWriter, r *http.Request, token string, caller *authn.Caller) {
	out := outgoing{token: token}
	if caller.Session != nil {
		out.session = caller.Session.Ref
	}
	dropOwnHeaders(w.Header())
	p.proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), outgoingKey{}, out)))
}

// Public passes requests on without a token of ours: wallets bring their own, or none.
func (p *Proxy) Public() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		dropOwnHeaders(w.Header())
		p.proxy.ServeHTTP(w, r)
	})
}

// dropOwnHeaders takes back what our middleware set: Core's answer passes as Core gave it.
func dropOwnHeaders(h http.Header) {
	for _, name := range []string{"Content-Security-Policy", "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy", "Referrer-Policy", "Cache-Control", "X-Content-Type-Options"} {
		delete(h, name)
	}
}

// identityHeaders are those by which gateways tell who somebody is. None of them reaches Core: only the token does.
var identityHeaders = canonical(
	"Cookie", "Authorization", "Proxy-Authorization", authn.OrganisationHeader, "X-Session-Id", "Remote-User", "X-Remote-User",
	"X-Userinfo", "X-Id-Token", "X-Access-Token", "X-Refresh-Token", "X-User", "X-Email", "X-Groups", "X-Roles",
	"X-Real-Ip", "Forwarded", "X-Client-Cert", "X-Ssl-Client-Cert", "X-Original-Url", "X-Rewrite-Url", "X-Http-Method-Override",
)

// canonical are the names as a server's requests have them.
func canonical(names ...string) map[string]bool {
	all := map[string]bool{}
	for _, name := range names {
		all[http.CanonicalHeaderKey(name)] = true
	}
	return all
}

var identityPrefixes = []string{"X-Forwarded-", "X-Auth-Request-", "X-Pomerium-", "X-Portico-", "X-Consumer-", "X-Authenticated-", "X-Webauth-", "X-Ms-Client-Principal", "Impersonate-", "Tailscale-User-", "X-Goog-Authenticated-", "X-Amzn-Oidc-", "Oidc-"}

func stripIdentity(h http.Header) {
	for name := range h { // fewer than there are names to look for
		// Some servers read _ as -, so that X_Forwarded_For would come back to life behind us.
		if identityHeaders[name] || strings.Contains(name, "_") || slices.ContainsFunc(identityPrefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
			delete(h, name)
		}
	}
}

func (p *Proxy) rewrite(pr *httputil.ProxyRequest) {
	out, in := pr.Out, pr.In
	authorization := in.Header.Values("Authorization")
	stripIdentity(out.Header)
	out.Trailer = nil // nobody decided upon what comes behind the body
	if httpx.FromTrusted(in, p.trusted) {
		out.Header["X-Forwarded-For"] = in.Header["X-Forwarded-For"]
	} else { // W3C Trace Context: who we don't know is not to write into Core's traces
		delete(out.Header, "Traceparent")
		delete(out.Header, "Tracestate")
	}
	delete(out.Header, "Baggage") // proxies pass on whatever a client put there
	pr.SetXForwarded()            // adds who called us
	out.Header.Set("X-Forwarded-Proto", p.public.Scheme)
	out.Header.Set("X-Forwarded-Host", p.public.Host)
	out.URL.Scheme, out.URL.Host = p.target.Scheme, p.target.Host
	out.Host = ""
	if p.target.Path != "" && p.target.Path != "/" {
		joined := p.target.JoinPath(in.URL.EscapedPath())
		out.URL.Path, out.URL.RawPath = joined.Path, joined.RawPath
	}
	out.URL.RawQuery = in.URL.RawQuery // the same bytes, not what the library thinks of them
	out.Header.Set("X-Request-Id", httpx.RequestID(in.Context()))
	sending, isOurs := in.Context().Value(outgoingKey{}).(outgoing)
	switch {
	case isOurs:
		out.Header.Set("Authorization", "Bearer "+sending.token)
		if sending.session != "" {
			out.Header.Set("X-Session-Id", sending.session)
		}
	case len(authorization) == 1:
		out.Header.Set("Authorization", authorization[0]) // a wallet's own, of the route's protocol
	}
}

// afterwards lets policy learn of a changed organisation before its author does: the next request may rely on it.
func (p *Proxy) afterwards(resp *http.Response) error {
	if resp.StatusCode < 300 {
		p.organisationsMayHaveChanged(resp.Request)
	}
	_, isOurs := resp.Request.Context().Value(outgoingKey{}).(outgoing)
	guard(resp.Header, isOurs)
	return nil
}

// guard adds what Core left open. Its answers come from our origin: whatever somebody stored in Core must not run there as
// a page, and what one caller may read must not stay in a cache for the next.
func guard(h http.Header, private bool) {
	missing := func(name, value string) {
		if len(h[name]) == 0 {
			h.Set(name, value)
		}
	}
	missing("X-Content-Type-Options", "nosniff")
	missing("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox")
	if private {
		missing("Cache-Control", "no-store")
	}
}

// organisationsMayHaveChanged does not depend on the caller's patience: who hangs up right after deactivating an
// organisation must not leave it active here.
func (p *Proxy) organisationsMayHaveChanged(r *http.Request) {
	changes := r.Method != http.MethodGet && r.Method != http.MethodHead
	path := strings.TrimPrefix(r.URL.Path, strings.TrimSuffix(p.target.Path, "/"))
	if !changes || !strings.HasPrefix(path, "/api/organisation/") {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), syncTimeout)
	defer cancel()
	if err := p.changed(ctx); err != nil {
		httpx.Logger(ctx).ErrorContext(ctx, "organisations not refreshed after a change", "error", err)
	}
}

const syncTimeout = 10 * time.Second

func (p *Proxy) failed(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		p.organisationsMayHaveChanged(r) // Core may have done it all the same
	}
	var timeout net.Error
	switch {
	case errors.Is(err, context.Canceled): // the caller hung up: nobody reads an answer
		w.WriteHeader(499)
	case errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout():
		httpx.WriteError(w, r, fault.CoreTimeout.New("Core took too long to answer").Because(err))
	default:
		httpx.WriteError(w, r, fault.CoreUnavailable.New("Core does not answer; try again in a moment").Because(err))
	}
}
