package attack_test

import (
	"bufio"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// gateway is a small gateway that holds against everything, but for one weakness that is planted.
type gateway struct {
	weak   string
	key    *rsa.PrivateKey
	server *httptest.Server
	cookie string
}

var issuerKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func newGateway(t *testing.T, weak string) *gateway {
	t.Helper()
	key, err := issuerKey()
	if err != nil {
		t.Fatal(err)
	}
	g := &gateway{weak: weak, key: key, cookie: "session=" + strings.Repeat("Abc", 14)}
	g.server = httptest.NewServer(g)
	t.Cleanup(g.server.Close)
	return g
}

// token is one that the gateway accepts.
func (g *gateway) token() string {
	text := func(v any) string {
		raw, _ := json.Marshal(v)
		return base64.RawURLEncoding.EncodeToString(raw)
	}
	input := text(map[string]any{"alg": "RS256", "kid": "1"}) + "." + text(map[string]any{"iss": g.server.URL, "sub": "ada", "exp": time.Now().Add(time.Hour).Unix()})
	sum := sha256.Sum256([]byte(input))
	signature, _ := rsa.SignPKCS1v15(nil, g.key, crypto.SHA256, sum[:])
	return input + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	if g.weak != "headers" {
		h.Set("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
	}
	if g.weak != "cached" {
		h.Set("Cache-Control", "no-store")
	}
	if g.weak == "cors" && r.Header.Get("Origin") != "" {
		h.Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	if g.weak == "broken" && strings.HasPrefix(r.URL.EscapedPath(), "/%ff") {
		http.Error(w, "panic: runtime error\ngoroutine 1 [running]:\nmain.go:12", http.StatusInternalServerError)
		return
	}
	switch at := g.at(r); at {
	case "/api/user/v1/me":
		g.protected(w, r)
	case "/api/user/v1/active-organisation":
		g.change(w, r)
	case "/login":
		g.login(w, r)
	case "/.apisix/redirect":
		g.callback(w, r)
	case "/logout":
		http.Redirect(w, r, "/", http.StatusFound)
	case "/.well-known/jwks.json", "/keys":
		g.keys(w)
	case "/.well-known/openid-configuration":
		fmt.Fprintf(w, `{"jwks_uri":%q}`, g.server.URL+"/keys")
	case "/metrics":
		if g.weak == "metrics" {
			fmt.Fprint(w, "# HELP a b\n# TYPE a counter\na 1\n")
			return
		}
		http.NotFound(w, r)
	case "/favicon.ico":
		fmt.Fprint(w, "icon")
	default:
		http.NotFound(w, r)
	}
}

// at is the path that is decided upon.
func (g *gateway) at(r *http.Request) string {
	raw := r.URL.EscapedPath()
	switch g.weak {
	case "spelling": // it decides on what it was sent, and serves what that means
		if clean := strings.TrimRight(strings.ReplaceAll(raw, "//", "/"), "/."); clean == "/api/user/v1/me" && raw != clean {
			r.Header.Set("Open", "1")
			return clean
		}
	case "rewrite":
		if to := r.Header.Get("X-Original-Url"); to != "" {
			r.Header.Set("Open", "1")
		}
	case "query":
		if strings.Contains(r.URL.RawQuery, "/favicon.ico") {
			r.Header.Set("Open", "1")
		}
	}
	return raw
}

func (g *gateway) protected(w http.ResponseWriter, r *http.Request) {
	opened := r.Header.Get("Open") != "" || g.openedBy(r)
	authorization, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case opened, ok && g.verified(authorization), !ok && r.Header.Get("Cookie") == g.cookie:
		fmt.Fprint(w, `{"subject":"ada"}`)
	default:
		http.Error(w, `{"error":"sign in"}`, http.StatusUnauthorized)
	}
}

func (g *gateway) openedBy(r *http.Request) bool {
	switch g.weak {
	case "identity header":
		return r.Header.Get("X-Forwarded-User") != ""
	case "claimed address":
		return r.Header.Get("X-Real-Ip") == "127.0.0.1"
	case "health check":
		return strings.HasPrefix(r.UserAgent(), "kube-probe/")
	case "presence":
		return r.Header.Get("Authorization") != ""
	case "method":
		return r.Method != http.MethodGet
	case "any cookie":
		return strings.HasPrefix(r.Header.Get("Cookie"), "session=")
	case "large headers":
		return len(r.Header.Get("X-Big")) > 100<<10
	case "token in the address":
		return g.verified(r.URL.Query().Get("access_token"))
	}
	return false
}

func (g *gateway) verified(raw string) bool {
	parts := strings.Split(raw, ".")
	var header struct {
		Alg string
		JWK *struct{ N, E string }
	}
	text, _ := base64.RawURLEncoding.DecodeString(parts[0])
	_ = json.Unmarshal(text, &header)
	switch {
	case g.weak == "encrypted" && len(parts) == 5, g.weak == "unknown algorithm" && header.Alg == "XX256", g.weak == "none" && strings.EqualFold(header.Alg, "none"):
		return true
	case len(parts) != 3:
		return false
	}
	input := parts[0] + "." + parts[1]
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return false
	}
	if g.weak == "confusion" && header.Alg == "HS256" {
		der, _ := x509.MarshalPKIXPublicKey(&g.key.PublicKey)
		mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
		mac.Write([]byte(input))
		return hmac.Equal(mac.Sum(nil), signature)
	}
	key := &g.key.PublicKey
	if g.weak == "own key" && header.JWK != nil {
		n, _ := base64.RawURLEncoding.DecodeString(header.JWK.N)
		key = &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537}
	}
	if g.weak == "signature unread" && string(signature) != "" && header.Alg == "RS256" && len(signature) > 100 {
		return true
	}
	sum := sha256.Sum256([]byte(input))
	return header.Alg == "RS256" && rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature) == nil
}

func (g *gateway) change(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Cookie") != g.cookie {
		http.Error(w, "", http.StatusUnauthorized)
		return
	}
	if g.weak != "cross-site" && (r.Header.Get("Origin") != g.server.URL || r.Header.Get("Sec-Fetch-Site") == "cross-site") {
		http.Error(w, "", http.StatusForbidden)
		return
	}
	http.Error(w, "", http.StatusBadRequest)
}

func (g *gateway) login(w http.ResponseWriter, r *http.Request) {
	if to := r.URL.Query().Get("rd"); g.weak == "open redirect" && to != "" {
		w.Header()["Location"] = []string{strings.NewReplacer("\r", "", "\n", "").Replace(to)}
		w.WriteHeader(http.StatusFound)
		return
	}
	random := func() string {
		b := make([]byte, 24)
		_, _ = rand.Read(b)
		return base64.RawURLEncoding.EncodeToString(b)
	}
	q := url.Values{"client_id": {"c"}, "response_type": {"code"}, "state": {random()}, "nonce": {random()}, "code_challenge": {random()}, "code_challenge_method": {"S256"}}
	switch g.weak {
	case "no PKCE":
		q.Del("code_challenge")
		q.Del("code_challenge_method")
	case "one state":
		q.Set("state", strings.Repeat("s", 32))
	}
	c := &http.Cookie{Name: "flow", Value: random(), HttpOnly: g.weak != "bare cookie", SameSite: http.SameSiteLaxMode, Path: "/"}
	http.SetCookie(w, c)
	host := "idp.example.com"
	if g.weak == "claimed host" {
		host = r.Header.Get("X-Forwarded-Host")
	}
	http.Redirect(w, r, "https://"+host+"/authorize?"+q.Encode(), http.StatusFound)
}

func (g *gateway) callback(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	switch g.weak {
	case "unbound answer":
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "x", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	case "reflected":
		fmt.Fprint(w, "<p>"+r.URL.Query().Get("error_description"))
		return
	}
	w.WriteHeader(http.StatusBadRequest)
}

func (g *gateway) keys(w http.ResponseWriter) {
	private := ""
	if g.weak == "private keys" {
		private = `,"d":"AQAB"`
	}
	fmt.Fprintf(w, `{"keys":[{"kty":"RSA","kid":"1","n":%q,"e":"AQAB"%s}]}`, base64.RawURLEncoding.EncodeToString(g.key.N.Bytes()), private)
}

// smuggler takes what two lengths say for two requests, and passes everything else on.
func smuggler(t *testing.T, to *url.URL) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go smuggle(conn, to.Host)
		}
	}()
	return "http://" + listener.Addr().String()
}

func smuggle(conn net.Conn, to string) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	reader := bufio.NewReader(conn)
	start, err := reader.Peek(1)
	if err != nil {
		return
	}
	head, _ := reader.Peek(max(len(start), reader.Buffered()))
	if text := string(head); strings.Contains(text, "Content-Length") && strings.Contains(text, "chunked") {
		_, _ = io.WriteString(conn, strings.Repeat("HTTP/1.1 204 No Content\r\n\r\n", 2))
		return
	}
	server, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer server.Close()
	go func() { _, _ = io.Copy(server, reader) }()
	_, _ = io.Copy(conn, server)
}
