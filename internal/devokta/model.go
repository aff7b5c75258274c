package devokta

import (
	"cmp"
	"slices"
	"time"
)

// Status is the life-cycle state every Okta resource carries.
type Status string

const (
	active   Status = "ACTIVE"
	inactive Status = "INACTIVE"
)

type user struct {
	ID, Login, Password string
	Given, Family       string
	Status              Status
	Updated             time.Time
	groups              map[string]bool // group ids, without Everyone
}

func (u *user) name() string { return u.Given + " " + u.Family }

// Group types as in Okta; Everyone is the only BUILT_IN group and holds every user implicitly.
const (
	oktaGroup    = "OKTA_GROUP"
	builtInGroup = "BUILT_IN"
	everyone     = "EVERYONE" // how a rule or an assignment names the Everyone group
)

type group struct {
	ID, Name, Type string
}

// Application types and grant names as in Okta's settings.oauthClient.
const (
	appWeb     = "web"
	appNative  = "native"
	appService = "service"

	grantCode    = "authorization_code"
	grantRefresh = "refresh_token"
	grantClient  = "client_credentials"

	authNone   = "none"
	authSecret = "client_secret_basic" // Okta takes the secret by Basic or by body alike
)

type application struct {
	ID, ClientID, Label, Type string
	Secret                    string
	AuthMethod                string
	Status                    Status
	GrantTypes                []string
	ResponseTypes             []string
	RedirectURIs              []string
	LogoutURIs                []string
	PKCERequired              bool
	RotateRefresh             bool
	Leeway                    time.Duration
	Assigned                  assignment
}

// assignment says who may use an application: users directly, or by group id (or EVERYONE).
type assignment struct {
	Users, Groups map[string]bool
}

type scope struct {
	ID, Name  string
	System    bool
	Default   bool
	Published bool // metadataPublish: ALL_CLIENTS
}

// Claim types, value types and filter kinds, spelled as Okta's API spells them.
const (
	claimIdentity = "IDENTITY"
	claimResource = "RESOURCE"

	valueGroups = "GROUPS"
	valueSystem = "SYSTEM"
	// valueStatic is ours alone: a constant for the clients in Claim.Clients when no user is involved.
	valueStatic = "STATIC"

	filterStartsWith = "STARTS_WITH"
	filterEquals     = "EQUALS"
	filterContains   = "CONTAINS"
	filterRegex      = "REGEX"
)

type claim struct {
	ID, Name, Type, ValueType string
	Value                     string   // the group filter's operand
	Filter                    string   // filter kind, GROUPS only
	Static                    []string // STATIC only
	Clients                   []string // STATIC only: client ids
	Scopes                    []string // empty = any scope
	Always                    bool     // alwaysIncludeInToken
	Status                    Status
	match                     groupFilter // compiled from Filter and Value
}

const anyClient = "ALL_CLIENTS"

// anyScope in a rule lets every configured scope pass.
const anyScope = "*"

type accessPolicy struct {
	ID, Name string
	Priority int
	Status   Status
	Clients  []string // client ids or ALL_CLIENTS
	Rules    []rule
}

type rule struct {
	ID, Name       string
	Priority       int
	Status         Status
	Groups         people
	Users          people
	GrantTypes     []string
	Scopes         []string
	AccessLifetime time.Duration
	// RefreshLifetime 0 = unlimited; RefreshWindow ends a refresh token that is not used.
	RefreshLifetime, RefreshWindow time.Duration
}

type people struct {
	Include, Exclude []string // ids; EVERYONE for groups
}

type authServer struct {
	ID, Name, Issuer, Audience string
	Status                     Status
	Scopes                     []scope
	Claims                     []*claim
	Policies                   []accessPolicy
	// LimitGroups makes a claim that matches more than 100 groups fail, as Okta documents it.
	LimitGroups bool
}

func (as *authServer) scope(name string) (scope, bool) {
	for _, s := range as.Scopes {
		if s.Name == name {
			return s, true
		}
	}
	return scope{}, false
}

// org is the whole world. It is guarded by Server.mu.
type org struct {
	ID     string
	Users  []*user
	Groups []*group
	Apps   []*application
	Server *authServer
}

func (o *org) app(clientID string) *application {
	for _, a := range o.Apps {
		if a.ClientID == clientID && a.Status == active {
			return a
		}
	}
	return nil
}

func (o *org) userByID(id string) *user {
	for _, u := range o.Users {
		if u.ID == id {
			return u
		}
	}
	return nil
}

// userByLogin ignores case, as Okta does.
func (o *org) userByLogin(login string) *user {
	login = normalLogin(login)
	for _, u := range o.Users {
		if normalLogin(u.Login) == login {
			return u
		}
	}
	return nil
}

func (o *org) groupByName(name string) *group {
	for _, g := range o.Groups {
		if g.Name == name {
			return g
		}
	}
	return nil
}

// groupsOf lists the user's groups by name, Everyone included.
func (o *org) groupsOf(u *user) []*group {
	if u == nil {
		return nil
	}
	var out []*group
	for _, g := range o.Groups {
		if g.Type == builtInGroup || u.groups[g.ID] {
			out = append(out, g)
		}
	}
	slices.SortFunc(out, func(a, b *group) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// assigned tells whether the user may use the application at all.
func (o *org) assigned(a *application, u *user) bool {
	if a.Assigned.Users[u.ID] || a.Assigned.Groups[everyone] {
		return true
	}
	for id := range u.groups {
		if a.Assigned.Groups[id] {
			return true
		}
	}
	return false
}
