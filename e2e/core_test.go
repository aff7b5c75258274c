package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/coreapi"
)

const acmeID = "11111111-2222-3333-4444-555555555555"

// fakeCore plays an external Core: it has one organisation, and notes what reaches it.
type fakeCore struct {
	*httptest.Server
	mu   sync.Mutex
	seen []*http.Request
}

func newFakeCore(t *testing.T) *fakeCore {
	c := &fakeCore{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/organisation/v1" && r.Method == http.MethodGet {
			fmt.Fprintf(w, `{"values":[{"id":%q,"name":"Acme","createdDate":"2026-01-01T00:00:00.000Z","lastModified":"2026-01-01T00:00:00.000Z"}],"totalItems":1,"totalPages":1}`, acmeID)
			return
		}
		c.mu.Lock()
		c.seen = append(c.seen, r)
		c.mu.Unlock()
		switch r.URL.Path {
		case "/api/stream/v1":
			_, _ = io.WriteString(w, "first\n")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done() // the rest never comes
		case "/api/socket/v1":
			conn, buffered, _ := http.NewResponseController(w).Hijack()
			defer conn.Close()
			_, _ = buffered.WriteString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
			_ = buffered.Flush()
			line, _ := buffered.ReadString('\n')
			_, _ = io.WriteString(conn, "echo "+line)
		default:
			w.Header().Set("X-From", "core")
			w.WriteHeader(http.StatusTeapot)
			_, _ = io.WriteString(w, "untouched")
		}
	}))
	t.Cleanup(c.Close)
	return c
}

// take returns what reached Core since the last call.
func (c *fakeCore) take() []*http.Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := c.seen
	c.seen = nil
	return seen
}

// withFakeCore starts a Portico in which Ivan holds every permission of organisation scope in Acme.
func withFakeCore(t *testing.T) (*portico, *fakeCore, *browser) {
	core := newFakeCore(t)
	p := start(t, func(c *config.Config) { c.Core.API.URL = core.URL })
	ada := p.browser()
	ada.signIn("/", "ada@acme.test")
	var role created
	mustStatus(t, ada.call("POST", "/api/sts/role/v1", map[string]any{"name": "All", "permissions": access.OfScope(access.ScopeOrganisation).Names()}, &role), http.StatusCreated)
	mustStatus(t, ada.call("POST", "/api/sts/iam-role/v1", map[string]any{
		"name": "Acme Issuance", "organisationRoles": map[string]any{acmeID: []string{role.ID}},
	}, nil), http.StatusCreated)
	ivan := p.browser()
	ivan.signIn("/", "ivan@acme.test")
	return p, core, ivan
}

var wildcard = regexp.MustCompile(`\{[^}]*\}`)

// TestNT32_EveryRoute: without the permission Core sees nothing; with it, exactly one app token that carries it.
func TestNT32_EveryRoute(t *testing.T) {
	p, core, ivan := withFakeCore(t)
	nora := p.browser()
	nora.signIn("/", "nora@acme.test")
	core.take()
	n := 0
	for _, route := range coreapi.Routes() {
		if route.Kind != coreapi.NeedsPermission {
			continue
		}
		n++
		path := wildcard.ReplaceAllString(route.Pattern, acmeID)
		send := func(b *browser) answer {
			req := b.request(route.Method, path, nil)
			req.Header.Set("X-Organisation-Id", acmeID)
			req.Header.Set("Sec-Fetch-Site", "same-origin")
			return b.do(req)
		}
		if got := send(nora); got.status != http.StatusForbidden || !strings.Contains(got.body, `"reference"`) {
			t.Errorf("%s: expected 403 with a reference, got %d %s", route, got.status, got.body)
		}
		if seen := core.take(); len(seen) != 0 {
			t.Errorf("%s: Core saw a refused request", route)
		}
		got, seen := send(ivan), core.take()
		if route.Scope() == coreapi.ScopeSystem {
			if got.status != http.StatusForbidden || len(seen) != 0 {
				t.Errorf("%s: system permission by a mapping in an organisation: expected 403, got %d", route, got.status)
			}
			continue
		}
		if got.status != http.StatusTeapot || got.body != "untouched" || got.header.Get("X-From") != "core" || len(seen) != 1 {
			t.Fatalf("%s: expected Core's own answer, got %d %s", route, got.status, got.body)
		}
		claims := claimsOf(t, strings.TrimPrefix(seen[0].Header.Get("Authorization"), "Bearer "))
		held, _ := claims["permissions"].([]any)
		if claims["organisationId"] != acmeID || !slices.ContainsFunc(route.AnyOf, func(p access.Permission) bool { return slices.Contains(held, any(p.String())) }) {
			t.Errorf("%s: unexpected claims %v", route, claims)
		}
	}
	if n < 100 {
		t.Errorf("only %d routes were tried", n)
	}
}

// TestNT10_NT16_WhatReachesCore: no claimed identity, the same bytes, and one token.
func TestNT10_NT16_WhatReachesCore(t *testing.T) {
	_, core, ivan := withFakeCore(t)
	core.take()
	for _, target := range []string{
		"/api/did-resolver/v1/did:web:localhost%3A3000?x=a%20b&x=c&empty", "/api/unknown/v1/a%20b", "/api/credential/v1?types[]=A&types[]=B&q=%2F..%2F",
	} {
		req := ivan.request("GET", target, nil)
		for _, name := range []string{
			"X-Userinfo", "X-Access-Token", "X-Id-Token", "X-Forwarded-User", "X-Auth-Request-Email", "Remote-User", "X-Real-Ip", "X_Forwarded_User",
			"X-Organisation-Id", "X-Forwarded-Host", "Forwarded", "X-Original-Url",
		} {
			req.Header.Set(name, acmeID)
		}
		if got := ivan.do(req); got.status != http.StatusTeapot {
			t.Fatalf("%s: expected Core's answer, got %d %s", target, got.status, got.body)
		}
		seen := core.take()
		if len(seen) != 1 || seen[0].RequestURI != target {
			t.Fatalf("expected the same bytes %s, got %v", target, seen)
		}
		for name, values := range seen[0].Header {
			if slices.Contains(values, acmeID) || name == "Cookie" {
				t.Errorf("%s: Core saw %s: %q", target, name, values)
			}
		}
		if host := seen[0].Header.Get("X-Forwarded-Host"); host == "" || host == acmeID {
			t.Errorf("unexpected X-Forwarded-Host %q", host)
		}
	}
}

// TestWalletsBringTheirOwn: below /ssi there is no sign-in and no token of ours.
func TestWalletsBringTheirOwn(t *testing.T) {
	p, core, _ := withFakeCore(t)
	core.take()
	req, _ := http.NewRequest("POST", p.Info.PublicURL+"/ssi/openid4vci/final-1.0/"+acmeID+"/credential", strings.NewReader("{}"))
	req.Header.Set("Authorization", "Bearer the-wallet's-own")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	seen := core.take()
	if resp.StatusCode != http.StatusTeapot || len(seen) != 1 || seen[0].Header.Get("Authorization") != "Bearer the-wallet's-own" {
		t.Errorf("expected the request to pass as it is, got %d, %d requests", resp.StatusCode, len(seen))
	}
}

// TestStreamsAndSockets pass while they are open.
func TestStreamsAndSockets(t *testing.T) {
	p, _, ivan := withFakeCore(t)
	resp, err := ivan.client.Do(ivan.request("GET", "/api/stream/v1", nil))
	if err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(resp.Body).ReadString('\n')
	resp.Body.Close()
	if err != nil || line != "first\n" {
		t.Errorf("expected the first line before the end, got %q, %v", line, err)
	}

	base := ivan.request("GET", "/", nil).URL
	cookie := ""
	for _, c := range ivan.client.Jar.Cookies(base) {
		cookie += c.Name + "=" + c.Value + "; "
	}
	for origin, status := range map[string]string{p.Info.PublicURL: "101", "https://evil.test": "403"} {
		conn, err := net.Dial("tcp", base.Host)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET /api/socket/v1 HTTP/1.1\r\nHost: %s\r\nOrigin: %s\r\nCookie: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", base.Host, origin, cookie)
		reader := bufio.NewReader(conn)
		first, _ := reader.ReadString('\n')
		if !strings.Contains(first, status) {
			t.Errorf("%s: expected %s, got %q", origin, status, first)
		}
		if status == "101" {
			for l := first; l != "\r\n" && l != ""; l, _ = reader.ReadString('\n') {
			}
			fmt.Fprint(conn, "hello\n")
			if got, err := reader.ReadString('\n'); got != "echo hello\n" {
				t.Errorf("expected an echo, got %q %v", got, err)
			}
		}
		conn.Close()
	}
}
