package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/config"
)

// TestSecurityHeaders on every kind of answer of Portico's own.
func TestSecurityHeaders(t *testing.T) {
	p := start(t, nil)
	s := seeded(t, p)
	ivan := p.browser()
	ivan.signIn("/", "ivan@acme.test")
	bearer := func(path, value string) answer {
		req := p.browser().request(http.MethodGet, path, nil)
		req.Header.Set("Authorization", value)
		return p.browser().do(req)
	}
	answers := map[string]answer{
		"a page":                   s.ada.open("/"),
		"a form refused":           s.ada.submit("/roles/new", url.Values{"do": {"next"}}),
		"a form done":              s.ada.steps().submit("/session/theme", url.Values{"theme": {"dark"}, "return": {"/"}}),
		"a refused page":           ivan.open("/roles"),
		"a page not there":         s.ada.open("/nowhere"),
		"no longer signed in":      p.browser().submit("/roles/new", nil),
		"another site's form":      p.browser().post("/roles/new", "application/x-www-form-urlencoded", ""),
		"to the sign-in":           p.browser().steps().open("/"),
		"to the sign-out":          ivan.steps().submit("/logout", nil),
		"a callback refused":       p.browser().open("/.apisix/redirect?code=x&state=y"),
		"JSON":                     s.ada.call("GET", "/api/sts/role/v1", nil, nil),
		"JSON created":             s.ada.call("POST", "/api/sts/role/v1", map[string]any{"name": "x", "permissions": []string{}}, nil),
		"JSON refused":             s.ada.call("GET", "/api/key/v1", nil, nil),
		"JSON not understood":      s.ada.call("GET", "/api/sts/role/v1?x=y", nil, nil),
		"JSON not there":           s.ada.call("GET", "/api/sts/nowhere/v1", nil, nil),
		"wrong method":             s.ada.call("PUT", "/api/sts/role/v1", nil, nil),
		"nobody":                   bearer("/api/user/v1/me", ""),
		"junk":                     bearer("/api/user/v1/me", "Bearer junk"),
		"token refused":            p.browser().post("/api/sts/token/v1", "application/x-www-form-urlencoded", "grant_type=x"),
		"an ambiguous path":        s.ada.open("/a//b"),
		"the sign-in form of ours": p.browser().steps().open("/login"),
	}
	for name, a := range answers {
		h := a.header
		csp := h.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action"} {
			if !strings.Contains(csp, part) {
				t.Errorf("%s (%d): expected %s in the policy %q", name, a.status, part, csp)
			}
		}
		if strings.Contains(csp, "unsafe-") || strings.Contains(csp, "*") || len(h.Values("Content-Security-Policy")) != 1 {
			t.Errorf("%s (%d): the policy is not strict: %q", name, a.status, h.Values("Content-Security-Policy"))
		}
		for header, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Cross-Origin-Opener-Policy": "same-origin", "Referrer-Policy": "same-origin",
		} {
			if h.Get(header) != want {
				t.Errorf("%s (%d): expected %s: %s, got %q", name, a.status, header, want, h.Get(header))
			}
		}
		for _, header := range []string{"Server", "X-Powered-By", "Access-Control-Allow-Origin"} {
			if h.Get(header) != "" {
				t.Errorf("%s (%d): unexpected %s: %s", name, a.status, header, h.Get(header))
			}
		}
		if h.Get("X-Request-Id") == "" {
			t.Errorf("%s (%d): it has no X-Request-Id", name, a.status)
		}
		if a.status >= 400 && h.Get("Content-Type") == "" {
			t.Errorf("%s (%d): it has no Content-Type", name, a.status)
		}
		for _, line := range h.Values("Set-Cookie") {
			if !strings.Contains(line, "HttpOnly") || !strings.Contains(line, "SameSite=Lax") || !strings.Contains(line, "Path=/") || strings.Contains(line, "Domain=") {
				t.Errorf("%s (%d): a cookie that is not locked up: %s", name, a.status, line)
			}
		}
	}
	// Keys and files may be kept by others; they are the only ones.
	for _, path := range []string{"/.well-known/jwks.json", "/.well-known/oauth-authorization-server"} {
		if got := p.browser().open(path); got.status != http.StatusOK || got.header.Get("X-Content-Type-Options") != "nosniff" || got.header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: %d %v", path, got.status, got.header)
		}
	}
}

// TestHTTPSCookies: under an https address cookies are bound to the host and to TLS, and browsers are told to stay there.
func TestHTTPSCookies(t *testing.T) {
	p := start(t, func(c *config.Config) { c.Server.PublicURL = "https://localhost:9443" })
	b := p.browser().steps()
	req := b.request(http.MethodGet, "/", nil)
	req.Host = "localhost:9443" // as the proxy in front passes it on
	req.Header.Set("Accept", "text/html")
	got := b.do(req)
	if got.header.Get("Strict-Transport-Security") == "" {
		t.Error("expected Strict-Transport-Security")
	}
	lines := got.header.Values("Set-Cookie")
	if len(lines) == 0 {
		t.Fatalf("expected a cookie, got %d %v", got.status, got.header)
	}
	for _, line := range lines {
		if !strings.HasPrefix(line, "__Host-") || !strings.Contains(line, "Secure") {
			t.Errorf("expected __Host- and Secure, got %s", line)
		}
	}
}
