package gateway

import (
	"errors"
	"fmt"

	"github.com/portico-iam/portico/internal/config"
)

// The forms of OAuth2-Proxy's configuration.
const (
	FormatCfg   = "cfg"   // oauth2-proxy.cfg, complete; it can't send the shared secret
	FormatAlpha = "alpha" // alpha.yaml: provider, upstream and headers
	FormatCore  = "core"  // core.cfg: what alpha.yaml leaves out
)

// oauth2ProxyCallback is below OAuth2-Proxy's proxy_prefix, /oauth2.
const oauth2ProxyCallback = "/oauth2/callback"

// OAuth2Proxy writes OAuth2-Proxy's configuration.
func OAuth2Proxy(cfg *config.Config, o Options, format string) (string, error) {
	v, err := newValues(cfg, o, config.ModeOAuth2Proxy, oauth2ProxyCallback)
	if err != nil {
		return "", err
	}
	switch format {
	case FormatCfg:
		if v.SecretHeader != "" {
			return "", errors.New("gateway.sharedSecret is set, which oauth2-proxy.cfg can't send: print --format alpha and --format core, and use both files")
		}
		return render("oauth2-proxy.cfg.tmpl", v)
	case FormatAlpha:
		return render("alpha.yaml.tmpl", v)
	case FormatCore:
		return render("core.cfg.tmpl", v)
	}
	return "", fmt.Errorf("expected the format %s, %s or %s, got %q", FormatCfg, FormatAlpha, FormatCore, format)
}

// JWTIssuers are issuer=audience of every issuer whose tokens API clients may bring.
func (v *values) JWTIssuers() []string {
	main := v.STS.IAM.TokenValidation
	issuers := []string{main.Iss + "=" + main.Aud}
	for _, a := range v.STS.IAM.Additional {
		issuers = append(issuers, a.TokenValidation.Iss+"="+a.TokenValidation.Aud)
	}
	return issuers
}

// SkipAuth is the requests that need no sign-in, as method=regular expression of the path.
func (v *values) SkipAuth() []string {
	return []string{
		`GET=^/\.well-known/(jwks\.json|oauth-authorization-server|oauth-protected-resource)$`,
		`GET=^/\.well-known/(oauth-authorization-server/ssi|openid-credential-issuer)/`,
		`^/ssi/`, `POST=^/api/sts/token/v1$`, `GET=^/assets/`,
	}
}
