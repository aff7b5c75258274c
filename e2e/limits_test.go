package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

// limited serves with small limits, behind a proxy on this machine that is trusted to tell addresses.
func limited(t *testing.T, limits string) *served {
	t.Helper()
	t.Setenv("PORTICO_server__trustedProxies", "127.0.0.1/32")
	return serve(t, testdb.Config(t, store.SQLite), "limits: "+limits)
}

func fromAddress(b *browser, address, path string, headers ...string) answer {
	req := b.request(http.MethodGet, path, nil)
	req.Header.Set("X-Forwarded-For", address)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return b.do(req)
}

// TestNT13_WhoGuessesIsSlowedDown by their address, as the trusted proxy tells it; others are not, and nobody's good requests count.
func TestNT13_WhoGuessesIsSlowedDown(t *testing.T) {
	s := limited(t, "{ refusalsPerAddress: 10 }")
	b := browserAt(t, s.publicURL)
	statuses := map[int]int{}
	var last answer
	for i := range 12 {
		last = fromAddress(b, "198.51.100.7", "/api/user/v1/me", "Authorization", fmt.Sprintf("Bearer guess%d", i))
		statuses[last.status]++
	}
	if statuses[401] < 5 || statuses[429] < 5 || last.header.Get("Retry-After") == "" || !strings.Contains(last.body, "PT_0009") {
		t.Errorf("got %v, and at last %d %v %s", statuses, last.status, last.header, last.body)
	}
	if got := fromAddress(b, "198.51.100.8", "/api/user/v1/me"); got.status != http.StatusUnauthorized {
		t.Errorf("another address: expected 401, got %d", got.status)
	}
	if got := fromAddress(b, "2001:db8::1", "/api/user/v1/me"); got.status != http.StatusUnauthorized {
		t.Errorf("another address: expected 401, got %d", got.status)
	}
	for range 30 {
		if got := fromAddress(b, "198.51.100.9", "/.well-known/jwks.json"); got.status != http.StatusOK {
			t.Fatalf("what is answered well counts: %d", got.status)
		}
	}
	s.interrupt(t)
}

// TestNT13_AClaimedAddressIsNotCounted: what a client says of itself neither frees it nor burdens others.
func TestNT13_AClaimedAddressIsNotCounted(t *testing.T) {
	t.Setenv("PORTICO_server__trustedProxies", "127.0.0.1/32")
	s := limited(t, "{ refusalsPerAddress: 4 }")
	b := browserAt(t, s.publicURL)
	for i := range 6 { // the proxy adds the true one at the end
		fromAddress(b, fmt.Sprintf("203.0.113.%d, 198.51.100.7", i), "/api/user/v1/me")
	}
	if got := fromAddress(b, "203.0.113.99, 198.51.100.7", "/api/user/v1/me"); got.status != http.StatusTooManyRequests {
		t.Errorf("expected 429, got %d", got.status)
	}
	if got := fromAddress(b, "203.0.113.1", "/api/user/v1/me"); got.status != http.StatusUnauthorized {
		t.Errorf("expected 401, got %d", got.status)
	}
	s.interrupt(t)
}

// TestALoginStormFromOneAddress is a plain page with a reference to whoever is too much, and nothing to the others.
func TestALoginStormFromOneAddress(t *testing.T) {
	s := limited(t, "{ signInsPerAddress: 20 }")
	b := browserAt(t, s.publicURL)
	navigate := []string{"Accept", "text/html", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	statuses := map[int]int{}
	var last answer
	for range 30 {
		last = fromAddress(b, "198.51.100.7", "/login", navigate...)
		statuses[last.status]++
	}
	if statuses[303] < 10 || statuses[429] < 15 || last.header.Get("Retry-After") == "" || !strings.Contains(said(last.body), "Too many sign-ins") {
		t.Errorf("got %v, and at last %d %s", statuses, last.status, said(last.body))
	}
	if got := fromAddress(b, "198.51.100.8", "/login", navigate...); got.status != http.StatusSeeOther {
		t.Errorf("another address: expected 303, got %d", got.status)
	}
	s.interrupt(t)
}

// TestOnePrincipalTakesNotAll: by session and by token alike, each counted for itself.
func TestOnePrincipalTakesNotAll(t *testing.T) {
	s := limited(t, "{ requestsPerPrincipal: 2, sessionsPerPerson: 2 }")
	ada, ivan := browserAt(t, s.publicURL), browserAt(t, s.publicURL)
	ada.signIn("/", "ada@acme.test")
	ivan.signIn("/", "ivan@acme.test")
	eventually(t, "ada has too many at once", func() bool {
		return ada.call("GET", "/api/user/v1/me", nil, nil).status == http.StatusTooManyRequests
	})
	if got := ivan.call("GET", "/api/user/v1/me", nil, nil); got.status != http.StatusOK {
		t.Errorf("ivan: expected 200, got %d", got.status)
	}
	first := ivan
	for range 2 { // two more sessions of ivan's, with which he has three
		another := browserAt(t, s.publicURL)
		another.signIn("/", "ivan@acme.test")
	}
	eventually(t, "his first session has ended", func() bool {
		return first.call("GET", "/api/user/v1/me", nil, nil).status == http.StatusUnauthorized
	})
	s.interrupt(t)
}

// TestSlowRequestsEnd: who sends a header byte by byte is hung up on, and so is whoever promises a body that does not come.
func TestSlowRequestsEnd(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	host := strings.TrimPrefix(p.Info.PublicURL, "http://")
	for what, head := range map[string]string{
		"a header without end": "GET / HTTP/1.1\r\nHost: " + host + "\r\nX-Slow: ",
		"a body that does not come": "POST /api/sts/token/v1 HTTP/1.1\r\nHost: " + host +
			"\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\ngrant_type=",
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", host)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, head); err != nil {
				t.Fatal(err)
			}
			if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			reader := bufio.NewReader(conn)
			if resp, err := http.ReadResponse(reader, nil); err == nil {
				resp.Body.Close()
				if resp.StatusCode < 400 {
					t.Errorf("answered %d", resp.StatusCode)
				}
				_, err = io.Copy(io.Discard, reader)
				if err != nil {
					t.Errorf("it is still open: %v", err)
				}
			} else if timeout, ok := err.(net.Error); ok && timeout.Timeout() { //nolint:errorlint // as it comes from the connection
				t.Error("a minute later it is still open")
			}
		})
	}
}
