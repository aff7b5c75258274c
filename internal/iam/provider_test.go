package iam_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/iam"
)

// metadata is what a provider says of itself.
func metadata(base string, changes object) object {
	return with(object{
		"issuer": base, "authorization_endpoint": base + "/authorize", "token_endpoint": base + "/token",
		"userinfo_endpoint": base + "/userinfo", "jwks_uri": base + "/keys", "end_session_endpoint": base + "/logout",
		"authorization_response_iss_parameter_supported": true, "scopes_supported": []string{"openid"},
	}, changes)
}

// provider asks p for the metadata of the issuer.
func provider(t testing.TB, p *published, c *clock, issuer string) *iam.Provider {
	v := &iam.Provider{
		Issuer: issuer, DiscoveryURL: p.URL + "/.well-known/openid-configuration", HTTP: httpClient(t), Now: c.Now, Logger: silent,
	}
	t.Cleanup(v.Close)
	return v
}

func writes(v any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v)
	}
}

// refusedAndHealed expects the answer to be refused with a reason, and a good one to count afterwards.
func refusedAndHealed(t *testing.T, rule, issuer string, answer, good http.HandlerFunc, because string) {
	t.Helper()
	c := newClock()
	s := publish(t, nil)
	s.answer(answer)
	p := provider(t, s, c, issuer)
	if _, err := p.Metadata(t.Context()); err == nil || !strings.Contains(err.Error(), because) {
		t.Errorf("%s: expected a refusal that says %q, got %v", rule, because, err)
	}
	if _, err := p.JWKSURI(t.Context()); err == nil {
		t.Errorf("%s: keys are looked for where refused metadata says", rule)
	}
	s.answer(good)
	c.advance(5 * time.Second)
	if m, err := p.Metadata(t.Context()); err != nil || m.Issuer != issuer {
		t.Errorf("%s: afterwards expected the good metadata, got %+v, %v", rule, m, err)
	}
}

// OpenID Connect Discovery 1.0 section 4.3: equal byte for byte, or somebody else speaks for the issuer.
func TestNT06_TheMetadatasIssuerIsEqualOrRefused(t *testing.T) {
	for rule, other := range map[string]any{
		"a slash more":       issuer + "/",
		"a slash less":       strings.TrimSuffix(issuer, "/default"),
		"another case":       strings.ToUpper(issuer[:9]) + issuer[9:],
		"a prefix":           issuer[:len(issuer)-1],
		"with a port":        strings.Replace(issuer, ".test", ".test:443", 1),
		"an escape":          strings.Replace(issuer, "default", "%64efault", 1),
		"without TLS":        strings.Replace(issuer, "https", "http", 1),
		"a userinfo":         strings.Replace(issuer, "https://", "https://acme@", 1),
		"a blank":            issuer + " ",
		"somebody else":      "https://evil.test",
		"empty":              "",
		"absent":             absent{},
		"null":               nil,
		"an array":           []string{issuer},
		"a number":           1,
		"a look-alike":       strings.Replace(issuer, "a", "а", 1), // Cyrillic
		"a fragment":         issuer + "#",
		"a query":            issuer + "?",
		"normalised by dots": strings.Replace(issuer, "/oauth2", "/x/../oauth2", 1),
	} {
		refusedAndHealed(t, rule, issuer, writes(metadata(issuer, object{"issuer": other})), writes(metadata(issuer, nil)), "expected the")
	}
}

// What the sign-in can't do without must be there, and every address must be as safe as the issuer's own.
func TestEndpointsOfTheMetadata(t *testing.T) {
	const local = "http://127.0.0.1:8081/oauth2/default"
	for _, name := range []string{"authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint", "end_session_endpoint"} {
		for _, c := range []struct {
			rule, issuer string
			endpoint     any
			because      string
		}{
			{"relative", issuer, "/token", "expected an absolute URL"},
			{"without a host", issuer, "https:///token", "expected an absolute URL"},
			{"not a URL", issuer, "https://acme.test:port/", "expected an absolute URL"},
			{"another type", issuer, []string{"https://acme.okta.test/"}, "expected the provider's metadata"},
			{"without TLS", issuer, "http://acme.okta.test/token", "expected https"},
			{"without TLS, on loopback", issuer, "http://127.0.0.1/token", "expected https"},
			{"another scheme", issuer, "ftp://acme.okta.test/token", "expected https"},
			{"a script", issuer, "javascript://acme.okta.test/%0Aalert(1)", "expected https"},
			{"another scheme, on the issuer's host", local, "ftp://127.0.0.1:8081/token", "expected https"},
			{"off loopback, without TLS", local, "http://idp.acme.test/token", "expected https"},
			{"on a look-alike of loopback", local, "http://127.0.0.1.evil.test/token", "expected https"},
			{"on a host that loopback is the user of", local, "http://127.0.0.1@evil.test/token", "expected https"},
		} {
			refusedAndHealed(t, name+" "+c.rule, c.issuer,
				writes(metadata(c.issuer, object{name: c.endpoint})), writes(metadata(c.issuer, nil)), c.because)
		}
		optional := name == "userinfo_endpoint" || name == "end_session_endpoint"
		for rule, gone := range map[string]any{"absent": absent{}, "empty": "", "null": nil} {
			answer := writes(metadata(issuer, object{name: gone}))
			if !optional {
				refusedAndHealed(t, name+" "+rule, issuer, answer, writes(metadata(issuer, nil)), name)
				continue
			}
			s := publish(t, nil)
			s.answer(answer)
			if _, err := provider(t, s, newClock(), issuer).Metadata(t.Context()); err != nil {
				t.Errorf("%s %s: expected it to be optional, got %v", name, rule, err)
			}
		}
	}
}

func TestGoodMetadata(t *testing.T) {
	for rule, c := range map[string]struct {
		issuer  string
		changes object
	}{
		"as usual":                       {issuer, nil},
		"endpoints of another host":      {issuer, object{"jwks_uri": "https://keys.acme.test/k", "token_endpoint": "https://acme.test/t?tenant=1"}},
		"members that we don't know":     {issuer, object{"mtls_endpoint_aliases": object{"token_endpoint": "http://x"}, "x": []int{1}}},
		"on loopback":                    {"http://localhost:8081", object{"jwks_uri": "http://localhost:9000/keys"}},
		"on loopback, to one with TLS":   {"http://localhost:8081", object{"jwks_uri": "https://keys.acme.test/k"}},
		"an issuer that ends in a slash": {"https://tenant.auth.test/", nil},
	} {
		s := publish(t, metadata(c.issuer, c.changes))
		p := provider(t, s, newClock(), c.issuer)
		m, err := p.Metadata(t.Context())
		if err != nil || m.Issuer != c.issuer || !m.IssParameterSupported {
			t.Errorf("%s: got %+v, %v", rule, m, err)
			continue
		}
		if uri, err := p.JWKSURI(t.Context()); err != nil || uri != m.JWKSURI || uri == "" {
			t.Errorf("%s: keys at %q, %v", rule, uri, err)
		}
		if n := s.fetches.Load(); n != 1 {
			t.Errorf("%s: %d fetches", rule, n)
		}
	}
}

// TestNT39_BadDiscovery: whatever stands at the address instead of metadata costs one refusal, bounded.
func TestNT39_BadDiscovery(t *testing.T) {
	good := writes(metadata(issuer, nil))
	away := elsewhere(t, good)
	large, _ := json.Marshal(metadata(issuer, object{"padding": strings.Repeat("x", 257<<10)}))
	for rule, c := range map[string]struct {
		answer  http.HandlerFunc
		because string
	}{
		"a page for people":   {html(200), "expected the provider's metadata as JSON"},
		"a page of an error":  {html(500), "got 500"},
		"not found":           {html(404), "got 404"},
		"no content":          {says(204, "application/json", ""), "got 204"},
		"nothing":             {says(200, "application/json", ""), "as JSON"},
		"null":                {says(200, "application/json", "null"), "expected the issuer"},
		"an array":            {says(200, "application/json", "[]"), "as JSON"},
		"two documents":       {says(200, "application/json", "{}{}"), "as JSON"},
		"too large":           {says(200, "application/json", string(large)), "at most 262144 bytes"},
		"a good body, status": {says(203, "application/json", "{}"), "got 203"},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, away.URL, http.StatusMovedPermanently)
		}, "redirects are not followed"},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte("{"))
		}, "unexpected EOF"},
	} {
		refusedAndHealed(t, rule, issuer, c.answer, good, c.because)
	}
}
