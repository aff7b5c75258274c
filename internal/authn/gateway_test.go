package authn_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/httpx"
)

const shared = config.Secret("0123456789abcdef0123456789abcdef")

func TestOnlyWhatCameThroughTheGatewayIsAdmitted(t *testing.T) {
	network := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00::/8")}
	for rule, c := range map[string]struct {
		gateway authn.Gateway
		from    string
		headers []string
		want    bool
	}{
		"nothing is asked for":                 {authn.Gateway{}, "192.0.2.1:1234", nil, true},
		"the secret":                           {authn.Gateway{Secret: shared}, "192.0.2.1:1234", []string{"X-Portico-Gateway", shared.Reveal()}, true},
		"the secret, the header in lower case": {authn.Gateway{Secret: shared}, "192.0.2.1:1234", []string{"x-portico-gateway", shared.Reveal()}, true},
		"no secret":                            {authn.Gateway{Secret: shared}, "192.0.2.1:1234", nil, false},
		"an empty secret":                      {authn.Gateway{Secret: shared}, "192.0.2.1:1234", []string{"X-Portico-Gateway", ""}, false},
		"another of its length":                {authn.Gateway{Secret: shared}, "192.0.2.1:1234", []string{"X-Portico-Gateway", strings.Repeat("0", 32)}, false},
		"its beginning":                        {authn.Gateway{Secret: shared}, "192.0.2.1:1234", []string{"X-Portico-Gateway", shared.Reveal()[:31]}, false},
		"it and more":                          {authn.Gateway{Secret: shared}, "192.0.2.1:1234", []string{"X-Portico-Gateway", shared.Reveal() + "0"}, false},
		"in other case":                        {authn.Gateway{Secret: shared}, "192.0.2.1:1234", []string{"X-Portico-Gateway", strings.ToUpper(shared.Reveal())}, false},
		"as it is printed":                     {authn.Gateway{Secret: shared}, "192.0.2.1:1234", []string{"X-Portico-Gateway", shared.String()}, false},
		"twice":                                {authn.Gateway{Secret: shared}, "192.0.2.1:1234", []string{"X-Portico-Gateway", shared.Reveal(), "X-Portico-Gateway", shared.Reveal()}, false},
		"in another header":                    {authn.Gateway{Secret: shared}, "192.0.2.1:1234", []string{"X_Portico_Gateway", shared.Reveal()}, false},
		"from the gateway":                     {authn.Gateway{Peers: network}, "10.1.2.3:1234", nil, true},
		"from the gateway, over a socket for both":  {authn.Gateway{Peers: network}, "[::ffff:10.1.2.3]:1234", nil, true},
		"from the gateway, by IPv6":                 {authn.Gateway{Peers: network}, "[fd00::1]:1234", nil, true},
		"from elsewhere":                            {authn.Gateway{Peers: network}, "192.0.2.1:1234", nil, false},
		"from elsewhere, forwarded by itself":       {authn.Gateway{Peers: network}, "192.0.2.1:1234", []string{"X-Forwarded-For", "10.1.2.3", "X-Real-Ip", "10.1.2.3", "Forwarded", "for=10.1.2.3"}, false},
		"from nowhere":                              {authn.Gateway{Peers: network}, "", nil, false},
		"from the gateway, without the secret":      {authn.Gateway{Secret: shared, Peers: network}, "10.1.2.3:1234", nil, false},
		"from elsewhere, with the secret":           {authn.Gateway{Secret: shared, Peers: network}, "192.0.2.1:1234", []string{"X-Portico-Gateway", shared.Reveal()}, false},
		"from the gateway, with the secret":         {authn.Gateway{Secret: shared, Peers: network}, "10.1.2.3:1234", []string{"X-Portico-Gateway", shared.Reveal()}, true},
		"nothing is asked for, a secret is brought": {authn.Gateway{}, "192.0.2.1:1234", []string{"X-Portico-Gateway", "x"}, true},
	} {
		r := in("GET", c.headers...)
		r.RemoteAddr = c.from
		err := c.gateway.Admit(r)
		if (err == nil) != c.want || err != nil && !fault.AroundGateway.Is(err) {
			t.Errorf("%s: got %v", rule, err)
		}
		if err != nil && strings.Contains(err.Error(), shared.Reveal()[:8]) {
			t.Errorf("%s: the answer tells the secret: %v", rule, err)
		}
		w := httptest.NewRecorder()
		c.gateway.Guard(http.NotFoundHandler(), httpx.WriteError).ServeHTTP(w, r)
		if want := map[bool]int{true: 404, false: 403}[c.want]; w.Code != want {
			t.Errorf("%s: the guard: expected %d, got %d", rule, want, w.Code)
		}
	}
}

func TestAGoodTokenAroundTheGatewayIsRefused(t *testing.T) {
	for _, mode := range []string{config.ModeAPISIX, config.ModeOAuth2Proxy, config.ModeBearer} {
		b := newBench(t)
		b.Mode, b.Sessions, b.Gateway = mode, nil, authn.Gateway{Secret: shared}
		bearer := []string{"Authorization", "Bearer " + b.token("api")}
		if got := b.who(in("GET", bearer...)); got != "PT_0019" {
			t.Errorf("%s: around it: got %s", mode, got)
		}
		if got := b.who(in("GET", append(bearer, authn.GatewayHeader, shared.Reveal())...)); got != "api" {
			t.Errorf("%s: through it: got %s", mode, got)
		}
		if got := b.who(in("GET", authn.GatewayHeader, shared.Reveal())); got != "PT_0001" {
			t.Errorf("%s: through it, nobody: got %s", mode, got)
		}
	}
}

func TestWhatTheConfigurationAsksOfAGateway(t *testing.T) {
	network := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}
	for mode, want := range map[string]struct{ secret, peers bool }{
		config.ModeBuiltin:     {false, false}, // trustedProxies then says whose X-Forwarded-For counts, no more
		config.ModeBearer:      {true, false},  // bearer tokens come from everywhere
		config.ModeAPISIX:      {true, true},
		config.ModeOAuth2Proxy: {true, true},
	} {
		cfg := config.Default()
		cfg.Gateway.Mode, cfg.Gateway.SharedSecret, cfg.Server.TrustedProxies = mode, shared, network
		got := authn.GatewayOf(&cfg)
		if (got.Secret != "") != want.secret || (len(got.Peers) > 0) != want.peers {
			t.Errorf("%s: got %v", mode, got)
		}
	}
}
