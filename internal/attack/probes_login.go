package attack

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// elsewhere are addresses that browsers take for another site, though they may not look so.
var elsewhere = []string{
	"https://attacker.invalid/", "//attacker.invalid/", "///attacker.invalid/", `/\attacker.invalid/`, `\\attacker.invalid/`, "/\t/attacker.invalid/", "/%09/attacker.invalid/",
	"/%5cattacker.invalid/", "https:attacker.invalid", "https:/attacker.invalid/", "javascript:alert(1)", "data:text/html,x", "/\r\nLocation:https://attacker.invalid/",
	"https://attacker.invalid%2f@localhost/", "/@attacker.invalid/", "//localhost@attacker.invalid/", "https://attacker.invalid\u3002com/", "//attacker%E3%80%82invalid/", "/..//attacker.invalid/",
}

// returnParameters are what gateways take the way back from.
var returnParameters = []string{"return", "return_to", "returnTo", "rd", "redirect", "redirect_uri", "redirect_url", "next", "url", "target", "continue", "post_logout_redirect_uri", "logout"}

// loginProbes look at how a sign-in begins.
var loginProbes = []Probe{
	{ID: "NT18", Title: "sign-in and sign-out lead nowhere else", run: func(r *run) error {
		for _, at := range []string{r.Login, "/logout", r.Callback} {
			for _, address := range elsewhere {
				query := url.Values{}
				for _, name := range returnParameters {
					query.Set(name, address)
				}
				got, err := r.navigate(at + "?" + query.Encode())
				if err != nil {
					return err
				}
				if to := got.header.Get("Location"); leadsElsewhere(to) {
					r.weak(fixRedirect, "an open redirect", "GET %s with %q as the way back: %d, Location: %s", at, address, got.status, to)
				}
			}
		}
		return nil
	}},
	{ID: "NT20", Title: "a sign-in is bound by state, nonce and PKCE", run: func(r *run) error {
		first, ok, err := r.begin()
		if err != nil || !ok {
			return err
		}
		second, ok, err := r.begin()
		if err != nil || !ok {
			return err
		}
		fix := "send a fresh state of 128 random bits or more, a nonce and an S256 challenge with every sign-in (RFC 9700 section 2.1)"
		for _, name := range []string{"state", "nonce", "code_challenge"} {
			switch a, b := first.Get(name), second.Get(name); {
			case a == "":
				r.weak(fix, "a sign-in begins without "+name, "the authorize request has none")
			case a == b:
				r.weak(fix, name+" is the same for two sign-ins", "two authorize requests have the same one")
			case len(a) < 22:
				r.weak(fix, name+" can be guessed", "it has %d characters", len(a))
			}
		}
		if method := first.Get("code_challenge_method"); method != "S256" {
			r.weak(fix, "PKCE is not S256", "code_challenge_method is %q", method)
		}
		if kind := first.Get("response_type"); kind != "code" {
			r.weak("use the authorization code flow", "tokens travel through the browser", "response_type is %q", kind)
		}
		return nil
	}},
	{ID: "NT21", Title: "an answer counts only where it was asked for", run: func(r *run) error {
		begun, ok, err := r.begin()
		if err != nil {
			return err
		}
		states := []string{"", "x", strings.Repeat("A", 43)}
		if ok {
			states = append(states, begun.Get("state")) // of another browser: this one sends no cookie
		}
		for _, state := range states {
			got, err := r.navigate(r.Callback + "?" + url.Values{"code": {"attacker"}, "state": {state}}.Encode())
			if err != nil {
				return err
			}
			r.mustBeginNoSession("an answer with a state of another browser, or none", got)
		}
		got, err := r.navigate(r.Callback + "?" + url.Values{"error": {"access_denied"}, "error_description": {"<script>alert(1)</script>"}, "state": {"x"}}.Encode())
		if err != nil {
			return err
		}
		if strings.Contains(got.body, "<script>alert(1)") {
			r.weak("escape whatever a page shows of a request", "a page runs what its address says", "GET %s?error_description=<script>…: it is in the page as it was sent", r.Callback)
		}
		r.mustBeginNoSession("an answer that is an error", got)
		return nil
	}},
	{ID: "NT30", Title: "cookies are kept from scripts, other sites and plain HTTP", run: func(r *run) error {
		got, err := r.navigate(r.Login)
		if err != nil {
			return err
		}
		for _, c := range (&http.Response{Header: got.header}).Cookies() {
			var lacks []string
			if !c.HttpOnly {
				lacks = append(lacks, "HttpOnly")
			}
			if c.SameSite != http.SameSiteLaxMode && c.SameSite != http.SameSiteStrictMode {
				lacks = append(lacks, "SameSite=Lax")
			}
			if r.base.Scheme == "https" && !c.Secure {
				lacks = append(lacks, "Secure")
			}
			if c.Domain != "" {
				lacks = append(lacks, "no Domain")
			}
			if len(lacks) > 0 {
				r.weak("set cookies with HttpOnly, Secure, SameSite and the __Host- prefix (RFC 6265bis)", "a cookie lacks protection", "%s lacks %s", c.Name, strings.Join(lacks, ", "))
			}
		}
		return nil
	}},
	{ID: "NT53", Title: "no development provider stands behind it", run: func(r *run) error {
		got, err := r.navigate(r.Login)
		if err != nil {
			return err
		}
		to, err := url.Parse(got.header.Get("Location"))
		if err != nil || to.Host == "" || loopback(r.base.Hostname()) {
			return nil //nolint:nilerr // that is judged by NT18
		}
		if to.Scheme != "https" || loopback(to.Hostname()) {
			r.weak("use an identity provider by https that is not on this machine", "people are sent to a provider that nobody else can trust", "the sign-in leads to %s://%s", to.Scheme, to.Host)
		}
		return nil
	}},
}

// begin begins a sign-in, and returns what is asked of the identity provider; false: it does not begin by a redirect.
func (r *run) begin() (url.Values, bool, error) {
	got, err := r.navigate(r.Login)
	if err != nil {
		return nil, false, err
	}
	to, err := url.Parse(got.header.Get("Location"))
	if err != nil || got.status < 300 || got.status > 399 || to.Query().Get("client_id") == "" {
		r.now.Skipped = fmt.Sprintf("GET %s does not lead to an identity provider (%d): name the path by --login", r.Login, got.status)
		return nil, false, nil //nolint:nilerr // nothing can be told
	}
	return to.Query(), true, nil
}

func (r *run) mustBeginNoSession(what string, got answer) {
	if got.status == http.StatusInternalServerError {
		r.weak("answer 4xx to what is malformed", what+" breaks something", "GET %s: 500", r.Callback)
	}
	if got.status >= 300 && got.status < 400 && got.header.Get("Location") == "/" || got.in() && !strings.Contains(got.header.Get("Content-Type"), "html") {
		r.weak("bind the state to the browser that asked, and use it once", what+" is taken", "GET %s: %d", r.Callback, got.status)
	}
	for _, c := range (&http.Response{Header: got.header}).Cookies() {
		if c.MaxAge >= 0 && c.Value != "" && strings.Contains(strings.ToLower(c.Name), "session") {
			r.weak("bind the state to the browser that asked, and use it once", what+" begins a session", "GET %s sets the cookie %s", r.Callback, c.Name)
		}
	}
}

// leadsElsewhere tells whether a browser would go to the attacker's by it. What only names them in a query goes elsewhere.
func leadsElsewhere(location string) bool {
	to := strings.NewReplacer("\t", "", "\r", "", "\n", "", `\`, "/").Replace(strings.TrimSpace(location))
	if strings.HasPrefix(strings.ToLower(to), "javascript:") || strings.HasPrefix(strings.ToLower(to), "data:") {
		return true
	}
	parsed, err := url.Parse(to)
	if err != nil {
		return true
	}
	return strings.Contains(parsed.Host, "attacker") || strings.HasPrefix(to, "//") && parsed.Host == "" ||
		parsed.Host == "" && slices.Contains([]string{"https", "http"}, parsed.Scheme)
}

func loopback(host string) bool {
	return host == "localhost" || strings.HasPrefix(host, "127.") || host == "::1"
}
