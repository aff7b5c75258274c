package world

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Claim types, value types and filter kinds, spelled as Okta's API spells them.
const (
	ClaimIdentity = "IDENTITY"
	ClaimResource = "RESOURCE"

	ValueGroups     = "GROUPS"
	ValueExpression = "EXPRESSION"
	ValueSystem     = "SYSTEM"

	FilterStartsWith = "STARTS_WITH"
	FilterEquals     = "EQUALS"
	FilterContains   = "CONTAINS"
	FilterRegex      = "REGEX"

	claimKind = "OAuth2Claim"
)

// Claim is a claim of an authorization server.
type Claim struct {
	ID            string          `json:"id"`
	Name          string          `json:"name"`
	Status        Status          `json:"status"`
	ClaimType     string          `json:"claimType"`
	ValueType     string          `json:"valueType"`
	Value         string          `json:"value,omitempty"` // SYSTEM claims have none
	Conditions    ClaimConditions `json:"conditions"`
	System        bool            `json:"system"`
	Always        bool            `json:"alwaysIncludeInToken"`
	APIResourceID json.RawMessage `json:"apiResourceId"`
	Filter        string          `json:"group_filter_type,omitempty"` // alone among camelCase
}

// ClaimConditions: no scopes means any.
type ClaimConditions struct {
	Scopes []string `json:"scopes"`
}

// Claim finds a claim by id.
func (s *Server) Claim(id string) (*Claim, error) {
	if x := find(s.Claims, func(x *Claim) bool { return x.ID == id }); x != nil {
		return x, nil
	}
	return nil, NotFound(id, claimKind)
}

// CreateClaim adds a claim.
func (w *World) CreateClaim(s *Server, in Claim) (*Claim, error) {
	in.ID, in.System = w.newID("ocl"), false
	if err := w.checkClaim(s, &in, nil); err != nil {
		return nil, err
	}
	s.Claims = append(s.Claims, &in)
	return &in, nil
}

// ReplaceClaim is a full replace. Of a SYSTEM claim, value type and name stay.
func (w *World) ReplaceClaim(s *Server, x *Claim, in Claim) error {
	in.ID, in.System = x.ID, x.System
	if x.System && (in.Name != x.Name || in.ClaimType != x.ClaimType) {
		return ErrPermission
	}
	if err := w.checkClaim(s, &in, x); err != nil {
		return err
	}
	*x = in
	return nil
}

// DeleteClaim removes a claim that is not Okta's own.
func (w *World) DeleteClaim(s *Server, x *Claim) error {
	if x.System {
		return ErrPermission
	}
	s.Claims = without(s.Claims, x)
	return nil
}

func (w *World) checkClaim(s *Server, in, self *Claim) error {
	var c checks
	if len(in.APIResourceID) == 0 {
		in.APIResourceID = json.RawMessage("null")
	}
	if in.Conditions.Scopes == nil {
		in.Conditions.Scopes = []string{}
	}
	c.statusOf(&in.Status)
	c.that(in.Name != "", "name", blank)
	c.that(len(in.Name) <= 255 && !strings.ContainsFunc(in.Name, func(r rune) bool { return r <= ' ' || r == 0x7f }), "name", "A claim name has no blanks")
	c.that(in.ClaimType == ClaimIdentity || in.ClaimType == ClaimResource, "claimType", "must be IDENTITY or RESOURCE")
	if self == nil || !self.System {
		c.that(!w.reserved(in.ClaimType, in.Name), "name", "'"+in.Name+"' is a reserved claim name")
	}
	other := find(s.Claims, func(x *Claim) bool { return x != self && x.Name == in.Name && x.ClaimType == in.ClaimType })
	c.that(other == nil, "name", duplicate)
	c.that(self != nil || len(s.Claims) < maxOfServer, "name", "this development Okta has no room for another claim")
	for _, name := range in.Conditions.Scopes {
		c.that(s.Scope(name) != nil, "conditions.scopes", "there is no scope '"+name+"'")
	}
	checkClaimValue(&c, in, self)
	// An access token has no thin form: its claims are always included.
	in.Always = in.Always || in.ClaimType == ClaimResource
	return c.err()
}

// checkClaimValue leaves expressions alone: Okta finds out at the token endpoint.
func checkClaimValue(c *checks, in, self *Claim) {
	switch in.ValueType {
	case ValueGroups:
		kinds := []string{FilterContains, FilterEquals, FilterRegex, FilterStartsWith}
		c.that(slices.Contains(kinds, in.Filter), "group_filter_type", "must be one of "+strings.Join(kinds, ", "))
		if slices.Contains(kinds, in.Filter) {
			_, err := compileFilter(in.Filter, in.Value)
			c.that(err == nil, "value", "the regular expression is not valid")
		}
	case ValueExpression:
		c.that(strings.TrimSpace(in.Value) != "", "value", blank)
		c.that(in.Filter == "", "group_filter_type", "is for the value type GROUPS only")
	case ValueSystem:
		c.that(self != nil && self.ValueType == ValueSystem, "valueType", "SYSTEM claims are Okta's own")
	default:
		c.that(false, "valueType", "must be EXPRESSION, GROUPS or SYSTEM")
	}
}

// Reserved names, by Okta's list (okta.md, section 3); the last line is what every token has besides.
var (
	reservedResource = strings.Fields("acr amr as_uri cid groups rpt rsi uid username aud exp iat scp auth_time cnf")
	reservedIdentity = strings.Fields(`active aid aud app_id app_type at_hash auth_time client_id client_ip client_req_id client_type
		client_user_agent cnf c_hash did dst group hotk idp idp_iss mac_key may_act nonce oid okta_emailVerified okta_lastUpdated
		orig permissions purpose pwd_exp_days pwd_exp_time rid role scope scopes sid sub term user_ip amr exp iat`)
	reservedBoth = strings.Fields("iss jti token_type ver")
)

func (w *World) reserved(claimType, name string) bool {
	if slices.Contains(reservedBoth, name) {
		return true
	}
	if claimType == ClaimIdentity {
		return slices.Contains(reservedIdentity, name) || strings.HasPrefix(name, "device_")
	}
	if name == "groups" && w.Switches.AllowGroupsClaim {
		return false
	}
	return slices.Contains(reservedResource, name)
}

// systemClaims exist in every authorization server. Always marks the few that stay in a thin ID token.
func systemClaims(server string) []*Claim {
	claims := []*Claim{{
		ID: ID("ocl", server, ClaimResource, "sub"), Name: "sub", Status: Active, ClaimType: ClaimResource, ValueType: ValueExpression,
		Value: `(appuser != null) ? appuser.userName : app.clientId`, System: true, Always: true,
		Conditions: ClaimConditions{[]string{}}, APIResourceID: json.RawMessage("null"),
	}}
	for _, c := range []struct {
		scope  string
		names  string
		always string
	}{
		{"profile", "name nickname preferred_username given_name middle_name family_name profile zoneinfo locale picture website gender birthdate updated_at", "name preferred_username"},
		{"email", "email email_verified", "email"},
		{"address", "address", ""},
		{"phone", "phone_number", ""},
	} {
		for name := range strings.FieldsSeq(c.names) {
			claims = append(claims, &Claim{
				ID: ID("ocl", server, ClaimIdentity, name), Name: name, Status: Active, ClaimType: ClaimIdentity, ValueType: ValueSystem, System: true,
				Always: slices.Contains(strings.Fields(c.always), name), Conditions: ClaimConditions{[]string{c.scope}}, APIResourceID: json.RawMessage("null"),
			})
		}
	}
	return claims
}

// groupFilter tells whether a group's name is in a GROUPS claim.
type groupFilter func(name string) bool

// compileFilter builds a filter of one of Okta's four kinds. A blank value includes all groups, as Okta's help has it.
// REGEX must match the whole name; Go's syntax stands for Java's, so a look-around is an error.
func compileFilter(kind, value string) (groupFilter, error) {
	if value == "" {
		return func(string) bool { return true }, nil
	}
	switch kind {
	case FilterStartsWith:
		return func(name string) bool { return strings.HasPrefix(name, value) }, nil
	case FilterEquals:
		return func(name string) bool { return name == value }, nil
	case FilterContains:
		return func(name string) bool { return strings.Contains(name, value) }, nil
	case FilterRegex:
		// Compiled alone first: "a)(b" must not become valid through our own parentheses.
		if _, err := regexp.Compile(value); err != nil {
			return nil, fmt.Errorf("group filter %q: %w", value, err)
		}
		whole, err := regexp.Compile(`\A(?:` + value + `)\z`)
		if err != nil {
			return nil, fmt.Errorf("group filter %q: %w", value, err)
		}
		return whole.MatchString, nil
	}
	return nil, fmt.Errorf("group filter kind %q is none of STARTS_WITH, EQUALS, CONTAINS, REGEX", kind)
}
