package doctor

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/portico-iam/portico/internal/config"
)

// checkAPISIX reads the openid-connect plug-in as its documentation describes it.
func checkAPISIX(e *Evidence, f *findings) {
	if e.Gateway == nil || e.Gateway.Kind != apisix {
		return
	}
	for i := range e.Gateway.Parts {
		p := &e.Gateway.Parts[i]
		if p.on("bearer_only") {
			continue
		}
		if !p.has("redirect_uri") {
			right := "https://<host>/.apisix/redirect"
			if e.Config != nil && e.Config.Server.PublicURL != "" {
				right = e.Config.Server.PublicURL + "/.apisix/redirect"
			}
			f.add("redirect-varies", Finding{
				What: "APISIX makes the redirect URI out of each request's path, so it is another one on every page.", Seen: p.Where + " has no redirect_uri",
				Setting: "redirect_uri: " + right + ", registered as it is", Call: "PUT " + e.appPath() + " with settings.oauthClient.redirect_uris",
			})
		} else {
			e.apisixCallback(f, p)
		}
		e.apisixSecret(f, p)
		if p.off("set_access_token_header") && !p.on("access_token_in_authorization_header") {
			f.add("token-not-passed", Finding{
				What: "APISIX does not pass the access token on.", Seen: p.Where + " has set_access_token_header: false",
				Setting: "set_access_token_header: true (header X-Access-Token); access_token_in_authorization_header: true puts it into Authorization instead",
			})
		}
	}
	p := &e.Gateway.Parts[0]
	if seconds, err := strconv.Atoi(p.get("timeout")); err == nil && seconds < 3 || e.Told.says("told-network") {
		f.add("gateway-network", Finding{
			What:    "APISIX gives up on Okta too early, can't reach it, or does not trust its certificate.",
			Seen:    fmt.Sprintf("ssl_verify %s, timeout %s s", cmp.Or(p.get("ssl_verify"), "default (true since 3.16.0)"), cmp.Or(p.get("timeout"), "3")),
			Setting: "apisix.ssl.ssl_trusted_certificate in config.yaml: the authority; timeout: 10; apisix.dns_resolver; proxy_opts for a proxy",
		})
	}
}

// apisixCallback: the answer of a sign-in must come back to a path that the plug-in handles, on the host that has the cookie.
func (e *Evidence) apisixCallback(f *findings, p *Part) {
	uri := p.get("redirect_uri")
	path := pathOf(uri)
	why := ""
	routes := []string{}
	for i := range e.Gateway.Parts {
		routes = append(routes, e.Gateway.Parts[i].Options["route"]...)
	}
	switch {
	case slices.Contains(p.Options["route"], path):
		why = "redirect_uri is the path of a page itself, " + path
	case len(p.Options["route"]) > 0 && !slices.ContainsFunc(routes, func(r string) bool { return covers(r, path) }):
		why = fmt.Sprintf("redirect_uri has the path %s, which no route with the plug-in covers (%s)", path, clip(strings.Join(routes, ", ")))
	case e.Config != nil && e.Config.Server.PublicURL != "" && strings.Contains(uri, "://") && hostOf(uri) != hostOf(e.Config.Server.PublicURL):
		why = fmt.Sprintf("redirect_uri is on %s, people use %s: the cookie of one is not sent to the other", hostOf(uri), e.Config.Server.PublicURL)
	}
	switch {
	case why != "":
	case strings.EqualFold(p.get("session.cookie_same_site"), "strict"):
		why = "session.cookie_same_site is Strict: the cookie is not sent on the way back from Okta; Lax is"
	case p.on("session.cookie_secure") && strings.HasPrefix(uri, "http://"):
		why = "session.cookie_secure is on and redirect_uri is http: the cookie is not sent there"
	}
	if why != "" {
		f.add("session-lost", Finding{
			What: "APISIX will not know the answer of its own sign-in: \"there's no session state found\".", Seen: p.Where + ": " + why,
			Setting: "redirect_uri: on the host and scheme that people use, a sub-path of a route with the plug-in and not a page, e.g. /.apisix/redirect",
		})
	}
}

// covers tells whether a route's pattern has the path: exact, or everything below with a star at its end.
func covers(pattern, path string) bool {
	prefix, open := strings.CutSuffix(pattern, "*")
	return pattern == path || open && strings.HasPrefix(path, prefix)
}

const shortSecret = 16 // characters: fewer are refused

// apisixSecret: without a fixed secret every worker makes its own, and none can read what another wrote.
func (e *Evidence) apisixSecret(f *findings, p *Part) {
	secret, why := p.get("session.secret"), ""
	first := e.Gateway.Parts[0].get("session.secret")
	switch {
	case secret == "":
		why = "there is no session.secret, so one is made up at each start"
	case len(secret) < shortSecret && !placeholder(secret):
		why = fmt.Sprintf("session.secret has %d characters, at least %d are due", len(secret), shortSecret)
	case secret != first && first != "":
		why = "session.secret is another than in " + e.Gateway.Parts[0].Where
	}
	if why != "" {
		f.add("session-lost", Finding{
			What: "APISIX will not know the answer of its own sign-in where another replica or route takes it.", Seen: p.Where + ": " + why,
			Setting: "session.secret: one fixed value of 16 characters or more, the same everywhere",
		})
	}
}

// checkOAuth2Proxy reads the options as their documentation describes them.
func checkOAuth2Proxy(e *Evidence, f *findings) {
	if e.Gateway == nil || e.Gateway.Kind != oauth2Proxy {
		return
	}
	p := &e.Gateway.Parts[0]
	if !p.on("pass_access_token") {
		finding := Finding{
			What: "OAuth2-Proxy does not pass the access token on.", Seen: "pass_access_token is not true",
			Setting: "--pass-access-token=true (header X-Forwarded-Access-Token)",
		}
		if p.on("pass_authorization_header") || p.on("set_authorization_header") {
			finding.Near = "pass_authorization_header sends the ID token: the two kinds are swapped."
		}
		f.add("token-not-passed", finding)
	}
	e.proxyGroups(f, p)
	e.proxyBearer(f, p)
	// Portico's sign-out leads to /oauth2/sign_out, and from there to Okta's host, if that is let.
	led := slices.ContainsFunc(p.Options["whitelist_domain"], func(d string) bool { return strings.Contains(hostOf(e.Client.Issuer), strings.TrimLeft(d, ".*")) })
	stuck := e.mode() == config.ModeOAuth2Proxy && p.Where == proxyOptions && !led
	if stuck || e.Told.says("told-logout") {
		f.add("logout", Finding{
			What:    "/oauth2/sign_out ends OAuth2-Proxy's own session only.",
			Seen:    "whitelist_domain " + cmp.Or(p.get("whitelist_domain"), "unset") + ", so it may not lead to Okta's host",
			Setting: "Sign out by /oauth2/sign_out?rd=<end_session_endpoint with id_token_hint={id_token} and post_logout_redirect_uri>, with Okta's host in --whitelist-domain. A backend_logout_url would not do: Okta's session ends by the browser only.",
		})
	}
}

// proxyGroups: allowed groups are compared with the ID token's claim of that name.
func (e *Evidence) proxyGroups(f *findings, p *Part) {
	if !p.has("allowed_group") {
		return
	}
	name := cmp.Or(p.get("oidc_groups_claim"), "groups")
	path, _ := e.rolePath()
	seen := ""
	switch {
	case e.Org != nil && e.Org.Server != nil && len(e.Org.Server.Claims) > 0:
		seen = "the server has no such claim for ID tokens"
		for _, c := range e.Org.Server.Claims {
			if c.Name == name && c.Type == "IDENTITY" && c.Active() {
				if seen = ""; !c.Always {
					seen = "the claim is not Always in ID tokens, so it is left out where an access token comes along"
				}
			}
		}
	case e.Config != nil && name != path.String():
		seen = "the roles are in " + path.String()
	}
	if id := e.Token.idToken(); id != nil {
		if _, has := id.Claims[name]; !has {
			seen = "the ID token has no such claim"
		}
	}
	if seen != "" {
		f.add("groups-header", Finding{
			What: "OAuth2-Proxy finds no groups, so allowed_group lets nobody in.", Seen: fmt.Sprintf("oidc_groups_claim is %s; %s", name, seen), Console: atClaims,
			Setting: "--oidc-groups-claim=" + path.String() + ", and a claim of that name, Include in token type: ID Token, Always",
			Call:    "POST " + e.serverPath() + "/claims with {\"name\":\"" + path.String() + "\",\"claimType\":\"IDENTITY\",\"alwaysIncludeInToken\":true,\"valueType\":\"GROUPS\",…}",
		})
	}
}

// proxyBearer: bearer tokens are verified against the client id, which access tokens are not for.
func (e *Evidence) proxyBearer(f *findings, p *Part) {
	audience := ""
	switch {
	case e.Org != nil && e.Org.Server != nil && len(e.Org.Server.Audiences) > 0:
		audience = e.Org.Server.Audiences[0]
	case e.Config != nil:
		audience = e.Config.STS.IAM.TokenValidation.Aud
	}
	if !p.on("skip_jwt_bearer_tokens") || audience == "" {
		return
	}
	known := slices.Contains(p.words("oidc_extra_audience"), audience) || slices.ContainsFunc(p.words("extra_jwt_issuers"), func(pair string) bool {
		issuer, aud, _ := strings.Cut(pair, "=")
		return aud == audience && strings.TrimSuffix(issuer, "/") == strings.TrimSuffix(e.Client.Issuer, "/") // a slash is another finding
	})
	if known {
		return
	}
	f.add("bearer-audience", Finding{
		What:    "OAuth2-Proxy will refuse bearer access tokens: it compares their audience with its client id.",
		Seen:    "skip_jwt_bearer_tokens is on; neither oidc_extra_audience nor extra_jwt_issuers has " + audience,
		Setting: "--oidc-extra-audience=" + audience + ", or --extra-jwt-issuers=" + e.Client.Issuer + "=" + audience,
	})
}
