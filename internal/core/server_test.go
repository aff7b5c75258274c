package core

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestHealthNeedsNobody(t *testing.T) {
	w := newWorld(t) // not started even
	w.expect("", "GET", "/health", "", 204, "")
	w.expect("junk", "HEAD", "/health", "", 204, "")
	w.expect("", "POST", "/health", "", 405, "PT_0003")
}

func TestUnknownRoutesAndMethods(t *testing.T) {
	w := start(t)
	token := w.token()
	for _, target := range []string{"/api", "/api/", "/api/nothing/v1", "/api/config/v1/", "/api/config", "/api/sts/role/v1"} {
		w.expect(token, "GET", target, "", 404, "PT_0002")
	}
	for _, target := range []string{"/", "/metrics", "/apix", "/ssi", "/vc-api/credentials/issue", "/.well-known/jwks.json"} {
		w.expect("", "GET", target, "", 404, "PT_0002")
	}
	w.expect(token, "PUT", "/api/organisation/v1/"+acme, "{}", 405, "GET, PATCH")
	w.expect(token, "DELETE", "/api/organisation/v1/"+acme, "", 405, "GET, PATCH")
	w.expect("", "PUT", "/ssi/wallet-unit/v1", "", 405, "POST")
	w.expect(token, "HEAD", probe, "", 200, "")
}

func TestKnownButNotServed(t *testing.T) {
	w := start(t)
	w.expect(w.token(in(acme, "CREDENTIAL_LIST")), "GET", "/api/credential/v1?page=0", "", 404, "GET /api/credential/v1 is not part of the embedded Core")
	w.expect(w.token(in(acme)), "GET", "/api/jsonld-context/v1?url=x", "", 404, "not part of the embedded Core")
	w.expect("", "POST", "/ssi/openid4vci/draft-13/x/token", "", 404, "not part of the embedded Core")
	w.expect("", "GET", "/.well-known/openid-credential-issuer/ssi/openid4vci/final-1.0/a/b", "", 404, "not part of the embedded Core")
}

func TestConfigAndBuildInfo(t *testing.T) {
	w := start(t)
	w.expect(w.token(), "GET", probe, "", 200, `{"embedded":true,"walletProvider":{"EUDI":{"enabled":true},"OTHER":{"enabled":true}}}`)
	w.expect(w.token(), "GET", "/api/build-info/v1", "", 200, `"target":`)
	w.expect(w.token(), "GET", probe+"?x=1", "", 400, "Unknown query params: x")
	w.expect(w.token(), "GET", "/api/build-info/v1?x=1", "", 400, "BR_0084")
}

func TestCacheDelete(t *testing.T) {
	w := start(t)
	token := w.token(in("", "CACHE_DELETE"))
	w.expect(token, "DELETE", "/api/cache/v1?types[]=OPENID_METADATA&types[]=TRUST_LIST", "", 204, "")
	for _, query := range []string{"types[]=x", "types[]=openid_metadata", "types=OPENID_METADATA", "types[]=", "all=true"} {
		w.expect(token, "DELETE", "/api/cache/v1?"+query, "", 400, "BR_0084")
	}
	w.expect(token, "GET", probe, "", 200, "")
	w.settle()
	if w.jwks.fetched() != 1 {
		t.Fatalf("caches of documents are not the keys: %d fetches", w.jwks.fetched())
	}
	// All of them means the keys too: the next request has them fetched, and is itself still served.
	w.expect(token, "DELETE", "/api/cache/v1", "", 204, "")
	w.expect(token, "GET", probe, "", 200, "")
	w.settle()
	if w.jwks.fetched() != 2 {
		t.Errorf("expected a fetch, got %d", w.jwks.fetched())
	}
	start(t, mode(ModeUnsafeNone, "")).expect("", "DELETE", "/api/cache/v1", "", 204, "")
}

func TestRequestIDIsTheCallers(t *testing.T) {
	w := start(t)
	r := httptest.NewRequest("GET", probe, nil)
	r.Header.Set("X-Request-Id", "from-the-bff-1")
	if rec := w.send(r); rec.Code != 401 || rec.Header().Get("X-Request-Id") != "from-the-bff-1" {
		t.Errorf("got %d, %q", rec.Code, rec.Header().Get("X-Request-Id"))
	}
	if !strings.Contains(w.log.String(), "request_id=from-the-bff-1") {
		t.Errorf("the log does not carry it: %s", w.log)
	}
}

func TestCausesCanBeHidden(t *testing.T) {
	w := start(t, func(c *Config) { c.HideErrorResponseCause = true })
	if body := w.expect(w.admin(), "GET", orgs+"/"+acme, "", 400, "BR_0088").Body.String(); strings.Contains(body, "cause") {
		t.Error(body)
	}
}

// panics is a store that is broken beyond its contract.
type panics struct{ OrganisationStore }

func TestAPanicIsAnInternalErrorInCoresShape(t *testing.T) {
	w := start(t, func(c *Config) { c.Organisations = panics{} })
	w.expect(w.admin(), "GET", orgs+"/"+acme, "", 500, "BR_0000")
}

func TestConfigurationFaultsAreReportedAtOnce(t *testing.T) {
	m := newMemory()
	for name, tt := range map[string]struct {
		config Config
		parts  []string
	}{
		"nothing":   {Config{}, []string{"auth.mode", "store"}},
		"bad mode":  {Config{Organisations: m, History: m, Auth: Auth{Mode: "NONE"}}, []string{`"NONE"`}},
		"no static": {Config{Organisations: m, History: m, Auth: Auth{Mode: ModeUnsafeStatic}}, []string{"staticToken"}},
		"STS": {
			Config{Organisations: m, History: m, Auth: Auth{Mode: ModeSTS, STS: TokenValidation{JWKSExpireAfter: -1, Leeway: time.Hour, JWKSURI: "http://x/"}}},
			[]string{"iss:", "aud:", "jwksUri:", "jwksRefreshAfter:", "jwksExpireAfter:", "leeway:", "HTTP client"},
		},
	} {
		_, err := New(tt.config)
		for _, part := range tt.parts {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s: expected %q in %v", name, part, err)
			}
		}
	}
	secret := Secret("CANARY")
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "auth", secret)
	if s := fmt.Sprintf("%s %v %#v %+v %s", secret, secret, secret, Auth{StaticToken: secret}, log.String()); strings.Contains(s, "CANARY") {
		t.Errorf("the static token shows: %s", s)
	}
}

// A route that Core does not have can't be served by mistake, and a caller that nobody authenticated gets nowhere.
func TestGuardsAgainstOurselves(t *testing.T) {
	w := start(t)
	rec := httptest.NewRecorder()
	for _, route := range []string{"GET /api/config/v1", "GET /api/organisation/v1"} {
		_, target, _ := strings.Cut(route, " ")
		routes, err := w.core.routes()
		if err != nil {
			t.Fatal(err)
		}
		routes.ServeHTTP(rec, httptest.NewRequest("GET", target, nil))
		if rec.Code != http.StatusUnauthorized {
			t.Errorf("%s: got %d", route, rec.Code)
		}
	}
}
