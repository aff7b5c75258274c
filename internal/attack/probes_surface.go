package attack

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

// internals are what no answer may show.
var internals = regexp.MustCompile(`goroutine \d+ \[|panic:|runtime error|\.go:\d+|Traceback \(most recent|at [a-z]+(\.[a-zA-Z]+)+\(|SQLSTATE|ORA-\d+|syntax error at|stack ?trace|/home/|/var/lib/`)

// operators are what is for operators alone, and how each is known.
var operators = map[string]*regexp.Regexp{
	"/metrics":               regexp.MustCompile(`(?m)^# (HELP|TYPE) `),
	"/debug/pprof/":          regexp.MustCompile(`profile|goroutine`),
	"/debug/vars":            regexp.MustCompile(`"memstats"|"cmdline"`),
	"/actuator/env":          regexp.MustCompile(`"propertySources"`),
	"/actuator/health":       regexp.MustCompile(`"components"`),
	"/.env":                  regexp.MustCompile(`(?m)^[A-Z_]+=`),
	"/.git/config":           regexp.MustCompile(`\[core\]`),
	"/server-status":         regexp.MustCompile(`Apache Server Status`),
	"/apisix/admin/routes":   regexp.MustCompile(`"value"|"list"`),
	"/config.yaml":           regexp.MustCompile(`(?m)^[a-zA-Z]+:`),
	"/.well-known/jwks.json": regexp.MustCompile(`"(d|p|q|dp|dq|qi|k)"\s*:`), // private halves
}

// surfaceProbes look at what shows to anybody, and at what must be bounded.
var surfaceProbes = []Probe{
	{ID: "NT51", Title: "answers show nothing from inside", run: func(r *run) error {
		for _, c := range []struct{ method, at, body, kind string }{
			{"GET", "/no-such-page-" + strings.Repeat("x", 200), "", ""}, {"POST", "/api/sts/token/v1", "grant_type=%00&subject_token=%ff", "application/x-www-form-urlencoded"},
			{"POST", "/api/sts/role/v1", `{"name":`, "application/json"}, {"GET", r.Callback + "?code=%00&state=%ff", "", ""}, {"GET", r.Protected + "?page=-1&pageSize=x", "", ""},
			{"PATCH", r.Protected, "[[[[[", "application/json"}, {"GET", "/%ff%fe", "", ""}, {"POST", r.Login, "a=b", "application/x-www-form-urlencoded"},
		} {
			got, err := r.send(c.method, c.at, c.body, header("Content-Type", c.kind), path(c.at))
			if err != nil {
				return err
			}
			if shown := internals.FindString(got.body); shown != "" || got.status == http.StatusInternalServerError {
				r.weak("answer with a plain sentence and a reference, and keep the reason in the log", "an answer shows the inside, or something broke",
					"%s %.60s: %d %q", c.method, c.at, got.status, shown)
			}
		}
		return nil
	}},
	{ID: "NT51", Title: "what is for operators is not for everybody", run: func(r *run) error {
		for at, known := range operators {
			got, err := r.get(at)
			if err != nil {
				return err
			}
			if got.in() && known.MatchString(got.body) {
				r.weak("serve it on another address, for operators", "something for operators, or secret, is public", "GET %s: %d", at, got.status)
			}
		}
		return nil
	}},
	{ID: "NT47", Title: "pages are fenced in", run: func(r *run) error {
		got, err := r.navigate("/no-such-page")
		if err != nil {
			return err
		}
		csp := got.header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "frame-ancestors") && got.header.Get("X-Frame-Options") == "" {
			r.weak("send frame-ancestors 'none'", "other sites may frame the pages", "no frame-ancestors and no X-Frame-Options")
		}
		if csp == "" || strings.Contains(csp, "unsafe-inline") || strings.Contains(csp, "unsafe-eval") || strings.Contains(csp, "script-src *") {
			r.weak("send a Content-Security-Policy without inline script", "injected script would run", "Content-Security-Policy: %q", csp)
		}
		if got.header.Get("X-Content-Type-Options") != "nosniff" {
			r.weak("send X-Content-Type-Options: nosniff", "answers may be taken for another kind", "no X-Content-Type-Options")
		}
		if policy := got.header.Get("Referrer-Policy"); policy == "" || policy == "unsafe-url" {
			r.weak("send Referrer-Policy: no-referrer or same-origin", "addresses leak to other sites", "Referrer-Policy: %q", policy)
		}
		if r.base.Scheme == "https" && got.header.Get("Strict-Transport-Security") == "" {
			r.weak("send Strict-Transport-Security", "a browser may be led to plain HTTP", "no Strict-Transport-Security")
		}
		return nil
	}},
	{ID: "NT51", Title: "what is personal is not kept by caches", Needs: needsToken, run: func(r *run) error {
		got, err := r.get(r.Protected, bearer(r.Token))
		if err != nil {
			return err
		}
		if control := got.header.Get("Cache-Control"); !strings.Contains(control, "no-store") && !strings.Contains(control, "private") {
			r.weak("send Cache-Control: no-store with whatever is somebody's", "a cache may hand somebody's answer to others", "GET %s: Cache-Control: %q", r.Protected, control)
		}
		return nil
	}},
	{ID: "NT39", Title: "requests are bounded", run: func(r *run) error {
		got, err := r.get(r.Protected, header("X-Big", strings.Repeat("x", 512<<10)))
		if err == nil && (got.in() || got.status == http.StatusInternalServerError) {
			r.weak("bound the headers to what a token needs", "half a megabyte of headers is taken", "GET %s: %d", r.Protected, got.status)
		}
		body := "grant_type=x&subject_token=" + strings.Repeat("x", 4<<20)
		got, err = r.send("POST", "/api/sts/token/v1", body, header("Content-Type", "application/x-www-form-urlencoded"))
		if err == nil && (got.in() || got.status == http.StatusInternalServerError) {
			r.weak("bound every body that you read", "4 MiB are read of somebody unknown", "POST /api/sts/token/v1: %d", got.status)
		}
		return nil
	}},
	{ID: "NT16", Title: "requests can't be smuggled", alone: true, run: func(r *run) error {
		const end = "\r\n\r\n"
		host := "Host: " + r.base.Host + "\r\nConnection: close\r\n"
		inner := "GET " + r.Protected + " HTTP/1.1\r\n" + host + "\r\n"
		for what, request := range map[string]string{
			"two different lengths":      "POST /login HTTP/1.1\r\n" + host + "Content-Length: 0\r\nContent-Length: 5" + end + "hello",
			"a length and chunks":        "POST /login HTTP/1.1\r\n" + host + fmt.Sprintf("Content-Length: %d\r\nTransfer-Encoding: chunked", len(inner)+5) + end + "0\r\n\r\n" + inner,
			"chunks after a length":      "POST /login HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nContent-Length: 4" + end + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(inner), inner),
			"an obscured encoding":       "POST /login HTTP/1.1\r\n" + host + "Transfer-Encoding: xchunked" + end + "0\r\n\r\n",
			"a blank before the colon":   "GET " + r.Protected + " HTTP/1.1\r\n" + host + "Content-Length : 0" + end,
			"a line that is folded":      "GET " + r.Protected + " HTTP/1.1\r\n" + host + "X-A: b\r\n c" + end,
			"two hosts":                  "GET " + r.Protected + " HTTP/1.1\r\n" + host + "Host: attacker.invalid" + end,
			"no host":                    "GET " + r.Protected + " HTTP/1.1\r\nConnection: close" + end,
			"a length that is no number": "POST /login HTTP/1.1\r\n" + host + "Content-Length: 0x1" + end,
			"a negative length":          "POST /login HTTP/1.1\r\n" + host + "Content-Length: -1" + end,
		} {
			statuses, err := r.raw(request)
			if err != nil {
				return err
			}
			for _, status := range statuses {
				if status >= 200 && status < 300 && strings.Contains(request, "GET "+r.Protected) || status == http.StatusInternalServerError {
					r.weak("refuse what two servers could read in two ways (RFC 9112 section 6.3)", "a request with "+what+" is taken", "answered %v", statuses)
				}
			}
			if len(statuses) > 1 {
				r.weak("refuse what two servers could read in two ways (RFC 9112 section 6.3)", "a request with "+what+" is taken for two", "answered %v", statuses)
			}
		}
		return nil
	}},
	{ID: "NT16", Title: "methods are what they are", run: func(r *run) error {
		for _, method := range []string{"TRACE", "TRACK", "HEAD", "OPTIONS", "PROPFIND", "get", "GETX", "DEBUG"} {
			got, err := r.send(method, r.Protected, "")
			if err != nil {
				return err
			}
			if got.in() && !(method == http.MethodOptions && got.body == "") || got.status == http.StatusInternalServerError {
				r.weak("ask who it is whatever the method, and refuse those that you do not serve", "another method goes around the sign-in", "%s %s: %d", method, r.Protected, got.status)
			}
		}
		return nil
	}},
}
