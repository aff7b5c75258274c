package world

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

const (
	rotate        = "ROTATE"
	static        = "STATIC"
	defaultLeeway = 30

	maxURIs  = 100
	maxLabel = 100
)

var (
	applicationTypes = []string{AppWeb, AppNative, AppBrowser, AppService}
	authMethods      = []string{AuthNone, AuthBasic, AuthPost, AuthJWT, AuthKey}
	issuerModes      = []string{IssuerOrg, IssuerCustom, IssuerDynamic}
	responseTypes    = []string{"code", "token", "id_token"}
	clientGrants     = []string{GrantCode, GrantImplicit, GrantRefresh, GrantPassword, GrantClient, GrantDevice, GrantExchange}
)

// checkApp fills what was left out and checks the whole. old is nil for a new application.
func (w *World) checkApp(a *AppObject, old *App) error {
	if a.Settings.OAuthClient == nil {
		return Invalid("settings", "settings: "+blank)
	}
	w.appDefaults(a)
	o, creds := a.Settings.OAuthClient, &a.Credentials.OAuthClient
	var c checks
	c.that(strings.TrimSpace(a.Label) != "", "label", blank)
	c.atMost(maxLabel, "label", a.Label)
	c.that(a.Name == "oidc_client", "name", "this development Okta has applications of the kind 'oidc_client' only")
	c.that(a.SignOnMode == "OPENID_CONNECT", "signOnMode", "'oidc_client' applications have the sign-on mode OPENID_CONNECT")
	c.that(old != nil || len(w.Apps) < maxApps, "label", "this development Okta has no room for another application")
	c.that(slices.Contains(applicationTypes, o.ApplicationType), "application_type", "must be one of "+strings.Join(applicationTypes, ", "))
	c.that(len(o.GrantTypes) > 0, "grant_types", blank)
	c.that(subset(o.GrantTypes, clientGrants), "grant_types", "a grant type is not supported")
	c.that(subset(o.ResponseTypes, responseTypes), "response_types", "a response type is not supported")
	c.that(slices.Contains(authMethods, creds.AuthMethod), "token_endpoint_auth_method", "must be one of "+strings.Join(authMethods, ", "))
	c.that(o.ConsentMethod == "TRUSTED" || o.ConsentMethod == "REQUIRED", "consent_method", "must be TRUSTED or REQUIRED")
	w.checkMode(&c, "issuer_mode", o.IssuerMode)
	w.checkClientID(&c, creds.ClientID, old)
	checkByType(&c, o, creds)
	checkRefresh(&c, o.RefreshToken)
	checkKeys(&c, o, creds)
	if err := c.err(); err != nil {
		return err
	}
	creds.ClientSecret = ""
	return checkURIs(o)
}

// checkMode: CUSTOM_URL means nothing without a custom domain.
func (w *World) checkMode(c *checks, field, mode string) {
	c.that(slices.Contains(issuerModes, mode), field, "must be ORG_URL, CUSTOM_URL or DYNAMIC")
	c.that(mode != IssuerCustom || w.CustomDomain(), field, "CUSTOM_URL requires a custom domain")
}

func (w *World) checkClientID(c *checks, id string, old *App) {
	c.that(id != AllClients, "client_id", "'ALL_CLIENTS' is reserved")
	c.that(len(id) >= 6 && len(id) <= 100 && !strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }), "client_id", "must be 6 to 100 printable characters")
	if old != nil {
		c.that(id == old.ClientID(), "client_id", "The client id can't be changed")
		return
	}
	c.that(w.anyClient(id) == nil, "client_id", duplicate)
}

// checkByType: what an application type needs and may not have.
func checkByType(c *checks, o *OAuthClient, creds *ClientCredentials) {
	if o.ApplicationType == AppService {
		c.that(subset(o.GrantTypes, []string{GrantClient, GrantExchange}), "grant_types", "a service application may have client_credentials and token exchange only")
		c.that(creds.AuthMethod != AuthNone, "token_endpoint_auth_method", "a service application must authenticate")
		return
	}
	c.that(!slices.Contains(o.GrantTypes, GrantClient) || o.ApplicationType == AppWeb, "grant_types", "client_credentials needs a confidential application")
	c.that(creds.AuthMethod != AuthNone || isTrue(creds.PKCERequired), "pkce_required", "an application without client authentication must require PKCE")
	c.that(creds.AuthMethod != AuthNone || o.ApplicationType != AppWeb, "token_endpoint_auth_method", "a web application must authenticate")
	if slices.Contains(o.GrantTypes, GrantCode) || slices.Contains(o.GrantTypes, GrantImplicit) {
		c.that(len(o.RedirectURIs) > 0, "redirect_uris", "'redirect_uris' is required for the grant types authorization_code and implicit")
	}
	c.that(!slices.Contains(o.GrantTypes, GrantCode) || slices.Contains(o.ResponseTypes, "code"), "response_types", "'authorization_code' requires the response type 'code'")
}

func checkRefresh(c *checks, r *RefreshSetting) {
	if r == nil {
		return
	}
	c.that(r.RotationType == rotate || r.RotationType == static, "refresh_token.rotation_type", "must be ROTATE or STATIC")
	c.that(r.Leeway == nil || *r.Leeway >= 0 && *r.Leeway <= 60, "refresh_token.leeway", "must be 0 to 60 seconds")
}

// checkKeys: a client that signs its assertions registers the public keys.
func checkKeys(c *checks, o *OAuthClient, creds *ClientCredentials) {
	if creds.AuthMethod == AuthKey {
		c.that(o.JWKSURI == "", "jwks_uri", "this development Okta fetches no keys: register them under jwks")
	}
	if o.JWKS == nil {
		return
	}
	c.that(len(o.JWKS.Keys) <= 50, "jwks", "At most 50 keys")
	seen := map[string]bool{}
	for _, raw := range o.JWKS.Keys {
		var key jose.JSONWebKey
		ok := json.Unmarshal(raw, &key) == nil && key.Valid() && key.IsPublic()
		c.that(ok, "jwks", "a key is not a public RSA or EC key")
		c.that(len(o.JWKS.Keys) == 1 || key.KeyID != "" && !seen[key.KeyID], "jwks", "each key needs a kid of its own")
		seen[key.KeyID] = true
	}
}

// checkURIs is Okta's own check of settings: another code, another status.
func checkURIs(o *OAuthClient) error {
	if len(o.RedirectURIs) > maxURIs || len(o.LogoutURIs) > maxURIs {
		return BadSettings("redirectURI: too many")
	}
	for _, list := range []struct {
		name string
		uris []string
	}{{"redirectURI", o.RedirectURIs}, {"post_logout_redirect_uris", o.LogoutURIs}} {
		for _, raw := range list.uris {
			u, err := url.Parse(raw)
			if err != nil || !u.IsAbs() || u.Fragment != "" || (u.Scheme == "http" || u.Scheme == "https") && u.Host == "" || len(raw) > 1024 {
				return BadSettings(list.name + ": Does not match required pattern")
			}
		}
	}
	return nil
}

// appDefaults are what Okta puts where the client said nothing.
func (w *World) appDefaults(a *AppObject) {
	raw := func(field *json.RawMessage, value string) {
		if len(*field) == 0 {
			*field = json.RawMessage(value)
		}
	}
	o, creds := a.Settings.OAuthClient, &a.Credentials.OAuthClient
	raw(&a.Accessibility, `{"selfService":false,"errorRedirectUrl":null,"loginRedirectUrl":null}`)
	raw(&a.Visibility, `{"autoLaunch":false,"autoSubmitToolbar":false,"hide":{"iOS":true,"web":true},"appLinks":{"oidc_client_link":true}}`)
	raw(&a.UniversalLogout, `null`)
	raw(&a.Credentials.UserNameTemplate, `{"template":"${source.login}","type":"BUILT_IN"}`)
	raw(&a.Settings.App, `{}`)
	raw(&a.Settings.Notifications, `{"vpn":{"network":{"connection":"DISABLED"},"message":null,"helpUrl":null}}`)
	raw(&a.Settings.Notes, `{"admin":null,"enduser":null}`)
	text := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	text(&a.Settings.EmOptInStatus, "NONE")
	text(&o.ConsentMethod, "TRUSTED")
	text(&o.IssuerMode, IssuerDynamic)
	text(&o.Wildcard, "DISABLED")
	if a.Features == nil {
		a.Features = []string{}
	}
	public := o.ApplicationType == AppNative || o.ApplicationType == AppBrowser
	if creds.AuthMethod == "" {
		creds.AuthMethod = AuthBasic
		if public {
			creds.AuthMethod = AuthNone
		}
	}
	yes, pkce := true, public
	if creds.AutoKeyRotation == nil {
		creds.AutoKeyRotation = &yes
	}
	if creds.PKCERequired == nil {
		creds.PKCERequired = &pkce
	}
	if o.RefreshToken == nil && slices.Contains(o.GrantTypes, GrantRefresh) {
		leeway := defaultLeeway
		if o.ApplicationType == AppBrowser {
			o.RefreshToken = &RefreshSetting{RotationType: rotate, Leeway: &leeway}
		} else {
			o.RefreshToken = &RefreshSetting{RotationType: static}
		}
	}
}

func subset(list, of []string) bool {
	return !slices.ContainsFunc(list, func(s string) bool { return !slices.Contains(of, s) })
}
