package devokta

import (
	"slices"
)

// maxClaimGroups is Okta's limit of groups in one claim.
const maxClaimGroups = 100

// newClaim gives the claim its id and compiles its filter.
func newClaim(c claim) (*claim, error) {
	c.ID = oktaID("ocl", c.Type, c.Name, c.ValueType, c.Value, join(c.Static))
	c.Status = active
	if c.ValueType == valueGroups {
		match, err := compileFilter(c.Filter, c.Value)
		if err != nil {
			return nil, err
		}
		c.match = match
	}
	return &c, nil
}

// claimInput is what a token or an answer is filled for.
type claimInput struct {
	Type     string // IDENTITY or RESOURCE
	ClientID string
	User     *user // nil for client_credentials
	Groups   []*group
	Scopes   []string
	// Thin drops what is not alwaysIncludeInToken: an ID token that travels with an access token.
	Thin bool
}

// claimsFor evaluates the server's claims. A claim without a value is left out, never null or empty (okta.md 0.4).
func (as *authServer) claimsFor(in claimInput) (map[string]any, *refusal) {
	out := map[string]any{}
	for _, c := range as.Claims {
		if !c.applies(in) {
			continue
		}
		value, refused := c.value(in, as.LimitGroups)
		if refused != nil {
			return nil, refused
		}
		if value != nil {
			out[c.Name] = value
		}
	}
	return out, nil
}

func (c *claim) applies(in claimInput) bool {
	if c.Status != active || c.Type != in.Type || in.Thin && !c.Always {
		return false
	}
	if len(c.Scopes) == 0 {
		return true
	}
	return slices.ContainsFunc(c.Scopes, func(s string) bool { return slices.Contains(in.Scopes, s) })
}

func (c *claim) value(in claimInput, limit bool) (any, *refusal) {
	switch c.ValueType {
	case valueGroups:
		return c.groupNames(in.Groups, limit)
	case valueStatic:
		if in.User == nil && slices.Contains(c.Clients, in.ClientID) {
			return c.Static, nil
		}
		return nil, nil
	case valueSystem:
		if in.User == nil {
			return nil, nil
		}
		return systemClaim(c.Name, in.User), nil
	}
	return nil, refuse(errUserClaim, c.Name)
}

func (c *claim) groupNames(groups []*group, limit bool) (any, *refusal) {
	var names []string
	for _, g := range groups {
		if c.match(g.Name) {
			names = append(names, g.Name)
		}
	}
	if limit && len(names) > maxClaimGroups {
		return nil, refuse(errTooManyGroups)
	}
	if names == nil {
		return nil, nil // an untyped nil, so that the claim is dropped
	}
	return names, nil
}

// systemClaim reads a standard claim off the profile.
func systemClaim(name string, u *user) any {
	switch name {
	case "name":
		return u.name()
	case "preferred_username", "email":
		return u.Login
	case "given_name":
		return u.Given
	case "family_name":
		return u.Family
	case "email_verified":
		return true
	case "locale":
		return "en_US"
	case "zoneinfo":
		return "America/Los_Angeles" // Okta's default for every user
	case "updated_at":
		return u.Updated.Unix()
	}
	return nil
}
