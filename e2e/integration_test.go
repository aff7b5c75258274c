package e2e

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/devokta"
)

// TestIntegrationPage shows an administrator how the connection is, and on demand what is wrong with it; nobody else.
func TestIntegrationPage(t *testing.T) {
	p := start(t, nil)
	ada := p.browser()
	ada.signIn("/", "ada@acme.test")
	page := ada.open("/integration")
	page.mustContain(t, "Integration", "The discovery document was read", "2 keys", "The same as the provider’s",
		"1 of 1 sign-in within a day came with roles", p.Info.WebClient.ClientID, p.Info.Audience, p.Info.PublicURL+"/.apisix/redirect")
	if got := ada.submit("/integration", url.Values{}); got.status != http.StatusOK {
		t.Fatalf("expected 200, got %d", got.status)
	} else {
		got.mustContain(t, "Nothing wrong was found")
	}

	p.Okta.SetClockSkew(-3 * time.Minute)
	ada.submit("/integration", url.Values{}).mustContain(t, "clock")
	p.Okta.SetClockSkew(0)
	mend := p.Okta.Inject(devokta.Fault{Endpoint: "discovery", Status: http.StatusNotFound})
	ada.submit("/integration", url.Values{}).mustContain(t, "What to set", "In Okta’s console")
	mend()

	ivan := p.browser()
	ivan.signIn("/", "ivan@acme.test")
	for _, got := range []answer{ivan.open("/integration"), ivan.submit("/integration", url.Values{})} {
		if got.status != http.StatusForbidden {
			t.Errorf("expected 403, got %d", got.status)
		}
		got.mustContain(t, "STS_ACCESS_EXPLAIN")
	}
}
