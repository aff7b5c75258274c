package core

import (
	"crypto"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/coreapi"
)

func TestNT01_AlgorithmConfusion(t *testing.T) {
	w := start(t)
	public := w.key.Public().(ed25519.PublicKey)
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	for form, secret := range map[string][]byte{
		"raw": public, "DER": der, "PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}),
		"JWK": []byte(jwk("k1", w.key)), "JWKS": []byte(jwks(jwk("k1", w.key))), "x": []byte(b64(public)),
	} {
		mac := func(p *parts) {
			p.sign = func(b []byte) []byte { m := hmac.New(sha256.New, secret); m.Write(b); return m.Sum(nil) }
		}
		for _, alg := range []string{"HS256", "HS384", "HS512", "EdDSA"} {
			if rec := w.call(w.token(header("alg", alg), mac), "GET", probe, ""); rec.Code != 401 {
				t.Errorf("%s keyed with the public key as %s: got %d", alg, form, rec.Code)
			}
		}
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	byRSA := func(p *parts) {
		p.sign = func(b []byte) []byte {
			sum := sha256.Sum256(b)
			s, _ := rsa.SignPKCS1v15(nil, rsaKey, crypto.SHA256, sum[:])
			return s
		}
	}
	w.expect(w.token(header("alg", "RS256"), byRSA), "GET", probe, "", 401, "")
	w.expect(w.token(byRSA), "GET", probe, "", 401, "")
	// A key that the token brings along is no key.
	w.expect(w.token(header("jwk", map[string]string{"kty": "OKP", "crv": "Ed25519", "x": b64(seeded(7).Public().(ed25519.PublicKey))}), signedBy(seeded(7))), "GET", probe, "", 401, "")
}

func TestNT02_NoneAndEmptySignature(t *testing.T) {
	w := start(t)
	unsigned := func(p *parts) { p.sign = func([]byte) []byte { return nil } }
	for _, alg := range []string{"none", "None", "NONE", "nOnE", "", " none", "none\x00", "EdDSA"} {
		w.expect(w.token(header("alg", alg), unsigned), "GET", probe, "", 401, "")
		w.expect(w.token(header("alg", alg), unsigned, func(p *parts) { delete(p.header, "kid") }), "GET", probe, "", 401, "")
	}
	token := w.token()
	w.expect(token[:strings.LastIndexByte(token, '.')], "GET", probe, "", 401, "")
	w.expect(token[:strings.LastIndexByte(token, '.')+1], "GET", probe, "", 401, "")
}

func TestNT03_UnsupportedAlgorithms(t *testing.T) {
	w := start(t)
	for _, alg := range []any{"Ed25519", "Ed448", "ES256", "ES256K", "PS512", "RS1", "HS256", "XX", "EDDSA", "EdDSA ", nil, 1, []string{"EdDSA"}, true} {
		w.expect(w.token(header("alg", alg)), "GET", probe, "", 401, "") // rightly signed all the same
	}
}

func TestNT04_JWEIsNoJWS(t *testing.T) {
	w := start(t)
	p := strings.Split(w.token(), ".")
	jwe := b64([]byte(`{"alg":"dir","enc":"A256GCM","kid":"k1"}`))
	for _, token := range []string{jwe + "...." + p[2], jwe + "." + p[1] + "." + p[2] + "." + p[1] + "." + p[2], strings.Join(p, ".") + ".."} {
		w.expect(token, "GET", probe, "", 401, "")
	}
}

func TestNT05_Audience(t *testing.T) {
	w := start(t)
	for _, aud := range []any{
		nil, "",
		[]string{},
		[]string{""},
		"Core", "core ", " core", "core2", "one-core",
		[]string{"core/"},
		[]any{[]string{"core"}},
		map[string]bool{"core": true},
		0, true, "core,other", "other core",
		[]any{"core", 1},
	} {
		w.expect(w.token(claim("aud", aud)), "GET", probe, "", 401, "")
	}
	w.expect(w.token(without("aud")), "GET", probe, "", 401, "")
	w.expect(w.token(without("aud"), claim("AUD", "core")), "GET", probe, "", 401, "")
	_, err := New(Config{Organisations: w.store, History: w.store, HTTP: http.DefaultClient, Auth: Auth{
		Mode: ModeSTS,
		STS:  TokenValidation{Issuer: "bff", JWKSURI: jwksURI, JWKSRefreshAfter: 1},
	}})
	if err == nil || !strings.Contains(err.Error(), "aud") {
		t.Errorf("an empty audience must stop the start, got %v", err)
	}
}

func TestNT06_IssuerIsExact(t *testing.T) {
	w := start(t, func(c *Config) { c.Auth.STS.Issuer = "https://desk.test" })
	w.expect(w.token(claim("iss", "https://desk.test")), "GET", probe, "", 200, "")
	for _, iss := range []any{
		"https://desk.test/", "https://desk.test.evil.test", "https://desk.tes", "HTTPS://desk.test", "https://desk.test@evil.test", "https://DESK.test",
		"https://desk.test\x00", " https://desk.test", "http://desk.test", "", nil,
		[]string{"https://desk.test"},
		map[string]string{"url": "https://desk.test"},
	} {
		w.expect(w.token(claim("iss", iss)), "GET", probe, "", 401, "")
	}
}

// NT07: no verdict outlives its token. There is no cache of verdicts, and this would notice one.
func TestNT07_AVerdictIsNotKept(t *testing.T) {
	w := start(t)
	token := w.token(claim("exp", began.Unix()))
	w.expect(token, "GET", probe, "", 200, "")
	w.clock.advance(1)
	w.expect(token, "GET", probe, "", 401, "")
	w.expect(w.token(in(acme, "CACHE_DELETE")), "DELETE", "/api/cache/v1", "", 204, "")
	w.expect(w.token(in(acme)), "DELETE", "/api/cache/v1", "", 403, "")
}

func TestNT08_AnyBearerIsNotABearer(t *testing.T) {
	w := start(t)
	for _, token := range []string{"", "x", "null", "undefined", "Bearer", "e30.e30.", "e30.e30.e30", strings.Repeat("A", 4000)} {
		w.expect(token, "GET", probe, "", 401, "")
	}
}

// Paths that readers disagree on reach no handler, whoever sends them.
func TestNT16_AmbiguousPaths(t *testing.T) {
	w := start(t)
	token := w.token(in(acme, everyPermission()...))
	for _, target := range []string{
		"/api//config/v1", "/api/./config/v1", "/api/x/../config/v1", "/api/config%2fv1", "/api/config/v1;x", "/api/%2e%2e/api/config/v1",
		"/api/config/v1%00", "/api/config%5cv1", "/api/config/v1%3fx", "/ssi/../api/config/v1", "//api/config/v1", "/api/%252e%252e/config/v1",
	} {
		if rec := w.call(token, "GET", target, ""); rec.Code != 400 {
			t.Errorf("%s: got %d %s", target, rec.Code, rec.Body)
		}
	}
}

// NT32, generated over the route table: a token of one organisation never reaches what is another's, and without the
// permission nothing at all.
func TestNT32_NoRouteCrossesOrganisations(t *testing.T) {
	w, ids := filled(t) // ids[2] is beta's, ids[3] the system's
	var ofOrganisations []string
	for _, p := range everyPermission() {
		if p != "SYSTEM_HISTORY_LIST" && p != "SYSTEM_HISTORY_DETAIL" {
			ofOrganisations = append(ofOrganisations, p)
		}
	}
	token := w.token(in(acme, ofOrganisations...))
	crossed := 0
	for _, route := range coreapi.Routes() {
		if !route.UnderAPI() || route.Scope() == coreapi.ScopeSystem {
			continue // organisations, caches, …: the system's, where no organisation is compared
		}
		for _, id := range ids[2:] {
			target := strings.NewReplacer("{id}", id).Replace(route.Pattern)
			target = strings.NewReplacer("{", "", "}", "").Replace(target) + "?page=0&pageSize=30&organisationIds[]=" + beta
			if strings.Contains(route.Pattern, "{id}") {
				target, _, _ = strings.Cut(target, "?")
			}
			rec := w.call(token, route.Method, target, "")
			switch {
			case route.String() == "GET /api/history/v1" || route.String() == "GET /api/history/v1/{id}":
				if rec.Code != 403 {
					t.Errorf("%s: expected 403, got %d %s", route, rec.Code, rec.Body)
				}
				crossed++
			case rec.Code >= 200 && rec.Code < 300 || strings.Contains(rec.Body.String(), beta):
				t.Errorf("%s: got %d %s", route, rec.Code, rec.Body)
			}
		}
	}
	if crossed != 4 {
		t.Errorf("expected the two routes that hold data of organisations, twice each, got %d", crossed)
	}
}

// Every route under /api: no token 401; a token without any of its permissions 403, or for the three that ask for
// none, not; each of its permissions alone opens it.
func TestEveryRouteAsksForItsPermissions(t *testing.T) {
	w := start(t)
	for _, route := range coreapi.Routes() {
		target := strings.NewReplacer("{", "", "}", "").Replace(route.Pattern)
		if !route.UnderAPI() {
			w.expect("", route.Method, target, "", 404, "not part of the embedded Core")
			continue
		}
		w.expect("", route.Method, target, "", 401, "")
		w.expect("junk", route.Method, target, "", 401, "")
		if route.Kind == coreapi.Authenticated {
			if rec := w.call(w.token(in("")), route.Method, target, ""); rec.Code == 401 || rec.Code == 403 {
				t.Errorf("%s: got %d", route, rec.Code)
			}
			continue
		}
		others := slices.DeleteFunc(everyPermission(), func(name string) bool {
			return slices.ContainsFunc(route.AnyOf, func(p access.Permission) bool { return p.String() == name })
		})
		for _, p := range route.AnyOf {
			if rec := w.call(w.token(in(acme, p.String())), route.Method, target, ""); rec.Code == 401 || rec.Code == 403 {
				t.Errorf("%s with %s: got %d", route, p, rec.Code)
			}
		}
		w.expect(w.token(in(acme, others...)), route.Method, target, "", 403, "")
		w.expect(w.token(in("", others...)), route.Method, target, "{", 403, "")
	}
}

func TestNT39_TheKeySetIsBounded(t *testing.T) {
	for name, script := range map[string]reply{
		"huge body":           {status: 200, body: jwks() + strings.Repeat(" ", maxKeySet)},
		"redirect":            {status: 302, header: http.Header{"Location": {"http://169.254.169.254/latest"}}},
		"redirect, permanent": {status: 308, header: http.Header{"Location": {"https://sts.test/other"}}},
		"client error":        {status: 404, body: jwks(jwk("k1", seeded(0)))},
		"no connection":       {err: errors.New("refused")},
		"no JSON":             {status: 200, body: "keys"},
	} {
		w := newWorld(t)
		w.jwks.next(w.jwks.keys, script, script, script, script)
		if err := w.core.Start(t.Context()); err == nil {
			t.Errorf("%s: Core started", name)
		}
		if w.jwks.fetched() != 4 {
			t.Errorf("%s: expected 4 attempts, got %d: a redirect was followed or a retry left out", name, w.jwks.fetched())
		}
	}
}

func TestNT39_OnlyHTTPSUnlessAllowed(t *testing.T) {
	for uri, ok := range map[string]bool{"https://sts.test/j": true, "http://sts.test/j": false, "file:///etc/passwd": false, "//sts.test/j": false, "": false, "sts.test/j": false, "https:///j": false, "gopher://x/j": false} {
		for _, insecure := range []bool{false, true} {
			m := newMemory()
			c, err := New(Config{Organisations: m, History: m, HTTP: &http.Client{}, AllowInsecureHTTPTransport: insecure, Auth: Auth{
				Mode: ModeSTS,
				STS:  TokenValidation{Issuer: "i", Audience: "a", JWKSURI: uri, JWKSRefreshAfter: 1},
			}})
			if want := ok || insecure && uri == "http://sts.test/j"; (err == nil) != want {
				t.Errorf("%q, insecure %v: got %v", uri, insecure, err)
			}
			if err == nil {
				c.Close()
			}
		}
	}
}

// A flood of unknown kids fetches nothing, however many and however old the set.
func TestNT39_UnknownKidsFetchNothing(t *testing.T) {
	w := start(t)
	for range 200 {
		w.expect(w.token(header("kid", rand.Text())), "GET", probe, "", 401, "")
	}
	w.settle()
	if w.jwks.fetched() != 1 {
		t.Errorf("expected one fetch, got %d", w.jwks.fetched())
	}
}

func TestNT51_NoTokenInTheLog(t *testing.T) {
	w := start(t, mode(ModeUnsafeStatic, "CANARY-static"))
	w.expect("CANARY-guess", "GET", probe, "", 401, "")
	w.expect("CANARY-static", "GET", "/api/key/v1", "", 404, "")
	s := start(t)
	right := s.token(in(acme), claim("sub", "CANARY-sub"), claim("jti", "CANARY-jti"))
	for _, token := range []string{right, right + "x", "CANARY." + right, s.token(claim("iss", "CANARY-iss"), claim("sub", "CANARY-sub"))} {
		s.call(token, "GET", "/api/key/v1", "")
	}
	for _, log := range []string{w.log.String(), s.log.String()} {
		if strings.Contains(log, "CANARY") || strings.Contains(log, right[:30]) {
			t.Errorf("the log shows what it must not: %s", log)
		}
	}
}
