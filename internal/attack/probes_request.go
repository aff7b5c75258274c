package attack

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

const (
	fixHeaders  = "strip every header by which somebody could claim to be somebody, on every route, before anything reads it"
	fixForward  = "read forwarded headers from listed proxies only, and decide nothing by them"
	fixPath     = "decide upon and forward the same path; answer 400 where it is ambiguous"
	fixRedirect = "redirect to paths of your own site only, checked after parsing as a browser does"
)

// claimedIdentities are by what gateways tell the services behind them who somebody is.
var claimedIdentities = []string{
	"X-Userinfo", "X-User", "X-User-Id", "X-Username", "X-Email", "X-Groups", "X-Roles", "X-Remote-User", "Remote-User", "X-Forwarded-User", "X-Forwarded-Email",
	"X-Forwarded-Groups", "X-Forwarded-Preferred-Username", "X-Forwarded-Access-Token", "X-Access-Token", "X-ID-Token", "X-Auth-Request-User", "X-Auth-Request-Email",
	"X-Auth-Request-Groups", "X-Auth-Request-Access-Token", "X-Authenticated-User", "X-Authentik-Username", "X-Pomerium-Jwt-Assertion", "X-Pomerium-Claim-Email",
	"X-Vouch-User", "X-WEBAUTH-USER", "X-Credential-Identifier", "X-Consumer-Username", "OIDC_CLAIM_sub", "OIDC-Claim-Sub", "OIDC_access_token", "X-JWT-Assertion",
	"X-Goog-Authenticated-User-Email", "X-Ms-Client-Principal", "X-Amzn-Oidc-Identity", "Cf-Access-Authenticated-User-Email",
}

// requestProbes try what surrounds a token: headers, paths, origins.
var requestProbes = []Probe{
	{ID: "NT10", Title: "nobody becomes somebody by a header", run: func(r *run) error {
		for _, name := range claimedIdentities {
			for _, value := range []string{"admin", "eyJzdWIiOiJhZG1pbiIsInJvbGVzIjpbIk9ORV9TVFNfQURNSU4iXX0="} {
				if err := r.mustRefuse(name+": "+value, fixHeaders, header(name, value)); err != nil {
					return err
				}
			}
		}
		return nil
	}},
	{ID: "NT12", Title: "forwarded and rewriting headers decide nothing", run: func(r *run) error {
		for _, h := range [][2]string{
			{"X-Forwarded-Uri", "/favicon.ico"}, {"X-Original-Uri", "/favicon.ico"}, {"X-Original-Url", "/favicon.ico"}, {"X-Rewrite-Url", "/favicon.ico"},
			{"X-Forwarded-Prefix", "/public"}, {"X-Forwarded-Method", "OPTIONS"}, {"X-Http-Method-Override", "OPTIONS"}, {"X-Forwarded-Proto", "https"},
			{"X-Envoy-Original-Path", "/favicon.ico"}, {"X-Auth-Request-Redirect", "/favicon.ico"}, {"Forwarded", "for=127.0.0.1;host=localhost"}, {"X-Forwarded-Path", "/favicon.ico"},
		} {
			if err := r.mustRefuse(h[0]+": "+h[1], fixForward, header(h[0], h[1])); err != nil {
				return err
			}
		}
		return r.mustNotMention()
	}},
	{ID: "NT13", Title: "a claimed address opens nothing", run: func(r *run) error {
		for _, name := range []string{"X-Forwarded-For", "X-Real-Ip", "X-Client-Ip", "True-Client-Ip", "Cf-Connecting-Ip", "X-Originating-Ip", "X-Remote-Addr"} {
			for _, value := range []string{"127.0.0.1", "::1", "10.0.0.1"} {
				if err := r.mustRefuse(name+": "+value, fixForward, header(name, value)); err != nil {
					return err
				}
			}
		}
		return nil
	}},
	{ID: "NT14", Title: "no User-Agent opens anything", run: func(r *run) error {
		for _, value := range []string{"GoogleHC/1.0", "kube-probe/1.31", "ELB-HealthChecker/2.0", "Blackbox Exporter/0.25", "Prometheus/3.0", ""} {
			if err := r.mustRefuse(fmt.Sprintf("User-Agent: %q", value), "decide nothing by the User-Agent", header("User-Agent", value)); err != nil {
				return err
			}
		}
		return nil
	}},
	{ID: "NT15", Title: "query and fragment make no path public", run: func(r *run) error {
		for _, public := range r.Public {
			for _, raw := range []string{
				r.Protected + "?" + public, r.Protected + "?x=" + url.QueryEscape(public), r.Protected + "%23" + public, r.Protected + ";" + public, r.Protected + "%3f" + public,
				r.Protected + "?" + public + "%00", r.Protected + "#" + public,
			} {
				if err := r.mustRefusePath(raw); err != nil {
					return err
				}
			}
		}
		return nil
	}},
	{ID: "NT16", Title: "every spelling of a path is decided alike", run: func(r *run) error {
		at := r.Protected
		upper := strings.ToUpper(at)
		all := []string{
			"/" + at, "//" + at, at + "/", at + "/.", at + "//", at + "/x/..", at + "%2f", at + "%00", at + "%20", at + ".json", at + ";x=1", at + "%3b", at + "\\", at + "%5c",
			"/%2e" + at, "/." + at, "/x/.." + at, "/x/%2e%2e" + at, "/x/..%2f" + at[1:], "/x\\..\\" + at[1:], "/%252e%252e" + at, upper, "/" + fmt.Sprintf("%%%02x", at[1]) + at[2:],
			strings.ReplaceAll(at, "/", "%2f"), strings.ReplaceAll(at, "/", "%2F"), strings.ReplaceAll(at, "/", "\\"), at + "%0d%0a", at + "\u00a0",
		}
		for _, public := range r.Public {
			all = append(all, public+"/.."+at, public+"/%2e%2e"+at, public+"/..%2f"+at[1:], public+"/..;"+at, public+"/..\\"+at[1:], public+"%2f.."+at, public+"/%252e%252e"+at)
		}
		for _, raw := range all {
			if err := r.mustRefusePath(raw); err != nil {
				return err
			}
		}
		return nil
	}},
	{ID: "NT47", Title: "other sites may not read answers", run: func(r *run) error {
		for _, origin := range []string{"https://attacker.invalid", "null", r.URL + ".attacker.invalid", strings.Replace(r.URL, "://", "://attacker.", 1)} {
			for _, method := range []string{http.MethodGet, http.MethodOptions} {
				got, err := r.send(method, r.Protected, "", header("Origin", origin), header("Access-Control-Request-Method", "POST"))
				if err != nil {
					return err
				}
				allowed := got.header.Get("Access-Control-Allow-Origin")
				if allowed == origin || allowed == "*" && got.header.Get("Access-Control-Allow-Credentials") == "true" {
					r.weak("allow no origin that you do not list, and never any with credentials", "another site may read answers",
						"%s %s with Origin: %s: Access-Control-Allow-Origin: %s", method, r.Protected, origin, allowed)
				}
			}
		}
		return nil
	}},
	{ID: "NT47", Title: "other sites may not make changes", Needs: needsCookie, run: func(r *run) error {
		method, at, _ := strings.Cut(r.Change, " ")
		for _, changes := range [][]with{
			{header("Origin", "https://attacker.invalid")}, {header("Sec-Fetch-Site", "cross-site")}, {header("Origin", "null")}, {},
			{header("Origin", r.URL), header("Sec-Fetch-Site", "cross-site")}, {header("Referer", "https://attacker.invalid/")},
		} {
			with := append([]with{header("Cookie", r.Cookie), header("Content-Type", "text/plain")}, changes...)
			got, err := r.send(method, at, "{}", with...)
			if err != nil {
				return err
			}
			if got.status != http.StatusForbidden && got.status != http.StatusUnauthorized {
				r.weak("refuse a session's change whose Origin or Sec-Fetch-Site is not your own, and one that has neither", "another site's request is judged as the person's own",
					"%s %s by cookie from elsewhere: %d, expected 403", method, at, got.status)
			}
		}
		return nil
	}},
	{ID: "NT09", Title: "only a whole session cookie is a session", run: func(r *run) error {
		for _, value := range []string{
			"portico_session=x", "__Host-portico=x", "session=1", "session=admin", "_oauth2_proxy=x", "mod_auth_openidc_session=x", "JSESSIONID=x", "portico_session=" + strings.Repeat("A", 43),
			"portico_session=%00", "portico_session=\"\"", "authenticated=true; user=admin",
		} {
			if err := r.mustRefuse("Cookie: "+value[:min(len(value), 40)], "a cookie that is no live session is none", header("Cookie", value)); err != nil {
				return err
			}
		}
		if r.Cookie == "" {
			return nil
		}
		name, value, _ := strings.Cut(r.Cookie, "=")
		for what, cookie := range map[string]string{
			"with one letter changed": name + "=" + flip(value), "cut in half": name + "=" + value[:len(value)/2], "with something behind it": name + "=" + value + "A",
			"twice, once forged": name + "=" + flip(value) + "; " + name + "=" + value, "under another name": "x" + name + "=" + value,
		} {
			if err := r.mustRefuse("an accepted cookie "+what, "a cookie that is no live session is none", header("Cookie", cookie)); err != nil {
				return err
			}
		}
		return nil
	}},
}

func (r *run) mustRefusePath(raw string) error {
	got, err := r.get(r.Protected, path(raw))
	if err != nil {
		return nil //nolint:nilerr // such a request can't even be sent, or it hung up: nobody is let in
	}
	if got.in() && !r.isPublic(got) {
		r.weak(fixPath, "another spelling of the protected path lets somebody in", "GET %s: %d", raw, got.status)
	}
	if got.status == http.StatusInternalServerError {
		r.weak("answer 4xx to what is malformed", "a path breaks something", "GET %s: 500", raw)
	}
	return nil
}

// isPublic tells whether an answer is what anybody gets: a page for a path that does not exist, or a public one.
func (r *run) isPublic(got answer) bool {
	for _, public := range r.Public {
		if open, err := r.get(public); err == nil && open.status == got.status && open.body == got.body {
			return true
		}
	}
	return strings.Contains(got.header.Get("Content-Type"), "text/html") && !strings.HasPrefix(strings.TrimSpace(got.body), "{")
}

// mustNotMention: a host that the client claims must not come back.
func (r *run) mustNotMention() error {
	const evil = "attacker.invalid"
	for _, name := range []string{"X-Forwarded-Host", "X-Host", "X-Forwarded-Server", "X-Original-Host", "Forwarded"} {
		value := evil
		if name == "Forwarded" {
			value = "host=" + evil
		}
		got, err := r.navigate(r.Login, header(name, value))
		if err != nil {
			return err
		}
		if strings.Contains(got.header.Get("Location")+strings.Join(got.header.Values("Set-Cookie"), " ")+got.body, evil) {
			r.weak(fixForward, "a claimed host comes back in an answer", "GET %s with %s: %s: %d, Location %s", r.Login, name, value, got.status, got.header.Get("Location"))
		}
	}
	return nil
}
