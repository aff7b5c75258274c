package doctor

import (
	"cmp"
	"errors"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/portico-iam/portico/internal/config"
)

// Gateway is the file of a gateway in front, or of another client of the same issuer, as far as it matters here.
type Gateway struct {
	Kind  string // one of the kinds below
	Parts []Part // APISIX has one for each plug-in, the others have one
}

// The kinds of gateway.
const (
	apisix      = "APISIX"
	oauth2Proxy = "OAuth2-Proxy"
	apache      = "Apache mod_auth_openidc"
	grafana     = "Grafana"
	argoCD      = "Argo CD"
)

// Part is one set of options, by the product's own names; nested ones are dotted.
type Part struct {
	Where   string // in the file
	Options map[string][]string
}

func (p *Part) get(name string) string { return strings.Join(p.Options[name], " ") }

func (p *Part) has(name string) bool { return len(p.Options[name]) > 0 }

// on reads a switch.
func (p *Part) on(name string) bool {
	return slices.Contains([]string{"true", "yes", "on", "1"}, strings.ToLower(p.get(name)))
}

func (p *Part) off(name string) bool {
	return slices.Contains([]string{"false", "no", "off", "0"}, strings.ToLower(p.get(name)))
}

// words splits what some products write with blanks and some with commas.
func (p *Part) words(name string) []string {
	return strings.FieldsFunc(p.get(name), func(r rune) bool { return r == ' ' || r == ',' || r == '"' || r == '[' || r == ']' || r == '\'' })
}

const maxGateway = 1 << 20

// readGateway recognises the product by its file.
func readGateway(text []byte) (*Gateway, error) {
	if len(text) > maxGateway {
		return nil, errors.New("gateway file: expected at most 1 MiB")
	}
	for _, read := range []func(string) *Gateway{readApache, readGrafana, readOAuth2Proxy, readYAML} {
		if g := read(string(text)); g != nil {
			return g, nil
		}
	}
	return nil, errors.New("gateway file: expected the configuration of APISIX (YAML or JSON with an openid-connect plug-in), OAuth2-Proxy (cfg, flags or environment), Apache (OIDC… directives), Grafana (ini with [auth.okta] or [auth.generic_oauth]) or Argo CD (argocd-cm)")
}

// client is the gateway as a client of Okta.
func (g *Gateway) client() Client {
	names := clientOptions[g.Kind]
	c := Client{From: "the file of " + g.Kind, keys: maps.Clone(names)}
	if len(g.Parts) == 0 {
		return c
	}
	part := &g.Parts[0]
	get := func(what string) string {
		if names[what] == "" {
			return ""
		}
		return part.get(names[what])
	}
	c.ID, c.Auth, c.RedirectURI, c.LogoutURI = get("id"), get("auth"), get("redirect"), get("logout")
	if secret := get("secret"); !placeholder(secret) {
		c.Secret = config.Secret(secret)
	}
	if names["scopes"] != "" {
		c.Scopes = part.words(names["scopes"])
	}
	issuer := get("issuer")
	if place, isDiscovery := strings.CutSuffix(issuer, discoverySuffix); isDiscovery {
		c.Discovery, issuer = issuer, place
	}
	if g.Kind == grafana { // it has the endpoints only
		issuer, _, _ = strings.Cut(issuer, "/v1/authorize")
		issuer = strings.TrimSuffix(issuer, "/oauth2") // of the organisation's own server
	}
	c.setIssuer(issuer)
	switch g.Kind {
	case apisix:
		c.PKCE = part.on("use_pkce")
		c.Scopes = orOpenID(c.Scopes, "openid")
	case oauth2Proxy:
		c.PKCE = part.get("code_challenge_method") == "S256"
		c.Scopes = orOpenID(c.Scopes, "openid", "email", "profile")
	case apache:
		c.PKCE = part.get("OIDCPKCEMethod") == "S256"
		c.Scopes = orOpenID(c.Scopes, "openid")
	case grafana:
		c.PKCE = part.on("use_pkce")
		if root := strings.TrimSuffix(part.get("root_url"), "/"); root != "" && !placeholder(root) {
			c.RedirectURI = root + "/login/" + part.get("section")
		}
	case argoCD:
		c.PKCE = part.on("enablePKCEAuthentication")
		c.Scopes = orOpenID(c.Scopes, "openid", "profile", "email", "groups")
		if root := strings.TrimSuffix(part.get("url"), "/"); root != "" {
			c.RedirectURI = root + "/auth/callback"
		}
	}
	if !strings.Contains(c.RedirectURI, "://") { // a path only: the host is that of the request
		c.RedirectURI = ""
	}
	return c
}

func orOpenID(scopes []string, usual ...string) []string {
	if len(scopes) == 0 {
		return usual
	}
	return scopes
}

// clientOptions are the products' names of what Client has. Each is from the product's own documentation.
var clientOptions = map[string]map[string]string{
	apisix: {
		"issuer": "discovery", "id": "client_id", "secret": "client_secret", "auth": "token_endpoint_auth_method", "redirect": "redirect_uri",
		"logout": "post_logout_redirect_uri", "scopes": "scope",
	},
	oauth2Proxy: {"issuer": "oidc_issuer_url", "id": "client_id", "secret": "client_secret", "redirect": "redirect_url", "scopes": "scope"},
	apache: {
		"issuer": "OIDCProviderMetadataURL", "id": "OIDCClientID", "secret": "OIDCClientSecret", "auth": "OIDCProviderTokenEndpointAuth",
		"redirect": "OIDCRedirectURI", "logout": "OIDCDefaultLoggedOutURL", "scopes": "OIDCScope",
	},
	grafana: {"issuer": "auth_url", "id": "client_id", "secret": "client_secret", "scopes": "scopes"},
	argoCD:  {"issuer": "issuer", "id": "clientID", "secret": "clientSecret", "scopes": "requestedScopes"},
}

// placeholder tells of a value that stands elsewhere: ${VAR}, $ENV://VAR, $secret://…, $oidc.okta.clientSecret, <secret>.
func placeholder(value string) bool {
	return value == "" || strings.Contains(value, "$") || strings.HasPrefix(value, "<") || strings.HasPrefix(value, "%(")
}

var apacheLine = regexp.MustCompile(`(?m)^\s*(OIDC[A-Za-z]+)\s+(.+?)\s*$`)

func readApache(text string) *Gateway {
	part := Part{Where: "OIDC directives", Options: map[string][]string{}}
	for _, m := range apacheLine.FindAllStringSubmatch(text, -1) {
		part.Options[m[1]] = []string{strings.Trim(m[2], `"`)}
	}
	if len(part.Options) == 0 {
		return nil
	}
	if strings.Contains(text, "OIDC_access_token") {
		part.Options["passes"] = []string{"access token"}
	}
	return &Gateway{Kind: apache, Parts: []Part{part}}
}

var (
	iniSection = regexp.MustCompile(`^\s*\[([^\]]+)\]\s*$`)
	iniLine    = regexp.MustCompile(`^\s*([A-Za-z0-9_]+)\s*=\s*(.*?)\s*$`)
)

func readGrafana(text string) *Gateway {
	var section string
	part := Part{Options: map[string][]string{}}
	for line := range strings.SplitSeq(text, "\n") {
		if m := iniSection.FindStringSubmatch(line); m != nil {
			section = m[1]
			continue
		}
		m := iniLine.FindStringSubmatch(line)
		name, ours := strings.CutPrefix(section, "auth.")
		switch {
		case m == nil:
		case section == "server" && m[1] == "root_url":
			part.Options["root_url"] = []string{m[2]}
		case ours && (name == "okta" || name == "generic_oauth") && !(m[1] == "enabled" && m[2] == "false"):
			part.Where = "[" + section + "]"
			part.Options["section"] = []string{name}
			part.Options[m[1]] = []string{strings.Trim(m[2], `"`)}
		}
	}
	if part.Where == "" {
		return nil
	}
	return &Gateway{Kind: grafana, Parts: []Part{part}}
}

var (
	proxyFlag = regexp.MustCompile(`--([a-z][a-z0-9-]+)(?:=|[ \t]+)?(?:"([^"\n]*)"|'([^'\n]*)'|([^\s"',\]-][^\s"',\]]*))?`)
	proxyEnv  = regexp.MustCompile(`(?m)OAUTH2_PROXY_([A-Z0-9_]+)["']?\s*(?:[=:]|\n\s*value:)\s*["']?([^"'\n]*)`)
	proxyLine = regexp.MustCompile(`(?m)^\s*([a-z][a-z0-9_]+)\s*=\s*(.*?)\s*$`)
	quotedAll = regexp.MustCompile(`"([^"]*)"`)
	// plural names of the file and the environment; the flags have the singular.
	proxyPlural = map[string]string{
		"oidc_extra_audiences": "oidc_extra_audience", "allowed_groups": "allowed_group", "whitelist_domains": "whitelist_domain",
		"email_domains": "email_domain", "cookie_domains": "cookie_domain",
	}
)

// withoutComments drops what follows a # outside of quotes, and lets a list stand on one line.
func withoutComments(text string) string {
	var b strings.Builder
	list := 0
	for line := range strings.SplitSeq(text, "\n") {
		quoted, comment := false, false
		for _, r := range line {
			switch {
			case r == '"':
				quoted = !quoted
			case !quoted && r == '[':
				list++
			case !quoted && r == ']':
				list--
			}
			if comment = comment || r == '#' && !quoted; !comment {
				b.WriteRune(r)
			}
		}
		if list <= 0 {
			list = 0
			b.WriteByte('\n')
		}
	}
	return b.String()
}

func readOAuth2Proxy(text string) *Gateway {
	text = withoutComments(text)
	lower := strings.ToLower(text)
	if !strings.Contains(lower, "oidc_issuer_url") && !strings.Contains(lower, "oidc-issuer-url") {
		return nil
	}
	part := Part{Where: "options", Options: map[string][]string{}}
	put := func(name string, values ...string) {
		name = strings.ReplaceAll(strings.ToLower(name), "-", "_")
		name = cmp.Or(proxyPlural[name], name)
		part.Options[name] = append(part.Options[name], values...)
	}
	for _, m := range proxyLine.FindAllStringSubmatch(text, -1) {
		var values []string
		for _, q := range quotedAll.FindAllStringSubmatch(m[2], -1) {
			values = append(values, q[1])
		}
		if len(values) == 0 {
			values = []string{strings.Trim(m[2], `"'`)}
		}
		put(m[1], values...)
	}
	for _, m := range proxyEnv.FindAllStringSubmatch(text, -1) {
		put(m[1], strings.TrimSpace(m[2]))
	}
	for _, m := range proxyFlag.FindAllStringSubmatch(text, -1) {
		put(m[1], cmp.Or(m[2], m[3], m[4], "true"))
	}
	return &Gateway{Kind: oauth2Proxy, Parts: []Part{part}}
}

// pathOf is the path of an address, or of what is a path already.
func pathOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Path
}
