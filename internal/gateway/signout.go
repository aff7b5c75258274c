package gateway

import (
	"net/url"
	"strings"
)

// OAuth2ProxySignOut is the address that ends OAuth2-Proxy's session and then leads the browser to end Okta's, which
// comes back to postLogout (OpenID Connect RP-Initiated Logout 1.0 section 2). OAuth2-Proxy puts the ID token in the
// place of {id_token} as it redirects, so that no page and no log of ours sees it. Without an end-session endpoint the
// browser comes back at once.
func OAuth2ProxySignOut(endSession, postLogout string) string {
	target := postLogout
	if endSession != "" {
		separator := "?"
		if strings.Contains(endSession, "?") {
			separator = "&" // an endpoint may have a query of its own
		}
		// Not by url.Values, which would encode the braces.
		target = endSession + separator + "id_token_hint={id_token}&post_logout_redirect_uri=" + url.QueryEscape(postLogout)
	}
	return "/oauth2/sign_out?rd=" + url.QueryEscape(target)
}
