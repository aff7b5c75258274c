package devokta

import "time"

const (
	// Audience is what the access tokens are for: the guide's sts.iam.tokenValidation.aud.
	Audience = "api://procivis-one"
	// Password is everybody's.
	Password = "portico-dev"

	rolesFilter = `^(ONE_.*|Acme .*)$`
	serverPath  = "/oauth2/default"
	cliClient   = "acme-cli"
	apiScope    = "one.api"
)

type seedUser struct {
	login, given, family string
	groups               []string
	unassigned           bool
}

var seedUsers = []seedUser{
	{login: "ada@acme.test", given: "Ada", family: "Admin", groups: []string{"ONE_STS_ADMIN"}},
	{login: "ivan@acme.test", given: "Ivan", family: "Issuer", groups: []string{"Acme Issuance"}},
	{login: "vera@acme.test", given: "Vera", family: "Verifier", groups: []string{"Acme Verification"}},
	{login: "otto@acme.test", given: "Otto", family: "Auditor", groups: []string{"Acme Audit", "Acme Verification"}},
	{login: "nora@acme.test", given: "Nora", family: "Nobody"},
	{login: "uma@acme.test", given: "Uma", family: "Unassigned", groups: []string{"Acme Audit"}, unassigned: true},
}

// seedService is a machine client and the role it is given.
type seedService struct{ id, role string }

var seedServices = []seedService{{"acme-batch", "Acme Batch"}, {"acme-wrpr", "Acme WRPR"}}

// seedOrg builds the world of design.md. Every id is derived from a name, so that it is the same in every
// process and every data directory; only keys and secrets are random.
func seedOrg(cfg Config, now time.Time) *org {
	o := &org{ID: oktaID("00o", "acme")}
	o.Groups = []*group{{ID: oktaID("00g", "Everyone"), Name: "Everyone", Type: builtInGroup}}
	for _, s := range seedUsers {
		u := o.addUser(s.login, s.given, s.family, now)
		o.setGroups(u, s.groups)
	}
	o.Apps = seedApps(cfg)
	for _, a := range o.Apps {
		if a.Type == appService {
			continue
		}
		for _, s := range seedUsers {
			if !s.unassigned {
				a.Assigned.Users[o.userByLogin(s.login).ID] = true
			}
		}
	}
	o.Server = seedServer(cfg, o)
	return o
}

func (o *org) addUser(login, given, family string, now time.Time) *user {
	u := &user{
		ID: oktaID("00u", normalLogin(login)), Login: login, Password: Password,
		Given: given, Family: family, Status: active, Updated: now,
	}
	o.Users = append(o.Users, u)
	return u
}

// setGroups replaces the user's groups, making those that do not exist yet.
func (o *org) setGroups(u *user, names []string) {
	u.groups = make(map[string]bool, len(names))
	for _, name := range names {
		g := o.groupByName(name)
		if g == nil {
			g = &group{ID: oktaID("00g", name), Name: name, Type: oktaGroup}
			o.Groups = append(o.Groups, g)
		}
		u.groups[g.ID] = true
	}
}

func newApp(clientID, label, kind string) *application {
	return &application{
		ID: oktaID("0oa", label), ClientID: clientID, Label: label, Type: kind,
		Status: active, AuthMethod: authSecret,
		Assigned: assignment{Users: map[string]bool{}, Groups: map[string]bool{}},
	}
}

func seedApps(cfg Config) []*application {
	web := newApp(oktaID("0oa", "Procivis One"), "Procivis One", appWeb)
	web.GrantTypes = []string{grantCode, grantRefresh}
	web.RedirectURIs, web.LogoutURIs = cfg.WebRedirectURIs, cfg.WebLogoutURIs

	cli := newApp(cliClient, "Acme CLI", appNative)
	cli.GrantTypes = []string{grantCode, grantRefresh}
	cli.AuthMethod = authNone
	cli.RedirectURIs = []string{"http://localhost/callback"}

	for _, a := range []*application{web, cli} {
		a.ResponseTypes = []string{"code"}
		a.PKCERequired, a.RotateRefresh, a.Leeway = true, true, 30*time.Second
	}
	apps := []*application{web, cli}
	for _, s := range seedServices {
		a := newApp(s.id, s.role, appService)
		a.GrantTypes = []string{grantClient}
		apps = append(apps, a)
	}
	return apps
}

func seedServer(cfg Config, o *org) *authServer {
	as := &authServer{
		ID: oktaID("aus", "default"), Name: "default", Issuer: cfg.PublicURL + serverPath, Audience: Audience,
		Status: active, LimitGroups: true,
	}
	for _, name := range []string{"openid", "profile", "email", "address", "phone", "offline_access", "device_sso"} {
		as.Scopes = append(as.Scopes, scope{ID: oktaID("scp", name), Name: name, System: true, Published: true})
	}
	as.Scopes = append(as.Scopes, scope{ID: oktaID("scp", apiScope), Name: apiScope, Published: true})
	as.Claims = seedClaims()
	as.Policies = seedPolicies(o)
	return as
}

// seedPolicies: one dedicated policy per application or family of applications, as okta.md advises.
func seedPolicies(o *org) []accessPolicy {
	var services []string
	for _, s := range seedServices {
		services = append(services, s.id)
	}
	return []accessPolicy{
		newPolicy("Procivis One", 1, []string{o.Apps[0].ClientID}, userRule("Procivis One sign-in")),
		newPolicy("Acme CLI", 2, []string{cliClient}, userRule("Acme CLI sign-in")),
		newPolicy("Acme services", 3, services, rule{
			Name: "Acme services", GrantTypes: []string{grantClient}, Scopes: []string{apiScope},
		}),
	}
}

func userRule(name string) rule {
	return rule{
		Name: name, Groups: people{Include: []string{everyone}},
		GrantTypes: []string{grantCode}, Scopes: []string{anyScope},
	}
}

func newPolicy(name string, priority int, clients []string, r rule) accessPolicy {
	r.ID, r.Priority, r.Status = oktaID("0pr", r.Name), 1, active
	r.AccessLifetime, r.RefreshWindow = time.Hour, 7*24*time.Hour
	return accessPolicy{
		ID: oktaID("00p", name), Name: name, Priority: priority, Status: active, Clients: clients, Rules: []rule{r},
	}
}

// seedClaims: the guide's roles claim, the services' constants, and the system claims of every
// authorization server. Always marks the few that stay in a thin ID token.
func seedClaims() []*claim {
	claims := []*claim{mustClaim(claim{
		Name: "roles", Type: claimResource, ValueType: valueGroups, Filter: filterRegex, Value: rolesFilter, Always: true,
	})}
	for _, s := range seedServices {
		claims = append(claims, mustClaim(claim{
			Name: "roles", Type: claimResource, ValueType: valueStatic, Static: []string{s.role}, Clients: []string{s.id}, Always: true,
		}))
	}
	for _, c := range []struct {
		name, scope string
		always      bool
	}{
		{"name", "profile", true},
		{"preferred_username", "profile", true},
		{"given_name", "profile", false},
		{"family_name", "profile", false},
		{"locale", "profile", false},
		{"zoneinfo", "profile", false},
		{"updated_at", "profile", false},
		{"email", "email", true},
		{"email_verified", "email", false},
	} {
		claims = append(claims, mustClaim(claim{
			Name: c.name, Type: claimIdentity, ValueType: valueSystem, Scopes: []string{c.scope}, Always: c.always,
		}))
	}
	return claims
}

// mustClaim is for the seed only, whose filters are constants.
func mustClaim(c claim) *claim {
	out, err := newClaim(c)
	if err != nil {
		panic(err)
	}
	return out
}
