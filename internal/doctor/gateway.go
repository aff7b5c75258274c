package doctor

import (
	"errors"
	"maps"
	"net/url"
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
		c.PKCE = !part.has("OIDCPKCEMethod") || part.get("OIDCPKCEMethod") == "S256" // the default
		c.Scopes = orOpenID(c.Scopes, "openid")
	case grafana:
		c.PKCE = part.on("use_pkce")
		if part.get("section") == "okta" {
			c.Scopes = orOpenID(c.Scopes, "openid", "profile", "email", "groups")
		}
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
		"redirect": "OIDCRedirectURI", "scopes": "OIDCScope",
	},
	grafana: {"issuer": "auth_url", "id": "client_id", "secret": "client_secret", "scopes": "scopes"},
	argoCD:  {"issuer": "issuer", "id": "clientID", "secret": "clientSecret", "scopes": "requestedScopes"},
}

// placeholder tells of a value that stands elsewhere: ${VAR}, $ENV://VAR, $secret://…, $oidc.okta.clientSecret, <secret>.
func placeholder(value string) bool {
	return value == "" || strings.Contains(value, "$") || strings.HasPrefix(value, "<") || strings.HasPrefix(value, "%(")
}

// pathOf is the path of an address, or of what is a path already.
func pathOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Path
}
