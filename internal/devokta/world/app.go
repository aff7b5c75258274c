package world

import (
	"encoding/json"
	"slices"
	"time"
)

// Application types, grants and client authentication as in Okta's settings.oauthClient.
const (
	AppWeb     = "web"
	AppNative  = "native"
	AppBrowser = "browser"
	AppService = "service"

	GrantCode     = "authorization_code"
	GrantRefresh  = "refresh_token"
	GrantClient   = "client_credentials"
	GrantImplicit = "implicit"
	GrantPassword = "password"
	GrantDevice   = "urn:ietf:params:oauth:grant-type:device_code"
	GrantExchange = "urn:ietf:params:oauth:grant-type:token-exchange"

	AuthNone   = "none"
	AuthBasic  = "client_secret_basic"
	AuthPost   = "client_secret_post"
	AuthJWT    = "client_secret_jwt"
	AuthKey    = "private_key_jwt"
	AllClients = "ALL_CLIENTS"

	// Issuer modes of applications and authorization servers.
	IssuerOrg     = "ORG_URL"
	IssuerCustom  = "CUSTOM_URL"
	IssuerDynamic = "DYNAMIC"

	appKind = "AppInstance"
)

// AppObject is an application as the API shows one. What nothing here reads is taken along as it came.
type AppObject struct {
	ID              string          `json:"id"`
	ORN             string          `json:"orn"`
	Name            string          `json:"name"`
	Label           string          `json:"label"`
	Status          Status          `json:"status"`
	LastUpdated     Time            `json:"lastUpdated"`
	Created         Time            `json:"created"`
	Accessibility   json.RawMessage `json:"accessibility"`
	Visibility      json.RawMessage `json:"visibility"`
	Features        []string        `json:"features"`
	SignOnMode      string          `json:"signOnMode"`
	Credentials     AppCredentials  `json:"credentials"`
	UniversalLogout json.RawMessage `json:"universalLogout"`
	Profile         json.RawMessage `json:"profile,omitempty"`
	Settings        AppSettings     `json:"settings"`
}

// AppCredentials are the client's.
type AppCredentials struct {
	UserNameTemplate json.RawMessage   `json:"userNameTemplate"`
	Signing          AppSigning        `json:"signing"`
	OAuthClient      ClientCredentials `json:"oauthClient"`
}

// AppSigning pins the key that signs for the client.
type AppSigning struct {
	KID string `json:"kid,omitempty"`
}

// ClientCredentials have the secret only in the answer to a create or a replace.
type ClientCredentials struct {
	AutoKeyRotation *bool  `json:"autoKeyRotation"`
	ClientID        string `json:"client_id"`
	ClientSecret    string `json:"client_secret,omitempty"`
	AuthMethod      string `json:"token_endpoint_auth_method"`
	PKCERequired    *bool  `json:"pkce_required"`
}

// AppSettings are everything that can be set.
type AppSettings struct {
	App                json.RawMessage `json:"app"`
	Notifications      json.RawMessage `json:"notifications"`
	ManualProvisioning bool            `json:"manualProvisioning"`
	ImplicitAssignment bool            `json:"implicitAssignment"`
	EmOptInStatus      string          `json:"emOptInStatus,omitempty"`
	Notes              json.RawMessage `json:"notes"`
	SignOn             json.RawMessage `json:"signOn,omitempty"`
	OAuthClient        *OAuthClient    `json:"oauthClient"`
}

// OAuthClient is settings.oauthClient.
type OAuthClient struct {
	ClientURI       *string         `json:"client_uri"`
	LogoURI         *string         `json:"logo_uri"`
	TosURI          *string         `json:"tos_uri,omitempty"`
	PolicyURI       *string         `json:"policy_uri,omitempty"`
	RedirectURIs    []string        `json:"redirect_uris,omitempty"`
	LogoutURIs      []string        `json:"post_logout_redirect_uris,omitempty"`
	ResponseTypes   []string        `json:"response_types,omitempty"`
	GrantTypes      []string        `json:"grant_types"`
	InitiateURI     *string         `json:"initiate_login_uri,omitempty"`
	ApplicationType string          `json:"application_type"`
	ConsentMethod   string          `json:"consent_method"`
	IssuerMode      string          `json:"issuer_mode"`
	Wildcard        string          `json:"wildcard_redirect,omitempty"`
	IDPInitiated    json.RawMessage `json:"idp_initiated_login,omitempty"`
	RefreshToken    *RefreshSetting `json:"refresh_token,omitempty"`
	JWKS            *JWKS           `json:"jwks,omitempty"`
	JWKSURI         string          `json:"jwks_uri,omitempty"`
	DPoPBound       bool            `json:"dpop_bound_access_tokens"`
	FrontLogoutURI  *string         `json:"frontchannel_logout_uri,omitempty"`
	ParticipateSLO  *bool           `json:"participate_slo,omitempty"`
	NetworkLimits   json.RawMessage `json:"network,omitempty"`
}

// RefreshSetting is how refresh tokens rotate.
type RefreshSetting struct {
	RotationType string `json:"rotation_type"`
	Leeway       *int   `json:"leeway,omitempty"`
}

// JWKS are public keys.
type JWKS struct {
	Keys []json.RawMessage `json:"keys"`
}

// App is an application with what the API keeps beside it.
type App struct {
	AppObject
	Secrets      []*Secret          `json:"secrets,omitempty"`
	Groups       []*GroupAssignment `json:"assignedGroups,omitempty"`
	Users        []*UserAssignment  `json:"assignedUsers,omitempty"`
	Grants       []*ScopeGrant      `json:"scopeGrants,omitempty"`
	Roles        []*AdminRole       `json:"adminRoles,omitempty"`
	SignOnPolicy string             `json:"signOnPolicy"`
	// GroupsClaim is the org authorization server's groups claim, which is set on the application.
	GroupsClaim *IDTokenClaim `json:"groupsClaim,omitempty"`
}

// IDTokenClaim is what the console's "OpenID Connect ID Token" box writes; camelCase, unlike an authorization server's claim.
type IDTokenClaim struct {
	ValueType       string `json:"valueType"`
	GroupFilterType string `json:"groupFilterType"`
	IssuerMode      string `json:"issuerMode,omitempty"`
	Name            string `json:"name"`
	Value           string `json:"value"`
}

// ClientID is credentials.oauthClient.client_id.
func (a *App) ClientID() string { return a.Credentials.OAuthClient.ClientID }

// AuthMethod is how the client proves itself.
func (a *App) AuthMethod() string { return a.Credentials.OAuthClient.AuthMethod }

// OAuth are the client's settings.
func (a *App) OAuth() *OAuthClient { return a.Settings.OAuthClient }

// Type is web, native, browser or service.
func (a *App) Type() string { return a.OAuth().ApplicationType }

// PKCERequired tells whether an authorize request needs a challenge.
func (a *App) PKCERequired() bool { return isTrue(a.Credentials.OAuthClient.PKCERequired) }

// RotatesRefresh tells whether every refresh gives a new refresh token.
func (a *App) RotatesRefresh() bool {
	return a.OAuth().RefreshToken != nil && a.OAuth().RefreshToken.RotationType == rotate
}

// Leeway is how long a rotated refresh token is still taken.
func (a *App) Leeway() time.Duration {
	r := a.OAuth().RefreshToken
	if r == nil || r.Leeway == nil {
		return defaultLeeway * time.Second
	}
	return time.Duration(*r.Leeway) * time.Second
}

// NeedsSecret tells whether the client proves itself with a secret.
func (a *App) NeedsSecret() bool {
	return slices.Contains([]string{AuthBasic, AuthPost, AuthJWT}, a.AuthMethod())
}

func isTrue(b *bool) bool { return b != nil && *b }

// App finds an application by id.
func (w *World) App(id string) (*App, error) {
	if a := find(w.Apps, func(a *App) bool { return a.ID == id }); a != nil {
		return a, nil
	}
	return nil, NotFound(id, appKind)
}

// Client finds an active application by client id, or nil. It is a copy, which may be read without the lock.
func (w *World) Client(clientID string) *App {
	a := find(w.Apps, func(a *App) bool { return a.ClientID() == clientID && a.Status == Active })
	if a == nil {
		return nil
	}
	seen := *a
	return &seen
}

func (w *World) anyClient(clientID string) *App {
	return find(w.Apps, func(a *App) bool { return a.ClientID() == clientID })
}

// CreateApp registers an application and its first secret.
func (w *World) CreateApp(in AppObject, activate bool) (*App, error) {
	now := w.Now()
	in.ID, in.Created, in.LastUpdated, in.Status = w.newID("0oa"), now, now, Active
	if !activate {
		in.Status = Inactive
	}
	if in.Credentials.OAuthClient.ClientID == "" {
		in.Credentials.OAuthClient.ClientID = in.ID
	}
	secret := in.Credentials.OAuthClient.ClientSecret
	a := &App{AppObject: in, SignOnPolicy: w.SignOnPolicies[0].ID}
	if err := w.checkApp(&a.AppObject, nil); err != nil {
		return nil, err
	}
	a.ORN = "orn:okta:idp:" + w.OrgID + ":apps:oidc_client:" + a.ID
	if a.NeedsSecret() {
		if secret == "" {
			secret = w.newSecret()
		}
		a.Secrets = []*Secret{w.secretOf(secret)}
	}
	w.Apps = append(w.Apps, a)
	w.Note("app.oauth2.client.lifecycle.create", "", nil, ClientTarget(a))
	return a, nil
}

// ReplaceApp is a full replace: what the client leaves out is reset, but for what only Okta sets.
func (w *World) ReplaceApp(a *App, in AppObject) error {
	in.ID, in.ORN, in.Created, in.Status, in.LastUpdated = a.ID, a.ORN, a.Created, a.Status, w.Now()
	creds := &in.Credentials.OAuthClient
	if creds.ClientID == "" {
		creds.ClientID = a.ClientID()
	}
	secret := creds.ClientSecret
	if err := w.checkApp(&in, a); err != nil {
		return err
	}
	a.AppObject = in
	switch {
	case !a.NeedsSecret():
	case len(a.Secrets) == 0:
		if secret == "" {
			secret = w.newSecret()
		}
		a.Secrets = []*Secret{w.secretOf(secret)}
	case secret != "" && !a.HasSecret(secret):
		a.Secrets[0] = w.secretOf(secret)
	}
	return nil
}

// SetAppStatus activates or deactivates.
func (w *World) SetAppStatus(a *App, to Status) error {
	a.Status, a.LastUpdated = to, w.Now()
	verb := "activate"
	if to == Inactive {
		verb = "deactivate"
	}
	w.Note("app.oauth2.client.lifecycle."+verb, "", nil, ClientTarget(a))
	return nil
}

// DeleteApp removes an application that is INACTIVE.
func (w *World) DeleteApp(a *App) error {
	if a.Status != Inactive {
		return &Error{Status: 403, Code: "E0000056", Summary: "Delete application forbidden.", Causes: []string{"The application must be deactivated before it can be deleted."}}
	}
	w.Apps = without(w.Apps, a)
	w.Note("app.oauth2.client.lifecycle.delete", "", nil, ClientTarget(a))
	return nil
}

// SetGroupsClaim sets the org authorization server's groups claim for an application.
func (w *World) SetGroupsClaim(a *App, in IDTokenClaim) error {
	if in.ValueType == "NONE" {
		a.GroupsClaim = nil
		return nil
	}
	var c checks
	c.that(in.Name != "", "name", blank)
	c.atMost(255, "name", in.Name)
	c.that(!w.reserved(ClaimIdentity, in.Name), "name", "'"+in.Name+"' is a reserved claim name")
	c.that(in.ValueType == ValueGroups || in.ValueType == ValueExpression, "valueType", "must be GROUPS or EXPRESSION")
	if in.ValueType == ValueGroups {
		_, err := compileFilter(in.GroupFilterType, in.Value)
		c.that(err == nil, "groupFilterType", "the filter is not valid")
	}
	if in.IssuerMode == "" {
		in.IssuerMode = a.OAuth().IssuerMode
	}
	if err := c.err(); err != nil {
		return err
	}
	a.GroupsClaim, a.LastUpdated = &in, w.Now()
	return nil
}
