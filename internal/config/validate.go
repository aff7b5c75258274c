package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/claim"
	"github.com/portico-iam/portico/internal/httpx"
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
	} else {
		v.origin("sts.issuer", c.STS.Issuer)
	}
	c.Gateway.validate(v)
	c.refuseDevelopmentOkta(v)
	c.deriveIssuer(v)
	c.validateTokenSource(v)
	c.IAM.validate(v, c.Gateway.Mode)
	c.STS.validate(v, c)
	c.Core.validate(v)
	c.SCIM.validate(v)
	c.validateSignals(v)
	c.Store.validate(v)
	c.Limits.validate(v)
	c.Observability.validate(v)
	return v.faults
}

func (s *Server) validate(v *validator) {
	v.hostPort("server.listen", s.Listen)
	if s.AdminListen != "" {
		v.hostPort("server.adminListen", s.AdminListen)
	}
	if u := v.origin("server.publicUrl", s.PublicURL); u != nil {
		s.PublicURL = originOf(u)
	}
}

// originOf writes an origin as browsers do, so that the Origin header can be compared with it (RFC 6454 section 6.1).
func originOf(u *url.URL) string {
	host := strings.ToLower(u.Host)
	if u.Scheme == "https" {
		host = strings.TrimSuffix(host, ":443")
	} else {
		host = strings.TrimSuffix(host, ":80")
	}
	return u.Scheme + "://" + strings.TrimSuffix(host, ":")
}

const discoverySuffix = "/.well-known/openid-configuration"

// deriveIssuer checks what is given of issuer and discovery URL, and completes each from the other (OpenID Connect
// Discovery 1.0 section 4).
func (c *Config) deriveIssuer(v *validator) {
	i, validation := &c.IAM, &c.STS.IAM.TokenValidation
	v.optionalURL("iam.issuer", i.Issuer)
	v.optionalURL("iam.discoveryUrl", i.DiscoveryURL)
	v.optionalURL("sts.iam.tokenValidation.iss", validation.Iss)
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

func (i *IAM) validate(v *validator, mode string) {
	v.oneOf("iam.clientAuth", i.ClientAuth, ClientSecretBasic, ClientSecretPost) // a gateway in front gets it from here, too
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
	if !slices.Contains(i.Scopes, "openid") {
		v.fail("iam.scopes", "expected openid among them, got %v", i.Scopes)
	}
}

var supportedAlgorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

func (s *STS) validate(v *validator, c *Config) {
	iam := &s.IAM
	if iam.TokenValidation.Iss == "" && c.Gateway.Mode != ModeBuiltin {
		v.fail("sts.iam.tokenValidation.iss", "required: the issuer of the tokens, e.g. https://dev-12345.okta.com/oauth2/default")
	}
	iam.TokenValidation.validate(v, "sts.iam.tokenValidation")
	v.claim("sts.iam.rolePath", iam.RolePath, "the claim that holds the roles, e.g. roles")
	v.claim("sts.iam.subjectPath", iam.SubjectPath, "the claim that identifies the person, e.g. sub")
	v.required("sts.iam.adminRole", iam.AdminRole, "the bootstrap administrator's role, e.g. ONE_STS_ADMIN")
	if iam.AdminRole != strings.TrimSpace(iam.AdminRole) {
		v.fail("sts.iam.adminRole", "expected no blanks at its ends, got %q", iam.AdminRole)
	}
	issuers := map[string]string{iam.TokenValidation.Iss: "sts.iam.tokenValidation.iss"}
	for i := range iam.Additional {
		key := fmt.Sprintf("sts.iam.additional[%d].tokenValidation", i)
		a := &iam.Additional[i].TokenValidation
		v.required(key+".iss", a.Iss, "the issuer")
		v.optionalURL(key+".iss", a.Iss)
		v.required(key+".jwksUri", a.JWKSURI, "where that issuer publishes its keys")
		a.validate(v, key)
		if a.Aud != "" && a.Aud == c.IAM.ClientID {
			v.fail(key+".aud", "expected the API's audience, got iam.clientId: ID tokens of our own sign-in would count as access tokens")
		}
		if first, taken := issuers[a.Iss]; taken && a.Iss != "" {
			v.fail(key+".iss", "expected an issuer of its own, got that of %s: %s", first, a.Iss)
		}
		issuers[a.Iss] = key + ".iss"
		v.claim(fmt.Sprintf("sts.iam.additional[%d].rolePath", i), iam.Additional[i].RolePath, "the claim that holds the roles, e.g. roles")
		v.claim(fmt.Sprintf("sts.iam.additional[%d].subjectPath", i), iam.Additional[i].SubjectPath, "the claim that identifies the person, e.g. sub")
	}
	v.between("sts.token.ttl", s.Token.TTL, 30*time.Second, time.Hour)
	v.between("sts.token.keyRotation", s.Token.KeyRotation, time.Hour, 10*365*24*time.Hour)
	v.between("sts.token.keyOverlap", s.Token.KeyOverlap, time.Minute, 30*24*time.Hour)
	c.validateVerifiers(v)
	s.validateDelegation(v)
	if len(s.Token.Audiences) == 0 || slices.Contains(s.Token.Audiences, "") {
		v.fail("sts.token.audiences", "expected at least one audience and none empty, e.g. [one-core]")
	}
	v.required("sts.token.keyEncryptionKeyFile", s.Token.KeyEncryptionKeyFile,
		"a file with 32 random bytes in base64, e.g. from: openssl rand -base64 32 > key && chmod 600 key")
}

// refuseDevelopmentOkta keeps an identity provider on this very machine from opening a service that others reach.
func (c *Config) refuseDevelopmentOkta(v *validator) {
	if c.Server.PublicURL == "" || IsLoopback(c.Server.PublicURL) {
		return
	}
	type address struct{ key, url string }
	addresses := []address{
		{"iam.issuer", c.IAM.Issuer},
		{"iam.discoveryUrl", c.IAM.DiscoveryURL},
		{"sts.iam.tokenValidation.iss", c.STS.IAM.TokenValidation.Iss},
		{"sts.iam.tokenValidation.jwksUri", c.STS.IAM.TokenValidation.JWKSURI},
	}
	for i, a := range c.STS.IAM.Additional {
		key := fmt.Sprintf("sts.iam.additional[%d].tokenValidation", i)
		addresses = append(addresses, address{key + ".iss", a.TokenValidation.Iss}, address{key + ".jwksUri", a.TokenValidation.JWKSURI})
	}
	addresses = append(addresses,
		address{"signals.globalTokenRevocation.issuer", c.Signals.GlobalTokenRevocation.Issuer},
		address{"signals.globalTokenRevocation.jwksUri", c.Signals.GlobalTokenRevocation.JWKSURI},
		address{"signals.sharedSignals.issuer", c.Signals.SharedSignals.Issuer},
		address{"signals.sharedSignals.jwksUri", c.Signals.SharedSignals.JWKSURI},
		address{"signals.sharedSignals.poll.endpoint", c.Signals.SharedSignals.Poll.Endpoint},
	)
	for _, address := range addresses {
		if address.url != "" && IsLoopback(address.url) {
			v.fail(address.key, "%s is on this machine, as the development Okta is, but server.publicUrl is not: refused", address.url)
		}
	}
}

func (t *TokenValidation) validate(v *validator, key string) {
	if strings.TrimSpace(t.Aud) == "" {
		v.fail(key+".aud", "required: the authorization server's audience, e.g. api://procivis-one; without it tokens for others would be accepted")
	}
	v.optionalURL(key+".jwksUri", t.JWKSURI)
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
	if c.API.URL != "" && v.absolute("core.api.url", c.API.URL) != nil && !c.API.UnsafeHTTP && isClear(c.API.URL) {
		v.fail("core.api.url", "expected https, got %q; app tokens travel there: only where the way is protected otherwise, e.g. by a service mesh, set core.api.unsafeHttp: true", c.API.URL)
	}
	if c.API.PostHistory && c.API.URL == "" {
		v.fail("core.api.postHistory", "only used with core.api.url: the embedded Core has the same history")
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
	v.between("store.maxStaleness", s.MaxStaleness, 5*time.Second, 10*time.Minute)
}

func (l *Limits) validate(v *validator) {
	const most = 1_000_000
	for key, value := range map[string]int{
		"limits.refusalsPerAddress": l.RefusalsPerAddress, "limits.signInsPerAddress": l.SignInsPerAddress,
		"limits.requestsPerPrincipal": l.RequestsPerPrincipal, "limits.sessionsPerPerson": l.SessionsPerPerson,
	} {
		if value < 0 || value > most {
			v.fail(key, "expected a number from 0 (no limit) to %d, got %d", most, value)
		}
	}
}

func (v *validator) required(key, value, what string) {
	if strings.TrimSpace(value) == "" {
		v.fail(key, "required: %s", what)
	}
}

// claim accepts the place of a value in a token.
func (v *validator) claim(key, value, what string) {
	if value == "" {
		v.required(key, value, what)
	} else if _, err := claim.Parse(value); err != nil {
		v.fail(key, "%v", err)
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
	_, port, err := net.SplitHostPort(value)
	if _, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil {
		v.fail(key, "expected host:port, e.g. 127.0.0.1:8080, got %q", value)
	}
}

// path accepts what httpx.GuardPath lets through, and no escapes.
func (v *validator) path(key, value string) {
	if httpx.Ambiguous(value) != "" || strings.Contains(value, "%") {
		v.fail(key, "expected a plain absolute path, got %q", value)
	}
}

// oktaConsole matches the administrators' addresses in every cell of Okta's.
var oktaConsole = regexp.MustCompile(`(?i)-admin\.(okta|oktapreview|okta-emea|okta-gov)\.com$`)

// url accepts https, and http on loopback.
func (v *validator) url(key, value string) *url.URL {
	u := v.absolute(key, value)
	if u != nil && isClear(value) {
		v.fail(key, "expected https (http is accepted on loopback only), got %q", value)
		return nil
	}
	if u != nil && oktaConsole.MatchString(u.Hostname()) {
		v.fail(key, "%s is the address of Okta's console, not of an issuer: leave out -admin", u.Host)
		return nil
	}
	return u
}

// absolute accepts http and https.
func (v *validator) absolute(key, value string) *url.URL {
	u, err := url.Parse(value)
	switch {
	case strings.Contains(value, "@") || strings.ContainsAny(value, "?#"): // not quoted: there may be a password in it
		v.fail(key, "expected a URL without user, query and fragment")
	case err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		v.fail(key, "expected an https URL, got %q", value)
	default:
		return u
	}
	return nil
}

// isClear tells of http off this machine.
func isClear(rawURL string) bool {
	return strings.HasPrefix(strings.ToLower(rawURL), "http:") && !IsLoopback(rawURL)
}

func (v *validator) optionalURL(key, value string) {
	if value != "" {
		v.url(key, value)
	}
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

// IsLoopback tells whether a URL names this machine.
func IsLoopback(rawURL string) bool {
	u, err := url.Parse(rawURL)
	if err != nil {
		return false
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && (ip.Unmap().IsLoopback() || ip.Unmap().IsUnspecified())
}

// IsLoopback tells whether the public address is on this machine, as it is in development.
func (s *Server) IsLoopback() bool { return IsLoopback(s.PublicURL) }
