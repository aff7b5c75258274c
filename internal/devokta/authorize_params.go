package devokta

import (
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/devokta/world"
)

const (
	modeQuery    = "query"
	modeFragment = "fragment"
	modeFormPost = "form_post"

	// challengeLength is the length of every S256 challenge (RFC 7636, section 4.2).
	challengeLength = 43
)

// authorizeRequest is a request that has passed every check that needs no user.
type authorizeRequest struct {
	Server                string // the authorization server's id
	ClientID, RedirectURI string
	Mode, State, Nonce    string
	Challenge             string
	Scopes                []string
	Silent, Fresh         bool   // prompt=none, prompt=login
	MaxAge                int64  // seconds; -1 = not asked
	Class                 string // the acr asked for; "" = none
	LoginHint             string
	SessionToken          string // of serveAuthn
}

// tooOld tells whether a sign-in at that time is older than the client accepts.
func (req *authorizeRequest) tooOld(signedIn, now time.Time) bool {
	return req.MaxAge >= 0 && now.Sub(signedIn) > time.Duration(req.MaxAge)*time.Second
}

// trustedTarget finds the client and the redirect URI. What it refuses is shown as a page: redirecting would
// send the browser wherever the request says.
func trustedTarget(o *world.World, p params) (*world.App, string, *refusal) {
	if p.duplicates["client_id"] || p.duplicates["redirect_uri"] {
		return nil, "", refuse(errDuplicate)
	}
	app := o.Client(p.get("client_id"))
	if app == nil {
		return nil, "", refuse(errClientID)
	}
	if app.Type() == world.AppService {
		return nil, "", refuse(errServiceClient, "authorize")
	}
	target := p.get("redirect_uri")
	if target == "" {
		return nil, "", refuse(errMissingRedirect)
	}
	if !redirectsTo(app, target) {
		return nil, "", refuse(errIllegalRedirect)
	}
	return app, target, nil
}

// redirectsTo compares exactly, but for the port of a native application's loopback URI (RFC 8252, 7.3).
func redirectsTo(a *world.App, target string) bool {
	if slices.Contains(a.OAuth().RedirectURIs, target) {
		return true
	}
	if a.Type() != world.AppNative {
		return false
	}
	return slices.ContainsFunc(a.OAuth().RedirectURIs, func(registered string) bool { return sameButPort(registered, target) })
}

// sameButPort rebuilds the target from the registered URI and its port alone, so nothing else can differ.
func sameButPort(registered, target string) bool {
	want, err := url.Parse(registered)
	if err != nil || want.Scheme != "http" || !isLoopback(want.Hostname()) {
		return false
	}
	got, err := url.Parse(target)
	if err != nil {
		return false
	}
	port, err := strconv.ParseUint(got.Port(), 10, 16)
	if err != nil || port == 0 || strconv.FormatUint(port, 10) != got.Port() {
		return false
	}
	want.Host = net.JoinHostPort(want.Hostname(), got.Port())
	return want.String() == target
}

// parseAuthorize checks the rest, cheap things first. What it refuses goes back to the redirect URI, which is
// why it always returns a request that says how to get there.
func parseAuthorize(as *world.Server, p params, app *world.App, target string) (*authorizeRequest, *refusal) {
	req := &authorizeRequest{
		Server: as.ID, ClientID: app.ClientID(), RedirectURI: target, Mode: modeQuery, MaxAge: -1,
		Nonce: p.get("nonce"), LoginHint: p.get("login_hint"), SessionToken: p.get("sessionToken"),
	}
	if !p.duplicates["state"] {
		req.State = p.get("state")
	}
	for _, check := range []func(params, *world.App, *authorizeRequest) *refusal{
		checkMode, checkDuplicates, checkState, checkFeatures, checkResponseType, checkPKCE, checkPrompt, checkMaxAge, checkClass, scopesOf(as),
	} {
		if why := check(p, app, req); why != nil {
			return req, why
		}
	}
	return req, nil
}

func checkMode(p params, _ *world.App, req *authorizeRequest) *refusal {
	mode := p.get("response_mode")
	if p.duplicates["response_mode"] || mode == "" {
		return nil
	}
	if !slices.Contains([]string{modeQuery, modeFragment, modeFormPost}, mode) {
		return refuse(errResponseMode)
	}
	req.Mode = mode
	return nil
}

func checkDuplicates(p params, _ *world.App, _ *authorizeRequest) *refusal {
	if p.duplicated() {
		return refuse(errDuplicate)
	}
	return nil
}

// checkState: Okta makes state mandatory. Its documents allow only some characters, but gateways that send
// others are known to work with it, so only the presence is checked.
func checkState(_ params, _ *world.App, req *authorizeRequest) *refusal {
	if req.State == "" {
		return refuse(errState)
	}
	return nil
}

// checkFeatures refuses what would change the meaning of the request if it were ignored.
func checkFeatures(p params, _ *world.App, _ *authorizeRequest) *refusal {
	for _, name := range []string{"request", "request_uri", "interclient_token", "enroll_amr_values"} {
		if p.get(name) != "" {
			return refuse(errFeatureDisabled)
		}
	}
	return nil
}

func checkResponseType(p params, app *world.App, _ *authorizeRequest) *refusal {
	if !slices.Contains(app.OAuth().ResponseTypes, p.get("response_type")) {
		return refuse(errResponseType, join(app.OAuth().ResponseTypes))
	}
	return nil
}

// checkPKCE: S256 or nothing, and nothing only where the application does not require it (NT24). A challenge
// without a method would be "plain" by RFC 7636.
func checkPKCE(p params, app *world.App, req *authorizeRequest) *refusal {
	challenge, method := p.get("code_challenge"), p.get("code_challenge_method")
	if challenge == "" && method == "" {
		if app.PKCERequired() {
			return refuse(errNoChallenge)
		}
		return nil
	}
	if method != "S256" {
		return refuse(errChallengeMethod)
	}
	if challenge == "" {
		return refuse(errNoChallenge)
	}
	if len(challenge) != challengeLength || !isBase64URL(challenge) {
		return refuse(errBadChallenge)
	}
	req.Challenge = challenge
	return nil
}

func isBase64URL(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}

func checkPrompt(p params, _ *world.App, req *authorizeRequest) *refusal {
	prompts := strings.Fields(p.get("prompt"))
	for _, prompt := range prompts {
		switch prompt {
		case "none":
			req.Silent = true
		case "login":
			req.Fresh = true
		case "consent": // every application is trusted, so there is nothing to ask
		default:
			return refuse(errPrompt)
		}
	}
	if req.Silent && len(prompts) > 1 {
		return refuse(errPrompt)
	}
	return nil
}

func checkMaxAge(p params, _ *world.App, req *authorizeRequest) *refusal {
	raw := p.get("max_age")
	if raw == "" {
		return nil
	}
	age, err := strconv.ParseUint(raw, 10, 31)
	if err != nil {
		return refuse(errMaxAge)
	}
	if age == 0 && req.Silent {
		return refuse(errPromptZeroAge)
	}
	req.MaxAge = int64(age)
	return nil
}

// classes are the values of acr_values; true: it takes a second factor.
var classes = map[string]bool{
	"urn:okta:loa:1fa:any": false, "urn:okta:loa:1fa:pwd": false,
	"urn:okta:loa:2fa:any": true, "urn:okta:loa:2fa:any:ifpossible": true, "phr": true, "phrh": true,
}

// checkClass takes the first class that there is. One that there is not is left out of the tokens: acr_values is a wish (OpenID
// Connect Core 1.0, section 3.1.2.1), and whether it was met is for the client to check.
func checkClass(p params, _ *world.App, req *authorizeRequest) *refusal {
	for _, class := range strings.Fields(p.get("acr_values")) {
		if _, known := classes[class]; known {
			req.Class = class
			break
		}
	}
	return nil
}

// strong tells whether the request takes a second factor.
func (req *authorizeRequest) strong() bool { return classes[req.Class] }

func scopesOf(as *world.Server) func(params, *world.App, *authorizeRequest) *refusal {
	return func(p params, _ *world.App, req *authorizeRequest) *refusal {
		scopes, why := as.RequestedScopes(p.get("scope"))
		if why != nil {
			return why
		}
		req.Scopes = scopes
		if needsOpenID(scopes) && !slices.Contains(scopes, world.ScopeOpenID) {
			return refuse(errOpenIDRequired)
		}
		return nil
	}
}
