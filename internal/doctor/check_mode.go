package doctor

import (
	"fmt"

	"github.com/portico-iam/portico/internal/config"
)

// modes are what gateway.mode is behind each product; the others stand in front of themselves.
var modes = map[string]string{apisix: config.ModeAPISIX, oauth2Proxy: config.ModeOAuth2Proxy, apache: config.ModeBearer}

// checkMode: a gateway in front that our configuration knows nothing of, or takes for another, hands over tokens in vain. In
// the built-in mode even those that are taken are not safe: no request of a browser is then held to come from our own pages.
func checkMode(e *Evidence, f *findings) {
	if e.Gateway == nil || e.Config == nil || modes[e.Gateway.Kind] == "" {
		return
	}
	mode, want := e.mode(), modes[e.Gateway.Kind]
	if mode == want || mode == config.ModeBearer && e.Gateway.sendsBearer() || e.Gateway.verifiesOnly() {
		return
	}
	why := fmt.Sprintf("which does not read the access token where %s puts it", e.Gateway.Kind)
	if mode == config.ModeBuiltin {
		why = "which signs people in itself, and expects no gateway in front"
	}
	f.add("gateway-mode", Finding{
		What:     fmt.Sprintf("%s stands in front, and Portico's configuration does not say so.", e.Gateway.Kind),
		Seen:     fmt.Sprintf("the gateway's file is one of %s; gateway.mode is %s, %s", e.Gateway.Kind, mode, why),
		Setting:  "gateway.mode: " + want + " (docs/gateways.md has the rest). Or keep the mode and take the gateway's sign-in away.",
		settings: []config.Setting{{Key: "gateway.mode", Value: want}},
	})
}

// sendsBearer tells whether every part puts the access token into Authorization.
func (g *Gateway) sendsBearer() bool {
	return g.every(func(p *Part) bool { return p.on("access_token_in_authorization_header") || p.on("bearer_only") })
}

// verifiesOnly tells of APISIX where it signs nobody in: it lets the token through that a client sent.
func (g *Gateway) verifiesOnly() bool {
	return g.every(func(p *Part) bool { return p.on("bearer_only") })
}

func (g *Gateway) every(is func(*Part) bool) bool {
	for i := range g.Parts {
		if !is(&g.Parts[i]) {
			return false
		}
	}
	return len(g.Parts) > 0
}
