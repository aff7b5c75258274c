package gateway

import (
	"fmt"

	"github.com/portico-iam/portico/internal/config"
)

// The forms of APISIX's configuration.
const (
	FormatYAML = "yaml" // conf/apisix.yaml of the standalone mode
	FormatADC  = "adc"  // adc.yaml, for adc sync
)

// APISIX writes APISIX's configuration.
func APISIX(cfg *config.Config, o Options, format string) (string, error) {
	v, err := newValues(cfg, o, config.ModeAPISIX, cfg.Gateway.CallbackPath)
	if err != nil {
		return "", err
	}
	switch format {
	case FormatYAML:
		return render("apisix.yaml.tmpl", v)
	case FormatADC:
		return render("adc.yaml.tmpl", v)
	}
	return "", fmt.Errorf("expected the format %s or %s, got %q", FormatYAML, FormatADC, format)
}

// OpenIDConnect is the plug-ins of the routes that need a session. action is what becomes of a request without one.
func (v *values) OpenIDConnect(action string) (string, error) {
	return render("openid-connect", struct {
		*values
		Action string
	}{v, action})
}

// Plain is the plug-ins of the routes that need none.
func (v *values) Plain() (string, error) { return render("plain", v) }

// Open is the routes that need no sign-in, as a list of paths.
func (v *values) Open() []string {
	return []string{
		"/.well-known/jwks.json", "/.well-known/oauth-*", "/.well-known/openid-credential-issuer/*", "/ssi/*", "/api/sts/token/v1", "/assets/*",
	}
}
