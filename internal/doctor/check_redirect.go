package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/okta"
)

// checkRedirect compares the redirect URI letter by letter, as Okta does.
func checkRedirect(e *Evidence, f *findings) {
	uri, key := e.Client.RedirectURI, e.Client.key("redirect")
	if e.Org != nil && e.Org.App != nil && e.Told.says("told-redirect") && e.Told.redirectURI != "" && (uri == "" || slices.Contains(e.Org.App.RedirectURIs, uri)) {
		uri, key = e.Told.redirectURI, "the error text has" // somebody else sends another one
	}
	if uri == "" {
		return
	}
	finding := Finding{
		What: "The redirect URI is not registered at the application.", Setting: "Sign-in redirect URIs: add " + uri,
		Call: "PUT " + e.appPath() + " with settings.oauthClient.redirect_uris", steps: []step{{part: "application", field: redirectURIs, value: uri}},
	}
	if uri == e.Client.RedirectURI {
		e.otherThanSetUp(&finding)
	}
	if e.Org != nil && e.Org.App != nil && !e.Org.ByLabel {
		registered := e.Org.App.RedirectURIs
		if slices.Contains(registered, uri) {
			return
		}
		finding.Seen = fmt.Sprintf("%s: %s; registered: %s", key, uri, clip(orNone(registered)))
		finding.Near = nearest(uri, "Registered", registered)
		if finding.Call != "" {
			finding.Call += " [" + quoteAll(append(slices.Clone(registered), uri)) + "]"
		}
		f.add("redirect-uri", finding)
		return
	}
	if e.Probes == nil || !e.Probes.Authorize.says("told-redirect") {
		return
	}
	finding.Seen = fmt.Sprintf("%s: %s; Okta's page says: %s", key, uri, e.Probes.Authorize.quote())
	if registered := e.Probes.Registered; registered != "" {
		finding.Near = nearest(uri, "Registered", []string{registered})
		finding.Seen += "; registered is " + registered
	}
	f.add("redirect-uri", finding)
}

// otherThanSetUp changes our configuration where it has another address than the setup file, which Okta was set up by. Signing
// out is at the same host, and goes right with it.
func (e *Evidence) otherThanSetUp(finding *Finding) {
	if e.Setup == nil || e.Config == nil || e.Gateway != nil || e.Client.RedirectURI == e.Setup.RedirectURI() {
		return
	}
	var set []string
	finding.Call, finding.steps = "", nil
	for _, s := range []struct{ key, got, want string }{
		{"server.publicUrl", e.Config.Server.PublicURL, e.Setup.PublicURL},
		{"gateway.callbackPath", e.Config.Gateway.CallbackPath, e.Setup.CallbackPath},
	} {
		if s.got == s.want {
			continue
		}
		set = append(set, s.key+": "+s.want+", as the setup file has it")
		finding.steps = append(finding.steps, step{part: ourConfig, field: s.key})
		finding.settings = append(finding.settings, config.Setting{Key: s.key, Value: s.want})
		if s.key == "server.publicUrl" {
			finding.also = []string{"logout-uri"}
		}
	}
	finding.Setting = strings.Join(set, "; ")
}

// nearest says what the likeliest of other addresses differs in.
func nearest(uri, whose string, others []string) string {
	for _, other := range others {
		if near := nearMiss(uri, other); near != "" {
			return near + " " + whose + " is " + other
		}
	}
	return ""
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}

func quoteAll(list []string) string {
	var out []string
	for _, item := range list {
		out = append(out, `"`+item+`"`)
	}
	return strings.Join(out, ",")
}

func checkLogout(e *Evidence, f *findings) {
	uri := e.Client.LogoutURI
	if uri == "" || e.Org == nil || e.Org.App == nil || e.Org.ByLabel || slices.Contains(e.Org.App.LogoutURIs, uri) {
		return
	}
	f.add("logout-uri", Finding{
		What: "The address to return to after signing out is not registered: signing out ends on an error page of Okta's.",
		Seen: fmt.Sprintf("%s: %s; registered: %s", e.Client.key("logout"), uri, clip(orNone(e.Org.App.LogoutURIs))),
		Near: nearest(uri, "Registered", e.Org.App.LogoutURIs), steps: []step{{part: "application", field: logoutURIs, value: uri}}, Setting: "Sign-out redirect URIs: add " + uri,
		Call: "PUT " + e.appPath() + " with settings.oauthClient.post_logout_redirect_uris [" + quoteAll(append(slices.Clone(e.Org.App.LogoutURIs), uri)) + "]",
	})
}

// checkScopes finds the scopes that the server does not have.
func checkScopes(e *Evidence, f *findings) {
	var bad []string
	seen, known := "", []string(nil)
	if e.Probes != nil && (e.Probes.Authorize.says("told-scope") || e.Probes.Authorize.says("told-scope-groups")) {
		bad, seen, known = e.Probes.BadScopes, e.Probes.Authorize.quote(), e.Probes.Main.Scopes
		if !slices.Contains(e.Client.Scopes, "openid") {
			f.add("scope-unknown", Finding{
				What: "The sign-in does not ask for the scope openid.", Seen: seen, Setting: e.Client.key("scopes") + ": with openid",
			})
		}
	}
	if e.Org != nil && e.Org.Server != nil && len(e.Org.Server.Scopes) > 0 {
		known = e.Org.Server.Scopes
		for _, scope := range e.Client.Scopes {
			if !slices.Contains(known, scope) && !slices.Contains(bad, scope) {
				bad = append(bad, scope)
			}
		}
	}
	for _, scope := range bad {
		add := func(id string, v Finding) {
			v.Seen = fmt.Sprintf("%s has %s; the server has: %s", e.Client.key("scopes"), clip(scope), clip(strings.Join(known, " ")))
			if seen != "" {
				v.Seen += "; Okta says: " + seen
			}
			v.settings = e.withoutScopes(bad)
			f.add(id, v)
		}
		if scope == "groups" {
			add("scope-groups", Finding{
				What:    "The scope groups is asked for, which a custom authorization server has not built in.",
				Setting: e.Client.key("scopes") + ": without groups; a claim of groups needs no scope",
				Call:    "or POST " + e.serverPath() + "/scopes with {\"name\":\"groups\",\"consent\":\"IMPLICIT\"}",
			})
			continue
		}
		finding := Finding{
			What: fmt.Sprintf("The authorization server has no scope %s.", clip(scope)), Setting: e.Client.key("scopes") + ": without " + clip(scope) + ", or make the scope",
			Call: fmt.Sprintf("POST %s/scopes with {\"name\":%q,\"consent\":\"IMPLICIT\"}", e.serverPath(), clip(scope)),
		}
		for _, name := range known {
			if okta.Plain(name) == okta.Plain(scope) || distance(name, scope) == 1 {
				finding.Near = "There is a scope " + name + "."
			}
		}
		add("scope-unknown", finding)
	}
}

// withoutScopes takes out all that the server does not have, so that each finding about one says what --fix does.
func (e *Evidence) withoutScopes(bad []string) []config.Setting {
	rest := slices.DeleteFunc(slices.Clone(e.Client.Scopes), func(s string) bool { return slices.Contains(bad, s) })
	return e.ours(config.Setting{Key: "iam.scopes", Value: rest})
}

// serverPath is where the server is, as far as that is known.
func (e *Evidence) serverPath() string {
	if e.Org != nil && e.Org.Server != nil {
		return e.Org.Server.Path()
	}
	return "/api/v1/authorizationServers/{id}"
}
