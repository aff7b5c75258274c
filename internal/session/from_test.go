package session

import (
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func TestFromIsToldInOurOwnWords(t *testing.T) {
	for agent, want := range map[string]From{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:141.0) Gecko/20100101 Firefox/141.0":                                                           {Browser: "Firefox", System: "Windows"},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36 Edg/139.0.0.0":              {Browser: "Edge", System: "Windows"},
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15":                      {Browser: "Safari", System: "macOS"},
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1":    {Browser: "Safari", System: "iOS"},
		"Mozilla/5.0 (Linux; Android 15; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36": {Browser: "Samsung Internet", System: "Android"},
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36":                                      {Browser: "Chrome", System: "Linux"},
		"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36":                             {Browser: "Chrome", System: "ChromeOS"},
		"Mozilla/5.0 (iPad; CPU OS 17_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/139.0 Mobile/15E148 Safari/604.1":              {Browser: "Chrome", System: "iPadOS"},
		"":                                {},
		"<script>alert(1)</script>\u202e": {},
		strings.Repeat("x", 600) + "Firefox/1 Windows NT": {},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("User-Agent", agent)
		if got := (&Manager{}).From(r); got != want {
			t.Errorf("%.80s: expected %+v, got %+v", agent, want, got)
		}
	}
}

func TestTheAddressIsRecordedAsTrustedProxiesTellIt(t *testing.T) {
	for rule, c := range map[string]struct {
		record  bool
		trusted []netip.Prefix
		want    string
	}{
		"not to be recorded":   {false, nil, ""},
		"no proxy is trusted":  {true, nil, "192.0.2.1"},
		"the proxy is trusted": {true, []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, "203.0.113.9"},
	} {
		r := httptest.NewRequest("GET", "/", nil) // from 192.0.2.1
		r.Header.Set("X-Forwarded-For", "198.51.100.66, 203.0.113.9")
		m := &Manager{Config: Config{RecordAddress: c.record, TrustedProxies: c.trusted}}
		if got := m.From(r).Address; got != c.want {
			t.Errorf("%s: expected %q, got %q", rule, c.want, got)
		}
	}
}
