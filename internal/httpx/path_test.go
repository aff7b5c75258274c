package httpx

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"strings"
	"testing"
	"unicode/utf8"
)

// These are the paths that are let through, and refused, by what the paths are.
var plainPaths = []string{
	"/", "/a", "/a/", "/api/credential/v1", "/api/role/v1/6a3c0f0e-0000-4000-8000-00000000000f",
	"/.well-known/jwks.json", "/.apisix/redirect", "/a/...", "/a/..b", "/a/b..", "/a.b.c", "/a/.b",
	"/api/did-resolver/v1/did:web:example.com", "/api/did-resolver/v1/did:web:localhost%3A3000",
	"/api/did-resolver/v1/did:web:localhost%253A3000", "/api/did-resolver/v1/did%3Aweb%3Alocalhost%253A3000%3Auser",
	"/ssi/did-webvh/v1/x@y", "/a+b", "/a%20b", "/a=b&c", "/a!$'()*,~-_", "/%C3%A9quipe", "/%c3%a9", "/%41", "/%2540", "/%25C3%25A9",
}

var ambiguousPaths = map[string][]string{
	"dot segments":              {"/.", "/..", "/a/.", "/a/..", "/a/./b", "/a/../b", "/../a", "/..?", "/a/b/../../c"},
	"empty segments":            {"//", "//a", "/a//b", "/a//", "//evil.test/a"},
	"encoded dots":              {"/%2e", "/%2e%2e/a", "/.%2e/a", "/%2E./a", "/a%2ejson", "/a/%2e%2e%2fb"},
	"encoded slashes":           {"/a%2fb", "/a%2Fb", "/%2f", "/%2fevil.test"},
	"backslashes":               {`/a\b`, `/\evil.test`, `/a/..\b`, "/a%5cb", "/a%5Cb"},
	"path parameters":           {"/a;b", "/a;jsessionid=1/b", "/..;/a", "/a%3bb", "/a%3Bb"},
	"fragments":                 {"/a#b", "/a%23b", "/#", "/%23"},
	"encoded question marks":    {"/a%3fb", "/a%3Fb=c"},
	"encoded twice":             {"/%252e%252e/a", "/a%252fb", "/a%252Fb", "/a%255cb", "/a%253bb", "/a%2523b", "/a%253fb", "/a%2500", "/a%250a", "/%252e"},
	"encoded thrice":            {"/a%25252fb", "/a%2525", "/a%25252e", "/a%252525"},
	"encoded twice, in part":    {"/a%25%32%66b", "/a%252%66b", "/a%25%32fb", "/a%25%32%46b", "/%25%32e%25%32e/a", "/a%25%35%63", "/a%2525%32f"},
	"a percent sign of its own": {"/100%25", "/a%25b/c", "/a%25zz", "/a%25%2532F", "/a%25/b"},
	"control characters":        {"/a%00", "/a%0d%0ab", "/a%0a", "/a%09b", "/a%1f", "/a%7f", "/a\x01b", "/a\tb", "/a\x7fb", "/a%250d%250a"},
	"malformed escapes":         {"/%", "/a%", "/a%2", "/a%zz", "/%u002f", "/a%%32%66", "/%x41"},
	"raw bytes":                 {"/a b", "/é", "/\xff", "/\uff0e\uff0e/a", "/a\u2215b"},
	"bytes that are not UTF-8":  {"/%c0%ae%c0%ae/a", "/a%c0%afb", "/%ff", "/%e0%80%af", "/%ed%a0%80", "/%C3", "/%25c0%25ae", "/a%25ff"},
	"quotes and braces":         {`/"`, "/<a>", "/{id}", "/a|b", "/a^b", "/a`b"},
	"no path":                   {"", "*", "a", "http://evil.test/a", "https://desk.example.com/api/role/v1", "evil.test:443", "@evil.test/", "?a=b", ".", "../a"},
}

func TestNT16_AmbiguousPathsAreRefused(t *testing.T) {
	for _, p := range plainPaths {
		if why := Ambiguous(p); why != "" {
			t.Errorf("%q was refused: %s", p, why)
		}
	}
	for rule, paths := range ambiguousPaths {
		for _, p := range paths {
			p, _, _ = strings.Cut(p, "?")
			if why := Ambiguous(p); why == "" {
				t.Errorf("%s: %q was let through", rule, p)
			}
		}
	}
}

// serve answers with what a handler behind the guard sees.
func serve(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(GuardPath(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Escaped", r.URL.EscapedPath())
		w.Header().Set("X-Raw-Query", r.URL.RawQuery)
	})))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// send sends a request line byte for byte, as no client would.
func send(t *testing.T, address, method, target string) *http.Response {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: desk.example.com\r\nConnection: close\r\n\r\n", method, target)
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("%s %q: %v", method, target, err)
	}
	answer.Body.Close()
	return answer
}

func TestNT15_NT16_WhatIsDecidedUponIsWhatWasSent(t *testing.T) {
	address := serve(t)
	for _, p := range plainPaths {
		answer := send(t, address, "GET", p+"?q=%2e%2e%2f/../;//&r=%zz")
		if answer.StatusCode != 200 || answer.Header.Get("X-Escaped") != p {
			t.Errorf("%q: got %d, the handler saw %q", p, answer.StatusCode, answer.Header.Get("X-Escaped"))
		}
		if got := answer.Header.Get("X-Raw-Query"); got != "q=%2e%2e%2f/../;//&r=%zz" {
			t.Errorf("%q: the query was touched: %q", p, got)
		}
	}
	for rule, paths := range ambiguousPaths {
		for _, p := range paths {
			if p == "" {
				continue // there is no such request line
			}
			if answer := send(t, address, "GET", p); answer.StatusCode != 400 {
				t.Errorf("%s: %q: got %d", rule, p, answer.StatusCode)
			}
		}
	}
	for _, c := range []struct{ rule, method, target string }{
		{"absolute form", "GET", "http://desk.example.com/api/role/v1"},
		{"absolute form of another host", "GET", "http://evil.test/api/role/v1"},
		{"absolute form with a user", "GET", "http://user@desk.example.com/"},
		{"asterisk form", "GET", "*"},
		{"authority form", "CONNECT", "evil.test:443"},
		{"CONNECT to a path of dots", "CONNECT", "/../a"},
		{"a fragment behind the query", "GET", "/a?b#c"},
		{"a fragment in place of the query", "GET", "/a#?b"},
		{"too long", "GET", "/" + strings.Repeat("a", maxTarget)},
		{"a query too long", "GET", "/?" + strings.Repeat("a", maxTarget)},
		{"too long by far", "GET", "/" + strings.Repeat("a/", 100_000)},
	} {
		if answer := send(t, address, c.method, c.target); answer.StatusCode != 400 {
			t.Errorf("%s: got %d", c.rule, answer.StatusCode)
		}
	}
	if answer := send(t, address, "GET", "/"+strings.Repeat("a", maxTarget-1)); answer.StatusCode != 200 {
		t.Errorf("the longest target: got %d", answer.StatusCode)
	}
}

func TestTheGuardSaysWhy(t *testing.T) {
	r := httptest.NewRequest("GET", "/a", nil)
	r.RequestURI = "/a/%2e%2e/b"
	w := httptest.NewRecorder()
	GuardPath(http.NotFoundHandler()).ServeHTTP(w, r)
	if want := `{"code":"PT_0013","message":"The path is ambiguous","cause":{"message":"expected a plain path: it holds an encoded ."}}` + "\n"; w.Body.String() != want {
		t.Errorf("got %s", w.Body)
	}
	// A path that was rewritten on its way to the guard is not the one that was sent.
	r = httptest.NewRequest("GET", "/a", nil)
	r.URL.Path = "/b"
	w = httptest.NewRecorder()
	GuardPath(http.NotFoundHandler()).ServeHTTP(w, r)
	if w.Code != 400 {
		t.Errorf("a rewritten path: got %d", w.Code)
	}
}

// FuzzAmbiguous: whatever readers do to a path that was let through, they see the same segments.
func FuzzAmbiguous(f *testing.F) {
	for _, p := range plainPaths {
		f.Add(p)
	}
	for _, paths := range ambiguousPaths {
		for _, p := range paths {
			f.Add(p)
		}
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if Ambiguous(raw) != "" {
			return
		}
		u, err := url.ParseRequestURI(raw)
		if err != nil || u.Host != "" || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "" {
			t.Fatalf("net/url reads %q as %+v: %v", raw, u, err)
		}
		if u.EscapedPath() != raw {
			t.Fatalf("%q comes out as %q", raw, u.EscapedPath())
		}
		again, err := url.Parse("http://core.test" + raw)
		if err != nil || again.EscapedPath() != raw || again.Host != "core.test" {
			t.Fatalf("%q as part of a URL is %+v: %v", raw, again, err)
		}
		segments := strings.Count(raw, "/")
		decoded := raw
		for range 3 { // as sent, decoded once, decoded twice
			if strings.Count(decoded, "/") != segments {
				t.Fatalf("%q has other segments as %q", raw, decoded)
			}
			if cleaned := path.Clean(decoded); cleaned != decoded && cleaned+"/" != decoded {
				t.Fatalf("%q becomes %q, cleaned %q", raw, decoded, cleaned)
			}
			if strings.ContainsAny(decoded, "\\;#?\x00\r\n") || !utf8.ValidString(decoded) {
				t.Fatalf("%q becomes %q", raw, decoded)
			}
			next, err := url.PathUnescape(decoded)
			if err != nil {
				t.Fatalf("%q decodes to %q, and no further: %v", raw, decoded, err)
			}
			decoded = next
		}
	})
}

func BenchmarkGuardPath(b *testing.B) {
	guarded := GuardPath(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for _, target := range []string{"/api/credential/v1/6a3c0f0e-0000-4000-8000-00000000000f", "/api/did-resolver/v1/did:web:localhost%253A3000"} {
		b.Run(target, func(b *testing.B) {
			r := httptest.NewRequest("GET", target, nil)
			b.ReportAllocs()
			for b.Loop() {
				guarded.ServeHTTP(nil, r)
			}
		})
	}
}
