package okta

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// fake is an Okta that answers as it is told to, and notes what it was asked.
type fake struct {
	*httptest.Server
	handle http.HandlerFunc
	asked  atomic.Int32
	waits  []time.Duration
	*Client
}

func newFake(t *testing.T, handler http.HandlerFunc) *fake {
	t.Helper()
	f := &fake{handle: handler}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.asked.Add(1)
		f.handle(w, r)
	}))
	t.Cleanup(f.Close)
	f.Client = NewClient(f.Server.URL, APIToken("canary-token"))
	f.HTTP.Transport = &http.Transport{DisableKeepAlives: true} // or a lost answer on a used connection is sent again below us
	f.Client.Wait = func(_ context.Context, d time.Duration) error {
		f.waits = append(f.waits, d)
		return nil
	}
	return f
}

// answers gives one after the other; the last stays.
func answers(list ...func(http.ResponseWriter)) http.HandlerFunc {
	var next atomic.Int32
	return func(w http.ResponseWriter, _ *http.Request) {
		list[min(int(next.Add(1))-1, len(list)-1)](w)
	}
}

func status(code int, body string, header ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Add(header[i], header[i+1])
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

func hangUp(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

func oktaError(code, text string) string {
	return fmt.Sprintf(`{"errorCode":%q,"errorSummary":%q,"errorLink":%q,"errorId":"oae1","errorCauses":[{"errorSummary":"because"}]}`, code, text, code)
}

// TestWhatIsSentAgain: reading and replacing may be repeated, making may not unless Okta surely made nothing.
func TestWhatIsSentAgain(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	limited := status(429, oktaError("E0000047", "API call exceeded rate limit due to too many requests."),
		"X-Rate-Limit-Reset", fmt.Sprint(now.Add(20*time.Second).Unix()), "Date", now.Format(http.TimeFormat))
	fine := status(200, `{"id":"0oa1"}`)
	for _, c := range []struct {
		rule, method string
		first        func(http.ResponseWriter)
		asked        int32
		waits        []time.Duration
	}{
		{"a used-up rate limit is waited for, by Okta's clock", http.MethodPost, limited, 2, []time.Duration{21 * time.Second}},
		{"priorities being reconciled", http.MethodPost, status(423, oktaError("E0000239", "x")), 2, []time.Duration{500 * time.Millisecond}},
		{"a failure while reading", http.MethodGet, status(500, oktaError("E0000009", "x")), 2, []time.Duration{500 * time.Millisecond}},
		{"a failure while replacing", http.MethodPut, status(503, "{}"), 2, []time.Duration{500 * time.Millisecond}},
		{"a lost answer while reading", http.MethodGet, hangUp, 2, []time.Duration{500 * time.Millisecond}},
		{"a failure while making is final", http.MethodPost, status(500, oktaError("E0000009", "x")), 1, nil},
		{"a lost answer while making is final", http.MethodPost, hangUp, 1, nil},
		{"a refusal is final", http.MethodGet, status(403, oktaError("E0000006", "x")), 1, nil},
	} {
		f := newFake(t, answers(c.first, fine))
		var out object
		err := f.call(t.Context(), c.method, "/api/v1/apps", nil, &out)
		if (err == nil) != (c.asked == 2) || f.asked.Load() != c.asked || !slices.Equal(f.waits, c.waits) {
			t.Errorf("%s: expected %d requests and waits %v, got %d, %v, error %v", c.rule, c.asked, c.waits, f.asked.Load(), f.waits, err)
		}
	}
}

// TestRefusalsSayWhatToDo: each with the code and the setting, and none with the credential.
func TestRefusalsSayWhatToDo(t *testing.T) {
	for _, c := range []struct {
		rule string
		with func(http.ResponseWriter)
		want []string
	}{
		{"a token that is none", status(401, oktaError("E0000011", "Invalid token provided")), []string{"401 E0000011 Invalid token provided", "Security > API > Tokens"}},
		{"a missing right", status(403, oktaError("E0000006", "You do not have permission")), []string{"E0000006", "okta.apps.manage", "Admin roles"}},
		{"no licence", status(401, oktaError("E0000015", "You do not have permission to access the feature")), []string{"API Access Management", "iam.tokenSource: id_token"}},
		{"a refused value", status(400, oktaError("E0000001", "Api validation failed: settings")), []string{"E0000001", "(because)"}},
		{"a web page", func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<html>")
		}, []string{"expected JSON, got text/html", "okta.url"}},
		{"a web page as refusal", func(w http.ResponseWriter) { w.Header().Set("Content-Type", "text/html"); w.WriteHeader(404) }, []string{"expected JSON, got text/html"}},
		{"half an answer", status(200, `{"id":`), []string{"expected JSON"}},
		{"another address", func(w http.ResponseWriter) { w.Header().Set("Location", "https://evil.test/"); w.WriteHeader(302) }, []string{"302"}},
	} {
		f := newFake(t, answers(c.with))
		var out object
		err := f.call(t.Context(), http.MethodPost, "/api/v1/apps?q=canary-name", object{}, &out)
		if err == nil {
			t.Errorf("%s: accepted", c.rule)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: expected %q in: %v", c.rule, want, err)
			}
		}
		if strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: tells a secret or a query: %v", c.rule, err)
		}
	}
}

// TestPagesAreFollowedAtHome: a link that leads elsewhere would take the credential along.
func TestPagesAreFollowedAtHome(t *testing.T) {
	f := newFake(t, nil)
	f.handle = func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Link", fmt.Sprintf(`<%s/api/v1/groups?limit=2>; rel="self"`, f.Server.URL))
		if r.URL.Query().Get("after") == "" {
			w.Header().Add("Link", fmt.Sprintf(`<%s/api/v1/groups?after=2&limit=2>; rel="next"`, f.Server.URL))
			_, _ = io.WriteString(w, `[{"id":"1"},{"id":"2"}]`)
			return
		}
		_, _ = io.WriteString(w, `[{"id":"3"}]`)
	}
	all, err := f.list(t.Context(), "/api/v1/groups?limit=2")
	if err != nil || len(all) != 3 || all[2].id() != "3" {
		t.Errorf("expected three groups of two pages, got %v, %v", all, err)
	}

	for _, target := range []string{"https://evil.test/api/v1/groups?after=2", f.Server.URL + ".evil.test/", f.Server.URL + "@evil.test/"} {
		f := newFake(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Add("Link", fmt.Sprintf(`<%s>; rel="next"`, target))
			_, _ = io.WriteString(w, `[]`)
		})
		if _, err := f.list(t.Context(), "/api/v1/groups"); err == nil || f.asked.Load() != 1 {
			t.Errorf("%s: expected to stay, got %d requests, %v", target, f.asked.Load(), err)
		}
	}
}

// TestServiceApplication proves itself by a signed assertion and DPoP (RFC 7523, RFC 9449), as Okta's console demands it.
func TestServiceApplication(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	app, err := NewServiceApp("0oaclient", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), Scopes())
	if err != nil {
		t.Fatal(err)
	}
	f := newFake(t, nil)
	f.Credential = app
	seen := map[string]bool{}
	f.handle = func(w http.ResponseWriter, r *http.Request) {
		proof := claimsOf(t, r.Header.Get("DPoP"), nil)
		if proof["htu"] != f.Server.URL+r.URL.Path || proof["htm"] != r.Method || seen[proof["jti"].(string)] {
			t.Errorf("%s: the proof is for %v %v, jti used: %v", r.URL.Path, proof["htm"], proof["htu"], seen[proof["jti"].(string)])
		}
		seen[proof["jti"].(string)] = true
		if r.URL.Path != tokenPath {
			hash := sha256.Sum256([]byte("canary-access"))
			if r.Header.Get("Authorization") != "DPoP canary-access" || proof["ath"] != base64.RawURLEncoding.EncodeToString(hash[:]) {
				t.Errorf("expected the token bound to the request, got %v", proof)
			}
			_, _ = io.WriteString(w, `{"id":"0oa1"}`)
			return
		}
		_ = r.ParseForm()
		assertion := claimsOf(t, r.PostForm.Get("client_assertion"), &key.PublicKey)
		if assertion["aud"] != f.Server.URL+tokenPath || assertion["iss"] != "0oaclient" || assertion["sub"] != "0oaclient" || seen[assertion["jti"].(string)] {
			t.Errorf("unexpected assertion %v", assertion)
		}
		seen[assertion["jti"].(string)] = true
		if proof["nonce"] == nil {
			status(400, `{"error":"use_dpop_nonce","error_description":"x"}`, "DPoP-Nonce", "n1")(w)
			return
		}
		if r.PostForm.Get("scope") != strings.Join(Scopes(), " ") || proof["nonce"] != "n1" {
			t.Errorf("unexpected scope %q, nonce %v", r.PostForm.Get("scope"), proof["nonce"])
		}
		_, _ = io.WriteString(w, `{"access_token":"canary-access","token_type":"DPoP","expires_in":3600}`)
	}
	for range 2 { // the second time by the same token
		if _, err := f.get(t.Context(), "/api/v1/apps/0oa1?x=y"); err != nil {
			t.Fatal(err)
		}
	}
	if f.asked.Load() != 4 {
		t.Errorf("expected two token requests and two calls, got %d", f.asked.Load())
	}
}

// claimsOf checks a signature: by the key given, or the one in the header.
func claimsOf(t *testing.T, token string, key any) map[string]any {
	t.Helper()
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256, jose.RS256})
	if err != nil {
		t.Errorf("not signed: %v", err)
		return map[string]any{"jti": ""}
	}
	if key == nil {
		if key = jws.Signatures[0].Header.JSONWebKey; jws.Signatures[0].Header.ExtraHeaders["typ"] != "dpop+jwt" {
			t.Errorf("expected typ dpop+jwt, got %v", jws.Signatures[0].Header.ExtraHeaders["typ"])
		}
	}
	payload, err := jws.Verify(key)
	var claims map[string]any
	if err != nil || json.Unmarshal(payload, &claims) != nil {
		t.Errorf("the signature does not verify: %v", err)
	}
	return claims
}

func TestPrivateKeys(t *testing.T) {
	for text, ok := range map[string]bool{
		"": false, "{}": false, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----": false,
		`{"kty":"RSA","n":"AQAB","e":"AQAB"}`: false, `{"kty":"oct","k":"AAAA"}`: false,
	} {
		if _, err := NewServiceApp("x", []byte(text), nil); (err == nil) != ok {
			t.Errorf("%q: expected ok=%v, got %v", text, ok, err)
		}
	}
}
