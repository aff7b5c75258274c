package e2e

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/portico-iam/portico/internal/config"
)

// TestNT12_NT13_ForwardedFor: what a caller says of where it comes from counts only from a proxy that is trusted.
func TestNT12_NT13_ForwardedFor(t *testing.T) {
	for name, test := range map[string]struct {
		trusted []netip.Prefix
		want    string
	}{
		"nobody is trusted": {nil, "127.0.0.1"},
		"another network":   {[]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, "127.0.0.1"},
		"this proxy":        {[]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, "203.0.113.7, 127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			core := newFakeCore(t)
			p := start(t, func(c *config.Config) { c.Core.API.URL, c.Server.TrustedProxies = core.URL, test.trusted })
			core.take()
			req, _ := http.NewRequest("GET", p.Info.PublicURL+"/ssi/ca/1", nil)
			req.Header.Set("X-Forwarded-For", "203.0.113.7")
			req.Header.Set("X-Forwarded-Proto", "https")
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			seen := core.take()
			if len(seen) != 1 || seen[0].Header.Get("X-Forwarded-For") != test.want || seen[0].Header.Get("X-Forwarded-Proto") != "http" {
				t.Errorf("expected %q, got %v", test.want, seen[0].Header)
			}
		})
	}
}
