package okta_test

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/devokta"
	"github.com/portico-iam/portico/internal/iam"
	"github.com/portico-iam/portico/internal/okta"
)

// TestIssuerIsWhatDiscoverySays: at the custom domain where there is one and the server follows the address, and always to
// the letter, so that a sign-in works.
func TestIssuerIsWhatDiscoverySays(t *testing.T) {
	for _, c := range []struct {
		rule, profile, mode string
		custom              bool
	}{
		{"no custom domain", "fresh-free", "DYNAMIC", false},
		{"a server that follows the address", "custom-domain", "DYNAMIC", true},
		{"a server with the custom domain's name", "custom-domain", "CUSTOM_URL", true},
		{"a server with the organisation's name", "custom-domain", "ORG_URL", false},
	} {
		t.Run(c.rule, func(t *testing.T) {
			o := newOrg(t, c.profile)
			o.call("PUT", serverPath, `{"name":"default","audiences":["api://default"],"issuerMode":"`+c.mode+`"}`)
			want := o.url
			if c.custom {
				want = strings.Replace(o.url, "localhost", "127.0.0.1", 1)
			}
			s := o.setup(strings.Replace(fresh, "{groups:", "{label: Portico, groups:", 1))
			if planned := o.plan(s).Values; planned.Issuer != want+"/oauth2/default" || planned.DiscoveryURL != planned.Issuer+"/.well-known/openid-configuration" {
				t.Errorf("planned %+v, expected an issuer at %s", planned, want)
			}
			o.apply(s)
			cfg, err := config.LoadFile("portico.yaml", nil)
			if err != nil || cfg.IAM.Issuer != want+"/oauth2/default" {
				t.Fatalf("expected an issuer at %s, got %+v, %v", want, cfg, err)
			}
			connection, err := iam.Connect(cfg, time.Now, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = connection.Close() }()
			if _, err := okta.SignIn(t.Context(), o.url, connection.Client, "ada@acme.test", devokta.Password); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestCustomDomainThatIsAway: the plan says what it took instead.
func TestCustomDomainThatIsAway(t *testing.T) {
	o := newOrg(t, "custom-domain")
	o.Inject(devokta.Fault{Endpoint: "discovery", Status: http.StatusServiceUnavailable})
	plan := o.plan(o.setup(fresh))
	if plan.Values.Issuer != o.url+"/oauth2/default" || !strings.Contains(strings.Join(plan.Notes, "\n"), "which does not answer for this authorization server") {
		t.Errorf("got %+v, %v", plan.Values, plan.Notes)
	}
}
