package doctor

import (
	"cmp"
	"net/url"
	"strings"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/okta"
)

// Client is what signs in at Okta, as somebody's configuration describes it. An empty field is not known.
type Client struct {
	From              string // whose configuration
	Issuer, Discovery string
	ID                string
	Secret            config.Secret
	Auth              string
	RedirectURI       string
	LogoutURI         string
	Scopes            []string
	PKCE              bool
	// The names of the settings there.
	keys map[string]string
}

const discoverySuffix = "/.well-known/openid-configuration"

// key names a setting as the file has it that the client came from.
func (c *Client) key(name string) string { return cmp.Or(c.keys[name], name) }

var configKeys = map[string]string{
	"issuer": "iam.issuer", "id": "iam.clientId", "secret": "iam.clientSecret", "auth": "iam.clientAuth", "scopes": "iam.scopes",
	"redirect": "server.publicUrl and gateway.callbackPath", "logout": "server.publicUrl and gateway.postLogoutPath",
}

var setupKeys = map[string]string{
	"issuer": "authorizationServer", "id": "application", "redirect": "publicUrl and callbackPath", "logout": "publicUrl and postLogoutPath",
}

// clientOf finds out who signs in: the gateway whose file was given, else Portico itself, else what the setup file wants.
func clientOf(e *Evidence) Client {
	var c Client
	cfg := e.Config
	switch {
	case e.Gateway != nil:
		c = e.Gateway.client()
	case cfg != nil && cfg.Gateway.Mode == config.ModeBuiltin:
		c = Client{
			From: "the configuration", ID: cfg.IAM.ClientID, Secret: cfg.IAM.ClientSecret, Auth: cfg.IAM.ClientAuth,
			Scopes: cfg.IAM.Scopes, PKCE: true, keys: configKeys,
		}
		if cfg.Server.PublicURL != "" {
			c.RedirectURI = cfg.Server.PublicURL + cfg.Gateway.CallbackPath
			c.LogoutURI = cfg.Server.PublicURL + cfg.Gateway.PostLogoutPath
		}
	case cfg != nil:
		c = Client{From: "the configuration", ID: cfg.IAM.ClientID, keys: configKeys}
	}
	if cfg != nil && c.Issuer == "" {
		c.Issuer = cmp.Or(cfg.IAM.Issuer, cfg.STS.IAM.TokenValidation.Iss)
		c.Discovery = cfg.IAM.DiscoveryURL
	}
	if e.Setup != nil && c.From == "" {
		c = Client{From: "the setup file", RedirectURI: e.Setup.RedirectURI(), LogoutURI: e.Setup.LogoutURI(), Scopes: config.Default().IAM.Scopes, PKCE: true, keys: setupKeys}
		switch id := e.Setup.AuthorizationServer.ID; id {
		case "":
		case okta.OrgServer:
			c.Issuer = e.Setup.Okta.URL
		default:
			c.Issuer = e.Setup.Okta.URL + "/oauth2/" + id
		}
	}
	c.setIssuer(c.Issuer)
	return c
}

// setIssuer completes the place of the discovery (OpenID Connect Discovery 1.0 section 4).
func (c *Client) setIssuer(issuer string) {
	c.Issuer = issuer
	if c.Discovery == "" && issuer != "" {
		c.Discovery = strings.TrimSuffix(issuer, "/") + discoverySuffix
	}
}

// hostOf returns scheme and host of an address, in lower case; "" for what is none.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	return strings.ToLower(u.Scheme + "://" + u.Host)
}

// isBare tells of an issuer that is only a host: the organisation's own server.
func isBare(issuer string) bool {
	u, err := url.Parse(issuer)
	return err == nil && u.Host != "" && strings.Trim(u.Path, "/") == ""
}

// nearMiss says in what two texts differ that are nearly the same; "" when they are not.
func nearMiss(got, want string) string {
	switch {
	case got == want || got == "" || want == "":
		return ""
	case strings.TrimSpace(got) == strings.TrimSpace(want):
		return "They differ in a blank at the beginning or end."
	case strings.TrimSuffix(got, "/") == strings.TrimSuffix(want, "/"):
		return "They differ in the slash at the end."
	case strings.EqualFold(got, want):
		return "They differ in upper and lower case."
	case strings.EqualFold(strings.TrimSuffix(got, "/"), strings.TrimSuffix(want, "/")):
		return "They differ in case and in the slash at the end."
	case strings.TrimPrefix(got, "http://") == strings.TrimPrefix(want, "https://"), strings.TrimPrefix(got, "https://") == strings.TrimPrefix(want, "http://"):
		return "They differ in http and https."
	}
	return nearURL(got, want)
}

func nearURL(got, want string) string {
	a, errA := url.Parse(got)
	b, errB := url.Parse(want)
	if errA != nil || errB != nil || !strings.HasPrefix(a.Scheme, "http") || a.Scheme != b.Scheme || a.Host == "" || b.Host == "" {
		return ""
	}
	same := func(x, y string) bool {
		return strings.EqualFold(strings.TrimSuffix(x, "/"), strings.TrimSuffix(y, "/"))
	}
	switch {
	case a.Hostname() == b.Hostname() && a.Port() != b.Port() && same(a.Path, b.Path):
		return "They differ in the port."
	case withoutAdmin(a.Host) == withoutAdmin(b.Host) && a.Host != b.Host:
		return "They differ in -admin, which is the console's host."
	case a.Host == b.Host && !same(a.Path, b.Path):
		return "They differ in the path."
	case same(a.Path, b.Path) && a.Host != b.Host:
		return "They differ in the host."
	}
	return ""
}

// withoutAdmin makes an organisation's host of its console's.
func withoutAdmin(host string) string { return consoleHost.ReplaceAllString(host, "$1") }
