package authn

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/netip"
	"slices"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/fault"
)

// GatewayHeader is where a gateway in front puts the secret that it shares with us. It never reaches Core, nor any log.
const GatewayHeader = "X-Portico-Gateway"

// Gateway tells requests that came through the gateway in front from those that came around it. The zero value admits
// all of them.
type Gateway struct {
	Secret config.Secret  // what the gateway proves itself by; empty: nothing
	Peers  []netip.Prefix // where the gateway calls from; empty: anywhere
}

// GatewayOf reads what the configuration asks of the gateway in front. Bearer tokens come from everywhere, so that in the
// mode bearer trustedProxies says only whose X-Forwarded-For counts.
func GatewayOf(cfg *config.Config) Gateway {
	switch cfg.Gateway.Mode {
	case config.ModeAPISIX, config.ModeOAuth2Proxy:
		return Gateway{Secret: cfg.Gateway.SharedSecret, Peers: cfg.Server.TrustedProxies}
	case config.ModeBearer:
		return Gateway{Secret: cfg.Gateway.SharedSecret}
	}
	return Gateway{}
}

// Admit returns fault.AroundGateway for a request that came around the gateway. It says which setting refused, which
// whoever sets a gateway up needs to know, and nothing of the secret.
func (g Gateway) Admit(r *http.Request) error {
	if len(g.Peers) > 0 && !g.called(r.RemoteAddr) {
		return fault.AroundGateway.New("it came from an address that is not in server.trustedProxies")
	}
	if g.Secret == "" {
		return nil
	}
	values := r.Header.Values(GatewayHeader)
	if len(values) != 1 || !equal(values[0], g.Secret.Reveal()) {
		return fault.AroundGateway.New("expected the gateway's gateway.sharedSecret in the header %s", GatewayHeader)
	}
	return nil
}

func (g Gateway) called(remote string) bool {
	peer, err := netip.ParseAddrPort(remote)
	return err == nil && slices.ContainsFunc(g.Peers, func(n netip.Prefix) bool { return n.Contains(peer.Addr().Unmap()) })
}

// equal takes as long for a near miss as for any other, and does not tell the length either.
func equal(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// Guard admits before next, for what knows its caller otherwise than by Authenticate. Who is not admitted is answered by
// refuse, in the form that next's callers know.
func (g Gateway) Guard(next http.Handler, refuse func(http.ResponseWriter, *http.Request, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := g.Admit(r); err != nil {
			refuse(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}
