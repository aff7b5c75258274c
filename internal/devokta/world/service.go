package world

import (
	"slices"
	"strings"
)

// ScopeGrant lets a service application ask for a scope of the Management API.
type ScopeGrant struct {
	ID          string `json:"id"`
	Issuer      string `json:"issuer"`
	ScopeID     string `json:"scopeId"`
	ClientID    string `json:"clientId"`
	Status      Status `json:"status"`
	Source      string `json:"source"`
	Created     Time   `json:"created"`
	LastUpdated Time   `json:"lastUpdated"`
}

// AdminRole is an administrator role of a service application.
type AdminRole struct {
	ID             string `json:"id"`
	Label          string `json:"label"`
	Type           string `json:"type"`
	Status         Status `json:"status"`
	Created        Time   `json:"created"`
	LastUpdated    Time   `json:"lastUpdated"`
	AssignmentType string `json:"assignmentType"`
}

// Administrator roles that can be assigned here.
const (
	SuperAdmin    = "SUPER_ADMIN"
	OrgAdmin      = "ORG_ADMIN"
	AppAdmin      = "APP_ADMIN"
	APIAdmin      = "API_ACCESS_MANAGEMENT_ADMIN"
	GroupAdmin    = "USER_ADMIN" // Okta's name for the Group Administrator
	ReadOnlyAdmin = "READ_ONLY_ADMIN"
)

// Areas of the Management API: what the scopes okta.{area}.read and okta.{area}.manage open.
const (
	AreaApps      = "apps"
	AreaServers   = "authorizationServers"
	AreaGroups    = "groups"
	AreaUsers     = "users"
	AreaAppGrants = "appGrants"
	AreaLogs      = "logs"
	AreaOrgs      = "orgs"
	AreaPolicies  = "policies"
	AreaRoles     = "roles"
)

// Areas lists them.
var Areas = []string{AreaApps, AreaServers, AreaGroups, AreaUsers, AreaAppGrants, AreaLogs, AreaOrgs, AreaPolicies, AreaRoles}

// roleAreas is what each role may change; every role may read everything here.
var roleAreas = map[string][]string{
	SuperAdmin:    Areas,
	OrgAdmin:      {AreaApps, AreaServers, AreaGroups, AreaUsers, AreaPolicies},
	AppAdmin:      {AreaApps, AreaPolicies},
	APIAdmin:      {AreaServers, AreaApps},
	GroupAdmin:    {AreaGroups, AreaUsers},
	ReadOnlyAdmin: {},
}

// OrgScopes are the scopes of the Management API.
func OrgScopes() []string {
	var out []string
	for _, area := range Areas {
		out = append(out, "okta."+area+".manage", "okta."+area+".read")
	}
	return out
}

// RoleAllows is the second gate: a scope is worth nothing without an administrator role.
func RoleAllows(roles []string, area string, write bool) bool {
	return slices.ContainsFunc(roles, func(role string) bool {
		areas, known := roleAreas[role]
		return known && (!write || slices.Contains(areas, area))
	})
}

// RoleTypes are the types of an application's roles.
func (a *App) RoleTypes() []string {
	var out []string
	for _, r := range a.Roles {
		out = append(out, r.Type)
	}
	return out
}

// Granted tells whether the application may ask for a scope.
func (a *App) Granted(scope string) bool {
	return slices.ContainsFunc(a.Grants, func(g *ScopeGrant) bool { return g.ScopeID == scope && g.Status == Active })
}

// GrantScope may be repeated.
func (w *World) GrantScope(a *App, in ScopeGrant) (*ScopeGrant, error) {
	var c checks
	c.that(slices.Contains(OrgScopes(), in.ScopeID), "scopeId", "'"+in.ScopeID+"' is not a scope of the Okta API")
	c.that(in.Issuer != "", "issuer", blank)
	if err := c.err(); err != nil {
		return nil, err
	}
	if have := find(a.Grants, func(g *ScopeGrant) bool { return g.ScopeID == in.ScopeID }); have != nil {
		return have, nil
	}
	g := &ScopeGrant{
		ID: w.newID("oag"), Issuer: strings.TrimSuffix(in.Issuer, "/"), ScopeID: in.ScopeID, ClientID: a.ClientID(), Status: Active,
		Source: "ADMIN", Created: w.Now(), LastUpdated: w.Now(),
	}
	a.Grants = append(a.Grants, g)
	return g, nil
}

// AssignRole gives a service application an administrator role.
func (w *World) AssignRole(a *App, kind string) (*AdminRole, error) {
	if _, ok := roleAreas[kind]; !ok {
		return nil, Invalid("type", "type: '"+kind+"' is not a role that this development Okta has")
	}
	if have := find(a.Roles, func(r *AdminRole) bool { return r.Type == kind }); have != nil {
		return nil, Conflict("The role specified is already assigned to the user.")
	}
	words := strings.Fields(strings.ToLower(strings.ReplaceAll(kind, "_", " ")))
	for i, word := range words {
		words[i] = strings.ToUpper(word[:1]) + word[1:]
	}
	r := &AdminRole{
		ID: w.newID("irb"), Label: strings.Join(words, " "), Type: kind, Status: Active, Created: w.Now(), LastUpdated: w.Now(), AssignmentType: "CLIENT",
	}
	a.Roles = append(a.Roles, r)
	return r, nil
}
