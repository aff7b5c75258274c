package login_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// FuzzReturn asks to come back to any address after the sign-in: it is a page of ours (NT18, NT19).
func FuzzReturn(f *testing.F) {
	for _, address := range hostile {
		f.Add(address)
	}
	b := newBench(f)
	f.Fuzz(func(t *testing.T, address string) {
		b.t = t
		c := b.browser()
		login := "/login?return=" + url.QueryEscape(address)
		if len(login) > 8<<10 {
			t.Skip("refused before it is read")
		}
		if location := c.get(c.toOkta(login)).Header().Get("Location"); !leadsHome(location) {
			t.Errorf("%q: leads to %q", address, location)
		}
	})
}

// FuzzCallback comes back from the identity provider with any query and any cookies: nobody is signed in by what we did
// not seal (NT09, NT20, NT21).
func FuzzCallback(f *testing.F) {
	b := newBench(f)
	c := b.browser()
	answer := c.toOkta("/")
	good, _ := url.Parse(answer)
	var cookies, value string
	for name, v := range c.jar {
		cookies, value = name+"="+v, v
	}
	for _, query := range []string{"", "code=a", "state=b", "error=access_denied&state=c", "code=code-1&state=" + b.stateOf(), good.RawQuery + "&code=x"} {
		f.Add(query, cookies)
		f.Add(query, cookies+"; "+cookies)
	}
	f.Add(good.RawQuery, "")
	f.Add(good.RawQuery, cookies[:len(cookies)-1])
	f.Fuzz(func(t *testing.T, query, cookies string) {
		if mustParse(query).Get("state") == good.Query().Get("state") && strings.Contains(cookies, value) {
			return // the very sign-in that was begun
		}
		r := httptest.NewRequest(http.MethodGet, callback, nil)
		r.URL.RawQuery, r.Host = query, "portico.acme.test"
		r.Header.Set("Cookie", cookies)
		w := httptest.NewRecorder()
		b.handler.ServeHTTP(w, r)
		if signedIn(w) {
			t.Errorf("%q with %q: signed in", query, cookies)
		}
		if w.Code >= 500 && w.Code != http.StatusBadGateway { // which is the identity provider refusing the code
			t.Errorf("%q with %q: got %d %s", query, cookies, w.Code, w.Body)
		}
	})
}

func mustParse(query string) url.Values { values, _ := url.ParseQuery(query); return values }
