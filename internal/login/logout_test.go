package login_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
)

func TestNT30_SignOut(t *testing.T) {
	for rule, c := range map[string]struct {
		method string
		away   error
		target string
		says   string
	}{
		"of Okta too":        {"GET", nil, "https://acme.okta.test/logout?id_token_hint=the-id-token", "here and at your company's sign-in has ended"},
		"by a form":          {"POST", nil, "https://acme.okta.test/logout?id_token_hint=the-id-token", "here and at your company's sign-in has ended"},
		"while Okta is away": {"GET", errors.New("away"), "/", "At your company's sign-in you may still be signed in"},
	} {
		b := newBench(t)
		browser := b.browser()
		browser.get(browser.toOkta("/"))
		stolen := browser.jar["__Host-portico"]
		b.okta.away = c.away
		w := browser.do(c.method, "/logout", "Sec-Fetch-Site", "same-origin")
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != c.target {
			t.Errorf("%s: got %d %v", rule, w.Code, w.Header())
		}
		if _, still := browser.jar["__Host-portico"]; still {
			t.Errorf("%s: the cookie is still there", rule)
		}
		thief := b.browser()
		thief.jar["__Host-portico"] = stolen
		if w := thief.get("/roles", "Accept", "application/json"); w.Code != 401 {
			t.Errorf("%s: the session lives on: %d %s", rule, w.Code, w.Body)
		}
		if w := browser.get("/"); w.Code != 200 || !strings.Contains(w.Body.String(), "You are signed out") || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%s: back: got %d %s", rule, w.Code, w.Body)
		}
	}
}

func TestAnotherSiteDoesNotSignAnybodyOut(t *testing.T) {
	for _, site := range []string{"cross-site", "same-site"} {
		for _, method := range []string{"GET", "POST"} {
			b := newBench(t)
			browser := b.browser()
			browser.get(browser.toOkta("/"))
			if w := browser.do(method, "/logout", "Sec-Fetch-Site", site); w.Code != 200 || !strings.Contains(w.Body.String(), "Sign out?") || len(w.Result().Cookies()) > 0 {
				t.Errorf("%s %s: got %d %s", method, site, w.Code, w.Body)
			}
			if w := browser.get("/"); w.Body.String() != "page of ivan" {
				t.Errorf("%s %s: signed out", method, site)
			}
		}
	}
}
