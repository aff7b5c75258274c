package bff_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/coreapi"
)

var wildcard = regexp.MustCompile(`\{[^}]+\}`)

func concrete(pattern string) string {
	return wildcard.ReplaceAllString(pattern, "6a3c0000-0000-4000-8000-0000000000aa")
}

func everything() (set access.PermissionSet) {
	return access.OfScope(access.ScopeOrganisation).Union(access.OfScope(access.ScopeSystem))
}

func TestNT32_EveryRouteNeedsItsPermission(t *testing.T) {
	b := newBench(t, options{})
	made := map[string]bool{}
	role := func(name string, set access.PermissionSet) string {
		if !made[name] {
			b.maps(name, set)
			made[name] = true
		}
		return name
	}
	n := 0
	for _, route := range coreapi.Routes() {
		if !route.UnderAPI() || route.Kind != coreapi.NeedsPermission {
			continue
		}
		n++
		need := access.SetOf(route.AnyOf...)
		names := strings.Join(need.Names(), "+")
		path := concrete(route.Pattern)
		without := b.call(role("without "+names, everything().Minus(need)), route.Method, path, "")
		if seen := b.core.take(); without.status != 403 || without.object(t)["reference"] == nil || len(seen) != 0 {
			t.Errorf("%s without %s: %d %s, Core saw %d requests", route, names, without.status, without.body, len(seen))
		}
		if nobody := b.call("", route.Method, path, ""); nobody.status != 401 || len(b.core.take()) != 0 {
			t.Errorf("%s without a token: %d", route, nobody.status)
		}
		if route.Scope() != coreapi.ScopeSystem {
			elsewhere := b.call(role("only "+names, access.SetOf(route.AnyOf[0])), route.Method, path, "", "X-Organisation-Id", string(zeta))
			if seen := b.core.take(); elsewhere.status != 403 || len(seen) != 0 {
				if route.Scope() != coreapi.ScopeMixed || len(seen) != 1 || appToken(t, seen[0])["organisationId"] != nil {
					t.Errorf("%s in another organisation: %d, Core saw %d requests", route, elsewhere.status, len(seen))
				}
			}
		}
		with := b.call(role("only "+names, access.SetOf(route.AnyOf[0])), route.Method, path, "")
		seen := b.core.take()
		if with.status != http.StatusTeapot || len(seen) != 1 {
			t.Errorf("%s with %s: %d %s, Core saw %d requests", route, route.AnyOf[0], with.status, with.body, len(seen))
			continue
		}
		claims := appToken(t, seen[0])
		org, _ := claims["organisationId"].(string)
		if want := fmt.Sprint([]any{route.AnyOf[0].String()}); fmt.Sprint(claims["permissions"]) != want {
			t.Errorf("%s: the token carries %v", route, claims["permissions"])
		}
		if system := route.AnyOf[0].Info().Scope == access.ScopeSystem; system != (org == "") || !system && org != string(acme) {
			t.Errorf("%s: the token is for the organisation %q", route, org)
		}
	}
	if n < 100 {
		t.Errorf("only %d routes were tried", n)
	}
}

func TestNT10_NoIdentityReachesCoreButTheToken(t *testing.T) {
	b := newBench(t, options{})
	b.maps("all", everything())
	hostile := []string{
		"Cookie", "__Host-portico=x", "X-Userinfo", "eve", "X_Userinfo", "eve", "x-userinfo", "eve", "X-Session-Id", "eve", "X_Session_Id", "eve",
		"X-Forwarded-For", "203.0.113.9", "X-Forwarded-Host", "evil.test", "X-Forwarded-Proto", "gopher", "X-Forwarded-Prefix", "/evil",
		"X-Forwarded-User", "eve", "X-Forwarded-Access-Token", "t", "X-Auth-Request-Email", "eve", "Remote-User", "eve", "Remote_User", "eve",
		"Forwarded", "for=203.0.113.9", "X-Real-Ip", "203.0.113.9", "X-Organisation-Id", string(acme), "X-Id-Token", "t", "X-Access-Token", "t",
		"Proxy-Authorization", "Basic x", "X-Original-Url", "/api/cache/v1", "X-Http-Method-Override", "DELETE", "X-Portico-Anything", "x",
		"Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "Tracestate", "eve=1", "Baggage", "eve=1",
		"Connection", "X-Hop", "X-Hop", "1", "Te", "trailers", "Upgrade-Insecure-Requests", "1",
	}
	b.call("all", "GET", "/api/key/v1?page=0", "", hostile...)
	seen := b.core.take()
	if len(seen) != 1 {
		t.Fatalf("Core saw %d requests", len(seen))
	}
	allowed := map[string]bool{
		"Authorization": true, "X-Request-Id": true, "User-Agent": true, "Accept-Encoding": true, "Upgrade-Insecure-Requests": true, "Te": true,
		"X-Forwarded-For": true, "X-Forwarded-Host": true, "X-Forwarded-Proto": true,
	}
	for name, values := range seen[0].Header {
		text := strings.Join(values, ",")
		if !allowed[name] || strings.Contains(text, "eve") || strings.Contains(text, "evil") || strings.Contains(text, "203.0.113.9") {
			t.Errorf("%s: %s reached Core", name, text)
		}
	}
	if h := seen[0].Header; h.Get("X-Forwarded-For") != "127.0.0.1" || h.Get("X-Forwarded-Host") != "portico.acme.test" || h.Get("X-Forwarded-Proto") != "https" {
		t.Errorf("Core is told %v", h)
	}
	if claims := appToken(t, seen[0]); claims["organisationId"] != string(acme) || claims["sub"] != "who-all" {
		t.Errorf("got %v", claims)
	}
}

// raw sends a request line that no client library would.
func (b *bench) raw(method, target string, headers ...string) int {
	b.t.Helper()
	conn, err := net.Dial("tcp", b.front.Listener.Addr().String())
	if err != nil {
		b.t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer %s\r\n%s\r\n", method, target, b.token("all"), strings.Join(append(headers, ""), "\r\n"))
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

func TestNT16_WhatIsDecidedUponIsWhatIsForwarded(t *testing.T) {
	for _, prefix := range []string{"", "/base"} {
		b := newBench(t, options{coreTarget: prefix})
		b.maps("all", everything())
		for _, target := range []string{
			"/api/key/v1?a=1&a=2&b=%2f%2e&c=a+b&=x&;d", "/api/did-resolver/v1/did:web:localhost%253A3000", "/api/did-resolver/v1/did:key:z6Mk%20x", "/api/key/v1?",
			"/api/new/v9/~x/a-b_c(1)*!$&'+,=:@", "/api/new/v9/%e2%82%ac", "/api/key/v1/", "/api/new?x=%zz",
		} {
			b.raw("GET", target)
			seen := b.core.take()
			if want := prefix + strings.TrimSuffix(target, "?"); len(seen) != 1 || strings.TrimSuffix(seen[0].RequestURI, "?") != want {
				t.Errorf("%s: Core saw %v", target, uris(seen))
			}
		}
		for _, target := range []string{
			"/api/key/../cache/v1", "/api/key/%2e%2e/cache/v1", "/api/key/..%2fcache/v1", "/api//key/v1", "/api/key/v1;x", "/api/key\\v1", "/api/key/v1%00",
			"/api/key/v1#x", "/api/key/v1%23x", "/api/key/v1%3fx", "/ssi/../api/key/v1", "/ssi/%2e%2e/api/key/v1", "/ssi/..%5capi/key/v1", "/api/./key/v1", "/ssi//api/key/v1",
			"/ssi/%252e%252e/api/key/v1", "/api/key/v1%2f", "//api/key/v1",
		} {
			if status := b.raw("GET", target); status != 400 || len(b.core.take()) != 0 {
				t.Errorf("%s: got %d", target, status)
			}
		}
	}
}

func uris(seen []*http.Request) (all []string) {
	for _, r := range seen {
		all = append(all, r.RequestURI)
	}
	return all
}

func TestRoutesThatTheCatalogueDoesNotKnow(t *testing.T) {
	b := newBench(t, options{})
	b.maps("one", access.SetOf(access.KeyList))
	for _, c := range [][2]string{{"GET", "/api/new/v1"}, {"PUT", "/api/key/v1"}, {"GET", "/api/key/v1/"}, {"OPTIONS", "/api/key/v1"}} {
		got := b.call("one", c[0], c[1], "")
		seen := b.core.take()
		if got.status != http.StatusTeapot || len(seen) != 1 || fmt.Sprint(appToken(t, seen[0])["permissions"]) != "[KEY_LIST]" {
			t.Errorf("%s: got %d, Core saw %v", c, got.status, uris(seen))
		}
	}
	b.call("unmapped", "GET", "/api/new/v1", "")
	if seen := b.core.take(); len(seen) != 1 || fmt.Sprint(appToken(t, seen[0])["permissions"]) != "[]" {
		t.Error("somebody without rights has a token without rights")
	}
	for _, mode := range []string{config.AuthUnsafeStatic, config.AuthUnsafeNone} {
		b := newBench(t, options{mode: mode})
		b.maps("one", access.SetOf(access.KeyList))
		for _, c := range [][2]string{{"GET", "/api/new/v1"}, {"PUT", "/api/key/v1"}, {"DELETE", "/api/cache/v1/"}, {"GET", "/api/key/v1/"}} {
			for _, who := range []string{"one", "unmapped"} {
				if got := b.call(who, c[0], c[1], ""); got.status != 403 || len(b.core.take()) != 0 {
					t.Errorf("%s as %s: Core allows everything in the mode %s, yet it was passed on: %d", c, who, mode, got.status)
				}
			}
		}
		if got := b.call("one", "DELETE", "/api/cache/v1", ""); got.status != 403 || len(b.core.take()) != 0 {
			t.Errorf("%s: refused all the same: %d", mode, got.status)
		}
		b.call("one", "GET", "/api/key/v1", "")
		want := map[string]string{config.AuthUnsafeStatic: "Bearer static-token", config.AuthUnsafeNone: "Bearer none"}[mode]
		if seen := b.core.take(); len(seen) != 1 || seen[0].Header.Get("Authorization") != want {
			t.Errorf("%s: got %v", mode, uris(seen))
		}
	}
}

func TestWalletsReachCoreWithoutOurToken(t *testing.T) {
	b := newBench(t, options{})
	for _, own := range []string{"", "Bearer the-wallets-own", "DPoP x"} {
		for _, path := range []string{"/ssi/openid4vci/final-1.0/x/token?a=b", "/.well-known/openid-credential-issuer/ssi/x", "/.well-known/oauth-authorization-server/ssi/x"} {
			headers := []string{"Cookie", "__Host-portico=x", "X-Forwarded-User", "eve"}
			if own != "" {
				headers = append(headers, "Authorization", own)
			}
			b.call("", "POST", path, "{}", headers...)
			seen := b.core.take()
			if len(seen) != 1 || seen[0].Header.Get("Authorization") != own || seen[0].Header.Get("Cookie") != "" || seen[0].Header.Get("X-Forwarded-User") != "" || seen[0].RequestURI != path {
				t.Errorf("%s: Core saw %v", path, uris(seen))
			}
		}
	}
	b.call("", "POST", "/ssi/x", "{}", "Authorization", "Bearer a", "Authorization", "Bearer b")
	if seen := b.core.take(); len(seen) != 1 || seen[0].Header.Get("Authorization") != "" {
		t.Error("of two Authorization headers neither is passed on")
	}
}

func TestAnswersArriveWhileCoreIsStillWriting(t *testing.T) {
	b := newBench(t, options{})
	b.maps("all", everything())
	goOn := make(chan struct{})
	b.core.answer = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, "data: 1\n\n")
		http.NewResponseController(w).Flush()
		<-goOn
		io.WriteString(w, "data: 2\n\n")
	}
	r, _ := http.NewRequest("GET", b.front.URL+"/api/key/v1", nil)
	r.Header.Set("Authorization", "Bearer "+b.token("all"))
	resp, err := b.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	first := make([]byte, 9)
	if _, err := io.ReadFull(resp.Body, first); err != nil || string(first) != "data: 1\n\n" {
		t.Fatalf("got %q, %v", first, err)
	}
	close(goOn)
	if rest, err := io.ReadAll(resp.Body); err != nil || string(rest) != "data: 2\n\n" {
		t.Errorf("got %q, %v", rest, err)
	}
}

func TestWebSockets(t *testing.T) {
	b := newBench(t, options{})
	b.maps("all", everything())
	b.core.answer = func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " + r.Header.Get("Upgrade") + "\r\n\r\n")
		rw.Flush()
		line, _ := rw.ReadString('\n')
		rw.WriteString("echo " + line)
		rw.Flush()
	}
	conn, err := net.Dial("tcp", b.front.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /api/new/v1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nAuthorization: Bearer %s\r\n\r\n", b.token("all"))
	reader := bufio.NewReader(conn)
	resp, err := http.ReadResponse(reader, nil)
	if err != nil || resp.StatusCode != 101 {
		t.Fatalf("got %v, %v", resp, err)
	}
	io.WriteString(conn, "hello\n")
	if line, err := reader.ReadString('\n'); err != nil || line != "echo hello\n" {
		t.Errorf("got %q, %v", line, err)
	}
	if seen := b.core.take(); len(seen) != 1 || appToken(t, seen[0])["sub"] != "who-all" {
		t.Error("a WebSocket begins with an app token too")
	}
}

func TestCoreIsAway(t *testing.T) {
	b := newBench(t, options{})
	b.maps("all", everything())
	b.core.Close()
	got := b.call("all", "GET", "/api/key/v1", "")
	if got.status != 502 || got.object(t)["code"] != "PT_0010" || strings.Contains(got.body, "127.0.0.1") {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

func TestACallerWhoHangsUpIsHungUpOn(t *testing.T) {
	b := newBench(t, options{})
	b.maps("all", everything())
	arrived, gone := make(chan struct{}), make(chan struct{})
	b.core.answer = func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) // only then does the server notice
		close(arrived)
		<-r.Context().Done()
		close(gone)
	}
	before := b.tenants.asked()
	ctx, cancel := context.WithCancel(t.Context())
	r, _ := http.NewRequestWithContext(ctx, "PATCH", b.front.URL+"/api/organisation/v1/"+string(acme), strings.NewReader(`{"deactivate":true}`))
	r.Header.Set("Authorization", "Bearer "+b.token("all"))
	go func() {
		<-arrived
		cancel()
	}()
	if resp, err := b.client.Do(r); err == nil {
		resp.Body.Close()
		t.Fatal("answered")
	}
	<-gone
	// Core may have deactivated it all the same: the mirror is refreshed whoever hung up.
	for deadline := time.Now().Add(5 * time.Second); b.tenants.asked() == before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the organisations were not read again")
		}
	}
}

func TestAChangedOrganisationIsKnownBeforeItsAuthorLearnsOfIt(t *testing.T) {
	b := newBench(t, options{coreTarget: "/base"})
	b.maps("all", everything())
	for _, c := range []struct {
		method string
		status int
		asked  bool
	}{{"POST", 201, true}, {"GET", 200, false}, {"POST", 400, false}} {
		b.core.answer = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(c.status) }
		before := b.tenants.asked()
		b.call("all", c.method, "/api/organisation/v1", "")
		if asked := b.tenants.asked() > before; asked != c.asked {
			t.Errorf("%s answered with %d: read again: %v", c.method, c.status, asked)
		}
	}
}

func TestCoresAnswerPassesAsItIs(t *testing.T) {
	b := newBench(t, options{})
	b.maps("all", everything())
	b.core.answer = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("ETag", `"x"`)
		w.Header().Set("Cache-Control", "private, max-age=5")
		w.Header().Set("Connection", "X-Hop")
		w.Header().Set("X-Hop", "1")
		w.WriteHeader(409)
		io.WriteString(w, "\x1f\x8bnot really")
	}
	got := b.call("all", "GET", "/api/key/v1", "")
	if got.status != 409 || got.body != "\x1f\x8bnot really" || got.header.Get("Content-Encoding") != "gzip" || got.header.Get("ETag") != `"x"` ||
		got.header.Get("Cache-Control") != "private, max-age=5" || got.header.Get("X-Hop") != "" {
		t.Errorf("got %d %v %q", got.status, got.header, got.body)
	}
}
