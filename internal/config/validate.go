package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// validator collects faults.
type validator struct{ faults Faults }

func (v *validator) fail(key, format string, args ...any) {
	v.faults = append(v.faults, key+": "+fmt.Sprintf(format, args...))
}

// validate checks every rule and fills what is derived from other keys.
func (c *Config) validate() Faults {
	v := &validator{}
	c.Server.validate(v)
	if c.STS.Issuer == "" {
		c.STS.Issuer = c.Server.PublicURL
	}
	c.Gateway.validate(v)
	c.deriveIssuer(v)
	c.IAM.validate(v, c.Gateway.Mode)
	c.STS.validate(v, c)
	c.Core.validate(v)
	c.Store.validate(v)
	v.oneOf("observability.logLevel", c.Observability.LogLevel, "debug", "info", "warn", "error")
	v.oneOf("observability.logFormat", c.Observability.LogFormat, "text", "json")
	return v.faults
}

func (s *Server) validate(v *validator) {
	v.hostPort("server.listen", s.Listen)
	if s.AdminListen != "" {
		v.hostPort("server.adminListen", s.AdminListen)
	}
	if u := v.origin("server.publicUrl", s.PublicURL); u != nil {
		s.PublicURL = u.Scheme + "://" + u.Host
	}
}

const discoverySuffix = "/.well-known/openid-configuration"

// deriveIssuer completes issuer and discovery URL from each other (OpenID Connect Discovery 1.0 section 4).
func (c *Config) deriveIssuer(v *validator) {
	i, validation := &c.IAM, &c.STS.IAM.TokenValidation
	if i.Issuer == "" && i.DiscoveryURL != "" {
		issuer, ok := strings.CutSuffix(i.DiscoveryURL, discoverySuffix)
		if !ok {
			v.fail("iam.discoveryUrl", "expected the issuer followed by %s, got %q; or set iam.issuer too", discoverySuffix, i.DiscoveryURL)
		}
		i.Issuer = issuer
	}
	if i.Issuer == "" {
		i.Issuer = validation.Iss
	}
	if i.DiscoveryURL == "" && i.Issuer != "" {
		i.DiscoveryURL = strings.TrimSuffix(i.Issuer, "/") + discoverySuffix
	}
	if validation.Iss == "" {
		validation.Iss = i.Issuer
	}
	if validation.Iss != i.Issuer {
		v.fail("sts.iam.tokenValidation.iss", "expected the same issuer as iam.issuer (%s), got %s", i.Issuer, validation.Iss)
	}
}

func (g *Gateway) validate(v *validator) {
	v.oneOf("gateway.mode", g.Mode, ModeBuiltin, ModeAPISIX, ModeOAuth2Proxy, ModeBearer)
	v.path("gateway.callbackPath", g.CallbackPath)
	for _, taken := range []string{"/", "/login", "/logout"} {
		if g.CallbackPath == taken {
			v.fail("gateway.callbackPath", "%s is taken; expected a path of its own, e.g. /.apisix/redirect", taken)
		}
	}
	for _, taken := range []string{"/api/", "/ssi/", "/.well-known/", "/assets/"} {
		if strings.HasPrefix(g.CallbackPath+"/", taken) {
			v.fail("gateway.callbackPath", "expected a path outside %s, got %s", taken, g.CallbackPath)
		}
	}
	v.path("gateway.postLogoutPath", g.PostLogoutPath)
	v.between("gateway.session.idle", g.Session.Idle, time.Minute, 24*time.Hour)
	v.between("gateway.session.absolute", g.Session.Absolute, time.Minute, 7*24*time.Hour)
}

func (i *IAM) validate(v *validator, mode string) {
	if i.Issuer != "" {
		v.url("iam.issuer", i.Issuer)
	}
	if i.DiscoveryURL != "" {
		v.url("iam.discoveryUrl", i.DiscoveryURL)
	}
	if mode != ModeBuiltin {
		return
	}
	if i.Issuer == "" && i.DiscoveryURL == "" {
		v.fail("iam.issuer", "required: the authorization server's Issuer URI, e.g. https://dev-12345.okta.com/oauth2/default")
	}
	if i.ClientID == "" {
		v.fail("iam.clientId", "required: Okta shows it at Applications > your app > General > Client Credentials")
	}
	if i.ClientSecret == "" {
		v.fail("iam.clientSecret", "required (or iam.clientSecretFile): Okta shows it at Applications > your app > General > Client Credentials")
	}
	v.oneOf("iam.clientAuth", i.ClientAuth, ClientSecretBasic, ClientSecretPost)
	v.oneOf("iam.tokenSource", i.TokenSource, SourceAccessToken)
	if !slices.Contains(i.Scopes, "openid") {
		v.fail("iam.scopes", "expected openid among them, got %v", i.Scopes)
	}
}

var supportedAlgorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

func (s *STS) validate(v *validator, c *Config) {
	v.origin("sts.issuer", s.Issuer)
	iam := &s.IAM
	if iam.TokenValidation.Iss == "" && c.Gateway.Mode != ModeBuiltin {
		v.fail("sts.iam.tokenValidation.iss", "required: the issuer of the tokens, e.g. https://dev-12345.okta.com/oauth2/default")
	}
	iam.TokenValidation.validate(v, "sts.iam.tokenValidation")
	v.required("sts.iam.rolePath", iam.RolePath, "the claim that holds the roles, e.g. roles")
	v.required("sts.iam.subjectPath", iam.SubjectPath, "the claim that identifies the person, e.g. sub")
	v.required("sts.iam.adminRole", iam.AdminRole, "the bootstrap administrator's role, e.g. ONE_STS_ADMIN")
	for i := range iam.Additional {
		key := fmt.Sprintf("sts.iam.additional[%d].tokenValidation", i)
		a := &iam.Additional[i].TokenValidation
		v.required(key+".iss", a.Iss, "the issuer")
		v.required(key+".jwksUri", a.JWKSURI, "where that issuer publishes its keys")
		a.validate(v, key)
		if a.Iss != "" && a.Iss == iam.TokenValidation.Iss {
			v.fail(key+".iss", "%s is the first issuer already", a.Iss)
		}
	}
	v.between("sts.token.ttl", s.Token.TTL, 30*time.Second, time.Hour)
	v.between("sts.token.keyRotation", s.Token.KeyRotation, time.Hour, 10*365*24*time.Hour)
	v.between("sts.token.keyOverlap", s.Token.KeyOverlap, time.Minute, 30*24*time.Hour)
	if len(s.Token.Audiences) == 0 || slices.Contains(s.Token.Audiences, "") {
		v.fail("sts.token.audiences", "expected at least one audience and none empty, e.g. [one-core]")
	}
	v.required("sts.token.keyEncryptionKeyFile", s.Token.KeyEncryptionKeyFile,
		"a file with 32 random bytes in base64, e.g. from: openssl rand -base64 32 > key && chmod 600 key")
	c.refuseDevelopmentOkta(v)
}

// refuseDevelopmentOkta keeps an identity provider on this very machine from opening a service that others reach.
func (c *Config) refuseDevelopmentOkta(v *validator) {
	if c.Server.PublicURL == "" || isLoopback(c.Server.PublicURL) {
		return
	}
	for _, address := range []struct{ key, url string }{
		{"iam.issuer", c.IAM.Issuer},
		{"iam.discoveryUrl", c.IAM.DiscoveryURL},
		{"sts.iam.tokenValidation.jwksUri", c.STS.IAM.TokenValidation.JWKSURI},
	} {
		if address.url != "" && isLoopback(address.url) {
			v.fail(address.key, "%s is on this machine, as the development Okta is, but server.publicUrl is not: refused", address.url)
		}
	}
}

func (t *TokenValidation) validate(v *validator, key string) {
	if t.Aud == "" {
		v.fail(key+".aud", "required: the authorization server's audience, e.g. api://procivis-one; without it tokens for others would be accepted")
	}
	if t.Iss != "" {
		v.url(key+".iss", t.Iss)
	}
	if t.JWKSURI != "" {
		v.url(key+".jwksUri", t.JWKSURI)
	}
	if len(t.Algorithms) == 0 {
		v.fail(key+".algorithms", "expected at least one of %s", strings.Join(supportedAlgorithms, ", "))
	}
	for _, a := range t.Algorithms {
		v.oneOf(key+".algorithms", a, supportedAlgorithms...)
	}
	v.between(key+".leeway", t.Leeway, 0, 5*time.Minute)
	v.between(key+".jwksRefreshAfter", t.JWKSRefreshAfter, 10*time.Second, 24*time.Hour)
	v.between(key+".jwksExpireAfter", t.JWKSExpireAfter, t.JWKSRefreshAfter, 30*24*time.Hour)
}

func (c *Core) validate(v *validator) {
	if c.API.URL != "" {
		v.url("core.api.url", c.API.URL)
	}
	v.oneOf("core.api.authentication", c.API.Authentication, AuthSTS, AuthUnsafeStatic, AuthUnsafeNone)
	if c.API.Authentication == AuthUnsafeStatic && c.API.StaticToken == "" {
		v.fail("core.api.staticToken", "required with UNSAFE_STATIC")
	}
	if c.API.Authentication != AuthUnsafeStatic && c.API.StaticToken != "" {
		v.fail("core.api.staticToken", "only used with UNSAFE_STATIC, got %s", c.API.Authentication)
	}
}

func (s *Store) validate(v *validator) {
	v.oneOf("store.driver", s.Driver, "sqlite", "postgres")
	v.required("store.dsn", s.DSN.Reveal(), "the path of the SQLite file, or a PostgreSQL connection string")
	looksPostgres := strings.HasPrefix(s.DSN.Reveal(), "postgres://") || strings.HasPrefix(s.DSN.Reveal(), "postgresql://")
	if s.Driver == "sqlite" && looksPostgres {
		v.fail("store.dsn", "expected the path of an SQLite file, got a PostgreSQL connection string; set store.driver: postgres")
	}
}

func (v *validator) required(key, value, what string) {
	if value == "" {
		v.fail(key, "required: %s", what)
	}
}

func (v *validator) oneOf(key, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		v.fail(key, "expected one of %s, got %q", strings.Join(allowed, ", "), value)
	}
}

func (v *validator) between(key string, value, low, high time.Duration) {
	if value < low || value > high {
		v.fail(key, "expected a duration from %s to %s, got %s", low, high, value)
	}
}

func (v *validator) hostPort(key, value string) {
	if _, port, err := net.SplitHostPort(value); err != nil || port == "" {
		v.fail(key, "expected host:port, e.g. 127.0.0.1:8080, got %q", value)
	}
}

func (v *validator) path(key, value string) {
	if !strings.HasPrefix(value, "/") || strings.HasPrefix(value, "//") || strings.ContainsAny(value, "?#\\ {}%") || strings.Contains(value, "/../") {
		v.fail(key, "expected a plain absolute path, got %q", value)
	}
}

// url accepts https, and http on loopback.
func (v *validator) url(key, value string) *url.URL {
	u, err := url.Parse(value)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		v.fail(key, "expected an https URL, got %q", value)
	case u.User != nil || u.Fragment != "" || u.RawQuery != "":
		v.fail(key, "expected a URL without user, query and fragment")
	case u.Scheme == "http" && !isLoopback(value):
		v.fail(key, "expected https (http is accepted on loopback only), got %q", value)
	case strings.HasSuffix(u.Hostname(), "-admin.okta.com"):
		v.fail(key, "%s is the address of Okta's console, not of an issuer: leave out -admin", u.Host)
	default:
		return u
	}
	return nil
}

// origin accepts a URL that is nothing but scheme, host and port.
func (v *validator) origin(key, value string) *url.URL {
	if value == "" {
		v.fail(key, "required: the address under which browsers reach Portico, e.g. https://desk.example.com")
		return nil
	}
	u := v.url(key, value)
	if u != nil && u.Path != "" && u.Path != "/" {
		v.fail(key, "expected scheme and host only, got the path %s", u.Path)
		return nil
	}
	return u
}

// isLoopback tells whether a URL names this machine.
func isLoopback(rawURL string) bool {
	u, err := url.Parse(rawURL)
	if err != nil {
		return false
	}
	if u.Hostname() == "localhost" || strings.HasSuffix(u.Hostname(), ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return err == nil && ip.IsLoopback()
}

// IsLoopback tells whether the public address is on this machine, as it is in development.
func (s *Server) IsLoopback() bool { return isLoopback(s.PublicURL) }
