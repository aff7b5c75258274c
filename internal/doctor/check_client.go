package doctor

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/okta"
)

const appsPath = "/api/v1/apps"

// appPath is where the application is, as far as that is known.
func (e *Evidence) appPath() string {
	if e.Org != nil && e.Org.App != nil {
		return appsPath + "/" + e.Org.App.ID
	}
	return appsPath + "/{id}"
}

// newApplication is what okta apply does where there is none.
var newApplication = []step{
	{part: "application", action: okta.Create},
	{part: "secret"},
	{part: "assignment of "},
	{part: "policy"},
	{part: "rule"},
}

// checkApplication: is there one with this client id, and is it active?
func checkApplication(e *Evidence, f *findings) {
	key, p := e.Client.key("id"), e.Probes
	if e.read(appsPath) {
		switch app := e.Org.App; {
		case app == nil && e.Client.ID != "":
			finding := Finding{
				What: "Okta has no application with this client id.", Seen: fmt.Sprintf("%s is %s", key, clip(e.Client.ID)), Console: atApps,
				Setting: key + ": the Client ID that the console shows at the application", Call: "GET " + appsPath + "?filter=name eq \"oidc_client\"",
			}
			if e.planIsOurs() { // else a new one would have an id that nobody knows
				finding.Setting += "; a new application, if it was deleted"
				finding.steps = append([]step{{part: ourConfig, field: "iam.clientId"}}, newApplication...)
			}
			f.add("client-unknown", finding)
			return
		case app == nil && e.Setup != nil:
			f.add("app-missing", Finding{
				What: fmt.Sprintf("There is no application %q yet.", e.Setup.Application.Label), Seen: "a search of applications by label",
				Setting: "Make it, as the guide's step 1 says.", Call: "portico okta apply",
			})
			return
		case e.Org.ByLabel:
			finding := Finding{
				What: "The client id is not the one of the application.", Seen: fmt.Sprintf("%s is %q, the application %q has %s", key, clip(e.Client.ID), app.Label, app.ClientID),
				Near: nearMiss(e.Client.ID, app.ClientID), Setting: key + ": " + app.ClientID,
				settings: e.ours(config.Setting{Key: "iam.clientId", Value: app.ClientID}),
			}
			f.add("client-unknown", finding)
			return
		case app.Status == "INACTIVE":
			f.add("app-inactive", Finding{
				What: "The application is inactive, so nobody can sign in.", Seen: fmt.Sprintf("the status of %q is INACTIVE", app.Label), Setting: "Activate the application, by the menu below its name.",
				Call: "POST " + e.appPath() + "/lifecycle/activate",
			})
			return
		}
	}
	if p != nil && (p.Authorize.says("told-client-id") || p.Code.says("told-client-id") || p.ByClient.Status == http.StatusBadRequest && p.ByClient.Code == "invalid_client") {
		f.add("client-unknown", Finding{
			What: "Okta does not know the client id at this issuer: it is mistyped, of another organisation, or its application is inactive.",
			Seen: fmt.Sprintf("%s is %q; Okta says: %s", key, clip(e.Client.ID), cmp.Or(p.Authorize.text(), p.Code.text(), "invalid_client")),
			Near: blanksAround(e.Client.ID), Setting: key + ": the Client ID of the application", Call: "GET " + appsPath + "?filter=name eq \"oidc_client\"",
		})
	}
}

func blanksAround(value string) string {
	if value != strings.TrimSpace(value) {
		return "There are blanks around it."
	}
	return ""
}

func (r *Reaction) text() string {
	if r == nil {
		return ""
	}
	return r.quote()
}

// checkCredentials: is the secret right, and is it sent as the application wants it?
func checkCredentials(e *Evidence, f *findings) {
	p, c := e.Probes, e.Client
	auth := cmp.Or(c.Auth, config.ClientSecretBasic)
	if e.Org != nil && e.Org.App != nil {
		app := e.Org.App
		if app.DPoP {
			f.add("dpop", Finding{
				What: "The application requires DPoP, which a sign-in in the browser does not do.", Seen: fmt.Sprintf("dpop_bound_access_tokens is true of %q", app.Label),
				Setting: "Require Demonstrating Proof of Possession (DPoP): off", Call: "PUT " + e.appPath() + " with settings.oauthClient.dpop_bound_access_tokens: false",
			})
		}
		known := c.Auth != "" || c.From == "the configuration" && c.Secret != ""
		taken := p != nil && p.Code != nil && !p.Code.says("told-client") // what was tried and works is not wrong
		if known && !taken && app.AuthMethod != "" && app.AuthMethod != auth {
			f.add("auth-method", e.otherMethod(app.AuthMethod, fmt.Sprintf("the application has %s, %s sends %s", app.AuthMethod, c.From, auth)))
			return
		}
	}
	if p == nil {
		return
	}
	if p.Code.says("told-dpop") {
		f.add("dpop", Finding{
			What: "The application requires DPoP, which a sign-in in the browser does not do.", Seen: p.Code.quote(),
			Setting: "Require Demonstrating Proof of Possession (DPoP): off", Call: "PUT " + e.appPath() + " with settings.oauthClient.dpop_bound_access_tokens: false",
		})
	}
	if !p.Code.says("told-client") || e.secretUnread() {
		return
	}
	if p.OtherAuth != nil && p.OtherAuth.Error != "" && !p.OtherAuth.says("told-client") && !p.OtherAuth.says("told-client-id") {
		other := map[string]string{config.ClientSecretBasic: config.ClientSecretPost, config.ClientSecretPost: config.ClientSecretBasic}[auth]
		f.add("auth-method", e.otherMethod(other, fmt.Sprintf("by %s: %s; by %s it is taken", auth, p.Code.quote(), other)))
		return
	}
	finding := Finding{
		What: "The client secret is wrong.", Seen: "the token endpoint, tried with a made-up code, says: " + p.Code.quote(),
		Setting: c.key("secret") + ": the Client secret that the console shows at the application, copied again", Call: "POST " + e.appPath() + "/credentials/secrets makes a second one, where the first can't be seen any more",
	}
	if p.TrimmedOK {
		finding.Near = "Without the blanks at its ends it is right."
	}
	f.add("secret", finding)
}

func (e *Evidence) otherMethod(method, seen string) Finding {
	finding := Finding{
		What: "The client authenticates by another method than the application expects.", Seen: seen,
		Setting: "Client authentication: Client secret (client_secret_basic)",
		Call:    "PUT " + e.appPath() + " with credentials.oauthClient.token_endpoint_auth_method: client_secret_basic",
	}
	if method == config.ClientSecretBasic || method == config.ClientSecretPost {
		finding.Setting, finding.Call = e.Client.key("auth")+": "+method, "or "+finding.Call
		finding.settings = e.ours(config.Setting{Key: "iam.clientAuth", Value: method})
	}
	return finding
}

// checkGrants: may the application do the code flow, and refresh where that is asked for?
func checkGrants(e *Evidence, f *findings) {
	p := e.Probes
	seen, refresh := "", ""
	if p != nil {
		for _, r := range []*Reaction{p.Code, p.Authorize} {
			if r.says("told-grant") {
				seen = r.quote()
			}
		}
		if p.Refresh.says("told-grant") {
			refresh = p.Refresh.quote()
		}
	}
	if e.Org != nil && e.Org.App != nil {
		grants := strings.Join(e.Org.App.GrantTypes, ", ")
		if !slices.Contains(e.Org.App.GrantTypes, "authorization_code") || !slices.Contains(e.Org.App.ResponseTypes, "code") {
			seen = "grant_types " + grants + "; response_types " + strings.Join(e.Org.App.ResponseTypes, ", ")
		}
		if slices.Contains(e.Client.Scopes, "offline_access") && !slices.Contains(e.Org.App.GrantTypes, "refresh_token") {
			refresh = "grant_types " + grants + ", while " + e.Client.key("scopes") + " has offline_access"
		}
	}
	if seen != "" {
		f.add("grant-missing", Finding{
			What: "The application may not sign people in: its grant type Authorization Code is off.", Seen: seen, Setting: "Grant type: tick Authorization Code, and Refresh Token",
			Call: "PUT " + e.appPath() + " with settings.oauthClient.grant_types [\"authorization_code\",\"refresh_token\"] and response_types [\"code\"]",
		})
	}
	if refresh != "" {
		f.add("refresh-grant", Finding{
			What: "The application gives no refresh tokens: people are thrown out when the access token ends.", Seen: refresh, Setting: "Grant type: tick Refresh Token",
			Call: "PUT " + e.appPath() + " with settings.oauthClient.grant_types [\"authorization_code\",\"refresh_token\"]",
		})
	}
}

// pkceLines are the products' own ways to switch it on.
var pkceLines = map[string]string{
	apisix: "use_pkce: true", oauth2Proxy: "code_challenge_method = \"S256\"", apache: "OIDCPKCEMethod S256", grafana: "use_pkce = true", argoCD: "enablePKCEAuthentication: true",
}

func checkPKCE(e *Evidence, f *findings) {
	if e.Client.PKCE || e.Gateway == nil {
		return
	}
	seen := ""
	if e.Probes != nil && e.Probes.Authorize.says("told-pkce") {
		seen = e.Probes.Authorize.quote()
	}
	if e.Org != nil && e.Org.App != nil && e.Org.App.PKCE {
		seen = fmt.Sprintf("pkce_required is true of %q", e.Org.App.Label)
	}
	if e.Told.says("told-pkce") {
		seen = cmp.Or(seen, "the error text")
	}
	if seen != "" {
		f.add("pkce", Finding{
			What: "The application requires PKCE and " + e.Gateway.Kind + " does not do it.", Seen: seen + "; " + e.Client.From + " has no " + pkceLines[e.Gateway.Kind],
			Setting: pkceLines[e.Gateway.Kind], Call: "or PUT " + e.appPath() + " with credentials.oauthClient.pkce_required: false",
		})
	}
}
