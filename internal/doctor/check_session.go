package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/portico-iam/portico/internal/config"
)

// mode is the gateway that Portico's configuration expects.
func (e *Evidence) mode() string {
	if e.Config == nil {
		return ""
	}
	return e.Config.Gateway.Mode
}

// checkRefresh: do people stay signed in for longer than one token?
func checkRefresh(e *Evidence, f *findings) {
	if e.mode() == config.ModeBuiltin && e.Gateway == nil && !slices.Contains(e.Config.IAM.Scopes, "offline_access") {
		f.add("no-refresh", Finding{
			What: "The sign-in asks for no refresh token: people are thrown out when the access token ends.", Seen: "iam.scopes is " + strings.Join(e.Config.IAM.Scopes, " "),
			Setting:  "iam.scopes: with offline_access; the application: grant Refresh Token; the rule: the scope",
			settings: []config.Setting{{Key: "iam.scopes", Value: append(slices.Clone(e.Config.IAM.Scopes), "offline_access")}},
		})
	}
	if e.Org == nil || e.Org.App == nil {
		return
	}
	if e.Org.App.Rotation == "ROTATE" && e.Org.App.NoLeeway {
		f.add("refresh-reuse", Finding{
			What: "Refresh tokens rotate without any grace: a lost answer, or a second replica, and Okta revokes the whole sign-in.",
			Seen: "rotation_type ROTATE, leeway 0", Setting: "Refresh token behavior: a grace period of 30 to 60 s",
			Call: "PUT " + e.appPath() + " with settings.oauthClient.refresh_token {\"rotation_type\":\"ROTATE\",\"leeway\":60}",
		})
		return
	}
	for _, event := range e.Org.Events {
		ours := event.Client == e.Org.App.ClientID || event.Client == "" || strings.HasPrefix(event.Client, "00u")
		if event.Type == "app.oauth2.as.token.detect_reuse" && ours {
			f.add("refresh-reuse", Finding{
				What:    "Refresh tokens were used twice, whereupon Okta revoked them: several replicas refresh at once.",
				Seen:    fmt.Sprintf("app.oauth2.as.token.detect_reuse in the System Log; rotation %s, leeway %.0f s", e.Org.App.Rotation, e.Org.App.Leeway),
				Setting: "Refresh token behavior: a grace period of up to 60 s, or a persistent token; one refresh at a time in the gateway",
				Call:    "PUT " + e.appPath() + " with settings.oauthClient.refresh_token {\"rotation_type\":\"ROTATE\",\"leeway\":60}",
			})
			return
		}
	}
}

// checkNames: what a token has of names and e-mail, where the gateway passes only a token on.
func checkNames(e *Evidence, f *findings) {
	t := e.Token
	if t == nil {
		return
	}
	if t.Kind == AccessToken && e.Config != nil && e.mode() != config.ModeBuiltin && !t.ofMachine() && t.text("given_name") == "" && t.text("family_name") == "" {
		f.add("names", Finding{
			What:    "The access token has no names, so the Desk shows logins only.",
			Seen:    "neither given_name nor family_name; in the mode " + e.mode() + " only the access token arrives",
			Setting: "Claims given_name = user.firstName and family_name = user.lastName, Include in token type: Access Token",
			Call:    "POST " + e.serverPath() + "/claims with {\"name\":\"given_name\",\"claimType\":\"RESOURCE\",\"valueType\":\"EXPRESSION\",\"value\":\"user.firstName\"}",
		})
	}
	id := t.idToken()
	if id == nil || !e.is(oauth2Proxy, config.ModeOAuth2Proxy) || e.Gateway != nil && e.Gateway.Parts[0].on("insecure_oidc_allow_unverified_email") {
		return
	}
	if verified, has := id.Claims["email_verified"]; has && verified == false {
		f.add("email-unverified", Finding{
			What: "OAuth2-Proxy refuses an ID token whose e-mail address is not verified.", Seen: "email_verified is false",
			Setting: "--insecure-oidc-allow-unverified-email=true, or --oidc-email-claim=sub",
		})
	}
}

// is tells whether a product is in front: by its file, or by our mode.
func (e *Evidence) is(kind, mode string) bool {
	if e.Gateway != nil {
		return e.Gateway.Kind == kind
	}
	return e.mode() == mode
}

// headerRoom is what proxies take in one header by default (nginx large_client_header_buffers 4 8k).
const headerRoom = 8000

// cookieRoom is what a browser takes in one cookie (RFC 6265 section 6.1).
const cookieRoom = 4096

// checkSize: tokens in cookies have to fit.
func checkSize(e *Evidence, f *findings) {
	t := e.Token
	if t == nil {
		return
	}
	finding := Finding{
		What:    "The token is larger than most proxies take in a header.",
		Setting: "A narrower claim. Sessions on the server: APISIX session.storage: redis; OAuth2-Proxy --session-store-type=redis; Apache OIDCSessionType server-cache. nginx proxy_buffer_size 16k, large_client_header_buffers 4 16k",
	}
	size := t.Size
	if t.ID != nil {
		size += t.ID.Size
	}
	switch {
	case size > cookieRoom && e.inCookies():
		finding.What = "The tokens are larger than a cookie: gateways that keep them there split it or fail, and proxies refuse such headers."
		finding.Seen = fmt.Sprintf("%d bytes, a cookie takes %d", size, cookieRoom)
	case t.Size > headerRoom:
		finding.Seen = fmt.Sprintf("%d bytes, nginx takes 8 KB by default", t.Size)
	default:
		return
	}
	f.add("large", finding)
}

// inCookies tells whether the gateway in front keeps tokens in cookies, as all do unless told otherwise. The built-in one
// does not.
func (e *Evidence) inCookies() bool {
	if e.Gateway == nil {
		return e.mode() == config.ModeAPISIX || e.mode() == config.ModeOAuth2Proxy
	}
	return !slices.ContainsFunc(e.Gateway.Parts, func(p Part) bool {
		return p.get("session.storage") == "redis" || p.get("session_store_type") == "redis" || e.Gateway.Kind == apache && !strings.HasPrefix(p.get("OIDCSessionType"), "client-cookie") ||
			e.Gateway.Kind == grafana || e.Gateway.Kind == argoCD
	})
}
