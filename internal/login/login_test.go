package login_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestSignIn(t *testing.T) {
	b := newBench(t)
	c := b.browser()
	w := c.get(c.toOkta("/roles?page=2"))
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/roles?page=2" || !signedIn(w) {
		t.Fatalf("got %d %s %v", w.Code, w.Body, w.Header())
	}
	if w := c.get("/roles?page=2"); w.Body.String() != "page of ivan" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

var hostile = []string{
	"", "roles", "//evil.test", "///evil.test", "/\\evil.test", "\\\\evil.test", "/\\/evil.test", "/\t/evil.test", "/%09/evil.test", "/%2f/evil.test",
	"/%5cevil.test", "/%5C%5Cevil.test", "/@evil.test", "//@evil.test", "https://evil.test", "HTTPS:evil.test", "https:/evil.test", "//evil%E3%80%82test", "/。evil.test",
	"javascript:alert(1)", "/javascript:alert(1)//..", "data:text/html,x", "//user:pw@evil.test", "https://portico.acme.test@evil.test", "https://portico.acme.test.evil.test",
	"/ok\r\nSet-Cookie: a=b", "/ok%0d%0aSet-Cookie:%20a=b", "/ok\nX: y", "/\x00", "/..//evil.test", "/./\\evil.test", "/a/../..//evil.test", "/;@evil.test", " //evil.test", "\t//evil.test",
	"/?next=\\evil", "/#@evil.test", "/" + strings.Repeat("a", 5000), "?//evil", "/\u2215evil.test", "/\uFF0Fevil.test", "/login", "/login?return=/x", "/logout", "/%6Cogout", "/lo%67in", callback, callback + "?code=x", "http:evil.test", "//evil.test/%2f..",
}

// leadsHome tells whether a browser that follows the address stays on our host.
func leadsHome(location string) bool {
	if location == "" || location[0] != '/' || strings.ContainsAny(location, "\\\r\n\t\x00") || strings.HasPrefix(location, "//") {
		return false
	}
	base, _ := url.Parse("https://portico.acme.test/login")
	u, err := base.Parse(location)
	return err == nil && u.Scheme == "https" && u.Host == "portico.acme.test" && u.User == nil
}

func TestNT18_OneComesBackToOurOwnPagesOnly(t *testing.T) {
	b := newBench(t)
	for _, address := range hostile {
		c := b.browser()
		w := c.get(c.toOkta("/login?return=" + url.QueryEscape(address)))
		location := w.Header().Get("Location")
		if w.Code != http.StatusSeeOther || !leadsHome(location) || strings.Contains(location, "evil") && !strings.HasPrefix(location, "/@") {
			t.Errorf("%q: leads to %q", address, location)
		}
		if path, _, _ := strings.Cut(location, "?"); strings.Contains(address, "log") && path != "/" {
			t.Errorf("%q: leads into the sign-in itself: %q", address, location)
		}
	}
}

func TestOnlyNavigationsBeginASignIn(t *testing.T) {
	for rule, c := range map[string]struct {
		method  string
		headers []string
		begins  bool
	}{
		"a page":                   {"GET", []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, true},
		"a page, an older browser": {"GET", nil, true},
		"a frame":                  {"GET", []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}, false},
		"an object":                {"GET", []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "object"}, false},
		"fetch":                    {"GET", []string{"Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty"}, false},
		"fetch that accepts HTML":  {"GET", []string{"Sec-Fetch-Mode", "same-origin", "Accept", "text/html"}, false},
		"an image":                 {"GET", []string{"Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"}, false},
		"XMLHttpRequest, older":    {"GET", []string{"Accept", "application/json"}, false},
		"a command line":           {"GET", []string{"Accept", "*/*"}, false},
		"a form":                   {"POST", []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, false},
		"HEAD":                     {"HEAD", []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, false},
		"a WebSocket":              {"GET", []string{"Sec-Fetch-Mode", "websocket", "Upgrade", "websocket"}, false},
	} {
		b := newBench(t)
		for _, page := range []string{"/roles", "/login"} {
			if page == "/login" && c.method == "POST" {
				continue
			}
			w := b.browser().do(c.method, page, c.headers...)
			if c.begins != (w.Code == http.StatusSeeOther) || !c.begins && (w.Code != 401 || w.Header().Get("Content-Type") != "application/json" || len(w.Result().Cookies()) > 0) {
				t.Errorf("%s, %s: got %d %v", rule, page, w.Code, w.Header())
			}
		}
	}
}

func TestTwentyTabsSignInAtOnce(t *testing.T) {
	b := newBench(t)
	c := b.browser()
	answers := make([]string, 20)
	for i := range answers {
		answers[i] = c.toOkta(fmt.Sprintf("/tab/%d", i))
	}
	for i, answer := range answers {
		if i == 3 {
			b.now = b.now.Add(time.Minute)
		}
		if w := c.get(answer); w.Header().Get("Location") != fmt.Sprintf("/tab/%d", i) || !signedIn(w) {
			t.Errorf("tab %d: got %d %s", i, w.Code, w.Body)
		}
	}
	if w := c.get("/"); w.Body.String() != "page of ivan" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestABrowserThatForgetsItsSessionIsNotSentRound(t *testing.T) {
	b := newBench(t)
	c := b.browser()
	for range 3 {
		c.get(c.toOkta("/"))
		delete(c.jar, "__Host-portico")
	}
	w := c.get("/")
	if w.Code != 400 || !strings.Contains(w.Body.String(), "your browser forgets it") {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	b.now = b.now.Add(time.Minute)
	c.toOkta("/")

	c = b.browser()
	for range 6 { // who signs out keeps cookies: no loop
		c.get(c.toOkta("/login"))
		if w := c.get("/logout"); w.Code != http.StatusSeeOther {
			t.Fatalf("got %d %s", w.Code, w.Body)
		}
	}
}

func TestAnAnswerThatCameTooLateBeginsAnew(t *testing.T) {
	b := newBench(t)
	c := b.browser()
	answer := c.toOkta("/roles")
	b.now = b.now.Add(time.Hour + time.Second)
	if w := c.get(answer); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/roles" || signedIn(w) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestNamesOfThisMachineLeadToTheOneThatCookiesAreFor(t *testing.T) {
	b := newBenchAt(t, "http://localhost:8080")
	for host, want := range map[string]string{
		"127.0.0.1:8080": "http://localhost:8080/roles?a=b", "[::1]:8080": "http://localhost:8080/roles?a=b",
		"evil.test:8080": "", "localhost.evil.test:8080": "", "127.0.0.1.evil.test:8080": "", "192.0.2.1:8080": "", "localhost:8080": "",
	} {
		w := b.browser().get("/roles?a=b", "Host", host)
		location := w.Header().Get("Location")
		if want == "" && !strings.HasPrefix(location, "https://acme.okta.test/") || want != "" && location != want {
			t.Errorf("%s: leads to %s", host, location)
		}
	}
}
