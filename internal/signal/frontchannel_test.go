package signal_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/history"
)

func frontRequest(values url.Values) sent {
	return sent{method: "GET", path: "/logout/frontchannel?" + values.Encode()}
}

// TestNT49_FrontChannel: issuer and session must both be right, exactly; the page may be framed by the issuer alone, and says the same
// whether there was such a session or not.
func TestNT49_FrontChannel(t *testing.T) {
	good := url.Values{"iss": {signIn}, "sid": {"s1"}}
	b := newBench(t)
	page := func(rule string, status int, s sent) string {
		t.Helper()
		w := b.send(s)
		h := w.Header()
		if w.Code != status || h.Get("Cache-Control") != "no-store" || h.Get("X-Frame-Options") != "" || len(h.Values("Set-Cookie")) > 0 ||
			h.Get("Content-Security-Policy") != "default-src 'none'; frame-ancestors "+org+"; base-uri 'none'; form-action 'none'" {
			t.Errorf("%s: got %d, %v", rule, w.Code, h)
		}
		return w.Body.String()
	}
	for rule, values := range map[string]url.Values{
		"no issuer":                         {"sid": {"s1"}},
		"no session":                        {"iss": {signIn}},
		"nothing":                           {},
		"another issuer":                    {"iss": {foreign}, "sid": {"s1"}},
		"the org":                           {"iss": {org}, "sid": {"s1"}},
		"NT06: an issuer that begins alike": {"iss": {signIn + "@evil.test"}, "sid": {"s1"}},
		"an issuer in other letters":        {"iss": {strings.ToUpper(signIn)}, "sid": {"s1"}},
		"an empty session":                  {"iss": {signIn}, "sid": {""}},
		"two sessions":                      {"iss": {signIn}, "sid": {"s1", "s1"}},
		"two issuers":                       {"iss": {signIn, foreign}, "sid": {"s1"}},
		"a session with a line end":         {"iss": {signIn}, "sid": {"s1\n"}},
		"a session with NUL":                {"iss": {signIn}, "sid": {"s1\x00"}},
		"a session that is no text":         {"iss": {signIn}, "sid": {"s1\xff"}},
		"a session that is too long":        {"iss": {signIn}, "sid": {strings.Repeat("s", 256)}},
		"a query that is too long":          {"iss": {signIn}, "sid": {"s1"}, "x": {strings.Repeat("x", 5000)}},
	} {
		page(rule, http.StatusBadRequest, frontRequest(values))
		b.unharmed(rule)
	}
	page("a malformed query", http.StatusBadRequest, sent{method: "GET", path: "/logout/frontchannel?" + good.Encode() + ";%zz"})
	if w := b.send(sent{"POST", "/logout/frontchannel", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, good.Encode()}); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: got %d", w.Code)
	}
	unknown := page("an unknown session", http.StatusOK, frontRequest(url.Values{"iss": {signIn}, "sid": {"s9"}}))
	page("a pattern", http.StatusOK, frontRequest(url.Values{"iss": {signIn}, "sid": {"%"}}))
	b.unharmed("an unknown session")
	if n := len(b.entries(history.Revoked)) + len(b.entries(history.Accepted)); n > 0 {
		t.Errorf("%d entries of what did nothing", n)
	}
	for _, rule := range []string{"the first time", "again"} {
		if got := page(rule, http.StatusOK, frontRequest(url.Values{"iss": {signIn}, "sid": {"s1"}, "state": {"the provider's own"}})); got != unknown {
			t.Errorf("%s: another page: %s", rule, got)
		}
		b.stay(rule, "i2", "v1", "x1")
	}
	told := b.entries(history.Revoked)
	if len(told) != 1 || told[0].User != "portico: front-channel logout" || told[0].EntityID != "ivan@acme.test" {
		t.Errorf("recorded %+v", told)
	}
	b = b.withoutStore()
	page("the store is away", http.StatusServiceUnavailable, frontRequest(good))
}
