package config

import (
	"regexp"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/httpx"
)

func (g *Gateway) validate(v *validator) {
	v.oneOf("gateway.mode", g.Mode, ModeBuiltin, ModeAPISIX, ModeOAuth2Proxy, ModeBearer)
	v.path("gateway.callbackPath", g.CallbackPath)
	if g.CallbackPath == "/" {
		v.fail("gateway.callbackPath", "/ is taken; expected a path of its own, e.g. /.apisix/redirect")
	}
	for _, taken := range []string{
		"/login/", "/logout/", "/api/", "/ssi/", "/scim/", "/.well-known/", "/assets/",
		"/api-docs/", "/access/", "/roles/", "/organisations/", "/history/", "/integration/", "/keys/", "/session/",
	} {
		if strings.HasPrefix(g.CallbackPath+"/", taken) {
			v.fail("gateway.callbackPath", "expected a path outside %s, got %s", taken, g.CallbackPath)
		}
	}
	v.path("gateway.postLogoutPath", g.PostLogoutPath)
	g.validateOther(v)
	v.between("gateway.session.idle", g.Session.Idle, time.Minute, 24*time.Hour)
	v.between("gateway.session.absolute", g.Session.Absolute, time.Minute, 7*24*time.Hour)
	if g.Session.Idle > g.Session.Absolute {
		v.fail("gateway.session.idle", "expected at most gateway.session.absolute (%s), got %s", g.Session.Absolute, g.Session.Idle)
	}
}

// sharedSecret is a token68 (RFC 9110 section 11.2) beyond guessing: no gateway takes any of it for a variable of its own.
var sharedSecret = regexp.MustCompile(`^[A-Za-z0-9._~+/-]{32,}=*$`)

// validateOther checks what is said of another gateway in front.
func (g *Gateway) validateOther(v *validator) {
	if g.LogoutPath != "" {
		v.otherOnly("gateway.logoutPath", g.Mode)
		if httpx.LocalPath(g.LogoutPath) != g.LogoutPath || isOurLogout(g.LogoutPath) || g.LogoutPath == "/" {
			v.fail("gateway.logoutPath", "expected the gateway's own address, with or without a query, e.g. /oauth2/sign_out; not /logout, which leads there; got %q", g.LogoutPath)
		}
	}
	if g.SharedSecret == "" {
		return
	}
	v.otherOnly("gateway.sharedSecret", g.Mode)
	if !sharedSecret.MatchString(g.SharedSecret.Reveal()) { // not quoted
		v.fail("gateway.sharedSecret", "expected at least 32 letters, digits and characters of -._~+/=, e.g. from: openssl rand -hex 32")
	}
}

func isOurLogout(address string) bool {
	path, _, _ := strings.Cut(address, "?")
	return strings.HasPrefix(path+"/", "/logout/")
}

// otherOnly refuses what has no meaning without another gateway: who sets it believes in a protection that is not there.
func (v *validator) otherOnly(key, mode string) {
	if mode == ModeBuiltin {
		v.fail(key, "only used behind another gateway: set gateway.mode to that one, or leave it out")
	}
}
