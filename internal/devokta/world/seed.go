package world

import (
	"encoding/json"
	"slices"
	"time"
)

const (
	// Audience is what the access tokens are for: the guide's sts.iam.tokenValidation.aud.
	Audience = "api://procivis-one"
	// FreshAudience is what Okta gives every org's default authorization server.
	FreshAudience = "api://default"
	// Password is everybody's.
	Password = "portico-dev"
	// WebLabel is the guide's web application, CLIClient the command line's client id, SetupLabel the service application
	// that may use the Management API.
	WebLabel   = "Procivis One"
	CLIClient  = "acme-cli"
	SetupLabel = "Portico setup"
	// APIScope is the scope of machine clients, RolesFilter the roles claim's.
	APIScope    = "one.api"
	RolesFilter = `^(ONE_.*|Acme .*)$`
	BootGroup   = "ONE_STS_ADMIN"
)

// Seed is what a new org is made of.
type Seed struct {
	Profile string
	// Redirects and Logouts are the web application's.
	Redirects, Logouts []string
	// SetupKey is the setup application's public key as a JWK.
	SetupKey json.RawMessage
	Now      func() time.Time
	Random   func(n int) []byte
}

type seedPerson struct {
	login, given, family string
	groups               []string
	unassigned           bool
}

// people: the first is the org's administrator.
var people = []seedPerson{
	{login: "ada@acme.test", given: "Ada", family: "Admin", groups: []string{BootGroup}},
	{login: "ivan@acme.test", given: "Ivan", family: "Issuer", groups: []string{"Acme Issuance"}},
	{login: "vera@acme.test", given: "Vera", family: "Verifier", groups: []string{"Acme Verification"}},
	{login: "otto@acme.test", given: "Otto", family: "Auditor", groups: []string{"Acme Audit", "Acme Verification"}},
	{login: "nora@acme.test", given: "Nora", family: "Nobody"},
	{login: "uma@acme.test", given: "Uma", family: "Unassigned", groups: []string{"Acme Audit"}, unassigned: true},
}

// services are the machine clients and the role each is given.
var services = []struct{ id, role string }{{"acme-batch", "Acme Batch"}, {"acme-wrpr", "Acme WRPR"}}

// New makes an org. Every id is derived from a name, so that it is the same in every process and every data folder; only
// keys, secrets and tokens are random.
func New(s Seed) *World {
	w := &World{Profile: s.Profile, OrgID: ID("00o", "acme"), Company: "Acme", SignOnPolicies: []*SignOnPolicy{
		{ID("rst", "default"), "Any two factors"}, {ID("rst", "password"), "Password only"},
	}}
	w.Attach(s.Now, s.Random)
	w.Created = w.Now()
	w.seedPeople()
	w.AddAPIToken("Portico setup", SuperAdmin, Time{})
	if s.Profile != FreshFree {
		w.seedApps(s)
	}
	if w.HasAuthorizationServers() {
		w.seedServer()
	}
	return w
}

func (w *World) seedPeople() {
	w.Groups = []*Group{w.newGroup(ID("00g", everyoneName), GroupProfile{everyoneName, "All users in your organization"}, BuiltInGroup)}
	for _, p := range people {
		u := w.AddPerson(p.login, p.given, p.family, "")
		groups := p.groups
		if w.Profile == FreshFree { // nobody heard of Portico
			groups = slices.DeleteFunc(slices.Clone(groups), func(name string) bool { return name == BootGroup })
		}
		must(w.SetGroups(u, groups))
	}
	w.Admin = w.Users[0].ID
}

func (w *World) seedApps(s Seed) {
	pkce, leeway := true, defaultLeeway
	person := func(label, clientID, kind, auth string, redirects, logouts []string) *App {
		return w.seedApp(label, AppObject{
			Credentials: AppCredentials{OAuthClient: ClientCredentials{ClientID: clientID, AuthMethod: auth, PKCERequired: &pkce}},
			Settings: AppSettings{OAuthClient: &OAuthClient{
				ApplicationType: kind, GrantTypes: []string{GrantCode, GrantRefresh}, ResponseTypes: []string{"code"},
				RedirectURIs: redirects, LogoutURIs: logouts, RefreshToken: &RefreshSetting{rotate, &leeway},
			}},
		})
	}
	web := person(WebLabel, ID("0oa", WebLabel), AppWeb, AuthBasic, s.Redirects, s.Logouts)
	cli := person("Acme CLI", CLIClient, AppNative, AuthNone, []string{"http://localhost/callback"}, nil)
	web.GroupsClaim = &IDTokenClaim{ValueType: ValueGroups, GroupFilterType: FilterRegex, IssuerMode: IssuerOrg, Name: "groups", Value: RolesFilter}
	for i, p := range people {
		if !p.unassigned {
			w.AssignUser(web, w.Users[i])
			w.AssignUser(cli, w.Users[i])
		}
	}
	service := func(label, clientID, auth string, keys *JWKS) *App {
		return w.seedApp(label, AppObject{
			Credentials: AppCredentials{OAuthClient: ClientCredentials{ClientID: clientID, AuthMethod: auth}},
			Settings: AppSettings{OAuthClient: &OAuthClient{
				ApplicationType: AppService, GrantTypes: []string{GrantClient}, ResponseTypes: []string{"token"}, JWKS: keys,
			}},
		})
	}
	for _, x := range services {
		service(x.role, x.id, AuthBasic, nil)
	}
	setup := service(SetupLabel, ID("0oa", SetupLabel), AuthKey, &JWKS{[]json.RawMessage{s.SetupKey}})
	w.Empower(setup, SuperAdmin, OrgScopes()...)
}

// Empower gives a service application a role and scopes of the Management API.
func (w *World) Empower(a *App, role string, scopes ...string) {
	for _, scope := range scopes {
		_, err := w.GrantScope(a, ScopeGrant{ScopeID: scope, Issuer: "org"})
		must(err)
	}
	if role != "" {
		_, err := w.AssignRole(a, role)
		must(err)
	}
}

// seedApp goes the way of every application, but for the checks and with ids that don't change: an org whose web
// application has no redirect URI yet is possible here.
func (w *World) seedApp(label string, in AppObject) *App {
	in.Label, in.Name, in.SignOnMode = label, "oidc_client", "OPENID_CONNECT"
	in.ID, in.Status, in.Created, in.LastUpdated = ID("0oa", label), Active, w.Now(), w.Now()
	in.ORN = "orn:okta:idp:" + w.OrgID + ":apps:oidc_client:" + in.ID
	w.appDefaults(&in)
	a := &App{AppObject: in, SignOnPolicy: w.SignOnPolicies[0].ID}
	if a.NeedsSecret() {
		a.Secrets = []*Secret{w.secretOf(w.newSecret())}
	}
	w.Apps = append(w.Apps, a)
	return a
}

// seedServer makes the default authorization server: empty in a fresh org, set up for Portico in the others.
func (w *World) seedServer() {
	id := ID("aus", defaultName)
	s := &Server{ServerObject: ServerObject{
		ID: id, Name: defaultName, Description: "Default Authorization Server for your Applications", Audiences: []string{FreshAudience},
		IssuerMode: IssuerDynamic, Status: Active, Created: w.Now(), LastUpdated: w.Now(), Default: true,
		Credentials: ServerCredentials{ServerSigning{RotationMode: RotateManual, LastRotated: w.Now()}},
	}}
	s.Scopes, s.Claims = systemScopes(id), systemClaims(id)
	w.Servers = append(w.Servers, s)
	if w.Profile == FreshFree {
		return
	}
	s.Audiences = []string{Audience}
	s.Scopes = append(s.Scopes, &Scope{
		ID: ID("scp", id, APIScope), Name: APIScope, Consent: consentImplicit, Metadata: publishAll, APIResourceID: json.RawMessage("null"),
	})
	s.Claims = append(s.Claims, &Claim{
		ID: ID("ocl", id, ClaimResource, "roles"), Name: "roles", Status: Active, ClaimType: ClaimResource, ValueType: ValueGroups,
		Filter: FilterRegex, Value: RolesFilter, Always: true, Conditions: ClaimConditions{[]string{}}, APIResourceID: json.RawMessage("null"),
	})
	w.seedPolicies(s)
}

// seedPolicies: one dedicated policy per application or family of applications, as okta.md advises. Machine clients are in
// no group, and a claim's name can be used only once, so their roles come from a token inline hook.
func (w *World) seedPolicies(s *Server) {
	hook := &Hook{ID: ID("cal", "roles"), Name: "Roles of machine clients", Claim: "roles"}
	var ids, pairs []string
	for _, x := range services {
		ids, pairs = append(ids, x.id), append(pairs, x.id, x.role)
	}
	hook.Value = ClientRoles(pairs...)
	s.Hooks = []*Hook{hook}
	everybody := &RulePeople{Groups: &People{Include: []string{Everyone}}}
	w.seedPolicy(s, WebLabel, []string{ID("0oa", WebLabel)}, WebLabel+" sign-in", GrantCode, anyScope, everybody, nil)
	w.seedPolicy(s, "Acme CLI", []string{CLIClient}, "Acme CLI sign-in", GrantCode, anyScope, everybody, nil)
	w.seedPolicy(s, "Acme services", ids, "Acme services", GrantClient, APIScope, nil, &HookRef{hook.ID})
}

func (w *World) seedPolicy(s *Server, name string, clients []string, ruleName, grant, scope string, who *RulePeople, hook *HookRef) {
	p, err := w.CreatePolicy(s, PolicyObject{Name: name, Conditions: PolicyConditions{&Include{clients}}})
	must(err)
	r, err := w.CreateRule(s, p, Rule{
		Name: ruleName, Conditions: RuleConditions{People: who, GrantTypes: &Include{[]string{grant}}, Scopes: &Include{[]string{scope}}},
		Actions: RuleActions{TokenAction{InlineHook: hook}},
	})
	must(err)
	p.ID, r.ID = ID("00p", name), ID("0pr", ruleName)
}

// must is for the seed only, which is made of constants.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// AllowRedirects adds addresses to the web application's: a Portico that moved to another port is still the same one.
func (w *World) AllowRedirects(redirects, logouts []string) {
	a, err := w.App(ID("0oa", WebLabel))
	if err != nil {
		return
	}
	o := a.OAuth()
	o.RedirectURIs, o.LogoutURIs = union(o.RedirectURIs, redirects), union(o.LogoutURIs, logouts)
}

func union(list, more []string) []string {
	out := slices.Clone(list)
	for _, s := range more {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// OrgServer is the org authorization server: fixed scopes and claims, every application, every person who is assigned.
func (w *World) OrgServer(base string) *Server {
	const id = "org"
	s := &Server{ServerObject: ServerObject{
		ID: id, Name: id, Audiences: []string{base}, Issuer: base, IssuerMode: IssuerDynamic, Status: Active,
	}, Org: true, Scopes: systemScopes(id), Claims: systemClaims(id)}
	s.Scopes = slices.DeleteFunc(s.Scopes, func(x *Scope) bool { return x.Name == "device_sso" })
	s.Scopes = append(s.Scopes, &Scope{ID: ID("scp", id, ScopeGroups), Name: ScopeGroups, System: true, Consent: consentImplicit, Metadata: publishAll})
	rule := &Rule{
		Status: Active, Priority: 1, Name: id, Conditions: RuleConditions{
			People:     &RulePeople{Groups: &People{Include: []string{Everyone}}},
			GrantTypes: &Include{ruleGrants}, Scopes: &Include{[]string{anyScope}},
		},
		Actions: RuleActions{TokenAction{AccessMinutes: defaultAccess, RefreshMinutes: 90 * 24 * 60, WindowMinutes: 90 * 24 * 60}},
	}
	s.Policies = []*Policy{{
		PolicyObject: PolicyObject{Status: Active, Priority: 1, Conditions: PolicyConditions{&Include{[]string{AllClients}}}}, Rules: []*Rule{rule},
	}}
	return s
}

// IsSeedService tells whether a client id is one of the machine clients of a new org.
func IsSeedService(clientID string) bool {
	for _, x := range services {
		if x.id == clientID {
			return true
		}
	}
	return false
}
