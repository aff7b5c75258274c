package gateway

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"text/template"
	"time"

	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/config"
)

// Options are what our configuration can't say.
type Options struct {
	Upstream string // host:port of Portico, as the gateway reaches it; empty: server.listen
	Redis    string // host:port of the Redis that keeps the gateway's sessions
}

// values are what the templates are filled with.
type values struct {
	*config.Config
	Mode         string // that Portico must be in
	Host         string // of the public address, with the port if it has one
	Secure       bool   // the public address is https
	Callback     string // the sign-in redirect URI to register
	PostLogout   string // the sign-out redirect URI to register
	Scope        string
	ProviderHost string // of Okta, with the port if it has one
	UpstreamHost string
	UpstreamPort string
	RedisHost    string
	RedisPort    string
	SecretHeader string // empty: no secret is shared
}

// newValues takes everything from the configuration, or says what is missing there.
func newValues(cfg *config.Config, o Options, mode, callbackPath string) (*values, error) {
	var missing []string
	if cfg.IAM.ClientID == "" {
		missing = append(missing, "iam.clientId: Okta shows it at Applications > your app > General > Client Credentials")
	}
	if cfg.IAM.DiscoveryURL == "" {
		missing = append(missing, "iam.issuer: the authorization server's Issuer URI, e.g. https://dev-12345.okta.com/oauth2/default")
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("the gateway's configuration needs what ours leaves out:\n  - %s", strings.Join(missing, "\n  - "))
	}
	public, err := url.Parse(cfg.Server.PublicURL)
	if err != nil {
		return nil, fmt.Errorf("server.publicUrl: %w", err)
	}
	provider, err := url.Parse(cfg.IAM.Issuer)
	if err != nil {
		return nil, fmt.Errorf("iam.issuer: %w", err)
	}
	v := &values{
		Config: cfg, Mode: mode, Host: public.Host, Secure: public.Scheme == "https", ProviderHost: provider.Host,
		Callback: cfg.Server.PublicURL + callbackPath, PostLogout: cfg.Server.PublicURL + cfg.Gateway.PostLogoutPath,
		Scope: strings.Join(cfg.IAM.Scopes, " "),
	}
	if cfg.Gateway.SharedSecret != "" {
		v.SecretHeader = authn.GatewayHeader
	}
	if v.UpstreamHost, v.UpstreamPort, err = hostPort(o.Upstream, cfg.Server.Listen); err != nil {
		return nil, err
	}
	v.RedisHost, v.RedisPort, err = hostPort(o.Redis, "127.0.0.1:6379")
	return v, err
}

// hostPort splits an address to connect to. Who listens everywhere is reached on this machine.
func hostPort(address, otherwise string) (host, port string, err error) {
	if address == "" {
		address = otherwise
	}
	if host, port, err = net.SplitHostPort(address); err != nil {
		return "", "", fmt.Errorf("expected host:port, got %q", address)
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return host, port, nil
}

// Idle and Absolute are how long a session lasts, as configured for ours.
func (v *values) Idle() time.Duration     { return v.Gateway.Session.Idle }
func (v *values) Absolute() time.Duration { return v.Gateway.Session.Absolute }

// Upstream is Portico's address.
func (v *values) Upstream() string { return net.JoinHostPort(v.UpstreamHost, v.UpstreamPort) }

// Redis is Redis's address.
func (v *values) Redis() string { return net.JoinHostPort(v.RedisHost, v.RedisPort) }

//go:embed templates
var files embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"quote": quote, "seconds": seconds, "indent": indent, "bare": bare, "regex": regexp.QuoteMeta,
}).ParseFS(files, "templates/*.tmpl"))

func render(name string, data any) (string, error) {
	var b bytes.Buffer
	err := templates.ExecuteTemplate(&b, name, data)
	return b.String(), err
}

// escapes hides what somebody would understand before the quotes are read: bare our comments, OAuth2-Proxy and the ADC
// variables.
var escapes = strings.NewReplacer("#", `\u0023`, "$", `\u0024`)

// quote writes a text as YAML's and TOML's double-quoted strings do, which is JSON's way.
func quote(s string) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // an & in an address stays one
	err := e.Encode(s)
	return escapes.Replace(strings.TrimSuffix(b.String(), "\n")), err
}

func seconds(d time.Duration) int { return int(d / time.Second) }

// indent moves every line but empty ones to the right.
func indent(n int, text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, line := range lines {
		if line != "" {
			lines[i] = strings.Repeat(" ", n) + line
		}
	}
	return strings.Join(lines, "\n")
}

var comment = regexp.MustCompile(`(?m)^ *#.*\n| +# .*$`)

// bare leaves comments out of what was explained before.
func bare(text string) string { return comment.ReplaceAllString(text, "") }
