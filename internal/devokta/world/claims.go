package world

import (
	"slices"
	"strings"
	"time"
)

// maxClaimGroups is Okta's limit of groups in one claim.
const maxClaimGroups = 100

// ClaimInput is what a token or an answer is filled for.
type ClaimInput struct {
	Type   string // IDENTITY or RESOURCE
	App    *App
	User   *User // nil for client_credentials
	Scopes []string
	// Thin drops what is not alwaysIncludeInToken: an ID token that travels with an access token.
	Thin bool
}

// Claims evaluates a server's claims. One that is null is left out (okta.md, 0.4).
func (w *World) Claims(s *Server, in ClaimInput) (map[string]any, *Refusal) {
	out := map[string]any{}
	groups := w.GroupsOf(in.User)
	for _, c := range s.claimsAt(in.App) {
		if !c.applies(in) {
			continue
		}
		value, refused := w.claimValue(c, in, groups)
		if refused != nil {
			return nil, refused
		}
		if value != nil {
			out[c.Name] = value
		}
	}
	return out, nil
}

// claimsAt are a server's claims. At the org's own there is one more, which is set on the application and needs the scope
// groups.
func (s *Server) claimsAt(a *App) []*Claim {
	if !s.Org || a == nil || a.GroupsClaim == nil {
		return s.Claims
	}
	g := a.GroupsClaim
	return append(slices.Clone(s.Claims), &Claim{
		Name: g.Name, Status: Active, ClaimType: ClaimIdentity, ValueType: g.ValueType, Filter: g.GroupFilterType, Value: g.Value, Always: true,
		Conditions: ClaimConditions{[]string{ScopeGroups}},
	})
}

func (c *Claim) applies(in ClaimInput) bool {
	if c.Status != Active || c.ClaimType != in.Type || in.Thin && !c.Always {
		return false
	}
	return len(c.Conditions.Scopes) == 0 || slices.ContainsFunc(c.Conditions.Scopes, func(s string) bool { return slices.Contains(in.Scopes, s) })
}

func (w *World) claimValue(c *Claim, in ClaimInput, groups []*Group) (any, *Refusal) {
	switch c.ValueType {
	case ValueGroups:
		return w.groupNames(c, groups)
	case ValueExpression:
		value, err := w.evaluate(c.Value, in, groups)
		if err != nil {
			w.Note("app.oauth2.as.evaluate.claim", UserClaimFailed.Reason, map[string]string{"claim": c.Name, "cause": err.Error()})
			return nil, Refuse(UserClaimFailed, c.Name)
		}
		return value, nil
	case ValueSystem:
		if in.User == nil {
			return nil, nil
		}
		return systemClaim(c.Name, in.User), nil
	}
	return nil, Refuse(SystemClaimFails, c.Name)
}

// groupNames sees Okta's own groups only; what a directory owns needs an expression.
func (w *World) groupNames(c *Claim, groups []*Group) (any, *Refusal) {
	match, err := compileFilter(c.Filter, c.Value)
	if err != nil {
		return nil, Refuse(UserClaimFailed, c.Name)
	}
	var names []string
	for _, g := range groups {
		if g.Type != AppGroup && match(g.Profile.Name) {
			names = append(names, g.Profile.Name)
		}
	}
	if !w.Switches.IgnoreGroupLimit && len(names) > maxClaimGroups {
		return nil, Refuse(TooManyGroups)
	}
	if names == nil {
		return nil, nil // an untyped nil, so that the claim is dropped
	}
	return names, nil
}

// systemClaim reads a standard claim off the profile.
func systemClaim(name string, u *User) any {
	text := func(s string) any {
		if s == "" {
			return nil
		}
		return s
	}
	switch name {
	case "name":
		return u.Name()
	case "preferred_username":
		return u.Login()
	case "email":
		return text(u.Profile.Email)
	case "given_name":
		return text(u.Profile.FirstName)
	case "family_name":
		return text(u.Profile.LastName)
	case "phone_number":
		if u.Profile.MobilePhone != nil {
			return text(*u.Profile.MobilePhone)
		}
	case "email_verified":
		return true
	case "locale":
		return "en_US"
	case "zoneinfo":
		return "America/Los_Angeles" // Okta's default for every user
	case "updated_at":
		return u.LastUpdated.Unix()
	}
	return nil
}

// Lifetime is how long the access tokens of a rule live.
func (w *World) Lifetime(r *Rule) time.Duration {
	if w.Switches.AccessLifetime > 0 {
		return w.Switches.AccessLifetime
	}
	return r.AccessLifetime()
}

// Hook is a token inline hook: a service of the customer's that Okta asks before it signs, and that may add to the access
// token. Its service is imitated by one expression.
type Hook struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Claim string `json:"claim"`
	Value string `json:"value"`
}

func (s *Server) hook(id string) *Hook {
	return find(s.Hooks, func(h *Hook) bool { return h.ID == id })
}

// ApplyHook lets the rule's inline hook change the access token's claims.
func (w *World) ApplyHook(s *Server, r *Rule, in ClaimInput, claims map[string]any) *Refusal {
	ref := r.Actions.Token.InlineHook
	if ref == nil {
		return nil
	}
	h := s.hook(ref.ID)
	if h == nil {
		return nil // Okta issues the token without the hook's help
	}
	value, err := w.evaluate(h.Value, in, w.GroupsOf(in.User))
	if err != nil {
		return Refuse(SystemClaimFails, h.Claim)
	}
	if value != nil {
		claims[h.Claim] = value
	}
	return nil
}

// ClientRoles writes an expression that gives each client a constant: id, value, id, value…
func ClientRoles(pairs ...string) string {
	var b strings.Builder
	for i := 0; i+1 < len(pairs); i += 2 {
		b.WriteString(`app.clientId == "` + pairs[i] + `" ? {"` + pairs[i+1] + `"} : `)
	}
	return b.String() + "null"
}
