package okta

import "slices"

// Organisation is what the Management API tells about everything that a sign-in to Portico passes through. It was only read.
type Organisation struct {
	URL     string
	App     *AppFacts     // nil: not found
	ByLabel bool          // the application was found by its name only: nobody has the client id
	Servers []ServerFacts // all, without their parts
	Server  *ServerFacts  // the issuer's, with its parts; nil: not found
	Groups  []GroupFacts  // whose names resemble the bootstrap role, or that apply made for it
	User    *UserFacts    // nil: not asked for, or not found
	Events  []EventFacts  // refusals of the last hour, newest first
	Refused []*Error      // what could not be read
}

// AppFacts is an application.
type AppFacts struct {
	ID, ClientID, Label, Status, Kind string
	AuthMethod                        string
	RedirectURIs, LogoutURIs          []string
	GrantTypes, ResponseTypes         []string
	PKCE, DPoP                        bool
	Rotation                          string // of refresh tokens
	Leeway                            float64
	NoLeeway                          bool     // it is set to nothing
	Groups                            []string // ids of those that are assigned
	Assigned                          bool     // the looked-for user is
	Unused                            bool     // nobody is assigned
	SignOnPolicy                      string   // its name; "" = not read
}

// ServerFacts is an authorization server.
type ServerFacts struct {
	ID, Name, Issuer, IssuerMode, Status string
	Audiences                            []string
	Encrypts                             string // accessTokenEncryptedResponseAlgorithm; "" = none
	Policies                             []PolicyFacts
	Claims                               []ClaimFacts
	Scopes                               []string
}

// Path is where its resources are.
func (s *ServerFacts) Path() string { return serversPath + "/" + s.ID }

// PolicyFacts is an access policy, its rules in their order.
type PolicyFacts struct {
	ID, Name, Status string
	Clients          []string
	Rules            []RuleFacts
}

// Active tells whether it counts.
func (p *PolicyFacts) Active() bool { return p.Status == active }

// Covers tells whether it is for a client at all.
func (p *PolicyFacts) Covers(client string) bool {
	return slices.Contains(p.Clients, client) || slices.Contains(p.Clients, "ALL_CLIENTS")
}

// RuleFacts is a rule of an access policy.
type RuleFacts struct {
	ID, Name, Status string
	Grants, Scopes   []string
	Groups, NoGroups []string // ids, or EVERYONE
	Users, NoUsers   []string // ids
	AccessMinutes    float64
}

// Active tells whether it counts.
func (r *RuleFacts) Active() bool { return r.Status == active }

// ClaimFacts is a claim of an authorization server.
type ClaimFacts struct {
	ID, Name, Status string
	Type             string // IDENTITY or RESOURCE
	ValueType        string // GROUPS, EXPRESSION or SYSTEM
	Filter, Value    string
	Scopes           []string // empty: with any
	Always           bool
}

// Active tells whether it counts.
func (c *ClaimFacts) Active() bool { return c.Status == active }

// Lets tells whether a claim of groups lets a name through, and whether that can be said.
func (c *ClaimFacts) Lets(group string) (lets, judged bool) {
	if c.ValueType != "GROUPS" {
		return false, false
	}
	return admits(c.Filter, c.Value, group)
}

// Describe writes what the claim holds.
func (c *ClaimFacts) Describe() string {
	return describeClaim(object{"valueType": c.ValueType, "group_filter_type": c.Filter, "value": c.Value})
}

// GroupFacts is a group. Members are only counted where that was asked for.
type GroupFacts struct {
	ID, Name, Type string
	Active         int  // members who may sign in
	Made           bool // apply made it as the bootstrap group
}

// FromDirectory tells of a group that Okta imported: claims of the type GROUPS don't see it.
func (g *GroupFacts) FromDirectory() bool { return g.Type == "APP_GROUP" }

// UserFacts is a person and their groups.
type UserFacts struct {
	ID, Login, Status   string
	FirstName, LastName string
	Groups              []GroupFacts
}

// In tells whether the person is in a group of that id.
func (u *UserFacts) In(id string) bool {
	return slices.ContainsFunc(u.Groups, func(g GroupFacts) bool { return g.ID == id })
}

// EventFacts is an entry of the System Log.
type EventFacts struct {
	Type, Reason string
	Client       string
	RedirectURI  string // of a refused sign-in
	Claim, Cause string // of a claim that could not be evaluated
}

const active = "ACTIVE"

func appFacts(o object) AppFacts {
	pkce, _ := o.at("credentials.oauthClient.pkce_required").(bool)
	dpop, _ := o.at(clientPath + "dpop_bound_access_tokens").(bool)
	leeway, hasLeeway := o.at(clientPath + "refresh_token.leeway").(float64)
	return AppFacts{
		ID: o.id(), ClientID: o.text("credentials.oauthClient.client_id"), Label: o.text("label"), Status: o.text("status"),
		Kind: o.text(clientPath + "application_type"), AuthMethod: o.text("credentials.oauthClient.token_endpoint_auth_method"),
		RedirectURIs: o.texts(clientPath + "redirect_uris"), LogoutURIs: o.texts(clientPath + "post_logout_redirect_uris"),
		GrantTypes: o.texts(clientPath + "grant_types"), ResponseTypes: o.texts(clientPath + "response_types"),
		PKCE: pkce, DPoP: dpop,
		Rotation: o.text(clientPath + "refresh_token.rotation_type"), Leeway: leeway, NoLeeway: hasLeeway && leeway == 0,
	}
}

func serverFacts(o object) ServerFacts {
	return ServerFacts{
		ID: o.id(), Name: o.text("name"), Issuer: o.text("issuer"), IssuerMode: o.text("issuerMode"), Status: o.text("status"),
		Audiences: o.texts("audiences"), Encrypts: o.text("accessTokenEncryptedResponseAlgorithm"),
	}
}

func policyFacts(o object) PolicyFacts {
	return PolicyFacts{ID: o.id(), Name: o.text("name"), Status: o.text("status"), Clients: o.texts("conditions.clients.include")}
}

func ruleFacts(o object) RuleFacts {
	return RuleFacts{
		ID: o.id(), Name: o.text("name"), Status: o.text("status"),
		Grants: o.texts("conditions.grantTypes.include"), Scopes: o.texts("conditions.scopes.include"),
		Groups: o.texts("conditions.people.groups.include"), NoGroups: o.texts("conditions.people.groups.exclude"),
		Users: o.texts("conditions.people.users.include"), NoUsers: o.texts("conditions.people.users.exclude"),
		AccessMinutes: o.number("actions.token.accessTokenLifetimeMinutes"),
	}
}

func claimFacts(o object) ClaimFacts {
	always, _ := o.at("alwaysIncludeInToken").(bool)
	return ClaimFacts{
		ID: o.id(), Name: o.text("name"), Status: o.text("status"), Type: o.text("claimType"), ValueType: o.text("valueType"),
		Filter: o.text("group_filter_type"), Value: o.text("value"), Scopes: o.texts("conditions.scopes"), Always: always,
	}
}

func groupFacts(o object) GroupFacts {
	return GroupFacts{ID: o.id(), Name: o.text("profile.name"), Type: o.text("type")}
}

func userFacts(o object) UserFacts {
	return UserFacts{
		ID: o.id(), Login: o.text("profile.login"), Status: o.text("status"),
		FirstName: o.text("profile.firstName"), LastName: o.text("profile.lastName"),
	}
}

func eventFacts(o object) EventFacts {
	return EventFacts{
		Type: o.text("eventType"), Reason: clip(o.text("outcome.reason")), Client: o.text("actor.id"),
		RedirectURI: clip(o.text("debugContext.debugData.redirectUri")),
		Claim:       clip(o.text("debugContext.debugData.claim")), Cause: clip(o.text("debugContext.debugData.cause")),
	}
}

func (o object) number(path string) float64 {
	n, _ := o.at(path).(float64)
	return n
}
